//! Looks at the server and the management credential, for people.

use std::net::IpAddr;

use serde_json::Value;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{CheckReport, Login};

use super::api::Api;
use super::classify;
use super::config::{Config, Hashing, LoginPath};
use super::user::tags;
use crate::network::TlsMode;

/// Logs in and reports.
pub(super) async fn report(config: &Config, management: &Login) -> Result<CheckReport, Fault> {
    let api = Api::new(config, management).await?;
    let looked = |failure| classify::look(failure, "the login", config.place());
    let me = api.get("whoami").await.map_err(looked)?;
    if !tags(me.get("tags").unwrap_or(&Value::Null)).any(|tag| tag == "administrator") {
        let what = format!("{}: the management user lacks the tag administrator", config.place());
        return Err(Fault::new(FaultClass::PermissionDenied, what));
    }
    let overview = api.get("overview").await.map_err(looked)?;
    let version = overview.get("rabbitmq_version").and_then(Value::as_str).unwrap_or("of an unknown version");
    let mut passed = vec![
        format!("the management user logs in to {}", config.place()),
        "the management user is an administrator".to_owned(),
    ];
    let mut warnings = Vec::new();
    let mut warn = |holds: bool, text: &str| {
        if holds {
            warnings.push(text.to_owned());
        }
    };
    let away = !config.host.parse::<IpAddr>().map_or(config.host == "localhost", |ip| ip.is_loopback());
    warn(away && !config.encrypted(), "the connection is not encrypted: use https://");
    warn(
        away && config.reach.tls == TlsMode::Require,
        "the server's identity is not verified: set sslmode=verify-full, and sslrootcert if its authority is your own",
    );
    warn(
        config.hashing == Hashing::Server,
        "the server hashes passwords: new ones are sent to the management API in clear, so use https://",
    );
    match config.login {
        LoginPath::Amqp(port) => match super::probe(config, management).await {
            vault_core::rotation::port::Probe::Works => {
                passed.push(format!("AMQP on port {port} takes its login"))
            }
            _ => warn(
                true,
                "AMQP did not take the management user's login: see amqp_port, or set login=management",
            ),
        },
        LoginPath::Management => {
            warn(
                true,
                "passwords are tried on the management API only (login=management), not by AMQP as consumers do",
            );
        }
    }
    if config.encrypted() {
        passed.push("the connection is encrypted by TLS".to_owned());
    }
    Ok(CheckReport { server: format!("RabbitMQ {version}"), passed, warnings })
}
