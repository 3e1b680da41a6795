//! Credentials of databases: targets and accounts by the words of Vault.

mod config;

use crate::http::route::{Route, delete, list, read, write};

/// Every line, relative to the mount.
#[must_use]
pub fn all() -> Vec<Route> {
    vec![
        list("config", config::list),
        read("config/<name>", config::read),
        // The address stays a digest: it may hold a password.
        write("config/<name>", config::write).creating(config::exists).readable(&[
            "plugin_name",
            "username",
            "allowed_roles",
        ]),
        delete("config/<name>", config::delete),
        write("rotate-root/<name>", config::rotate_root),
        write("reset/<name>", config::reset),
    ]
}
