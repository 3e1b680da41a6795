//! Plugins that misbehave in every way, what the vault makes of it, and what `rotunda rotator test` says of them; and the
//! contract suite on the example in shell. (That in Python has its part in `rotator_redis` and both in `kinds`.)

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a step of a test that fails is the finding"
)]

#[path = "rotator_plugin/bench.rs"]
mod bench;
#[path = "rotator_plugin/catalog.rs"]
mod catalog;
#[path = "rotator_plugin/contract.rs"]
mod contract;
#[path = "rotator_plugin/faults.rs"]
mod faults;
#[path = "rotator_plugin/story.rs"]
mod story;
#[path = "rotator_plugin/trial.rs"]
mod trial;
