//! One connection through the proxy for a protocol of requests and answers in turns, and what befalls it.
//!
//! A request counts as what one read brings: on the loopback that is what the client wrote at once.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Mischief, Shared};

/// Passes on until either side ends or a mischief ends it.
pub(super) async fn relay(client: TcpStream, shared: Arc<Shared>) {
    let Ok(server) = TcpStream::connect(shared.upstream).await else { return };
    // Small messages go out at once; a failure only makes it slower.
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let mut relay = Relay { client, server, passed: 0, shared };
    while relay.step().await.is_some() {}
}

/// Both sides of a connection.
struct Relay {
    client: TcpStream,
    server: TcpStream,
    /// Bytes from the server so far.
    passed: usize,
    shared: Arc<Shared>,
}

impl Relay {
    /// One piece in either direction. `None` when the connection is over.
    async fn step(&mut self) -> Option<()> {
        let (mut request, mut answer) = (vec![0; PIECE_BYTES_MAX], vec![0; PIECE_BYTES_MAX]);
        tokio::select! {
            count = self.client.read(&mut request) => {
                request.truncate(count.ok().filter(|count| *count > 0)?);
                self.on_client(&request).await
            }
            count = self.server.read(&mut answer) => {
                answer.truncate(count.ok().filter(|count| *count > 0)?);
                self.on_server(&answer).await
            }
        }
    }

    async fn on_client(&mut self, request: &[u8]) -> Option<()> {
        let text = String::from_utf8_lossy(request).into_owned();
        self.shared.note(&text);
        let mischief = self.shared.mischief.borrow().clone();
        match mischief {
            Mischief::Silent => Some(()),
            Mischief::CutBefore(part) if text.contains(&part) => {
                self.shared.strike();
                None
            }
            Mischief::DropReply(part) if text.contains(&part) => {
                self.complete_unheard(request).await;
                self.shared.strike();
                None
            }
            Mischief::SwallowReply(part) if text.contains(&part) => {
                self.complete_unheard(request).await;
                self.shared.strike();
                let mut rest = [0; 64];
                while self.client.read(&mut rest).await.is_ok_and(|count| count > 0) {}
                None
            }
            Mischief::Hold(part) if text.contains(&part) => {
                let mut released = self.shared.released.subscribe();
                released.mark_unchanged();
                self.shared.strike();
                // The proxy's end passes it on as well as a release.
                let _ = released.changed().await;
                self.complete_unheard(request).await;
                self.shared.delivered.send_modify(|count| *count += 1);
                None
            }
            Mischief::Lie(part) if text.contains(&part) => {
                self.shared.strike();
                self.client.write_all(REDIS_DONE).await.ok()
            }
            Mischief::Delay(pause) => {
                tokio::time::sleep(pause).await;
                self.server.write_all(request).await.ok()
            }
            _ => self.server.write_all(request).await.ok(),
        }
    }

    async fn on_server(&mut self, answer: &[u8]) -> Option<()> {
        let mischief = self.shared.mischief.borrow().clone();
        match mischief {
            Mischief::Silent => return Some(()),
            Mischief::Delay(pause) => tokio::time::sleep(pause).await,
            Mischief::CutAfter(limit) => {
                let room = limit.saturating_sub(self.passed);
                if answer.len() >= room {
                    self.shared.strike();
                    self.client.write_all(answer.get(..room)?).await.ok()?;
                    return None;
                }
            }
            _ => {}
        }
        self.passed += answer.len();
        self.shared.passed.store(self.passed, Ordering::SeqCst);
        self.client.write_all(answer).await.ok()
    }

    /// Passes a request on, and waits until the server has begun to answer it, or has ended the connection.
    async fn complete_unheard(&mut self, request: &[u8]) {
        let mut answer = [0; 64];
        if self.server.write_all(request).await.is_ok() {
            // Whichever it was: nothing of this request is under way any more.
            let _ = self.server.read(&mut answer).await;
        }
    }
}

const PIECE_BYTES_MAX: usize = 64 * 1024;
/// What a Redis server says when a command is done.
const REDIS_DONE: &[u8] = b"+OK\r\n";
