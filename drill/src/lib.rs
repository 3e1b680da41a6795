//! The fault drill, and the private servers that it and the tests share.
//!
//! ```text
//!   rotunda drill ─► a vault (the same program) ─► proxy ─► PostgreSQL, slapd      all private, on free ports of 127.0.0.1
//!        │                    └─► the drill's own receiver of webhooks
//!        └── looks at the servers directly, and holds what it sees against what is expected
//! ```
//!
//! Nothing here touches a server of the machine's own: each is started from the installed programs in a folder of its
//! own and taken away again, also when this process is killed.

pub mod caller;
mod expected;
pub mod fault;
pub mod judge;
pub mod ldap;
mod play;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod receiver;
mod run;
mod server;
mod stage;
pub mod table;
mod vault;

pub use run::{ACCOUNTS_MAX, ACCOUNTS_MIN, Plan, Unplayable, run};
