//! Password policies in Vault's form, and the passwords they make.
//!
//! ```hcl
//!   length = 20
//!   rule "charset" { charset = "abcdefghijklmnopqrstuvwxyz"  min-chars = 1 }
//!   rule "charset" { charset = "0123456789"                  min-chars = 1 }
//! ```
//!
//! Every password that satisfies the policy is equally likely: all characters are drawn evenly from the
//! union of the rules, and the whole is drawn again until the rules hold. Everything drawn on the way is
//! wiped.

mod charset;
mod draw;
mod parse;

use crate::entropy::Entropy;
use crate::secret::SecretString;
use charset::Charset;
pub use parse::PasswordPolicyError;

/// How passwords are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// In characters.
    length: usize,
    rules: Vec<Rule>,
    /// All characters of the rules, each once.
    union: Charset,
    /// What the first character is drawn from, when that matters to the target.
    first: Option<Charset>,
}

/// So many characters at least must come from this set.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    charset: Charset,
    min_chars: usize,
}

impl PasswordPolicy {
    /// Reads a policy as Vault's, in HCL or JSON.
    ///
    /// # Errors
    /// [`PasswordPolicyError`], whose text says what to mend.
    pub fn parse(text: &str) -> Result<Self, PasswordPolicyError> {
        let (length, rules) = parse::document(text)?;
        Self::try_new(length, rules, None)
    }

    /// Makes a new password.
    #[must_use]
    pub fn generate(&self, entropy: &dyn Entropy) -> SecretString {
        draw::password(self, entropy)
    }

    /// The policy for the next candidate after the target refused one made by this policy.
    ///
    /// Refusals come from what complexity checks commonly ask for, so the next one asks for all of it: half
    /// as long again (at least 24; at most 64, for some hashes read only 72 bytes, unless this policy is
    /// longer already), two lower-case letters, two capitals, two digits and one of `-_`, a letter first, and
    /// nothing that quoting, connection strings or shells could change.
    #[must_use]
    pub fn stricter(&self) -> Self {
        let length = (self.length + self.length / 2).clamp(24, 64).max(self.length);
        let classes = [(LOWER, 2), (UPPER, 2), (DIGITS, 2), ("-_", 1)];
        Self::of_classes(length, &classes)
    }

    /// Vault's own default: 20 of `[A-Za-z0-9-]` with one of each class, and a letter first.
    #[must_use]
    pub fn of_vault() -> Self {
        Self::of_classes(20, &[(LOWER, 1), (UPPER, 1), (DIGITS, 1), ("-", 1)])
    }

    /// How many characters a password has.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    fn of_classes(length: usize, classes: &[(&str, usize)]) -> Self {
        let rules: Vec<Rule> = classes
            .iter()
            .map(|(chars, min_chars)| Rule { charset: Charset::of(chars), min_chars: *min_chars })
            .collect();
        let union = Charset::union(rules.iter().map(|rule| &rule.charset));
        let letters = Charset::of(&[LOWER, UPPER].concat());
        Self { length, rules, union, first: Some(letters) }
    }

    fn try_new(length: usize, rules: Vec<Rule>, first: Option<Charset>) -> Result<Self, PasswordPolicyError> {
        if !(LENGTH_MIN..=LENGTH_MAX).contains(&length) {
            return Err(PasswordPolicyError::Length);
        }
        if rules.is_empty() {
            return Err(PasswordPolicyError::NoRules);
        }
        if rules.len() > RULES_MAX {
            return Err(PasswordPolicyError::TooManyRules);
        }
        let needed = rules.iter().fold(0usize, |sum, rule| sum.saturating_add(rule.min_chars));
        if needed > length {
            return Err(PasswordPolicyError::MinCharsAboveLength { needed, length });
        }
        let union = Charset::union(rules.iter().map(|rule| &rule.charset));
        Ok(Self { length, rules, union, first })
    }
}

impl Default for PasswordPolicy {
    /// 32 of `[A-Za-z0-9-]` with one of each class, and a letter first: about 190 bits, and safe unquoted in
    /// connection strings, URLs, shells and configuration files.
    fn default() -> Self {
        Self::of_classes(32, &[(LOWER, 1), (UPPER, 1), (DIGITS, 1), ("-", 1)])
    }
}

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";

/// The shortest password that a policy may ask for, as in Vault.
pub const LENGTH_MIN: usize = 4;
/// The longest password that a policy may ask for.
pub const LENGTH_MAX: usize = 256;
/// The most rules that a policy may have.
pub const RULES_MAX: usize = 32;

#[cfg(test)]
mod tests;
