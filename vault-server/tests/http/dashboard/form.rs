//! Forms: what they do, and that nothing is done before somebody confirms.

use serde_json::json;
use vault_core::rotation::fault::FaultClass;

use super::Browser;
use crate::bench::Bench;

async fn incident(bench: &Bench) -> String {
    bench.get("incidents").await.at("/data/incidents/0/id").as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_incident_is_taken_handed_on_and_written_about() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    bench.target.break_down(FaultClass::Unreachable);
    bench.post("accounts/rotate/app", json!({})).await.expect_status(502);
    let id = incident(&bench).await;
    let here = format!("/ui/incident/{id}");
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let page = browser.get(&here).await.text;
    for text in [">Acknowledge</button>", ">Assign</button>", "<strong>t3</strong> detected", "the vault"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    for (word, fields) in [
        ("ack", &[][..]),
        ("assign", &[("owner", "mary")][..]),
        ("note", &[("text", "a cable"), ("staff_minutes", "20")][..]),
    ] {
        let reply = browser.post(&format!("{here}/{word}"), fields).await;
        assert_eq!(reply.status, 303, "{}", reply.text);
        assert_eq!(reply.headers.get("location").unwrap().to_str().unwrap(), here);
    }
    let page = browser.get(&here).await.text;
    assert!(!page.contains(">Acknowledge</button>"));
    for text in ["<dd>mary</dd>", "a cable", "20 min of work", "acknowledged"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let told = bench.get(&format!("incidents/{id}")).await;
    assert_eq!((told.at("/data/owner"), told.at("/data/staff_minutes")), (json!("mary"), json!(20)));
    assert!(told.at("/data/acknowledged_at").is_string());

    // The target was asked, so nobody says that nothing was done.
    let failed = browser.post(&format!("{here}/act/retry"), &[]).await;
    assert_eq!(failed.status, 502, "{}", failed.text);
    assert!(failed.text.contains("It is not known how far it came"), "{}", failed.text);
    assert!(!failed.text.contains("Nothing was done"), "{}", failed.text);

    // Who may look and not write sees no form, and is refused all the same.
    bench.vault.policy("looks", r#"path "incidents/*" { capabilities = ["read"] }"#).await;
    let token = bench.vault.token(r#"{"policies":["looks","default"]}"#).await;
    let browser = Browser::with_token(&bench.vault, &token).await;
    let page = browser.get(&here).await.text;
    assert!(!page.contains(">Assign</button>") && page.contains("Your token may not do this."), "{page}");
    let refused = browser.post(&format!("{here}/note"), &[("text", "sneaked in")]).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("Nothing was done"), "{}", refused.text);
    assert!(!bench.get(&format!("incidents/{id}")).await.text.contains("sneaked in"));
    let refused = browser.post(&format!("{here}/act/retry"), &[]).await;
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn an_action_says_what_it_would_do_and_does_it_when_it_is_confirmed() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    bench.target.set_password("app", "somebody else");
    bench.post("accounts/verify/app", json!({})).await.expect_status(502);
    let here = format!("/ui/incident/{}", incident(&bench).await);
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    assert!(browser.get(&here).await.text.contains("/act/reconcile"));
    let record = bench.record("app");
    let confirm = browser.get(&format!("{here}/act/reconcile")).await.text;
    assert!(confirm.contains("Nothing was done yet.") && confirm.contains("<li>"), "{confirm}");
    assert_eq!(bench.record("app"), record);
    let done = browser.post(&format!("{here}/act/reconcile"), &[]).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert!(done.text.contains("It was done."), "{}", done.text);
    assert_eq!(bench.get("incidents").await.at("/data/incidents"), json!([]));
    let again = browser.post(&format!("{here}/act/reconcile"), &[]).await;
    assert_eq!(again.status, 409, "{}", again.text);

    // A password goes to the target and to no page.
    bench.target.set_password("app", "told-4711");
    bench.post("accounts/verify/app", json!({})).await.expect_status(502);
    let here = format!("/ui/incident/{}", incident(&bench).await);
    let confirm = browser.get(&format!("{here}/act/set_password")).await.text;
    assert!(confirm.contains(r#"name="password" type="password""#), "{confirm}");
    let missing = browser.post(&format!("{here}/act/set_password"), &[]).await;
    assert_eq!(missing.status, 400, "{}", missing.text);
    let wrong = browser.post(&format!("{here}/act/set_password"), &[("password", "wrong-4711")]).await;
    assert!(wrong.status >= 400 && !wrong.text.contains("4711"), "{} {}", wrong.status, wrong.text);
    let right = browser.post(&format!("{here}/act/set_password"), &[("password", "told-4711")]).await;
    assert_eq!(right.status, 200, "{}", right.text);
    assert!(!right.text.contains("4711"));
    assert_eq!(bench.password("app").await, "told-4711");
    assert_eq!(browser.post(&format!("{here}/act/explode"), &[]).await.status, 404);
}
