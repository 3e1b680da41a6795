//! Whole requests against a server in this process: whatever is sent is answered, in JSON, and never by a fault of
//! the vault's own.
//!
//! ```text
//!   POST /v1/secret/data/a        the method and the path
//!   Content-Type: text/plain      headers, up to an empty line; the root token where no token is named
//!
//!   {"data":{"a":1}}              the body
//!   %%                            and the next request
//! ```
//!
//! `@ROOT@`, `@SHARE@`, `@TOKEN@`, `@NONCE@` and `@ID@` stand for the root token, the unseal key, and the newest
//! token, nonce, and lease, accessor or other id that an answer told, so that requests can build on each other.

mod answer;
mod server;

use std::cell::RefCell;

use super::parts::parts;
use server::Server;

/// Sends the requests in `data`, one after the other.
pub fn run(data: &[u8]) {
    thread_local! {
        static SERVER: RefCell<Option<Server>> = const { RefCell::new(None) };
    }
    let Some(requests) = parts(data) else { return };
    SERVER.with_borrow_mut(|kept| {
        // Taken out meanwhile: a server that broke a promise answers nobody else.
        let mut server = kept.take().unwrap_or_else(Server::new);
        for text in requests.into_iter().take(REQUESTS_MAX) {
            if let Some(request) = Written::read(text) {
                server.send(&request);
            }
        }
        *kept = server.is_fit().then_some(server);
    });
}

/// A request as it is written down.
struct Written<'a> {
    method: &'a str,
    uri: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body: &'a str,
}

impl<'a> Written<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let (method, uri) = lines.next()?.split_once(' ')?;
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.trim(), value.trim())).collect();
        Some(Self { method, uri, headers, body })
    }

    /// A line of the set-up: the method, the path and a body.
    fn line(text: &'a str) -> Option<Self> {
        let mut words = text.splitn(3, ' ');
        let (method, uri) = (words.next()?, words.next()?);
        Some(Self { method, uri, headers: Vec::new(), body: words.next().unwrap_or_default() })
    }
}

const REQUESTS_MAX: usize = 12;
