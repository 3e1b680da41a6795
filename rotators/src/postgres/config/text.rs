//! Takes the two written forms of an address apart.

use super::ConfigError;

/// The address, and the parameters that came with it, by name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) database: Option<String>,
    pub(super) parameters: Vec<(String, String)>,
}

/// `postgresql://{{username}}:{{password}}@host:5432/db?name=value&…` (libpq, "Connection URIs").
pub(super) fn url(text: &str) -> Result<Parts, ConfigError> {
    let rest = ["postgresql://", "postgres://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .ok_or(ConfigError::Form)?;
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
    let (authority, database) = split(rest, '/');
    let (host, port) = host_and_port(authority)?;
    let mut parts = Parts { host: one_host(&decoded(host)?)?, ..Parts::default() };
    parts.port = port.map(port_number).transpose()?;
    parts.database = database.filter(|name| !name.is_empty()).map(decoded).transpose()?;
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = split(pair, '=');
        parts.parameters.push((decoded(name)?, decoded(value.unwrap_or_default())?));
    }
    Ok(parts)
}

/// `host=… port=… dbname=… user={{username}} password={{password}} …` (libpq, "Keyword/Value Connection Strings").
pub(super) fn keyword_value(text: &str) -> Result<Parts, ConfigError> {
    let mut parts = Parts::default();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').ok_or(ConfigError::Form)?;
        let name = name.trim_end();
        // Else it is an address of another form, with a password in it perhaps, which no error may repeat.
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(ConfigError::Form);
        }
        let (value, after) = value(after.trim_start())?;
        match name {
            "host" => parts.host = one_host(&value)?,
            "port" => parts.port = Some(port_number(&value)?),
            "dbname" => parts.database = Some(value),
            "user" => placeholder(&value, "username")?,
            "password" => placeholder(&value, "password")?,
            other => parts.parameters.push((other.to_owned(), value)),
        }
        rest = after.trim_start();
    }
    if parts.host.is_empty() { Err(ConfigError::Host) } else { Ok(parts) }
}

/// One value, bare or in single quotes, with backslash escapes; and what follows it.
fn value(text: &str) -> Result<(String, &str), ConfigError> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut chars = text.char_indices().skip(usize::from(quoted));
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.push(chars.next().ok_or(ConfigError::Form)?.1),
            '\'' if quoted => return Ok((value, text.get(at + 1..).unwrap_or_default())),
            c if c.is_whitespace() && !quoted => return Ok((value, text.get(at..).unwrap_or_default())),
            c => value.push(c),
        }
    }
    if quoted { Err(ConfigError::Form) } else { Ok((value, "")) }
}

fn only_placeholders(credential: &str) -> Result<(), ConfigError> {
    let (username, password) = split(credential, ':');
    placeholder(username, "username")?;
    placeholder(password.unwrap_or_default(), "password")
}

/// Accepts `{{name}}`, also with blanks inside the braces.
fn placeholder(text: &str, name: &str) -> Result<(), ConfigError> {
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

fn one_host(host: &str) -> Result<String, ConfigError> {
    // A slash would be a socket's folder, a comma a list of servers.
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | ',' | '@' | '{' | '}');
    if host.is_empty() || host.contains(odd) { Err(ConfigError::Host) } else { Ok(host.to_owned()) }
}

fn port_number(text: &str) -> Result<u16, ConfigError> {
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
