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

/// By buttons alone, as somebody presses them who has no command line.
#[tokio::test]
async fn a_target_whose_management_password_was_changed_outside_is_repaired_account_by_account() {
    let bench = Bench::new().await;
    // One account is called like its target.
    for name in ["app", "t"] {
        bench.account(name, "p-1").await;
    }
    bench.target.set_password("manager", "told-4711");
    for name in ["app", "t"] {
        let reply = bench.post(&format!("accounts/rotate/{name}"), json!({})).await;
        assert!(reply.status >= 400, "{}", reply.text);
        bench.rest().await;
    }
    let here = format!("/ui/incident/{}", incident(&bench).await);
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let page = browser.get(&here).await.text;
    let set = format!("{here}/act/set_password?account=management%20credential%20of%20t");
    let unpark = |name: &str| format!("{here}/act/unpark?account={name}");
    for address in [&set, &unpark("app"), &unpark("t")] {
        assert!(page.contains(&format!("href=\"{address}\"")), "{address}: {page}");
    }
    assert!(!page.contains(&format!("{here}/act/set_password\"")), "whose password is to be said: {page}");

    // What it would do is told of that one, and the form leads back to it.
    let record = bench.record("t");
    let confirm = browser.get(&unpark("t")).await.text;
    assert!(confirm.contains("<h1>Unpark: t</h1>"), "{confirm}");
    let confirm = browser.get(&set).await.text;
    for text in ["Tell the vault the password: management credential of t", &format!("action=\"{set}\"")] {
        assert!(confirm.contains(text), "{text}: {confirm}");
    }
    let nobodys = browser.get(&unpark("nobody")).await;
    assert_eq!(nobodys.status, 404, "{}", nobodys.text);

    let wrong = browser.post(&set, &[("password", "wrong-4711")]).await;
    assert!(wrong.status >= 400 && !wrong.text.contains("4711"), "{} {}", wrong.status, wrong.text);
    assert!(wrong.text.contains(&format!("action=\"{set}\"")), "it can be tried again: {}", wrong.text);
    assert_eq!((bench.record("t"), bench.record_of_manager().versions.last), (record, 1));
    let right = browser.post(&set, &[("password", "told-4711")]).await;
    assert_eq!(right.status, 200, "{}", right.text);
    assert!(right.text.contains("It was done.") && !right.text.contains("4711"), "{}", right.text);
    bench.rest().await;

    // What does not go on by itself is pressed.
    for name in ["app", "t"] {
        if browser.get(&here).await.text.contains(&format!("href=\"{}\"", unpark(name))) {
            let done = browser.post(&unpark(name), &[]).await;
            assert!(done.status < 300, "{}", done.text);
        }
        bench.tick().await;
    }
    assert_eq!(bench.get("incidents").await.at("/data/incidents"), json!([]));
    for name in ["app", "t"] {
        assert!(bench.target.accepts(name, &bench.password(name).await), "{name}");
    }
}

#[tokio::test]
async fn who_may_not_act_on_an_account_beneath_a_target_has_no_button_for_it() {
    let bench = Bench::new().await;
    for name in ["app", "batch"] {
        bench.account(name, "p-1").await;
    }
    bench.target.break_down(FaultClass::Unreachable);
    for name in ["app", "batch"] {
        bench.post(&format!("accounts/rotate/{name}"), json!({})).await.expect_status(502);
    }
    let here = format!("/ui/incident/{}", incident(&bench).await);
    let rules = r#"path "incidents/*" { capabilities = ["read", "update"] }
                   path "accounts/rotate/app" { capabilities = ["update"] }"#;
    bench.vault.policy("some", rules).await;
    let token = bench.vault.token(r#"{"policies":["some","default"]}"#).await;
    let browser = Browser::with_token(&bench.vault, &token).await;
    let page = browser.get(&here).await.text;
    assert!(page.contains("act/retry?account=app\"") && !page.contains("?account=batch"), "{page}");
    let refused = browser.post(&format!("{here}/act/retry?account=batch"), &[]).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    bench.target.heal();
    let done = browser.post(&format!("{here}/act/retry?account=app"), &[]).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert_eq!((bench.record("app").versions.last, bench.record("batch").versions.last), (2, 1));
}

#[tokio::test]
async fn the_target_of_an_incident_is_marked_in_maintenance_after_it_was_said_what_that_does() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    bench.target.break_down(FaultClass::Unreachable);
    bench.post("accounts/rotate/app", json!({})).await.expect_status(502);
    let here = format!("/ui/incident/{}", incident(&bench).await);
    let act = format!("{here}/act/maintenance");
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    assert!(browser.get(&here).await.text.contains(&format!("href=\"{act}\"")));
    let asked = browser.get(&act).await.text;
    for text in ["Nothing was done yet.", "the time that you say", "name=\"for\"", "name=\"reason\""] {
        assert!(asked.contains(text), "{text}: {asked}");
    }
    let endless = browser.post(&act, &[("reason", "racks")]).await;
    assert!(endless.status == 400 && endless.text.contains("Nothing was done"), "{}", endless.text);
    let fields = [("for", "2h"), ("reason", "we move the racks")];
    let would = browser.post(&act, &fields).await;
    assert_eq!(would.status, 200, "{}", would.text);
    for text in ["Nothing was done yet.", "what the clock asks of app at", "leaves the incident open"] {
        assert!(would.text.contains(text), "{text}: {}", would.text);
    }
    assert_eq!(bench.get("silences").await.at("/data/silences"), json!([]), "it was only asked");
    let sure = [fields.as_slice(), &[("sure", "yes")]].concat();
    let done = browser.post(&act, &sure).await;
    assert!(done.status == 200 && done.text.contains("The target is in maintenance until"), "{}", done.text);
    let page = browser.get(&here).await.text;
    assert!(page.contains("In maintenance until") && page.contains("pressed maintenance until"), "{page}");
    assert_eq!(bench.get("targets/maintenance/t").await.at("/data/reason"), "we move the racks");
}

#[tokio::test]
async fn what_is_over_is_reviewed_by_who_may() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    bench.target.set_password("app", "somebody else");
    bench.post("accounts/verify/app", json!({})).await.expect_status(502);
    let id = incident(&bench).await;
    let here = format!("/ui/incident/{id}");
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let form = format!("action=\"{here}/review\"");
    assert!(!browser.get(&here).await.text.contains(&form), "it is open: nobody knows yet");
    let fields = [("cause", "changed_outside"), ("text", "by hand, in the <night>"), ("staff_minutes", "25")];
    let early = browser.post(&format!("{here}/review"), &fields).await;
    assert!(early.status == 409 && early.text.contains("Nothing was done"), "{}", early.text);
    bench.post("accounts/reconcile/app", json!({})).await.expect_status(200);

    let page = browser.get(&here).await.text;
    assert!(page.contains(&form) && page.contains("<option value=\"changed_outside\">"), "{page}");
    for wrong in [&fields[1..], &fields[..1], &[("cause", "weather"), ("text", "rain")]] {
        let refused = browser.post(&format!("{here}/review"), wrong).await;
        assert!(refused.status == 400 && refused.text.contains("Nothing was done"), "{}", refused.text);
    }
    let reply = browser.post(&format!("{here}/review"), &fields).await;
    assert_eq!(reply.status, 303, "{}", reply.text);
    let told = bench.get(&format!("incidents/{id}")).await;
    assert_eq!(
        (told.at("/data/review/cause"), told.at("/data/review/text"), told.at("/data/staff_minutes")),
        (json!("changed_outside"), json!("by hand, in the <night>"), json!(25))
    );
    assert!(told.at("/data/marks/t8").is_string(), "{}", told.text);
    let page = browser.get(&here).await.text;
    for text in
        ["<strong>changed_outside</strong>", "by hand, in the &#60;night&#62;", "25 min", "It was reviewed."]
    {
        assert!(page.contains(text), "{text}: {page}");
    }

    let rules = r#"path "incidents/*" { capabilities = ["read"] }
                   path "incidents/+/note" { capabilities = ["update"] }"#;
    bench.vault.policy("looks", rules).await;
    let token = bench.vault.token(r#"{"policies":["looks","default"]}"#).await;
    let looker = Browser::with_token(&bench.vault, &token).await;
    let page = looker.get(&here).await.text;
    assert!(!page.contains(&form) && page.contains("Write it down"), "{page}");
    assert_eq!(looker.post(&format!("{here}/review"), &fields).await.status, 403);
}
