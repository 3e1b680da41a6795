//! Machines with a role id and a secret id.

use crate::http::route::Route;

/// Every line, relative to the mount.
#[must_use]
pub fn all() -> Vec<Route> {
    Vec::new()
}
