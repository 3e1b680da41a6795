//! The harness: private servers, a proxy that misbehaves on purpose, and what the stories share.
//!
//! Nothing here touches a server of the machine's own: each test starts what it needs on a free port in
//! a temporary folder and takes it away again, also when the test process is killed.

pub use rotunda_drill::{ldap, postgres, proxy};

pub mod aws;
pub mod collector;
pub mod jupyterhub;
pub mod keys;
pub mod mail;
pub mod mysql;
pub mod plugin;
pub mod process;
mod python;
pub mod rabbitmq;
pub mod redis;
pub mod ssh;
pub mod vault;
pub mod world;
