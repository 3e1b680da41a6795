//! Places in JSON documents (RFC 6901), and conditions on what stands there. Pure.

use serde::Deserialize;
use serde_json::Value;

/// What is looked for in an answer: every part that is given must hold.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The status.
    #[serde(default)]
    pub status: Option<u16>,
    /// A place in the body; without `equals`, something must be there.
    #[serde(default)]
    pub pointer: Option<String>,
    /// What must be there.
    #[serde(default)]
    pub equals: Option<Value>,
}

impl Condition {
    /// Whether it holds for an answer; an item of a list has no status.
    #[must_use]
    pub fn holds(&self, status: Option<u16>, body: &Value) -> bool {
        if self.status.is_some() && self.status != status {
            return false;
        }
        let Some(pointer) = &self.pointer else { return self.status.is_some() };
        match (body.pointer(pointer), &self.equals) {
            (Some(found), Some(wanted)) => found == wanted,
            (Some(found), None) => !found.is_null(),
            (None, _) => false,
        }
    }

    /// What is wrong with it, if anything is.
    #[must_use]
    pub fn flaw(&self) -> Option<&'static str> {
        match (&self.status, &self.pointer, &self.equals) {
            (None, None, _) => Some("says neither status nor pointer"),
            (_, None, Some(_)) => Some("has equals without a pointer"),
            (Some(status), ..) if !(100..600).contains(status) => Some("has a status that is none of HTTP's"),
            (_, Some(pointer), _) => flaw(pointer),
            _ => None,
        }
    }
}

/// Why a text is no JSON pointer, if it is none.
#[must_use]
pub fn flaw(pointer: &str) -> Option<&'static str> {
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return Some("is no JSON pointer: it must be empty or begin with a slash");
    }
    let sound = pointer.split('~').skip(1).all(|rest| rest.starts_with('0') || rest.starts_with('1'));
    if sound { None } else { Some("is no JSON pointer: write a tilde as ~0") }
}

/// A text or a whole number, as text.
#[must_use]
pub fn name_in(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

/// The same of what is to stand in an address, where `.` and `..` would lead elsewhere.
#[must_use]
pub fn handle_in(value: &Value) -> Option<String> {
    name_in(value).filter(|name| name != "." && name != "..")
}

/// What stands at a place, as stable lines. A `*` in the pointer stands for each item of a list; lists and fields
/// below the place are gone through, without the positions of items.
#[must_use]
pub fn lines(body: &Value, pointer: &str) -> Vec<String> {
    let mut found = Vec::new();
    let segments: Vec<&str> = pointer.split('/').skip(1).collect();
    gather(body, &segments, pointer, &mut found);
    found.sort();
    found.dedup();
    found
}

fn gather(value: &Value, segments: &[&str], place: &str, found: &mut Vec<String>) {
    if found.len() >= LINES_MAX {
        return;
    }
    let Some((segment, rest)) = segments.split_first() else { return tell(value, place, found) };
    match value {
        Value::Array(items) if *segment == "*" => {
            items.iter().for_each(|item| gather(item, rest, place, found));
        }
        _ => {
            if let Some(inner) = value.pointer(&format!("/{segment}")) {
                gather(inner, rest, place, found);
            }
        }
    }
}

fn tell(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        _ if found.len() >= LINES_MAX => {}
        Value::Null => {}
        Value::Array(items) => items.iter().for_each(|item| tell(item, place, found)),
        Value::Object(fields) => {
            for (name, inner) in fields {
                tell(inner, &format!("{place}/{name}"), found);
            }
        }
        Value::String(text) => found.push(line(place, text)),
        Value::Bool(_) | Value::Number(_) => found.push(line(place, &value.to_string())),
    }
}

fn line(place: &str, value: &str) -> String {
    let plain =
        |text: &str| text.chars().filter(|c| !c.is_control()).take(LINE_CHARS_MAX).collect::<String>();
    format!("{} = {}", plain(place), plain(value))
}

/// More rights than this are not compared.
const LINES_MAX: usize = 2000;
const LINE_CHARS_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_part_of_a_condition_must_hold() {
        let body = json!({ "state": "active", "none": null });
        let all: Vec<Condition> = serde_json::from_value(json!([
            { "status": 200 },
            { "pointer": "/state" },
            { "pointer": "/state", "equals": "active" },
            { "status": 404, "pointer": "/state" },
            { "pointer": "/none" },
            { "pointer": "/missing", "equals": null },
            { "pointer": "/state", "equals": "blocked" },
        ]))
        .unwrap();
        let found: Vec<bool> = all.iter().map(|one| one.holds(Some(200), &body)).collect();
        assert_eq!(found, [true, true, true, false, false, false, false]);
        assert!(all.iter().all(|one| one.flaw().is_none()));
        for wrong in [json!({}), json!({ "equals": 1 }), json!({ "status": 7 }), json!({ "pointer": "a" })] {
            let condition: Condition = serde_json::from_value(wrong.clone()).unwrap();
            assert!(condition.flaw().is_some(), "{wrong}");
        }
    }

    #[test]
    fn rights_are_lines_that_do_not_depend_on_the_order() {
        let one = json!({ "role": "admin", "groups": ["b", "a"], "roles": [{ "name": "x", "id": 1 }, { "name": "y" }], "can": { "read": true, "no": null } });
        let two = json!({ "can": { "read": true }, "roles": [{ "name": "y" }, { "name": "x" }], "groups": ["a", "b"], "role": "admin" });
        for (pointer, want) in [
            ("/role", vec!["/role = admin"]),
            ("/groups", vec!["/groups = a", "/groups = b"]),
            ("/roles/*/name", vec!["/roles/*/name = x", "/roles/*/name = y"]),
            ("/can", vec!["/can/read = true"]),
            ("/missing", vec![]),
        ] {
            assert_eq!(lines(&one, pointer), want);
            assert_eq!(lines(&two, pointer), want);
        }
    }

    #[test]
    fn what_is_no_name_in_an_address_is_no_handle() {
        for (value, want) in [
            (json!("a.b"), true),
            (json!(7), true),
            (json!("."), false),
            (json!(".."), false),
            (json!(""), false),
        ] {
            assert_eq!(handle_in(&value).is_some(), want, "{value}");
        }
    }

    #[test]
    fn a_pointer_has_its_form() {
        for (text, sound) in [("", true), ("/a~1b~0", true), ("a", false), ("/~", false), ("/~2", false)] {
            assert_eq!(flaw(text).is_none(), sound, "{text}");
        }
    }
}
