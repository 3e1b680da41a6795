//! Descriptions of HTTP APIs, and what such an API answers: what is filled in stays where it was put.

use std::collections::BTreeMap;

use rotators::http::service::{Ask, Body, Service};
use rotators::http::template::Values;
use rotators::http::{link, pointer};
use serde_json::Value;
use vault_core::clock::Timestamp;
use vault_core::id::RotationId;
use vault_core::secret::SecretString;

use super::parts::parts;

/// Reads `description %% name %% answer %% Link header`.
pub fn run(data: &[u8]) {
    let Some(parts) = parts(data) else { return };
    let part = |at: usize| parts.get(at).copied().unwrap_or_default();
    let (description, name) = (part(0), part(1));
    let given = || BTreeMap::from([("realm".to_owned(), name.to_owned())]);
    let read = Service::parse(description, &mut given());
    assert_eq!(Service::parse(description, &mut given()), read, "read twice alike");
    match read {
        Ok(service) => service.asks().into_iter().for_each(|(_, ask)| check(ask, name)),
        Err(error) => assert!(error.to_string().len() < ERROR_BYTES_MAX, "{error}"),
    }
    if let Ok(answer) = serde_json::from_str::<Value>(part(2)) {
        for place in ["", "/id", "/*/name", "/*/*", name] {
            let lines = pointer::lines(&answer, place);
            assert!(lines.iter().all(|line| !line.contains(char::is_control)));
            assert!(lines.is_sorted());
        }
        if let Some(text) = pointer::name_in(&answer) {
            assert!(!text.is_empty());
        }
    }
    if let Some(target) = link::next(part(3)) {
        assert!(part(3).contains(&format!("<{target}>")));
        if let Some(to) = link::resolved(AT, target) {
            assert!(to.starts_with(ORIGIN), "{to}");
        }
    }
}

/// What is filled in neither ends a piece of an address nor changes the form of a body.
fn check(ask: &Ask, name: &str) {
    let odd = Value::String(name.to_owned());
    let plain = Value::String("x".to_owned());
    let (odd_secret, plain_secret) = (SecretString::new(name.to_owned()), SecretString::new("x".to_owned()));
    let odd = values(name, &odd, &odd_secret);
    let plain = values("x", &plain, &plain_secret);
    let (Some(address), Some(wanted)) = (ask.address(&odd), ask.address(&plain)) else { return };
    let signs = |text: &str| text.chars().filter(|c| "/?&#=;".contains(*c)).collect::<String>();
    assert_eq!(signs(&address), signs(&wanted), "{address}");
    assert!(address.starts_with('/') && !address.contains(|c: char| c.is_control() || !c.is_ascii()));
    // Sent as something else it is not sent at all.
    let sent = |address: &str| link::url(&format!("{HOST}{address}"));
    if let (Some(url), Some(wanted)) = (sent(&address), sent(&wanted)) {
        let pieces = |url: &str| url.split('?').next().map_or(0, |path| path.split('/').count());
        assert_eq!(pieces(url.as_str()), pieces(wanted.as_str()), "{address}");
        let gone = |url: &str| url.split('?').next().is_some_and(|path| path.ends_with('/'));
        assert!(name.is_empty() || gone(url.as_str()) == gone(wanted.as_str()), "{address}");
    }
    if let Body::Json(template) = ask.body() {
        let (odd, plain) = (template.fill(&odd), template.fill(&plain));
        assert_eq!(odd.as_ref().map(form), plain.as_ref().map(form));
        let text = odd.as_ref().map(Value::to_string).unwrap_or_default();
        let again: Option<Value> = serde_json::from_str(&text).ok();
        assert_eq!(again.as_ref().map(texts), odd.as_ref().map(texts), "a body is what it was made of");
    }
}

fn values<'a>(name: &'a str, id: &'a Value, password: &'a SecretString) -> Values<'a> {
    Values {
        username: name,
        password: Some(password),
        mark: "0a1b2c3d",
        rotation: Some(RotationId::derived([7; 16])),
        handle: Some(name),
        id: Some(id),
        expires: Some(Timestamp::from_secs(1_800_000_000)),
        lifetime_seconds: Some(60),
    }
}

/// A document without its texts.
fn form(value: &Value) -> Value {
    match value {
        Value::String(_) | Value::Number(_) => Value::Null,
        Value::Array(items) => items.iter().map(form).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), form(value))).collect())
        }
        other => other.clone(),
    }
}

/// Its texts, in order.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

const ERROR_BYTES_MAX: usize = 4096;
const HOST: &str = "https://api.example";
const ORIGIN: &str = "https://api.example/";
const AT: &str = "https://api.example/v1/keys?page=1";
