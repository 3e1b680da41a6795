//! Makes tokens: the first one of a vault, and children.
//!
//! The rules are Vault's. No child has a right its parent lacks, unless the parent is root or has `sudo` on
//! the path that makes tokens; `root` comes from root alone.

mod merged;

use std::collections::BTreeMap;
use std::time::Duration;

use super::accessor::Accessor;
use super::digest::TokenDigest;
use super::lifetime::{Limits, Terms};
use super::plain::PlainToken;
use super::policy_set;
use super::role::{RoleKind, TokenRole};
use super::token::{Token, TokenError, TokenKind, TokenState};
use crate::clock::Timestamp;
use crate::entropy::Entropy;
use crate::policy::ROOT_POLICY_NAME;
use crate::secret::SecretString;

/// What the asker wants. [`Default`] is an empty request.
#[derive(Debug)]
pub struct CreateToken {
    /// A text of the asker's choice instead of a drawn one; root only.
    pub id: Option<SecretString>,
    /// Names of policies; with none, the parent's.
    pub policies: Vec<String>,
    /// Notes about the token, shown in lookups and audit entries.
    pub meta: BTreeMap<String, String>,
    /// The first life; `None` or zero for the default.
    pub ttl: Option<Duration>,
    /// A bound on the whole life, which no renewal passes; `None` or zero for none.
    pub explicit_max_ttl: Option<Duration>,
    /// Makes a token that renews to this for ever; root or sudo only. `None` or zero for none.
    pub period: Option<Duration>,
    /// How many requests it is good for; zero for no limit.
    pub num_uses: u32,
    /// Whether it outlives its parent; root or sudo only on [`Route::Create`].
    pub no_parent: bool,
    /// Whether `default` stays out of its policies.
    pub no_default_policy: bool,
    /// A name for people; shown as `token-NAME`.
    pub display_name: String,
    /// Whether it can be renewed; true unless the asker says otherwise.
    pub renewable: bool,
    /// How it is to be kept; `None` for service, or what the role says.
    pub kind: Option<TokenKind>,
    /// The role that was named; what it says goes before the rules for parents and children.
    pub role: Option<TokenRole>,
    /// Which path was asked.
    pub route: Route,
}

impl Default for CreateToken {
    fn default() -> Self {
        Self {
            id: None,
            policies: Vec::new(),
            meta: BTreeMap::new(),
            ttl: None,
            explicit_max_ttl: None,
            period: None,
            num_uses: 0,
            no_parent: false,
            no_default_policy: false,
            display_name: String::new(),
            renewable: true,
            kind: None,
            role: None,
            route: Route::Create,
        }
    }
}

/// The path that makes the token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Route {
    /// `auth/token/create`.
    #[default]
    Create,
    /// `auth/token/create-orphan`: always without parent; the right to that path is the permission.
    CreateOrphan,
}

impl Route {
    /// The path, as tokens remember it.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Create => "auth/token/create",
            Self::CreateOrphan => "auth/token/create-orphan",
        }
    }
}

/// Who asks for a token.
#[derive(Clone, Copy, Debug)]
pub struct Parent<'a> {
    /// The digest of the asker's token.
    pub digest: TokenDigest,
    /// The record of the asker's token.
    pub token: &'a Token,
    /// Whether the asker has `sudo` on the path, see [`crate::policy::Authorized::has_sudo`].
    pub sudo: bool,
}

impl Parent<'_> {
    fn is_privileged(&self) -> bool {
        self.sudo || self.token.is_root()
    }
}

/// A new token. The record is to be committed before the text is shown.
#[derive(Debug)]
pub struct Created {
    /// The text, to be shown once.
    pub plain: PlainToken,
    /// The record.
    pub token: Token,
    /// What was granted differently from what was asked.
    pub warnings: Vec<String>,
}

/// Makes a child token.
///
/// # Errors
/// [`TokenError`] by the rule that was broken; all of them are the asker's to mend.
pub fn create(
    request: CreateToken,
    parent: Parent<'_>,
    limits: Limits,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<Created, TokenError> {
    check_parent(&parent, now)?;
    check_sizes(&request)?;
    let kind = request.role.as_ref().map_or(RoleKind::DefaultService, |role| role.kind).of(request.kind);
    let plain = match &request.id {
        Some(id) => chosen_text(id, &parent)?,
        None => PlainToken::generate(entropy),
    };
    let policies = policies(&request, &parent)?;
    if kind == TokenKind::Batch {
        check_batch(&request, &policies)?;
    }
    let orphan = merged::is_orphan(&request, &parent)?;
    if request.period.is_some_and(|period| !period.is_zero()) && !parent.is_privileged() {
        return Err(TokenError::PeriodNeedsSudo);
    }
    let mut warnings = Vec::new();
    let (period, explicit_max) = merged::bounds(&request, kind, &mut warnings);
    let asked = request.ttl.filter(|ttl| !ttl.is_zero());
    let terms = Terms { period, explicit_max, limits, created_at: now };
    let (life, about_life) = first_life(&terms, asked, &policies, now)?;
    warnings.extend(about_life);
    if life.is_none() && parent.token.expires_at.is_some() {
        return Err(TokenError::ExpiringRoot);
    }
    let role_renews = request.role.as_ref().is_none_or(|role| role.renewable);
    let token = Token {
        accessor: Accessor::generate(entropy),
        policies,
        display_name: display_name(&request.display_name),
        path: merged::path(&request),
        created_at: now,
        ttl: life.unwrap_or_default(),
        explicit_max_ttl: explicit_max,
        period,
        expires_at: life.map(|ttl| now.plus(ttl)),
        last_renewal: None,
        num_uses: merged::uses(&request),
        // A token without end has nothing to renew.
        renewable: request.renewable && role_renews && life.is_some() && kind == TokenKind::Service,
        parent: (!orphan).then_some(parent.digest),
        kind,
        entity_id: parent.token.entity_id.clone(),
        revoking: false,
        // A root token without end is not bound, lest nobody could use it any more.
        bound_cidrs: if life.is_some() { merged::bound_cidrs(&request, &parent, orphan) } else { Vec::new() },
        role: request.role.map(|role| role.name),
        origin: None,
        meta: request.meta,
    };
    Ok(Created { plain, token, warnings })
}

/// Makes the first token of a vault: the policy `root`, no parent, no end. `chosen` is for development
/// servers, where an operator wants a text to remember.
///
/// # Errors
/// [`TokenError::IdForm`] when the chosen text could not be sent in a header.
pub fn initial_root(
    chosen: Option<SecretString>,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<(PlainToken, Token), TokenError> {
    let plain = match chosen {
        Some(text) => PlainToken::chosen(text).ok_or(TokenError::IdForm)?,
        None => PlainToken::generate(entropy),
    };
    let token = Token {
        accessor: Accessor::generate(entropy),
        policies: vec![ROOT_POLICY_NAME.to_owned()],
        display_name: "root".to_owned(),
        meta: BTreeMap::new(),
        path: "auth/token/root".to_owned(),
        created_at: now,
        ttl: Duration::ZERO,
        explicit_max_ttl: None,
        period: None,
        expires_at: None,
        last_renewal: None,
        num_uses: 0,
        renewable: false,
        parent: None,
        kind: TokenKind::Service,
        entity_id: String::new(),
        revoking: false,
        bound_cidrs: Vec::new(),
        role: None,
        origin: None,
    };
    Ok((plain, token))
}

fn check_parent(parent: &Parent<'_>, now: Timestamp) -> Result<(), TokenError> {
    if parent.token.state(now) != TokenState::Live {
        return Err(TokenError::ParentNotLive);
    }
    if parent.token.kind == TokenKind::Batch {
        return Err(TokenError::ParentBatch);
    }
    // Otherwise one use could become many.
    if parent.token.num_uses > 0 {
        return Err(TokenError::ParentUseLimited);
    }
    Ok(())
}

fn check_sizes(request: &CreateToken) -> Result<(), TokenError> {
    let fits = |(key, value): (&String, &String)| key.len() + value.len() <= META_ENTRY_BYTES_MAX;
    if request.meta.len() > META_ENTRIES_MAX || !request.meta.iter().all(fits) {
        return Err(TokenError::MetaTooLarge);
    }
    if request.display_name.len() > DISPLAY_NAME_BYTES_MAX {
        return Err(TokenError::DisplayNameTooLong);
    }
    Ok(())
}

fn chosen_text(id: &SecretString, parent: &Parent<'_>) -> Result<PlainToken, TokenError> {
    if !parent.token.is_root() {
        return Err(TokenError::IdNeedsRoot);
    }
    let plain = PlainToken::chosen(id.duplicate()).ok_or(TokenError::IdForm)?;
    if plain.has_service_prefix() {
        return Err(TokenError::IdPrefix);
    }
    Ok(plain)
}

/// What a batch token cannot have: it is counted, renewed and revoked by nobody.
fn check_batch(request: &CreateToken, policies: &[String]) -> Result<(), TokenError> {
    let is_given = |span: Option<Duration>| span.is_some_and(|span| !span.is_zero());
    if is_given(request.explicit_max_ttl) {
        return Err(TokenError::BatchExplicitMax);
    }
    if merged::uses(request) > 0 {
        return Err(TokenError::BatchUses);
    }
    if is_given(request.period) {
        return Err(TokenError::BatchPeriod);
    }
    if request.id.is_some() {
        return Err(TokenError::BatchId);
    }
    if policy_set::contains_root(policies) { Err(TokenError::BatchRoot) } else { Ok(()) }
}

fn policies(request: &CreateToken, parent: &Parent<'_>) -> Result<Vec<String>, TokenError> {
    let role = request.role.as_ref();
    let no_default = request.no_default_policy || role.is_some_and(|role| role.no_default_policy);
    match role.filter(|role| role.names_policies()) {
        None => child_policies(&request.policies, no_default, parent),
        Some(role) => {
            let mut policies = role.policies_of(&request.policies, no_default, parent.token)?;
            if request.no_default_policy {
                policy_set::remove_default(&mut policies);
            }
            if policy_set::contains_root(&policies) && !parent.token.is_root() {
                return Err(TokenError::RootNeedsRoot);
            }
            Ok(policies)
        }
    }
}

fn child_policies(
    asked: &[String],
    no_default: bool,
    parent: &Parent<'_>,
) -> Result<Vec<String>, TokenError> {
    let held = parent.token.policies.as_slice();
    let asked = policy_set::sanitize(asked)?;
    let inherits = asked.is_empty();
    let mut policies = if inherits { held.to_vec() } else { asked };
    if !inherits && !parent.is_privileged() && !policies.iter().all(|name| held.contains(name)) {
        return Err(TokenError::NotSubset);
    }
    // An inheriting child has `default` if its parent has; so has a child of an ordinary parent.
    if !inherits && (parent.is_privileged() || policy_set::contains_default(held)) {
        policy_set::add_default(&mut policies);
    }
    if no_default {
        policy_set::remove_default(&mut policies);
    }
    if policy_set::contains_root(&policies) && !parent.token.is_root() {
        return Err(TokenError::RootNeedsRoot);
    }
    Ok(policies)
}

/// The first life; `None` for a root token that asks for no end.
fn first_life(
    terms: &Terms,
    asked: Option<Duration>,
    policies: &[String],
    now: Timestamp,
) -> Result<(Option<Duration>, Vec<String>), TokenError> {
    if policy_set::contains_root(policies) && asked.is_none() && terms.period.is_none() {
        return Ok((terms.explicit_max, Vec::new()));
    }
    let granted = terms.grant(asked, now)?;
    Ok((Some(granted.ttl), granted.warnings))
}

/// `token-NAME` with everything but letters, digits and dashes turned into dashes; `token` without a name.
fn display_name(asked: &str) -> String {
    if asked.is_empty() {
        return "token".to_owned();
    }
    let cleaned: String =
        asked.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).collect();
    let name = format!("token-{cleaned}");
    name.strip_suffix('-').unwrap_or(&name).to_owned()
}

const META_ENTRIES_MAX: usize = 64;
const META_ENTRY_BYTES_MAX: usize = 1024;
const DISPLAY_NAME_BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests;
