//! The stories of node-vault.

use std::process::Command;

use crate::installed;
use crate::script::tell;
use crate::server::Begin::{self, Empty, Unsealed};

async fn story(name: &str, begin: Begin) {
    let mut command = Command::new("node");
    command.arg(installed::stories("node").join(format!("{name}.js")));
    command.env("NODE_PATH", installed::node_modules());
    tell(name, begin, command).await;
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
