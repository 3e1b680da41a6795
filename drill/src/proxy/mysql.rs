//! One connection of MySQL's protocol through the proxy, and what befalls it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;

use super::{Mischief, Shared};

/// Both sides of a connection.
struct Relay {
    from_client: Packets,
    to_client: WriteHalf<TcpStream>,
    from_server: Packets,
    to_server: WriteHalf<TcpStream>,
    /// Bytes from the server so far.
    passed: usize,
    shared: Arc<Shared>,
}

/// Passes on until either side ends or a mischief ends it.
pub(super) async fn relay(client: TcpStream, shared: Arc<Shared>) {
    let Ok(server) = TcpStream::connect(shared.upstream).await else { return };
    // Small messages go out at once; a failure only makes it slower.
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let (client_in, to_client) = tokio::io::split(client);
    let (server_in, to_server) = tokio::io::split(server);
    let (from_client, from_server) = (Packets::of(client_in), Packets::of(server_in));
    let mut relay = Relay { from_client, to_client, from_server, to_server, passed: 0, shared };
    while relay.step().await.is_some() {}
}

impl Relay {
    /// One packet in either direction. `None` when the connection has ended.
    async fn step(&mut self) -> Option<()> {
        tokio::select! {
            packet = self.from_client.next() => {
                let packet = packet?;
                self.on_client(packet).await
            }
            packet = self.from_server.next() => {
                let packet = packet?;
                self.on_server(&packet).await
            }
        }
    }

    async fn on_client(&mut self, packet: Vec<u8>) -> Option<()> {
        let mischief = self.shared.mischief.borrow().clone();
        let statement = statement(&packet);
        if let Some(statement) = &statement {
            self.shared.note(statement);
        }
        let hit = |text: &str| statement.as_ref().is_some_and(|statement| statement.contains(text));
        match mischief {
            Mischief::Silent => return Some(()),
            Mischief::CutBefore(text) if hit(&text) => {
                self.shared.strike();
                return None;
            }
            Mischief::DropReply(text) if hit(&text) => {
                self.complete_unheard(&packet).await?;
                self.shared.strike();
                return None;
            }
            Mischief::SwallowReply(text) if hit(&text) => {
                self.complete_unheard(&packet).await?;
                self.shared.strike();
                while self.from_client.next().await.is_some() {}
                return None;
            }
            Mischief::Hold(text) if hit(&text) => {
                let mut released = self.shared.released.subscribe();
                released.mark_unchanged();
                self.shared.strike();
                if released.changed().await.is_ok() {
                    // Where the server has ended the connection there is nobody to do it.
                    let _ = self.complete_unheard(&packet).await;
                }
                self.shared.delivered.send_modify(|count| *count += 1);
                return None;
            }
            Mischief::Lie(text) if hit(&text) => {
                self.shared.strike();
                return self.to_client.write_all(&DONE).await.ok();
            }
            Mischief::Delay(pause) => tokio::time::sleep(pause).await,
            _ => {}
        }
        self.to_server.write_all(&packet).await.ok()
    }

    async fn on_server(&mut self, packet: &[u8]) -> Option<()> {
        let mischief = self.shared.mischief.borrow().clone();
        match mischief {
            Mischief::Silent => return Some(()),
            Mischief::Delay(pause) => tokio::time::sleep(pause).await,
            Mischief::CutAfter(limit) => {
                let room = limit.saturating_sub(self.passed);
                if packet.len() >= room {
                    self.shared.strike();
                    self.to_client.write_all(packet.get(..room)?).await.ok()?;
                    return None;
                }
            }
            _ => {}
        }
        self.passed += packet.len();
        self.shared.passed.store(self.passed, Ordering::SeqCst);
        self.to_client.write_all(packet).await.ok()
    }

    /// Lets the server do the statement and keeps the answer, which is one packet for those that change something.
    async fn complete_unheard(&mut self, packet: &[u8]) -> Option<()> {
        self.to_server.write_all(packet).await.ok()?;
        self.from_server.next().await.map(drop)
    }
}

/// The text of a COM_QUERY. Commands begin anew with the number 0; answers of the login do not.
fn statement(packet: &[u8]) -> Option<String> {
    match packet {
        [_, _, _, 0, COM_QUERY, text @ ..] => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    }
}

/// Reads packets; keeps what has come of the next one, so it may be cancelled between any two bytes.
struct Packets {
    inner: ReadHalf<TcpStream>,
    buffer: Vec<u8>,
}

impl Packets {
    fn of(inner: ReadHalf<TcpStream>) -> Self {
        Self { inner, buffer: Vec::new() }
    }

    /// The next packet with its head: three bytes of length, one of number.
    async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            if let [low, middle, high, _, ..] = self.buffer.as_slice() {
                let total = 4 + (usize::from(*high) << 16 | usize::from(*middle) << 8 | usize::from(*low));
                if self.buffer.len() >= total {
                    let rest = self.buffer.split_off(total);
                    return Some(std::mem::replace(&mut self.buffer, rest));
                }
            }
            let mut chunk = [0; 4096];
            let count = self.inner.read(&mut chunk).await.ok()?;
            if count == 0 {
                return None;
            }
            self.buffer.extend_from_slice(chunk.get(..count)?);
        }
    }
}

const COM_QUERY: u8 = 3;
/// An OK packet: nothing changed, autocommit, no warning.
const DONE: [u8; 11] = [7, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0];
