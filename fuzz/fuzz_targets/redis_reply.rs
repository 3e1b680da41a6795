//! See `src/redis_reply.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rotunda_fuzz::redis_reply::run(data));
