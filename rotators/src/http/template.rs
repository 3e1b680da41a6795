//! Texts with placeholders, taken apart once and filled by value: what is filled in is never read for placeholders
//! again, and is encoded for the place where it stands. Pure.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;
use vault_core::clock::Timestamp;
use vault_core::id::RotationId;
use vault_core::secret::SecretString;

/// What a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hole {
    /// The account, or in a login the name to log in with.
    Username,
    /// The password.
    Password,
    /// The id of the rotation.
    Rotation,
    /// `rotunda-`, the mark of target and account, and the id of the rotation.
    Label,
    /// The target's own name of a credential.
    Handle,
    /// The target's own name of the account.
    Id,
    /// The day on which a new credential ends, as `2026-12-31`.
    ExpiresDate,
    /// The moment at which a new credential ends, by RFC 3339.
    ExpiresAt,
    /// How long a new credential lives, in seconds.
    LifetimeSeconds,
}

impl Hole {
    const ALL: [(&'static str, Self); 9] = [
        ("username", Self::Username),
        ("password", Self::Password),
        ("rotation", Self::Rotation),
        ("label", Self::Label),
        ("handle", Self::Handle),
        ("id", Self::Id),
        ("expires_date", Self::ExpiresDate),
        ("expires_at", Self::ExpiresAt),
        ("lifetime_seconds", Self::LifetimeSeconds),
    ];

    /// As it is written between the braces.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, hole)| *hole == self).map_or("", |(name, _)| name)
    }

    /// The placeholder of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, hole)| *hole)
    }
}

/// What is filled in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Values<'a> {
    /// [`Hole::Username`]
    pub username: &'a str,
    /// [`Hole::Password`]
    pub password: Option<&'a SecretString>,
    /// Of target and account, in [`Hole::Label`]
    pub mark: &'a str,
    /// [`Hole::Rotation`] and [`Hole::Label`]
    pub rotation: Option<RotationId>,
    /// [`Hole::Handle`]
    pub handle: Option<&'a str>,
    /// [`Hole::Id`]: a text or a whole number
    pub id: Option<&'a Value>,
    /// [`Hole::ExpiresDate`] and [`Hole::ExpiresAt`]
    pub expires: Option<Timestamp>,
    /// [`Hole::LifetimeSeconds`]
    pub lifetime_seconds: Option<u64>,
}

impl<'a> Values<'a> {
    /// As JSON has it: `id` keeps its type, seconds are a number.
    fn json(&self, hole: Hole) -> Option<Value> {
        match hole {
            Hole::Id => self.id.cloned(),
            Hole::LifetimeSeconds => self.lifetime_seconds.map(Value::from),
            _ => self.text(hole).map(|text| Value::String(text.into_owned())),
        }
    }

    fn text(&self, hole: Hole) -> Option<Cow<'a, str>> {
        let stamp = || self.expires.filter(|at| at.is_in_calendar()).map(Timestamp::to_rfc3339);
        Some(match hole {
            Hole::Username => Cow::Borrowed(self.username),
            Hole::Password => Cow::Borrowed(self.password?.expose()),
            Hole::Rotation => Cow::Owned(self.rotation?.to_string()),
            Hole::Label => Cow::Owned(label(self.mark, self.rotation?)),
            Hole::Handle => Cow::Borrowed(self.handle?),
            Hole::Id => match self.id? {
                Value::String(text) => Cow::Borrowed(text.as_str()),
                other => Cow::Owned(other.to_string()),
            },
            Hole::ExpiresDate => Cow::Owned(stamp()?.split('T').next()?.to_owned()),
            Hole::ExpiresAt => Cow::Owned(stamp()?),
            Hole::LifetimeSeconds => Cow::Owned(self.lifetime_seconds?.to_string()),
        })
    }
}

/// What marks everything that this rotation makes for this target and account.
#[must_use]
pub fn label(mark: &str, rotation: RotationId) -> String {
    format!("{LABEL_PREFIX}{mark}-{rotation}")
}

/// Whether a label is one that [`label`] has made with this mark, perhaps with something before and behind it.
#[must_use]
pub fn is_ours(text: &str, mark: &str) -> bool {
    let begin = format!("{LABEL_PREFIX}{mark}-");
    text.match_indices(&begin).any(|(at, _)| {
        let id = text.get(at + begin.len()..).and_then(|rest| rest.get(..ID_CHARS));
        id.is_some_and(|id| RotationId::parse(id).is_some())
    })
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// `{{` without its end.
    #[error("a placeholder that begins with {{{{ does not end")]
    Unended,
    /// Not one of ours, and no parameter of the description. Its beginning.
    #[error(
        "there is no placeholder {{{{{0}}}}}; there are username, password, rotation, label, handle, id, expires_date, expires_at, lifetime_seconds and the description's own parameters"
    )]
    Unknown(String),
    /// One that means nothing at this place.
    #[error("{{{{{0}}}}} means nothing here")]
    Misplaced(&'static str),
}

/// A text with placeholders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// As it was written.
    Written(String),
    /// The value of a parameter.
    Given(String),
    Hole(Hole),
}

impl Template {
    /// Takes a text apart. Those in `allowed` may stand in it, and the parameters by their names.
    ///
    /// # Errors
    /// [`TemplateError`] by cause.
    pub fn parse(
        text: &str,
        parameters: &BTreeMap<String, String>,
        allowed: &[Hole],
    ) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("{{") {
            let (name, behind) = behind.split_once("}}").ok_or(TemplateError::Unended)?;
            if !before.is_empty() {
                pieces.push(Piece::Written(before.to_owned()));
            }
            let name = name.trim();
            pieces.push(match (Hole::find(name), parameters.get(name)) {
                (Some(hole), _) if allowed.contains(&hole) => Piece::Hole(hole),
                (Some(hole), _) => return Err(TemplateError::Misplaced(hole.name())),
                (None, Some(value)) => Piece::Given(value.clone()),
                (None, None) => {
                    return Err(TemplateError::Unknown(name.chars().take(NAME_CHARS_SHOWN).collect()));
                }
            });
            rest = behind;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Written(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    /// Whether this stands in it.
    #[must_use]
    pub fn has(&self, hole: Hole) -> bool {
        self.0.contains(&Piece::Hole(hole))
    }

    /// As part of an address: what is filled in is one piece of a path, or one value of a query, whatever it holds.
    /// `None` when a value is missing.
    #[must_use]
    pub fn address(&self, values: &Values<'_>) -> Option<String> {
        self.filled(values, percent_encoded)
    }

    /// As it is. `None` when a value is missing.
    #[must_use]
    pub fn text(&self, values: &Values<'_>) -> Option<String> {
        self.filled(values, str::to_owned)
    }

    fn filled(&self, values: &Values<'_>, encode: fn(&str) -> String) -> Option<String> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Written(written) => text.push_str(written),
                Piece::Given(value) => text.push_str(&encode(value)),
                Piece::Hole(hole) => text.push_str(&encode(&values.text(*hole)?)),
            }
        }
        Some(text)
    }

    fn json(&self, values: &Values<'_>) -> Option<Value> {
        match self.0.as_slice() {
            [Piece::Hole(hole)] => values.json(*hole),
            _ => self.text(values).map(Value::String),
        }
    }
}

/// A JSON document whose texts hold placeholders; the names of its fields are taken as they are.
#[derive(Clone, Debug, PartialEq)]
pub enum JsonTemplate {
    /// What holds none.
    Fixed(Value),
    /// A text.
    Text(Template),
    /// A list.
    Array(Vec<JsonTemplate>),
    /// Fields.
    Object(Vec<(String, JsonTemplate)>),
}

impl JsonTemplate {
    /// Takes a document apart, as [`Template::parse`].
    ///
    /// # Errors
    /// [`TemplateError`] by cause.
    pub fn parse(
        value: &Value,
        parameters: &BTreeMap<String, String>,
        allowed: &[Hole],
    ) -> Result<Self, TemplateError> {
        let part = |value| Self::parse(value, parameters, allowed);
        Ok(match value {
            Value::String(text) => Self::Text(Template::parse(text, parameters, allowed)?),
            Value::Array(items) => Self::Array(items.iter().map(part).collect::<Result<_, _>>()?),
            Value::Object(fields) => {
                let fields = fields.iter().map(|(name, value)| Ok((name.clone(), part(value)?)));
                Self::Object(fields.collect::<Result<_, _>>()?)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Fixed(value.clone()),
        })
    }

    /// Whether this stands in it.
    #[must_use]
    pub fn has(&self, hole: Hole) -> bool {
        match self {
            Self::Fixed(_) => false,
            Self::Text(template) => template.has(hole),
            Self::Array(items) => items.iter().any(|item| item.has(hole)),
            Self::Object(fields) => fields.iter().any(|(_, value)| value.has(hole)),
        }
    }

    /// The document with its values; `None` when one is missing. It may hold a secret.
    #[must_use]
    pub fn fill(&self, values: &Values<'_>) -> Option<Value> {
        Some(match self {
            Self::Fixed(value) => value.clone(),
            Self::Text(template) => template.json(values)?,
            Self::Array(items) => {
                Value::Array(items.iter().map(|item| item.fill(values)).collect::<Option<_>>()?)
            }
            Self::Object(fields) => {
                let filled = fields.iter().map(|(name, value)| Some((name.clone(), value.fill(values)?)));
                Value::Object(filled.collect::<Option<_>>()?)
            }
        })
    }
}

/// Everything but letters and digits in hexadecimal (RFC 3986, section 2.1).
#[must_use]
pub fn percent_encoded(text: &str) -> String {
    let mut piece = String::with_capacity(3 * text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            piece.push(char::from(byte));
        } else {
            piece.push_str(&format!("%{byte:02X}"));
        }
    }
    piece
}

const LABEL_PREFIX: &str = "rotunda-";
/// A UUID with its hyphens.
const ID_CHARS: usize = 36;
const NAME_CHARS_SHOWN: usize = 40;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ALL: [Hole; 4] = [Hole::Username, Hole::Id, Hole::Label, Hole::LifetimeSeconds];

    fn parse(text: &str) -> Result<Template, TemplateError> {
        let parameters = BTreeMap::from([("realm".to_owned(), "a/b".to_owned())]);
        Template::parse(text, &parameters, &ALL)
    }

    #[test]
    fn what_is_filled_in_is_one_piece_and_never_a_placeholder() {
        let id = json!(7);
        let values = Values { username: "x/{{id}}?&%", id: Some(&id), ..Values::default() };
        let template = parse("/r/{{realm}}/u/{{ username }}/{{id}}?q={{username}}").unwrap();
        assert_eq!(
            template.address(&values).unwrap(),
            "/r/a%2Fb/u/x%2F%7B%7Bid%7D%7D%3F%26%25/7?q=x%2F%7B%7Bid%7D%7D%3F%26%25"
        );
        assert_eq!(parse("{{label}}").unwrap().address(&values), None, "there is no rotation");
    }

    #[test]
    fn a_body_is_made_of_values_and_keeps_numbers() {
        let body = json!({ "who": ["{{username}}"], "id": "{{id}}", "as text": "{{id}}!", "n": 1, "s": "{{lifetime_seconds}}" });
        let template = JsonTemplate::parse(&body, &BTreeMap::new(), &ALL).unwrap();
        let id = json!(7);
        let values =
            Values { username: "a\"b\\", id: Some(&id), lifetime_seconds: Some(60), ..Values::default() };
        let want = json!({ "who": ["a\"b\\"], "id": 7, "as text": "7!", "n": 1, "s": 60 });
        assert_eq!(template.fill(&values).unwrap(), want);
        assert!(template.has(Hole::Username) && !template.has(Hole::Label));
    }

    #[test]
    fn an_end_has_its_forms() {
        let values = Values { expires: Some(Timestamp::from_secs(1_800_000_000)), ..Values::default() };
        assert_eq!(values.text(Hole::ExpiresDate).as_deref(), Some("2027-01-15"));
        assert!(values.text(Hole::ExpiresAt).unwrap().starts_with("2027-01-15T08:00:00"));
    }

    #[test]
    fn a_label_is_known_again() {
        let rotation = RotationId::derived([7; 16]);
        let own = label("0a1b2c3d", rotation);
        for text in [own.clone(), format!("rotunda-x {own} (vault)")] {
            assert!(is_ours(&text, "0a1b2c3d"), "{text}");
        }
        for other in [
            "rotunda-",
            "rotunda-of-a-person",
            "rotunda-0a1b2c3d-",
            &rotation.to_string(),
            // Of another target, and of a vault that knew no marks.
            &label("0a1b2c3e", rotation),
            &format!("rotunda-{rotation}"),
        ] {
            assert!(!is_ours(other, "0a1b2c3d"), "{other}");
        }
    }

    #[test]
    fn what_is_no_placeholder_is_told() {
        for (text, error) in [
            ("{{user}}", TemplateError::Unknown("user".to_owned())),
            ("{{username", TemplateError::Unended),
            ("{{password}}", TemplateError::Misplaced("password")),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
        assert!(parse("{}").is_ok() && parse("}}").is_ok());
    }
}
