//! The stories of node-vault.

use std::process::Command;

use crate::database::Database;
use crate::installed;
use crate::script::tell;
use crate::server::Begin::{self, Empty, Unsealed};

fn program(name: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(installed::stories("node").join(format!("{name}.js")));
    command.env("NODE_PATH", installed::node_modules());
    command
}

async fn story(name: &str, begin: Begin) {
    tell(name, begin, program(name)).await;
}

#[tokio::test]
async fn database() {
    let (database, mut command) = (Database::start().await, program("database"));
    database.tell_of(&mut command);
    tell("database", Unsealed, command).await;
}

stories! {
    seal: Empty,
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
