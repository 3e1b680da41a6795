//! A second reader of the stored formats, written from `docs/formats.md` and sharing no code with the first.
//!
//! It knows the cipher crates and the byte maps. If the library's reader and writer drift away from the
//! documents together, this one notices.

use aes_gcm::Aes256Gcm;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use hkdf::Hkdf;
use sha2::Sha256;

/// A place in the store, by the bytes that stand for it.
pub(crate) struct Place<'a> {
    pub(crate) namespace: &'a [u8],
    pub(crate) table: u8,
    pub(crate) name: &'a [u8],
    pub(crate) revision: u64,
}

/// The plaintext of a sealed record, format 1, by the keyring in the open.
pub(crate) fn open_record(keyring: &[u8], place: &Place<'_>, sealed: &[u8]) -> Option<Vec<u8>> {
    let (header, body) = sealed.split_at(6);
    let [1, suite, generation @ ..] = header else { return None };
    let secret = generation_secret(keyring, generation)?;

    let mut aad = b"rotunda record".to_vec();
    aad.extend(header);
    aad.extend(u64::try_from(place.namespace.len()).ok()?.to_be_bytes());
    aad.extend(place.namespace);
    aad.push(place.table);
    aad.extend(u64::try_from(place.name.len()).ok()?.to_be_bytes());
    aad.extend(place.name);
    aad.extend(place.revision.to_be_bytes());

    match suite {
        1 => {
            let input = hkdf(b"", secret, b"rotunda v1 generation aes-256-gcm");
            let data_key = open_aes_wrap(&input, &aad, body.get(..80)?)?;
            open_aes(&data_key, body.get(80..92)?, &aad, body.get(92..)?)
        }
        2 => {
            let wrapping = hkdf(b"", secret, b"rotunda v1 generation xchacha20-poly1305");
            let data_key = open_xchacha(&wrapping, body.get(..24)?, &aad, body.get(24..72)?)?;
            open_xchacha(&data_key, body.get(72..96)?, &aad, body.get(96..)?)
        }
        _ => None,
    }
}

/// The root key and the keyring in the open, of a seal configuration, format 1, by what its holder offers.
pub(crate) fn unseal(config: &[u8], offers: &[Vec<u8>]) -> Option<(Vec<u8>, Vec<u8>)> {
    let [1, kind, _, threshold] = config.get(..4)? else { return None };
    let (terms, unseal_key) = match (kind, threshold) {
        (1, 1) => (config.get(..28)?, offers.first()?.clone()),
        (1, threshold) => (config.get(..28)?, combine(offers.get(..usize::from(*threshold))?)),
        (2, _) => (config.get(..56)?, argon2id(offers.first()?, config.get(28..56)?)?),
        _ => return None,
    };
    let envelopes = config.get(terms.len()..)?;
    let root_bytes = if envelopes.first() == Some(&1) { 81 } else { 73 };

    let aad = [b"rotunda root key", terms].concat();
    let root = open_envelope(&unseal_key, &aad, envelopes.get(..root_bytes)?)?;
    let aad = [b"rotunda keyring", terms.get(4..20)?].concat();
    let keyring = open_envelope(&root, &aad, envelopes.get(root_bytes..)?)?;
    Some((root, keyring))
}

fn generation_secret<'a>(keyring: &'a [u8], generation: &[u8]) -> Option<&'a [u8]> {
    let held = keyring.get(131..)?.chunks_exact(44).find(|held| held.starts_with(generation))?;
    held.get(12..)
}

fn open_envelope(key: &[u8], aad: &[u8], envelope: &[u8]) -> Option<Vec<u8>> {
    match envelope.split_first()? {
        (1, wrapped) => open_aes_wrap(key, aad, wrapped),
        (2, wrapped) => open_xchacha(key, wrapped.get(..24)?, aad, wrapped.get(24..)?),
        _ => None,
    }
}

fn open_aes_wrap(input: &[u8], aad: &[u8], wrapped: &[u8]) -> Option<Vec<u8>> {
    let key = hkdf(wrapped.get(..32)?, input, b"rotunda v1 wrap aes-256-gcm");
    open_aes(&key, &[0; 12], aad, wrapped.get(32..)?)
}

fn open_aes(key: &[u8], nonce: &[u8], aad: &[u8], msg: &[u8]) -> Option<Vec<u8>> {
    Aes256Gcm::new_from_slice(key).ok()?.decrypt(nonce.try_into().ok()?, Payload { msg, aad }).ok()
}

fn open_xchacha(key: &[u8], nonce: &[u8], aad: &[u8], msg: &[u8]) -> Option<Vec<u8>> {
    XChaCha20Poly1305::new_from_slice(key).ok()?.decrypt(nonce.try_into().ok()?, Payload { msg, aad }).ok()
}

fn hkdf(salt: &[u8], ikm: &[u8], info: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 32];
    let expanded = Hkdf::<Sha256>::new(Some(salt), ikm).expand(info, &mut out);
    assert!(expanded.is_ok(), "32 bytes are within the limit");
    out
}

fn argon2id(passphrase: &[u8], terms: &[u8]) -> Option<Vec<u8>> {
    let number = |at: usize| Some(u32::from_be_bytes(terms.get(at..at + 4)?.try_into().ok()?));
    let params = argon2::Params::new(number(0)?, number(4)?, number(8)?, Some(32)).ok()?;
    let mut out = vec![0; 32];
    argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
        .hash_password_into(passphrase, terms.get(12..)?, &mut out)
        .ok()?;
    Some(out)
}

/// Lagrange interpolation at zero, byte by byte, over GF(2^8) modulo x^8 + x^4 + x^3 + x + 1.
fn combine(shares: &[Vec<u8>]) -> Vec<u8> {
    let number = |share: &Vec<u8>| share.last().copied().unwrap_or(0);
    let weight = |of: &Vec<u8>| {
        shares.iter().filter(|share| number(share) != number(of)).fold(1, |product, share| {
            multiply(product, multiply(number(share), inverse(number(share) ^ number(of))))
        })
    };
    let mut key = vec![0; 32];
    for share in shares {
        for (byte, value) in key.iter_mut().zip(share) {
            *byte ^= multiply(*value, weight(share));
        }
    }
    key
}

fn multiply(mut a: u8, mut b: u8) -> u8 {
    let mut product = 0;
    while b != 0 {
        if b & 1 == 1 {
            product ^= a;
        }
        a = (a << 1) ^ if a & 0x80 == 0 { 0 } else { 0x1b };
        b >>= 1;
    }
    product
}

fn inverse(a: u8) -> u8 {
    (1..=255).find(|b| multiply(a, *b) == 1).unwrap_or(0)
}
