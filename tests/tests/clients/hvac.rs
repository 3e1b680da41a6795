//! The stories of hvac.

use std::process::Command;

use crate::installed;
use crate::script::{tell, tell_upon_a_database};
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

#[tokio::test]
async fn database() {
    tell_upon_a_database("database", program("database")).await;
}

#[tokio::test]
async fn database_roles() {
    tell_upon_a_database("database_roles", program("database_roles")).await;
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
