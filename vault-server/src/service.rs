//! What the vault does, without HTTP: each service loads, decides by the core, commits.
//!
//! A service knows no status codes and no axum types; its errors are translated in `http`.

pub mod account;
pub mod approle;
pub mod audit;
pub mod campaign;
pub mod consumer;
pub mod cubbyhole;
pub mod database;
pub mod dynamic;
pub mod hand_over;
pub mod host;
pub mod incident;
pub mod integrity;
pub mod knower;
pub mod kv;
pub mod lease;
pub mod login;
pub mod mount;
pub mod plugin;
pub mod policy;
pub mod pool;
pub mod pulse;
pub mod rehearsal;
pub mod remedy;
pub mod report;
pub mod rewrap;
pub mod rule;
pub mod seal;
pub mod setting;
pub mod silence;
pub mod target;
pub mod token;
pub mod userpass;
pub mod watch;
pub mod webhook;
