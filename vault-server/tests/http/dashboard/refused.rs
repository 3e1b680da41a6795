//! A form that was refused has in it what was typed, beside the reason; and never a password.

use serde_json::json;
use vault_core::rotation::fault::FaultClass;

use super::Browser;
use super::safety::failing;
use crate::bench::Bench;
use crate::vault::Reply;

/// What stands in the form that leads to `action`.
fn form(page: &str, action: &str) -> String {
    let begun = page.split("<form ").find(|rest| rest.contains(&format!("action=\"{action}\"")));
    begun.and_then(|rest| rest.split("</form>").next()).unwrap_or_default().to_owned()
}

#[track_caller]
fn has(reply: &Reply, action: &str, texts: &[&str]) {
    assert!(reply.status >= 400 && reply.text.contains("role=\"alert\""), "{}", reply.text);
    let form = form(&reply.text, action);
    assert!(form.contains("data-typed") && form.contains("<p class=\"alert\">"), "{action}: {form}");
    for text in texts {
        assert!(form.contains(text), "{text}: {form}");
    }
    assert_eq!(reply.text.matches("data-typed").count(), 1, "one form was refused: {}", reply.text);
}

#[tokio::test]
async fn what_was_typed_about_an_incident_is_still_there_when_it_is_refused() {
    let (bench, id) = failing().await;
    let here = format!("/ui/incident/{id}");
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    assert!(!browser.get(&here).await.text.contains("data-typed"), "nothing was refused");
    let note = [("text", "a <cable> was\r\nloose"), ("staff_minutes", "many")];
    let refused = browser.post(&format!("{here}/note"), &note).await;
    has(&refused, &format!("{here}/note"), &[">a &#60;cable&#62; was\r\nloose</textarea>", "value=\"many\""]);
    assert!(refused.text.contains("staff_minutes"), "what is to be mended is named: {}", refused.text);

    // It is open: nobody may review it yet, but what was written is not lost for that.
    let review = [("cause", "network"), ("text", "the <switch>"), ("staff_minutes", "7")];
    let refused = browser.post(&format!("{here}/review"), &review).await;
    let texts = ["<option value=\"network\" selected>", ">the &#60;switch&#62;</textarea>", "value=\"7\""];
    has(&refused, &format!("{here}/review"), &texts);
    let elsewhere = form(&refused.text, &format!("{here}/note"));
    assert!(!elsewhere.contains("switch") && !elsewhere.contains("value=\"7\""), "{elsewhere}");
    let long = "x".repeat(300);
    let refused = browser.post(&format!("{here}/assign"), &[("owner", &long)]).await;
    has(&refused, &format!("{here}/assign"), &[&format!("value=\"{long}\"")]);
    let wrong = [("into", "00000000-0000-7000-8000-000000000000")];
    assert!(browser.post(&format!("{here}/merge"), &wrong).await.text.contains("Nothing was done"));
}

#[tokio::test]
async fn a_maintenance_that_is_refused_has_its_reason_still() {
    let (bench, id) = failing().await;
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let texts = ["value=\"31d\"", "value=\"we move the &#60;racks&#62;\""];
    let fields = [("for", "31d"), ("reason", "we move the <racks>")];
    let refused = browser.post("/ui/targets/t/maintenance", &fields).await;
    has(&refused, "/ui/targets/t/maintenance", &texts);
    // Also when it was told already what it would do.
    let sure = [fields.as_slice(), &[("sure", "yes"), ("until", "1970-01-01T00:00:00Z")]].concat();
    has(&browser.post("/ui/targets/t/maintenance", &sure).await, "/ui/targets/t/maintenance", &texts);
    let act = format!("/ui/incident/{id}/act/maintenance");
    let refused = browser.post(&act, &fields).await;
    assert_eq!(refused.status, 400);
    let form = form(&refused.text, &act);
    assert!(texts.iter().all(|text| form.contains(text)), "{form}");
    // A refusal of something else leaves the form as it is.
    bench.target.break_down(FaultClass::Unreachable);
    assert!(!browser.post("/ui/targets/t/check", &[]).await.text.contains("data-typed"));
}

#[tokio::test]
async fn a_check_out_that_is_refused_has_its_words_still_and_no_page_a_password() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let out =
        [("account", "app"), ("reason", "fix 4711"), ("ticket", "T-1"), ("ttl", "soon"), ("wait", "true")];
    let refused = browser.post("/ui/checkouts/out", &out).await;
    let texts = ["value=\"fix 4711\"", "value=\"T-1\"", "value=\"soon\"", "value=\"true\" checked"];
    has(&refused, "/ui/checkouts/out", &texts);
    bench.post("accounts/check-out/app", json!({ "ttl": "10m" })).await.expect_status(200);
    let page = browser.get("/ui/checkout?account=app").await.text;
    let lease =
        page.split("name=\"lease_id\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let longer = [("account", "app"), ("lease_id", lease.as_str()), ("increment", "for ever")];
    has(
        &browser.post("/ui/checkouts/extend", &longer).await,
        "/ui/checkouts/extend",
        &["value=\"for ever\""],
    );

    // Not a password, whatever it is called: it is typed again.
    let given = [("account", "app"), ("reason", "r"), ("ttl", "soon"), ("password", "hidden-4712")];
    assert!(!browser.post("/ui/checkouts/out", &given).await.text.contains("4712"));
    bench.target.break_down(FaultClass::Unreachable);
    let here = "/ui/sign-in";
    let wrong = browser.post(here, &[("username", "ada"), ("password", "hidden-4712")]).await;
    assert!(wrong.text.contains("value=\"ada\"") && !wrong.text.contains("4712"), "{}", wrong.text);
}
