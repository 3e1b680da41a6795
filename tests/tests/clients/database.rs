//! The database of a story, and somebody who tells the story whether a login works there.
//!
//! ```text
//!   STORY_POSTGRES   the connection_url of the server, with placeholders
//!   STORY_LOGINS     host:port: one connection for each question, a line of JSON {"username", "password"};
//!                    the answer is a line: in or out
//! ```
//!
//! `manager` (password `m-0`) may do everything there; `app` and `app2` (password `a-0`) may log in.

use std::process::Command;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use vault_tests::postgres::{PostgresServer, accepts};

/// A private PostgreSQL with the users of stories.
pub(crate) struct Database {
    server: PostgresServer,
    logins: u16,
}

impl Database {
    pub(crate) async fn start() -> Self {
        let server = PostgresServer::start().unwrap();
        let users = "CREATE ROLE manager LOGIN SUPERUSER PASSWORD 'm-0'; CREATE ROLE app LOGIN PASSWORD 'a-0'; \
                     CREATE ROLE app2 LOGIN PASSWORD 'a-0'";
        server.admin().await.unwrap().batch_execute(users).await.unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let logins = listener.local_addr().unwrap().port();
        let port = server.port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                answer(stream, port).await;
            }
        });
        Self { server, logins }
    }

    /// The `connection_url` for it.
    pub(crate) fn url(&self) -> String {
        self.server.url_template()
    }

    /// Whether a fresh login works.
    pub(crate) async fn lets_in(&self, username: &str, password: &str) -> bool {
        self.server.accepts(username, password).await.unwrap()
    }

    /// Tells a story that is a program of its own where all this is.
    pub(crate) fn tell_of(&self, command: &mut Command) {
        command.env("STORY_POSTGRES", self.url()).env("STORY_LOGINS", format!("127.0.0.1:{}", self.logins));
    }
}

async fn answer(stream: TcpStream, port: u16) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    let asked: Value = serde_json::from_str(&line).unwrap();
    let (username, password) = (asked["username"].as_str().unwrap(), asked["password"].as_str().unwrap());
    let word = if accepts(port, username, password).await.unwrap() { "in\n" } else { "out\n" };
    stream.write_all(word.as_bytes()).await.unwrap();
}
