//! Descriptions that are taken, and what is said of the others.

use serde_json::{Value, json};

use super::*;
use crate::http::config::PRESETS;

/// A description by which the API makes credentials.
fn keys() -> Value {
    json!({
        "name": "Keys",
        "management": { "by": "bearer" },
        "check": { "request": "GET /me" },
        "account": { "request": "GET /users/{{username}}", "id": "/id", "rights": ["/role"] },
        "create": { "request": "POST /users/{{id}}/keys", "json": { "name": "{{label}}" }, "handle": "/id", "secret": "/key" },
        "credentials": { "request": "GET /users/{{id}}/keys", "handle": "/id", "label": "/name" },
        "delete": { "request": "DELETE /users/{{id}}/keys/{{handle}}" },
        "login": { "request": "GET /me", "by": { "by": "bearer" } }
    })
}

/// One by which the vault brings the password.
fn passwords() -> Value {
    let mut description = keys();
    let fields = description.as_object_mut().unwrap();
    fields.retain(|name, _| !["create", "credentials", "delete"].contains(&name.as_str()));
    fields.insert(
        "set".to_owned(),
        json!({ "request": "PUT /users/{{id}}/password", "form": { "p": "{{password}}" } }),
    );
    description
}

fn parse(description: &Value) -> Result<Service, ServiceError> {
    Service::parse(&description.to_string(), &mut BTreeMap::new())
}

/// The description with something else at this place; null takes it away.
fn with(mut description: Value, place: &str, value: Value) -> Value {
    let (parent, name) = place.rsplit_once('/').unwrap();
    let parent = description.pointer_mut(parent).unwrap();
    match value {
        Value::Null => drop(parent.as_object_mut().unwrap().remove(name)),
        value => parent[name] = value,
    }
    description
}

#[test]
fn every_preset_is_sound() {
    for (name, text) in PRESETS {
        let mut given = BTreeMap::from([("realm".to_owned(), "staff".to_owned())]);
        let service = Service::parse(text, &mut given);
        let service = service.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(service.mints(), name != "keycloak");
        assert!(service.asks().len() >= 4);
    }
}

#[test]
fn who_makes_the_secret_decides_on_overlap() {
    assert!(parse(&keys()).unwrap().mints());
    assert!(!parse(&passwords()).unwrap().mints());
    let both = with(keys(), "/set", passwords()["set"].clone());
    assert_eq!(parse(&both), Err(ServiceError::Making));
    assert_eq!(parse(&with(passwords(), "/set", Value::Null)), Err(ServiceError::Making));
}

#[test]
fn an_api_that_ends_the_old_credential_by_making_one_is_refused_with_the_reason() {
    for description in [
        with(keys(), "/create/ends_others", json!(true)),
        with(keys(), "/credentials", Value::Null),
        with(keys(), "/delete", Value::Null),
    ] {
        let error = parse(&description).unwrap_err();
        assert_eq!(error, ServiceError::Replaces);
        assert!(error.to_string().contains("with a lost answer no credential that works would be left"));
    }
}

/// Each description is refused for this field, in words that hold this.
fn told_by_field(cases: &[(Value, &str, &str)]) {
    for (description, field, part) in cases {
        match parse(description) {
            Err(ServiceError::Part { field: found, what }) => {
                assert_eq!((found.as_str(), what.contains(part)), (*field, true), "{what}");
            }
            other => panic!("{field} {part}: {other:?}"),
        }
    }
}

#[test]
fn what_is_wrong_with_an_account_or_a_credential_is_told_by_its_field() {
    told_by_field(&[
        (
            with(keys(), "/create/request", json!("POST /users/{{id}}/keys/{{handle}}")),
            "create.request",
            "{{handle}} means nothing here",
        ),
        (with(keys(), "/create/json", json!({ "name": "key" })), "create", "{{label}}"),
        (
            with(keys(), "/create/json", json!({ "name": "{{label}}", "until": "{{expires_at}}" })),
            "create.json",
            "means nothing here",
        ),
        (
            with(keys(), "/create/json", json!({ "name": "{{labl}}" })),
            "create.json",
            "no placeholder {{labl}}",
        ),
        (with(keys(), "/create/secret", json!("key")), "create.secret", "no JSON pointer"),
        (with(keys(), "/account/request", json!("get /users")), "account.request", "must look like"),
        (with(keys(), "/account/request", json!("GET users")), "account.request", "must look like"),
        (with(keys(), "/account/request", json!("GET //evil/users")), "account.request", "must look like"),
        (with(keys(), "/account/request", json!("GET /a/../b")), "account.request", "must look like"),
        (with(keys(), "/account/request", json!("GET /a#b")), "account.request", "must look like"),
        (
            with(keys(), "/account/request", json!("GET /users/{{id}}")),
            "account.request",
            "means nothing here",
        ),
        (with(keys(), "/account/items", json!("/all")), "account", "belong together"),
        (with(keys(), "/account/locked", json!([{ "status": 403 }])), "account.locked", "no status"),
        (with(keys(), "/delete/request", json!("DELETE /keys")), "delete", "{{handle}}"),
        (with(keys(), "/credentials/request", json!("POST /keys")), "credentials", "GET"),
        (
            with(keys(), "/credentials/page", json!({ "parameter": "a&b" })),
            "credentials.page.parameter",
            "query parameter",
        ),
        (with(passwords(), "/set/form", json!({ "p": "x" })), "set", "{{password}}"),
        (
            with(passwords(), "/set/request", json!("PUT /p/{{password}}")),
            "set.request",
            "means nothing here",
        ),
        (with(passwords(), "/delete", keys()["delete"].clone()), "delete", "belongs to create"),
    ]);
}

#[test]
fn what_is_wrong_elsewhere_is_told_by_its_field() {
    told_by_field(&[
        (with(keys(), "/login/by", json!({ "by": "request" })), "login", "{{password}}"),
        (
            with(keys(), "/login/errors", json!([{ "status": 400, "class": "preflight" }])),
            "login",
            "refused and locked",
        ),
        (
            with(with(keys(), "/login/account", json!("/me")), "/create/username", json!("/id")),
            "login.account",
            "names of their own",
        ),
        (with(keys(), "/management", json!({ "by": "request" })), "management", "must be"),
        (
            with(keys(), "/management", json!({ "by": "header", "header": "Host" })),
            "management",
            "cannot carry",
        ),
        (with(keys(), "/headers", json!({ "Authorization": "x" })), "headers", "not set here"),
        (with(keys(), "/headers", json!({ "X": "a\nb" })), "headers", "none of HTTP's"),
        (with(keys(), "/check/ok", json!([{}])), "check.ok", "neither status nor pointer"),
        (
            with(keys(), "/check/errors", json!([{ "status": 400, "class": "store_failed" }])),
            "check.errors",
            "no class of an answer",
        ),
        (with(keys(), "/lifetime", json!("5s")), "lifetime", "must be a time"),
        (
            with(keys(), "/parameters", json!({ "handle": "x" })),
            "parameters.handle",
            "not that of a placeholder",
        ),
        (with(passwords(), "/sessions", json!({ "request": "GET /s" })), "sessions", "belong together"),
    ]);
}

#[test]
fn what_is_not_of_the_form_is_told_without_values() {
    for (description, part) in [
        (with(keys(), "/logn", json!({})), "unknown field `logn`"),
        (with(keys(), "/login/refuse", json!([])), "unknown field `refuse`"),
        (with(keys(), "/login", Value::Null), "missing field `login`"),
        (with(keys(), "/management", json!({ "by": "magic" })), "unknown variant `magic`"),
        (with(keys(), "/management", json!({ "by": "bearer", "token": "hunter2" })), "unknown field `token`"),
        (with(keys(), "/account/rights", json!("hunter2")), "expected a sequence"),
        (with(keys(), "/check/ok", json!([{ "status": "hunter2" }])), "expected u16"),
    ] {
        let error = parse(&description).unwrap_err().to_string();
        assert!(error.contains(part) && !error.contains("hunter2"), "{part}: {error}");
    }
    assert_eq!(Service::parse(&" ".repeat(70_000), &mut BTreeMap::new()), Err(ServiceError::TooLong));
}

#[test]
fn parameters_are_filled_from_settings_and_what_is_not_theirs_stays() {
    let description = with(keys(), "/parameters", json!({ "realm": null, "scope": "api" }));
    let description = with(description, "/check/request", json!("GET /{{realm}}/{{scope}}"));
    let text = description.to_string();
    assert_eq!(Service::parse(&text, &mut BTreeMap::new()), Err(ServiceError::Parameter("realm".to_owned())));
    let given = [("realm", "a/b"), ("other", "x")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut given = BTreeMap::from(given);
    let service = Service::parse(&text, &mut given).unwrap();
    let values = crate::http::template::Values::default();
    assert_eq!(service.check.address(&values).as_deref(), Some("/a%2Fb/api"));
    assert_eq!(given.keys().collect::<Vec<_>>(), ["other"]);
}
