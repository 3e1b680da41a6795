//! See `src/rotation_policy.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rotunda_fuzz::rotation_policy::run(data));
