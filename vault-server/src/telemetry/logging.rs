//! The log, on standard error.

use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Log, LogFormat};

/// The filter cannot be read, or a log was set up before.
#[derive(Debug, thiserror::Error)]
#[error("the log cannot be set up: {0}")]
pub struct LoggingError(String);

/// Sets up the log for this process, and the hook that reports panics without what they say.
///
/// # Errors
/// [`LoggingError`].
pub fn start(log: &Log) -> Result<(), LoggingError> {
    let filter = EnvFilter::builder().parse(&log.level).map_err(|error| LoggingError(error.to_string()))?;
    let registry = tracing_subscriber::registry().with(filter);
    let outcome = match log.format {
        LogFormat::Text => {
            let layer = layer().with_writer(std::io::stderr).with_target(false);
            registry.with(layer.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))).try_init()
        }
        LogFormat::Json => registry.with(layer().json().with_writer(std::io::stderr)).try_init(),
    };
    outcome.map_err(|error| LoggingError(error.to_string()))?;
    std::panic::set_hook(Box::new(report_panic));
    Ok(())
}

/// A panic's message may quote what was being worked on, so only its place is told.
fn report_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
    let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
    tracing::error!(place, thread, "a panic: please report it");
}
