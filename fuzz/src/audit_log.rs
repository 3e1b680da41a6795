//! The verifier: no bytes panic, and nothing is called whole once a head is expected that is not there.

use vault_core::audit::{Head, LineHash, PublicKey, Status, VerifyOptions, verify};

/// Verifies `data` as an audit file, twice alike, and with a head that nobody can have written.
pub fn run(data: &[u8]) {
    let open = VerifyOptions { allow_open_tail: true, ..VerifyOptions::default() };
    let Ok(report) = verify(data, &open) else { return };
    assert_eq!(report.status == Status::Damaged, report.findings_total > 0);
    assert!(report.findings.len() as u64 <= report.findings_total);
    let again = verify(data, &open).map(|again| format!("{again:?}"));
    assert_eq!(again.ok(), Some(format!("{report:?}")));
    let last = report.last.map_or(0, |last| last.seq);
    let head = Head { seq: last.saturating_add(1), hash: LineHash::of(b"a line that is not there") };
    let Ok(report) = verify(data, &VerifyOptions { head: Some(head), ..open }) else { return };
    assert_eq!(report.status, Status::Damaged);
    // Whoever pins a key is told of every checkpoint of another one.
    let pinned = PublicKey::from_bytes([7; 32]);
    let Ok(report) = verify(data, &VerifyOptions { public_key: Some(pinned), ..open }) else { return };
    assert_eq!(report.checkpoints, 0);
    if let Some(key) = std::str::from_utf8(data).ok().and_then(PublicKey::parse) {
        assert_eq!(PublicKey::parse(&key.to_string()), Some(key));
    }
}
