//! `sys/locked-users`: who may not log in for a while, after too many failures.

use std::collections::BTreeMap;

use serde_json::json;
use vault_core::identity::lockout::Alias;
use vault_core::mount::Class;

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;

pub(in crate::http::routes) async fn list(context: Context) -> Result<Answer, ApiError> {
    let wanted = context.fields().text("mount_accessor")?.filter(|accessor| !accessor.is_empty());
    let table = context.app.mounts.table();
    let mut by_mount: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for alias in context.app.logins.locked(context.now()) {
        let mount = table.of(Class::Auth).find(|mount| mount.id == alias.mount);
        let accessor = mount.map(|mount| mount.accessor.as_str());
        let accessor = accessor.filter(|it| wanted.as_deref().is_none_or(|wanted| wanted == *it));
        accessor.into_iter().for_each(|it| by_mount.entry(it).or_default().push(alias.name.clone()));
    }
    let total: usize = by_mount.values().map(Vec::len).sum();
    let mounts: Vec<_> = by_mount
        .iter()
        .map(|(accessor, names)| {
            json!({ "mount_accessor": accessor, "counts": names.len(), "alias_identifiers": names })
        })
        .collect();
    let root = json!({
        "namespace_id": "root", "namespace_path": "", "counts": total, "mount_accessors": mounts,
    });
    let namespaces = if total == 0 { Vec::new() } else { vec![root] };
    Ok(Answer::data(json!({ "by_namespace": namespaces, "total": total })))
}

/// Unlocking who is not locked is done already.
pub(in crate::http::routes) async fn unlock(context: Context) -> Result<Answer, ApiError> {
    let request = &context.request;
    let (accessor, name) = (request.part("accessor")?, request.part("name")?);
    let table = context.app.mounts.table();
    let mount = table.of(Class::Auth).find(|mount| mount.accessor == accessor);
    let mount =
        mount.ok_or_else(|| ApiError::invalid(format!("no auth mount has the accessor {accessor:?}")))?;
    context.app.logins.forget(&Alias { mount: mount.id, name: name.to_lowercase() });
    context.app.logins.forget(&Alias { mount: mount.id, name: name.to_owned() });
    Ok(Answer::nothing())
}
