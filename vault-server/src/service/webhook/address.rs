//! Where messages may go.
//!
//! Whoever may write a webhook makes the vault ask an address of their choice, and learns whether it answered. So that
//! is for operators (`sudo`), nothing of an answer is kept but its status, and what machines tell of themselves under
//! link-local addresses (the metadata services of clouds) is never asked, by whatever name it goes.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Why a URL is no place for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It cannot be read, or is no `http` or `https` URL with a host.
    #[error("url must be like https://hooks.example/path")]
    Malformed,
    /// Longer than 2,048 bytes.
    #[error("url is longer than 2048 bytes")]
    TooLong,
    /// It is no address of a mail server.
    #[error("url of format=mail must be like smtp://mail.example:587 or smtps://mail.example:465")]
    NotMail,
    /// A user or password in it would be sent as basic authentication.
    #[error("url must not hold a user or password; the receiver knows us by the signature")]
    UserInfo,
    /// They are settings of their own.
    #[error("url must not hold a user or password; they are username and password")]
    MailUserInfo,
    /// Plain HTTP to another machine.
    #[error("url must be https; plain http only to this machine, or with allow_http=true")]
    Plain,
    /// See the module.
    #[error("url leads to an address that is never asked: link-local, multicast or unspecified")]
    Refused,
}

/// Reads and checks a URL.
///
/// # Errors
/// [`AddressError`] by cause.
pub fn checked(text: &str, allow_http: bool) -> Result<Url, AddressError> {
    if text.len() > URL_BYTES_MAX {
        return Err(AddressError::TooLong);
    }
    // The reader of URLs would pass over line ends.
    if text.chars().any(char::is_control) {
        return Err(AddressError::Malformed);
    }
    let url = Url::parse(text).map_err(|_| AddressError::Malformed)?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(AddressError::Malformed)?;
    let ip: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
    if !matches!(url.scheme(), "http" | "https") || url.fragment().is_some() {
        return Err(AddressError::Malformed);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(AddressError::UserInfo);
    }
    if ip.is_some_and(is_refused) {
        return Err(AddressError::Refused);
    }
    let is_here = host == "localhost" || ip.is_some_and(|ip| ip.to_canonical().is_loopback());
    if url.scheme() == "http" && !allow_http && !is_here {
        return Err(AddressError::Plain);
    }
    Ok(url)
}

/// Where mail goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MailServer {
    /// A name or an address.
    pub(super) host: String,
    /// The port.
    pub(super) port: u16,
    /// Whether TLS comes before all else (`smtps`).
    pub(super) tls_at_once: bool,
}

/// Reads and checks the URL of a mail server.
///
/// # Errors
/// [`AddressError`] by cause.
pub(super) fn checked_mail(text: &str) -> Result<MailServer, AddressError> {
    if text.len() > URL_BYTES_MAX {
        return Err(AddressError::TooLong);
    }
    let url = Url::parse(text).map_err(|_| AddressError::NotMail)?;
    let (tls_at_once, standard) = match url.scheme() {
        "smtp" => (false, 587),
        "smtps" => (true, 465),
        _ => return Err(AddressError::NotMail),
    };
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    let is_more = !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some();
    if host.is_empty() || !host.bytes().all(is_plain) || is_more {
        return Err(AddressError::NotMail);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(AddressError::MailUserInfo);
    }
    if host.parse().is_ok_and(is_refused) {
        return Err(AddressError::Refused);
    }
    Ok(MailServer { host: host.to_owned(), port: url.port().unwrap_or(standard), tls_at_once })
}

/// Whether an address is never asked.
#[must_use]
pub fn is_refused(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_multicast() || ip.is_unspecified() || ip.is_broadcast(),
        IpAddr::V6(ip) => {
            ip.is_unicast_link_local() || ip.is_multicast() || ip.is_unspecified() || ip == METADATA_V6
        }
    }
}

/// Looks names up and leaves out what is never asked; the connection is made to what is left, so that a name cannot
/// lead elsewhere a moment later.
pub(super) struct Guarded;

/// A name that leads only to addresses that are never asked.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to no address that may be asked")]
pub(super) struct OnlyRefused;

/// A name that leads nowhere.
#[derive(Debug, thiserror::Error)]
#[error("the name has no address")]
pub(super) struct Unresolved;

/// Why there is nobody to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LookupError {
    /// See [`Unresolved`].
    Unresolved,
    /// See [`OnlyRefused`].
    OnlyRefused,
}

/// The addresses of a name, or an address itself, that may be asked; at least one.
///
/// # Errors
/// [`LookupError`] by cause.
pub(super) async fn lookup(host: &str, port: u16) -> Result<Vec<SocketAddr>, LookupError> {
    let found = tokio::net::lookup_host((host, port)).await.map_err(|_| LookupError::Unresolved)?;
    let found: Vec<SocketAddr> = found.collect();
    if found.is_empty() {
        return Err(LookupError::Unresolved);
    }
    let allowed: Vec<SocketAddr> = found.into_iter().filter(|found| !is_refused(found.ip())).collect();
    if allowed.is_empty() { Err(LookupError::OnlyRefused) } else { Ok(allowed) }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            match lookup(name.as_str(), 0).await {
                Ok(allowed) => Ok(Box::new(allowed.into_iter()) as Addrs),
                Err(LookupError::Unresolved) => Err(Unresolved.into()),
                Err(LookupError::OnlyRefused) => Err(OnlyRefused.into()),
            }
        })
    }
}

/// The metadata service of AWS over IPv6, which is a unique local address.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
/// Longest URL.
const URL_BYTES_MAX: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_go_by_https_or_stay_on_this_machine_and_never_to_metadata() {
        for (url, allow_http, want) in [
            ("https://hooks.example/x?token=1", false, None),
            ("https://10.0.0.7:8443/", false, None),
            ("http://127.0.0.1:8080/x", false, None),
            ("http://[::1]:8080/x", false, None),
            ("http://localhost/x", false, None),
            ("http://hooks.example/x", false, Some(AddressError::Plain)),
            ("http://localhost.example/x", false, Some(AddressError::Plain)),
            ("http://hooks.example/x", true, None),
            ("https://user:pw@hooks.example/", false, Some(AddressError::UserInfo)),
            ("https://hooks.example/#x", false, Some(AddressError::Malformed)),
            ("ftp://hooks.example/", true, Some(AddressError::Malformed)),
            ("hooks.example", true, Some(AddressError::Malformed)),
            ("https:///x", true, None),
            ("http://169.254.169.254/latest/meta-data", true, Some(AddressError::Refused)),
            // The same in other words.
            ("http://0xa9fea9fe/", true, Some(AddressError::Refused)),
            ("http://2852039166/", true, Some(AddressError::Refused)),
            ("http://[::ffff:169.254.169.254]/", true, Some(AddressError::Refused)),
            ("https://[fe80::1]/", true, Some(AddressError::Refused)),
            ("https://[fd00:ec2::254]/", true, Some(AddressError::Refused)),
            ("https://0.0.0.0/", true, Some(AddressError::Refused)),
            ("https://224.0.0.1/", true, Some(AddressError::Refused)),
        ] {
            assert_eq!(checked(url, allow_http).err(), want, "{url}");
        }
        let long = format!("https://hooks.example/{}", "x".repeat(2048));
        assert_eq!(checked(&long, false).err(), Some(AddressError::TooLong));
    }

    #[tokio::test]
    async fn mail_goes_to_servers_and_never_to_metadata() {
        let server =
            |host: &str, port, tls_at_once| Ok(MailServer { host: host.to_owned(), port, tls_at_once });
        for (url, want) in [
            ("smtp://mail.example", server("mail.example", 587, false)),
            ("smtp://mail.example:25/", server("mail.example", 25, false)),
            ("smtps://10.0.0.7", server("10.0.0.7", 465, true)),
            ("smtps://[::1]:4650", server("::1", 4650, true)),
            ("https://mail.example", Err(AddressError::NotMail)),
            ("mail.example", Err(AddressError::NotMail)),
            ("smtp://", Err(AddressError::NotMail)),
            ("smtp://mail.example/inbox", Err(AddressError::NotMail)),
            ("smtp://mail.example?a=b", Err(AddressError::NotMail)),
            ("smtp://mail%0a.example", Err(AddressError::NotMail)),
            ("smtp://user:pw@mail.example", Err(AddressError::MailUserInfo)),
            ("smtp://169.254.169.254", Err(AddressError::Refused)),
            ("smtps://[fe80::1]", Err(AddressError::Refused)),
            ("smtps://[::ffff:169.254.169.254]", Err(AddressError::Refused)),
        ] {
            assert_eq!(checked_mail(url), want, "{url}");
        }
        // The same in other words, which only who looks names up understands.
        for host in ["0xa9fea9fe", "2852039166", "169.254.43518"] {
            assert_eq!(lookup(host, 25).await, Err(LookupError::OnlyRefused), "{host}");
        }
        assert_eq!(lookup("127.0.0.1", 25).await.unwrap().len(), 1);
    }
}
