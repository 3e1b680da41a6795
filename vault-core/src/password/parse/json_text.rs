//! A policy as JSON: `{"length": 20, "rule": [{"charset": {"charset": "abc", "min-chars": 1}}]}`.
//!
//! As HCL's own JSON form, a single rule may stand without its list, and the body of a rule in one.

use serde_json::{Map, Value};

use super::{Draft, PasswordPolicyError, RuleDraft};

pub(super) fn read(text: &str) -> Result<Draft, PasswordPolicyError> {
    let Ok(Value::Object(fields)) = serde_json::from_str(text) else {
        return Err(PasswordPolicyError::Malformed);
    };
    let mut draft = Draft::default();
    for (name, value) in &fields {
        match name.as_str() {
            "length" => draft.length = Some(value.as_u64().ok_or(PasswordPolicyError::Length)?),
            "rule" => {
                for rule in one_or_many(value) {
                    rules(rule, &mut draft.rules)?;
                }
            }
            other => return Err(PasswordPolicyError::Unknown(other.to_owned())),
        }
    }
    Ok(draft)
}

/// The rules in one object: the kind, then the body.
fn rules(value: &Value, out: &mut Vec<RuleDraft>) -> Result<(), PasswordPolicyError> {
    let Value::Object(kinds) = value else { return Err(PasswordPolicyError::Malformed) };
    for (kind, bodies) in kinds {
        if kind != "charset" {
            return Err(PasswordPolicyError::UnknownRule(kind.clone()));
        }
        for body in one_or_many(bodies) {
            let Value::Object(body) = body else { return Err(PasswordPolicyError::Malformed) };
            out.push(rule(body)?);
        }
    }
    Ok(())
}

fn rule(body: &Map<String, Value>) -> Result<RuleDraft, PasswordPolicyError> {
    let mut rule = RuleDraft::default();
    for (name, value) in body {
        match name.as_str() {
            "charset" => {
                rule.charset = Some(value.as_str().ok_or(PasswordPolicyError::Charset)?.to_owned());
            }
            "min-chars" | "min_chars" => {
                rule.min_chars = Some(value.as_u64().ok_or(PasswordPolicyError::MinChars)?);
            }
            other => return Err(PasswordPolicyError::Unknown(other.to_owned())),
        }
    }
    Ok(rule)
}

fn one_or_many(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        one => std::slice::from_ref(one),
    }
}
