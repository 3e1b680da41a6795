//! schemathesis tries the program by its own OpenAPI document: whatever it sends, no answer is a 5xx, and each has a
//! status, a content type and a form that the document tells of.
//!
//! `SCHEMATHESIS_SECONDS=600` makes the long run of it; `tests/clients/schemathesis/run.py` names the other variables.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;
use vault_tests::postgres::PostgresServer;
use vault_tests::vault::Vault;

use crate::installed;

#[tokio::test]
async fn nothing_that_schemathesis_sends_is_answered_otherwise_than_described() {
    let target = PostgresServer::start().unwrap();
    // Each of the two dialects manages by a role of its own, for either may change its password.
    let roles =
        "CREATE ROLE there LOGIN PASSWORD 'before'; CREATE ROLE maker SUPERUSER LOGIN PASSWORD 'makers own'";
    target.admin().await.unwrap().batch_execute(roles).await.unwrap();
    let settings = json!({
        "rotator": "postgresql",
        "connection_url": target.url_template(),
        "username": target.superuser(),
        "password": target.superuser_password(),
    });
    let mut vault = Vault::start_server().await.unwrap();
    let mut command = Command::new(installed::python());
    // No bytecode beside the sources.
    command.arg("-B").arg(installed::stories("schemathesis").join("run.py"));
    let proxies =
        std::env::vars().map(|(name, _)| name).filter(|name| name.to_lowercase().ends_with("_proxy"));
    for name in proxies {
        command.env_remove(name);
    }
    command.env("VAULT_ADDR", vault.address()).env("TARGET", settings.to_string()).stdin(Stdio::null());
    let mut command = tokio::process::Command::from(command);
    command.kill_on_drop(true);
    let seconds = std::env::var("SCHEMATHESIS_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    // The long run stops by itself, after the operation that it is at.
    let deadline = DEADLINE + 3 * Duration::from_secs(seconds);
    let output =
        tokio::time::timeout(deadline, command.output()).await.expect("schemathesis did not end").unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    println!("{}", told.lines().filter(|line| line.contains("answers to")).collect::<Vec<_>>().join("\n"));
    // Whatever came, the trail of it is whole.
    vault.terminate().unwrap();
    assert!(vault.audit_is_intact().unwrap());
}

const DEADLINE: Duration = Duration::from_secs(600);
