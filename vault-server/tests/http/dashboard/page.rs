//! What pages show, to whom, and that they show it as text.

use serde_json::json;
use vault_core::rotation::fault::FaultClass;

use super::Browser;
use super::safety::failing;
use crate::bench::Bench;
use crate::vault::seconds;

/// Text that would be more than text if it were not escaped.
const HOSTILE: &str = r#"<script>alert(1)</script>"'><img src=x onerror=alert(2)>&lt;"#;

#[tokio::test]
async fn the_overview_says_what_is_broken_since_when_who_has_it_and_what_is_safe() {
    let (bench, id) = failing().await;
    bench.disk.clock.advance(seconds(120));
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let page = browser.get("/ui/").await.text;
    for text in [
        "1 of 1 not acknowledged",
        &format!(r#"<a href="/ui/incident/{id}">target t</a>"#),
        "1 account beneath it",
        "2 min ago",
        "unreachable",
        "<strong>nobody</strong>",
        "not acknowledged",
        &format!(r#"href="/ui/incident/{id}/act/retry">Retry now</a>"#),
        "<dt>failing</dt><dd><a href=\"/ui/accounts?state=failing\">1</a>",
        "<dt>overdue</dt><dd><a href=\"/ui/accounts?state=overdue\">",
        "<dt>never rotated</dt><dd><a href=\"/ui/accounts?state=never\">",
        "<dt>held by a maintenance</dt><dd><a href=\"/ui/accounts?state=held\">",
        "MTTR",
        "<dt>rotations that failed</dt>",
        "<dt>checked out</dt><dd><a href=\"/ui/checkouts\">0</a>",
        "<dt>repaired, not reviewed</dt>",
        "<h2 id=\"beside\">This month and the last</h2>",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    // What the script asks for is the same page.
    for uri in ["/ui/?auto=1", "/ui/?auto=1&whole=1"] {
        let page = browser.get(uri).await.text;
        for part in ["accounts", "incidents", "report", "months"] {
            assert!(page.contains(&format!("id=\"{part}\"")), "{uri}, {part}: {page}");
        }
    }
    bench.post(&format!("incidents/{id}/assign"), json!({ "owner": "night shift" })).await.expect_status(200);
    bench.post(&format!("incidents/{id}/ack"), json!({})).await.expect_status(200);
    let silence = json!({ "target": "t", "for": "1h", "reason": "we move the racks" });
    assert!(bench.post("silences", silence).await.status < 300);
    let page = browser.get("/ui/").await.text;
    for text in ["0 of 1 not acknowledged", "night shift", "Silenced until", "we move the racks"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    bench.target.heal();
    bench.disk.clock.advance(seconds(7200));
    bench.tick().await;
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    assert!(browser.get("/ui/").await.text.contains("Nothing is broken: no incident is open."));
}

#[tokio::test]
async fn who_may_read_nothing_sees_no_row_and_no_count() {
    let (bench, id) = failing().await;
    let token = bench.vault.token(r#"{"policies":["default"]}"#).await;
    let browser = Browser::with_token(&bench.vault, &token).await;
    for uri in [
        "/ui/",
        "/ui/accounts",
        "/ui/checkouts",
        "/ui/targets",
        "/ui/targets/t",
        "/ui/audit",
        "/ui/notifications",
    ] {
        let page = browser.get(uri).await.text;
        assert!(page.contains("Your token may not read this."), "{uri}: {page}");
        for word in [">app<", ">target t<", "unreachable", "class=\"count\"", "figures", &id, " of 1"] {
            assert!(!page.contains(word), "{uri} {word}: {page}");
        }
    }
    for uri in [format!("/ui/incident/{id}"), format!("/ui/incident/{id}/act/retry")] {
        let reply = browser.get(&uri).await;
        assert_eq!(reply.status, 403);
        assert!(
            !reply.text.contains(">app")
                && !reply.text.contains("target t")
                && !reply.text.contains(": app")
                && !reply.text.contains("unreachable"),
            "{}",
            reply.text
        );
    }

    // Each part by its own right.
    bench.vault.policy("looks", r#"path "incidents" { capabilities = ["read", "list"] }"#).await;
    let token = bench.vault.token(r#"{"policies":["looks"]}"#).await;
    let page = Browser::with_token(&bench.vault, &token).await.get("/ui/").await.text;
    assert!(page.contains(&id) && page.matches("Your token may not read this.").count() == 3, "{page}");
    assert!(!page.contains("/act/"), "no button without the right to press it");
}

#[tokio::test]
async fn whatever_people_write_stays_text_on_every_page() {
    let (bench, id) = failing().await;
    bench.target.create_account(HOSTILE, "p");
    let body = json!({ "target": "t", "username": HOSTILE });
    bench.post("accounts/config/odd%27name%22%3Cb%3E", body).await;
    bench.post(&format!("incidents/{id}/assign"), json!({ "owner": HOSTILE })).await.expect_status(200);
    bench.post(&format!("incidents/{id}/note"), json!({ "text": HOSTILE })).await.expect_status(200);
    let silence = json!({ "target": "t", "for": "1h", "reason": HOSTILE });
    assert!(bench.post("silences", silence).await.status < 300);
    let quoted: String = HOSTILE.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let named = json!({ "policies": ["root"], "display_name": HOSTILE }).to_string();
    let token = bench.vault.token(&named).await;
    let browser = Browser::with_token(&bench.vault, &token).await;
    let mut pages = Vec::new();
    for uri in [
        "/ui/".to_owned(),
        "/ui/accounts".to_owned(),
        format!("/ui/accounts?q={quoted}&state={quoted}&page={quoted}"),
        format!("/ui/incident/{id}"),
        format!("/ui/incident/{id}/act/retry"),
        format!("/ui/incident/{id}/act/{quoted}"),
        format!("/ui/{quoted}"),
    ] {
        pages.push((uri.clone(), browser.get(&uri).await));
    }
    let path = format!("/ui/incident/{id}/assign");
    let long = HOSTILE.repeat(20);
    pages.push((path.clone(), browser.post(&path, &[("owner", &long)]).await));
    let path = format!("/ui/incident/{id}/act/set_password");
    pages.push((path.clone(), browser.post(&path, &[("password", HOSTILE)]).await));
    let fields = [("username", HOSTILE), ("mount", HOSTILE), ("password", HOSTILE), ("next", HOSTILE)];
    pages.push(("sign-in".to_owned(), Browser::new(&bench.vault).sign_in(&fields).await));
    for (uri, reply) in &pages {
        for word in ["<script>", "<img", "alert(1)\"", "\"'>", "<b>"] {
            assert!(!reply.text.contains(word), "{uri} {word}: {}", reply.text);
        }
    }
    // It was there, as text.
    for place in [0, 1, 2, 3] {
        let (uri, reply) = pages.get(place).unwrap();
        assert!(reply.text.contains("&#60;script&#62;"), "{uri}: {}", reply.text);
    }
    let (_, refused) = pages.iter().find(|(uri, _)| uri.ends_with("assign")).unwrap();
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn accounts_are_searched_filtered_and_paged() {
    let bench = Bench::new().await;
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    assert!(browser.get("/ui/accounts").await.text.contains("No account fits: there are none yet."));
    for number in 0..53 {
        bench.account(&format!("app{number:02}"), "p-1").await;
    }
    let first = browser.get("/ui/accounts").await.text;
    assert!(
        first.contains("1 to 50 of 53") && first.contains("app49") && !first.contains("app50"),
        "{first}"
    );
    assert!(first.contains(r#"<a rel="next" href="/ui/accounts?q=&#38;state=&#38;page=2">"#), "{first}");
    for page in ["2", "99", "18446744073709551615"] {
        let last = browser.get(&format!("/ui/accounts?page={page}")).await.text;
        assert!(last.contains("51 to 53 of 53") && last.contains("rel=\"prev\""), "{page}: {last}");
    }
    let one = browser.get("/ui/accounts?q=APP07").await.text;
    assert!(one.contains("1 to 1 of 1") && one.contains("app07"), "{one}");
    for state in ["parked", "overdue", "held"] {
        let none = browser.get(&format!("/ui/accounts?state={state}")).await;
        assert!(none.status == 200 && none.text.contains("No account fits."), "{state}: {}", none.text);
    }
    bench.target.break_down(FaultClass::Unreachable);
    bench.post("accounts/rotate/app07", json!({})).await.expect_status(502);
    bench.rest().await;
    let failing = browser.get("/ui/accounts?state=failing").await.text;
    assert!(failing.contains("1 to 1 of 1") && failing.contains("/ui/incident/"), "{failing}");
}

#[tokio::test]
async fn accounts_tell_their_age_and_which_consumers_are_behind() {
    let bench = Bench::new().await;
    bench.post("rotation-policies/monthly", json!({ "rotation_period": "30d" })).await;
    for name in ["app", "still"] {
        bench.account(name, "p-1").await;
        bench.post(&format!("accounts/config/{name}"), json!({ "rotation_policy": "monthly" })).await;
    }
    bench.vault.policy("reader", r#"path "accounts/creds/*" { capabilities = ["read"] }"#).await;
    let reader = |name: &str| json!({ "policies": ["reader"], "display_name": name }).to_string();
    let (web, batch) = (bench.vault.token(&reader("web")).await, bench.vault.token(&reader("batch")).await);
    for token in [&web, &batch] {
        bench.vault.call("GET", "accounts/creds/app", token, "").await.expect_status(200);
    }
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
    bench.vault.call("GET", "accounts/creds/app", &web, "").await.expect_status(200);
    bench.vault.app.consumers.flush().await.unwrap();
    bench.vault.app.consumers.walk().await.unwrap();
    bench.disk.clock.advance(seconds(12 * 86_400));
    let status = bench.get("accounts/status/app").await.at("/data/age");
    assert_eq!(status, json!({ "seconds": 12 * 86_400, "period_seconds": 30 * 86_400, "percent": 40 }));
    let root = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let page = root.get("/ui/accounts").await.text;
    assert!(page.contains("data-name=\"Age\">12 d (40 %)</td>"), "{page}");
    assert!(
        page.contains("<strong>1 of 2</strong></summary><ul><li>token-batch has version 1</li>"),
        "{page}"
    );
    assert!(page.contains("no consumer"), "{page}");
    let lagging = root.get("/ui/accounts?state=lagging").await.text;
    assert!(lagging.contains("1 to 1 of 1") && lagging.contains("token-batch"), "{lagging}");
    assert!(!lagging.contains(">still<"), "{lagging}");
    // Who may list accounts, and not read that one, is told how many and not who.
    let rules = r#"path "accounts/status/" { capabilities = ["list"] }"#;
    bench.vault.policy("lists", rules).await;
    let token = bench.vault.token(r#"{"policies":["lists"]}"#).await;
    let page = Browser::with_token(&bench.vault, &token).await.get("/ui/accounts").await.text;
    assert!(page.contains("<strong>1 of 2</strong>") && !page.contains("token-batch"), "{page}");
    let many = bench.vault.root("LIST", "accounts/status?consumers=true", "").await;
    assert_eq!(many.status, 400, "{}", many.text);
    let plain = bench.vault.root("LIST", "accounts/status", "").await;
    assert!(!plain.text.contains("\"consumers\""), "{}", plain.text);
    // Older than its policy says.
    bench.disk.clock.advance(seconds(20 * 86_400));
    let root = Browser::with_token(&bench.vault, &bench.vault.root).await;
    assert!(root.get("/ui/accounts").await.text.contains("<strong>older than its policy says</strong>"));
}

#[tokio::test]
async fn the_navigation_names_what_the_token_may_look_at_and_nothing_else() {
    const NAMES: [&str; 8] =
        ["Overview", "Accounts", "Check-outs", "Targets", "Silences", "Reports", "Notifications", "Audit"];
    let bench = Bench::new().await;
    let named = |page: &str| -> Vec<&str> {
        NAMES.into_iter().filter(|name| page.contains(&format!(">{name}</a></li>"))).collect()
    };
    for (rules, want) in [
        (r#"path "nothing" { capabilities = ["read"] }"#, &[][..]),
        (r#"path "incidents" { capabilities = ["read"] }"#, &["Overview"]),
        (r#"path "accounts/status" { capabilities = ["list"] }"#, &["Accounts", "Check-outs"]),
        (r#"path "accounts/status/*" { capabilities = ["list", "read"] }"#, &["Accounts", "Check-outs"]),
        (r#"path "accounts/status/*" { capabilities = ["read"] }"#, &[]),
        (r#"path "targets/config/" { capabilities = ["list"] }"#, &["Targets"]),
        (r#"path "sys/webhooks" { capabilities = ["list"] }"#, &["Notifications"]),
        (r#"path "silences" { capabilities = ["update"] }"#, &["Silences"]),
        (r#"path "silences/*" { capabilities = ["read", "delete"] }"#, &[]),
        (r#"path "reports/ages" { capabilities = ["read"] }"#, &["Reports"]),
        (r#"path "sys/audit-search" { capabilities = ["update"] }"#, &[]),
        (r#"path "sys/audit-search" { capabilities = ["update", "sudo"] }"#, &["Audit"]),
        (
            r#"path "*" { capabilities = ["read", "list", "update", "sudo"] }
               path "targets/config" { capabilities = ["deny"] }"#,
            &["Overview", "Accounts", "Check-outs", "Silences", "Reports", "Notifications", "Audit"],
        ),
    ] {
        bench.vault.policy("p", rules).await;
        let token = bench.vault.token(r#"{"policies":["p","default"]}"#).await;
        let page = Browser::with_token(&bench.vault, &token).await.get("/ui/accounts").await;
        assert_eq!(named(&page.text), want, "{rules}");
        // The page itself refuses as ever.
        assert_eq!(page.status == 200, want.contains(&"Accounts"), "{rules}");
    }
    let all = Browser::with_token(&bench.vault, &bench.vault.root).await.get("/ui/accounts").await.text;
    assert_eq!(named(&all), NAMES);
    assert!(all.contains(r#"<a href="/ui/accounts" aria-current="page">Accounts</a>"#), "{all}");
}
