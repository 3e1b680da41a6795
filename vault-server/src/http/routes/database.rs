//! Credentials of databases: targets and accounts by the words of Vault.

mod config;
mod dynamic_role;
mod static_role;

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
        list("roles", dynamic_role::list),
        read("roles/<name>", dynamic_role::read),
        write("roles/<name>", dynamic_role::write).creating(dynamic_role::exists).readable(&["db_name"]),
        delete("roles/<name>", dynamic_role::delete),
        read("creds/<name>", dynamic_role::credential).readable(&["username", "reason"]).waiting(),
        list("static-roles", static_role::list),
        read("static-roles/<name>", static_role::read),
        write("static-roles/<name>", static_role::write).creating(static_role::exists).readable(&[
            "db_name",
            "username",
            "rotation_schedule",
        ]),
        delete("static-roles/<name>", static_role::delete),
        read("static-creds/<name>", static_role::credential).readable(&["username"]),
        write("rotate-role/<name>", static_role::rotate),
    ]
}
