//! One `path` block, from its settings to a checked rule.

use std::time::Duration;

use serde_json::{Map, Value};

use super::capability::{Capabilities, Capability};
use super::grant::Grant;
use super::parameter::Parameters;
use super::pattern::Pattern;
use super::wrapping;

/// What one block of a policy says.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) pattern: Pattern,
    pub(super) grant: Grant,
}

/// What is wrong with one `path` block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleProblem {
    /// A capability that does not exist.
    #[error("invalid capability {0:?}")]
    Capability(String),
    /// The old form `policy = "…"` with an unknown word.
    #[error("invalid policy {0:?}: read, write, sudo or deny is meant")]
    OldPolicy(String),
    /// A setting that does not exist.
    #[error("invalid key {0:?}")]
    Key(String),
    /// A setting that Vault has and this vault has not: ignoring it would weaken the policy.
    #[error("{0:?} is not supported")]
    Unsupported(String),
    /// A setting given twice, or parameters that differ in case only.
    #[error("{0:?} is given twice")]
    Twice(String),
    /// A setting of another type than it needs.
    #[error("{key:?} must be {form}")]
    Form {
        /// The setting.
        key: String,
        /// What it must be, for people.
        form: &'static str,
    },
    /// Longer than [`RULE_PATH_BYTES_MAX`].
    #[error("the path is longer than {RULE_PATH_BYTES_MAX} bytes")]
    PathTooLong,
    /// `+*` in the path.
    #[error("invalid use of wildcards ('+*' is forbidden)")]
    PlusStar,
    /// `{{…}}` in the path: templates are not filled in, so the rule would not protect what it names.
    #[error("templated paths are not supported")]
    Template,
    /// A parameter name with a `*` or `/` that would be taken for what it is not.
    #[error("parameter key {0:?}: only a name or \"*\" alone is supported")]
    ParameterKey(String),
    /// The upper bound is below the lower one.
    #[error("max_wrapping_ttl cannot be less than min_wrapping_ttl")]
    WrappingBounds,
}

impl RuleProblem {
    /// The same problem with what it quotes from the policy changed.
    pub(super) fn with_quoted(self, change: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Capability(word) => Self::Capability(change(word)),
            Self::OldPolicy(word) => Self::OldPolicy(change(word)),
            Self::Key(key) => Self::Key(change(key)),
            Self::Unsupported(key) => Self::Unsupported(change(key)),
            Self::Twice(key) => Self::Twice(change(key)),
            Self::Form { key, form } => Self::Form { key: change(key), form },
            Self::ParameterKey(key) => Self::ParameterKey(change(key)),
            plain @ (Self::PathTooLong | Self::PlusStar | Self::Template | Self::WrappingBounds) => plain,
        }
    }
}

impl Rule {
    /// Checks a block's settings.
    pub(super) fn read(path: &str, settings: Map<String, Value>) -> Result<Self, RuleProblem> {
        if path.len() > RULE_PATH_BYTES_MAX {
            return Err(RuleProblem::PathTooLong);
        }
        if path.contains("{{") {
            return Err(RuleProblem::Template);
        }
        let pattern = Pattern::parse(path).map_err(|_| RuleProblem::PlusStar)?;
        let mut grant = Grant::default();
        for (key, value) in settings {
            read_setting(&mut grant, key, value)?;
        }
        if let (Some(min), Some(max)) = (grant.min_wrapping, grant.max_wrapping)
            && max < min
        {
            return Err(RuleProblem::WrappingBounds);
        }
        Ok(Self { pattern, grant })
    }
}

fn read_setting(grant: &mut Grant, key: String, value: Value) -> Result<(), RuleProblem> {
    match key.as_str() {
        "capabilities" => {
            for word in words(key, value)? {
                let Some(capability) = Capability::parse(&word) else {
                    return Err(RuleProblem::Capability(word));
                };
                grant.capabilities = grant.capabilities.union(Capabilities::from_iter([capability]));
            }
        }
        "policy" => grant.capabilities = grant.capabilities.union(old_policy(key, value)?),
        "allowed_parameters" => grant.allowed = parameters(key, value)?,
        "denied_parameters" => grant.denied = parameters(key, value)?,
        "required_parameters" => {
            grant.required = words(key, value)?
                .into_iter()
                .map(|name| parameter_key(&name, false))
                .collect::<Result<_, _>>()?;
        }
        "min_wrapping_ttl" => grant.min_wrapping = wrapping_ttl(key, &value)?,
        "max_wrapping_ttl" => grant.max_wrapping = wrapping_ttl(key, &value)?,
        "comment" => {
            if !value.is_string() {
                return Err(RuleProblem::Form { key, form: "a text" });
            }
        }
        "mfa_methods" | "control_group" | "subscribe_event_types" => {
            return Err(RuleProblem::Unsupported(key));
        }
        _ => return Err(RuleProblem::Key(key)),
    }
    Ok(())
}

fn words(key: String, value: Value) -> Result<Vec<String>, RuleProblem> {
    let form = RuleProblem::Form { key, form: "a list of words, such as [\"read\"]" };
    let Value::Array(items) = value else { return Err(form) };
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        let Value::String(word) = item else { return Err(form) };
        out.push(word);
    }
    Ok(out)
}

fn old_policy(key: String, value: Value) -> Result<Capabilities, RuleProblem> {
    use Capability::{Create, Delete, Deny, List, Read, Sudo, Update};
    let Value::String(word) = value else { return Err(RuleProblem::Form { key, form: "a word" }) };
    let granted: &[Capability] = match word.as_str() {
        "deny" => &[Deny],
        "read" => &[Read, List],
        "write" => &[Create, Read, Update, Delete, List],
        "sudo" => &[Create, Read, Update, Delete, List, Sudo],
        _ => return Err(RuleProblem::OldPolicy(word)),
    };
    Ok(granted.iter().copied().collect())
}

fn parameters(key: String, value: Value) -> Result<Parameters, RuleProblem> {
    let form = RuleProblem::Form { key, form: "a map of lists, such as { \"ttl\" = [\"1h\"] }" };
    let Value::Object(entries) = value else { return Err(form) };
    let mut out = Parameters::new();
    for (name, values) in entries {
        let Value::Array(values) = values else { return Err(form) };
        let name = parameter_key(&name, true)?;
        if out.contains_key(&name) {
            return Err(RuleProblem::Twice(name.into()));
        }
        out.insert(name, values);
    }
    Ok(out)
}

fn parameter_key(name: &str, star_allowed: bool) -> Result<Box<str>, RuleProblem> {
    let plain = !name.is_empty() && !name.starts_with('/') && !name.contains('*');
    if plain || (star_allowed && name == "*") {
        Ok(name.to_lowercase().into())
    } else {
        Err(RuleProblem::ParameterKey(name.to_owned()))
    }
}

fn wrapping_ttl(key: String, value: &Value) -> Result<Option<Duration>, RuleProblem> {
    // A bound of zero is none, as in Vault.
    match wrapping::ttl(value) {
        Some(ttl) => Ok((!ttl.is_zero()).then_some(ttl)),
        None => Err(RuleProblem::Form { key, form: "seconds or a duration such as \"5m\"" }),
    }
}

/// Longest path of a rule, in bytes. Also bounds how deep a decision walks.
pub const RULE_PATH_BYTES_MAX: usize = 1024;
