//! The table: every path that is answered, with who may ask and what serves it.
//!
//! `read`, `list`, `write` and `delete` ask for the capability of that name (`write`: `update`);
//! `.sudo()` asks for `sudo` too; `.creating(…)` asks for `create` where nothing is there yet;
//! `.readable(…)` names the fields that stay readable in the audit file. Open lines need no token.

mod policy;
mod sys;
mod token;

use super::route::Operation::{Read, Write};
use super::route::{Route, delete, list, read, write};

/// Every line. The order is for readers; precedence is by how precise a pattern is.
#[must_use]
pub fn all() -> Vec<Route> {
    let mut lines = seal();
    lines.extend(system());
    lines.extend(policies());
    lines.extend(tokens());
    // Targets, accounts, pools, rotation policies, password policies, leases, incidents, reports:
    // one function each, added here.
    lines
}

/// What answers sealed, too.
fn seal() -> Vec<Route> {
    vec![
        Route::open(Read, "sys/health", sys::health::read),
        Route::open(Read, "sys/leader", sys::health::leader),
        Route::open(Read, "sys/init", sys::init::read),
        Route::open(Write, "sys/init", sys::init::write),
        Route::open(Read, "sys/seal-status", sys::seal::status),
        Route::open(Write, "sys/unseal", sys::seal::unseal),
        write("sys/seal", sys::seal::seal).sudo().sealing(),
    ]
}

fn system() -> Vec<Route> {
    vec![
        read("sys/key-status", sys::key::status),
        write("sys/rotate", sys::key::rotate).sudo(),
        write("sys/rotate/keyring", sys::key::rotate).sudo(),
        write("sys/audit-hash/<name>", sys::audit::hash),
        read("sys/audit", sys::audit::list).sudo(),
        read("sys/metrics", sys::metrics::read),
        read("sys/integrity", sys::integrity::read),
        write("sys/integrity/verify", sys::integrity::verify).sudo(),
        read("sys/internal/ui/mounts", sys::mounts::list),
        read("sys/internal/ui/mounts/<path...>", sys::mounts::read),
        write("sys/capabilities", sys::capabilities::of_token),
        write("sys/capabilities-self", sys::capabilities::of_self),
        write("sys/capabilities-accessor", sys::capabilities::of_accessor),
    ]
}

fn policies() -> Vec<Route> {
    vec![
        list("sys/policies/acl", policy::list),
        read("sys/policies/acl/<name>", policy::read),
        write("sys/policies/acl/<name>", policy::write),
        delete("sys/policies/acl/<name>", policy::delete),
        read("sys/policy", policy::list_old),
        list("sys/policy", policy::list_old),
        read("sys/policy/<name>", policy::read_old),
        write("sys/policy/<name>", policy::write),
        delete("sys/policy/<name>", policy::delete),
    ]
}

fn tokens() -> Vec<Route> {
    vec![
        write("auth/token/create", token::create::child),
        write("auth/token/create-orphan", token::create::orphan).sudo(),
        write("auth/token/lookup", token::lookup::by_token),
        read("auth/token/lookup", token::lookup::by_query),
        read("auth/token/lookup-self", token::lookup::of_self),
        write("auth/token/lookup-self", token::lookup::of_self),
        write("auth/token/lookup-accessor", token::lookup::by_accessor),
        list("auth/token/accessors", token::lookup::accessors).sudo(),
        write("auth/token/renew", token::renew::by_token),
        write("auth/token/renew-self", token::renew::of_self),
        write("auth/token/renew-accessor", token::renew::by_accessor),
        write("auth/token/revoke", token::revoke::by_token),
        write("auth/token/revoke-self", token::revoke::of_self),
        write("auth/token/revoke-accessor", token::revoke::by_accessor),
        write("auth/token/revoke-orphan", token::revoke::orphan).sudo(),
    ]
}
