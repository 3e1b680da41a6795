//! `sys/remount`: moves a mount. It is done before the answer, so its status is a success at once.

use serde_json::json;
use vault_core::id::MigrationId;
use vault_core::mount::{Class, MountPath};

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::service::mount::MountError;

pub(in crate::http::routes) async fn start(context: Context) -> Result<Answer, ApiError> {
    let fields = context.fields();
    let (from, to) = (fields.required_text("from")?, fields.required_text("to")?);
    let (from_class, from) = named(&from)?;
    let (to_class, to) = named(&to)?;
    if from_class != to_class {
        return Err(MountError::OtherClass.into());
    }
    let migration = context.app.mounts.remount(&from, to, context.now()).await?;
    Ok(Answer::data(json!({ "migration_id": migration.id.to_string() })).copied_to_top())
}

pub(in crate::http::routes) async fn status(context: Context) -> Result<Answer, ApiError> {
    let id = MigrationId::parse(context.request.part("id")?).ok_or(ApiError::NotFound)?;
    let migration = context.app.mounts.migration(id).ok_or(ApiError::NotFound)?;
    let info = json!({
        "source_mount": migration.from.to_string(),
        "target_mount": migration.to.to_string(),
        "status": "success",
    });
    Ok(Answer::data(json!({ "migration_id": id.to_string(), "migration_info": info })))
}

/// A way in is named with `auth/` before it.
fn named(text: &str) -> Result<(Class, MountPath), ApiError> {
    let trimmed = text.trim_start_matches('/');
    let (class, rest) = match trimmed.strip_prefix("auth/") {
        Some(rest) => (Class::Auth, rest),
        None => (Class::Secret, trimmed),
    };
    Ok((class, MountPath::parse(class, rest)?))
}
