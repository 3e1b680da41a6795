//! The load: one keep-alive connection for each list of requests, each sent when the last was answered.
//!
//! Written on bare sockets with requests made beforehand, so that on two cores the client takes as little as
//! it can from the server.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What came of it.
pub(crate) struct Outcome {
    /// Answers with a 2xx status, a second.
    pub(crate) rate: f64,
    /// The 99th percentile of latency, in milliseconds.
    pub(crate) p99_ms: f64,
    /// Answers with another status.
    pub(crate) failed: u64,
    /// The first of them.
    pub(crate) first_failure: String,
}

/// For each connection, the requests that it sends in turns, as bytes.
pub(crate) type Requests = Vec<Vec<Vec<u8>>>;

pub(crate) async fn run(port: u16, requests: &Requests, length: Duration) -> Outcome {
    let began = Instant::now();
    let end = began + length;
    let mut connections = JoinSet::new();
    for own in requests.clone() {
        connections.spawn(async move { connection(port, &own, end).await });
    }
    let (mut latencies, mut failed, mut first_failure) = (Vec::new(), 0, String::new());
    while let Some(done) = connections.join_next().await {
        let (own, own_failed, own_first) = done.unwrap();
        latencies.extend(own);
        failed += own_failed;
        if first_failure.is_empty() {
            first_failure = own_first;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let p99 = latencies.get(latencies.len() * 99 / 100).copied().unwrap_or_default();
    Outcome {
        rate: latencies.len() as f64 / seconds,
        p99_ms: p99.as_secs_f64() * 1000.0,
        failed,
        first_failure,
    }
}

async fn connection(port: u16, requests: &[Vec<u8>], end: Instant) -> (Vec<Duration>, u64, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut latencies, mut failed, mut first) = (Vec::with_capacity(1 << 16), 0, String::new());
    let mut buffer = Vec::with_capacity(1 << 16);
    for request in requests.iter().cycle() {
        let sent = Instant::now();
        if sent >= end {
            break;
        }
        stream.write_all(request).await.unwrap();
        let success = answer(&mut stream, &mut buffer).await;
        if success {
            latencies.push(sent.elapsed());
        } else {
            failed += 1;
            if first.is_empty() {
                first = String::from_utf8_lossy(&buffer).into_owned();
            }
        }
    }
    (latencies, failed, first)
}

/// Reads one answer to its end; whether its status is 2xx.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> bool {
    buffer.clear();
    loop {
        assert!(stream.read_buf(buffer).await.unwrap() > 0, "the server closed the connection");
        if let Some(whole) = length(buffer)
            && buffer.len() >= whole
        {
            return buffer.get(9) == Some(&b'2');
        }
        if is_chunked_end(buffer) {
            return buffer.get(9) == Some(&b'2');
        }
    }
}

/// How long the whole answer is, once its head is there and names a length.
fn length(buffer: &[u8]) -> Option<usize> {
    let head = buffer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&buffer[..head]).ok()?;
    let status = text.get(9..12)?;
    if status == "204" {
        return Some(head);
    }
    let value = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    })?;
    Some(head + value)
}

fn is_chunked_end(buffer: &[u8]) -> bool {
    buffer.ends_with(b"\r\n0\r\n\r\n")
}
