//! The `token_…` settings of roles and users: read from a request, and shown.

use std::time::Duration;

use serde_json::{Map, Value, json};
use vault_core::identity::cidr::CidrBlock;
use vault_core::identity::{TokenKind, TokenParameters};

use crate::http::error::ApiError;
use crate::http::fields::Fields;

/// The parameters of a request, or only some of them. Everything is `None` where nothing was given.
pub(super) struct Given<'a> {
    fields: &'a Fields,
    /// All, when empty.
    only: &'a [&'a str],
}

impl<'a> Given<'a> {
    /// Everything that was given.
    pub(super) fn all(fields: &'a Fields) -> Self {
        Self { fields, only: &[] }
    }

    /// Only these.
    pub(super) fn only(fields: &'a Fields, only: &'a [&'a str]) -> Self {
        Self { fields, only }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        (self.only.is_empty() || self.only.contains(&name)) && self.fields.value(name).is_some()
    }

    /// A span; zero is `Some(None)`.
    pub(super) fn span(&self, name: &str) -> Result<Option<Option<Duration>>, ApiError> {
        if self.has(name) { self.fields.duration(name).map(Some) } else { Ok(None) }
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        if self.has(name) { self.fields.flag(name) } else { Ok(None) }
    }

    pub(super) fn count(&self, name: &str) -> Result<Option<u32>, ApiError> {
        if !self.has(name) {
            return Ok(None);
        }
        let count = self.fields.count(name)?.unwrap_or(0);
        u32::try_from(count).map(Some).map_err(|_| ApiError::invalid(format!("'{name}' is too large")))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, ApiError> {
        if self.has(name) { self.fields.text(name) } else { Ok(None) }
    }

    pub(super) fn list(&self, name: &str) -> Result<Option<Vec<String>>, ApiError> {
        if self.has(name) { self.fields.comma_list(name) } else { Ok(None) }
    }

    pub(super) fn blocks(&self, name: &str) -> Result<Option<Vec<CidrBlock>>, ApiError> {
        let Some(texts) = self.list(name)? else { return Ok(None) };
        let blocks = CidrBlock::parse_all(&texts);
        blocks.map(Some).map_err(|error| ApiError::invalid(format!("'{name}': {error}")))
    }

    /// Policies by an old name: brought into one form, as Vault does only there.
    pub(super) fn old_policies(&self, name: &str) -> Result<Option<Vec<String>>, ApiError> {
        let Some(names) = self.list(name)? else { return Ok(None) };
        let mut names: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
        names.sort();
        names.dedup();
        Ok(Some(names))
    }
}

/// Settings of which nothing was said.
pub(super) fn fresh() -> TokenParameters {
    TokenParameters::default()
}

/// Puts what was given in the place of what was; warnings, too.
pub(super) fn apply(
    given: &Given<'_>,
    parameters: &mut TokenParameters,
    warnings: &mut Vec<String>,
) -> Result<(), ApiError> {
    given.span("token_ttl")?.into_iter().for_each(|ttl| parameters.ttl = ttl);
    given.span("token_max_ttl")?.into_iter().for_each(|max| parameters.max_ttl = max);
    given.span("token_explicit_max_ttl")?.into_iter().for_each(|max| parameters.explicit_max_ttl = max);
    given.span("token_period")?.into_iter().for_each(|period| parameters.period = period);
    given.list("token_policies")?.into_iter().for_each(|policies| parameters.policies = policies);
    given.blocks("token_bound_cidrs")?.into_iter().for_each(|blocks| parameters.bound_cidrs = blocks);
    given.flag("token_no_default_policy")?.into_iter().for_each(|not| parameters.no_default_policy = not);
    given.count("token_num_uses")?.into_iter().for_each(|uses| parameters.num_uses = uses);
    if let Some(word) = given.text("token_type")? {
        parameters.kind = kind(&word, warnings)?;
    }
    Ok(())
}

fn kind(word: &str, warnings: &mut Vec<String>) -> Result<Option<TokenKind>, ApiError> {
    let (kind, adjusted) = match word {
        "" | "default" => (None, None),
        "service" => (Some(TokenKind::Service), None),
        "batch" => (Some(TokenKind::Batch), None),
        "default-service" => (Some(TokenKind::Service), Some("service")),
        "default-batch" => (Some(TokenKind::Batch), Some("batch")),
        other => return Err(ApiError::invalid(format!("invalid 'token_type' value {other:?}"))),
    };
    if let Some(adjusted) = adjusted {
        warnings.push(format!("{word} has no useful meaning; adjusting to {adjusted}"));
    }
    Ok(kind)
}

/// The settings as Vault shows them.
pub(super) fn show(parameters: &TokenParameters) -> Map<String, Value> {
    let secs = |span: Option<Duration>| json!(span.map_or(0, |span| span.as_secs()));
    let blocks: Vec<String> = parameters.bound_cidrs.iter().map(CidrBlock::to_string).collect();
    let shown = [
        ("token_bound_cidrs", json!(blocks)),
        ("token_explicit_max_ttl", secs(parameters.explicit_max_ttl)),
        ("token_max_ttl", secs(parameters.max_ttl)),
        ("token_no_default_policy", json!(parameters.no_default_policy)),
        ("token_num_uses", json!(parameters.num_uses)),
        ("token_period", secs(parameters.period)),
        ("token_policies", json!(parameters.policies)),
        ("token_ttl", secs(parameters.ttl)),
        ("token_type", json!(parameters.kind.map_or("default", TokenKind::as_str))),
    ];
    shown.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
