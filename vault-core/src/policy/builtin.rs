//! The policies that every vault has.

/// The policy that allows everything. It has no text, cannot be written and cannot be deleted.
pub const ROOT_POLICY_NAME: &str = "root";

/// The policy that a new token gets unless it asks not to. It can be written, but not deleted.
pub const DEFAULT_POLICY_NAME: &str = "default";

/// The policy of tokens that hold a wrapped answer, and of no others: it cannot be asked for, written or
/// deleted, and lists do not show it.
pub const WRAPPING_POLICY_NAME: &str = "response-wrapping";

/// What `response-wrapping` says: take out what was put in, nothing else.
pub const WRAPPING_POLICY_TEXT: &str = r#"path "cubbyhole/response" {
    capabilities = ["create", "read"]
}

path "sys/wrapping/unwrap" {
    capabilities = ["update"]
}
"#;

/// What `default` says until an operator changes it: each token may look after itself, nothing else.
pub const DEFAULT_POLICY_TEXT: &str = r#"# Allow tokens to look up their own properties
path "auth/token/lookup-self" {
    capabilities = ["read"]
}

# Allow tokens to renew themselves
path "auth/token/renew-self" {
    capabilities = ["update"]
}

# Allow tokens to revoke themselves
path "auth/token/revoke-self" {
    capabilities = ["update"]
}

# Allow a token to look up its own capabilities on a path
path "sys/capabilities-self" {
    capabilities = ["update"]
}

# Allow a token to look up the resultant ACL from all policies, and the mounts it can reach:
# useful for user interfaces and command lines
path "sys/internal/ui/resultant-acl" {
    capabilities = ["read"]
}
path "sys/internal/ui/mounts" {
    capabilities = ["read"]
}
path "sys/internal/ui/mounts/*" {
    capabilities = ["read"]
}

# Allow a token to renew a lease via lease_id in the request body; old path for old clients, new path
# for newer ones
path "sys/renew" {
    capabilities = ["update"]
}
path "sys/leases/renew" {
    capabilities = ["update"]
}

# Allow looking up lease properties. This requires knowing the lease ID, and does not divulge any
# sensitive information
path "sys/leases/lookup" {
    capabilities = ["update"]
}

# Allow a token to manage its own cubbyhole
path "cubbyhole/*" {
    capabilities = ["create", "read", "update", "delete", "list"]
}

# Allow a token to wrap arbitrary values in a response-wrapping token
path "sys/wrapping/wrap" {
    capabilities = ["update"]
}

# Allow a token to look up the creation time and TTL of a given response-wrapping token
path "sys/wrapping/lookup" {
    capabilities = ["update"]
}

# Allow a token to unwrap a response-wrapping token. This is a convenience to avoid client token
# swapping since this is also part of the response wrapping policy
path "sys/wrapping/unwrap" {
    capabilities = ["update"]
}

# Allow general purpose tools
path "sys/tools/hash" {
    capabilities = ["update"]
}
path "sys/tools/hash/*" {
    capabilities = ["update"]
}
"#;
