//! Looks at the server and the management credential, for people and before a change.

use std::collections::BTreeMap;
use std::net::IpAddr;

use vault_core::clock::Timestamp;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{CheckReport, Login};

use super::LOOKING;
use super::account::Account;
use super::classify::LoginFailure;
use super::command::Flavour;
use super::config::{Config, Hashing};
use super::rights;
use super::session::{Session, Texts};
use crate::network::TlsMode;

/// What the server says about itself, and about the session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) flavour: Flavour,
    /// As it says it, such as `10.11.19-MariaDB-log`.
    version: String,
    /// The account that the session is let in as.
    pub(super) me: Account,
    /// The host that the session comes from, as the server sees it.
    pub(super) seen: String,
    pub(super) encrypted: bool,
    /// Password validation plugins of MariaDB that are active.
    validates: bool,
    /// Of [`VARIABLES`] and [`GALERA`] those that it has.
    variables: BTreeMap<String, String>,
}

impl Server {
    /// Looks, in a session that was prepared.
    pub(super) async fn look(session: &mut Session<'_>) -> Result<Self, Fault> {
        let mut asked = Vec::new();
        for question in [ABOUT, VARIABLES, GALERA, CIPHER, VALIDATORS] {
            asked.push(session.ask(question).await.map_err(|failure| session.look_fault(failure))?);
        }
        let [about, variables, galera, cipher, validators] = asked.try_into().unwrap_or_default();
        let mut about =
            about.into_iter().next().unwrap_or_default().into_iter().map(Option::unwrap_or_default);
        let mut next = || about.next().unwrap_or_default();
        let version = next();
        let me = Account::answered(&next());
        let seen = Account::answered(&next()).host;
        Ok(Self {
            flavour: if version.contains("MariaDB") { Flavour::MariaDb } else { Flavour::MySql },
            version,
            me,
            seen,
            encrypted: pairs(cipher).values().any(|cipher| !cipher.is_empty()),
            validates: !validators.is_empty(),
            variables: pairs(variables.into_iter().chain(galera)),
        })
    }

    /// Why no password can be changed on it at all.
    pub(super) fn obstacle(&self, config: &Config) -> Option<String> {
        if self.is_read_only() {
            return Some(
                "this server is read-only (read_only), a replica perhaps; name the primary".to_owned(),
            );
        }
        if config.dual_password && !self.has_dual_passwords() {
            return Some(format!(
                "{} has no second passwords, which MySQL has from 8.0.14 on; set dual_password to false",
                self.name()
            ));
        }
        None
    }

    pub(super) fn is_read_only(&self) -> bool {
        ["read_only", "super_read_only"].iter().any(|name| self.is_on(name))
    }

    /// Whether we hash: where the server writes what it is told into its logs, and looks at no password.
    pub(super) fn wants_hash(&self, hashing: Hashing) -> bool {
        hashing == Hashing::Auto && self.flavour == Flavour::MariaDb && !self.validates
    }

    /// Whether it takes no hash from anybody, also none that is no password's.
    pub(super) fn takes_no_hash(&self) -> bool {
        self.validates && self.is_on("strict_password_validation")
    }

    /// An identifier of the server's own: of a cluster where it is in one, else its own. `None` where it has none.
    pub(super) fn identifier(&self) -> Option<String> {
        ["wsrep_cluster_state_uuid", "group_replication_group_name", "server_uuid", "server_uid"]
            .iter()
            .find_map(|name| self.variables.get(*name).filter(|value| !value.is_empty()).cloned())
    }

    fn is_on(&self, name: &str) -> bool {
        // Newer MariaDB has more than two words for read_only.
        self.variables.get(name).is_some_and(|value| !matches!(value.as_str(), "OFF" | "0" | ""))
    }

    /// Whether an account can have two passwords.
    pub(super) fn has_dual_passwords(&self) -> bool {
        let mut numbers =
            self.version.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
        let mut next = || -> u32 { numbers.next().unwrap_or(0) };
        self.flavour == Flavour::MySql && (next(), next(), next()) >= DUAL_VERSION_MIN
    }

    fn name(&self) -> String {
        match self.flavour {
            Flavour::MySql => format!("MySQL {}", self.version),
            Flavour::MariaDb => format!("MariaDB {}", self.version),
        }
    }

    fn warnings(&self, config: &Config, grants: &[String]) -> Vec<String> {
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
            self.variables.get("innodb_flush_log_at_trx_commit").is_some_and(|value| value != "1"),
            "innodb_flush_log_at_trx_commit is not 1: after a crash of the server a changed password may be the old one again",
        );
        let logs = self.is_on("general_log") || self.is_on("log_bin");
        warn(
            self.flavour == Flavour::MariaDb && !self.wants_hash(config.hashing) && logs,
            "the server hashes passwords and writes statements into its general log or binary log: new passwords will be there",
        );
        warn(
            !rights::may_alter_others(grants),
            "the management credential has no CREATE USER: it can change only its own password",
        );
        warnings
    }
}

/// Logs in and reports.
pub(super) async fn report(config: &Config, management: &Login) -> Result<CheckReport, Fault> {
    let mut session =
        Session::open(config, management, LOOKING).await.map_err(LoginFailure::of_management)?;
    session.prepare().await.map_err(|failure| session.look_fault(failure))?;
    let server = Server::look(&mut session).await?;
    if let Some(obstacle) = server.obstacle(config) {
        return Err(Fault::new(FaultClass::Preflight, format!("{}: {obstacle}", config.place())));
    }
    let grants = own_grants(&mut session).await?;
    let sees_all = session.sees_all_sessions().await?;
    session.close().await;
    let mut passed = vec![
        format!("the management credential logs in to {} as the account {}", config.place(), server.me),
        if server.encrypted {
            "the connection is encrypted by TLS"
        } else {
            "the connection is not encrypted"
        }
        .to_owned(),
        "the server takes changes (it is not read-only)".to_owned(),
    ];
    let mut warnings = server.warnings(config, &grants);
    if rights::may_alter_others(&grants) {
        passed.push("the management credential may change other accounts' passwords".to_owned());
    }
    if sees_all {
        passed.push("the management credential sees all sessions".to_owned());
    } else {
        warnings.push(
            "the management credential has no PROCESS: it cannot end sessions of other accounts".to_owned(),
        );
    }
    Ok(CheckReport { server: server.name(), passed, warnings })
}

/// The server's time; `None` for an answer that is none.
pub(super) async fn clock(config: &Config, management: &Login) -> Result<Option<Timestamp>, Fault> {
    let mut session =
        Session::open(config, management, LOOKING).await.map_err(LoginFailure::of_management)?;
    let rows = session.ask(CLOCK).await.map_err(|failure| session.look_fault(failure))?;
    session.close().await;
    let millis = first_column(rows).first().and_then(|text| text.parse().ok());
    Ok(millis.map(Timestamp::from_millis))
}

/// What the session's own account was granted, roles in effect included.
pub(super) async fn own_grants(session: &mut Session<'_>) -> Result<Vec<String>, Fault> {
    let rows = session.ask("SHOW GRANTS").await.map_err(|failure| session.look_fault(failure))?;
    Ok(first_column(rows))
}

pub(super) fn first_column(rows: Vec<Texts>) -> Vec<String> {
    rows.into_iter().filter_map(|row| row.into_iter().next()?).collect()
}

fn pairs(rows: impl IntoIterator<Item = Texts>) -> BTreeMap<String, String> {
    let pair = |row: Texts| {
        let mut columns = row.into_iter();
        Some((columns.next()??, columns.next()?.unwrap_or_default()))
    };
    rows.into_iter().filter_map(pair).collect()
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

const ABOUT: &str = "SELECT VERSION(), CURRENT_USER(), USER()";
const CLOCK: &str = "SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)";
const VARIABLES: &str = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('read_only', 'super_read_only', \
     'server_uuid', 'server_uid', 'group_replication_group_name', 'general_log', 'log_bin', \
     'innodb_flush_log_at_trx_commit', 'strict_password_validation')";
const GALERA: &str = "SHOW GLOBAL STATUS LIKE 'wsrep_cluster_state_uuid'";
const CIPHER: &str = "SHOW SESSION STATUS LIKE 'Ssl_cipher'";
/// MariaDB's; MySQL's is a component, and there the server hashes in any case.
const VALIDATORS: &str = "SELECT PLUGIN_NAME FROM information_schema.PLUGINS \
     WHERE PLUGIN_TYPE = 'PASSWORD VALIDATION' AND PLUGIN_STATUS = 'ACTIVE'";
/// Where MySQL got `RETAIN CURRENT PASSWORD`.
const DUAL_VERSION_MIN: (u32, u32, u32) = (8, 0, 14);

#[cfg(test)]
mod tests {
    use vault_core::rotation::port::TargetSpec;

    use super::*;

    fn config(url: &str) -> Config {
        Config::parse(&TargetSpec { connection_url: url.to_owned(), settings: BTreeMap::new() }).unwrap()
    }

    fn server(version: &str, variables: &[(&str, &str)]) -> Server {
        Server {
            flavour: if version.contains("MariaDB") { Flavour::MariaDb } else { Flavour::MySql },
            version: version.to_owned(),
            encrypted: true,
            variables: variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Server::default()
        }
    }

    #[test]
    fn a_read_only_server_is_an_obstacle() {
        let plain = config("mysql://db");
        for (name, value, found) in [
            ("read_only", "OFF", false),
            ("read_only", "ON", true),
            ("read_only", "NO_LOCK_NO_ADMIN", true),
            ("super_read_only", "ON", true),
            ("server_uuid", "x", false),
        ] {
            assert_eq!(server("8.4.3", &[(name, value)]).obstacle(&plain).is_some(), found, "{name}={value}");
        }
    }

    #[test]
    fn second_passwords_are_asked_for_only_where_the_server_has_them() {
        let dual = config("mysql://db/?dual_password=true");
        for (version, has) in [
            ("8.0.14", true),
            ("8.0.36-28.1", true),
            ("8.4.3", true),
            ("9.1.0-commercial", true),
            ("8.0.13", false),
            ("5.7.44-log", false),
            ("10.11.19-MariaDB-0+deb12u1", false),
            ("11.8.2-MariaDB", false),
        ] {
            let obstacle = server(version, &[]).obstacle(&dual);
            assert_eq!(obstacle.is_none(), has, "{version}: {obstacle:?}");
            assert!(obstacle.is_none_or(|text| text.contains("dual_password")), "{version}");
            assert_eq!(server(version, &[]).obstacle(&config("mysql://db")), None, "{version}");
        }
    }

    #[test]
    fn the_vault_hashes_only_where_nothing_is_lost() {
        let maria = server("10.11.19-MariaDB", &[]);
        assert!(maria.wants_hash(Hashing::Auto));
        assert!(!maria.wants_hash(Hashing::Server));
        assert!(!Server { validates: true, ..maria }.wants_hash(Hashing::Auto));
        assert!(!server("8.4.3", &[]).wants_hash(Hashing::Auto));
    }

    #[test]
    fn a_cluster_is_one_server() {
        for (variables, want) in [
            (&[][..], None),
            (&[("server_uid", "maria"), ("wsrep_cluster_state_uuid", "")], Some("maria")),
            (&[("server_uid", "maria"), ("wsrep_cluster_state_uuid", "galera")], Some("galera")),
            (&[("server_uuid", "one"), ("group_replication_group_name", "group")], Some("group")),
            (&[("server_uuid", "one"), ("group_replication_group_name", "")], Some("one")),
        ] {
            assert_eq!(server("x", variables).identifier().as_deref(), want);
        }
    }

    #[test]
    fn each_weakness_is_told_and_a_sound_server_has_none() {
        let grants = ["GRANT CREATE USER ON *.* TO `vault`@`%`".to_owned()];
        let sound = server("10.11.19-MariaDB", &[("innodb_flush_log_at_trx_commit", "1"), ("log_bin", "ON")]);
        let far = config("mysql://db.example/?sslmode=verify-full");
        assert_eq!(sound.warnings(&far, &grants), Vec::<String>::new());
        let relaxed = server("10.11.19-MariaDB", &[("innodb_flush_log_at_trx_commit", "2")]);
        for (server, url, grants, word) in [
            (sound.clone(), "mysql://db.example", &grants[..], "identity"),
            (
                Server { encrypted: false, ..sound.clone() },
                "mysql://db.example/?sslmode=verify-ca",
                &grants,
                "encrypted",
            ),
            (relaxed, "mysql://127.0.0.1", &grants, "flush"),
            (sound.clone(), "mysql://localhost/?password_hashing=server", &grants, "binary log"),
            (Server { validates: true, ..sound.clone() }, "mysql://[::1]", &grants, "binary log"),
            (sound.clone(), "mysql://localhost", &[], "only its own"),
        ] {
            let warnings = server.warnings(&config(url), grants);
            assert_eq!(warnings.len(), 1, "{warnings:?}");
            assert!(warnings[0].contains(word), "{warnings:?}");
        }
    }
}
