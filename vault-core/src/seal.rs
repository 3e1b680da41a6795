//! The seal: from shares or a passphrase to the keys in use.
//!
//! ```text
//!   initialize ─► Config (stored) + shares (handed out once) + Unsealed
//!   Config ─► Unsealing ─offer a share … or the passphrase─► Unsealed { root, keyring }
//!   Config ─► Rekey ─old shares─► NewSeal + new shares            GenerateRoot ─shares─► token, masked
//! ```
//!
//! Pure: nothing here stores, sends or waits. A wrong share or passphrase is noticed because the root key
//! is unwrapped with authentication; nothing is ever guessed from how the result looks.

mod config;
mod generate_root;
mod initialize;
mod rekey;
mod shamir;
mod unseal;

use crate::crypto::{Keyring, RootKey};

pub use config::{Config, ConfigError, SealKind};
pub use generate_root::{GenerateRoot, OTP_LENGTH, OtpError};
pub use initialize::{InitError, InitRequest, Initialized, PASSPHRASE_BYTES_MIN, SHARES_MAX, initialize};
pub use rekey::{NewSeal, Rekey, Rekeyed, Verified};
pub use unseal::{Offer, UnsealError, Unsealing};

/// The keys in use. Whoever holds this has an unsealed vault; dropping it wipes them.
#[derive(Debug)]
pub struct Unsealed {
    /// Seals the keyring when it changes.
    pub root: RootKey,
    /// Opens and seals records.
    pub keyring: Keyring,
}
