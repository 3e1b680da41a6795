//! Instants as text: what is read is written in a form that reads the same.

use vault_core::clock::Timestamp;

/// Reads `data` as an instant, and as a number of seconds.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let read = Timestamp::parse_rfc3339(text);
    let counted = text.trim().parse().ok().map(Timestamp::from_secs);
    for at in [read, counted].into_iter().flatten() {
        assert_eq!(at.since(at).as_millis(), 0);
        assert!(at.plus(std::time::Duration::from_secs(1)) >= at);
    }
    if let Some(at) = read {
        let written = at.to_rfc3339();
        assert_eq!(Timestamp::parse_rfc3339(&written), Some(at), "{written}");
        assert!(written.ends_with('Z') && Timestamp::from_utc(at.to_utc()) == at);
    }
}
