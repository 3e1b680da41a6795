//! Fuzzes the decoder of shares of the unseal key.
#![no_main]

#[path = "../decoders/unseal_share.rs"]
mod unseal_share;

libfuzzer_sys::fuzz_target!(|data: &[u8]| unseal_share::run(data));
