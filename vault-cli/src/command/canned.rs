//! A server for tests: answers what a script says, in order, and keeps what was asked.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::Value;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Method and path with query, as in `GET /v1/sys/health`.
    pub(crate) line: String,
    pub(crate) headers: Vec<String>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|header| {
            header.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        })
    }
}

/// The server; it ends with its script.
pub(crate) struct Canned {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Canned {
    /// Answers each request with the next status and body; after the last one nobody listens any more.
    pub(crate) fn answering(script: Vec<(u16, String)>) -> Self {
        Self::answering_with(script, |_| {})
    }

    /// The same, calling `answered` with the number (from 0) of each request once it was answered.
    pub(crate) fn answering_with(
        script: Vec<(u16, String)>,
        answered: impl Fn(usize) + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        thread::spawn(move || {
            for (number, (status, body)) in script.into_iter().enumerate() {
                let (stream, _) = listener.accept().unwrap();
                answer(stream, status, &body, &kept);
                answered(number);
            }
        });
        Self { address, asked }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(mut stream: TcpStream, status: u16, body: &str, kept: &Mutex<Vec<Asked>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let length = head
        .iter()
        .find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length: ").map(|text| text.parse().unwrap())
        })
        .unwrap_or(0);
    let mut sent = vec![0; length];
    reader.read_exact(&mut sent).unwrap();
    let line = head.remove(0).trim_end_matches(" HTTP/1.1").to_owned();
    kept.lock().unwrap().push(Asked { line, headers: head, body: String::from_utf8(sent).unwrap() });
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} Canned\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
}

/// An answer with data.
pub(crate) fn data(data: &Value) -> (u16, String) {
    (
        200,
        serde_json::json!({
            "request_id": "r-1", "lease_id": "", "renewable": false, "lease_duration": 0, "data": data,
            "wrap_info": null, "warnings": null, "auth": null,
        })
        .to_string(),
    )
}

/// An answer with data and a lease.
pub(crate) fn leased(lease: &str, seconds: u64, data: &Value) -> (u16, String) {
    (200, serde_json::json!({
        "request_id": "r-1", "lease_id": lease, "renewable": true, "lease_duration": seconds, "data": data,
        "wrap_info": null, "warnings": null, "auth": null,
    }).to_string())
}
