//! The plugins that change, verify and revoke credentials on targets.
//!
//! Each target kind is one file with a folder of rooms beside it: `config` (parsed settings), `command`
//! (statements with their quoting, pure), `session` (I/O) and `classify` (an answer becomes a class of
//! failure). All of them implement [`vault_core::rotation::port::Rotator`] and pass one contract suite.
//!
//! ```text
//!   registry ──► each kind ──► network ──► vault_core::rotation::port
//!   contract, fake (feature `test-support`) ──► vault_core::rotation::port
//! ```

pub mod aws;
pub mod http;
pub mod ldap;
pub mod mysql;
pub mod network;
pub mod plugin;
pub mod postgres;
pub mod rabbitmq;
pub mod redis;
pub mod registry;
pub mod ssh;
pub mod trial;

#[cfg(feature = "test-support")]
pub mod contract;
#[cfg(feature = "test-support")]
pub mod fake;
