//! Takes libpq's second written form of an address apart.

use super::EXAMPLE;
use crate::network::ConfigError;
use crate::network::address::{Parts, one_host, placeholder, port_number};

/// `host=… port=… dbname=… user={{username}} password={{password}} …` (libpq, "Keyword/Value Connection Strings").
pub(super) fn keyword_value(text: &str) -> Result<Parts, ConfigError> {
    let mut parts = Parts::default();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').ok_or(ConfigError::Form(EXAMPLE))?;
        let name = name.trim_end();
        // Else it is an address of another form, with a password in it perhaps, which no error may repeat.
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(ConfigError::Form(EXAMPLE));
        }
        let (value, after) = value(after.trim_start())?;
        match name {
            "host" => parts.host = one_host(&value)?,
            "port" => parts.port = Some(port_number(&value)?),
            "dbname" => parts.path = Some(value),
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
            '\\' => value.push(chars.next().ok_or(ConfigError::Form(EXAMPLE))?.1),
            '\'' if quoted => return Ok((value, text.get(at + 1..).unwrap_or_default())),
            c if c.is_whitespace() && !quoted => return Ok((value, text.get(at..).unwrap_or_default())),
            c => value.push(c),
        }
    }
    if quoted { Err(ConfigError::Form(EXAMPLE)) } else { Ok((value, "")) }
}
