//! The wire types of Rotunda's HTTP API: Vault's dialect, one file per resource.
//!
//! Both ends use these: the server to read requests and write answers, the command line and the tests the
//! other way round. Requests are lenient where Vault's clients are (a number may arrive as text, a duration
//! as seconds or as `"1h30m"`, a list as one comma-separated string); answers are strict.
//!
//! Secret fields are [`Sensitive`]: they travel in plain, which is their purpose, and never show in `Debug`.
//! Nothing here decides anything or performs I/O.

pub mod account;
pub mod audit;
pub mod campaign;
pub mod checkout;
pub mod consumer;
pub mod duration;
pub mod envelope;
pub mod incident;
pub mod integrity;
pub mod lease;
pub mod lenient;
pub mod listing;
pub mod password_policy;
pub mod percent;
pub mod policy;
pub mod pool;
pub mod rehearsal;
pub mod report;
pub mod rotation;
pub mod rotation_policy;
pub mod seal;
pub mod sensitive;
pub mod silence;
pub mod target;
pub mod token;
pub mod webhook;

pub use envelope::{AuthBlock, Envelope, ErrorBody};
pub use listing::Listing;
pub use sensitive::Sensitive;

/// A point in time on the wire: RFC 3339 in UTC with a final `Z`, at most nine digits of fraction.
pub type WireTime = String;
