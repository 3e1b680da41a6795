//! Durations: no text panics, and what is read is written in a form that reads the same.

use serde_json::Value;
use vault_api::duration::Seconds;
use vault_core::schedule::span;

/// Reads `data` as a length of time.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let read = span::parse(text);
    assert_eq!(span::from_json(&Value::from(text)), read);
    if let Ok(Some(read)) = read {
        assert!(!read.is_zero() && read <= span::SPAN_MAX);
        assert_eq!(span::parse(&span::format(read)), Ok(Some(read)));
    }
    if let Ok(seconds) = Seconds::parse(text) {
        if let Ok(read) = read {
            assert_eq!(read.unwrap_or_default().as_secs(), seconds.0, "both readers mean the same");
        }
        // What is too long to be written in its units was written in none.
        if let Ok(again) = Seconds::parse(&seconds.to_string()) {
            assert_eq!(again, seconds);
        }
    }
}
