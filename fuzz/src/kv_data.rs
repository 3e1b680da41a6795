//! The data of static secrets: kept digit for digit, merged as RFC 7396 has it, never shown by its names.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use vault_core::kv::{CustomMetadata, Data};
use vault_core::secret::SecretString;

use super::parts::parts;

/// Merges `data %% patch`, and shows the names to a depth: `%% depth`.
pub fn run(data: &[u8]) {
    let Some(parts) = parts(data) else { return };
    let mut parts = parts.into_iter();
    let (target, patch) = (parts.next().unwrap_or_default(), parts.next().unwrap_or("{}"));
    let depth = parts.next().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let parse = |text: &str| Data::parse(&SecretString::new(text.to_owned())).ok();
    let (Some(mut data), Some(patch_data)) = (parse(target), parse(patch)) else { return };
    let Some(text) = text(&data) else { return };
    let again = parse(&text).and_then(|again| self::text(&again));
    assert_eq!(again.as_ref(), Some(&text), "what was written reads the same");

    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let (target, patch) = (value(target), value(patch));
    assert_eq!(data.subkeys(depth), names(&target, depth, 1));
    let expected = merge_patch(target.clone(), &patch);
    data.merge(&patch_data);
    let Some(merged) = self::text(&data) else { return };
    assert_eq!(value(&merged), expected);
    data.merge(&patch_data);
    assert_eq!(self::text(&data), Some(merged), "a patch changes nothing the second time");
    notes(&target, &patch);
}

fn text(data: &Data) -> Option<String> {
    data.to_text().ok().map(|text| text.expose().to_owned())
}

/// `MergePatch` as the RFC writes it down, line by line.
fn merge_patch(target: Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else { return patch.clone() };
    let mut target = match target {
        Value::Object(target) => target,
        _ => Map::new(),
    };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            let before = target.get(name).cloned().unwrap_or_default();
            target.insert(name.clone(), merge_patch(before, value));
        }
    }
    Value::Object(target)
}

/// Names down to a depth; what holds no names, or lies deeper, is null.
fn names(value: &Value, depth: u64, level: u64) -> Value {
    let below = |value: &Value| match value.as_object() {
        Some(inner) if !inner.is_empty() && (depth == 0 || level < depth) => names(value, depth, level + 1),
        _ => Value::Null,
    };
    let object = value.as_object().into_iter().flatten();
    Value::Object(object.map(|(name, value)| (name.clone(), below(value))).collect())
}

/// The same texts as notes about a secret: what is patched is within the limits, as if it were new.
fn notes(target: &Value, patch: &Value) {
    let pairs = |value: &Value| -> BTreeMap<String, Option<String>> {
        let object = value.as_object().into_iter().flatten();
        object.map(|(name, value)| (name.clone(), value.as_str().map(str::to_owned))).collect()
    };
    let texts = pairs(target).into_iter().filter_map(|(name, text)| Some((name, text?))).collect();
    let Ok(notes) = CustomMetadata::new(texts) else { return };
    let mut expected = notes.entries().clone();
    for (name, text) in pairs(patch) {
        match text {
            Some(text) => expected.insert(name, text),
            None => expected.remove(&name),
        };
    }
    assert_eq!(notes.patched(pairs(patch)), CustomMetadata::new(expected));
}
