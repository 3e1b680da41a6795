//! The stories of hvac.

use std::process::Command;

use crate::database::Database;
use crate::installed;
use crate::script::tell;
use crate::server::Begin::{self, Empty, Unsealed};

fn program(name: &str) -> Command {
    let mut command = Command::new(installed::python());
    // No bytecode beside the sources.
    command.arg("-B").arg(installed::stories("hvac").join(format!("{name}.py")));
    command
}

async fn story(name: &str, begin: Begin) {
    tell(name, begin, program(name)).await;
}

async fn upon_a_database(name: &str) {
    let (database, mut command) = (Database::start().await, program(name));
    database.tell_of(&mut command);
    tell(name, Unsealed, command).await;
}

#[tokio::test]
async fn database() {
    upon_a_database("database").await;
}

#[tokio::test]
async fn database_roles() {
    upon_a_database("database_roles").await;
}

stories! {
    seal: Empty,
    rekey: Empty,
    generate_root: Empty,
    mounts: Unsealed,
    policies: Unsealed,
    tokens: Unsealed,
    kv1: Unsealed,
    kv2: Unsealed,
    approle: Unsealed,
    userpass: Unsealed,
    wrapping: Unsealed,
    cubbyhole: Unsealed,
    leases: Unsealed,
    audit: Unsealed,
}
