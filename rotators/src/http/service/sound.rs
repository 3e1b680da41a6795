//! Whether the small parts of a description are what they should be.

use std::time::Duration;

use reqwest::header::HeaderName;

use super::ServiceError;
use crate::http::pointer::{self, Condition};

/// Reads `365d`, `12h` or `30m`.
pub(in crate::http) fn lifetime(text: &str) -> Result<Duration, ServiceError> {
    let told = || wrong("lifetime", "must be a time from 1h to 3650d, such as 365d or 12h");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "d" => 86_400,
        "h" => 3600,
        "m" => 60,
        _ => return Err(told()),
    };
    let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    let allowed = 3600..=3650 * 86_400;
    seconds.filter(|seconds| allowed.contains(seconds)).map(Duration::from_secs).ok_or_else(told)
}

/// Whether it is a path with a query perhaps, and nothing that would be read as something else.
pub(super) fn is_path(path: &str) -> bool {
    let (before, _) = path.split_once('?').unwrap_or((path, ""));
    let sound = |byte: u8| byte.is_ascii_graphic() && !b"#\\\"<>^`|".contains(&byte) || byte == b' ';
    // Blanks are for the inside of braces.
    let no_stray_blank = path.split("{{").all(|piece| {
        let (_, outside) = piece.split_once("}}").unwrap_or(("", piece));
        !outside.contains(' ')
    });
    path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(sound)
        && no_stray_blank
        && before.split('/').all(|segment| segment != "." && segment != "..")
}

pub(super) fn conditions(field: &str, all: &[Condition]) -> Result<(), ServiceError> {
    match all.iter().find_map(Condition::flaw) {
        Some(what) => Err(wrong(field, what)),
        None => Ok(()),
    }
}

/// Conditions on an item, which has no status of its own.
pub(super) fn of_item(field: &str, all: &[Condition]) -> Result<(), ServiceError> {
    if all.iter().any(|condition| condition.status.is_some()) {
        return Err(wrong(field, "looks at an item, which has no status"));
    }
    conditions(field, all)
}

pub(super) fn place(field: &str, text: &str) -> Result<(), ServiceError> {
    pointer::flaw(text).map_or(Ok(()), |what| Err(wrong(field, what)))
}

pub(super) fn place_if(field: &str, text: Option<&String>) -> Result<(), ServiceError> {
    text.map_or(Ok(()), |text| place(field, text))
}

pub(super) fn header_name(field: &str, name: &str) -> Result<HeaderName, ServiceError> {
    let named = HeaderName::from_bytes(name.as_bytes());
    let named = named.map_err(|_| wrong(field, "has a header whose name is none of HTTP's"))?;
    let reserved = RESERVED_HEADERS.contains(&named.as_str()) && named != reqwest::header::AUTHORIZATION;
    if reserved { Err(wrong(field, &format!("{named} cannot carry a credential"))) } else { Ok(named) }
}

pub(super) fn header_prefix(field: &str, prefix: &str) -> Result<String, ServiceError> {
    if prefix.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        Ok(prefix.to_owned())
    } else {
        Err(wrong(field, "has a prefix with signs that no header can hold"))
    }
}

pub(super) fn wrong(field: &str, what: &str) -> ServiceError {
    ServiceError::Part { field: field.to_owned(), what: what.to_owned() }
}

/// Set by the client, or would carry a secret that the vault does not know to be one.
pub(super) const RESERVED_HEADERS: [&str; 8] = [
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "proxy-authorization",
    "transfer-encoding",
];
