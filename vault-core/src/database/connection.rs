//! Takes a credential that was written into a `connection_url` out of it.
//!
//! ```text
//!   postgresql://app:s%40cret@db:5432/x  ►  postgresql://{{username}}:{{password}}@db:5432/x · app · s@cret
//! ```
//!
//! Vault allows this form and hides the password when it is read. Here it goes to where passwords are kept,
//! before anything of the address is stored.

use zeroize::Zeroizing;

use crate::secret::SecretString;

/// A credential that stood in an address.
#[derive(Debug)]
pub struct Written {
    /// The address with placeholders in its place.
    pub connection_url: String,
    /// The user name.
    pub username: String,
    /// The password.
    pub password: SecretString,
}

/// The credential in `connection_url`; `None` where there is none, or placeholders, or a form that is not
/// known here and that the rotator judges.
#[must_use]
pub fn written(connection_url: &str) -> Option<Written> {
    let (scheme, rest) = connection_url.split_once("://")?;
    // Whatever signs a password has, the last @ is the one before the host.
    let (credential, place) = rest.rsplit_once('@')?;
    let (username, password) = credential.split_once(':')?;
    if [username, password].iter().any(|text| text.is_empty() || text.contains("{{")) {
        return None;
    }
    Some(Written {
        connection_url: format!("{scheme}://{{{{username}}}}:{{{{password}}}}@{place}"),
        username: decoded(username)?.expose().to_owned(),
        password: decoded(password)?,
    })
}

/// Undoes percent encoding (RFC 3986, section 2.1); `None` for a broken sequence.
fn decoded(text: &str) -> Option<SecretString> {
    // Wiped also where it ends at a broken sequence.
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    SecretString::from_utf8(std::mem::take(&mut *bytes)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_credential_is_taken_out_and_decoded() {
        for (url, want) in [
            ("postgresql://app:pw@db:5432/x", Some(("app", "pw", "db:5432/x"))),
            ("postgres://a%40b:p%3A%2F@db/x?sslmode=disable", Some(("a@b", "p:/", "db/x?sslmode=disable"))),
            ("postgresql://app:p/w@x@db/x", Some(("app", "p/w@x", "db/x"))),
            ("postgresql://{{username}}:{{password}}@db/x", None),
            ("postgresql://{{username}}:pw@db/x", None),
            ("postgresql://app:{{password}}@db/x", None),
            ("postgresql://app@db/x", None),
            ("postgresql://db/x", None),
            ("postgresql://app:p%4@db/x", None),
            ("host=db user=app password=pw", None),
        ] {
            let found = written(url);
            let shown = found.as_ref().map(|found| {
                (found.username.as_str(), found.password.expose(), found.connection_url.as_str())
            });
            let want = want.map(|(name, password, place)| (name, password, place.to_owned()));
            match (shown, want) {
                (None, None) => {}
                (Some((name, password, url)), Some((want_name, want_password, place))) => {
                    assert_eq!((name, password), (want_name, want_password));
                    assert!(url.ends_with(&format!("://{{{{username}}}}:{{{{password}}}}@{place}")), "{url}");
                }
                other => panic!("{url}: {other:?}"),
            }
        }
    }
}
