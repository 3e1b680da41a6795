//! What the server tells about itself: the log and the metrics. Neither carries a secret or a name.

pub mod logging;
pub mod metrics;
