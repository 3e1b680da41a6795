//! One connection through the proxy, and what befalls it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::io::{AsyncWriteExt, WriteHalf};
use tokio::net::TcpStream;

use super::frame::{Frame, FrameReader};
use super::{Mischief, Shared};

type Reader = FrameReader<tokio::io::ReadHalf<TcpStream>>;

/// Both sides of a connection.
struct Relay {
    from_client: Reader,
    to_client: WriteHalf<TcpStream>,
    from_server: Reader,
    to_server: WriteHalf<TcpStream>,
    /// What the server said last about its transaction: `I`dle, in `T`ransaction, `E`rror.
    transaction: u8,
    /// Bytes from the server so far.
    passed: usize,
    shared: Arc<Shared>,
}

/// Whether a connection goes on.
#[derive(PartialEq, Eq)]
enum Next {
    GoOn,
    End,
}

/// Passes on until either side ends or a mischief ends it.
pub(super) async fn relay(client: TcpStream, shared: Arc<Shared>) {
    let mischief = shared.mischief.borrow().clone();
    if mischief == Mischief::Silent {
        return swallow(client, shared).await;
    }
    let Ok(server) = TcpStream::connect(shared.upstream).await else { return };
    // Small messages go out at once; a failure only makes it slower.
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let (client_in, to_client) = tokio::io::split(client);
    let (server_in, to_server) = tokio::io::split(server);
    let mut relay = Relay {
        from_client: FrameReader::untyped(client_in),
        to_client,
        from_server: FrameReader::typed(server_in),
        to_server,
        transaction: b'I',
        passed: 0,
        shared,
    };
    while relay.step().await == Some(Next::GoOn) {}
}

/// Keeps a connection open without a word until the client or the mischief ends.
async fn swallow(client: TcpStream, shared: Arc<Shared>) {
    let mut mischief = shared.mischief.subscribe();
    let mut reader = FrameReader::untyped(client);
    let forever = async { while reader.next().await.is_some() {} };
    tokio::select! {
        () = forever => {}
        _ = mischief.wait_for(|mischief| *mischief != Mischief::Silent) => {}
    }
}

impl Relay {
    /// One message in either direction. `None` when a side has ended.
    async fn step(&mut self) -> Option<Next> {
        tokio::select! {
            frame = self.from_client.next() => {
                let frame = frame?;
                self.on_client(frame).await
            }
            frame = self.from_server.next() => {
                let frame = frame?;
                self.on_server(&frame).await
            }
        }
    }

    async fn on_client(&mut self, frame: Frame) -> Option<Next> {
        if frame.asks_for_encryption() {
            self.to_client.write_all(b"N").await.ok()?;
            return Some(Next::GoOn);
        }
        if frame.asks_for_cancel() {
            self.to_server.write_all(&frame.bytes).await.ok()?;
            return Some(Next::End);
        }
        let mischief = self.shared.mischief.borrow().clone();
        let statement = frame.statement();
        if let Some(statement) = &statement {
            self.shared.note(statement);
        }
        let hit = |text: &str| statement.as_ref().is_some_and(|statement| statement.contains(text));
        match mischief {
            Mischief::Silent => Some(Next::GoOn),
            Mischief::CutBefore(text) if hit(&text) => {
                self.shared.strike();
                Some(Next::End)
            }
            Mischief::DropReply(text) if hit(&text) => {
                self.complete_unheard(&frame).await?;
                self.shared.strike();
                Some(Next::End)
            }
            Mischief::SwallowReply(text) if hit(&text) => {
                self.complete_unheard(&frame).await?;
                self.shared.strike();
                while self.from_client.next().await.is_some() {}
                None
            }
            Mischief::Hold(text) if hit(&text) => self.hold(&frame).await,
            Mischief::Lie(text) if hit(&text) => {
                self.shared.strike();
                self.to_client
                    .write_all(&lie(&statement.unwrap_or_default(), self.transaction))
                    .await
                    .ok()?;
                Some(Next::GoOn)
            }
            Mischief::Delay(pause) => {
                tokio::time::sleep(pause).await;
                self.forward(&frame).await
            }
            _ => self.forward(&frame).await,
        }
    }

    async fn on_server(&mut self, frame: &Frame) -> Option<Next> {
        if frame.kind == READY_FOR_QUERY {
            self.transaction = frame.body().first().copied().unwrap_or(b'I');
        }
        let mischief = self.shared.mischief.borrow().clone();
        match mischief {
            Mischief::Silent => return Some(Next::GoOn),
            Mischief::Delay(pause) => tokio::time::sleep(pause).await,
            Mischief::CutAfter(limit) => {
                let room = limit.saturating_sub(self.passed);
                if frame.bytes.len() >= room {
                    self.shared.strike();
                    self.to_client.write_all(frame.bytes.get(..room)?).await.ok()?;
                    return Some(Next::End);
                }
            }
            _ => {}
        }
        self.passed += frame.bytes.len();
        self.shared.passed.store(self.passed, Ordering::SeqCst);
        self.to_client.write_all(&frame.bytes).await.ok()?;
        Some(Next::GoOn)
    }

    async fn forward(&mut self, frame: &Frame) -> Option<Next> {
        self.to_server.write_all(&frame.bytes).await.ok()?;
        Some(Next::GoOn)
    }

    /// Lets the server do the statement (and what follows it up to Sync) and keeps the answer.
    async fn complete_unheard(&mut self, frame: &Frame) -> Option<()> {
        self.to_server.write_all(&frame.bytes).await.ok()?;
        let mut last = frame.kind;
        while last != b'Q' && last != SYNC {
            let next = self.from_client.next().await?;
            self.to_server.write_all(&next.bytes).await.ok()?;
            last = next.kind;
        }
        while self.from_server.next().await?.kind != READY_FOR_QUERY {}
        Some(())
    }

    /// Keeps the statement until it is released, whatever the client does meanwhile; then lets the server
    /// act on it and ends.
    async fn hold(&mut self, frame: &Frame) -> Option<Next> {
        let mut released = self.shared.released.subscribe();
        released.mark_unchanged();
        self.shared.strike();
        let result = async {
            released.changed().await.ok()?;
            self.complete_unheard(frame).await
        }
        .await;
        self.shared.delivered.send_modify(|count| *count += 1);
        result.map(|()| Next::End)
    }
}

/// `CommandComplete` and `ReadyForQuery`, as if the statement had been done.
fn lie(statement: &str, transaction: u8) -> Vec<u8> {
    let words: Vec<&str> = statement.split_whitespace().take(2).collect();
    let tag = words.join(" ");
    let mut bytes = vec![b'C'];
    bytes.extend(u32::try_from(tag.len() + 5).unwrap_or_default().to_be_bytes());
    bytes.extend(tag.as_bytes());
    bytes.extend([0, READY_FOR_QUERY, 0, 0, 0, 5, transaction]);
    bytes
}

const READY_FOR_QUERY: u8 = b'Z';
const SYNC: u8 = b'S';
