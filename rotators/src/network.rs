//! What all targets over a network have in common: the address template, limits of time, TLS.

pub(crate) mod address;
pub(crate) mod dial;
mod error;
pub(crate) mod reach;
pub mod tls;
pub(crate) mod web;

pub use error::ConfigError;
pub use reach::{Reach, TlsMode};
