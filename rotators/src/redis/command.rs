//! Commands as the server reads them, and what they may hold; pure.
//!
//! A password is named to `ACL SETUSER` by its SHA-256, which is what the server stores. So the password
//! itself is only ever sent in `AUTH`, which the server keeps out of `MONITOR` and its slow log.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use vault_core::secret::{SecretBytes, SecretString};

/// Why a name or a password cannot live on a Redis server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// No name.
    #[error("the username is empty")]
    NameEmpty,
    /// The server refuses such names, and so would its ACL file.
    #[error("the username holds white space or a control character, which Redis cannot")]
    NameBlank,
    /// A bound of ours.
    #[error("the username is longer than {NAME_BYTES_MAX} bytes")]
    NameTooLong,
    /// A bound of ours; the server takes 16 KiB before a login.
    #[error("the password is longer than {PASSWORD_BYTES_MAX} bytes")]
    PasswordTooLong,
    /// An empty password is no protection.
    #[error("the password is empty")]
    PasswordEmpty,
    /// Redis could; the clients that end texts with NUL could not.
    #[error("the password holds a NUL character, which many clients cannot send")]
    PasswordNul,
}

/// Whether the server can hold this name.
///
/// # Errors
/// [`LoginError`] by cause.
pub fn check_name(name: &str) -> Result<(), LoginError> {
    if name.is_empty() {
        return Err(LoginError::NameEmpty);
    }
    if name.bytes().any(|byte| byte == b' ' || byte.is_ascii_control()) {
        return Err(LoginError::NameBlank);
    }
    if name.len() > NAME_BYTES_MAX { Err(LoginError::NameTooLong) } else { Ok(()) }
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

/// Whether the server's configuration file would read this name as it was written. Unlike an ACL file it
/// knows quotes, and a broken line keeps the server from starting.
#[must_use]
pub fn fits_config_file(name: &str) -> bool {
    !name.contains(['"', '\'', '\\'])
}

/// The password as the server stores it: `SHA-256(password)` in hexadecimal, without salt.
#[must_use]
pub fn stored(password: &SecretString) -> SecretString {
    SecretString::new(HEXLOWER.encode(&Sha256::digest(password.expose().as_bytes())))
}

/// A command with its arguments, as it goes over the wire. It may hold a password.
#[must_use]
pub fn encode(words: &[&str]) -> SecretBytes {
    // Enough room from the start: growing would leave copies of the secret behind.
    let room = words.iter().map(|word| word.len() + 32).sum::<usize>() + 32;
    let mut bytes = Vec::with_capacity(room);
    bytes.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    SecretBytes::new(bytes)
}

const NAME_BYTES_MAX: usize = 256;
const PASSWORD_BYTES_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::new(text.to_owned())
    }

    #[test]
    fn a_command_says_how_long_each_of_its_words_is() {
        let bytes = encode(&["AUTH", "ä", "a\r\nb"]);
        assert_eq!(bytes.expose(), "*3\r\n$4\r\nAUTH\r\n$2\r\nä\r\n$4\r\na\r\nb\r\n".as_bytes());
    }

    #[test]
    fn a_password_is_stored_as_its_digest() {
        // FIPS 180-2, appendix B.1.
        let want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(stored(&secret("abc")).expose(), want);
    }

    #[test]
    fn what_the_server_cannot_hold_is_refused() {
        for (name, error) in [
            ("", LoginError::NameEmpty),
            ("a b", LoginError::NameBlank),
            ("a\tb", LoginError::NameBlank),
            ("a\0b", LoginError::NameBlank),
            (&"x".repeat(257), LoginError::NameTooLong),
        ] {
            assert_eq!(check_name(name), Err(error), "{name:?}");
        }
        for name in ["default", "ä-用户", "it's", "dou\"ble", "#x", &"x".repeat(256)] {
            assert_eq!(check_name(name), Ok(()), "{name:?}");
        }
        for (password, error) in [
            (String::new(), LoginError::PasswordEmpty),
            ("a\0b".to_owned(), LoginError::PasswordNul),
            ("x".repeat(1025), LoginError::PasswordTooLong),
        ] {
            assert_eq!(check_password(&SecretString::new(password)), Err(error));
        }
        assert_eq!(check_password(&secret(" '\"\\$ä\n")), Ok(()));
        assert!(fits_config_file("app-1:ä") && !fits_config_file("it's"));
    }
}
