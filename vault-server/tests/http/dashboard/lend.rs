//! Check-outs in the browser: who has what, and where a password may stand.

use serde_json::json;

use super::Browser;
use crate::bench::Bench;
use crate::vault::seconds;

const BORROW: &str = r#"
    path "accounts/check-out/*" { capabilities = ["update"] }
    path "accounts/check-in/*" { capabilities = ["update"] }
    path "accounts/status/*" { capabilities = ["read", "list"] }
"#;

async fn borrower<'a>(bench: &'a Bench, name: &str, more: &str) -> Browser<'a> {
    bench.vault.policy(name, &format!("{BORROW}{more}")).await;
    let fields = json!({ "policies": [name, "default"], "display_name": name }).to_string();
    Browser::with_token(&bench.vault, &bench.vault.token(&fields).await).await
}

#[tokio::test]
async fn an_account_is_taken_seen_by_all_and_given_back_without_its_password_on_any_page() {
    let bench = Bench::new().await;
    bench.account("db/app", "p-1").await;
    let ada = borrower(&bench, "ada", r#"path "accounts/creds/*" { capabilities = ["read"] }"#).await;
    let eve = borrower(&bench, "eve", "").await;
    assert!(ada.get("/ui/checkouts").await.text.contains("Nobody has an account in hand."));
    let here = "/ui/checkout?account=db%2Fapp";
    let free = ada.get(here).await.text;
    assert!(free.contains("Nobody has it in hand.") && free.contains(">Check out</button>"), "{free}");
    assert!(ada.get("/ui/accounts").await.text.contains(&format!("href=\"{here}\">check out</a>")));

    let fields = [("account", "db/app"), ("reason", "a <b>reason"), ("ticket", "T-1"), ("ttl", "30m")];
    let taken = ada.post("/ui/checkouts/out", &fields).await;
    assert_eq!((taken.status, taken.headers.get("location").unwrap().to_str().unwrap()), (303, here));
    let password = bench.password("db/app").await;
    let mine = ada.get("/ui/checkouts").await.text;
    for text in ["<strong>you</strong>", "db/app", "in 30 min", "a &#60;b&#62;reason", "T-1", ">active<"] {
        assert!(mine.contains(text), "{text}: {mine}");
    }
    let held = ada.get(here).await.text;
    for text in ["Copy the password", "Show the password", ">Extend</button>", ">Check in</button>"] {
        assert!(held.contains(text), "{text}: {held}");
    }

    // Others see who has it, and no way to it.
    let others = eve.get("/ui/checkouts").await.text;
    assert!(others.contains("token-ada") && !others.contains("<strong>you</strong>"), "{others}");
    assert!(eve.get("/ui/checkouts?whose=mine").await.text.contains("No check-out fits."));
    let lease = bench.get("accounts/status/db/app").await.at("/data/holder/lease_id");
    let lease = lease.as_str().unwrap().to_owned();
    let seen = eve.get(here).await.text;
    assert!(!seen.contains(&lease) && !seen.contains(">Check in</button>") && !seen.contains(">Extend<"));
    let refused = eve.post("/ui/checkouts/out", &[("account", "db/app")]).await;
    assert_eq!(refused.status, 409);
    assert!(
        refused.text.contains("Nothing was done") && refused.text.contains("token-ada"),
        "{}",
        refused.text
    );
    assert!(eve.get(here).await.text.contains("<h2>Who waits</h2>"));
    assert_eq!(eve.post("/ui/checkouts/in", &[("account", "db/app")]).await.status, 403);

    bench.disk.clock.advance(seconds(600));
    let fields = [("account", "db/app"), ("lease_id", lease.as_str()), ("increment", "1h")];
    assert_eq!(ada.post("/ui/checkouts/extend", &fields).await.status, 303);
    assert!(ada.get(here).await.text.contains("in 1 h"));
    for page in [mine, held, others, seen, refused.text, ada.get(here).await.text] {
        assert!(!page.contains(&password), "{page}");
    }

    let back = ada.post("/ui/checkouts/in", &fields).await;
    assert_eq!(back.status, 200, "{}", back.text);
    assert!(back.text.contains("The target refuses the password that was handed out."), "{}", back.text);
    // The lease of before changes nothing.
    assert!(ada.post("/ui/checkouts/in", &fields).await.status >= 400);
    assert!(ada.post("/ui/checkouts/extend", &fields).await.status >= 400);
    assert_ne!(bench.password("db/app").await, password);
}

#[tokio::test]
async fn a_password_is_told_for_a_press_alone_and_to_who_may_have_it() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    let ada = borrower(&bench, "ada", r#"path "accounts/creds/*" { capabilities = ["read"] }"#).await;
    let eve = borrower(&bench, "eve", "").await;
    let reads = |path: &str| {
        let trail = std::fs::read_to_string(bench.disk.dir.path().join("audit.log")).unwrap();
        let asked = format!("\"path\":\"{path}\"");
        trail.lines().filter(|line| line.contains(&asked) && line.contains("\"response\"")).count()
    };

    // Who may not read it later is told at the check-out.
    let page = eve.get("/ui/checkout?account=app").await.text;
    assert!(page.contains("it is told now, and not again") && !page.contains("name=\"then\" value=\"\""));
    let copied = eve.post("/ui/checkouts/out", &[("account", "app"), ("then", "copy")]).await;
    assert_eq!(copied.status, 200, "{}", copied.text);
    let password = bench.password("app").await;
    assert_eq!((copied.at("/password"), copied.at("/username")), (json!(password), json!("app")));
    assert_eq!(copied.headers.get("cache-control").unwrap(), "no-store");
    assert_eq!(copied.headers.get("content-type").unwrap(), "application/json");
    let denied = eve.post("/ui/checkouts/password", &[("account", "app"), ("then", "show")]).await;
    assert!(denied.status == 403 && !denied.text.contains(&password), "{}", denied.text);
    let denied = eve.post("/ui/checkouts/password", &[("account", "app"), ("then", "copy")]).await;
    assert_eq!((denied.status, denied.at("/error").is_string()), (403, true), "{}", denied.text);
    let lease = bench.get("accounts/status/app").await.at("/data/holder/lease_id");
    let back = [("account", "app"), ("lease_id", lease.as_str().unwrap())];
    assert_eq!(eve.post("/ui/checkouts/in", &back).await.status, 200);

    let shown = ada.post("/ui/checkouts/out", &[("account", "app"), ("then", "show")]).await;
    let password = bench.password("app").await;
    assert!(shown.status == 200 && shown.text.contains(&password), "{}", shown.text);
    assert_eq!(shown.headers.get("cache-control").unwrap(), "no-store");
    let before = reads("accounts/creds/app");
    for (then, wants) in [("show", true), ("copy", true), ("", false)] {
        let read = ada.post("/ui/checkouts/password", &[("account", "app"), ("then", then)]).await;
        assert_eq!(read.text.contains(&password), wants, "{then}: {}", read.text);
    }
    assert_eq!(reads("accounts/creds/app"), before + 3, "each is a read");
    // A look is none, and a form of another place neither.
    assert_eq!(ada.get("/ui/checkouts/password?account=app&then=show").await.status, 404);
    let fields = [("account", "app"), ("then", "show")];
    let other = ada.send("/ui/checkouts/password", &fields, &super::OWN).await;
    assert!(other.status == 403 && !other.text.contains(&password), "{}", other.text);
    assert_eq!(reads("accounts/creds/app"), before + 3);
    for account in ["", "..", "../../sys/seal", "a//b", "nothing"] {
        for word in ["out", "in", "password", "explode"] {
            let reply = ada.post(&format!("/ui/checkouts/{word}"), &[("account", account)]).await;
            assert!((400..500).contains(&reply.status), "{word} {account}: {} {}", reply.status, reply.text);
        }
    }
}

#[tokio::test]
async fn a_check_in_that_is_not_proved_is_told_as_what_it_is() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    let root = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let ada = borrower(&bench, "ada", "").await;
    ada.post("/ui/checkouts/out", &[("account", "app"), ("then", "show")]).await;
    bench.target.break_down(vault_core::rotation::fault::FaultClass::Unreachable);
    let lease = bench.get("accounts/status/app").await.at("/data/holder/lease_id");
    // Somebody who may takes it away.
    let page = root.get("/ui/checkout?account=app").await.text;
    assert!(page.contains("Take it from token-ada") && page.contains(">Take it away</button>"), "{page}");
    let fields = [("account", "app"), ("lease_id", lease.as_str().unwrap()), ("force", "true")];
    let taken = root.post("/ui/checkouts/in", &fields).await;
    assert!(taken.status == 200 && taken.text.contains("<strong>revoking</strong>"), "{}", taken.text);
    assert!(taken.text.contains("may still open the target"), "{}", taken.text);
    bench.rest().await;
    let list = root.get("/ui/checkouts").await.text;
    assert!(list.contains("badge bad\">revoking<") && list.contains("not been seen to refuse"), "{list}");
    assert!(ada.get("/ui/checkout?account=app").await.text.contains("Try to end it now"));
    bench.target.heal();
    bench.disk.clock.advance(seconds(7200));
    bench.tick().await;
    let root = Browser::with_token(&bench.vault, &bench.vault.root).await;
    assert!(root.get("/ui/checkouts").await.text.contains("Nobody has an account in hand."));
}
