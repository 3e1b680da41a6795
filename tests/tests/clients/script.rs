//! Runs one story that is a program of its own.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::database::Database;
use crate::server::{Begin, Server, root};

/// Starts a server, and the story with its address; fails with what the story printed.
pub(crate) async fn tell(name: &str, begin: Begin, mut command: Command) {
    let server = Server::start(begin).await.unwrap();
    // No proxy, token or address of the person who runs the tests.
    for (variable, _) in std::env::vars() {
        if variable.starts_with("VAULT_")
            || variable.starts_with("BAO_")
            || variable.to_lowercase().ends_with("_proxy")
        {
            command.env_remove(variable);
        }
    }
    command.env("VAULT_ADDR", server.address()).stdin(Stdio::null());
    if server.is_rotunda() {
        command.env("STORY_SERVER", "rotunda");
    }
    if begin == Begin::Unsealed {
        command.env("VAULT_TOKEN", root());
    }
    let mut command = tokio::process::Command::from(command);
    command.kill_on_drop(true);
    let output = tokio::time::timeout(DEADLINE, command.output()).await;
    let output = output.unwrap_or_else(|_| panic!("{name} did not end:\n{}", server.log())).unwrap();
    assert!(
        output.status.success(),
        "{name}:\n{}{}\nthe server:\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
        server.log()
    );
}

/// As [`tell`], beside a PostgreSQL server of which the story is told.
pub(crate) async fn tell_upon_a_database(name: &str, mut command: Command) {
    let database = Database::start().await;
    database.tell_of(&mut command);
    tell(name, Begin::Unsealed, command).await;
}

const DEADLINE: Duration = Duration::from_secs(120);
