//! See `src/http_service.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rotunda_fuzz::http_service::run(data));
