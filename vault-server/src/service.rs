//! What the vault does, without HTTP: each service loads, decides by the core, commits.
//!
//! A service knows no status codes and no axum types; its errors are translated in `http`.

pub mod audit;
pub mod integrity;
pub mod policy;
pub mod rewrap;
pub mod seal;
pub mod token;
