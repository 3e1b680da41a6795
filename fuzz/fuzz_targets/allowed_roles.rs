//! See `src/allowed_roles.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rotunda_fuzz::allowed_roles::run(data));
