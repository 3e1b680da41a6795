//! Runs one story that is a program of its own.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::database::Database;
use crate::server::{Begin, Server, root};

/// Starts a server, and the story with its address; fails with what the story printed.
pub(crate) async fn tell(name: &str, begin: Begin, mut command: Command) {
    let server = Server::start(begin).await.unwrap();
    scrub(&mut command);
    command.env("VAULT_ADDR", server.address()).stdin(Stdio::null());
    if server.is_rotunda() {
        command.env("STORY_SERVER", "rotunda");
    }
    if begin == Begin::Unsealed {
        command.env("VAULT_TOKEN", root());
    }
    let output = ended(command).await.unwrap_or_else(|| panic!("{name} did not end:\n{}", server.log()));
    assert!(
        output.status.success(),
        "{name}:\n{}{}\nthe server:\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
        server.log()
    );
}

/// Takes out of a command's surroundings every proxy, token and address of the person who runs the tests.
pub(crate) fn scrub(command: &mut Command) {
    for (variable, _) in std::env::vars() {
        if variable.starts_with("VAULT_")
            || variable.starts_with("BAO_")
            || variable.to_lowercase().ends_with("_proxy")
        {
            command.env_remove(variable);
        }
    }
}

/// Runs a command to its end; `None` when that takes too long.
pub(crate) async fn ended(command: Command) -> Option<Output> {
    let mut command = tokio::process::Command::from(command);
    command.kill_on_drop(true);
    tokio::time::timeout(DEADLINE, command.output()).await.ok().map(Result::unwrap)
}

/// As [`tell`], beside a PostgreSQL server of which the story is told.
pub(crate) async fn tell_upon_a_database(name: &str, mut command: Command) {
    let database = Database::start().await;
    database.tell_of(&mut command);
    tell(name, Begin::Unsealed, command).await;
}

const DEADLINE: Duration = Duration::from_secs(120);
