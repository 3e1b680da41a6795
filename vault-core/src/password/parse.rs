//! Reads a policy's text: HCL as Vault writes it, or the same as JSON.

mod hcl_text;
mod json_text;

use super::charset::Charset;
use super::{LENGTH_MAX, LENGTH_MIN, RULES_MAX, Rule};

/// Why a text is no password policy. The caller mends it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordPolicyError {
    /// Longer than any policy.
    #[error("the policy is too long; at most {TEXT_BYTES_MAX} bytes")]
    TooLong,
    /// Neither HCL nor JSON, or beyond the few forms that a policy needs.
    #[error(
        "the policy cannot be read; write: length = 20, then blocks rule \"charset\" {{ charset = \"abc\" min-chars = 1 }}"
    )]
    Malformed,
    /// A word that policies do not know.
    #[error("{0:?} is unknown here; a policy has length and rules, a rule has charset and min-chars")]
    Unknown(String),
    /// A rule of another kind than `charset`.
    #[error("the rule {0:?} is unknown; write rule \"charset\"")]
    UnknownRule(String),
    /// The length is missing or out of bounds.
    #[error("length must be a whole number between {LENGTH_MIN} and {LENGTH_MAX}")]
    Length,
    /// There is no rule.
    #[error("the policy needs at least one rule \"charset\" with the characters to use")]
    NoRules,
    /// There are too many rules.
    #[error("the policy has too many rules; at most {RULES_MAX}")]
    TooManyRules,
    /// A rule's charset is missing, empty, too long, or has characters that cannot be typed.
    #[error("charset must be 1 to {CHARSET_MAX} printable characters")]
    Charset,
    /// A rule's min-chars is no count.
    #[error("min-chars must be a whole number between 0 and {LENGTH_MAX}")]
    MinChars,
    /// The rules ask for more characters than there are.
    #[error("the rules need {needed} characters, but length is {length}; raise length or lower min-chars")]
    MinCharsAboveLength {
        /// The sum of all min-chars.
        needed: usize,
        /// The length.
        length: usize,
    },
}

/// A policy as written, before its meaning is checked.
#[derive(Default)]
struct Draft {
    length: Option<u64>,
    rules: Vec<RuleDraft>,
}

#[derive(Default)]
struct RuleDraft {
    charset: Option<String>,
    min_chars: Option<u64>,
}

/// The length and the rules of a policy's text.
pub(super) fn document(text: &str) -> Result<(usize, Vec<Rule>), PasswordPolicyError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(PasswordPolicyError::TooLong);
    }
    let draft =
        if text.trim_start().starts_with('{') { json_text::read(text)? } else { hcl_text::read(text)? };
    let length =
        draft.length.and_then(|length| usize::try_from(length).ok()).ok_or(PasswordPolicyError::Length)?;
    // Before the rules are read in full, so that a thousand of them cost nothing.
    if draft.rules.len() > RULES_MAX {
        return Err(PasswordPolicyError::TooManyRules);
    }
    let rules = draft.rules.into_iter().map(rule).collect::<Result<_, _>>()?;
    Ok((length, rules))
}

fn rule(draft: RuleDraft) -> Result<Rule, PasswordPolicyError> {
    let text = draft.charset.ok_or(PasswordPolicyError::Charset)?;
    let is_printable = |c: char| !c.is_control() && (c == ' ' || !c.is_whitespace()) && !is_invisible(c);
    if text.is_empty() || text.chars().count() > CHARSET_MAX || !text.chars().all(is_printable) {
        return Err(PasswordPolicyError::Charset);
    }
    let min_chars = usize::try_from(draft.min_chars.unwrap_or(0)).unwrap_or(usize::MAX);
    if min_chars > LENGTH_MAX {
        return Err(PasswordPolicyError::MinChars);
    }
    Ok(Rule { charset: Charset::of(&text), min_chars })
}

/// Marks that join or reverse their neighbours, and characters with no picture of their own.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}')
}

const TEXT_BYTES_MAX: usize = 16 << 10;
const CHARSET_MAX: usize = 256;
