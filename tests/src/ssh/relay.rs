//! A TCP relay before the server that can refuse, fall silent, and cut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// How the relay behaves towards connections that are made from now on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Passes everything on.
    #[default]
    Pass,
    /// Ends each connection at once.
    Refuse,
    /// Takes connections and answers nothing.
    Silent,
    /// Ends each connection after this many bytes from the server.
    CutAfter(usize),
    /// Passes on, but swallows what the server says after this many bytes.
    SwallowAfter(usize),
}

/// A running relay; it stops on drop.
#[derive(Debug)]
pub struct Relay {
    port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    upstream: SocketAddr,
    mode: watch::Sender<Mode>,
    /// Counts calls of `cut`.
    cuts: watch::Sender<u64>,
    /// How many bytes the server has sent on the newest connection.
    passed: AtomicUsize,
}

impl Relay {
    /// Listens on a free port of 127.0.0.1 and passes on to `upstream_port` there.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(upstream_port: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no port for the relay")?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            upstream: SocketAddr::from(([127, 0, 0, 1], upstream_port)),
            mode: watch::Sender::new(Mode::Pass),
            cuts: watch::Sender::new(0),
            passed: AtomicUsize::new(0),
        });
        let task = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self { port, shared, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Behaves like this from now on; open connections go on as they were.
    pub fn set(&self, mode: Mode) {
        self.shared.mode.send_replace(mode);
    }

    /// Ends all connections.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|count| *count += 1);
    }

    /// How many bytes the server has sent on the newest connection.
    #[must_use]
    pub fn bytes_from_server(&self) -> usize {
        self.shared.passed.load(Ordering::SeqCst)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let mode = *shared.mode.borrow();
        let mut cuts = shared.cuts.subscribe();
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            tokio::select! {
                _ = cuts.changed() => {}
                () = connection(client, mode, &shared) => {}
            }
        });
    }
}

async fn connection(client: TcpStream, mode: Mode, shared: &Shared) {
    if mode == Mode::Refuse {
        return;
    }
    let Ok(server) = TcpStream::connect(shared.upstream).await else { return };
    let ((mut from_client, to_client), (from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    shared.passed.store(0, Ordering::SeqCst);
    let up = async {
        if mode == Mode::Silent {
            std::future::pending::<()>().await;
        }
        // An end of one direction is passed on; both must end.
        let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
        let _ = to_server.shutdown().await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = up => {}
        () = down(from_server, to_client, mode, &shared.passed) => {}
    }
}

async fn down(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mode: Mode, passed: &AtomicUsize) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(count) = from.read(&mut buffer).await else { return };
        let before = passed.fetch_add(count, Ordering::SeqCst);
        let pass = match mode {
            Mode::Pass => count,
            Mode::Refuse | Mode::Silent => 0,
            Mode::CutAfter(limit) | Mode::SwallowAfter(limit) => count.min(limit.saturating_sub(before)),
        };
        let Some(part) = buffer.get(..pass) else { return };
        if to.write_all(part).await.is_err() || count == 0 {
            return;
        }
        if pass < count && matches!(mode, Mode::CutAfter(_)) {
            return;
        }
    }
}
