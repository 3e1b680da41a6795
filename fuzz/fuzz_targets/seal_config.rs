//! Fuzzes the decoder of the seal configuration.
#![no_main]

#[path = "../decoders/seal_config.rs"]
mod seal_config;

libfuzzer_sys::fuzz_target!(|data: &[u8]| seal_config::run(data));
