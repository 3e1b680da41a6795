//! `rotunda status`.

use vault_api::seal::SealStatus;

use super::Session;
use crate::{
    client::Request,
    console::{Console, Tone},
    failure::{Exit, Failure},
    output,
};

/// Prints the seal's state; sealed and uninitialised have their own exit code, for scripts that wait.
pub(super) async fn run(session: &mut Session) -> Result<Exit, Failure> {
    let answer = session.ask("asking for the seal status", Request::get("sys/seal-status")).await?;
    let status: SealStatus = answer.read_body()?;
    session.show(&answer, |_, console| Ok(table(&status, console)))?;
    Ok(exit(&status))
}

pub(super) fn exit(status: &SealStatus) -> Exit {
    if status.sealed || !status.initialized { Exit::Sealed } else { Exit::Done }
}

pub(super) fn table(status: &SealStatus, console: &Console) -> String {
    let state = match (status.initialized, status.sealed) {
        (false, _) => console.emphasised(Tone::Warn, "not initialised (rotunda operator init)"),
        (true, true) => console.emphasised(Tone::Warn, "sealed (rotunda operator unseal)"),
        (true, false) => console.emphasised(Tone::Good, "unsealed"),
    };
    let mut pairs = vec![("state", state), ("seal", output::optional(Some(&status.kind)))];
    if status.n > 0 {
        pairs.push(("shares", format!("{} of {} unseal", status.t, status.n)));
    }
    if status.sealed && status.initialized && status.t > 1 {
        pairs.push(("given so far", status.progress.to_string()));
    }
    pairs.push(("storage", output::optional(Some(&status.storage_type))));
    pairs.push(("version", output::optional(Some(&status.version))));
    if let Some(cluster) = &status.cluster_name {
        pairs.push(("cluster", output::shown(cluster)));
    }
    output::record(pairs)
}
