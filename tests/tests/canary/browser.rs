//! The dashboard in the session: signed in by passwords and by the root token, and every page looked at.

use reqwest::Method;
use serde_json::json;

use crate::session::Session;

/// Signs in rightly and wrongly, looks at each page, presses what can be pressed.
pub(crate) async fn looks_at_everything(session: &mut Session) {
    assert_eq!(session.post("sys/auth/userpass", json!({ "type": "userpass" })).await, 204);
    let policy = r#"path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }"#;
    assert_eq!(session.post("sys/policies/acl/everything", json!({ "policy": policy })).await, 204);
    let user = json!({ "password": USER, "token_policies": ["everything"] });
    assert_eq!(session.post("auth/userpass/users/mary", user).await, 204);
    session.secrets.add("password of a user", USER);
    session.secrets.add("mistyped password of a user", MISTYPED);
    assert_eq!(form(session, "/ui/sign-in", &[("username", "mary"), ("password", MISTYPED)], "").await, 403);
    assert_eq!(form(session, "/ui/sign-in", &[("username", "nobody"), ("password", USER)], "").await, 403);
    let root = session.vault.root().to_owned();
    let as_user = [("username", "mary"), ("password", USER)];
    for fields in [&as_user[..], &[("token", root.as_str())]] {
        let cookie = session.cookie("/ui/sign-in", &body(fields)).await;
        session.secrets.add("session of a browser", cookie.split_once('=').unwrap().1);
        let incidents = session.vault.get("incidents?state=all").await.unwrap();
        let incidents = incidents.body["data"]["incidents"].as_array().cloned().unwrap_or_default();
        let mut pages: Vec<String> = PAGES.iter().map(|page| (*page).to_owned()).collect();
        let accounts = session.vault.get("accounts/status").await.unwrap();
        for account in accounts.body["data"]["keys"].as_array().cloned().unwrap_or_default() {
            pages.push(format!("/ui/checkout?account={}", account.as_str().unwrap()));
        }
        for form in ["csv", "json", "markdown"] {
            pages.push(format!("/ui/reports/download?report=ages&format={form}"));
            pages.push(format!("/ui/reports/download?report=due&format={form}"));
        }
        for target in ["pg", "nothing"] {
            pages.push(format!("/ui/targets/{target}"));
        }
        for incident in incidents {
            let page = format!("/ui/incident/{}", incident["id"].as_str().unwrap());
            for action in ["retry", "unpark", "reconcile", "use_previous", "set_password", "maintenance"] {
                pages.push(format!("{page}/act/{action}"));
            }
            // Without the form token: it is refused, and repeats nothing.
            let fields = [("password", MISTYPED), ("text", MISTYPED)];
            assert_eq!(form(session, &format!("{page}/act/set_password"), &fields, &cookie).await, 403);
            pages.push(page);
        }
        for page in pages {
            session.send_to(Method::GET, &page, "", &[("cookie", &cookie)]).await;
        }
    }
}

async fn form(session: &mut Session, path: &str, fields: &[(&str, &str)], cookie: &str) -> u16 {
    let headers = [FORM, OWN, ("cookie", cookie)];
    session.send_to(Method::POST, path, &body(fields), &headers).await
}

fn body(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

const PAGES: &[&str] = &[
    "/ui/",
    "/ui/accounts",
    "/ui/sign-in",
    "/ui/checkouts",
    "/ui/targets",
    "/ui/reports",
    "/ui/notifications",
    "/ui/audit",
];
pub(crate) const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
pub(crate) const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");
/// Letters that a form needs no escapes for.
const USER: &str = "canaryUserPassword-5tRz";
const MISTYPED: &str = "canaryMistypedUser-9kQw";
