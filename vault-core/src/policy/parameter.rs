//! Rules about a request's parameters: required, denied, allowed, in this order.
//!
//! Names compare without case. A list of values that is empty stands for every value. Texts may have a
//! `*` at either end. A value that is a list, or a text with commas, is taken apart: every part must be
//! allowed, and one denied part is enough to refuse.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use super::authorized::Refusal;
use super::grant::Grant;

/// Values by parameter, names in lower case; the name `*` stands for every parameter.
pub(super) type Parameters = BTreeMap<Box<str>, Vec<Value>>;

/// Adds `more` to `all`; a list that is empty in either stays empty, since it means every value.
pub(super) fn merge(all: &mut Parameters, more: &Parameters) {
    for (name, values) in more {
        match all.get_mut(name) {
            None => {
                all.insert(name.clone(), values.clone());
            }
            Some(held) if held.is_empty() || values.is_empty() => held.clear(),
            Some(held) => held.extend(values.iter().cloned()),
        }
    }
}

/// Why the rule refuses a request with this data; `None` when it does not.
pub(super) fn refusal(grant: &Grant, data: Option<&Value>) -> Option<Refusal> {
    let data = data.and_then(Value::as_object);
    let given = |name: &str| data.is_some_and(|data| data.contains_key(name));
    if grant.required.iter().any(|name| !given(name)) {
        return Some(Refusal::ParameterMissing);
    }
    let data = data.filter(|data| !data.is_empty())?;
    if denies(&grant.denied, data) {
        return Some(Refusal::ParameterDenied);
    }
    (!allows(&grant.allowed, data)).then_some(Refusal::ParameterNotAllowed)
}

fn denies(denied: &Parameters, data: &Map<String, Value>) -> bool {
    if denied.is_empty() {
        return false;
    }
    denied.contains_key(EVERY)
        || data.iter().any(|(name, value)| {
            values_for(denied, name).is_some_and(|values| {
                values.is_empty()
                    || listed(value, values)
                    || any_part(value, |part| listed_part(part, values)).unwrap_or(false)
            })
        })
}

fn allows(allowed: &Parameters, data: &Map<String, Value>) -> bool {
    if allowed.is_empty() {
        return true;
    }
    let any_name = allowed.contains_key(EVERY);
    data.iter().all(|(name, value)| match values_for(allowed, name) {
        None => any_name,
        Some(values) => {
            values.is_empty()
                || listed(value, values)
                // A value without parts is not allowed by having nothing to object to.
                || any_part(value, |part| !listed_part(part, values)) == Some(false)
        }
    })
}

/// The values of one parameter. The request's name is compared in lower case without copying it.
fn values_for<'a>(parameters: &'a Parameters, name: &str) -> Option<&'a [Value]> {
    parameters
        .iter()
        .find(|(listed, _)| name.chars().flat_map(char::to_lowercase).eq(listed.chars()))
        .map(|(_, values)| values.as_slice())
}

/// One piece of a list or of a text with commas.
#[derive(Clone, Copy)]
enum Part<'a> {
    Value(&'a Value),
    Text(&'a str),
}

/// Whether some part of `value` has `property`; `None` when the value has no parts.
fn any_part(value: &Value, property: impl Fn(Part<'_>) -> bool) -> Option<bool> {
    match value {
        Value::Array(items) if !items.is_empty() => {
            Some(items.iter().any(|item| property(Part::Value(item))))
        }
        Value::String(text) if text.contains(',') => {
            Some(text.split(',').any(|part| property(Part::Text(part.trim()))))
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => None,
    }
}

fn listed_part(part: Part<'_>, values: &[Value]) -> bool {
    match part {
        Part::Value(value) => listed(value, values),
        Part::Text(text) => values.iter().any(|value| value.as_str().is_some_and(|glob| globbed(glob, text))),
    }
}

fn listed(value: &Value, values: &[Value]) -> bool {
    values.iter().any(|listed| match (listed, value) {
        (Value::String(glob), Value::String(text)) => globbed(glob, text),
        (Value::Number(one), Value::Number(other)) => same_number(one, other),
        (one, other) => one == other,
    })
}

/// A `*` at either end stands for anything; alone it is only itself, as in Vault.
fn globbed(glob: &str, text: &str) -> bool {
    if glob.len() < 2 {
        return glob == text;
    }
    match (glob.strip_prefix('*'), glob.strip_suffix('*')) {
        (Some(end), Some(_)) => end.strip_suffix('*').is_some_and(|middle| text.contains(middle)),
        (Some(end), None) => text.ends_with(end),
        (None, Some(start)) => text.starts_with(start),
        (None, None) => glob == text,
    }
}

/// Numbers keep their digits here, so `1`, `1.0` and `1e0` are compared by value.
fn same_number(one: &Number, other: &Number) -> bool {
    if one == other {
        return true;
    }
    match (one.as_i64(), other.as_i64()) {
        (Some(one), Some(other)) => one == other,
        _ => match (one.as_f64(), other.as_f64()) {
            (Some(one), Some(other)) => one.is_finite() && one.total_cmp(&other).is_eq(),
            _ => false,
        },
    }
}

/// The name that stands for every parameter.
const EVERY: &str = "*";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parameters(value: Value) -> Parameters {
        let Value::Object(entries) = value else { return Parameters::new() };
        entries
            .into_iter()
            .map(|(name, values)| (name.into(), values.as_array().cloned().unwrap_or_default()))
            .collect()
    }

    fn check(allowed: Value, denied: Value, required: &[&str], data: Value) -> Option<Refusal> {
        let grant = Grant {
            allowed: parameters(allowed),
            denied: parameters(denied),
            required: required.iter().map(|name| (*name).into()).collect(),
            ..Grant::default()
        };
        refusal(&grant, Some(&data))
    }

    #[test]
    fn allowed_parameters_name_what_may_be_sent() {
        for (allowed, data, want) in [
            (json!({}), json!({"any": 1}), true),
            (json!({"ttl": []}), json!({"ttl": "1h"}), true),
            (json!({"ttl": []}), json!({"TTL": "1h"}), true),
            (json!({"ttl": []}), json!({"other": "1h"}), false),
            (json!({"ttl": []}), json!({}), true),
            (json!({"ttl": ["1h", "2h"]}), json!({"ttl": "2h"}), true),
            (json!({"ttl": ["1h", "2h"]}), json!({"ttl": "3h"}), false),
            (json!({"*": []}), json!({"any": 1}), true),
            (json!({"*": [], "ttl": ["1h"]}), json!({"any": 1, "ttl": "1h"}), true),
            (json!({"*": [], "ttl": ["1h"]}), json!({"ttl": "9h"}), false),
            (json!({"n": ["app-*"]}), json!({"n": "app-1"}), true),
            (json!({"n": ["*-app"]}), json!({"n": "x-app"}), true),
            (json!({"n": ["*mid*"]}), json!({"n": "amidst"}), true),
            (json!({"n": ["*mid*"]}), json!({"n": "other"}), false),
            (json!({"n": ["*"]}), json!({"n": "x"}), false),
            (json!({"n": ["**"]}), json!({"n": "x"}), true),
            (json!({"n": [1, true, null]}), json!({"n": 1.0}), true),
            (json!({"n": [1, true, null]}), json!({"n": null}), true),
            (json!({"n": [1]}), json!({"n": "1"}), false),
            (json!({"n": [1]}), json!({"n": 2}), false),
            (json!({"n": ["a", "b"]}), json!({"n": ["a", "b"]}), true),
            (json!({"n": ["a", "b"]}), json!({"n": ["a", "c"]}), false),
            (json!({"n": [["a", "c"]]}), json!({"n": ["a", "c"]}), true),
            (json!({"n": ["a", "b"]}), json!({"n": "a, b"}), true),
            (json!({"n": ["a", "b"]}), json!({"n": "a,c"}), false),
            (json!({"n": ["a"]}), json!({"n": ""}), false),
            (json!({"n": ["a"]}), json!({"n": []}), false),
        ] {
            let refused = check(allowed.clone(), json!({}), &[], data.clone());
            assert_eq!(refused, (!want).then_some(Refusal::ParameterNotAllowed), "{allowed} {data}");
        }
    }

    #[test]
    fn denied_parameters_refuse_whatever_is_allowed() {
        for (denied, data, want) in [
            (json!({"ttl": []}), json!({"ttl": "1h"}), true),
            (json!({"ttl": []}), json!({"TTL": "1h"}), true),
            (json!({"ttl": ["1h"]}), json!({"ttl": "2h"}), false),
            (json!({"*": []}), json!({"any": 1}), true),
            (json!({"*": []}), json!({}), false),
            (json!({"n": ["root"]}), json!({"n": ["dev", "root"]}), true),
            (json!({"n": ["root"]}), json!({"n": "dev, root"}), true),
            (json!({"n": ["root"]}), json!({"n": "dev,ops"}), false),
            (json!({"n": ["root*"]}), json!({"n": "rooted"}), true),
            (json!({"n": [5]}), json!({"n": 5.0}), true),
        ] {
            let refused = check(json!({"*": []}), denied.clone(), &[], data.clone());
            assert_eq!(refused, want.then_some(Refusal::ParameterDenied), "{denied} {data}");
        }
    }

    #[test]
    fn required_parameters_must_be_there_even_without_data() {
        assert_eq!(check(json!({}), json!({}), &["name"], json!({"name": ""})), None);
        for data in [json!({}), json!({"other": 1}), json!(null)] {
            assert_eq!(check(json!({}), json!({}), &["name"], data), Some(Refusal::ParameterMissing));
        }
    }

    #[test]
    fn an_empty_list_survives_merging_as_every_value() {
        let mut all = parameters(json!({"a": ["1"], "b": []}));
        merge(&mut all, &parameters(json!({"a": ["2"], "b": ["3"], "c": ["4"]})));
        assert_eq!(all, parameters(json!({"a": ["1", "2"], "b": [], "c": ["4"]})));
        merge(&mut all, &parameters(json!({"a": []})));
        assert_eq!(all.get("a"), Some(&vec![]));
    }
}
