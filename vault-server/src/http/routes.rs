//! The table: every path that is answered, with who may ask and what serves it.
//!
//! `read`, `list`, `write` and `delete` ask for the capability of that name (`write`: `update`);
//! `.sudo()` asks for `sudo` too; `.creating(…)` asks for `create` where nothing is there yet;
//! `.readable(…)` names the fields that stay readable in the audit file. Open lines need no token.

mod account;
pub mod approle;
mod campaign;
mod consumer;
mod cubbyhole;
pub mod database;
mod hand_over;
mod incident;
pub mod kv;
mod lease;
pub mod library;
mod merge;
mod mount;
mod operations;
mod parameters;
mod policy;
mod pool;
mod rehearsal;
mod remedy;
mod report;
mod rule;
mod silence;
mod sys;
mod target;
mod team;
mod token;
pub mod userpass;
mod watch;

use super::route::Operation::{Read, Write};
use super::route::{Route, delete, list, read, write};

/// Every line. The order is for readers; precedence is by how precise a pattern is.
#[must_use]
pub fn all() -> Vec<Route> {
    let mut lines = seal();
    lines.extend(ceremonies());
    lines.extend(system());
    lines.extend(about_server());
    lines.extend(wrapping());
    lines.extend(cubbyholes());
    lines.extend(mounts());
    lines.extend(policies());
    lines.extend(tokens());
    lines.extend(targets());
    lines.extend(accounts());
    lines.extend(pools());
    lines.extend(leases());
    lines.extend(rules());
    lines.extend(operations::incidents());
    lines.extend(operations::silences());
    lines.extend(operations::webhooks());
    lines.extend(operations::plugins());
    lines.extend(operations::campaigns());
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

/// What share holders do with an unsealed vault; the shares are the permission.
fn ceremonies() -> Vec<Route> {
    use super::route::Operation::Delete;
    let mut lines = vec![
        Route::open(Read, "sys/rekey/init", sys::rekey::status),
        Route::open(Write, "sys/rekey/init", sys::rekey::begin),
        Route::open(Delete, "sys/rekey/init", sys::rekey::cancel),
        Route::open(Write, "sys/rekey/update", sys::rekey::update),
        Route::open(Read, "sys/rekey/verify", sys::rekey::verification),
        Route::open(Write, "sys/rekey/verify", sys::rekey::verify),
        Route::open(Delete, "sys/rekey/verify", sys::rekey::restart),
        read("sys/rekey/backup", sys::rekey::backup),
        delete("sys/rekey/backup", sys::rekey::drop_backup),
    ];
    lines.extend([
        Route::open(Read, "sys/generate-root/attempt", sys::generate_root::status),
        Route::open(Write, "sys/generate-root/attempt", sys::generate_root::begin),
        Route::open(Delete, "sys/generate-root/attempt", sys::generate_root::cancel),
        Route::open(Write, "sys/generate-root/update", sys::generate_root::update),
    ]);
    // OpenBao's command line asks here, and reads the answers from `data`.
    lines.extend([
        Route::open(Read, "sys/generate-root-token/attempt", async |context| {
            Ok(sys::generate_root::status(context).await?.enveloped())
        }),
        Route::open(Write, "sys/generate-root-token/attempt", async |context| {
            Ok(sys::generate_root::begin(context).await?.enveloped())
        }),
        Route::open(Delete, "sys/generate-root-token/attempt", sys::generate_root::cancel),
        Route::open(Write, "sys/generate-root-token/update", async |context| {
            Ok(sys::generate_root::update(context).await?.enveloped())
        }),
    ]);
    lines
}

fn system() -> Vec<Route> {
    vec![
        read("sys/key-status", sys::key::status),
        write("sys/rotate", sys::key::rotate).sudo(),
        write("sys/rotate/keyring", sys::key::rotate).sudo(),
        write("sys/audit-hash/<path...>", sys::audit::hash),
        write("sys/audit-search", sys::audit::search).sudo().readable(&[
            "path",
            "principal",
            "operation",
            "outcome",
            "type",
            "from",
            "to",
            "cursor",
        ]),
        read("sys/audit", sys::audit::list).sudo(),
        write("sys/audit/<path...>", sys::audit::enable).sudo().readable(&["type", "description"]),
        delete("sys/audit/<path...>", sys::audit::disable).sudo(),
        read("sys/metrics", sys::metrics::read),
        read("sys/integrity", sys::integrity::read),
        write("sys/integrity/verify", sys::integrity::verify).sudo(),
        write("sys/tools/random", sys::tools::random),
        write("sys/tools/random/<bytes>", sys::tools::random),
        write("sys/tools/random/<source>/<bytes>", sys::tools::random),
        write("sys/tools/hash", sys::tools::hash),
        write("sys/tools/hash/<algorithm>", sys::tools::hash),
        read("sys/ha-status", sys::health::nodes),
        read("sys/locked-users", sys::locked_user::list),
        write("sys/locked-users/<accessor>/unlock/<name>", sys::locked_user::unlock),
        write("sys/capabilities", sys::capabilities::of_token),
        write("sys/capabilities-self", sys::capabilities::of_self),
        write("sys/capabilities-accessor", sys::capabilities::of_accessor),
    ]
}

/// What the server tells of itself and of where it runs, and settings for all requests.
fn about_server() -> Vec<Route> {
    vec![
        list("sys/version-history", sys::version_history::list),
        read("sys/host-info", sys::host::read),
        read("sys/config/state/sanitized", sys::config::sanitized),
        read("sys/config/auditing/request-headers", sys::audited_header::all).sudo(),
        read("sys/config/auditing/request-headers/<name>", sys::audited_header::read).sudo(),
        write("sys/config/auditing/request-headers/<name>", sys::audited_header::write).sudo(),
        delete("sys/config/auditing/request-headers/<name>", sys::audited_header::delete).sudo(),
        read("sys/config/cors", sys::cors::read).sudo(),
        write("sys/config/cors", sys::cors::write).sudo().readable(&["allowed_origins", "allowed_headers"]),
        delete("sys/config/cors", sys::cors::delete).sudo(),
    ]
}

fn wrapping() -> Vec<Route> {
    vec![
        write("sys/wrapping/wrap", sys::wrapping::wrap).hiding(kv::EVERYTHING),
        Route::tokenless(Write, "sys/wrapping/lookup", sys::wrapping::lookup),
        Route::tokenless(Read, "sys/wrapping/lookup", sys::wrapping::lookup),
        write("sys/wrapping/unwrap", sys::wrapping::unwrap).unwrapping().hiding(kv::EVERYTHING),
        write("sys/wrapping/rewrap", sys::wrapping::rewrap).unwrapping(),
    ]
}

fn cubbyholes() -> Vec<Route> {
    vec![
        read("cubbyhole/<path...>", cubbyhole::read).hiding(kv::EVERYTHING),
        list("cubbyhole", cubbyhole::list),
        list("cubbyhole/<path...>", cubbyhole::list),
        write("cubbyhole/<path...>", cubbyhole::write).creating_own(cubbyhole::exists).hiding(kv::EVERYTHING),
        delete("cubbyhole/<path...>", cubbyhole::delete),
    ]
}

fn mounts() -> Vec<Route> {
    const READABLE: &[&str] = &["type", "path", "from", "to", "accessor", "migration_id"];
    vec![
        read("sys/mounts", mount::secret::list),
        read("sys/mounts/<path...>", mount::secret::read),
        write("sys/mounts/<path...>", mount::secret::write).readable(READABLE),
        delete("sys/mounts/<path...>", mount::secret::disable),
        read("sys/auth", mount::auth::list),
        read("sys/auth/<path...>", mount::auth::read).sudo(),
        write("sys/auth/<path...>", mount::auth::write).sudo().readable(READABLE),
        delete("sys/auth/<path...>", mount::auth::disable).sudo(),
        write("sys/remount", mount::remount::start).sudo().readable(READABLE),
        read("sys/remount/status/<id>", mount::remount::status),
        Route::tokenless(Read, "sys/internal/ui/mounts", mount::visible::list),
        Route::tokenless(Read, "sys/internal/ui/mounts/<path...>", mount::visible::read),
        Route::tokenless(Read, "sys/internal/specs/openapi", sys::openapi::read),
        Route::tokenless(Write, "sys/internal/specs/openapi", sys::openapi::read),
    ]
}

fn policies() -> Vec<Route> {
    vec![
        // Vault's place of what is at `password-policies`.
        list("sys/policies/password", rule::list_password),
        read("sys/policies/password/<name>", rule::read_password),
        write("sys/policies/password/<name>", rule::write_password),
        delete("sys/policies/password/<name>", rule::delete_password),
        read("sys/policies/password/<name>/generate", rule::generate_password),
        list("sys/policies/acl", policy::list),
        read("sys/policies/acl/<name>", policy::read).folding(),
        write("sys/policies/acl/<name>", policy::write).folding(),
        delete("sys/policies/acl/<name>", policy::delete).folding(),
        read("sys/policy", policy::list_old),
        list("sys/policy", policy::list_old),
        read("sys/policy/<name>", policy::read_old).folding(),
        write("sys/policy/<name>", policy::write).folding(),
        delete("sys/policy/<name>", policy::delete).folding(),
    ]
}

fn tokens() -> Vec<Route> {
    vec![
        write("auth/token/create", token::create::child),
        write("auth/token/create-orphan", token::create::orphan).sudo(),
        write("auth/token/create/<role>", token::create::by_role),
        list("auth/token/roles", token::role::list),
        read("auth/token/roles/<role>", token::role::read),
        write("auth/token/roles/<role>", token::role::write).creating(token::role::exists),
        delete("auth/token/roles/<role>", token::role::delete),
        write("auth/token/tidy", token::tidy::start),
        write("auth/token/lookup", token::lookup::by_token),
        read("auth/token/lookup", token::lookup::by_token),
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

fn targets() -> Vec<Route> {
    vec![
        list("targets/config", target::list),
        read("targets/config/<name>", target::read),
        // The address stays a digest: a person may have put a password into it, before it is refused for that.
        write("targets/config/<name>", target::configure)
            .creating(target::exists)
            .readable(&["rotator", "username", "team"]),
        delete("targets/config/<name>", target::delete),
        write("targets/check/<name>", target::check),
        write("targets/rotate/<name>", target::rotate),
        read("targets/status/<name>", target::status),
    ]
}

fn accounts() -> Vec<Route> {
    vec![
        list("accounts/config", account::list),
        list("accounts/config/<prefix...>", account::list),
        read("accounts/config/<path...>", account::read_config),
        write("accounts/config/<path...>", account::configure).creating(account::exists).readable(&[
            "target",
            "username",
            "alternate_username",
            "username_in_use",
            "rotation_policy",
            "password_policy",
            "team",
            "state",
            "class",
            "incident",
        ]),
        delete("accounts/config/<path...>", account::delete).readable(&["disposal"]),
        read("accounts/creds/<path...>", account::credential).readable(&["username"]),
        write("accounts/check-out/<path...>", account::check_out)
            .readable(&["reason", "ticket", "username"])
            .waiting(),
        write("accounts/check-in/<path...>", account::check_in).readable(&["lease_id", "state", "incident"]),
        write("accounts/rotate/<path...>", account::rotate)
            .readable(&["outcome", "state", "class", "incident"]),
        write("accounts/verify/<path...>", account::verify)
            .readable(&["outcome", "state", "class", "incident"]),
        write("accounts/reconcile/<path...>", account::reconcile)
            .readable(&["outcome", "state", "class", "incident"]),
        write("accounts/rehearse/<path...>", rehearsal::rehearse).readable(&["outcome", "light"]),
        read("accounts/rehearse/<path...>", rehearsal::last).readable(&["outcome", "light"]),
        list("accounts/status", account::list_status),
        read("accounts/status", account::list_status),
        read("accounts/status/<path...>", account::status),
        read("accounts/history/<path...>", account::history),
        read("accounts/watch/<path...>", watch::watch).waiting(),
        read("accounts/consumers/<path...>", consumer::read),
        list("accounts/consumers/<path...>", consumer::list),
        write("accounts/confirm/<path...>", consumer::confirm).readable(&["version"]),
    ]
}

fn pools() -> Vec<Route> {
    const SETTINGS: &[&str] = &["accounts"];
    const LENT: &[&str] = &["reason", "ticket", "account", "username"];
    const RETURNED: &[&str] = &["accounts", "lease_id", "account", "state"];
    vec![
        list("pools/config", pool::list),
        read("pools/config/<name>", pool::read).readable(SETTINGS),
        write("pools/config/<name>", pool::write).creating(pool::exists).readable(SETTINGS),
        delete("pools/config/<name>", pool::delete),
        write("pools/check-out/<name>", pool::check_out).readable(LENT).waiting(),
        write("pools/check-in/<name>", pool::check_in).readable(RETURNED),
        read("pools/status/<name>", pool::status),
    ]
}

fn leases() -> Vec<Route> {
    const READABLE: &[&str] = &["lease_id"];
    vec![
        read("sys/leases", lease::irrevocables).sudo(),
        read("sys/leases/count", lease::count),
        write("sys/leases/lookup", lease::lookup).readable(READABLE),
        list("sys/leases/lookup", lease::list).sudo(),
        list("sys/leases/lookup/<prefix...>", lease::list).sudo(),
        write("sys/leases/renew", lease::renew).readable(READABLE),
        write("sys/leases/renew/<id...>", lease::renew),
        write("sys/leases/revoke", lease::revoke).readable(READABLE),
        write("sys/leases/revoke/<id...>", lease::revoke),
        write("sys/leases/revoke-prefix/<prefix...>", lease::revoke_prefix).sudo(),
        write("sys/leases/revoke-force/<prefix...>", lease::revoke_force).sudo(),
        write("sys/leases/tidy", lease::tidy),
        // As they were called before Vault 0.8.
        write("sys/renew", lease::renew).readable(READABLE),
        write("sys/renew/<id...>", lease::renew),
        write("sys/revoke", lease::revoke).readable(READABLE),
        write("sys/revoke/<id...>", lease::revoke),
        write("sys/revoke-prefix/<prefix...>", lease::revoke_prefix).sudo(),
        write("sys/revoke-force/<prefix...>", lease::revoke_force).sudo(),
    ]
}

fn rules() -> Vec<Route> {
    vec![
        list("rotation-policies", rule::list_rotation),
        read("rotation-policies/<name>", rule::read_rotation),
        write("rotation-policies/<name>", rule::write_rotation),
        delete("rotation-policies/<name>", rule::delete_rotation),
        list("password-policies", rule::list_password),
        read("password-policies/<name>", rule::read_password),
        write("password-policies/<name>", rule::write_password),
        delete("password-policies/<name>", rule::delete_password),
        read("password-policies/<name>/generate", rule::generate_password),
    ]
}
