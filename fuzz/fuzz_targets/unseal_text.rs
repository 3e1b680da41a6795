//! See `src/unseal_text.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rotunda_fuzz::unseal_text::run(data));
