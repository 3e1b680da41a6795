//! From a path to its line: through the mount table to the table of its engine.

use std::sync::Arc;

use serde_json::{Value, json};
use vault_core::mount::{Kind, Mount};

use super::error::ApiError;
use super::openapi::about;
use super::route::{Found, Operation, Table};
use super::routes;
use crate::service::mount::MountService;

/// The tables of all engines.
pub(super) struct Router {
    built_in: Table,
    kv_v1: Table,
    kv_v2: Table,
    database: Table,
    approle: Table,
    userpass: Table,
    ldap: Table,
}

impl Router {
    pub(super) fn new() -> Self {
        Self {
            built_in: Table::new(routes::all()).described(&about::built_in()),
            kv_v1: Table::new(routes::kv::v1()).described(about::KV_V1),
            kv_v2: Table::new(routes::kv::v2()).described(about::KV_V2),
            database: Table::new(routes::database::all()).described(about::DATABASE),
            approle: Table::new(routes::approle::all()).described(about::APPROLE),
            userpass: Table::new(routes::userpass::all()).described(about::USERPASS),
            ldap: Table::new(routes::library::all()).described(about::LIBRARY),
        }
    }

    /// The line that serves `path`, and the mount that it belongs to unless it is built in.
    pub(super) fn find(
        &self,
        mounts: &MountService,
        operation: Operation,
        path: &str,
    ) -> (Found<'_>, Option<Arc<Mount>>) {
        let Some((mount, rest)) = mounts.find(path) else {
            return (self.built_in.find(operation, path), None);
        };
        let Some(table) = self.table(&mount) else { return (self.built_in.find(operation, path), None) };
        let found = match table.find(operation, rest) {
            Found::NoMount => Found::NoPath,
            found => found,
        };
        (found, Some(mount))
    }

    /// What can be done at `path`, and below it, as a text for people.
    ///
    /// # Errors
    /// [`ApiError::UnsupportedPath`] or [`ApiError::NoRoute`].
    pub(super) fn help(&self, mounts: &MountService, path: &str) -> Result<Value, ApiError> {
        let found = mounts.find(path);
        let engine = found.as_ref().and_then(|(mount, rest)| Some((self.table(mount)?, mount, *rest)));
        let (table, rest, about) = match engine {
            Some((table, mount, rest)) => (table, rest, format!("{} (engine {})", path, mount.kind.as_str())),
            None => (&self.built_in, path, path.to_owned()),
        };
        let lines: Vec<String> = table
            .about(rest)
            .into_iter()
            .map(|(pattern, operations)| format!("    {pattern}\n        {}\n", operations.join(", ")))
            .collect();
        match (lines.is_empty(), found.is_some()) {
            (false, _) => Ok(json!({
                "help": format!("## {about}\n\nWhat can be done here and below:\n\n{}", lines.concat()),
                "see_also": null,
                "openapi": null,
            })),
            (true, true) => Err(ApiError::UnsupportedPath),
            (true, false) => Err(ApiError::NoRoute(path.to_owned())),
        }
    }

    /// Every table; whoever adds one cannot forget it here.
    #[cfg(test)]
    pub(super) fn tables(&self) -> [(&'static str, &Table); 7] {
        let Self { built_in, kv_v1, kv_v2, database, approle, userpass, ldap } = self;
        [
            ("built in", built_in),
            ("kv v1", kv_v1),
            ("kv v2", kv_v2),
            ("database", database),
            ("approle", approle),
            ("userpass", userpass),
            ("ldap", ldap),
        ]
    }

    /// The lines of what is built in.
    pub(super) fn built_in(&self) -> &Table {
        &self.built_in
    }

    /// The lines of the engine of a mount; `None` for what is built in.
    pub(super) fn table(&self, mount: &Mount) -> Option<&Table> {
        match mount.kind {
            Kind::Kv if mount.kv_version() == 2 => Some(&self.kv_v2),
            Kind::Kv => Some(&self.kv_v1),
            Kind::Database => Some(&self.database),
            Kind::Approle => Some(&self.approle),
            Kind::Userpass => Some(&self.userpass),
            Kind::Ldap => Some(&self.ldap),
            _ => None,
        }
    }
}
