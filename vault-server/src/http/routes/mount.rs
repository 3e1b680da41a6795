//! `sys/mounts`, `sys/auth`, `sys/remount` and what command lines ask about mounts.

pub(super) mod auth;
pub(super) mod remount;
pub(super) mod secret;
pub(super) mod visible;

mod described;
mod settings;

use serde_json::{Map, Value};
use vault_core::mount::{Class, Mount, MountPath};

use self::described::described;
use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::service::mount::{MountError, NewMount, Teardown};

/// All mounts of a class, by path.
fn list(context: &Context, class: Class) -> Answer {
    let table = context.app.mounts.table();
    let mounts: Map<String, Value> =
        table.of(class).map(|mount| (mount.path.listed(), described(mount))).collect();
    Answer::data(Value::Object(mounts)).copied_to_top()
}

/// One mount, or its settings when the path ends in `/tune`.
fn read(context: &Context, class: Class) -> Result<Answer, ApiError> {
    let text = context.request.part("path")?;
    if let Some((class, text)) = tuned(class, text) {
        let mount = context.app.mounts.named(class, text)?;
        return Ok(Answer::data(settings::effective(&context.app, &mount)).copied_to_top());
    }
    let mount = context.app.mounts.named(class, text).map_err(|_| missing(class, text))?;
    Ok(Answer::data(described(&mount)).copied_to_top())
}

/// Mounts an engine, or tunes it when the path ends in `/tune`.
async fn write(context: Context, class: Class) -> Result<Answer, ApiError> {
    let text = context.request.part("path")?;
    if let Some((class, text)) = tuned(class, text) {
        let change = settings::change(context.fields())?;
        let longest = context.app.config.max_ttl;
        context.app.mounts.tune(&MountPath::parse(class, text)?, change, longest).await?;
        return Ok(Answer::nothing());
    }
    let new = asked(&context, class, text)?;
    context.app.mounts.enable(new, context.app.config.max_ttl, context.now()).await?;
    Ok(Answer::nothing())
}

/// What a path that ends in `/tune` is about. Command lines name a way in as `sys/mounts/auth/NAME/tune`, too.
fn tuned(class: Class, text: &str) -> Option<(Class, &str)> {
    let text = text.strip_suffix("/tune")?;
    Some(
        text.strip_prefix("auth/")
            .filter(|_| class == Class::Secret)
            .map_or((class, text), |name| (Class::Auth, name)),
    )
}

/// Disables a mount; one that is not there is no error.
async fn disable(context: Context, class: Class) -> Result<Answer, ApiError> {
    let path = MountPath::parse(class, context.request.part("path")?)?;
    if context.app.mounts.table().at(&path).is_some() {
        match Teardown::new(&context.app).disable(&path).await {
            Ok(()) => {}
            // It is gone for everybody; what is left are leases, visibly.
            Err(error @ MountError::LeasesLeft(_)) => return Ok(Answer::nothing().warn(error.to_string())),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Answer::nothing())
}

fn asked(context: &Context, class: Class, text: &str) -> Result<NewMount, ApiError> {
    let fields = context.fields();
    let path = MountPath::parse(class, text)?;
    let (kind, version) = settings::kind(fields, class)?;
    let mut options = fields.text_map("options")?.unwrap_or_default();
    if let Some(version) = version {
        options.insert("version".to_owned(), version.to_owned());
    }
    // Known to Vault, and without meaning here: nothing is replicated, no plugin runs outside.
    fields.ignore(&["plugin_name", "plugin_version", "external_entropy_access", "path"]);
    Ok(NewMount {
        path,
        kind,
        description: fields.bounded_text("description", DESCRIPTION_BYTES_MAX)?.unwrap_or_default(),
        options,
        tuning: settings::tuning(fields)?,
        local: fields.flag("local")?.unwrap_or(false),
        seal_wrap: fields.flag("seal_wrap")?.unwrap_or(false),
    })
}

/// As Vault tells that nothing is there.
fn missing(class: Class, text: &str) -> ApiError {
    let what = if class == Class::Auth { "auth engine" } else { "secret engine mount" };
    ApiError::invalid(format!("No {what} at {}/", text.trim_matches('/')))
}

/// Whether what is at `mount` may be listed by somebody whose policies give anything at or below it.
fn is_within_reach(acl: &vault_core::policy::Acl, mount: &Mount) -> bool {
    acl.reaches(&mount.path.to_string())
}

/// Longest description of a mount.
pub(super) const DESCRIPTION_BYTES_MAX: usize = 16 * 1024;
