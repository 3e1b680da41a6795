//! The private servers behind one face: how an outsider does harm to each, and how it is mended.

use std::path::PathBuf;

use anyhow::{Context, Result};
use ldap3::Mod;
use ldap3::controls::{MakeCritical, RelaxRules};
use serde_json::{Value, json};

use crate::fault::Kind;
use crate::ldap::{BASE, LdapOptions, LdapServer, MANAGEMENT, PEOPLE, account_dn};
use crate::postgres::{PostgresOptions, PostgresServer};
use crate::proxy::Mischief;

/// A private server.
#[derive(Debug)]
pub(crate) enum Server {
    /// PostgreSQL.
    Postgresql(Box<PostgresServer>),
    /// OpenLDAP.
    Ldap(Box<LdapServer>),
}

impl Server {
    /// A running one, with password checks on and a management credential that may change accounts.
    pub(crate) async fn start(kind: Kind) -> Result<Self> {
        match kind {
            Kind::Postgresql => {
                let server =
                    PostgresServer::start_with(&PostgresOptions { fast: true, ..Default::default() })?;
                let role = format!("CREATE ROLE {KEEPER} SUPERUSER LOGIN PASSWORD '{KEEPER_PASSWORD}'");
                server.admin().await?.batch_execute(&role).await?;
                Ok(Self::Postgresql(Box::new(server)))
            }
            Kind::Ldap => {
                let policy = ["pwdLockout: TRUE", "pwdMaxFailure: 5"].map(ToOwned::to_owned).to_vec();
                let server = LdapServer::start_with(&LdapOptions { policy, ..Default::default() }).await?;
                let mut admin = server.admin().await?;
                let strict = [
                    ("objectClass", &["device", "pwdPolicy"][..]),
                    ("cn", &["strict"]),
                    ("pwdAttribute", &["userPassword"]),
                    ("pwdCheckQuality", &["2"]),
                    ("pwdMinLength", &["60"]),
                ];
                let values = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
                let entry = strict.iter().map(|(name, all)| ((*name).to_owned(), values(all))).collect();
                admin.ldap.add(&strict_policy(), entry).await?.success()?;
                Ok(Self::Ldap(Box::new(server)))
            }
        }
    }

    /// The port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        match self {
            Self::Postgresql(server) => server.port(),
            Self::Ldap(server) => server.port(),
        }
    }

    /// What `targets/config` takes, with this port before the server.
    pub(crate) fn target(&self, port: u16) -> Value {
        match self {
            Self::Postgresql(_) => json!({
                "rotator": Kind::Postgresql.word(), "username": KEEPER, "password": KEEPER_PASSWORD,
                "connection_url":
                    format!("{}&connect_timeout=6s&statement_timeout=6s", crate::postgres::url_template(port)),
            }),
            Self::Ldap(server) => json!({
                "rotator": Kind::Ldap.word(), "username": MANAGEMENT, "password": server.password(),
                "connection_url": format!("ldap://127.0.0.1:{port}"), "sslmode": "disable", "userdn": PEOPLE,
                "connect_timeout": "5s", "request_timeout": "5s",
            }),
        }
    }

    /// Makes accounts that may log in, with this password.
    pub(crate) async fn create(&self, names: &[String], password: &str) -> Result<()> {
        match self {
            Self::Postgresql(server) => {
                let one = |name: &String| format!("CREATE ROLE {name} LOGIN PASSWORD '{password}';");
                Ok(server.admin().await?.batch_execute(&names.iter().map(one).collect::<String>()).await?)
            }
            Self::Ldap(server) => {
                for name in names {
                    server.create_account(name, password).await?;
                }
                Ok(())
            }
        }
    }

    /// Whether a fresh login succeeds, past vault and proxy.
    pub(crate) async fn accepts(&self, username: &str, password: &str) -> Result<bool> {
        match self {
            Self::Postgresql(server) => server.accepts(username, password).await,
            Self::Ldap(server) => server.accepts(&account_dn(username), password).await,
        }
    }

    /// Shuts the server down in order.
    pub(crate) fn stop(&mut self) -> Result<()> {
        match self {
            Self::Postgresql(server) => server.stop(),
            Self::Ldap(server) => server.stop(),
        }
    }

    /// Starts it again on the same port.
    pub(crate) async fn start_again(&mut self) -> Result<()> {
        match self {
            Self::Postgresql(server) => server.start_again(),
            Self::Ldap(server) => server.start_again().await,
        }
    }

    /// Somebody sets an account's password by hand.
    pub(crate) async fn set_password(&self, username: &str, password: &str) -> Result<()> {
        match self {
            Self::Postgresql(server) => {
                sql(server, &format!("ALTER ROLE {username} PASSWORD '{password}'")).await
            }
            Self::Ldap(server) => replace(server, &account_dn(username), "userPassword", password).await,
        }
    }

    /// An administrator locks an account, or unlocks it.
    pub(crate) async fn lock(&self, username: &str, is_locked: bool) -> Result<()> {
        match self {
            Self::Postgresql(server) => {
                let word = if is_locked { "NOLOGIN" } else { "LOGIN" };
                sql(server, &format!("ALTER ROLE {username} {word}")).await
            }
            Self::Ldap(server) => {
                // draft-behera-ldap-password-policy, 5.3.3: locked until an administrator says otherwise.
                let lock = if is_locked { vec!["000001010000Z".to_owned()] } else { Vec::new() };
                let change = Mod::Replace("pwdAccountLockedTime".to_owned(), lock.into_iter().collect());
                server.modify(&account_dn(username), vec![change]).await
            }
        }
    }

    /// Somebody sets the management credential's password by hand; its open sessions end.
    pub(crate) async fn set_management(&self, password: &str) -> Result<()> {
        match self {
            Self::Postgresql(server) => {
                let role = format!("ALTER ROLE {KEEPER} PASSWORD '{password}' VALID UNTIL 'infinity'");
                sql(server, &format!("{role}; {END_SESSIONS}")).await
            }
            Self::Ldap(server) => replace(server, MANAGEMENT, "userPassword", password).await,
        }
    }

    /// The management credential's password is from now on one that has expired; its open sessions end.
    pub(crate) async fn expire_management(&self) -> Result<()> {
        match self {
            Self::Postgresql(server) => {
                sql(server, &format!("ALTER ROLE {KEEPER} VALID UNTIL '2020-01-01'; {END_SESSIONS}")).await
            }
            Self::Ldap(server) => {
                replace(server, &format!("cn=quiet,{BASE}"), "pwdMaxAge", "86400").await?;
                let past = Mod::Replace("pwdChangedTime".to_owned(), ["20200101000000Z".to_owned()].into());
                let mut admin = server.admin().await?;
                let ldap = admin.ldap.with_controls(RelaxRules.critical());
                ldap.modify(MANAGEMENT, vec![past]).await?.success()?;
                Ok(())
            }
        }
    }

    /// How many logins of the management credential the server has refused so far, by its own log.
    pub(crate) async fn management_refused(&self) -> Result<u64> {
        match self {
            Self::Postgresql(server) => {
                let refused = format!("password authentication failed for user \"{KEEPER}\"");
                Ok(server.log_until_now().await?.matches(&refused).count() as u64)
            }
            Self::Ldap(server) => Ok(u64::from(server.refused_logins(MANAGEMENT).await?)),
        }
    }

    /// From now on the server has a rule for this account's password that what the vault makes next does not fit. `false`
    /// when this server cannot have one.
    pub(crate) async fn tighten(&self, username: &str) -> Result<bool> {
        match self {
            Self::Postgresql(server) => {
                if server.admin().await?.batch_execute("LOAD 'passwordcheck'").await.is_err() {
                    return Ok(false);
                }
                let load = format!("ALTER ROLE {KEEPER} SET session_preload_libraries = 'passwordcheck'");
                sql(server, &format!("{load}; {END_SESSIONS}")).await?;
            }
            Self::Ldap(server) => {
                replace(server, &account_dn(username), "pwdPolicySubentry", &strict_policy()).await?;
            }
        }
        Ok(true)
    }

    /// The statement, or the request, that sets a password, as it goes over the wire.
    pub(crate) fn change_on_the_wire(&self) -> &'static str {
        match self {
            Self::Postgresql(_) => "ALTER ROLE",
            // Password Modify, RFC 3062.
            Self::Ldap(_) => "1.3.6.1.4.1.4203.1.11.1",
        }
    }

    /// The change is done, and the answer to it is lost with the connection.
    pub(crate) fn cut(&self) -> Mischief {
        Mischief::DropReply(match self {
            Self::Postgresql(_) => "COMMIT".to_owned(),
            Self::Ldap(_) => self.change_on_the_wire().to_owned(),
        })
    }

    /// Ends it and leaves its folder on the disk.
    pub(crate) fn keep(self) -> Result<PathBuf> {
        match self {
            Self::Postgresql(server) => server.keep(),
            Self::Ldap(server) => server.keep(),
        }
    }
}

async fn sql(server: &PostgresServer, text: &str) -> Result<()> {
    server.admin().await?.batch_execute(text).await.context("the server refuses a statement")
}

async fn replace(server: &LdapServer, dn: &str, attribute: &str, value: &str) -> Result<()> {
    server.modify(dn, vec![Mod::Replace(attribute.to_owned(), [value.to_owned()].into())]).await
}

fn strict_policy() -> String {
    format!("cn=strict,{BASE}")
}

/// PostgreSQL's management role.
const KEEPER: &str = "keeper";
const KEEPER_PASSWORD: &str = "as-it-was-at-1st";
const END_SESSIONS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'keeper'";
