//! People with a password.

use crate::http::route::Route;

/// Every line, relative to the mount.
#[must_use]
pub fn all() -> Vec<Route> {
    Vec::new()
}
