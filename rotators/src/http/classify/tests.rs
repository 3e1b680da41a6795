//! Every status of every request has its class.

use std::collections::BTreeMap;

use serde_json::json;
use vault_core::rotation::port::TargetSpec;

use super::super::config::Config;
use super::super::service::Service;
use super::*;

#[test]
fn each_status_has_its_class_and_what_may_have_happened_is_unclear() {
    use FaultClass::{
        AccountMissing, ManagementAuthRefused, PermissionDenied, PolicyRejected, Preflight, Unreachable,
    };
    use Verdict::{Done, Refused, Unclear};
    let mut given = BTreeMap::from([("realm".to_owned(), "r".to_owned())]);
    let text = super::super::config::preset("keycloak").unwrap();
    let service = Service::parse(text, &mut given).unwrap();
    let ask = service.asks().into_iter().find(|(name, _)| *name == "set").unwrap().1.clone();
    for (status, check, set) in [
        (200, Done, Done),
        (204, Done, Done),
        (301, Unclear, Unclear),
        (400, Refused(Preflight), Refused(PolicyRejected)),
        (401, Refused(ManagementAuthRefused), Refused(ManagementAuthRefused)),
        (403, Refused(PermissionDenied), Refused(PermissionDenied)),
        (404, Refused(Preflight), Refused(AccountMissing)),
        (408, Unclear, Unclear),
        (409, Refused(Preflight), Refused(PolicyRejected)),
        (422, Refused(Preflight), Refused(PolicyRejected)),
        (429, Refused(Unreachable), Refused(Unreachable)),
        (500, Unclear, Unclear),
        (503, Unclear, Unclear),
    ] {
        assert_eq!(verdict(&ask, Purpose::Check, status, &Value::Null), check, "{status}");
        assert_eq!(verdict(&ask, Purpose::Set, status, &Value::Null), set, "{status}");
    }
    let told = |class, status, body: Value| {
        let condition = Condition { status, pointer: Some("/error".to_owned()), equals: Some(json!("x")) };
        let ask = Ask { errors: vec![(condition, class)], ..ask.clone() };
        verdict(&ask, Purpose::Set, 200, &body)
    };
    assert_eq!(told(PermissionDenied, None, json!({ "error": "x" })), Refused(PermissionDenied));
    assert_eq!(told(FaultClass::Ambiguous, None, json!({ "error": "x" })), Unclear);
    assert_eq!(told(PermissionDenied, None, json!({ "error": "y" })), Done);
    assert_eq!(told(PermissionDenied, Some(400), json!({ "error": "x" })), Done);
}

#[test]
fn a_login_is_judged_by_what_the_description_says_and_proves_nothing_else() {
    let settings =
        [("preset", "keycloak"), ("realm", "r")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let spec = TargetSpec { connection_url: "https://h".to_owned(), settings: BTreeMap::from(settings) };
    let config = Config::parse(&spec).unwrap();
    let mut description = config.service.login.clone();
    let wrong = json!({ "error": "invalid_grant" });
    let say = |description: &Login, status, body: &Value| match login(
        description,
        "app",
        status,
        body,
        config.place(),
    ) {
        Probe::Works => "works".to_owned(),
        Probe::Refused => "refused".to_owned(),
        Probe::Blocked(fault) => format!("blocked {}", fault.class),
        Probe::Inconclusive(fault) => format!("nothing {}", fault.class),
    };
    for (status, body, want) in [
        (200, &Value::Null, "works"),
        (401, &wrong, "refused"),
        (400, &wrong, "blocked account_locked"),
        // The client is refused, not the user.
        (401, &json!({ "error": "unauthorized_client" }), "nothing preflight"),
        (403, &Value::Null, "blocked account_locked"),
        (404, &Value::Null, "nothing preflight"),
        (302, &Value::Null, "nothing preflight"),
        (429, &Value::Null, "nothing unreachable"),
        (502, &Value::Null, "nothing unreachable"),
    ] {
        assert_eq!(say(&description, status, body), want, "{status}");
    }
    description.account = Some("/name".to_owned());
    assert_eq!(say(&description, 200, &json!({ "name": "app" })), "works");
    assert_eq!(say(&description, 200, &json!({ "name": "other" })), "nothing preflight");
    assert_eq!(say(&description, 200, &json!({})), "nothing preflight");
}
