//! See `src/sealed_record.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rotunda_fuzz::sealed_record::run(data));
