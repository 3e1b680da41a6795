//! The two small processes between the vault and a plugin.
//!
//! ```text
//!   vault ──order, request──► supervisor ──► executor ─exec─► plugin
//!         ◄──────────────── standard output ─────────────────────┘
//! ```
//!
//! The **supervisor** checks the file, hashes the very bytes that it then runs, hands the request over once the
//! plugin runs, and is the parent of everything that the plugin starts. It ends when none of that is alive, whatever
//! group or session it went to: at the plugin's end, at the deadline, or when the vault lets go of its standard input
//! or dies. While a verb that changes something is under way it holds a lock, so that "the lock is free" says that
//! nothing of an earlier verb runs any more.
//!
//! The **executor** becomes the plugin: a session of its own, limits, an unprivileged user, no capabilities, no way to
//! new rights. Until then it is the vault's program with the vault's rights, so nothing of a registration, its
//! environment least of all, has a part in its start.

mod executor;
mod file;
mod order;
mod supervisor;

pub use executor::execute;
pub use order::{LaunchFailure, Order, PluginUser};
pub use supervisor::supervise;

pub(crate) use file::digest;
pub(super) use order::{ABANDONED, DEADLINE, ENDED_BADLY};
