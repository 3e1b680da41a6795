//! See `src/ldap_names.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rotunda_fuzz::ldap_names::run(data));
