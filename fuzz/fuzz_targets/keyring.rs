//! Fuzzes the decoder of the stored keyring.
#![no_main]

#[path = "../decoders/keyring.rs"]
mod keyring;

libfuzzer_sys::fuzz_target!(|data: &[u8]| keyring::run(data));
