//! Static secrets: what a version is, which one a read gets, and what is kept how long.
//!
//! ```text
//!   metadata   1 ✗pruned   2 destroyed   3 deleted   4 due at …   5 kept = current      one record for a path
//!   data                                     3           4            5                 one record for a version
//! ```
//!
//! Versions are numbered 1, 2, … without gaps, and only the oldest are ever dropped. A deleted version can
//! be brought back; a destroyed one is gone and only its number remains. Nothing in here acts: each decision
//! takes a metadata record and gives the next one, which is committed together with the data it speaks of.

mod custom;
mod data;
mod listing;
mod metadata;
mod path;
mod settings;
mod version;

pub use self::custom::{CUSTOM_KEYS_MAX, CustomError, CustomMetadata};
pub use self::data::{DATA_BYTES_MAX, Data, DataError};
pub use self::listing::Folding;
pub use self::metadata::{CasError, Metadata, Reading};
pub use self::path::{SECRET_PATH_BYTES_MAX, SecretPath, SecretPathError};
pub use self::settings::{
    DeleteAfter, KeyChange, KeySettings, MAX_VERSIONS_DEFAULT, MountSettings, SettingsError, VERSIONS_MAX,
};
pub use self::version::{Deletion, Version};
