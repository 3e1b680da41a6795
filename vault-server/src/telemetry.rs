//! What the server tells about itself: the log, the metrics and, where they are wanted, traces. None carries a secret;
//! the names of accounts and targets are in traces alone.

pub mod logging;
pub mod metrics;
pub mod trace;
