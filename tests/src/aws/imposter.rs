//! Stands before a server and answers some requests itself, as the real service would and the imitation does not.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What is answered to requests that hold a text.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The text, in head or body.
    pub part: String,
    /// How many requests are passed on before.
    pub after: u32,
    /// How many are answered so; then they are passed on again.
    pub times: u32,
    /// The status.
    pub status: u16,
    /// The body.
    pub body: String,
}

impl Answer {
    /// A refusal in AWS's form, of the next request that holds `part`.
    #[must_use]
    pub fn refusal(part: &str, status: u16, code: &str, message: &str) -> Self {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
             <RequestId>1</RequestId></ErrorResponse>"
        );
        Self { part: part.to_owned(), after: 0, times: 1, status, body }
    }

    /// The same so often.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// The same after so many that are passed on.
    #[must_use]
    pub fn after(self, after: u32) -> Self {
        Self { after, ..self }
    }
}

/// A running imposter; it stops on drop.
#[derive(Debug)]
pub struct Imposter {
    port: u16,
    answers: Arc<Mutex<Vec<Answer>>>,
    task: JoinHandle<()>,
}

impl Imposter {
    /// Listens on a free port of 127.0.0.1 and passes on to `upstream` there.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(upstream: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no port for the imposter")?;
        let port = listener.local_addr()?.port();
        let answers: Arc<Mutex<Vec<Answer>>> = Arc::default();
        let shared = Arc::clone(&answers);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let answers = Arc::clone(&shared);
                tokio::spawn(async move { serve(client, upstream, &answers).await });
            }
        });
        Ok(Self { port, answers, task })
    }

    /// The port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Answers so from now on, in place of what was said before.
    pub fn set(&self, answers: impl IntoIterator<Item = Answer>) {
        *self.answers.lock().unwrap_or_else(PoisonError::into_inner) = answers.into_iter().collect();
    }
}

impl Drop for Imposter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request: the clients here open a connection for each.
async fn serve(mut client: TcpStream, upstream: u16, answers: &Mutex<Vec<Answer>>) -> Option<()> {
    let request = read_request(&mut client).await?;
    let told = own_answer(&String::from_utf8_lossy(&request), answers);
    if let Some((status, body)) = told {
        let head = format!(
            "HTTP/1.1 {status} X\r\nDate: Sun, 22 Nov 2026 16:00:00 GMT\r\nContent-Type: text/xml\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        return client.write_all(format!("{head}{body}").as_bytes()).await.ok();
    }
    let mut server = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], upstream))).await.ok()?;
    server.write_all(&request).await.ok()?;
    tokio::io::copy(&mut server, &mut client).await.ok().map(drop)
}

fn own_answer(request: &str, answers: &Mutex<Vec<Answer>>) -> Option<(u16, String)> {
    let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
    let answer = answers.iter_mut().find(|answer| answer.times > 0 && request.contains(&answer.part))?;
    if answer.after > 0 {
        answer.after -= 1;
        return None;
    }
    answer.times -= 1;
    Some((answer.status, answer.body.clone()))
}

/// Head and body.
async fn read_request(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split_once("content-length: ").and_then(|(_, rest)| rest.lines().next());
            if body.len() >= length.and_then(|length| length.parse().ok()).unwrap_or(0) {
                return Some(request);
            }
        }
        let count = client.read(&mut piece).await.ok().filter(|count| *count > 0)?;
        request.extend_from_slice(piece.get(..count)?);
    }
}
