//! The one name that no object may have: that by which the JSON library tells itself of a number.
//!
//! An object with it is taken for a number when it is read, and cannot be read at all when other names stand beside
//! it. What was stored with it would be lost, so it is refused at the door, whatever way it is spelled.

use super::{ApiError, Fields};

impl Fields {
    /// Refuses a body in which an object has the name. Looks at the text: what was read of it may be a number.
    pub(super) fn check_names(body: &[u8]) -> Result<(), ApiError> {
        let mut rest = body;
        while let Some((text, after)) = next_text(rest) {
            if after.trim_ascii_start().starts_with(b":") && is_spelled(text, NAME) {
                return Err(reserved());
            }
            rest = after;
        }
        Ok(())
    }

    /// Whether `name` stands in a body more than once, at any depth.
    pub(super) fn stands_twice(body: &[u8], name: &str) -> bool {
        let (mut rest, mut count) = (body, 0);
        while let Some((text, after)) = next_text(rest) {
            let is_name = after.trim_ascii_start().starts_with(b":");
            // Few texts are short enough to be looked at closely.
            count += u32::from(is_name && text.len() < 6 * name.len() + 3 && is_spelled(text, name));
            rest = after;
        }
        count > 1
    }

    /// Refuses a name that came in a form, in a query, or in a text with names.
    pub(in crate::http) fn check_name(name: &str) -> Result<(), ApiError> {
        if name == NAME { Err(reserved()) } else { Ok(()) }
    }
}

/// The next text with its quotes, and what follows it. Outside of texts JSON has no quotes.
fn next_text(json: &[u8]) -> Option<(&[u8], &[u8])> {
    let begin = json.iter().position(|byte| *byte == b'"')?;
    let (_, json) = json.split_at_checked(begin)?;
    let mut is_escaped = false;
    let end = json.iter().skip(1).position(|byte| {
        let ends = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        ends
    })?;
    json.split_at_checked(end + 2)
}

/// Whether the text, perhaps with escapes, is the name.
fn is_spelled(text: &[u8], name: &str) -> bool {
    text.len() >= name.len() + 2 && serde_json::from_slice::<String>(text).is_ok_and(|read| read == name)
}

fn reserved() -> ApiError {
    ApiError::invalid(format!("failed to decode JSON input: no name can be {NAME:?}"))
}

/// As serde_json spells it with its feature `arbitrary_precision`, by which numbers keep every digit.
const NAME: &str = "$serde_json::private::Number";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_number_is_refused_however_it_is_spelled_and_wherever_it_stands() {
        for (body, is_refused) in [
            (r#"{"$serde_json::private::Number":"12"}"#, true),
            (r#"{"a":[{"b":1,"$serde_json::private::Number" : "12"}]}"#, true),
            (r#"{"a":{"\u0024serde_json::private::\u004eumber":"12"}}"#, true),
            (r#"{"a\"":{"\\":"x","$serde_json::private::Number":"12"}}"#, true),
            (r#"{"a":"$serde_json::private::Number"}"#, false),
            (r#"{"a":"\"$serde_json::private::Number\":"}"#, false),
            (r#"{"$serde_json::private::Numbers":1,"private::Number":2.50}"#, false),
        ] {
            assert_eq!(Fields::from_body(body.as_bytes()).is_err(), is_refused, "{body}");
        }
        assert!(Fields::from_form(b"%24serde_json::private::Number=1").is_err());
        assert!(Fields::from_form(b"a=$serde_json::private::Number").is_ok());
        let fields = Fields::from_body(br#"{"m":"$serde_json::private::Number=1","n":"a=1"}"#).unwrap();
        assert!(fields.text_map("m").is_err() && fields.text_map("n").is_ok());
    }
}
