//! Silences in the browser: of accounts and of targets, told before they are made, ended by a button.

use serde_json::json;

use super::Browser;
use crate::bench::Bench;
use crate::vault::seconds;

#[tokio::test]
async fn a_silence_of_accounts_is_told_made_shown_and_ended() {
    let bench = Bench::new().await;
    for name in ["app", "batch", "other"] {
        bench.account(name, "p-1").await;
    }
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let page = browser.get("/ui/silences").await.text;
    assert!(page.contains("None is planned and none lasts.") && page.contains("Silence something"), "{page}");
    let make = "/ui/silences/make";
    let fields =
        [("about", "accounts"), ("of", "*a*"), ("mode", "silence"), ("for", "2h"), ("reason", "a <restore>")];
    let would = browser.post(make, &fields).await;
    assert_eq!(would.status, 200, "{}", would.text);
    for text in [
        "Silence of accounts *a*",
        "Nothing was done yet.",
        "covers 2 accounts that there are now",
        "go on as ever",
        "<span class=\"path\">app</span>, <span class=\"path\">batch</span>.",
        "a &#60;restore&#62;",
    ] {
        assert!(would.text.contains(text), "{text}: {}", would.text);
    }
    assert_eq!(bench.get("silences").await.at("/data/silences"), json!([]), "it was only asked");
    let told =
        would.text.split("name=\"until\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    bench.disk.clock.advance(seconds(600));
    let sure = [fields.as_slice(), &[("sure", "yes"), ("until", &told)]].concat();
    assert_eq!(browser.post(make, &sure).await.status, 303);
    let made = bench.get("silences").await;
    assert_eq!(made.at("/data/silences/0/accounts"), "*a*");
    assert_eq!(
        made.at("/data/silences/0/until"),
        json!(told),
        "whoever is sure later gets the end that was told"
    );
    let page = browser.get("/ui/silences").await.text;
    for text in ["<span class=\"path\">*a*</span>", "active", "a &#60;restore&#62;", ">End now</button>"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let id = made.at("/data/silences/0/id").as_str().unwrap().to_owned();
    assert_eq!(browser.post("/ui/silences/end", &[("id", &id)]).await.status, 303);
    let page = browser.get("/ui/silences").await.text;
    assert!(!page.contains(">End now</button>"), "it ends already: {page}");
    bench.tick().await;
    assert_eq!(bench.get("silences").await.at("/data/silences"), json!([]));
    let again = browser.post("/ui/silences/end", &[("id", &id)]).await;
    assert!(again.status == 404 && again.text.contains("Nothing was done"), "{}", again.text);
    assert_eq!(browser.post("/ui/silences/end", &[("id", "../x")]).await.status, 404);
    assert_eq!(browser.post("/ui/silences/explode", &[]).await.status, 404);
}

#[tokio::test]
async fn a_target_is_silenced_from_its_page_and_what_is_refused_is_not_lost() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    assert!(browser.get("/ui/targets/t").await.text.contains("href=\"/ui/silences?target=t\""));
    let page = browser.get("/ui/silences?target=t").await.text;
    assert!(
        page.contains("<option value=\"target\" selected>") && page.contains("name=\"of\" value=\"t\""),
        "{page}"
    );
    let planned = [
        ("about", "target"),
        ("of", "t"),
        ("mode", "maintenance"),
        ("from", "2100-01-01T00:00:00Z"),
        ("for", "1h"),
    ];
    let fields = [planned.as_slice(), &[("reason", "a <move>")]].concat();
    let refused = browser.post("/ui/silences/make", &fields).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    for text in [
        "it may begin 30 days from now at the latest",
        "<option value=\"target\" selected>",
        "<option value=\"maintenance\" selected>",
        "value=\"2100-01-01T00:00:00Z\"",
        "value=\"1h\"",
        "value=\"a &#60;move&#62;\"",
    ] {
        assert!(refused.text.contains(text), "{text}: {}", refused.text);
    }
    // None lasts for ever, and somebody says why.
    for wrong in [&[("of", "t"), ("about", "target"), ("reason", "r")][..], &planned[..2], &fields[..3]] {
        let refused = browser.post("/ui/silences/make", wrong).await;
        assert!(refused.status == 400 && refused.text.contains("Nothing was done"), "{}", refused.text);
    }
    let fields = [
        ("about", "target"),
        ("of", "t"),
        ("mode", "silence"),
        ("for", "1h"),
        ("reason", "r"),
        ("sure", "yes"),
    ];
    assert_eq!(browser.post("/ui/silences/make", &fields).await.status, 303);
    let listed = browser.get("/ui/silences").await.text;
    assert!(listed.contains("<a href=\"/ui/targets/t\">t</a>"), "{listed}");
}

#[tokio::test]
async fn who_may_not_silence_has_no_form_and_who_may_not_end_has_no_button() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    let body = json!({ "accounts": "a*", "for": "1h", "reason": "r" });
    let made = bench.post("silences", body).await;
    let id = made.at("/data/id").as_str().unwrap().to_owned();
    let of = async |rules: &str| {
        bench.vault.policy("p", rules).await;
        let token = bench.vault.token(r#"{"policies":["p","default"]}"#).await;
        Browser::with_token(&bench.vault, &token).await
    };
    let looker = of(r#"path "silences" { capabilities = ["read"] }"#).await;
    let page = looker.get("/ui/silences").await;
    assert!(page.status == 200 && page.text.contains("a*"), "{}", page.text);
    assert!(!page.text.contains("Silence something") && !page.text.contains("End now"), "{}", page.text);
    for (word, fields) in [
        ("make", &[("of", "a*"), ("for", "1h"), ("reason", "r"), ("sure", "yes")][..]),
        ("end", &[("id", &*id)]),
    ] {
        let refused = looker.post(&format!("/ui/silences/{word}"), fields).await;
        assert!(
            refused.status == 403 && refused.text.contains("Nothing was done"),
            "{word}: {}",
            refused.text
        );
    }
    assert_eq!(bench.get("silences").await.at("/data/silences").as_array().unwrap().len(), 1);
    // Who may make one and not list accounts is told how many it covers, and not which.
    let maker = of(r#"path "silences" { capabilities = ["update"] }"#).await;
    let page = maker.get("/ui/silences").await;
    assert!(page.status == 200 && page.text.contains("Your token may not read this."), "{}", page.text);
    let would = maker.post("/ui/silences/make", &[("of", "a*"), ("for", "1h"), ("reason", "r")]).await;
    assert!(would.text.contains("covers 1 account") && !would.text.contains("Among what"), "{}", would.text);
    let stranger = of(r#"path "nothing" { capabilities = ["read"] }"#).await;
    let page = stranger.get("/ui/silences").await;
    assert!(page.status == 403 && !page.text.contains("a*"), "{}", page.text);
}
