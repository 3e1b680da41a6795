//! One connection to the server: opening it, asking, ending it. All I/O of the rotator is here.
//!
//! Every wait has its limit. A connection that is dropped closes its socket at once; nothing of it goes
//! on in the background.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Row, Statement};
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::Login;

use super::classify::{self, LoginFailure};
use super::config::{Config, Place};
use super::idle::{Idle, Key};
use super::link::Link;
use super::{LOOKING, command};

/// An open connection, and where it leads to.
pub(super) struct Session<'a> {
    link: Link,
    config: &'a Config,
    /// Where it waits for its next use; `None` for one that is used once.
    home: Option<(Idle, Key)>,
}

/// Which sessions to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Selection {
    /// Those that bear this application name.
    Named,
    /// Those of this role.
    OfRole,
}

impl Selection {
    fn terminate(self) -> &'static str {
        match self {
            Self::Named => {
                "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE application_name = $1 AND pid <> pg_backend_pid()"
            }
            // Without pg_read_all_stats the type of others' sessions is hidden. A parallel worker ends
            // with its leader.
            Self::OfRole => {
                "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE usename = $1 AND pid <> pg_backend_pid() \
                 AND coalesce(backend_type, 'client backend') IN ('client backend', 'walsender')"
            }
        }
    }
}

/// Why no answer can be used.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server or the connection said no.
    Said(Error),
    /// Nothing came in time.
    Silent,
}

impl<'a> Session<'a> {
    /// Logs in by the path that consumers use.
    pub(super) async fn open(
        config: &'a Config,
        login: &Login,
        application_name: &str,
    ) -> Result<Self, LoginFailure> {
        match timeout(config.reach.connect_timeout, Link::dial(config, login, application_name)).await {
            Ok(link) => Ok(Self { link: link?, config, home: None }),
            Err(_) => Err(LoginFailure::Other(Fault::new(
                FaultClass::Unreachable,
                format!("{}: no connection within {:?}", config.place(), config.reach.connect_timeout),
            ))),
        }
    }

    /// Logs in as [`open`](Self::open) does, unless a session of that login waits for its next use. It bears
    /// `application_name` before anything else is asked of it.
    ///
    /// Whoever comes upon a login that is under way waits for what comes of it: a refused password is tried once, not
    /// once for each who needs it. They wait as long as they would for a login of their own.
    pub(super) async fn reopen(
        config: &'a Config,
        login: &Login,
        application_name: &str,
        (idle, key): (&Idle, Key),
    ) -> Result<Self, LoginFailure> {
        let asked_at = Instant::now();
        if let Some(session) = Self::waiting(config, application_name, (idle, key)).await {
            return Ok(session);
        }
        let Ok(mut door) = timeout(config.reach.connect_timeout, idle.door(key).lock_owned()).await else {
            let what = format!("{}: no login of the management credential came to an end", config.place());
            return Err(LoginFailure::Other(Fault::new(FaultClass::Unreachable, what)));
        };
        if let Some(refusal) = door.refusal_for(asked_at) {
            return Err(refusal);
        }
        if let Some(session) = Self::waiting(config, application_name, (idle, key)).await {
            return Ok(session);
        }
        let opened = Self::open(config, login, application_name).await;
        if let Err(refusal @ (LoginFailure::Refused(_) | LoginFailure::Blocked(_))) = &opened {
            // Those that got in before are of a credential that does not open the server any more.
            idle.refuse(key);
            door.note(refusal.clone());
        }
        Ok(Self { home: Some((idle.clone(), key)), ..opened? })
    }

    /// A session of that login that waits for its next use. It bears `application_name` before anything else is asked
    /// of it.
    pub(super) async fn waiting(
        config: &'a Config,
        application_name: &str,
        (idle, key): (&Idle, Key),
    ) -> Option<Self> {
        while let Some(link) = idle.take(key) {
            let session = Self { link, config, home: Some((idle.clone(), key)) };
            // One that is broken, or does not answer at once, says nothing about the target: a fresh login does.
            if let Ok(Ok(())) = timeout(WAKING_TIME_MAX, session.rename(application_name)).await {
                return Some(session);
            }
        }
        None
    }

    async fn rename(&self, application_name: &str) -> Result<(), Failure> {
        let rename = "SELECT pg_catalog.set_config('application_name', $1, false)";
        self.ask(rename, &[(&application_name, Type::TEXT)]).await.map(drop)
    }

    /// The session has done what it was opened for, everything was answered, and no transaction is open: it may wait
    /// for its next use, under a name that is no rotation's.
    pub(super) async fn give_back(mut self) {
        let Some((idle, key)) = self.home.take() else { return self.close().await };
        match timeout(CLOSE_TIME_MAX, self.rename(LOOKING)).await {
            Ok(Ok(())) => idle.keep(key, self.link),
            Ok(Err(_)) | Err(_) => self.close().await,
        }
    }

    /// Where this session is, for messages.
    pub(super) fn place(&self) -> Place<'a> {
        self.config.place()
    }

    /// Whether the connection is known to be gone.
    pub(super) fn is_closed(&self) -> bool {
        self.link.client.is_closed()
    }

    /// As whom it is logged in.
    pub(super) async fn user(&self) -> Result<Option<String>, Failure> {
        if self.link.user.is_some() {
            return Ok(self.link.user.clone());
        }
        let rows = self.ask("SELECT session_user::pg_catalog.text", &[]).await?;
        Ok(rows.first().and_then(|row| row.try_get(0).ok()))
    }

    /// Lets names mean the server's own catalogue from here on.
    pub(super) async fn prepare(&self) -> Result<(), Failure> {
        if self.link.is_prepared.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.run(&command::session_limits(self.config.reach.request_timeout.as_millis())).await?;
        self.link.is_prepared.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// The limits of a transaction that changes something, as one query.
    pub(super) fn transaction_limits(&self) -> String {
        command::transaction_limits(self.config.reach.request_timeout.as_millis())
    }

    /// Runs one statement without parameters, in one round trip.
    pub(super) async fn run(&self, statement: &str) -> Result<(), Failure> {
        self.within(self.link.client.batch_execute(statement)).await
    }

    /// Asks one question: in one round trip, and where the session is used again in one more the first time.
    pub(super) async fn ask(
        &self,
        question: &'static str,
        parameters: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, Failure> {
        if self.home.is_none() {
            return self.within(self.link.client.query_typed(question, parameters)).await;
        }
        let statement = self.statement(question, parameters).await?;
        let values: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|(value, _)| *value).collect();
        self.within(self.link.client.query(&statement, &values)).await
    }

    async fn statement(
        &self,
        question: &'static str,
        parameters: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Statement, Failure> {
        let known = || self.link.statements.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(statement) = known().get(question) {
            return Ok(statement.clone());
        }
        let types: Vec<Type> = parameters.iter().map(|(_, of)| of.clone()).collect();
        let statement = self.within(self.link.client.prepare_typed(question, &types)).await?;
        known().insert(question, statement.clone());
        Ok(statement)
    }

    async fn within<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
        // The server's own limit comes first when it is alive; then its answer tells more.
        match timeout(self.config.reach.request_timeout.saturating_add(REPLY_GRACE), answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Failure::Said(error)),
            Err(_) => Err(Failure::Silent),
        }
    }

    /// Ends in order, so that the server does not note a broken connection. Waits only briefly.
    pub(super) async fn close(self) {
        let Link { client, mut driver, .. } = self.link;
        drop(client);
        // Past the limit, dropping the driver closes the socket without the good-bye.
        let _ = timeout(CLOSE_TIME_MAX, &mut driver.0).await;
    }

    /// Ends every session that `selection` names by its parameter, and waits until they are gone, so
    /// that what they were doing is either done or never happens. Returns how many there were.
    ///
    /// # Errors
    /// `permission_denied` when the server does not let us, `unreachable` when they are still there when
    /// the time is up.
    pub(super) async fn end_others(&self, selection: Selection, key: &str) -> Result<u32, Fault> {
        let ended = async {
            let first = self
                .ask(selection.terminate(), &[(&key, Type::TEXT)])
                .await
                .map_err(|f| self.look_fault(f))?;
            let pids: Vec<i32> = first.iter().filter_map(|row| row.try_get(0).ok()).collect();
            let mut pause = GONE_PAUSE_MIN;
            if pids.is_empty() {
                return Ok(0);
            }
            loop {
                let left = self
                    .ask(STILL_THERE, &[(&pids, Type::INT4_ARRAY)])
                    .await
                    .map_err(|f| self.look_fault(f))?;
                if left.is_empty() {
                    return Ok(u32::try_from(pids.len()).unwrap_or(u32::MAX));
                }
                sleep(pause).await;
                pause = (pause * 2).min(GONE_PAUSE_MAX);
            }
        };
        match timeout(self.config.reach.request_timeout, ended).await {
            Ok(result) => result,
            Err(_) => Err(Fault::new(
                FaultClass::Unreachable,
                format!("{}: sessions that were told to end are still there", self.place()),
            )),
        }
    }

    /// A failed look at the catalogue, as a fault.
    pub(super) fn look_fault(&self, failure: Failure) -> Fault {
        match failure {
            Failure::Said(error) => classify::look(&error, self.place()),
            Failure::Silent => self.silence(),
        }
    }

    /// A failed step of the change before it could have happened, as a fault.
    pub(super) fn change_fault(&self, failure: Failure) -> Fault {
        match failure {
            Failure::Said(error) => classify::change(&error, self.place()),
            Failure::Silent => self.silence(),
        }
    }

    fn silence(&self) -> Fault {
        Fault::new(FaultClass::Unreachable, format!("{}: the server fell silent", self.place()))
    }
}

const STILL_THERE: &str = "SELECT pid FROM pg_stat_activity WHERE pid = ANY($1)";
/// An answer may come this much later than the server's own limit for a statement.
const REPLY_GRACE: Duration = Duration::from_secs(1);
/// A session that has waited answers within this time, or another is opened.
const WAKING_TIME_MAX: Duration = Duration::from_secs(1);
/// Longest wait for an orderly good-bye.
const CLOSE_TIME_MAX: Duration = Duration::from_millis(500);
const GONE_PAUSE_MIN: Duration = Duration::from_millis(5);
const GONE_PAUSE_MAX: Duration = Duration::from_millis(100);
