//! One connection to the directory: opening it, asking, ending it. All I/O of the rotator is here.
//!
//! Every wait has its limit. A connection that is dropped closes its socket at once; nothing of it goes
//! on in the background.

use std::sync::Arc;
use std::time::Duration;

use ldap3::controls::RawControl;
use ldap3::exop::{PasswordModify, WhoAmI};
use ldap3::{
    Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Mod, Scope, SearchEntry, SearchOptions,
    StdStream,
};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::Login;
use vault_core::secret::SecretString;

use super::classify::{self, LoginFailure, POLICY_CONTROL, Reply, SUCCESS};
use super::command;
use super::config::{Config, Encryption, Place};
use crate::network::{dial, tls};

/// An open connection that is logged in.
pub(super) struct Session<'a> {
    ldap: Ldap,
    driver: Driver,
    config: &'a Config,
}

/// The task that moves the bytes of a connection; dropping it closes the socket.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The request was not sent.
    Unsent,
    /// It was sent, or a part of it, and no answer came.
    Silent,
}

/// What a modification does, with the attribute and its values.
pub(super) type Change = Mod<Vec<u8>>;

impl<'a> Session<'a> {
    /// Logs in by the path that consumers use.
    pub(super) async fn open(config: &'a Config, login: &Login) -> Result<Self, LoginFailure> {
        match timeout(config.reach.connect_timeout, Self::dial(config, login)).await {
            Ok(result) => result,
            Err(_) => Err(LoginFailure::Other(Fault::new(
                FaultClass::Unreachable,
                format!("{}: no connection within {:?}", config.place(), config.reach.connect_timeout),
            ))),
        }
    }

    async fn dial(config: &'a Config, login: &Login) -> Result<Self, LoginFailure> {
        let refused = |error: command::LoginError| {
            LoginFailure::Other(Fault::new(FaultClass::Preflight, format!("{}: {error}", config.place())))
        };
        // With an empty password the bind would succeed as nobody.
        command::check_name(&login.username).map_err(refused)?;
        command::check_password(&login.password).map_err(refused)?;
        let mut session = connect(config).await.map_err(LoginFailure::Other)?;
        let name = command::bind_name(config, &login.username);
        let answer = session
            .ldap
            .with_controls(vec![policy_control()])
            .simple_bind(&name, login.password.expose())
            .await;
        let result = answer.map_err(|_| {
            LoginFailure::Other(
                session.fault(FaultClass::Unreachable, "the connection broke during the login"),
            )
        })?;
        classify::login(&Reply::of(&result), config.place())?;
        Ok(session)
    }

    /// Where this session is, for messages.
    pub(super) fn place(&self) -> Place<'a> {
        self.config.place()
    }

    /// A fault at this place.
    pub(super) fn fault(&self, class: FaultClass, what: &str) -> Fault {
        Fault::new(class, format!("{}: {what}", self.place()))
    }

    /// Sets a password by the Password Modify operation (RFC 3062), so that the directory hashes it.
    pub(super) async fn set_password(&mut self, dn: &str, password: &SecretString) -> Result<Reply, Failure> {
        let request = PasswordModify { user_id: Some(dn), old_pass: None, new_pass: Some(password.expose()) };
        let limit = self.config.reach.request_timeout;
        let answer = self.ldap.with_controls(vec![policy_control()]).extended(request);
        settled(timeout(limit, answer).await.map(|answer| answer.map(|answer| answer.1)))
    }

    /// Changes an entry, wholly or not at all.
    pub(super) async fn modify(&mut self, dn: &str, changes: Vec<Change>) -> Result<Reply, Failure> {
        let limit = self.config.reach.request_timeout;
        let answer = self.ldap.with_controls(vec![policy_control()]).modify(dn, changes);
        settled(timeout(limit, answer).await)
    }

    /// Whom the directory takes this session for (RFC 4532): `dn:…`, `u:…`, or nothing for nobody. `None` where it
    /// does not tell.
    pub(super) async fn who_am_i(&mut self) -> Result<Option<String>, Fault> {
        let limit = self.config.reach.request_timeout;
        let answer = timeout(limit, self.ldap.extended(WhoAmI)).await;
        let Ok(Ok(answer)) = answer else { return Err(self.silence()) };
        match answer.1.rc {
            SUCCESS => Ok(Some(String::from_utf8_lossy(&answer.0.val.unwrap_or_default()).into_owned())),
            _ => Ok(None),
        }
    }

    /// Looks for entries below `base`; the reply says whether all of them were shown.
    pub(super) async fn search(&mut self, look: Look<'_>) -> Result<(Reply, Vec<SearchEntry>), Fault> {
        let limit = self.config.reach.request_timeout;
        let options = SearchOptions::new().sizelimit(look.entries_max);
        let search = async {
            let ldap = self.ldap.with_search_options(options);
            ldap.search(look.base, look.scope, look.filter, look.attributes).await
        };
        match timeout(limit, search).await {
            Ok(Ok(found)) => {
                Ok((Reply::of(&found.1), found.0.into_iter().map(SearchEntry::construct).collect()))
            }
            Ok(Err(_)) | Err(_) => Err(self.silence()),
        }
    }

    /// One entry, by its DN; `None` when it is not there.
    pub(super) async fn entry(
        &mut self,
        dn: &str,
        attributes: &[&str],
    ) -> Result<Option<SearchEntry>, Fault> {
        let look =
            Look { base: dn, scope: Scope::Base, filter: "(objectClass=*)", attributes, entries_max: 1 };
        let (reply, entries) = self.search(look).await?;
        match reply.code {
            SUCCESS => Ok(entries.into_iter().next()),
            classify::NO_SUCH_OBJECT => Ok(None),
            _ => Err(classify::look(&reply, self.place(), "an entry")),
        }
    }

    /// Ends in order, so that the server does not note a broken connection. Waits only briefly.
    pub(super) async fn close(mut self) {
        // Past the limit, dropping the driver closes the socket without the good-bye.
        let _ = timeout(CLOSE_TIME_MAX, async {
            let _ = self.ldap.unbind().await;
            let _ = (&mut self.driver.0).await;
        })
        .await;
    }

    /// The directory fell silent before anything was changed.
    pub(super) fn silence(&self) -> Fault {
        self.fault(FaultClass::Unreachable, "the directory fell silent")
    }
}

/// What to look for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look<'a> {
    pub(super) base: &'a str,
    pub(super) scope: Scope,
    pub(super) filter: &'a str,
    pub(super) attributes: &'a [&'a str],
    /// How many entries are wanted at most; 0 for as many as there are.
    pub(super) entries_max: i32,
}

fn settled(
    answer: Result<Result<LdapResult, LdapError>, tokio::time::error::Elapsed>,
) -> Result<Reply, Failure> {
    match answer {
        Ok(Ok(result)) => Ok(Reply::of(&result)),
        // The task that writes had ended before it took the request.
        Ok(Err(LdapError::OpSend { .. } | LdapError::AddNoValues)) => Err(Failure::Unsent),
        Ok(Err(_)) | Err(_) => Err(Failure::Silent),
    }
}

/// Resolves the name, connects to the first address that answers, and begins TLS.
async fn connect(config: &Config) -> Result<Session<'_>, Fault> {
    let say = |class, what: &str| Fault::new(class, format!("{}: {what}", config.place()));
    let stream = dial::connect(&config.host, config.port, &config.place()).await?;
    let stream = stream.into_std().map_err(|_| say(FaultClass::Unreachable, "no TCP connection"))?;
    let mut settings = LdapConnSettings::new().set_std_stream(StdStream::Tcp(stream));
    let mut host = config.bracketed_host();
    if config.encryption != Encryption::Off {
        let client = tls::client_config(&config.reach).await;
        let client = client.map_err(|error| say(FaultClass::Tls, &error.to_string()))?;
        settings =
            settings.set_config(Arc::new(client)).set_starttls(config.encryption == Encryption::StartTls);
        if host.starts_with('[') {
            // The library cannot name such an address; where it is not verified, any name will do.
            NAMELESS.clone_into(&mut host);
        }
    }
    let scheme = if config.encryption == Encryption::FromStart { "ldaps" } else { "ldap" };
    let opened = LdapConnAsync::with_settings(settings, &format!("{scheme}://{host}:{}", config.port)).await;
    let (connection, ldap) = opened.map_err(|error| match error {
        LdapError::LdapResult { .. } => say(FaultClass::Tls, "the directory does not offer StartTLS"),
        LdapError::Rustls { .. } | LdapError::DNSName { .. } => {
            say(FaultClass::Tls, "TLS failed: the two sides did not agree")
        }
        LdapError::Io { source } if source.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => {
            say(FaultClass::Tls, &format!("TLS failed: {}", tls::words(&source)))
        }
        _ => say(FaultClass::Unreachable, "the connection broke before the login"),
    })?;
    // What breaks the connection is told to the request that waits for an answer.
    let driver = Driver(tokio::spawn(async move { drop(connection.drive().await) }));
    Ok(Session { ldap, driver, config })
}

/// Asks for the reasons of a password policy. A directory that knows none ignores it.
fn policy_control() -> RawControl {
    RawControl { ctype: POLICY_CONTROL.to_owned(), crit: false, val: None }
}

/// Longest wait for an orderly good-bye.
const CLOSE_TIME_MAX: Duration = Duration::from_millis(500);
const NAMELESS: &str = "address.invalid";
