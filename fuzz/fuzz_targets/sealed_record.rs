//! Fuzzes the decoder of a sealed record.
#![no_main]

#[path = "../decoders/sealed_record.rs"]
mod sealed_record;

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealed_record::run(data));
