//! The two ciphers behind one pair of functions.
//!
//! The only file that names the cipher crates. A nonce comes in from the caller, who argues its uniqueness.

use aes_gcm::Aes256Gcm;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::array::typenum::consts::U32;
use chacha20poly1305::aead::{AeadInOut, KeyInit, KeySizeUser, Nonce, Tag};
use zeroize::Zeroizing;

use super::suite::{Suite, TAG_BYTES};

/// Why a ciphertext was not decrypted. There is one answer for a wrong key, a wrong place, an altered
/// byte and a cut end, so that nobody learns which by trying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("decryption was refused")]
pub(crate) struct Refused;

/// `ciphertext ‖ tag = AEAD[key](nonce, aad, plaintext)`, appended to `out`.
///
/// `nonce` must have the suite's length and never repeat under `key`.
pub(super) fn encrypt_append(
    suite: Suite,
    key: &[u8; 32],
    nonce: &[u8],
    aad: &[u8],
    plaintext: &[u8],
    out: &mut Vec<u8>,
) {
    match suite {
        Suite::Aes256Gcm => encrypt_with::<Aes256Gcm>(key, nonce, aad, plaintext, out),
        Suite::XChaCha20Poly1305 => encrypt_with::<XChaCha20Poly1305>(key, nonce, aad, plaintext, out),
    }
}

/// `plaintext = AEAD⁻¹[key](nonce, aad, ciphertext ‖ tag)`.
///
/// Both ciphers check the tag before they decrypt, so an unauthentic plaintext never exists.
pub(super) fn decrypt(
    suite: Suite,
    key: &[u8; 32],
    nonce: &[u8],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Refused> {
    match suite {
        Suite::Aes256Gcm => decrypt_with::<Aes256Gcm>(key, nonce, aad, sealed),
        Suite::XChaCha20Poly1305 => decrypt_with::<XChaCha20Poly1305>(key, nonce, aad, sealed),
    }
}

#[expect(clippy::expect_used, reason = "the nonce length is fixed by the suite; 64 GiB fit in no request")]
fn encrypt_with<C: AeadInOut + KeyInit + KeySizeUser<KeySize = U32>>(
    key: &[u8; 32],
    nonce: &[u8],
    aad: &[u8],
    plaintext: &[u8],
    out: &mut Vec<u8>,
) {
    let nonce = Nonce::<C>::try_from(nonce).expect("the nonce has the suite's length");
    // Reserved before the plaintext is copied in: growing later would leave a copy behind on the heap.
    out.reserve_exact(plaintext.len().saturating_add(TAG_BYTES));
    let start = out.len();
    out.extend_from_slice(plaintext);
    let (_, body) = out.split_at_mut(start);
    let tag = C::new(key.into())
        .encrypt_inout_detached(&nonce, aad, body.into())
        .expect("a plaintext is far below the cipher's limit (64 GiB for AES-GCM)");
    out.extend_from_slice(&tag);
}

fn decrypt_with<C: AeadInOut + KeyInit + KeySizeUser<KeySize = U32>>(
    key: &[u8; 32],
    nonce: &[u8],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Refused> {
    let nonce = Nonce::<C>::try_from(nonce).map_err(|_| Refused)?;
    let body = sealed.len().checked_sub(TAG_BYTES).ok_or(Refused)?;
    let (ciphertext, tag) = sealed.split_at(body);
    let tag = Tag::<C>::try_from(tag).map_err(|_| Refused)?;
    let mut plaintext = Zeroizing::new(ciphertext.to_vec());
    C::new(key.into())
        .decrypt_inout_detached(&nonce, aad, plaintext.as_mut_slice().into(), &tag)
        .map_err(|_| Refused)?;
    Ok(plaintext)
}
