//! Looks at the server and the management credential, for people and before a change.

use std::net::IpAddr;

use vault_core::clock::Timestamp;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{CheckReport, Login};

use super::LOOKING;
use super::classify::LoginFailure;
use super::config::{Config, Hashing};
use super::rights::Role;
use super::session::{Failure, Session};
use crate::network::TlsMode;

/// What the server says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Server {
    version: String,
    /// As `server_version_num`: 150018 is 15.18.
    version_number: i32,
    in_recovery: bool,
    encrypted: bool,
    fsync: bool,
    password_encryption: String,
    log_statement: String,
    create_role: bool,
}

impl Server {
    pub(super) async fn look(session: &Session<'_>) -> Result<Self, Failure> {
        let rows = session.ask(SERVER, &[]).await?;
        let Some(row) = rows.first() else { return Ok(Self::default()) };
        let text = |column: &str| row.try_get::<_, String>(column).map_err(Failure::Said);
        let flag = |column: &str| row.try_get::<_, bool>(column).map_err(Failure::Said);
        Ok(Self {
            version: text("version")?,
            version_number: row.try_get("version_number").map_err(Failure::Said)?,
            in_recovery: flag("in_recovery")?,
            encrypted: flag("encrypted")?,
            fsync: flag("fsync")?,
            password_encryption: text("password_encryption")?,
            log_statement: text("log_statement")?,
            create_role: flag("create_role")?,
        })
    }

    /// Why no password can be changed on it at all. A standby may be promoted, and another server be the primary again: that
    /// is waited for, as for a server that is away.
    pub(super) fn obstacle(&self, hashing: Hashing) -> Option<(FaultClass, String)> {
        if self.in_recovery {
            let what = "this server is a read-only standby; name the primary, or promote it";
            return Some((FaultClass::Unreachable, what.to_owned()));
        }
        if hashing == Hashing::Scram && self.version_number < SCRAM_VERSION_MIN {
            let what = format!(
                "PostgreSQL {} does not know SCRAM-SHA-256; set password_hashing to server",
                self.version
            );
            return Some((FaultClass::Preflight, what));
        }
        None
    }

    fn warnings(&self, config: &Config, role: &Role) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut warn = |holds: bool, text: &str| {
            if holds {
                warnings.push(text.to_owned());
            }
        };
        let verified = matches!(config.reach.tls, TlsMode::VerifyFull | TlsMode::VerifyCa);
        warn(
            !is_loopback(&config.host) && !verified,
            "the server's identity is not verified: set sslmode=verify-full, and sslrootcert if its authority is your own",
        );
        warn(!is_loopback(&config.host) && !self.encrypted, "the connection is not encrypted");
        warn(
            !self.fsync,
            "fsync is off on the server: after its crash a changed password may be the old one again",
        );
        warn(
            config.hashing == Hashing::Scram && self.password_encryption != "scram-sha-256",
            "the server's password_encryption is not scram-sha-256, but passwords set from here are: old drivers may not log in; password_hashing=server follows the server",
        );
        warn(
            config.hashing == Hashing::Server && self.log_statement != "none",
            "log_statement is on and the server hashes passwords: new passwords will be in the server's log",
        );
        warn(
            !role.superuser && !self.create_role,
            "the management role has neither CREATEROLE nor SUPERUSER: it can change only its own password",
        );
        warn(
            role.superuser,
            "the management role is a superuser; CREATEROLE (with the admin option on the managed roles from PostgreSQL 16 on) and pg_signal_backend would do",
        );
        warnings
    }
}

/// Logs in and reports.
pub(super) async fn report(config: &Config, management: &Login) -> Result<CheckReport, Fault> {
    let session = Session::open(config, management, LOOKING).await.map_err(LoginFailure::of_management)?;
    let looked = |failure| session.look_fault(failure);
    session.prepare().await.map_err(looked)?;
    let server = Server::look(&session).await.map_err(looked)?;
    let say = |class, what: String| Fault::new(class, format!("{}: {what}", config.place()));
    if let Some((class, obstacle)) = server.obstacle(config.hashing) {
        return Err(say(class, obstacle));
    }
    let Some(role) = Role::find(&session, &management.username).await.map_err(looked)? else {
        return Err(say(FaultClass::AccountMissing, "the management role cannot see itself".to_owned()));
    };
    let mut passed = vec![
        format!("the management role logs in to {}", config.place()),
        if server.encrypted {
            "the connection is encrypted by TLS"
        } else {
            "the connection is not encrypted"
        }
        .to_owned(),
        "the server takes changes (it is no standby)".to_owned(),
    ];
    if role.superuser || server.create_role {
        passed.push("the management role may change other roles' passwords".to_owned());
    }
    session.close().await;
    Ok(CheckReport {
        server: format!("PostgreSQL {}", server.version),
        passed,
        warnings: server.warnings(config, &role),
    })
}

/// The server's time.
pub(super) async fn clock(config: &Config, management: &Login) -> Result<Timestamp, Fault> {
    let session = Session::open(config, management, LOOKING).await.map_err(LoginFailure::of_management)?;
    let looked = |failure| session.look_fault(failure);
    session.prepare().await.map_err(looked)?;
    let rows = session.ask(CLOCK, &[]).await.map_err(looked)?;
    let row = rows.first().ok_or_else(|| looked(Failure::Silent))?;
    let millis: i64 = row.try_get(0).map_err(|error| looked(Failure::Said(error)))?;
    session.close().await;
    Ok(Timestamp::from_millis(millis))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

const SERVER: &str = "SELECT current_setting('server_version') AS version, \
    current_setting('server_version_num')::int AS version_number, \
    pg_is_in_recovery() AS in_recovery, \
    coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS encrypted, \
    current_setting('fsync')::boolean AS fsync, \
    current_setting('password_encryption') AS password_encryption, \
    current_setting('log_statement') AS log_statement, \
    coalesce((SELECT rolcreaterole FROM pg_roles WHERE rolname = current_user), false) AS create_role";
const CLOCK: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::int8";
/// SCRAM came with version 10.
const SCRAM_VERSION_MIN: i32 = 100_000;

#[cfg(test)]
mod tests {
    use vault_core::rotation::port::TargetSpec;

    use super::*;

    fn config(url: &str) -> Config {
        Config::parse(&TargetSpec {
            connection_url: url.to_owned(),
            settings: std::collections::BTreeMap::new(),
        })
        .unwrap()
    }

    fn sound() -> Server {
        Server {
            version: "15.18".to_owned(),
            version_number: 150_018,
            encrypted: true,
            fsync: true,
            password_encryption: "scram-sha-256".to_owned(),
            log_statement: "none".to_owned(),
            create_role: true,
            ..Server::default()
        }
    }

    #[test]
    fn a_standby_and_a_server_without_scram_are_obstacles() {
        assert_eq!(sound().obstacle(Hashing::Scram), None);
        let (class, what) = Server { in_recovery: true, ..sound() }.obstacle(Hashing::Server).unwrap();
        assert!(class == FaultClass::Unreachable && what.contains("standby"), "{what}");
        let old = Server { version: "9.6.24".to_owned(), version_number: 90_624, ..sound() };
        let (class, what) = old.obstacle(Hashing::Scram).unwrap();
        assert!(class == FaultClass::Preflight && what.contains("password_hashing"), "{what}");
        assert_eq!(old.obstacle(Hashing::Server), None);
    }

    #[test]
    fn each_weakness_is_told_and_a_sound_server_has_none() {
        let far = config("postgresql://db.example/app?sslmode=verify-full");
        assert_eq!(sound().warnings(&far, &Role::default()), Vec::<String>::new());
        for (server, role, url, word) in [
            (sound(), Role::default(), "postgresql://db.example/app", "identity"),
            (
                Server { encrypted: false, ..sound() },
                Role::default(),
                "postgresql://db.example/app?sslmode=verify-ca",
                "encrypted",
            ),
            (Server { fsync: false, ..sound() }, Role::default(), "postgresql://[::1]/app", "fsync"),
            (
                Server { password_encryption: "md5".to_owned(), ..sound() },
                Role::default(),
                "postgresql://localhost/app",
                "drivers",
            ),
            (
                Server { log_statement: "ddl".to_owned(), ..sound() },
                Role::default(),
                "host=127.0.0.1 password_hashing=server",
                "log_statement",
            ),
            (
                Server { create_role: false, ..sound() },
                Role::default(),
                "postgresql://localhost/app",
                "only its own",
            ),
            (
                sound(),
                Role { superuser: true, ..Role::default() },
                "postgresql://localhost/app",
                "is a superuser",
            ),
        ] {
            let warnings = server.warnings(&config(url), &role);
            assert_eq!(warnings.len(), 1, "{warnings:?}");
            assert!(warnings[0].contains(word), "{warnings:?}");
        }
    }
}
