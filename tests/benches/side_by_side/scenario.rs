//! What is asked of both.

use super::load::Requests;
use super::server::Server;

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) connections: &'static [usize],
    /// The requests of each connection.
    pub(crate) requests: fn(&Server, usize, usize) -> Requests,
}

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "KV v2 read", connections: &[1, 16, 64], requests: kv_reads },
    Scenario { name: "KV v2 write", connections: &[1, 16, 64], requests: kv_writes },
    Scenario { name: "token lookup-self", connections: &[1, 16, 64], requests: lookups },
    Scenario { name: "AppRole login", connections: &[1, 16, 64], requests: logins },
    Scenario { name: "static credential read", connections: &[1, 16, 64], requests: static_credentials },
];

fn kv_reads(server: &Server, connections: usize, secrets: usize) -> Requests {
    let read = |number: usize| server.bytes("GET", &format!("bench/data/s{}", number % secrets), "");
    (0..connections).map(|own| (0..64).map(|turn| read(own * 64 + turn * 97)).collect()).collect()
}

fn kv_writes(server: &Server, connections: usize, _: usize) -> Requests {
    let body = r#"{"data":{"username":"app","password":"correct horse battery staple"}}"#;
    let write = |own: usize, turn: usize| server.bytes("POST", &format!("bench/data/w{own}-{turn}"), body);
    (0..connections).map(|own| (0..64).map(|turn| write(own, turn)).collect()).collect()
}

fn lookups(server: &Server, connections: usize, _: usize) -> Requests {
    vec![vec![server.bytes("GET", "auth/token/lookup-self", "")]; connections]
}

fn logins(server: &Server, connections: usize, _: usize) -> Requests {
    vec![vec![server.bytes("POST", "auth/approle/login", &server.login)]; connections]
}

fn static_credentials(server: &Server, connections: usize, _: usize) -> Requests {
    vec![vec![server.bytes("GET", "database/static-creds/bench", "")]; connections]
}
