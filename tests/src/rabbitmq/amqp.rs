//! A connection by AMQP 0-9-1, opened as consumers do and then kept; written without the rotator's.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// An open connection, which ends in order when the server asks for it, and when this is dropped.
#[derive(Debug)]
pub struct Connection {
    served: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.served.abort();
    }
}

/// The byte stream of a connection.
struct Stream(TcpStream);

impl Connection {
    /// Logs in on this port of 127.0.0.1 and opens the virtual host `/`; `None` when the credential is refused.
    ///
    /// # Errors
    /// When it does not come to that.
    pub async fn open(port: u16, username: &str, password: &str) -> Result<Option<Self>> {
        let opened =
            tokio::time::timeout(LOGIN_TIME_MAX, Stream::negotiate(port, username, password)).await??;
        Ok(opened.map(|stream| Self { served: tokio::spawn(stream.serve()) }))
    }

    /// Waits until the server has ended the connection.
    ///
    /// # Errors
    /// When it stays open for long.
    pub async fn ended(&mut self) -> Result<()> {
        Ok(tokio::time::timeout(LOGIN_TIME_MAX, &mut self.served).await??)
    }
}

impl Stream {
    async fn negotiate(port: u16, username: &str, password: &str) -> Result<Option<Self>> {
        let mut connection = Self(TcpStream::connect(("127.0.0.1", port)).await?);
        connection.0.write_all(b"AMQP\x00\x00\x09\x01").await?;
        if connection.method().await?.0 != 10 {
            bail!("no Start");
        }
        let plain = format!("\0{username}\0{password}");
        // capabilities { authentication_failure_close: true }
        let capability = b"\x1cauthentication_failure_closet\x01";
        let mut body = long(&[b"\x0ccapabilitiesF", long(capability).as_slice()].concat());
        body.extend(b"\x05PLAIN");
        body.extend(long(plain.as_bytes()));
        body.extend(b"\x05en_US");
        connection.send(11, &body).await?;
        let (number, tune) = connection.method().await?;
        match number {
            30 => {}
            50 if tune.starts_with(&403_u16.to_be_bytes()) => return Ok(None),
            other => bail!("method {other} in answer to Start-Ok"),
        }
        connection.send(31, &tune).await?;
        connection.send(40, b"\x01/\x00\x00").await?;
        match connection.method().await? {
            (41, _) => Ok(Some(connection)),
            (other, _) => bail!("method {other} in answer to Open"),
        }
    }

    /// Answers the server's wish to close, as every client does.
    async fn serve(mut self) {
        while let Ok((number, _)) = self.method().await {
            if number == 50 {
                // The server waits for the answer and then ends the connection.
                let _ = self.send(51, &[]).await;
            }
        }
    }

    async fn send(&mut self, number: u16, arguments: &[u8]) -> Result<()> {
        let mut payload = [10_u16.to_be_bytes(), number.to_be_bytes()].concat();
        payload.extend(arguments);
        let length = u32::try_from(payload.len())?.to_be_bytes();
        let frame = [&[1, 0, 0], length.as_slice(), &payload, &[0xCE]].concat();
        Ok(self.0.write_all(&frame).await?)
    }

    /// The next method of the class `connection`: its number and arguments.
    async fn method(&mut self) -> Result<(u16, Vec<u8>)> {
        loop {
            let kind = self.0.read_u8().await?;
            let _channel = self.0.read_u16().await?;
            let mut payload = vec![0; usize::try_from(self.0.read_u32().await?)?];
            self.0.read_exact(&mut payload).await?;
            let end = self.0.read_u8().await?;
            match payload.as_slice() {
                [0, 10, high, low, arguments @ ..] if kind == 1 && end == 0xCE => {
                    return Ok((u16::from_be_bytes([*high, *low]), arguments.to_vec()));
                }
                // A heartbeat.
                [] if kind == 8 => {}
                _ => bail!("a frame of kind {kind} that is none of the negotiation"),
            }
        }
    }
}

fn long(text: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    bytes.extend(text);
    bytes
}

const LOGIN_TIME_MAX: Duration = Duration::from_secs(20);
