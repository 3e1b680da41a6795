//! The signature of a message, as the Standard Webhooks specification has it.
//!
//! ```text
//!   webhook-id: msg_…          webhook-timestamp: 1700000000
//!   webhook-signature: v1,base64(HMAC-SHA256(key, "<id>.<timestamp>.<body>")) v1,…      one for each secret that is valid
//!   secret: whsec_base64(key)
//! ```

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::Webhook;
use crate::clock::Timestamp;
use crate::entropy::{Entropy, random_bytes};
use crate::id::EventId;
use crate::secret::SecretString;

/// A new secret.
#[must_use]
pub fn generate(entropy: &dyn Entropy) -> SecretString {
    let key = Zeroizing::new(random_bytes::<32>(entropy));
    SecretString::new(format!("{PREFIX}{}", BASE64.encode(key.as_slice())))
}

/// Whether a text can be a secret: `whsec_` and the base64 of 24 to 64 bytes.
#[must_use]
pub fn is_secret(secret: &SecretString) -> bool {
    key(secret).is_some()
}

/// The id of a message as receivers see it.
#[must_use]
pub fn message_id(event: EventId) -> String {
    format!("msg_{event}")
}

/// The header of a message that is sent at `now`: a signature by each secret that is valid then. `stamp` is what the receiver
/// is told and compares with a clock of its own.
#[must_use]
pub fn signatures(webhook: &Webhook, id: &str, now: Timestamp, stamp: Timestamp, body: &str) -> String {
    let former = webhook.former.as_ref().filter(|former| now < former.until).map(|former| &former.secret);
    let secrets = std::iter::once(&webhook.secret).chain(former);
    let signed: Vec<String> =
        secrets.filter_map(|secret| signature(secret, id, stamp.as_secs(), body)).collect();
    signed.join(" ")
}

/// The signature by one secret; `None` when it is none.
#[must_use]
pub fn signature(secret: &SecretString, id: &str, seconds: i64, body: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key(secret)?).ok()?;
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body.as_bytes());
    Some(format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes())))
}

fn key(secret: &SecretString) -> Option<Zeroizing<Vec<u8>>> {
    let text = secret.expose().strip_prefix(PREFIX)?;
    let key = Zeroizing::new(BASE64.decode(text.as_bytes()).ok()?);
    (24..=64).contains(&key.len()).then_some(key)
}

const PREFIX: &str = "whsec_";
