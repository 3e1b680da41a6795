//! `rotunda`: the server, the operator's tool and the engineer's command line in one program.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use vault_cli::{Exit, Parsed, PluginStage};
use vault_server::{dev, drill, offline, server};

/// Requests are made of many small pieces that live for microseconds.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match vault_cli::parse(std::env::args_os()) {
        Ok(Parsed::Client(command)) => vault_cli::run_client(*command),
        Ok(Parsed::Plugin(PluginStage::Supervise)) => rotators::plugin::launch::supervise().into(),
        Ok(Parsed::Plugin(PluginStage::Execute)) => rotators::plugin::launch::execute().into(),
        Ok(Parsed::Server(args)) => finish(run(server::run(args))),
        Ok(Parsed::Dev(args)) => finish(run(dev::run(args))),
        Ok(Parsed::Drill(args, output)) => match run(drill::run(args, output)) {
            Ok(exit) => exit.into(),
            Err(error) => finish(Err(error)),
        },
        Ok(Parsed::Offline(command)) => match offline::run(&command) {
            Ok(exit) => exit.into(),
            Err(error) => finish(Err(error)),
        },
        Err(refusal) => vault_cli::report_usage(&refusal),
    }
}

fn run<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("cannot start the runtime")?;
    let outcome = runtime.block_on(work);
    // A look at a hanging file system must not keep the process.
    runtime.shutdown_timeout(LAST_WAIT);
    outcome
}

/// How long threads that wait for the system are waited for at the end; everything that counts has ended by then.
const LAST_WAIT: Duration = Duration::from_secs(2);

#[expect(clippy::print_stderr, reason = "the one place where a command's failure is told")]
fn finish(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => Exit::Done.into(),
        Err(error) => {
            eprintln!("rotunda: {error:#}");
            Exit::Usage.into()
        }
    }
}
