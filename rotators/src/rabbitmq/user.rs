//! A user of the server: its tags, and what it may do.

use serde_json::Value;
use vault_core::rotation::fault::Fault;
use vault_core::rotation::port::Rights;

use super::api::Api;
use super::classify;
use super::command::path_piece;

/// A user.
pub(super) struct User {
    /// As the server told them, to be given back: newer ones tell a list, older ones a text with commas.
    pub(super) tags: Value,
    /// Whether it has a password at all.
    pub(super) has_password: bool,
}

impl User {
    /// The user of this name, if there is one.
    pub(super) async fn find(api: &Api<'_>, name: &str) -> Result<Option<Self>, Fault> {
        let found = api
            .find(&format!("users/{}", path_piece(name)))
            .await
            .map_err(|failure| classify::look(failure, "reading the user", api.place()))?;
        Ok(found.map(|user| Self {
            tags: user.get("tags").cloned().unwrap_or_else(|| Value::String(String::new())),
            // Not told is not empty.
            has_password: user.get("password_hash").and_then(Value::as_str) != Some(""),
        }))
    }

    /// What it may do, as stable lines.
    pub(super) async fn rights(&self, api: &Api<'_>, name: &str) -> Result<Rights, Fault> {
        let name = path_piece(name);
        let mut lines: Vec<String> = tags(&self.tags).map(|tag| format!("tag {tag}")).collect();
        for (path, line) in [
            (format!("users/{name}/permissions"), permission as fn(&Value) -> Vec<String>),
            (format!("users/{name}/topic-permissions"), topic_permission),
            (format!("user-limits/{name}"), limits),
        ] {
            // A server that is too old for one of these has none of it.
            let found = api
                .find(&path)
                .await
                .map_err(|failure| classify::look(failure, "reading the user's rights", api.place()))?;
            let entries = found.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            lines.extend(entries.iter().flat_map(line));
        }
        lines.sort();
        Ok(Rights(lines))
    }
}

/// The single tags.
pub(super) fn tags(tags: &Value) -> impl Iterator<Item = &str> {
    let listed = tags.as_array().map(Vec::as_slice).unwrap_or_default().iter().filter_map(Value::as_str);
    let written = tags.as_str().unwrap_or_default().split(',').map(str::trim);
    listed.chain(written).filter(|tag| !tag.is_empty())
}

fn permission(entry: &Value) -> Vec<String> {
    let [vhost, configure, write, read] =
        ["vhost", "configure", "write", "read"].map(|name| text(entry, name));
    // One line each, so that what is lost is told as exactly that.
    [("configure", configure), ("write", write), ("read", read)]
        .map(|(act, pattern)| format!("{act} '{pattern}' in vhost {vhost}"))
        .to_vec()
}

fn topic_permission(entry: &Value) -> Vec<String> {
    let [vhost, exchange, write, read] = ["vhost", "exchange", "write", "read"].map(|name| text(entry, name));
    [("write", write), ("read", read)]
        .map(|(act, pattern)| format!("{act} topics '{pattern}' of exchange '{exchange}' in vhost {vhost}"))
        .to_vec()
}

fn limits(entry: &Value) -> Vec<String> {
    let limits = entry.get("value").and_then(Value::as_object);
    limits.into_iter().flatten().map(|(name, value)| format!("limit {name} {value}")).collect()
}

fn text<'a>(entry: &'a Value, name: &str) -> &'a str {
    entry.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tags_are_read_in_both_forms_and_entries_become_lines() {
        for told in [json!(["monitoring", "app"]), json!("monitoring, app")] {
            assert_eq!(tags(&told).collect::<Vec<_>>(), ["monitoring", "app"]);
        }
        assert_eq!(tags(&json!("")).count(), 0);
        let entry = json!({ "user": "app", "vhost": "/", "configure": "", "write": "^a", "read": ".*" });
        assert_eq!(
            permission(&entry),
            ["configure '' in vhost /", "write '^a' in vhost /", "read '.*' in vhost /"]
        );
        let entry = json!({ "vhost": "/", "exchange": "x", "write": "w", "read": "r" });
        assert_eq!(topic_permission(&entry).len(), 2);
        assert_eq!(
            limits(&json!({ "user": "app", "value": { "max-connections": 5 } })),
            ["limit max-connections 5"]
        );
    }
}
