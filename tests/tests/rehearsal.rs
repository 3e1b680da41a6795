//! Rehearsals on real servers: each seeded fault is told with its light and reason, the account's password stays what it
//! was, and no shadow account is left, also when the program is killed in the middle.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a step of a test that fails is the finding"
)]
#![expect(clippy::print_stdout, reason = "the table is the result")]

#[path = "rehearsal/bench.rs"]
mod bench;
#[path = "rehearsal/crash.rs"]
mod crash;
#[path = "rehearsal/kinds.rs"]
mod kinds;
#[path = "rehearsal/mysql.rs"]
mod mysql;
#[path = "rehearsal/path.rs"]
mod path;
#[path = "rehearsal/postgres.rs"]
mod postgres;
