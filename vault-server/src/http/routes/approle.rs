//! Machines with a role id and a secret id.

mod field;
mod login;
mod role;
mod secret_id;
mod tidy;

use crate::http::route::{Operation, Route, delete, list, read, write};

/// Every line, relative to the mount.
#[must_use]
pub fn all() -> Vec<Route> {
    vec![
        Route::tokenless(Operation::Write, "login", login::login).hiding(&["secret_id"]),
        list("role", role::list),
        read("role/<name>", role::read),
        write("role/<name>", role::write).creating(role::exists),
        delete("role/<name>", role::delete),
        read("role/<name>/role-id", role::read_role_id),
        write("role/<name>/role-id", role::write_role_id),
        // Each setting by itself: `role/ci/token-ttl` and so on.
        read("role/<name>/<field>", field::read),
        write("role/<name>/<field>", field::write),
        delete("role/<name>/<field>", field::delete),
        list("role/<name>/secret-id", secret_id::list),
        write("role/<name>/secret-id", secret_id::issue),
        write("role/<name>/custom-secret-id", secret_id::issue_chosen),
        write("role/<name>/secret-id/lookup", secret_id::look_up),
        write("role/<name>/secret-id/destroy", secret_id::destroy),
        delete("role/<name>/secret-id/destroy", secret_id::destroy),
        write("role/<name>/secret-id-accessor/lookup", secret_id::look_up_accessor),
        write("role/<name>/secret-id-accessor/destroy", secret_id::destroy_accessor),
        delete("role/<name>/secret-id-accessor/destroy", secret_id::destroy_accessor),
        write("tidy/secret-id", tidy::start),
    ]
    .into_iter()
    .map(Route::folding)
    .collect()
}
