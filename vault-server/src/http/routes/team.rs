//! Whose something is, and who may be told of it: for lists and reports.

use vault_core::account::Subject;
use vault_core::policy::Capability;
use vault_core::team::Whose;

use crate::http::context::Context;
use crate::http::error::ApiError;

/// Whose are looked for, of accounts and of incidents.
pub(super) fn whose(context: &Context) -> Result<Whose, ApiError> {
    let text = context.fields().text("team")?.unwrap_or_default();
    Whose::parse(&text).map_err(|error| ApiError::invalid(format!("'team': {error}")))
}

/// Whether the caller may read how an account, or the management credential of a target, stands.
pub(super) fn may_read(context: &Context) -> Result<impl Fn(&Subject) -> bool + Send + 'static, ApiError> {
    let acl = context.app.policies.acl(context.caller.token.policies())?;
    Ok(move |subject: &Subject| {
        let path = match subject {
            Subject::Account(path) => format!("accounts/status/{path}"),
            Subject::Management(target) => format!("targets/status/{target}"),
        };
        let may = acl.capabilities(&path);
        may.iter().any(|may| matches!(may, Capability::Root | Capability::Read))
    })
}
