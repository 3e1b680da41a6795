//! People with a password.

mod login;
mod user;

use crate::http::route::{Operation, Route, delete, list, read, write};

/// Every line, relative to the mount.
#[must_use]
pub fn all() -> Vec<Route> {
    vec![
        Route::tokenless(Operation::Write, "login/<name>", login::login).hiding(&["password"]),
        list("users", user::list),
        read("users/<name>", user::read),
        write("users/<name>", user::write).creating(user::exists).hiding(&["password"]),
        delete("users/<name>", user::delete),
        write("users/<name>/password", user::write_password).hiding(&["password"]),
        write("users/<name>/policies", user::write_policies),
    ]
    .into_iter()
    .map(Route::folding)
    .collect()
}
