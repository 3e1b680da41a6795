//! Rotation: what is decided when a credential changes, and the port to the plugins that change it.

pub mod fault;
pub mod port;
