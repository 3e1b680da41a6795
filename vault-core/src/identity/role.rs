//! Token roles: what the tokens are like that are made by `auth/token/create/ROLE`.
//!
//! A role that names policies gives them whether or not the asker has them: the right to its path is the
//! permission.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::cidr::CidrBlock;
use super::policy_set;
use super::token::{Token, TokenError, TokenKind};
use crate::policy::DEFAULT_POLICY_NAME;

/// A token role. Stored sealed under its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRole {
    /// Its name, which its tokens tell.
    pub name: String,
    /// Policies that its tokens may have; empty for any that the other lists leave.
    #[serde(default)]
    pub allowed_policies: Vec<String>,
    /// The same as patterns, in which `*` stands for any text.
    #[serde(default)]
    pub allowed_policies_glob: Vec<String>,
    /// Policies that its tokens never have.
    #[serde(default)]
    pub disallowed_policies: Vec<String>,
    /// The same as patterns.
    #[serde(default)]
    pub disallowed_policies_glob: Vec<String>,
    /// Whether its tokens have no parent.
    #[serde(default)]
    pub orphan: bool,
    /// Whether its tokens can be renewed.
    pub renewable: bool,
    /// What is added to the path of its tokens; empty for nothing.
    #[serde(default)]
    pub path_suffix: String,
    /// What its tokens renew to, without end.
    #[serde(default)]
    pub period: Option<Duration>,
    /// A bound on the whole life of its tokens.
    #[serde(default)]
    pub explicit_max_ttl: Option<Duration>,
    /// From where its tokens may be used; empty for anywhere.
    #[serde(default)]
    pub bound_cidrs: Vec<CidrBlock>,
    /// How many requests its tokens are good for; zero for no limit.
    #[serde(default)]
    pub num_uses: u32,
    /// Whether `default` stays out of the policies.
    #[serde(default)]
    pub no_default_policy: bool,
    /// How its tokens are kept.
    #[serde(default)]
    pub kind: RoleKind,
    /// Kept and shown.
    #[serde(default)]
    pub allowed_entity_aliases: Vec<String>,
    /// Which settings were given by their old names, by which they are then shown, too.
    #[serde(default)]
    pub old_names: RoleOldNames,
}

/// Which settings of a token role were given by the names that Vault had before `token_…`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleOldNames {
    /// `period`.
    #[serde(default)]
    pub period: bool,
    /// `explicit_max_ttl`.
    #[serde(default)]
    pub explicit_max_ttl: bool,
    /// `bound_cidrs`.
    #[serde(default)]
    pub bound_cidrs: bool,
}

/// How the tokens of a role are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoleKind {
    /// As the asker says, else service.
    #[default]
    DefaultService,
    /// As the asker says, else batch.
    DefaultBatch,
    /// Service whatever the asker says.
    Service,
    /// Batch whatever the asker says.
    Batch,
}

impl RoleKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::DefaultService, Self::DefaultBatch, Self::Service, Self::Batch];

    /// The word in requests and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DefaultService => "default-service",
            Self::DefaultBatch => "default-batch",
            Self::Service => "service",
            Self::Batch => "batch",
        }
    }

    pub(super) fn of(self, asked: Option<TokenKind>) -> TokenKind {
        match self {
            Self::Service => TokenKind::Service,
            Self::Batch => TokenKind::Batch,
            Self::DefaultService => asked.unwrap_or(TokenKind::Service),
            Self::DefaultBatch => asked.unwrap_or(TokenKind::Batch),
        }
    }
}

/// Why a role cannot be as it was asked. The texts are Vault's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRoleError {
    /// The name is empty, too long, or has a control character.
    #[error("role name must have 1 to {ROLE_NAME_BYTES_MAX} bytes, without control characters")]
    Name,
    /// The suffix has characters that paths of tokens cannot have.
    #[error("given role path suffix contains invalid characters; must match \\w[\\w-.]+\\w")]
    PathSuffix,
    /// Batch tokens that would end with their parent.
    #[error("'token_type' cannot be 'batch' when role is set to generate non-orphan tokens")]
    BatchWithParent,
    /// Batch tokens do not renew.
    #[error("'token_type' cannot be 'batch' when role is set to generate periodic tokens")]
    PeriodicBatch,
    /// Batch tokens do not renew.
    #[error("'token_type' cannot be 'batch' when role is set to generate renewable tokens")]
    RenewableBatch,
    /// Batch tokens live as long as they live.
    #[error("'token_type' cannot be 'batch' when role is set to generate tokens with an explicit max TTL")]
    BoundedBatch,
}

impl TokenRole {
    /// A role as it is before anything was said about it.
    #[must_use]
    pub fn new(name: String) -> Self {
        Self {
            name,
            allowed_policies: Vec::new(),
            allowed_policies_glob: Vec::new(),
            disallowed_policies: Vec::new(),
            disallowed_policies_glob: Vec::new(),
            orphan: false,
            renewable: true,
            path_suffix: String::new(),
            period: None,
            explicit_max_ttl: None,
            bound_cidrs: Vec::new(),
            num_uses: 0,
            no_default_policy: false,
            kind: RoleKind::default(),
            allowed_entity_aliases: Vec::new(),
            old_names: RoleOldNames::default(),
        }
    }

    /// Whether the role may be stored.
    ///
    /// # Errors
    /// [`TokenRoleError`] by cause.
    pub fn check(&self) -> Result<(), TokenRoleError> {
        let name = self.name.as_str();
        if !(1..=ROLE_NAME_BYTES_MAX).contains(&name.len()) || name.chars().any(char::is_control) {
            return Err(TokenRoleError::Name);
        }
        if !is_path_suffix(&self.path_suffix) {
            return Err(TokenRoleError::PathSuffix);
        }
        if self.kind != RoleKind::Batch {
            return Ok(());
        }
        if !self.orphan {
            return Err(TokenRoleError::BatchWithParent);
        }
        if self.period.is_some() {
            return Err(TokenRoleError::PeriodicBatch);
        }
        if self.renewable {
            return Err(TokenRoleError::RenewableBatch);
        }
        if self.explicit_max_ttl.is_some() {
            return Err(TokenRoleError::BoundedBatch);
        }
        Ok(())
    }

    /// Whether the role itself says which policies its tokens may have.
    pub(super) fn names_policies(&self) -> bool {
        let lists = [
            &self.allowed_policies,
            &self.allowed_policies_glob,
            &self.disallowed_policies,
            &self.disallowed_policies_glob,
        ];
        lists.iter().any(|list| !list.is_empty())
    }

    /// The policies of a new token, where the role names policies.
    pub(super) fn policies_of(
        &self,
        asked: &[String],
        no_default: bool,
        parent: &Token,
    ) -> Result<Vec<String>, TokenError> {
        let adds_default = !no_default && !self.no_default_policy && !self.disallows(DEFAULT_POLICY_NAME);
        let with_default = |names: &[String]| {
            let mut names = policy_set::sanitize(names)?;
            if adds_default {
                policy_set::add_default(&mut names);
            }
            Ok::<_, TokenError>(names)
        };
        let allowed = with_default(&self.allowed_policies)?;
        let is_bound = !self.allowed_policies.is_empty() || !self.allowed_policies_glob.is_empty();
        let policies = match (policy_set::sanitize(asked)?.is_empty(), is_bound) {
            (false, _) => with_default(asked)?,
            (true, true) => allowed.clone(),
            (true, false) => with_default(&parent.policies)?,
        };
        let may = |name: &String| allowed.contains(name) || matches_any(&self.allowed_policies_glob, name);
        if is_bound && !policies.iter().all(may) {
            return Err(TokenError::NotAllowedByRole);
        }
        if policies.iter().any(|name| self.disallows(name)) {
            return Err(TokenError::DisallowedByRole);
        }
        Ok(policies)
    }

    fn disallows(&self, name: &str) -> bool {
        self.disallowed_policies.iter().any(|other| other == name)
            || matches_any(&self.disallowed_policies_glob, name)
    }
}

/// The lesser of what the asker and the role say, and what to tell when both said something.
pub(super) fn lesser(
    what: &str,
    asked: Option<Duration>,
    of_role: Option<Duration>,
    warnings: &mut Vec<String>,
) -> Option<Duration> {
    let (Some(one), Some(other)) = (asked, of_role) else { return asked.or(of_role) };
    let lesser = one.min(other);
    warnings.push(format!(
        "{what} specified both during creation call and in role; using the lesser value of {} seconds",
        lesser.as_secs()
    ));
    Some(lesser)
}

fn matches_any(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, name))
}

/// Whether `name` is of the form of `pattern`, in which each `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(head) else { return false };
    let Some((middle, tail)) = rest.rsplit_once('*') else { return left.ends_with(rest) };
    for part in middle.split('*').filter(|part| !part.is_empty()) {
        match left.find(part).and_then(|at| left.get(at + part.len()..)) {
            Some(after) => left = after,
            None => return false,
        }
    }
    left.ends_with(tail)
}

/// Empty, or letters, digits, `_`, and between them `-` and `.`, but no two dots in a row.
fn is_path_suffix(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.is_empty()
        || (text.len() <= PATH_SUFFIX_BYTES_MAX
            && text.chars().all(|c| is_word(c) || matches!(c, '-' | '.'))
            && text.starts_with(is_word)
            && text.ends_with(is_word)
            && !text.contains(".."))
}

/// Longest name of a token role, in bytes.
pub const ROLE_NAME_BYTES_MAX: usize = 256;
const PATH_SUFFIX_BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::entropy::SeededEntropy;

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, want) in [
            ("dev-*", "dev-a", true),
            ("dev-*", "dev", false),
            ("*", "", true),
            ("*-ro", "app-ro", true),
            ("*-ro", "app-rw", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxcyyb", false),
            ("a*a", "a", false),
            ("a*b*b", "ab", false),
            ("plain", "plain", true),
            ("plain", "plainly", false),
        ] {
            assert_eq!(matches(pattern, name), want, "{pattern} {name}");
        }
    }

    #[test]
    fn a_role_gives_what_it_allows_and_nothing_that_it_disallows() {
        use TokenError::{DisallowedByRole, NotAllowedByRole};
        let parent = crate::identity::initial_root(None, Timestamp::EPOCH, &SeededEntropy::new(1)).unwrap().1;
        let role = |allowed: &[&str], allowed_glob: &[&str], not: &[&str], not_glob: &[&str]| TokenRole {
            allowed_policies: list(allowed),
            allowed_policies_glob: list(allowed_glob),
            disallowed_policies: list(not),
            disallowed_policies_glob: list(not_glob),
            ..TokenRole::new("r".to_owned())
        };
        for (role, asked, want) in [
            (role(&["a", "b"], &[], &[], &[]), &[][..], Ok(&["a", "b", "default"][..])),
            (role(&["a", "b"], &[], &[], &[]), &["b"], Ok(&["b", "default"])),
            (role(&["a", "b"], &[], &[], &[]), &["c"], Err(NotAllowedByRole)),
            (role(&["a"], &["dev-*"], &[], &[]), &["dev-x"], Ok(&["default", "dev-x"])),
            (role(&["a"], &["dev-*"], &["dev-x"], &[]), &["dev-x"], Err(DisallowedByRole)),
            (role(&[], &[], &["default"], &[]), &["x"], Ok(&["x"])),
            (role(&[], &[], &[], &["x*"]), &["xy"], Err(DisallowedByRole)),
            (role(&[], &[], &["root"], &[]), &[], Err(DisallowedByRole)),
        ] {
            let got = role.policies_of(&list(asked), false, &parent);
            assert_eq!(got, want.map(list), "{role:?} {asked:?}");
        }
    }

    #[test]
    fn what_a_role_cannot_be_is_refused() {
        let fresh = || TokenRole::new("r".to_owned());
        let batch = || TokenRole { kind: RoleKind::Batch, orphan: true, renewable: false, ..fresh() };
        let hour = Some(Duration::from_secs(3600));
        for (role, want) in [
            (fresh(), Ok(())),
            (batch(), Ok(())),
            (TokenRole { orphan: false, ..batch() }, Err(TokenRoleError::BatchWithParent)),
            (TokenRole { renewable: true, ..batch() }, Err(TokenRoleError::RenewableBatch)),
            (TokenRole { period: hour, ..batch() }, Err(TokenRoleError::PeriodicBatch)),
            (TokenRole { explicit_max_ttl: hour, ..batch() }, Err(TokenRoleError::BoundedBatch)),
            (TokenRole { path_suffix: "v1.2-a".to_owned(), ..fresh() }, Ok(())),
            (TokenRole { path_suffix: "a/b".to_owned(), ..fresh() }, Err(TokenRoleError::PathSuffix)),
            (TokenRole { path_suffix: "a..b".to_owned(), ..fresh() }, Err(TokenRoleError::PathSuffix)),
            (TokenRole::new(String::new()), Err(TokenRoleError::Name)),
        ] {
            assert_eq!(role.check(), want, "{role:?}");
        }
    }
}
