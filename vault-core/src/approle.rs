//! Machines that log in with a role id, which says who they are, and a secret id, which proves it.
//!
//! ```text
//!   role ── secret id (uses, end, addresses) ── login ─► token
//!            issue ─► live ─use─► … ─last use · end · destroy · role removed─► gone
//! ```
//!
//! The rules are Vault's. Pure: records in, records out. The text of a secret id is never part of a record;
//! it is found by its digest under a key that the seal protects.

mod admit;
mod role;
mod secret_id;

pub use admit::{Admitted, Refusal, admit};
pub use role::{AppRole, NAME_BYTES_MAX, ROLE_ID_BYTES_MAX, RoleError};
pub use secret_id::{NewSecretId, SECRET_ID_BYTES_MAX, SecretId, SecretIdError, Spent, digest, draw};
