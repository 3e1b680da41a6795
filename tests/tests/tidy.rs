//! The tree itself: who may know whom, how large a file may be, what a file may be called, whether links
//! lead somewhere, what is built in, and whether the table of Vault's paths is that of the program.
//!
//! A rule that fails says which file breaks it and why the rule is there.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

#[path = "tidy/arrows.rs"]
mod arrows;
#[path = "tidy/compatibility.rs"]
mod compatibility;
#[path = "tidy/dependencies.rs"]
mod dependencies;
#[path = "tidy/files.rs"]
mod files;
#[path = "tidy/links.rs"]
mod links;
#[path = "tidy/runbooks.rs"]
mod runbooks;
#[path = "tidy/tree.rs"]
mod tree;
