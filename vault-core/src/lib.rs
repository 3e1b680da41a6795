//! The pure core of Rotunda.
//!
//! No HTTP, no runtime, no SQL, no wall clock, no ambient randomness: time and entropy come in through
//! ports, decisions are pure functions `(state, event, now) → (state, effects)`.
//!
//! ```text
//!   domain (account · rotation · lease · policy · incident · audit · seal)
//!      └──► crypto · store · clock · entropy          never the other way
//! ```

pub mod clock;
pub mod entropy;
pub mod id;
pub mod path;
pub mod secret;

pub mod crypto;
pub mod seal;
pub mod store;

pub mod audit;
pub mod cors;
pub mod identity;
pub mod installation;
pub mod kv;
pub mod mount;
pub mod password;
pub mod policy;
pub mod schedule;

pub mod approle;
pub mod database;
pub mod userpass;

pub mod account;
pub mod campaign;
pub mod consumer;
pub mod incident;
pub mod knower;
pub mod lease;
pub mod pool;
pub mod rehearsal;
pub mod rotation;
pub mod silence;
pub mod target;
pub mod team;
pub mod trace;
pub mod webhook;
