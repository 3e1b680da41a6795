//! What every answer must be like.

use axum::http::HeaderMap;
use serde_json::Value;

/// An answer, whole.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// Holds the answer against what is promised of all; gives back its JSON.
    pub(super) fn check(&self, what: &str, path: &str) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        let what = format!("{what}\n  {} {text}", self.status);
        assert_eq!(self.header("cache-control"), "no-store", "{what}");
        assert_eq!(self.header("x-content-type-options"), "nosniff", "{what}");
        if self.body.is_empty() {
            assert!(self.status < 400 || what.starts_with("HEAD "), "an error says something: {what}");
            assert!(self.is_no_fault(&Value::Null, path), "{what}");
            return Value::Null;
        }
        assert_ne!(self.status, 204, "{what}");
        if self.header("content-type") != "application/json" {
            assert!(path.starts_with("sys/metrics") && self.status == 200, "{what}");
            return Value::Null;
        }
        let json: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        assert!(json.is_object(), "an answer is a JSON object: {what}");
        assert!(self.is_no_fault(&json, path), "a fault of the vault's own: {what}");
        if self.status >= 400 && !is_health(path) {
            let sentences = json.get("errors").and_then(Value::as_array);
            let is_list = sentences.is_some_and(|list| list.iter().all(Value::is_string));
            assert!(is_list || json.get("data").is_some(), "an error is a list of sentences: {what}");
            assert!(
                !text.contains(CANARY) || what.split("\n  ").next().is_some_and(|sent| sent.contains(CANARY))
            );
        }
        json
    }

    /// Holds a page of the dashboard, or what belongs to one, against what is promised of all of these.
    pub(super) fn check_page(&self, what: &str) {
        let text = String::from_utf8_lossy(&self.body);
        let what = format!("{what}\n  {} {text}", self.status);
        assert!(self.status < 500, "a fault of the vault's own: {what}");
        assert_eq!(self.header("x-content-type-options"), "nosniff", "{what}");
        // Pages, files to take along, passwords that were pressed for and events: only what is in the program is kept.
        let is_asset = ["text/css", "text/javascript", "image/svg"]
            .iter()
            .any(|kind| self.header("content-type").starts_with(kind));
        if !is_asset {
            assert_eq!(self.header("cache-control"), "no-store", "{what}");
        }
        if self.header("content-type").starts_with("text/html") {
            assert!(self.header("content-security-policy").starts_with("default-src 'none'"), "{what}");
        }
        let sent = what.split("\n  ").next().unwrap_or_default();
        assert!(!text.contains(CANARY) || sent.contains(CANARY), "{what}");
    }

    /// A target that refused is told as such. `sys/health` answers with whatever status it is asked for.
    fn is_no_fault(&self, json: &Value, path: &str) -> bool {
        let is_target = self.status == 502 && json.pointer("/data/class").is_some();
        self.status < 500 || is_target || is_health(path)
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

fn is_health(path: &str) -> bool {
    path == "sys/health"
}

/// Stands in a stored secret; no error may repeat it that was not sent it.
pub(super) const CANARY: &str = "canary-7c1f9a2e";
