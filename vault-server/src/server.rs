//! `rotunda server`: from arguments to a process that serves until it is told to end.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use vault_cli::ServerArgs;
use vault_core::clock::SteadyClock;
use vault_core::entropy::OsEntropy;

use crate::app::{App, Ports};
use crate::config::{self, Config};
use crate::http::{Bound, router};
use crate::service::seal::SealState;
use crate::{harden, shutdown, telemetry};

/// Runs the server until SIGTERM or SIGINT.
///
/// # Errors
/// A chain of sentences for the operator.
pub async fn run(args: ServerArgs) -> Result<()> {
    let config = configuration(&args)?;
    telemetry::logging::start(&config.log)?;
    protect();
    let app = open(config).await?;
    let bound = Bound::bind(&app.config.listener).await?;
    say(&format!(
        "rotunda listens on {} ({}); data in {}; audit in {}",
        bound.url(),
        match app.seal.state() {
            SealState::Uninitialised => "not initialised: run `rotunda operator init`",
            SealState::Sealed => "sealed: run `rotunda operator unseal`",
            SealState::Unsealed => "unsealed",
        },
        app.config.data_dir.display(),
        app.config.audit_file.display(),
    ))?;
    if app.config.listener.tls.is_none() && !app.config.listener.address.ip().is_loopback() {
        tracing::warn!("plain HTTP on an address that others can reach: every secret is readable on the way");
    }
    serve(app, bound).await
}

/// Serves until a signal comes, then ends in order.
///
/// # Errors
/// When the signal handlers cannot be installed.
pub(crate) async fn serve(app: Arc<App>, bound: Bound) -> Result<()> {
    // First of all: a request to end that comes right after the first answer must find somebody listening.
    let asked_to_end = shutdown::signals().context("cannot listen for signals")?;
    app.start_tasks();
    let serving =
        tokio::spawn(bound.serve(router(Arc::clone(&app)), app.config.connections_max, app.shutdown.clone()));
    let hangups = tokio::spawn(reopen_on_hangup(Arc::clone(&app)));
    let name = asked_to_end.await;
    tracing::info!(signal = name, "ending");
    app.shutdown.begin();
    hangups.abort();
    serving.await.context("the listener ended with a panic")?;
    app.end().await;
    tracing::info!("ended");
    Ok(())
}

pub(crate) async fn open(config: Config) -> Result<Arc<App>> {
    let rotators = rotators::registry::Registry::shipped();
    let rotators = match &config.plugins {
        Some(plugins) => rotators.with_plugins(plugins.host(&config.data_dir)),
        None => rotators,
    };
    let ports = Ports { clock: Arc::new(SteadyClock::default()), entropy: Arc::new(OsEntropy), rotators };
    // Opening may read the whole store's log.
    let opened = tokio::task::spawn_blocking(move || App::open(config, ports));
    Ok(opened.await.context("the store's opening was cut short")??)
}

/// Applies what keeps keys inside the process, and says what could not be had.
pub(crate) fn protect() {
    for warning in harden::harden() {
        tracing::warn!("{warning}");
    }
}

/// One line on standard output, for people and for scripts that wait for the address.
#[expect(clippy::print_stdout, reason = "the address is this command's result")]
pub(crate) fn say(line: &str) -> Result<()> {
    println!("{line}");
    std::io::stdout().flush().context("cannot write to standard output")
}

fn configuration(args: &ServerArgs) -> Result<Config> {
    let mut config = match (&args.config, args.listen, &args.data) {
        (Some(file), _, _) => config::from_file(file)?,
        (None, Some(listen), Some(data)) => config::from_arguments(&listen.to_string(), data)?,
        (None, _, _) => anyhow::bail!("give --config FILE, or both --listen ADDR and --data DIR"),
    };
    if args.config.is_some() {
        if let Some(listen) = args.listen {
            config = config.listening_on(listen)?;
        }
        if let Some(data) = &args.data {
            config = config.with_data_in(data);
        }
    }
    make_dir(&config.data_dir)?;
    Ok(config)
}

/// Makes the data directory, for its owner alone.
pub(crate) fn make_dir(dir: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("cannot make the data directory {}", dir.display()))
}

/// SIGHUP: begins a new audit file after the old one was moved away.
async fn reopen_on_hangup(app: Arc<App>) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut hangups) = signal(SignalKind::hangup()) else {
        return tracing::warn!("SIGHUP cannot be listened for: the audit file cannot be rotated");
    };
    while hangups.recv().await.is_some() {
        match app.audit.reopen(app.clock.now()) {
            Ok(outcome) => tracing::info!(?outcome, "the audit file was reopened"),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the audit file was not reopened");
            }
        }
    }
}
