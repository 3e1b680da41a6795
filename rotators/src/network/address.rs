//! An address template taken apart: `scheme://{{username}}:{{password}}@host:port/path?name=value&…`.

use super::ConfigError;

/// The address, and the parameters that came with it, by name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) scheme: &'static str,
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    /// What stands between the first slash and the question mark, decoded; never empty.
    pub(crate) path: Option<String>,
    pub(crate) parameters: Vec<(String, String)>,
}

/// Reads an address of one of these schemes (RFC 3986); `example` shows one that is right.
pub(crate) fn url(text: &str, schemes: &[&'static str], example: &'static str) -> Result<Parts, ConfigError> {
    let (scheme, rest) = schemes
        .iter()
        .find_map(|scheme| Some((*scheme, text.strip_prefix(scheme)?.strip_prefix("://")?)))
        .ok_or(ConfigError::Form(example))?;
    // A written-out password may hold any of the signs that mean something behind the host, so what is
    // before the last @ is the credential and nothing else.
    let rest = match rest.rsplit_once('@') {
        Some((credential, rest)) => {
            only_placeholders(credential)?;
            rest
        }
        None => rest,
    };
    let (rest, query) = split(rest, '?');
    let (authority, path) = split(rest, '/');
    let (host, port) = host_and_port(authority)?;
    let mut parts = Parts { scheme, host: one_host(&decoded(host)?)?, ..Parts::default() };
    parts.port = port.map(port_number).transpose()?;
    parts.path = path.filter(|path| !path.is_empty()).map(decoded).transpose()?;
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = split(pair, '=');
        parts.parameters.push((decoded(name)?, decoded(value.unwrap_or_default())?));
    }
    Ok(parts)
}

fn only_placeholders(credential: &str) -> Result<(), ConfigError> {
    let (username, password) = split(credential, ':');
    placeholder(username, "username")?;
    placeholder(password.unwrap_or_default(), "password")
}

/// Accepts `{{name}}`, also with blanks inside the braces.
pub(crate) fn placeholder(text: &str, name: &str) -> Result<(), ConfigError> {
    let inner = text.strip_prefix("{{").and_then(|text| text.strip_suffix("}}"));
    if inner.map(str::trim) == Some(name) { Ok(()) } else { Err(ConfigError::LiteralCredential) }
}

fn host_and_port(authority: &str) -> Result<(&str, Option<&str>), ConfigError> {
    match authority.strip_prefix('[') {
        Some(bracketed) => {
            let (host, rest) = bracketed.split_once(']').ok_or(ConfigError::Host)?;
            match rest.strip_prefix(':') {
                Some(port) => Ok((host, Some(port))),
                None if rest.is_empty() => Ok((host, None)),
                None => Err(ConfigError::Host),
            }
        }
        None => Ok(split(authority, ':')),
    }
}

pub(crate) fn one_host(host: &str) -> Result<String, ConfigError> {
    // A slash would be a socket's folder, a comma a list of servers.
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | ',' | '@' | '{' | '}');
    if host.is_empty() || host.contains(odd) { Err(ConfigError::Host) } else { Ok(host.to_owned()) }
}

pub(crate) fn port_number(text: &str) -> Result<u16, ConfigError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port != 0).ok_or(ConfigError::Port)
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(head, tail)| (head, Some(tail)))
}

/// Undoes percent encoding (RFC 3986, section 2.1).
fn decoded(text: &str) -> Result<String, ConfigError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        let (high, low) = digit().zip(digit()).ok_or(ConfigError::Encoding)?;
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| ConfigError::Encoding)?);
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0')).ok_or(ConfigError::Encoding)
}
