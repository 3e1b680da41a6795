//! `sys/plugins/catalog`: what is built in, and rotators that are programs of their own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::VERSION;
use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::service::plugin::Registration;

pub(in crate::http::routes) async fn all(context: Context) -> Result<Answer, ApiError> {
    let rotators = names(&context, ROTATOR)?;
    let mut detailed = Vec::new();
    for (kind, names) in BUILT_IN {
        detailed.extend(names.iter().map(|name| detail(kind, name, true)));
    }
    let own = context.app.plugins.built_in();
    detailed.extend(rotators.iter().map(|name| detail(ROTATOR, name, own.contains(&name.as_str()))));
    let mut data = json!({ "rotator": rotators, "detailed": detailed });
    if let Some(data) = data.as_object_mut() {
        data.extend(BUILT_IN.iter().map(|(kind, names)| ((*kind).to_owned(), json!(names))));
    }
    Ok(Answer::data(data))
}

fn detail(kind: &str, name: &str, builtin: bool) -> Value {
    json!({ "type": kind, "name": name, "builtin": builtin, "version": if builtin { VERSION } else { "" } })
}

pub(in crate::http::routes) async fn list(context: Context) -> Result<Answer, ApiError> {
    let kind = context.request.part("type")?;
    Answer::keys(names(&context, kind)?)
}

fn names(context: &Context, kind: &str) -> Result<Vec<String>, ApiError> {
    if kind == ROTATOR {
        let mut names: Vec<String> = context.app.plugins.built_in().into_iter().map(str::to_owned).collect();
        names.extend(context.app.plugins.list()?);
        names.sort();
        names.dedup();
        return Ok(names);
    }
    let names = built_in(kind)?.iter().map(|name| (*name).to_owned());
    Ok(names.collect())
}

fn built_in(kind: &str) -> Result<&'static [&'static str], ApiError> {
    let found = BUILT_IN.iter().find(|(name, _)| *name == kind);
    found.map(|(_, names)| *names).ok_or_else(|| {
        ApiError::invalid(format!(
            "{kind:?} is not a supported plugin type: auth, database, rotator or secret"
        ))
    })
}

pub(in crate::http::routes) async fn read(context: Context) -> Result<Answer, ApiError> {
    let (kind, name) = (context.request.part("type")?, context.request.part("name")?);
    if kind == ROTATOR
        && let Some(plugin) = context.app.plugins.read(&context.request.name("name")?)?
    {
        return Ok(Answer::data(shown(&plugin)));
    }
    let is_built_in = match kind {
        ROTATOR => context.app.plugins.built_in().contains(&name),
        kind => built_in(kind)?.contains(&name),
    };
    if !is_built_in {
        return Err(ApiError::NotFound);
    }
    let data = json!({
        "name": name, "command": "", "args": [], "sha256": "", "builtin": true, "version": VERSION, "rotator": null,
    });
    Ok(Answer::data(data))
}

/// Without its environment, as Vault does.
fn shown(plugin: &Registration) -> Value {
    let described = plugin.described.as_ref();
    json!({
        "name": plugin.name,
        "command": plugin.command,
        "args": plugin.args,
        "sha256": plugin.sha256,
        "builtin": false,
        "version": described.map_or("", |plugin| plugin.version.as_str()),
        "rotator": described,
    })
}

pub(in crate::http::routes) async fn register(context: Context) -> Result<Answer, ApiError> {
    rotators_only(&context)?;
    let name = context.request.name("name")?;
    let fields = context.fields();
    // Vault pins versions of one name side by side; here the digest says which file it is.
    fields.ignore(&["version"]);
    let (sha256, as_once) = (fields.text("sha256")?, fields.text("sha_256")?);
    let sha256 = sha256.or(as_once).filter(|text| !text.is_empty());
    let registration = Registration {
        name: name.to_string(),
        command: fields.text("command")?.filter(|text| !text.is_empty()).unwrap_or_else(|| name.to_string()),
        sha256: sha256.ok_or_else(|| ApiError::invalid("missing SHA-256 value"))?.to_ascii_lowercase(),
        args: fields.list("args")?.unwrap_or_default(),
        env: environment(fields.list("env")?.unwrap_or_default())?,
        described: None,
    };
    context.app.plugins.register(registration).await?;
    Ok(Answer::nothing())
}

fn environment(lines: Vec<String>) -> Result<BTreeMap<String, String>, ApiError> {
    let parse = |line: String| {
        let (name, value) = line.split_once('=').ok_or_else(|| ApiError::invalid("env: write NAME=VALUE"))?;
        Ok((name.to_owned(), value.to_owned()))
    };
    lines.into_iter().map(parse).collect()
}

pub(in crate::http::routes) async fn deregister(context: Context) -> Result<Answer, ApiError> {
    rotators_only(&context)?;
    context.app.plugins.deregister(&context.request.name("name")?).await?;
    Ok(Answer::nothing())
}

fn rotators_only(context: &Context) -> Result<(), ApiError> {
    match context.request.part("type")? {
        ROTATOR => Ok(()),
        kind => {
            built_in(kind)?;
            Err(ApiError::invalid(format!("{kind} plugins are built in: only rotators are registered")))
        }
    }
}

const ROTATOR: &str = "rotator";
/// What mounts and database configs name.
const BUILT_IN: [(&str, &[&str]); 3] = [
    ("auth", &["approle", "userpass"]),
    (
        "database",
        &[
            "mysql-aurora-database-plugin",
            "mysql-database-plugin",
            "mysql-legacy-database-plugin",
            "mysql-rds-database-plugin",
            "postgresql-database-plugin",
        ],
    ),
    ("secret", &["database", "kv", "ldap"]),
];
