//! What names and passwords may hold; pure.

use vault_core::secret::SecretString;

/// Why a name or a password cannot be used with an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(super) enum LoginError {
    /// No name.
    #[error("the username is empty")]
    NameEmpty,
    /// No header, form or log holds it well.
    #[error("the username holds a control character")]
    NameControl,
    /// Every path that holds it means another one (RFC 3986, section 5.2.4).
    #[error("the username is '.' or '..', which no address can name")]
    NameDots,
    /// A bound of ours.
    #[error("the username is longer than {NAME_BYTES_MAX} bytes")]
    NameTooLong,
    /// It would be no credential.
    #[error("the password is empty")]
    PasswordEmpty,
    /// No form or header carries it.
    #[error("the password holds a control character")]
    PasswordControl,
    /// A bound of ours: a header must hold it.
    #[error("the password is longer than {PASSWORD_BYTES_MAX} bytes")]
    PasswordTooLong,
}

/// Whether requests can be made about this name.
///
/// # Errors
/// [`LoginError`] by cause.
pub(super) fn check_name(name: &str) -> Result<(), LoginError> {
    match name {
        "" => Err(LoginError::NameEmpty),
        "." | ".." => Err(LoginError::NameDots),
        _ if name.chars().any(char::is_control) => Err(LoginError::NameControl),
        _ if name.len() > NAME_BYTES_MAX => Err(LoginError::NameTooLong),
        _ => Ok(()),
    }
}

/// Whether a request can carry this password.
///
/// # Errors
/// [`LoginError`] by cause.
pub(super) fn check_password(password: &SecretString) -> Result<(), LoginError> {
    let password = password.expose();
    if password.is_empty() {
        return Err(LoginError::PasswordEmpty);
    }
    if password.chars().any(char::is_control) {
        return Err(LoginError::PasswordControl);
    }
    if password.len() > PASSWORD_BYTES_MAX { Err(LoginError::PasswordTooLong) } else { Ok(()) }
}

const NAME_BYTES_MAX: usize = 512;
const PASSWORD_BYTES_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_request_can_carry_is_refused() {
        for (name, error) in [
            ("", LoginError::NameEmpty),
            (".", LoginError::NameDots),
            ("..", LoginError::NameDots),
            ("a\nb", LoginError::NameControl),
            ("a\u{85}", LoginError::NameControl),
            (&"x".repeat(513), LoginError::NameTooLong),
        ] {
            assert_eq!(check_name(name), Err(error), "{name:?}");
        }
        for (password, error) in [
            (String::new(), LoginError::PasswordEmpty),
            ("a\0b".to_owned(), LoginError::PasswordControl),
            ("x".repeat(4097), LoginError::PasswordTooLong),
        ] {
            assert_eq!(check_password(&SecretString::new(password)), Err(error));
        }
        assert_eq!(check_name("a b:/?ä{{id}}"), Ok(()));
        assert_eq!(check_password(&SecretString::new(" '\"\\$ä".to_owned())), Ok(()));
    }
}
