//! Paths and bodies of requests, and what they may hold; pure but for the salt.

use data_encoding::BASE64;
use rustls::crypto::aws_lc_rs;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use vault_core::secret::SecretString;

use super::config::Hashing;

/// Why a name or a password cannot live on a RabbitMQ server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// No name.
    #[error("the username is empty")]
    NameEmpty,
    /// HTTP's basic authentication ends the name with a colon (RFC 7617).
    #[error("the username holds a colon, which no login over HTTP can carry")]
    NameColon,
    /// PLAIN (RFC 4616) ends texts with NUL.
    #[error("the username holds a control character")]
    NameControl,
    /// Every path that holds it means another one (RFC 3986, section 5.2.4).
    #[error("the username is '.' or '..', which no address can name")]
    NameDots,
    /// A short string of AMQP.
    #[error("the username is longer than {NAME_BYTES_MAX} bytes")]
    NameTooLong,
    /// The server takes an empty password for none and refuses every login.
    #[error("the password is empty")]
    PasswordEmpty,
    /// PLAIN (RFC 4616) ends texts with NUL.
    #[error("the password holds a NUL character, which no login can carry")]
    PasswordNul,
    /// A bound of ours: the login must fit one frame of AMQP.
    #[error("the password is longer than {PASSWORD_BYTES_MAX} bytes")]
    PasswordTooLong,
    /// No randomness for the salt.
    #[error("the operating system gives no randomness")]
    NoSalt,
}

/// Whether the server can hold this name, and be asked about it.
///
/// # Errors
/// [`LoginError`] by cause.
pub fn check_name(name: &str) -> Result<(), LoginError> {
    match name {
        "" => Err(LoginError::NameEmpty),
        "." | ".." => Err(LoginError::NameDots),
        _ if name.contains(':') => Err(LoginError::NameColon),
        _ if name.bytes().any(|byte| byte.is_ascii_control()) => Err(LoginError::NameControl),
        _ if name.len() > NAME_BYTES_MAX => Err(LoginError::NameTooLong),
        _ => Ok(()),
    }
}

/// Whether the server can hold this password.
///
/// # Errors
/// [`LoginError`] by cause.
pub fn check_password(password: &SecretString) -> Result<(), LoginError> {
    let password = password.expose();
    if password.is_empty() {
        return Err(LoginError::PasswordEmpty);
    }
    if password.contains('\0') {
        return Err(LoginError::PasswordNul);
    }
    if password.len() > PASSWORD_BYTES_MAX { Err(LoginError::PasswordTooLong) } else { Ok(()) }
}

/// A name as one piece of a path: everything but letters and digits is written in hexadecimal.
#[must_use]
pub fn path_piece(name: &str) -> String {
    let mut piece = String::with_capacity(3 * name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() {
            piece.push(char::from(byte));
        } else {
            piece.push_str(&format!("%{byte:02X}"));
        }
    }
    piece
}

/// The body of the request that sets a password. `tags` are the user's own, as the server told them: the
/// request replaces them.
///
/// # Errors
/// [`LoginError::NoSalt`].
pub fn set_password(
    password: &SecretString,
    tags: &Value,
    hashing: Hashing,
) -> Result<SecretString, LoginError> {
    let mut body = match hashing {
        Hashing::Sha256 => {
            let mut salt = [0; SALT_BYTES];
            aws_lc_rs::default_provider().secure_random.fill(&mut salt).map_err(|_| LoginError::NoSalt)?;
            json!({ "password_hash": hash(password, salt), "hashing_algorithm": "rabbit_password_hashing_sha256" })
        }
        Hashing::Server => json!({ "password": password.expose() }),
    };
    if let Some(fields) = body.as_object_mut() {
        fields.insert("tags".to_owned(), tags.clone());
    }
    let text = SecretString::new(body.to_string());
    vault_core::secret::wipe(&mut body);
    Ok(text)
}

/// `base64(salt ‖ SHA-256(salt ‖ password))` (RabbitMQ documentation, "Credentials and Passwords").
fn hash(password: &SecretString, salt: [u8; SALT_BYTES]) -> String {
    let digest = Sha256::new().chain_update(salt).chain_update(password.expose().as_bytes()).finalize();
    BASE64.encode(&[salt.as_slice(), digest.as_slice()].concat())
}

const SALT_BYTES: usize = 4;
const NAME_BYTES_MAX: usize = 255;
const PASSWORD_BYTES_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::new(text.to_owned())
    }

    #[test]
    fn a_hash_is_what_the_server_makes_of_the_password() {
        // The example of RabbitMQ's documentation: salt 908DC60A, password "test12".
        let found = hash(&secret("test12"), [0x90, 0x8D, 0xC6, 0x0A]);
        assert_eq!(found, "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR");
    }

    #[test]
    fn the_password_is_in_the_body_only_when_the_server_hashes() {
        let tags = json!(["monitoring", "a\"b"]);
        let body = set_password(&secret("hun\"ter2"), &tags, Hashing::Sha256).unwrap();
        assert!(!body.expose().contains("ter2"));
        let again = set_password(&secret("hun\"ter2"), &tags, Hashing::Sha256).unwrap();
        assert_ne!(body.expose(), again.expose(), "each has its own salt");
        let body = set_password(&secret("hun\"ter2"), &tags, Hashing::Server).unwrap();
        let body: Value = serde_json::from_str(body.expose()).unwrap();
        assert_eq!(body, json!({ "password": "hun\"ter2", "tags": tags }));
    }

    #[test]
    fn a_name_is_one_piece_of_a_path_whatever_it_holds() {
        assert_eq!(path_piece("a/b?c#d%2e .ä"), "a%2Fb%3Fc%23d%252e%20%2E%C3%A4");
    }

    #[test]
    fn what_no_login_can_carry_is_refused() {
        for (name, error) in [
            ("", LoginError::NameEmpty),
            (".", LoginError::NameDots),
            ("..", LoginError::NameDots),
            ("a:b", LoginError::NameColon),
            ("a\nb", LoginError::NameControl),
            ("a\0b", LoginError::NameControl),
            (&"x".repeat(256), LoginError::NameTooLong),
        ] {
            assert_eq!(check_name(name), Err(error), "{name:?}");
        }
        for (password, error) in [
            (String::new(), LoginError::PasswordEmpty),
            ("a\0b".to_owned(), LoginError::PasswordNul),
            ("x".repeat(1025), LoginError::PasswordTooLong),
        ] {
            assert_eq!(check_password(&SecretString::new(password)), Err(error));
        }
        assert_eq!(check_name("a b/ä"), Ok(()));
        assert_eq!(check_password(&secret(" '\"\\$ä\n")), Ok(()));
    }
}
