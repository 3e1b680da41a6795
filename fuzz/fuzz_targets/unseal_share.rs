//! See `src/unseal_share.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rotunda_fuzz::unseal_share::run(data));
