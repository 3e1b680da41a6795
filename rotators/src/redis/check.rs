//! Looks at the server and the management credential, for people and before a change.

use std::net::IpAddr;

use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{CheckReport, Login};

use super::change::{Home, field};
use super::classify::LoginFailure;
use super::config::{Config, Replica, Succession};
use super::session::{Failure, Session};
use crate::network::TlsMode;

/// What the server says about itself.
pub(super) struct Server {
    version: String,
    is_replica: bool,
    is_sentinel: bool,
    in_cluster: bool,
    replicas: u32,
}

impl Server {
    pub(super) async fn look(session: &mut Session<'_>) -> Result<Self, Fault> {
        let reply = session.look(&["INFO"], "INFO").await?;
        let info = reply.text().unwrap_or_default();
        let says = |name, value| field(info, name) == Some(value);
        Ok(Self {
            version: field(info, "redis_version").unwrap_or("of an unknown version").to_owned(),
            is_replica: says("role", "slave"),
            is_sentinel: says("redis_mode", "sentinel"),
            in_cluster: says("cluster_enabled", "1"),
            replicas: field(info, "connected_slaves").and_then(|count| count.parse().ok()).unwrap_or(0),
        })
    }

    /// Why no password shall be changed on it at all.
    pub(super) fn obstacle(&self, config: &Config) -> Option<&'static str> {
        if self.is_replica && config.replica == Replica::Refuse {
            return Some(
                "this server is a replica; name the primary, or set replica to accept: users are not replicated",
            );
        }
        None
    }

    fn warnings(&self, config: &Config, home: Home) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut warn = |holds: bool, text: &str| {
            if holds {
                warnings.push(text.to_owned());
            }
        };
        let away = !config.host.parse::<IpAddr>().map_or(config.host == "localhost", |ip| ip.is_loopback());
        warn(away && config.reach.tls == TlsMode::Disable, "the connection is not encrypted: use rediss://");
        warn(
            away && config.reach.tls == TlsMode::Require,
            "the server's identity is not verified: set sslmode=verify-full, and sslrootcert if its authority is your own",
        );
        warn(
            home == Home::Memory,
            "users are kept nowhere (persist=none): a restart brings old passwords back",
        );
        warn(
            self.replicas > 0,
            "the server has replicas, and users are not replicated: after a failover the passwords of that node count. Give each node as a target of its own",
        );
        warn(
            self.is_replica,
            "this server is a replica: its users are its own, and a full copy from the primary does not change them",
        );
        warn(
            self.in_cluster,
            "users of a cluster are kept by each node: give each node as a target of its own",
        );
        warn(self.is_sentinel, "this is a sentinel: the users of its servers are not here");
        warnings
    }
}

/// Whether the management user may run this command, where the server tells (Redis 7, `+acl|dryrun`).
pub(super) async fn may(session: &mut Session<'_>, who: &str, words: &[&str]) -> Option<bool> {
    let words: Vec<&str> = ["ACL", "DRYRUN", who].into_iter().chain(words.iter().copied()).collect();
    match session.ask(&words).await {
        Ok(reply) => Some(reply.text() == Some("OK")),
        Err(Failure::Said(_) | Failure::Silent) => None,
    }
}

/// The first command that the rotator needs and that the management user may not run.
pub(super) async fn withheld(
    session: &mut Session<'_>,
    who: &str,
    account: &str,
    home: Home,
) -> Option<&'static str> {
    // Each with as many arguments as the server asks for.
    let needed: [(&'static str, &[&str]); 5] = [
        ("acl|setuser", &["ACL", "SETUSER", account]),
        ("acl|getuser", &["ACL", "GETUSER", account]),
        ("client|setname", &["CLIENT", "SETNAME", "rotunda"]),
        ("client|list", &["CLIENT", "LIST"]),
        ("client|kill", &["CLIENT", "KILL", "ID", "1"]),
    ];
    for (name, words) in needed {
        if may(session, who, words).await == Some(false) {
            return Some(name);
        }
    }
    let keeps = home.command()?;
    let name = if home == Home::AclFile { "acl|save" } else { "config|rewrite" };
    (may(session, who, &keeps).await == Some(false)).then_some(name)
}

/// Logs in and reports.
pub(super) async fn report(config: &Config, management: &Login) -> Result<CheckReport, Fault> {
    let mut session = Session::open(config, management).await.map_err(LoginFailure::of_management)?;
    let server = Server::look(&mut session).await?;
    let say = |class, what: String| Fault::new(class, format!("{}: {what}", config.place()));
    if let Some(obstacle) = server.obstacle(config) {
        return Err(say(FaultClass::Preflight, obstacle.to_owned()));
    }
    let home = Home::find(&mut session, config).await?;
    let me = &management.username;
    if let Some(command) = withheld(&mut session, me, me, home).await {
        return Err(say(FaultClass::PermissionDenied, format!("the management user lacks +{command}")));
    }
    let Some(user) = session.user(me).await? else {
        return Err(say(FaultClass::AccountMissing, "the management user cannot see itself".to_owned()));
    };
    let mut warnings = server.warnings(config, home);
    if user.open_to_all() {
        warnings.push("every password opens the management user (nopass)".to_owned());
    }
    warnings.extend(crowded(&mut session, config).await);
    let mut passed = vec![
        format!("the management user logs in to {}", config.place()),
        match home {
            Home::AclFile => "the server keeps its users in an ACL file",
            Home::ConfigFile => "the server keeps its users in its configuration file",
            Home::Memory => "the server keeps its users in memory, as persist says",
        }
        .to_owned(),
    ];
    if config.reach.tls != TlsMode::Disable {
        passed.push("the connection is encrypted by TLS".to_owned());
    }
    Ok(CheckReport { server: format!("Redis {}", server.version), passed, warnings })
}

/// Names users with more than one password, where `ACL LIST` is granted: of these the vault knows one.
async fn crowded(session: &mut Session<'_>, config: &Config) -> Option<String> {
    if config.succession == Succession::Replace {
        return None;
    }
    let list = session.ask(&["ACL", "LIST"]).await.ok()?;
    let mut names: Vec<&str> = list
        .parts()
        .iter()
        .filter_map(|line| {
            let mut words = line.text()?.split(' ').skip(1);
            let name = words.next()?;
            (words.filter(|word| word.starts_with('#')).count() > 1).then_some(name)
        })
        .collect();
    let count = names.len();
    names.truncate(NAMES_SHOWN_MAX);
    (count > 0).then(|| {
        format!(
            "{count} users have more than one password, which stops their rotation unless one of them is being \
             retired (other_passwords): {}",
            names.join(", ")
        )
    })
}

const NAMES_SHOWN_MAX: usize = 5;
