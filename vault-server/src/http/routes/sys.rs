//! `sys/…`: the vault itself.

pub(super) mod audit;
pub(super) mod audited_header;
pub(super) mod capabilities;
pub(super) mod config;
pub(super) mod cors;
pub(super) mod generate_root;
pub(super) mod health;
pub(super) mod host;
pub(super) mod init;
pub(super) mod integrity;
pub(super) mod key;
pub(super) mod locked_user;
pub(super) mod metrics;
pub(super) mod openapi;
pub(super) mod plugin;
pub(super) mod rekey;
pub(super) mod seal;
pub(super) mod tools;
pub(super) mod version_history;
pub(super) mod webhook;
pub(super) mod wrapping;
