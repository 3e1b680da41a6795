//! From a path to its line: through the mount table to the table of its engine.

use std::sync::Arc;

use vault_core::mount::{Kind, Mount};

use super::route::{Found, Operation, Table};
use super::routes;
use crate::service::mount::MountService;

/// The tables of all engines.
pub(super) struct Router {
    built_in: Table,
    kv_v1: Table,
    kv_v2: Table,
    approle: Table,
    userpass: Table,
}

impl Router {
    pub(super) fn new() -> Self {
        Self {
            built_in: Table::new(routes::all()),
            kv_v1: Table::new(routes::kv::v1()),
            kv_v2: Table::new(routes::kv::v2()),
            approle: Table::new(routes::approle::all()),
            userpass: Table::new(routes::userpass::all()),
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

    fn table(&self, mount: &Mount) -> Option<&Table> {
        match mount.kind {
            Kind::Kv if mount.kv_version() == 2 => Some(&self.kv_v2),
            Kind::Kv => Some(&self.kv_v1),
            Kind::Approle => Some(&self.approle),
            Kind::Userpass => Some(&self.userpass),
            _ => None,
        }
    }
}
