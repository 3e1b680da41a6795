//! Names, passwords and keys that a Linux account can hold. Pure.

use std::sync::Arc;

use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use russh::keys::{Algorithm, PrivateKey, PublicKey};
use vault_core::entropy::Entropy;
use vault_core::id::RotationId;
use vault_core::rotation::port::Login;
use vault_core::secret::{SecretBytes, SecretString};

/// Why a name or a credential was refused before the target was touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(super) enum LoginError {
    /// Not a portable user name.
    #[error(
        "a user name is 1 to 32 of A-Z a-z 0-9 . _ and -, does not begin with - or consist of digits or dots alone, and may end in $"
    )]
    Name,
    /// Too long, empty, or with a sign that ends a line.
    #[error("a password is 1 to 200 bytes without line breaks and NUL")]
    Password,
    /// It begins as a private key and is none that can be used.
    #[error("the private key is not an unencrypted Ed25519 or ECDSA key in OpenSSH's PEM form")]
    Key,
    /// The target's accounts have keys, and this is a password.
    #[error("the credential must be a private key in OpenSSH's PEM form, as credential = ssh_key")]
    KeyWanted,
    /// The target's accounts have passwords, and this is a key.
    #[error("the credential must be a password, as credential = password")]
    PasswordWanted,
}

/// What a login proves itself with.
pub(super) enum Proof<'a> {
    Password(&'a SecretString),
    Key(Arc<PrivateKey>),
}

impl<'a> Proof<'a> {
    /// What this secret is; a private key is known by its first line.
    pub(super) fn of(secret: &'a SecretString) -> Result<Self, LoginError> {
        if is_key(secret) {
            key(secret).map(Self::Key)
        } else {
            check_password(secret).map(|()| Self::Password(secret))
        }
    }
}

/// Checks name and credential of a login.
pub(super) fn check(login: &Login) -> Result<(), LoginError> {
    check_name(&login.username)?;
    Proof::of(&login.password).map(drop)
}

/// POSIX's portable user names, which are also what every `useradd` takes and no shell, file or protocol reads as
/// something else.
pub(super) fn check_name(name: &str) -> Result<(), LoginError> {
    let stem = name.strip_suffix('$').unwrap_or(name);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let only = |of: fn(u8) -> bool| stem.bytes().all(of);
    let fits = (1..=NAME_BYTES_MAX).contains(&name.len()) && !stem.is_empty();
    let odd = stem.starts_with('-') || only(|byte| byte.is_ascii_digit()) || only(|byte| byte == b'.');
    if fits && stem.bytes().all(plain) && !odd { Ok(()) } else { Err(LoginError::Name) }
}

pub(super) fn check_password(password: &SecretString) -> Result<(), LoginError> {
    let text = password.expose();
    // chpasswd reads lines; PAM's modules have limits of their own from 200 bytes on.
    let broken = text.contains(['\0', '\n', '\r']);
    if (1..=PASSWORD_BYTES_MAX).contains(&text.len()) && !broken { Ok(()) } else { Err(LoginError::Password) }
}

/// Whether the secret says of itself that it is a private key.
pub(super) fn is_key(secret: &SecretString) -> bool {
    secret.expose().starts_with("-----BEGIN ")
}

/// The private key in `secret`.
pub(super) fn key(secret: &SecretString) -> Result<Arc<PrivateKey>, LoginError> {
    let key = PrivateKey::from_openssh(secret.expose()).map_err(|_| LoginError::Key)?;
    let usable =
        matches!(key.algorithm(), Algorithm::Ed25519 | Algorithm::Ecdsa { .. }) && !key.is_encrypted();
    if usable { Ok(Arc::new(key)) } else { Err(LoginError::Key) }
}

/// A new Ed25519 key (RFC 8032) in OpenSSH's PEM form.
pub(super) fn generate(entropy: &dyn Entropy) -> Option<SecretString> {
    let mut seed = vec![0; 32];
    entropy.fill(&mut seed);
    let seed = SecretBytes::new(seed);
    let pair = Ed25519Keypair::from_seed(seed.expose().first_chunk()?);
    let key = PrivateKey::new(KeypairData::Ed25519(pair), "").ok()?;
    // Moved out of the wiping wrapper into another.
    key.to_openssh(LineEnding::LF).ok().map(|mut pem| SecretString::new(std::mem::take(&mut *pem)))
}

/// The line of `authorized_keys` for the public half; its comment names the rotation that put it there.
pub(super) fn authorized_line(key: &PrivateKey, rotation: RotationId) -> Option<String> {
    let mut public: PublicKey = key.public_key().clone();
    public.set_comment(format!("rotunda:{rotation}"));
    public.to_openssh().ok().map(|line| format!("{line}\n"))
}

const NAME_BYTES_MAX: usize = 32;
const PASSWORD_BYTES_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use vault_core::entropy::SeededEntropy;

    use super::*;

    fn login(username: &str, password: &str) -> Login {
        Login { username: username.to_owned(), password: SecretString::new(password.to_owned()) }
    }

    #[test]
    fn only_portable_names_are_taken() {
        for name in ["app", "App_1", "a.b", "_x", "host$", "x-1", "1a", &"a".repeat(32)] {
            assert_eq!(check(&login(name, "p")), Ok(()), "{name}");
        }
        for name in [
            "", "-x", "a b", "a:b", "a/b", "a\nb", "1000", ".", "..", "$", "a$b", "a'b", "ü", "a\0", "a*",
            "*", "~",
        ] {
            assert_eq!(check(&login(name, "p")), Err(LoginError::Name), "{name}");
        }
        assert_eq!(check(&login(&"a".repeat(33), "p")), Err(LoginError::Name));
    }

    #[test]
    fn passwords_that_a_line_cannot_hold_are_refused() {
        for password in ["a:b", " two  words ", "\\'\"$x", "ключ😀", &"x".repeat(200)] {
            assert_eq!(check(&login("app", password)), Ok(()), "{password}");
        }
        for password in ["", "a\nb", "a\rb", "a\0b", &"x".repeat(201)] {
            assert_eq!(check(&login("app", password)), Err(LoginError::Password), "{password}");
        }
    }

    #[test]
    fn a_generated_key_is_an_ed25519_key_of_its_seed() {
        let one = generate(&SeededEntropy::new(1)).unwrap();
        let again = generate(&SeededEntropy::new(1)).unwrap();
        let other = generate(&SeededEntropy::new(2)).unwrap();
        assert!(one.ct_eq(again.expose()) && !one.ct_eq(other.expose()));
        let key = key(&one).unwrap();
        assert_eq!(key.algorithm(), Algorithm::Ed25519);
        assert_eq!(check(&login("app", one.expose())), Ok(()));
        let broken = one.expose().replace("AAA", "BBB");
        assert_eq!(check(&login("app", &broken)), Err(LoginError::Key));
    }
}
