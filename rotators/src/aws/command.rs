//! Requests to IAM and STS, and what names are allowed in them. Pure.

use vault_core::rotation::port::Login;

/// Which of the two services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Iam,
    Sts,
}

impl Service {
    /// As it stands in a signature.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Iam => "iam",
            Self::Sts => "sts",
        }
    }

    fn version(self) -> &'static str {
        match self {
            Self::Iam => "2010-05-08",
            Self::Sts => "2011-06-15",
        }
    }
}

/// One request. Holds no secret.
#[derive(Clone, Debug)]
pub(super) struct Ask<'a> {
    pub(super) service: Service,
    pub(super) action: &'static str,
    fields: Vec<(&'static str, &'a str)>,
}

impl<'a> Ask<'a> {
    /// Who the key is of that signs.
    pub(super) fn identity() -> Self {
        Self { service: Service::Sts, action: "GetCallerIdentity", fields: Vec::new() }
    }

    /// One of IAM's actions on a user.
    pub(super) fn user(action: &'static str, name: &'a str) -> Self {
        Self { service: Service::Iam, action, fields: vec![("UserName", name)] }
    }

    /// When a key was used.
    pub(super) fn last_used(key: &'a str) -> Self {
        Self { service: Service::Iam, action: "GetAccessKeyLastUsed", fields: Vec::new() }
            .with("AccessKeyId", key)
    }

    /// The same with one field more.
    pub(super) fn with(mut self, name: &'static str, value: &'a str) -> Self {
        self.fields.push((name, value));
        self
    }

    /// The action as it stands in a policy.
    pub(super) fn permission(&self) -> String {
        format!("{}:{}", self.service.name(), self.action)
    }

    /// The body.
    pub(super) fn form(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", self.action)
            .append_pair("Version", self.service.version())
            .extend_pairs(&self.fields)
            .finish()
    }
}

/// Why AWS cannot hold a name or a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LoginError {
    #[error("the name of an IAM user has 1 to 64 of the signs A-Z a-z 0-9 + = , . @ _ -")]
    Name,
    #[error("the secret access key is empty, too long or holds signs that no key has")]
    Secret,
    #[error(
        "the management credential of an AWS target is an access key: the user name is its id (AKIA…), the password its secret"
    )]
    KeyId,
}

/// Checks what may be the name of a user, or the id of a key: both look alike.
pub(super) fn check_name(name: &str) -> Result<(), LoginError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte);
    let length = (1..=NAME_BYTES_MAX).contains(&name.len());
    if length && name.bytes().all(fits) { Ok(()) } else { Err(LoginError::Name) }
}

/// Checks a name and a secret.
pub(super) fn check_login(login: &Login) -> Result<(), LoginError> {
    check_name(&login.username)?;
    let secret = login.password.expose();
    let fits = (1..=SECRET_BYTES_MAX).contains(&secret.len()) && !secret.contains(char::is_control);
    if fits { Ok(()) } else { Err(LoginError::Secret) }
}

/// Checks that a request can be signed with it.
pub(super) fn check_key(login: &Login) -> Result<(), LoginError> {
    let id = &login.username;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !(KEY_ID_BYTES_MIN..=KEY_ID_BYTES_MAX).contains(&id.len()) || !id.bytes().all(fits) {
        return Err(LoginError::KeyId);
    }
    Ok(())
}

/// Whether this is the id of a user's long-lived key, and so no name that a person would give a user.
pub(super) fn is_key_id(name: &str) -> bool {
    let rest = name.strip_prefix("AKIA").unwrap_or_default();
    rest.len() == 16 && rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

const NAME_BYTES_MAX: usize = 64;
const SECRET_BYTES_MAX: usize = 256;
const KEY_ID_BYTES_MIN: usize = 16;
const KEY_ID_BYTES_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use vault_core::secret::SecretString;

    use super::*;

    #[test]
    fn a_field_is_one_field_whatever_it_holds() {
        let ask = Ask::user("UpdateAccessKey", "a+b=c,d@e").with("Status", "In&active ä");
        assert_eq!(
            ask.form(),
            "Action=UpdateAccessKey&Version=2010-05-08&UserName=a%2Bb%3Dc%2Cd%40e&Status=In%26active+%C3%A4"
        );
        assert_eq!(ask.permission(), "iam:UpdateAccessKey");
        assert_eq!(Ask::identity().form(), "Action=GetCallerIdentity&Version=2011-06-15");
    }

    #[test]
    fn names_secrets_and_key_ids_are_told_apart() {
        for name in ["app", "a+b=c,d.e@f_g-h", &"x".repeat(64), "AKIAIOSFODNN7EXAMPLE"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in ["", "a b", "a/b", "ä", "a\0", "a'b", &"x".repeat(65)] {
            assert_eq!(check_name(name), Err(LoginError::Name), "{name:?}");
        }
        for (id, is) in [("AKIAIOSFODNN7EXAMPLE", true), ("ASIAIOSFODNN7EXAMPLE", false), ("AKIAapp", false)]
        {
            assert_eq!(is_key_id(id), is, "{id}");
        }
        let login = |username: &str, password: &str| Login {
            username: username.to_owned(),
            password: SecretString::new(password.to_owned()),
        };
        assert_eq!(check_login(&login("app", "")), Err(LoginError::Secret));
        assert_eq!(check_login(&login("app", "a\nb")), Err(LoginError::Secret));
        assert_eq!(check_key(&login("vault", "x")), Err(LoginError::KeyId));
        assert_eq!(check_key(&login("AKIAIOSFODNN7 XAMPLE", "x")), Err(LoginError::KeyId));
        assert_eq!(check_key(&login("AKIAIOSFODNN7EXAMPLE", "x")), Ok(()));
    }
}
