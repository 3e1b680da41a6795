//! See `src/aws_reply.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rotunda_fuzz::aws_reply::run(data));
