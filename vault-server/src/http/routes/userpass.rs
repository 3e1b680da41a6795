//! People with a password.

mod login;
mod user;

use crate::http::route::{Operation, Route, delete, list, read, write};

/// Every line, relative to the mount.
#[must_use]
pub fn all() -> Vec<Route> {
    vec![
        Route::tokenless(Operation::Write, "login/<name>", login::login),
        list("users", user::list),
        read("users/<name>", user::read),
        write("users/<name>", user::write).creating(user::exists),
        delete("users/<name>", user::delete),
        write("users/<name>/password", user::write_password),
        write("users/<name>/policies", user::write_policies),
    ]
}
