//! What people type at a ceremony: shares in hex or base64, and the pad of a root token.

use std::cell::OnceCell;

use data_encoding::{BASE64, BASE64_NOPAD, HEXLOWER, HEXUPPER};
use vault_core::clock::Timestamp;
use vault_core::entropy::SeededEntropy;
use vault_core::seal::{Config, GenerateRoot, InitRequest, initialize};
use vault_core::secret::SecretString;
use vault_server::service::seal::decode_share;

/// Takes `data` as a share's text, as a share's bytes, and as a pad.
pub fn run(data: &[u8]) {
    for text in [HEXLOWER.encode(data), HEXUPPER.encode(data)] {
        assert_eq!(decoded(&format!(" {text}\n")).as_deref(), Some(data));
    }
    for text in [BASE64.encode(data), BASE64_NOPAD.encode(data)] {
        // Hex is tried first: a text of an even number of its digits is hex. No share is that by chance.
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            assert_eq!(decoded(&text).as_deref(), Some(data));
        }
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(bytes) = decoded(text) {
        assert!(bytes.len() <= text.len());
    }
    assert_eq!(decode_share(text, "passphrase").map(|share| share.expose().to_vec()), Some(data.to_vec()));
    pad(text);
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    decode_share(text, "shamir").map(|share| share.expose().to_vec())
}

/// A pad that is taken hides a token that its owner reads, and nobody is shown the pad.
fn pad(text: &str) {
    thread_local! {
        static CONFIG: OnceCell<Option<Config>> = const { OnceCell::new() };
    }
    let make = || {
        let request = InitRequest::Shamir { shares: 1, threshold: 1 };
        initialize(request, Timestamp::EPOCH, &SeededEntropy::new(1)).ok().map(|made| made.config)
    };
    let Some(config) = CONFIG.with(|config| config.get_or_init(make).clone()) else { return };
    let entropy = SeededEntropy::new(2);
    let pad = SecretString::new(text.to_owned());
    let Ok((root, drawn)) = GenerateRoot::begin(&config, Some(pad), &entropy) else { return };
    assert!(drawn.is_none() && matches!(text.len(), 26 | 28));
    let token = root.draw(&entropy);
    assert!(token.is_some(), "a pad that was taken fits a token");
    let Some(token) = token else { return };
    let masked = BASE64_NOPAD.decode(root.mask(&token).as_bytes()).unwrap_or_default();
    let read: Vec<u8> = masked.iter().zip(text.bytes()).map(|(masked, pad)| masked ^ pad).collect();
    assert_eq!(read, token.expose().as_bytes());
    assert!(!format!("{root:?}").contains(text));
}
