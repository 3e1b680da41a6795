//! Accepts connections, with bounds on how many and on how long a handshake may take.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::tls::{TlsError, server_config};
use crate::config::Listener;
use crate::shutdown::Shutdown;

/// Why the server does not listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}")]
    Bind {
        /// Which address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// TLS was asked for and cannot be served.
    #[error("cannot serve TLS")]
    Tls(#[source] TlsError),
}

/// A bound address, which accepts nothing yet.
pub struct Bound {
    socket: TcpListener,
    acceptor: Option<TlsAcceptor>,
    address: SocketAddr,
}

impl Bound {
    /// Binds; the certificate is read now, so that a mistake in it ends the start.
    ///
    /// # Errors
    /// [`ListenError`] by cause.
    pub async fn bind(listener: &Listener) -> Result<Self, ListenError> {
        let acceptor = listener.tls.as_ref().map(server_config).transpose().map_err(ListenError::Tls)?;
        let bind = |source| ListenError::Bind { address: listener.address, source };
        let socket = TcpListener::bind(listener.address).await.map_err(bind)?;
        let address = socket.local_addr().map_err(bind)?;
        Ok(Self { socket, acceptor: acceptor.map(TlsAcceptor::from), address })
    }

    /// The address with its real port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// As clients write it, such as `https://127.0.0.1:8200`.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.acceptor.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Serves until `shutdown` begins, then waits for the connections under way, bounded.
    pub async fn serve(self, router: Router, connections_max: usize, shutdown: Shutdown) {
        let graceful = GracefulShutdown::new();
        let permits = Arc::new(Semaphore::new(connections_max));
        loop {
            let accepted = tokio::select! {
                () = shutdown.begun() => break,
                accepted = accept(&self.socket, &permits) => accepted,
            };
            let (stream, remote, permit) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: a short rest lets connections end.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let connection = Connection {
                acceptor: self.acceptor.clone(),
                router: router.clone(),
                watcher: graceful.watcher(),
                remote,
                permit,
            };
            tokio::spawn(connection.serve(stream));
        }
        drop(self.socket);
        if tokio::time::timeout(DRAIN_MAX, graceful.shutdown()).await.is_err() {
            tracing::warn!("connections were cut that had not ended in time");
        }
    }
}

async fn accept(
    socket: &TcpListener,
    permits: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    // The permit comes first: what waits is in the system's queue, not in our memory.
    let permit = Arc::clone(permits).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, remote) = socket.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, remote, permit))
}

struct Connection {
    acceptor: Option<TlsAcceptor>,
    router: Router,
    watcher: hyper_util::server::graceful::Watcher,
    remote: SocketAddr,
    permit: OwnedSemaphorePermit,
}

impl Connection {
    async fn serve(self, stream: TcpStream) {
        let _permit = self.permit;
        let remote = self.remote;
        let router = self.router.map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(remote));
            request.map(axum::body::Body::new)
        });
        let service = TowerToHyperService::new(router);
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_MAX);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(Some(H2_PING))
            .max_concurrent_streams(256);
        let ended = match self.acceptor {
            None => self.watcher.watch(builder.serve_connection(TokioIo::new(stream), service)).await,
            Some(acceptor) => match tokio::time::timeout(HANDSHAKE_MAX, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => {
                    self.watcher.watch(builder.serve_connection(TokioIo::new(stream), service)).await
                }
                Ok(Err(error)) => return tracing::debug!(%remote, %error, "a TLS handshake failed"),
                Err(_) => return tracing::debug!(%remote, "a TLS handshake took too long"),
            },
        };
        if let Err(error) = ended {
            tracing::debug!(%remote, %error, "a connection ended with an error");
        }
    }
}

/// A TLS handshake may take so long.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// The head of a request may take so long; also closes connections that stay idle.
const HEADER_MAX: Duration = Duration::from_secs(75);
const H2_PING: Duration = Duration::from_secs(30);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Connections may take so long to end after the server was asked to.
const DRAIN_MAX: Duration = Duration::from_secs(15);
