//! A TCP proxy before a server that misbehaves on purpose.
//!
//! Before PostgreSQL it understands enough of the protocol (PostgreSQL manual, chapter "Frontend/Backend Protocol") to strike
//! at one statement: to cut the connection before or after it, to keep it back, or to answer it with a lie.
//! It speaks cleartext only: a request for TLS is answered with "no", so use `sslmode=disable` or `prefer`.
//! Before servers of which each request is sent at once and answered before the next ([`FaultProxy::start_plain`])
//! it strikes at what a client sends in one piece.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

mod frame;
mod mysql;
mod plain;
mod relay;

/// How the proxy behaves. A text names a statement: it is struck when it contains the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mischief {
    /// Passes everything on.
    #[default]
    None,
    /// Nobody listens on the port.
    Refuse,
    /// Takes connections, reads what comes, answers nothing.
    Silent,
    /// Ends each connection after this many bytes from the server.
    CutAfter(usize),
    /// Waits so long before each piece that it passes on, in both directions.
    Delay(Duration),
    /// Ends the connection instead of passing the statement on: it certainly never happens.
    CutBefore(String),
    /// Passes the statement on, waits until the server has done it, swallows the answer and ends the connection.
    DropReply(String),
    /// Passes the statement on, waits until the server has done it, then is silent.
    SwallowReply(String),
    /// Keeps the statement back; [`FaultProxy::release`] passes it on, even when the client has gone meanwhile.
    Hold(String),
    /// Answers the statement with "done" and does not pass it on.
    Lie(String),
}

/// A running proxy; it stops on drop.
#[derive(Debug)]
pub struct FaultProxy {
    port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// How the byte stream is cut into what can be struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Postgres,
    MySql,
    Plain,
}

/// What the proxy and its connections share.
#[derive(Debug)]
struct Shared {
    upstream: SocketAddr,
    protocol: Protocol,
    mischief: watch::Sender<Mischief>,
    /// How often a statement was struck.
    struck: watch::Sender<u64>,
    /// Counts calls of `release`.
    released: watch::Sender<u64>,
    /// How often a held statement was passed on at last.
    delivered: watch::Sender<u64>,
    /// How many connections were taken.
    connections: watch::Sender<u64>,
    statements: Mutex<Vec<String>>,
    /// How many bytes the server has sent on the newest connection.
    passed: AtomicUsize,
}

impl FaultProxy {
    /// Listens on a free port of 127.0.0.1 and passes on to `upstream_port` there.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(upstream_port: u16) -> Result<Self> {
        Self::start_with(upstream_port, Protocol::Postgres).await
    }

    /// The same before a MySQL server, whose protocol it knows as well; without TLS.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start_mysql(upstream_port: u16) -> Result<Self> {
        Self::start_with(upstream_port, Protocol::MySql).await
    }

    /// The same before a server of another protocol, of requests and answers in turns.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start_plain(upstream_port: u16) -> Result<Self> {
        Self::start_with(upstream_port, Protocol::Plain).await
    }

    async fn start_with(upstream_port: u16, protocol: Protocol) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no port for the proxy")?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            upstream: SocketAddr::from(([127, 0, 0, 1], upstream_port)),
            protocol,
            mischief: watch::Sender::default(),
            struck: watch::Sender::default(),
            released: watch::Sender::default(),
            delivered: watch::Sender::default(),
            connections: watch::Sender::default(),
            statements: Mutex::default(),
            passed: AtomicUsize::default(),
        });
        let task = tokio::spawn(serve(Some(listener), port, Arc::clone(&shared)));
        Ok(Self { port, shared, task })
    }

    /// The port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address template of a PostgreSQL server as seen through the proxy.
    #[must_use]
    pub fn url_template(&self) -> String {
        crate::postgres::url_template(self.port)
    }

    /// Behaves like this from now on, also on connections that are open. Returns once nobody listens any
    /// more ([`Mischief::Refuse`]) or somebody does again.
    ///
    /// # Errors
    /// When the port cannot be taken again after [`Mischief::Refuse`].
    pub async fn set(&self, mischief: Mischief) -> Result<()> {
        let listens = mischief != Mischief::Refuse;
        let before = self.shared.mischief.send_replace(mischief);
        if listens == (before != Mischief::Refuse) {
            return Ok(());
        }
        // The listener reacts in its own task; what counts is what a client would meet.
        for _ in 0..LISTENER_CHECKS_MAX {
            if TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() == listens {
                return Ok(());
            }
            tokio::time::sleep(LISTENER_CHECK_PAUSE).await;
        }
        anyhow::bail!("the proxy did not follow")
    }

    /// Passes a held statement on.
    pub fn release(&self) {
        self.shared.released.send_modify(|count| *count += 1);
    }

    /// How often a statement was struck so far.
    #[must_use]
    pub fn struck(&self) -> u64 {
        *self.shared.struck.borrow()
    }

    /// Waits until statements were struck `count` times since the start.
    ///
    /// # Errors
    /// When the proxy has ended.
    pub async fn wait_struck(&self, count: u64) -> Result<()> {
        self.shared.struck.subscribe().wait_for(|struck| *struck >= count).await?;
        Ok(())
    }

    /// Waits until held statements were passed on `count` times since the start (or failed to be, because
    /// the server had ended the connection).
    ///
    /// # Errors
    /// When the proxy has ended.
    pub async fn wait_delivered(&self, count: u64) -> Result<()> {
        self.shared.delivered.subscribe().wait_for(|delivered| *delivered >= count).await?;
        Ok(())
    }

    /// How many connections were taken so far.
    #[must_use]
    pub fn connections(&self) -> u64 {
        *self.shared.connections.borrow()
    }

    /// How many bytes were passed on from the server to the client, on the newest connection.
    #[must_use]
    pub fn bytes_from_server(&self) -> usize {
        self.shared.passed.load(Ordering::SeqCst)
    }

    /// The statements that came by, in order of arrival.
    #[must_use]
    pub fn statements(&self) -> Vec<String> {
        self.shared.statements.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn note(&self, statement: &str) {
        self.statements.lock().unwrap_or_else(PoisonError::into_inner).push(statement.to_owned());
    }

    fn strike(&self) {
        self.struck.send_modify(|count| *count += 1);
    }
}

/// Accepts until it is aborted; connections end with it, because the set is dropped.
async fn serve(mut listener: Option<TcpListener>, port: u16, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    let mut mischief = shared.mischief.subscribe();
    loop {
        let refuse = *mischief.borrow_and_update() == Mischief::Refuse;
        if refuse {
            listener = None;
            connections.abort_all();
        } else if listener.is_none() {
            listener = TcpListener::bind(("127.0.0.1", port)).await.ok();
        }
        let Some(open) = &listener else {
            let pause = if refuse { Duration::MAX } else { LISTENER_CHECK_PAUSE };
            tokio::select! {
                changed = mischief.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(pause) => {}
            }
            continue;
        };
        tokio::select! {
            changed = mischief.changed() => if changed.is_err() { return },
            accepted = open.accept() => if let Ok((client, _)) = accepted {
                shared.connections.send_modify(|count| *count += 1);
                let shared = Arc::clone(&shared);
                match shared.protocol {
                    Protocol::Postgres => connections.spawn(relay::relay(client, shared)),
                    Protocol::MySql => connections.spawn(mysql::relay(client, shared)),
                    Protocol::Plain => connections.spawn(plain::relay(client, shared)),
                };
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

const LISTENER_CHECKS_MAX: u32 = 500;
const LISTENER_CHECK_PAUSE: Duration = Duration::from_millis(10);
