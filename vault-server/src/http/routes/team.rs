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

/// Whether the caller may read how an account, or the management credential of a target, stands: by its own path, or of
/// accounts by the list of all.
pub(super) fn may_read(context: &Context) -> Result<impl Fn(&Subject) -> bool + Send + 'static, ApiError> {
    let acl = context.app.policies.acl(context.caller.token.policies())?;
    let seen = std::sync::Arc::clone(&acl);
    let may = move |wanted: Capability, path: &str| {
        acl.capabilities(path).into_iter().any(|one| one == wanted || one == Capability::Root)
    };
    let all = may(Capability::List, "accounts/status/");
    Ok(move |subject: &Subject| match subject {
        Subject::Account(path) => {
            let path = format!("accounts/status/{path}");
            may(Capability::Read, &path) || all && !seen.forbids(&path)
        }
        Subject::Management(target) => may(Capability::Read, &format!("targets/status/{target}")),
    })
}
