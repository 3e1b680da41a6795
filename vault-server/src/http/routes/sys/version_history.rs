//! `sys/version-history`: which versions of the program have served this vault.

use serde_json::{Map, json};
use vault_core::clock::Timestamp;

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;

/// `build_date` is Vault's name of what OpenBao calls `commit_date`; their command lines print what they know.
pub(in crate::http::routes) async fn list(context: Context) -> Result<Answer, ApiError> {
    let installations = context.app.settings.installations()?;
    let versions: Vec<_> = installations.iter().map(|it| it.version.clone()).collect();
    if versions.is_empty() {
        return Err(ApiError::NotFound);
    }
    let about = installations.iter().map(|it| {
        let built = it.built.map(Timestamp::to_rfc3339).unwrap_or_default();
        let told = json!({
            "timestamp_installed": it.installed.to_rfc3339(),
            "build_date": built,
            "commit_date": built,
            "previous_version": it.previous,
        });
        (it.version.clone(), told)
    });
    Ok(Answer::data(json!({ "key_info": about.collect::<Map<_, _>>(), "keys": versions })))
}
