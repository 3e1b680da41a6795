//! Which host keys are the target's. A key is never trusted because it was there first.

use std::borrow::Cow;

use russh::Preferred;
use russh::keys::ssh_key::Fingerprint;
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PublicKey};

use crate::network::ConfigError;

/// The host keys that the target may show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pins(Vec<Pin>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pin {
    Key(Box<PublicKey>),
    Fingerprint(Fingerprint),
}

impl Pins {
    /// What is wrong with a setting that pins nothing.
    pub(super) const WANTED: ConfigError = ConfigError::Value {
        name: "host_key",
        allowed: "one or more host keys of the target, separated by commas or lines: ssh-ed25519 or ecdsa keys as in /etc/ssh/ssh_host_*_key.pub, or fingerprints SHA256:… as of ssh-keygen -l; or the word ask, with which nothing but the key exchange is done and targets/check tells the fingerprint to compare",
    };

    /// Reads public keys and fingerprints, or `ask`.
    pub(super) fn parse(text: &str) -> Result<Self, ConfigError> {
        if text.trim() == "ask" {
            return Ok(Self(Vec::new()));
        }
        let entries = text.split([',', '\n']).map(str::trim).filter(|entry| !entry.is_empty());
        let pins: Vec<Pin> = entries.map(pin).collect::<Result<_, _>>()?;
        if pins.is_empty() { Err(Self::WANTED) } else { Ok(Self(pins)) }
    }

    /// Whether a person has yet to say which key is right.
    pub(super) fn asks(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this is one of them.
    pub(super) fn hold(&self, shown: &PublicKey) -> bool {
        self.0.iter().any(|pin| match pin {
            Pin::Key(key) => key.key_data() == shown.key_data(),
            Pin::Fingerprint(print) => shown.fingerprint(HashAlg::Sha256) == *print,
        })
    }

    /// The kinds of host key to ask the server for: those that are pinned, or any where only a fingerprint is known.
    pub(super) fn algorithms(&self) -> Cow<'static, [Algorithm]> {
        let whole = self.0.iter().map(|pin| match pin {
            Pin::Key(key) => Some(key.algorithm()),
            Pin::Fingerprint(_) => None,
        });
        match whole.collect::<Option<Vec<_>>>() {
            Some(known) if !known.is_empty() => {
                KINDS.into_iter().filter(|kind| known.contains(kind)).collect::<Vec<_>>().into()
            }
            _ => KINDS.to_vec().into(),
        }
    }

    /// Algorithms of the whole connection, for these keys.
    pub(super) fn preferred(&self) -> Preferred {
        Preferred { key: self.algorithms(), ..Preferred::DEFAULT }
    }
}

/// How a key is shown to people.
pub(super) fn shown(key: &PublicKey) -> String {
    format!("{} {}", key.algorithm().as_str(), key.fingerprint(HashAlg::Sha256))
}

fn pin(entry: &str) -> Result<Pin, ConfigError> {
    if entry.starts_with("SHA256:") {
        return entry.parse().map(Pin::Fingerprint).map_err(|_| Pins::WANTED);
    }
    let key = PublicKey::from_openssh(entry).map_err(|_| Pins::WANTED)?;
    if KINDS.contains(&key.algorithm()) { Ok(Pin::Key(Box::new(key))) } else { Err(Pins::WANTED) }
}

/// What is understood, best first. RSA is left out: the only implementation at hand has an open advisory.
const KINDS: [Algorithm; 4] = [
    Algorithm::Ed25519,
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
];
