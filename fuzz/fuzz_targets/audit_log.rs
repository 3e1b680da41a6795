//! The verifier: no bytes panic, and nothing that is not signed by the pinned key is called intact once a
//! head is expected that the fuzzer cannot have made.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vault_core::audit::{Head, LineHash, Status, VerifyOptions, verify};

fuzz_target!(|bytes: &[u8]| {
    let open = VerifyOptions { allow_open_tail: true, ..VerifyOptions::default() };
    let Ok(report) = verify(bytes, &open) else { return };
    assert_eq!(report.status == Status::Damaged, report.findings_total > 0);
    let last = report.last.map_or(0, |last| last.seq);
    let head = Head { seq: last.saturating_add(1), hash: LineHash::of(b"a line that is not there") };
    let Ok(report) = verify(bytes, &VerifyOptions { head: Some(head), ..open }) else { return };
    assert_eq!(report.status, Status::Damaged);
});
