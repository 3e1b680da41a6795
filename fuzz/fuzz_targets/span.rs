//! Durations: no text panics, and what is read is written in a form that reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vault_core::schedule::span;

fuzz_target!(|text: &str| {
    if let Ok(Some(read)) = span::parse(text) {
        assert!(read <= span::SPAN_MAX);
        assert_eq!(span::parse(&span::format(read)), Ok(Some(read)));
    }
});
