//! `rotunda account watch`: tells each new version, and runs a command for it.

use std::time::Duration;

use tokio::process::Command;
use vault_api::account::Watched;

use super::{Session, trimmed};
use crate::{
    args::account::AccountWatchArgs,
    client::Request,
    failure::{Exit, Failure},
    output,
};

/// Runs until it is refused; an interruption ends the program itself.
pub(super) async fn run(args: &AccountWatchArgs, session: &mut Session) -> Result<Exit, Failure> {
    let path = trimmed(&args.path);
    let (mut known, mut is_told, mut failures) = (args.version, false, 0_u32);
    loop {
        let mut request = Request::get(format!("accounts/watch/{path}")).polling(WAIT);
        if let Some(version) = known {
            request = request.with("version", version.to_string());
        }
        let answer = match session.client.send(request).await {
            Ok(answer) => answer,
            // What was watched once may come back: a restart, or a seal that is opened again.
            Err(failure) if is_told && matches!(failure.exit(), Exit::Usage | Exit::Sealed) => {
                failures = failures.saturating_add(1);
                session.console.warning(&format!("{failure}; trying again"));
                tokio::time::sleep(pause(failures)).await;
                continue;
            }
            Err(failure) => return Err(failure),
        };
        failures = 0;
        let seen: Watched = answer.read_data()?;
        let is_change = known.is_some_and(|known| known != seen.version);
        if is_change || !is_told {
            session.show(&answer, |_, _| Ok(line(path, &seen)))?;
            is_told = true;
        }
        known = Some(seen.version);
        if let (true, Some(command)) = (is_change, &args.exec) {
            execute(command, path, seen.version, session).await?;
        }
    }
}

fn line(path: &str, seen: &Watched) -> String {
    let mut line = format!("{} version {}", output::shown(path), seen.version);
    for (what, when) in [("since", &seen.last_rotation), ("until", &seen.next_rotation)] {
        if let Some(when) = when {
            line.push_str(&format!(" {what} {}", output::shown(when)));
        }
    }
    line.push('\n');
    line
}

/// Runs the command to its end. That it fails is told, and the watch goes on.
async fn execute(command: &str, path: &str, version: u64, session: &mut Session) -> Result<(), Failure> {
    let status = Command::new("sh")
        .arg("-c")
        .arg(command)
        .env("ROTUNDA_ACCOUNT", path)
        .env("ROTUNDA_VERSION", version.to_string())
        .status()
        .await
        .map_err(|error| Failure::usage(format!("cannot run sh: {error}")))?;
    if !status.success() {
        session.console.warning(&format!("the command for version {version} failed: {status}"));
    }
    Ok(())
}

/// Doubles from a second to half a minute.
fn pause(failures: u32) -> Duration {
    let seconds = 1_u64.checked_shl(failures.saturating_sub(1)).unwrap_or(PAUSE_MAX_SECS);
    Duration::from_secs(seconds.clamp(1, PAUSE_MAX_SECS))
}

/// One poll; a server that is gone is noticed soon after.
const WAIT: Duration = Duration::from_secs(30);
const PAUSE_MAX_SECS: u64 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_half_a_minute_and_stay_there() {
        let pauses: Vec<u64> = [1, 2, 3, 5, 6, 64, 65, u32::MAX].map(|n| pause(n).as_secs()).to_vec();
        assert_eq!(pauses, [1, 2, 4, 16, 30, 30, 30, 30]);
    }
}
