//! Bodies of HTML forms, as `curl -d name=value` sends them.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::{Asked, Fields};
use crate::http::error::ApiError;

impl Fields {
    /// Reads the body of a request that calls it a form. `curl -d` says so of JSON, too: what begins with
    /// `{` is read as JSON. A name that stands once is text, one that stands more often a list.
    ///
    /// # Errors
    /// As [`Fields::from_body`].
    pub fn from_form(body: &[u8]) -> Result<Self, ApiError> {
        let begins = body.iter().find(|byte| !byte.is_ascii_whitespace());
        if matches!(begins, None | Some(b'{')) || body == b"null" {
            return Self::from_body(body);
        }
        let not_text = |_| ApiError::invalid("the form in the request body is not UTF-8 text");
        let text = std::str::from_utf8(body).map_err(not_text)?;
        let mut object: Map<String, Value> = Map::new();
        for pair in text.trim().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decoded = |text: &str| {
                let spaced = text.replace('+', " ");
                percent_decode_str(&spaced).decode_utf8().map(Cow::into_owned).map_err(not_text)
            };
            let (name, value) = (decoded(name)?, Value::String(decoded(value)?));
            Self::check_name(&name)?;
            match object.get_mut(&name) {
                None => {
                    object.insert(name, value);
                }
                Some(Value::Array(values)) => values.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
            }
        }
        Ok(Self { object: Value::Object(object), asked: Asked::default(), twice_dry_run: false })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_becomes_parameters_and_json_stays_json() {
        for (body, want) in [
            ("a=b&c=d%20e+f", json!({ "a": "b", "c": "d e f" })),
            ("a=1&a=2&a=3", json!({ "a": ["1", "2", "3"] })),
            ("a&b=", json!({ "a": "", "b": "" })),
            (" {\"a\": 1}", json!({ "a": 1 })),
            ("null", json!({})),
            ("", json!({})),
        ] {
            assert_eq!(*Fields::from_form(body.as_bytes()).unwrap().object(), want, "{body}");
        }
        assert!(Fields::from_form(b"a=%ff").is_err());
        assert!(Fields::from_form(b"{").is_err());
    }
}
