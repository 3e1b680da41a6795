//! One policy: its name, its text byte for byte, and the rules read from it.

use super::builtin::{DEFAULT_POLICY_NAME, DEFAULT_POLICY_TEXT, ROOT_POLICY_NAME};
use super::rule::{Rule, RuleProblem};
use super::syntax;

/// Why a policy was refused; the text says what to mend and is fit for a 400 answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The name cannot be used.
    #[error("a policy name has 1 to {POLICY_NAME_BYTES_MAX} bytes and no comma or control character")]
    Name,
    /// The root policy has no text and cannot be written.
    #[error("cannot update \"root\" policy")]
    Root,
    /// Nothing but white space.
    #[error("'policy' parameter not supplied or empty")]
    Empty,
    /// Longer than [`POLICY_BYTES_MAX`].
    #[error("the policy is longer than {POLICY_BYTES_MAX} bytes; split it into several policies")]
    TooLong,
    /// Not HCL.
    #[error("failed to parse policy: line {line}, column {column}: {problem}")]
    Hcl {
        /// Line of the text, from 1.
        line: usize,
        /// Column within it, from 1.
        column: usize,
        /// What the parser expected.
        problem: String,
    },
    /// Text that begins with `{` and is not JSON, or names one key twice.
    #[error("failed to parse policy: {problem}")]
    Json {
        /// What the parser says, with line and column.
        problem: String,
    },
    /// Something other than `path` (and `name`) at the top.
    #[error("failed to parse policy: invalid key {key:?}: a policy holds only path \"…\" {{ … }} blocks")]
    TopLevelKey {
        /// The key as written.
        key: String,
    },
    /// `path` without its one label, or not followed by a block.
    #[error("failed to parse policy: a rule is written path \"some/path\" {{ capabilities = [\"read\"] }}")]
    PathForm,
    /// A rule says something that cannot be taken.
    #[error("failed to parse policy: path {path:?}: {problem}")]
    Rule {
        /// The rule's path as written.
        path: String,
        /// What is wrong with it.
        problem: RuleProblem,
    },
}

/// A policy: parsed once, never changed.
#[derive(Clone, Debug)]
pub struct Policy {
    name: Box<str>,
    text: Box<str>,
    rules: Vec<Rule>,
}

impl Policy {
    /// Reads a policy in HCL, or in JSON when the text begins with `{`. The name is lower-cased.
    ///
    /// # Errors
    /// [`PolicyError`] by cause; nothing is taken in part.
    pub fn parse(name: &str, text: &str) -> Result<Self, PolicyError> {
        let name = policy_name(name)?;
        if name == ROOT_POLICY_NAME {
            return Err(PolicyError::Root);
        }
        if text.len() > POLICY_BYTES_MAX {
            return Err(PolicyError::TooLong);
        }
        if text.trim().is_empty() {
            return Err(PolicyError::Empty);
        }
        let rules = read_rules(text).map_err(PolicyError::shortened)?;
        Ok(Self { name: name.into(), text: text.into(), rules })
    }

    /// The policy `root`: allows everything, has no text.
    #[must_use]
    pub fn root() -> Self {
        Self { name: ROOT_POLICY_NAME.into(), text: "".into(), rules: Vec::new() }
    }

    /// The policy `default` as a new vault has it: [`DEFAULT_POLICY_TEXT`].
    ///
    /// # Errors
    /// None in practice: a test reads the text.
    pub fn default_policy() -> Result<Self, PolicyError> {
        Self::parse(DEFAULT_POLICY_NAME, DEFAULT_POLICY_TEXT)
    }

    /// The name, in lower case.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text, byte for byte as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many rules the text holds.
    #[must_use]
    pub fn rule_count(&self) -> usize {
        self.rules.len()
    }

    /// Whether this is the policy that allows everything.
    #[must_use]
    pub fn is_root(&self) -> bool {
        &*self.name == ROOT_POLICY_NAME
    }

    pub(super) fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

fn read_rules(text: &str) -> Result<Vec<Rule>, PolicyError> {
    syntax::read(text)?
        .into_iter()
        .map(|stanza| {
            Rule::read(&stanza.path, stanza.settings)
                .map_err(|problem| PolicyError::Rule { path: stanza.path, problem })
        })
        .collect()
}

impl PolicyError {
    /// Cuts what is quoted from the policy: an answer is no place for half a megabyte of it.
    fn shortened(self) -> Self {
        match self {
            Self::Hcl { line, column, problem } => Self::Hcl { line, column, problem: excerpt(problem) },
            Self::Json { problem } => Self::Json { problem: excerpt(problem) },
            Self::TopLevelKey { key } => Self::TopLevelKey { key: excerpt(key) },
            Self::Rule { path, problem } => {
                Self::Rule { path: excerpt(path), problem: problem.with_quoted(excerpt) }
            }
            plain @ (Self::Name | Self::Root | Self::Empty | Self::TooLong | Self::PathForm) => plain,
        }
    }
}

/// The beginning of a quotation, with a sign where it was cut.
fn excerpt(text: String) -> String {
    match text.char_indices().nth(EXCERPT_CHARS_MAX) {
        Some((end, _)) => text.get(..end).map(|head| format!("{head}…")).unwrap_or_default(),
        None => text,
    }
}

/// Brings a policy's name into its one form: without white space at the ends, in lower case.
///
/// # Errors
/// [`PolicyError::Name`] when nothing is left, or it is too long, or it holds a comma (which separates
/// names in lists) or a control character.
pub fn policy_name(text: &str) -> Result<String, PolicyError> {
    let name = text.trim().to_lowercase();
    let fits = (1..=POLICY_NAME_BYTES_MAX).contains(&name.len());
    if fits && !name.chars().any(|c| c.is_control() || c == ',') { Ok(name) } else { Err(PolicyError::Name) }
}

/// Longest policy text, in bytes.
pub const POLICY_BYTES_MAX: usize = 512 * 1024;
/// Longest policy name, in bytes.
pub const POLICY_NAME_BYTES_MAX: usize = 128;
/// Longest quotation from a policy in an error, in characters.
const EXCERPT_CHARS_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_kept_byte_for_byte() {
        let text = "# a comment\r\n\tpath \"a\"   {\n capabilities=[\"read\"]\n}\n\n";
        let policy = Policy::parse("  Ops-Team ", text).unwrap();
        assert_eq!(policy.text(), text);
        assert_eq!(policy.name(), "ops-team");
        assert_eq!(policy.rule_count(), 1);
    }

    #[test]
    fn names_and_texts_that_cannot_be_are_refused() {
        let rule = r#"path "a" { capabilities = ["read"] }"#;
        for (name, text, want) in [
            ("", rule, PolicyError::Name),
            ("a,b", rule, PolicyError::Name),
            ("a\nb", rule, PolicyError::Name),
            ("Root", rule, PolicyError::Root),
            ("a", "", PolicyError::Empty),
            ("a", " \n\t", PolicyError::Empty),
        ] {
            assert_eq!(Policy::parse(name, text).err(), Some(want), "{name:?} {text:?}");
        }
        assert_eq!(Policy::parse("a", &"#".repeat(POLICY_BYTES_MAX + 1)).err(), Some(PolicyError::TooLong));
        assert_eq!(Policy::parse(&"n".repeat(129), rule).err(), Some(PolicyError::Name));
    }

    #[test]
    fn errors_quote_little_of_a_long_policy() {
        let long = "x".repeat(100_000);
        for text in [
            format!("{long} = 1"),
            format!("path \"{long}\" {{}}"),
            format!("path \"a\" {{ capabilities = [\"{long}\"] }}"),
            format!("path \"a\" {{ {long} = [] }}"),
            format!("{{\"{long}\": 1, \"{long}\": 2}}"),
            format!("path \"{long}"),
        ] {
            let error = Policy::parse("a", &text).unwrap_err().to_string();
            assert!(error.len() < 400, "{} bytes: {:.300}", error.len(), error);
        }
    }

    #[test]
    fn the_default_policy_reads() {
        let policy = Policy::default_policy().unwrap();
        assert_eq!(policy.name(), "default");
        assert!(policy.rule_count() > 10);
    }
}
