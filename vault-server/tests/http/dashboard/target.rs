//! Targets in the browser: how they stand, the check, and maintenance.

use serde_json::json;
use vault_core::rotation::fault::FaultClass;

use super::Browser;
use crate::bench::Bench;
use crate::vault::seconds;

#[tokio::test]
async fn a_target_is_shown_checked_and_put_into_maintenance() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let list = browser.get("/ui/targets").await.text;
    assert!(list.contains("<a href=\"/ui/targets/t\">t</a>") && list.contains("1 to 1 of 1"), "{list}");
    assert!(browser.get("/ui/targets?q=nothing").await.text.contains("No target fits."));
    let page = browser.get("/ui/targets/t").await.text;
    for text in [
        "<dt>Kind</dt><dd>fake</dd>",
        "<dd class=\"path\">fake://t</dd>",
        ">Check it now</button>",
        "none of its own",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let check = browser.post("/ui/targets/t/check", &[]).await;
    assert!(check.status == 200 && check.text.contains("It can be reached"), "{}", check.text);
    bench.target.break_down(FaultClass::Unreachable);
    let check = browser.post("/ui/targets/t/check", &[]).await;
    assert_eq!(check.status, 502, "{}", check.text);
    assert!(check.text.contains("badge bad\">unreachable<"), "{}", check.text);

    let here = "/ui/targets/t";
    let missing = browser.post("/ui/targets/t/maintenance", &[("for", "2h")]).await;
    assert!(missing.status == 400 && missing.text.contains("Nothing was done"), "{}", missing.text);
    let fields = [("for", "2h"), ("reason", "we move the <b>racks")];
    let would = browser.post("/ui/targets/t/maintenance", &fields).await;
    assert_eq!(would.status, 200, "{}", would.text);
    for text in [
        "Nothing was done yet.",
        "of its 2 credentials 0 would begin one of these before the end",
        "not held: what a person asks for",
        "we move the &#60;b&#62;racks",
    ] {
        assert!(would.text.contains(text), "{text}: {}", would.text);
    }
    assert_eq!(bench.get("silences").await.at("/data/silences"), json!([]), "it was only asked");
    // Whoever is sure ten minutes later gets the end that was told.
    let told =
        would.text.split("name=\"until\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    bench.disk.clock.advance(seconds(600));
    let sure = [fields.as_slice(), &[("sure", "yes"), ("until", &told)]].concat();
    let declared = browser.post("/ui/targets/t/maintenance", &sure).await;
    assert_eq!(bench.get("targets/maintenance/t").await.at("/data/until"), json!(told));
    assert_eq!((declared.status, declared.headers.get("location").unwrap().to_str().unwrap()), (303, here));
    let page = browser.get(here).await.text;
    assert!(page.contains("we move the &#60;b&#62;racks") && page.contains("In maintenance until"), "{page}");
    assert!(browser.get("/ui/targets").await.text.contains("In maintenance until"));
    assert_eq!(browser.post("/ui/targets/t/end", &[]).await.status, 303);
    // Who waited for its end is let go first, at once.
    bench.rest().await;
    assert!(browser.get(here).await.text.contains("None is planned and none lasts."));
    assert_eq!(browser.post("/ui/targets/t/explode", &[]).await.status, 404);
    assert_eq!(browser.get("/ui/targets/nothing").await.status, 404);

    // Who may look and not act sees no button and is refused all the same.
    let looks = r#"path "targets/*" { capabilities = ["read", "list"] }"#;
    bench.vault.policy("looks", looks).await;
    let token = bench.vault.token(r#"{"policies":["looks","default"]}"#).await;
    let looker = Browser::with_token(&bench.vault, &token).await;
    let page = looker.get(here).await.text;
    assert!(!page.contains(">Check it now</button>") && !page.contains("Maintenance: see what"), "{page}");
    for word in ["check", "maintenance", "end"] {
        let refused = looker.post(&format!("{here}/{word}"), &sure).await;
        assert!(
            refused.status == 403 && refused.text.contains("Nothing was done"),
            "{word}: {}",
            refused.text
        );
    }
    assert_eq!(bench.get("silences").await.at("/data/silences"), json!([]));
}
