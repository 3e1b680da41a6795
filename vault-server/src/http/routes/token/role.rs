//! `auth/token/roles/…`.

use std::time::Duration;

use serde_json::{Map, Value, json};
use vault_core::identity::cidr::CidrBlock;
use vault_core::identity::{RoleKind, TokenRole};

use crate::app::App;
use crate::http::answer::Answer;
use crate::http::context::{Context, Request};
use crate::http::error::ApiError;
use crate::http::routes::parameters::Given;

pub(in crate::http::routes) fn exists(app: &App, request: &Request) -> Result<bool, ApiError> {
    Ok(app.tokens.role(request.part("role")?)?.is_some())
}

pub(in crate::http::routes) async fn list(context: Context) -> Result<Answer, ApiError> {
    Answer::keys(context.app.tokens.roles()?)
}

pub(in crate::http::routes) async fn read(context: Context) -> Result<Answer, ApiError> {
    let role = context.app.tokens.role(context.request.part("role")?)?;
    Ok(Answer::data(Value::Object(show(&role.ok_or(ApiError::NotFound)?))))
}

pub(in crate::http::routes) async fn write(context: Context) -> Result<Answer, ApiError> {
    let name = context.request.part("role")?;
    let given = Given::all(context.fields());
    let decide = |there: Option<&TokenRole>| {
        let mut role = there.cloned().unwrap_or_else(|| TokenRole::new(name.to_owned()));
        apply(&given, &mut role)?;
        Ok::<_, ApiError>(role)
    };
    context.app.tokens.write_role(name, decide).await?;
    let both = |old: &str, new: &str| given.has(old) && given.has(new);
    let doubled = OLD_NAMES.iter().filter(|(old, new)| both(old, new));
    Ok(doubled.fold(Answer::nothing(), |answer, (old, new)| {
        answer.warn(format!(
            "Both '{new}' and deprecated '{old}' value supplied, ignoring the deprecated value"
        ))
    }))
}

pub(in crate::http::routes) async fn delete(context: Context) -> Result<Answer, ApiError> {
    context.app.tokens.remove_role(context.request.part("role")?).await?;
    Ok(Answer::nothing())
}

/// Puts what was given in the place of what was. A new name goes before an old one of the same setting.
fn apply(given: &Given<'_>, role: &mut TokenRole) -> Result<(), ApiError> {
    for (name, list) in [
        ("allowed_policies", &mut role.allowed_policies),
        ("allowed_policies_glob", &mut role.allowed_policies_glob),
        ("disallowed_policies", &mut role.disallowed_policies),
        ("disallowed_policies_glob", &mut role.disallowed_policies_glob),
        ("allowed_entity_aliases", &mut role.allowed_entity_aliases),
    ] {
        given.old_policies(name)?.into_iter().for_each(|names| *list = names);
    }
    given.flag("orphan")?.into_iter().for_each(|orphan| role.orphan = orphan);
    given.flag("renewable")?.into_iter().for_each(|renewable| role.renewable = renewable);
    given.text("path_suffix")?.into_iter().for_each(|suffix| role.path_suffix = suffix);
    given.count("token_num_uses")?.into_iter().for_each(|uses| role.num_uses = uses);
    given.flag("token_no_default_policy")?.into_iter().for_each(|not| role.no_default_policy = not);
    if let Some(word) = given.text("token_type")? {
        let kind = RoleKind::ALL.into_iter().find(|kind| kind.as_str() == word);
        role.kind = kind.ok_or_else(|| ApiError::invalid(format!("invalid 'token_type' value {word:?}")))?;
    }
    let old = &mut role.old_names;
    if let Some(period) = given.span("token_period")? {
        (role.period, old.period) = (period, false);
    } else if let Some(period) = given.span("period")? {
        (role.period, old.period) = (period, true);
    }
    if let Some(max) = given.span("token_explicit_max_ttl")? {
        (role.explicit_max_ttl, old.explicit_max_ttl) = (max, false);
    } else if let Some(max) = given.span("explicit_max_ttl")? {
        (role.explicit_max_ttl, old.explicit_max_ttl) = (max, true);
    }
    if let Some(blocks) = given.blocks("token_bound_cidrs")? {
        (role.bound_cidrs, old.bound_cidrs) = (blocks, false);
    } else if let Some(blocks) = given.blocks("bound_cidrs")? {
        (role.bound_cidrs, old.bound_cidrs) = (blocks, true);
    }
    Ok(())
}

/// The settings as Vault shows them.
fn show(role: &TokenRole) -> Map<String, Value> {
    let secs = |span: Option<Duration>| json!(span.map_or(0, |span| span.as_secs()));
    let (old, blocks) = (role.old_names, &role.bound_cidrs);
    let blocks: Vec<String> = blocks.iter().map(CidrBlock::to_string).collect();
    let of_old = |is_old: bool, span: Option<Duration>| secs(span.filter(|_| is_old));
    let shown = [
        ("allowed_entity_aliases", Some(names_or_null(&role.allowed_entity_aliases))),
        ("allowed_policies", Some(json!(role.allowed_policies))),
        ("allowed_policies_glob", Some(json!(role.allowed_policies_glob))),
        ("disallowed_policies", Some(json!(role.disallowed_policies))),
        ("disallowed_policies_glob", Some(json!(role.disallowed_policies_glob))),
        ("explicit_max_ttl", Some(of_old(old.explicit_max_ttl, role.explicit_max_ttl))),
        ("name", Some(json!(role.name))),
        ("orphan", Some(json!(role.orphan))),
        ("path_suffix", Some(json!(role.path_suffix))),
        ("period", Some(of_old(old.period, role.period))),
        ("renewable", Some(json!(role.renewable))),
        ("token_explicit_max_ttl", Some(secs(role.explicit_max_ttl))),
        ("token_no_default_policy", Some(json!(role.no_default_policy))),
        ("token_period", Some(secs(role.period))),
        ("token_type", Some(json!(role.kind.as_str()))),
        ("token_bound_cidrs", Some(json!(blocks)).filter(|_| !blocks.is_empty())),
        ("bound_cidrs", Some(json!(blocks)).filter(|_| old.bound_cidrs && !blocks.is_empty())),
        ("token_num_uses", Some(json!(role.num_uses)).filter(|_| role.num_uses > 0)),
    ];
    shown.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn names_or_null(names: &[String]) -> Value {
    if names.is_empty() { Value::Null } else { json!(names) }
}

const OLD_NAMES: [(&str, &str); 3] = [
    ("period", "token_period"),
    ("explicit_max_ttl", "token_explicit_max_ttl"),
    ("bound_cidrs", "token_bound_cidrs"),
];
