//! Parameters of a request, from a body, a form or a query.

use std::collections::BTreeMap;

use serde_json::Value;
use vault_core::schedule::span;
use vault_server::http::Fields;

/// Reads `data` as a JSON body and as a form, and asks each value in every way that handlers ask.
pub fn run(data: &[u8]) {
    let (json, form) = (Fields::from_body(data), Fields::from_form(data));
    if let Ok(fields) = &json {
        check(fields);
        let whole = serde_json::to_vec(fields.object()).unwrap_or_default();
        let again = Fields::from_body(&whole);
        assert_eq!(again.map(|again| again.object().clone()).ok().as_ref(), Some(fields.object()));
    }
    let Ok(fields) = form else { return };
    check(&fields);
    let begins = data.iter().find(|byte| !byte.is_ascii_whitespace());
    if matches!(begins, None | Some(b'{')) || data == b"null" {
        let json = json.map(|json| json.object().clone()).ok();
        assert_eq!(json.as_ref(), Some(fields.object()), "JSON that is called a form stays JSON");
        return;
    }
    // The form again, by somebody else's reading; of a name that comes more often, all values in order.
    let text = String::from_utf8_lossy(data);
    let mut expected: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(text.trim().as_bytes()) {
        expected.entry(name.into_owned()).or_default().push(Value::from(value.into_owned()));
    }
    let expected: serde_json::Map<String, Value> = expected
        .into_iter()
        .map(|(name, mut values)| match values.pop() {
            Some(only) if values.is_empty() => (name, only),
            last => (name, Value::Array(values.into_iter().chain(last).collect())),
        })
        .collect();
    assert_eq!(fields.object(), &Value::Object(expected));
}

fn check(fields: &Fields) {
    assert!(fields.object().is_object());
    let Some(object) = fields.object().as_object() else { return };
    assert_eq!(fields.is_empty(), object.is_empty());
    for (name, value) in object {
        let told = [
            format!("{:?}", fields.text(name)),
            format!("{:?}", fields.bounded_text(name, 8)),
            format!("{:?}", fields.required_text(name)),
            format!("{:?}", fields.count(name)),
            format!("{:?}", fields.flag(name)),
            format!("{:?}", fields.text_map(name)),
            format!("{:?}", fields.list(name)),
            format!("{:?}", fields.secret(name)),
            format!("{:?}", fields.nested(name).map(|nested| nested.is_some())),
        ];
        // What an error tells of a value may not be the value, unless that is made of the error's own words.
        let is_own = |text: &str| OWN_WORDS.iter().any(|word| text.contains(word)) || name.contains(text);
        if let Some(secret) = value.as_str().filter(|text| text.len() > 24 && !is_own(text)) {
            let refusals = told.iter().filter(|told| told.starts_with("Err"));
            assert!(refusals.into_iter().all(|told| !told.contains(secret)), "{told:?}");
        }
        if let (Ok(read), Ok(meant)) = (fields.duration(name), span::from_json(value)) {
            assert_eq!(read, meant);
        }
        if let Ok(Some(list)) = fields.comma_list(name) {
            assert!(list.iter().all(|item| !item.is_empty() && item.trim() == item));
        }
        if let Ok(Some(text)) = fields.bounded_text(name, 8) {
            assert!(text.len() <= 8);
        }
    }
}

/// Of which the errors about a value are made.
const OWN_WORDS: [&str; 5] = ["must be", "longer than", "whole number", "zero or more", "object of strings"];
