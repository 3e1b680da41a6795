//! A mass rotation on one PostgreSQL, beside the same changes made bare in a loop: the limit.
//!
//! ```text
//! cargo build --release -p vault-server && cargo bench -p vault-tests --bench mass -- --accounts 10000
//! ```
//!
//! One private PostgreSQL serves both, on loopback without TLS. A **bare** round changes the passwords of so many roles
//! by as many workers as the target's `max_concurrency`, each with a management session that it keeps: the same
//! `ALTER ROLE` with a verifier made on the client's side, a fresh login with the new password, and a fresh login with
//! the old one, which is refused. A **mass** round is one campaign over as many accounts of the vault, without a canary.
//! Rounds alternate. Printed are rotations a second and the time of one, least, median and most of all rounds, the ratio
//! of the medians, and the vault's resident memory.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench: what fails ends it, and the figures are the result"
)]

#[path = "side_by_side/server.rs"]
#[expect(dead_code, reason = "what the other bench needs of it")]
mod server;
#[path = "side_by_side/spread.rs"]
mod spread;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::Method;
use rotators::postgres::command::alter_password;
use rotators::postgres::config::Hashing;
use serde_json::{Value, json};
use server::{Product, Server};
use spread::Spread;
use vault_core::clock::Timestamp;
use vault_core::secret::SecretString;
use vault_tests::postgres::{PostgresServer, accepts, connect};

struct Options {
    accounts: usize,
    rounds: usize,
    concurrency: usize,
    engine: Option<String>,
}

fn options() -> Options {
    let mut options = Options { accounts: 500, rounds: 3, concurrency: 16, engine: None };
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap();
        match word.as_str() {
            "--accounts" => options.accounts = value().parse().unwrap(),
            "--rounds" => options.rounds = value().parse().unwrap(),
            "--concurrency" => options.concurrency = value().parse().unwrap(),
            "--engine" => options.engine = Some(value()),
            other => {
                println!("mass: unknown option {other}; see the head of tests/benches/mass.rs");
                std::process::exit(2);
            }
        }
    }
    options
}

fn main() {
    let options = options();
    // rustls asks for a provider even where no TLS is spoken.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(run(&options));
}

async fn run(options: &Options) {
    let database = PostgresServer::start().unwrap();
    make_roles(&database, options.accounts).await;
    let vault = Server::start(Product::Rotunda(options.engine.clone())).await;
    manage(&vault, &database, options).await;
    println!(
        "{} accounts, {} at once, {} rounds; {:.0} MiB resident before",
        options.accounts,
        options.concurrency,
        options.rounds,
        vault.resident_mib()
    );
    let mut bare = Figures::default();
    let mut mass = Figures::default();
    let mut passwords: Vec<String> = (0..options.accounts).map(|_| BEFORE.to_owned()).collect();
    for round in 0..options.rounds {
        bare.add(bare_round(&database, &mut passwords, round, options.concurrency).await);
        mass.add(mass_round(&vault, options.accounts).await);
        println!("  round {}: {}", round + 1, one_line(&bare, &mass));
    }
    println!("{:<28} {:>28} {:>28}", "", "bare loop", "mass rotation");
    for (name, of) in [
        ("rotations/s", (&bare.rate, &mass.rate)),
        ("one rotation, p50 ms", (&bare.p50, &mass.p50)),
        ("one rotation, p99 ms", (&bare.p99, &mass.p99)),
    ] {
        println!("{name:<28} {:>28} {:>28}", of.0.to_string(), of.1.to_string());
    }
    println!("mass rotation / bare loop: {:.0} %", 100.0 * mass.rate.median() / bare.rate.median());
    println!("resident memory after: {:.0} MiB", vault.resident_mib());
}

fn one_line(bare: &Figures, mass: &Figures) -> String {
    format!("bare {} /s, mass {} /s", bare.rate, mass.rate)
}

#[derive(Default)]
struct Figures {
    rate: Spread,
    p50: Spread,
    p99: Spread,
}

impl Figures {
    /// One round: how long it took, and how long each rotation of a sample, in milliseconds.
    fn add(&mut self, (took, count, mut each): (Duration, usize, Vec<f64>)) {
        each.sort_by(f64::total_cmp);
        let at = |share: f64| each[((each.len() as f64 - 1.0) * share) as usize];
        self.rate.add(count as f64 / took.as_secs_f64());
        self.p50.add(at(0.50));
        self.p99.add(at(0.99));
    }
}

/// Roles for the vault (`m…`) and for the loop (`b…`), each with the same password.
async fn make_roles(database: &PostgresServer, count: usize) {
    let admin = database.admin().await.unwrap();
    let verifier = alter_password("x", &SecretString::new(BEFORE.to_owned()), Hashing::Scram);
    let (_, verifier) = verifier.expose().split_once(" PASSWORD ").unwrap();
    for kind in ["m", "b"] {
        for from in (0..count).step_by(500) {
            let statements: String = (from..count.min(from + 500))
                .map(|number| format!("CREATE ROLE {kind}{number:05} LOGIN PASSWORD {verifier};"))
                .collect();
            admin.batch_execute(&statements).await.unwrap();
        }
    }
}

async fn manage(vault: &Server, database: &PostgresServer, options: &Options) {
    let target = json!({
        "rotator": "postgresql",
        "connection_url": database.url_template(),
        "username": database.superuser(),
        "password": database.superuser_password(),
        "max_concurrency": options.concurrency,
    });
    vault.call(Method::POST, "targets/config/pg", target).await;
    vault
        .post_many(options.accounts, &vault.root, |number| {
            let body = json!({ "target": "pg", "username": format!("m{number:05}"), "password": BEFORE });
            (format!("accounts/config/m{number:05}"), body)
        })
        .await;
}

/// Each worker takes the next role, until there is none.
async fn bare_round(
    database: &PostgresServer,
    passwords: &mut [String],
    round: usize,
    workers: usize,
) -> (Duration, usize, Vec<f64>) {
    let (port, count) = (database.port(), passwords.len());
    let (next, before) = (Arc::new(AtomicUsize::new(0)), Arc::new(passwords.to_vec()));
    let began = Instant::now();
    let mut work = tokio::task::JoinSet::new();
    for _ in 0..workers {
        let (next, before) = (Arc::clone(&next), Arc::clone(&before));
        let manager = database.admin().await.unwrap();
        work.spawn(async move {
            let mut each = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return each;
                }
                let began = Instant::now();
                let (role, new) = (format!("b{number:05}"), password(number, round));
                let statement = alter_password(&role, &SecretString::new(new.clone()), Hashing::Scram);
                manager.batch_execute(statement.expose()).await.unwrap();
                drop(connect(port, &role, &new).await.unwrap());
                assert!(!accepts(port, &role, &before[number]).await.unwrap());
                each.push(began.elapsed().as_secs_f64() * 1000.0);
            }
        });
    }
    let mut each = Vec::new();
    while let Some(done) = work.join_next().await {
        each.extend(done.unwrap());
    }
    let took = began.elapsed();
    for (number, password_of) in passwords.iter_mut().enumerate() {
        *password_of = password(number, round);
    }
    (took, count, each)
}

/// One campaign over all accounts; the time of each rotation is what the histories of some accounts say.
async fn mass_round(vault: &Server, count: usize) -> (Duration, usize, Vec<f64>) {
    let began = Instant::now();
    let started = vault.call(Method::POST, "campaigns/rotate", json!({ "all": true, "canary": 0 })).await;
    let id = started["data"]["campaign"]["id"].as_str().unwrap().to_owned();
    let took = loop {
        let campaign = vault.call(Method::GET, &format!("campaigns/{id}"), Value::Null).await;
        match campaign["data"]["state"].as_str().unwrap() {
            "done" => {
                assert_eq!(campaign["data"]["accounts"]["rotated"], count, "{campaign}");
                break began.elapsed();
            }
            "gathering" | "running" => tokio::time::sleep(POLLED_EVERY).await,
            _ => panic!("{campaign}"),
        }
    };
    let mut each = Vec::new();
    for number in (0..count).step_by((count / SAMPLE).max(1)) {
        let history = vault.call(Method::GET, &format!("accounts/history/m{number:05}"), Value::Null).await;
        let events = history["data"]["events"].as_array().unwrap();
        let at = |kind: &str| {
            let of_kind = events.iter().filter(|event| event["kind"] == kind);
            let millis =
                |event: &Value| Timestamp::parse_rfc3339(event["at"].as_str().unwrap()).unwrap().as_millis();
            of_kind.map(millis).max().unwrap()
        };
        each.push((at("retired") - at("started")) as f64);
    }
    (took, count, each)
}

fn password(number: usize, round: usize) -> String {
    format!("correct-horse-{round}-battery-{number}-staple")
}

const BEFORE: &str = "before the vault";
const POLLED_EVERY: Duration = Duration::from_millis(100);
/// Accounts whose histories are read.
const SAMPLE: usize = 500;
