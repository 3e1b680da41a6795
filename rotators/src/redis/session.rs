//! One connection to the server: opening it, asking, ending it. All I/O of the rotator is here.
//!
//! A command is one write and one answer, in order; there is never more than one on its way. Every wait has
//! its limit. Dropping a session closes its socket.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use vault_core::id::RotationId;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::Login;

use super::classify::{self, LoginFailure};
use super::command::encode;
use super::config::{Config, Place};
use super::reply::Reply;
use super::user::User;
use crate::network::dial::{self, Wire};

/// An open connection, logged in.
pub(super) struct Session<'a> {
    wire: Box<dyn Wire>,
    /// What has come of the next answer.
    buffer: Vec<u8>,
    config: &'a Config,
}

/// Why no answer can be used.
pub(super) enum Failure {
    /// The server refused, in these words; they are not to be shown.
    Said(String),
    /// The connection broke, or nothing came in time, or what came was no answer.
    Silent,
}

impl<'a> Session<'a> {
    /// Logs in by the path that consumers use.
    pub(super) async fn open(config: &'a Config, login: &Login) -> Result<Self, LoginFailure> {
        let opened = async {
            let place = config.place();
            let wire = dial::open(&config.host, config.port, &config.reach, &place)
                .await
                .map_err(LoginFailure::Other)?;
            let mut session = Self { wire, buffer: Vec::new(), config };
            let words = ["AUTH", &login.username, login.password.expose()];
            match session.ask(&words).await {
                Ok(_) => Ok(session),
                Err(Failure::Said(refusal)) => Err(classify::login(&refusal, place)),
                Err(Failure::Silent) => Err(LoginFailure::Other(session.silence("the login"))),
            }
        };
        match timeout(config.reach.connect_timeout, opened).await {
            Ok(result) => result,
            Err(_) => Err(LoginFailure::Other(Fault::new(
                FaultClass::Unreachable,
                format!("{}: no login within {:?}", config.place(), config.reach.connect_timeout),
            ))),
        }
    }

    /// Where this session is, for messages.
    pub(super) fn place(&self) -> Place<'a> {
        self.config.place()
    }

    /// Sends one command and waits for its answer. After a failure other than the server's own words, what
    /// became of the command is not known.
    pub(super) async fn ask(&mut self, words: &[&str]) -> Result<Reply, Failure> {
        let command = encode(words);
        let limit = self.config.reach.request_timeout;
        let answered = async {
            self.wire.write_all(command.expose()).await.ok()?;
            self.wire.flush().await.ok()?;
            self.read().await
        };
        match timeout(limit, answered).await {
            Ok(Some(Reply::Refusal(words))) => Err(Failure::Said(words)),
            Ok(Some(reply)) => Ok(reply),
            Ok(None) | Err(_) => Err(Failure::Silent),
        }
    }

    /// The next answer; `None` when there will be none.
    async fn read(&mut self) -> Option<Reply> {
        // A long text is looked at only once it can be whole.
        let mut wanted = 0;
        loop {
            if self.buffer.len() >= wanted {
                if let Some((reply, used)) = Reply::parse(&self.buffer).ok()? {
                    self.buffer.drain(..used);
                    return Some(reply);
                }
                wanted = self.buffer.len().saturating_add(self.buffer.len() / 2);
            }
            if self.buffer.len() > ANSWER_BYTES_MAX {
                return None;
            }
            let mut piece = [0_u8; 16 * 1024];
            let count = self.wire.read(&mut piece).await.ok().filter(|count| *count > 0)?;
            self.buffer.extend_from_slice(piece.get(..count)?);
        }
    }

    /// A look that changes nothing; `what` names it in messages.
    pub(super) async fn look(&mut self, words: &[&str], what: &str) -> Result<Reply, Fault> {
        self.ask(words).await.map_err(|failure| self.fault(failure, what))
    }

    /// The user of this name, if there is one.
    pub(super) async fn user(&mut self, name: &str) -> Result<Option<User>, Fault> {
        Ok(User::read(&self.look(&["ACL", "GETUSER", name], "ACL GETUSER").await?))
    }

    /// Marks this connection as one of a rotation, so that [`Session::end_marked`] finds it.
    pub(super) async fn mark(&mut self, rotation: RotationId) -> Result<(), Fault> {
        self.look(&["CLIENT", "SETNAME", &mark(rotation)], "CLIENT SETNAME").await.map(drop)
    }

    /// Ends every other connection that bears this rotation's mark. The server runs one command at a time
    /// and nothing of a connection that it has ended, so what they had sent is either done or never happens.
    pub(super) async fn end_marked(&mut self, rotation: RotationId) -> Result<(), Fault> {
        let listed = self.look(&["CLIENT", "LIST"], "CLIENT LIST").await?;
        let name = format!("name={}", mark(rotation));
        let marked = listed
            .text()
            .unwrap_or_default()
            .lines()
            .filter(|line| line.split(' ').any(|field| field == name));
        for line in marked {
            let Some(id) = line.split(' ').find_map(|field| field.strip_prefix("id=")) else { continue };
            self.look(&["CLIENT", "KILL", "ID", id], "CLIENT KILL").await?;
        }
        Ok(())
    }

    /// A failed command as a fault; `what` names it.
    pub(super) fn fault(&self, failure: Failure, what: &str) -> Fault {
        match failure {
            Failure::Said(refusal) => classify::command(&refusal, what, self.place()),
            Failure::Silent => self.silence(what),
        }
    }

    fn silence(&self, what: &str) -> Fault {
        let place = self.place();
        Fault::new(FaultClass::Unreachable, format!("{place}: {what} got no answer that could be used"))
    }
}

/// The name of connections that may change something.
fn mark(rotation: RotationId) -> String {
    format!("rotunda:{rotation}")
}

/// The longest answer; what it holds has limits of its own.
const ANSWER_BYTES_MAX: usize = super::reply::BULK_BYTES_MAX + 1024;
