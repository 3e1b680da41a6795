//! What a value looks like, and how that is said in the schema language of OpenAPI 3.0.

use serde_json::{Map, Value, json};

/// What a value looks like.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Any JSON value.
    Any,
    /// Text.
    Text,
    /// Text that tools should not show.
    Secret,
    /// Text of this form (a regular expression).
    Form(&'static str),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A time in RFC 3339.
    Time,
    /// A span of time as text, such as `90s`, `1h30m` or `3600`.
    Span,
    /// A whole number, zero or more.
    Count,
    /// Any whole number.
    Integer,
    /// Any number.
    Number,
    /// Yes or no.
    Flag,
    /// Any number of these.
    List(&'static Shape),
    /// Texts by name.
    Texts,
    /// These by name.
    Map(&'static Shape),
    /// An object with these keys.
    Object(&'static [Field]),
    /// An object with these keys and any others.
    Open(&'static [Field]),
    /// An object of one of these two kinds: all keys of the first, then those of the second.
    Both(&'static [Field], &'static [Field]),
    /// This, or null.
    OrNull(&'static Shape),
}

/// One parameter of a request, or one key of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What its value looks like.
    pub shape: Shape,
    /// What it means, in a sentence.
    pub about: &'static str,
    /// Whether it is always there.
    pub is_required: bool,
}

impl Shape {
    /// As a schema.
    #[must_use]
    pub fn schema(&self) -> Value {
        match self {
            Self::Any => json!({}),
            Self::Text => json!({ "type": "string" }),
            Self::Secret => json!({ "type": "string", "format": "password" }),
            Self::Form(pattern) => json!({ "type": "string", "pattern": pattern }),
            Self::Word(words) => json!({ "type": "string", "enum": words }),
            Self::Time => json!({ "type": "string", "format": "date-time" }),
            Self::Span => json!({ "type": "string", "format": "duration", "pattern": SPAN }),
            Self::Count => json!({ "type": "integer", "minimum": 0 }),
            Self::Integer => json!({ "type": "integer" }),
            Self::Number => json!({ "type": "number" }),
            Self::Flag => json!({ "type": "boolean" }),
            Self::List(shape) => json!({ "type": "array", "items": shape.schema() }),
            Self::Texts => {
                json!({ "type": "object", "additionalProperties": { "type": "string" }, "format": "kvpairs" })
            }
            Self::Map(shape) => json!({ "type": "object", "additionalProperties": shape.schema() }),
            Self::Object(fields) => object(fields.iter()),
            Self::Open(fields) => {
                let mut schema = object(fields.iter());
                insert(&mut schema, "additionalProperties", Value::Bool(true));
                schema
            }
            Self::Both(first, second) => object(first.iter().chain(*second)),
            Self::OrNull(shape) => {
                let mut schema = shape.schema();
                // Without a type null is one of the values already.
                if schema.get("type").is_some() {
                    insert(&mut schema, "nullable", Value::Bool(true));
                }
                schema
            }
        }
    }
}

impl Field {
    /// As a schema, with its meaning.
    #[must_use]
    pub fn schema(&self) -> Value {
        let mut schema = self.shape.schema();
        if !self.about.is_empty() {
            insert(&mut schema, "description", Value::from(self.about));
        }
        schema
    }
}

/// An object with these keys. A name that stands twice counts once.
pub(super) fn object<'a>(fields: impl Iterator<Item = &'a Field>) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for field in fields {
        if field.is_required && !required.contains(&field.name) {
            required.push(field.name);
        }
        properties.insert(field.name.to_owned(), field.schema());
    }
    let mut schema = json!({ "type": "object", "properties": properties });
    // An empty list is not allowed here.
    if !required.is_empty() {
        insert(&mut schema, "required", json!(required));
    }
    schema
}

pub(super) fn insert(schema: &mut Value, name: &str, value: Value) {
    if let Some(map) = schema.as_object_mut() {
        map.insert(name.to_owned(), value);
    }
}

/// Seconds, or numbers with units; empty is the same as absent.
const SPAN: &str = "^([0-9]{1,9}|([0-9]{1,5}(ms|s|m|h|d))*)$";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_says_what_may_be_null_and_what_must_be_there() {
        const FIELDS: &[Field] = &[
            Field { name: "a", shape: Shape::OrNull(&Shape::Time), about: "When.", is_required: true },
            Field { name: "b", shape: Shape::List(&Shape::Count), about: "", is_required: false },
        ];
        let want = json!({
            "type": "object",
            "required": ["a"],
            "properties": {
                "a": { "type": "string", "format": "date-time", "nullable": true, "description": "When." },
                "b": { "type": "array", "items": { "type": "integer", "minimum": 0 } },
            },
        });
        assert_eq!(Shape::Object(FIELDS).schema(), want);
        assert_eq!(Shape::OrNull(&Shape::Any).schema(), json!({}));
        assert_eq!(Shape::Open(&[]).schema()["additionalProperties"], true);
    }
}
