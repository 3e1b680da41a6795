//! Rotunda beside OpenBao: the same requests, the same machine, the same minutes.
//!
//! ```text
//! cargo build --release -p vault-server && cargo bench -p vault-tests --bench side_by_side -- --bao PATH
//! ```
//!
//! Both servers run on loopback without TLS, each with a file audit device and durable storage (OpenBao: its
//! integrated raft store), with a token that is not root and a policy that is decided upon. Rounds
//! alternate between the two. One thread makes the load, so that the server under test has a core for itself.
//! Printed are requests a second and the 99th percentile of latency, least, median and most of all rounds, and
//! the ratio of the medians; resident memory after the load, and the time of a restart, with `--secrets` secrets and
//! `--leases` leases of tokens. Each `--engine NAME[:CACHE_MIB]` adds a Rotunda on that engine.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench: what fails ends it, and the figures are the result"
)]

#[path = "side_by_side/load.rs"]
mod load;
#[path = "side_by_side/scenario.rs"]
mod scenario;
#[path = "side_by_side/server.rs"]
mod server;
#[path = "side_by_side/spread.rs"]
mod spread;

use std::time::{Duration, Instant};

use scenario::{SCENARIOS, Scenario};
use server::{Product, Server};
use spread::Spread;
use vault_tests::postgres::PostgresServer;

/// What the command line asks for.
struct Options {
    bao: String,
    rounds: usize,
    seconds: f64,
    secrets: usize,
    leases: usize,
    engines: Vec<Option<String>>,
    only: Option<String>,
    ours_alone: bool,
}

fn options() -> Options {
    let mut options = Options {
        bao: "bao".to_owned(),
        rounds: 5,
        seconds: 3.0,
        secrets: 1_000,
        leases: 0,
        engines: Vec::new(),
        only: None,
        ours_alone: false,
    };
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap();
        match word.as_str() {
            "--bao" => options.bao = value(),
            "--rounds" => options.rounds = value().parse().unwrap(),
            "--seconds" => options.seconds = value().parse().unwrap(),
            "--secrets" => options.secrets = value().parse().unwrap(),
            "--leases" => options.leases = value().parse().unwrap(),
            "--engine" => options.engines.push(Some(value())),
            "--only" => options.only = Some(value()),
            "--ours-alone" => options.ours_alone = true,
            other => {
                println!(
                    "side_by_side: unknown option {other}; see the head of tests/benches/side_by_side.rs"
                );
                std::process::exit(2);
            }
        }
    }
    if options.engines.is_empty() {
        options.engines.push(None);
    }
    options
}

fn main() {
    let options = options();
    // rustls asks for a provider even where no TLS is spoken.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(&options));
}

async fn run(options: &Options) {
    let database = PostgresServer::start().unwrap();
    let mut servers = Vec::new();
    for engine in &options.engines {
        servers.push(Server::start(Product::Rotunda(engine.clone())).await);
    }
    if !options.ours_alone {
        servers.push(Server::start(Product::OpenBao(options.bao.clone())).await);
    }
    for server in &servers {
        server.fill(options.secrets).await;
        server.lease(options.leases).await;
        server.manage(&database).await;
    }
    println!(
        "{} secrets, {} leases, {} rounds of {} s",
        options.secrets, options.leases, options.rounds, options.seconds
    );
    let wanted = |scenario: &&Scenario| options.only.as_ref().is_none_or(|only| scenario.name.contains(only));
    for scenario in SCENARIOS.iter().filter(wanted) {
        for connections in scenario.connections {
            measure(options, &servers, scenario, *connections).await;
        }
    }
    let memory: Vec<f64> = servers.iter().map(Server::resident_mib).collect();
    row("resident memory, MiB", &memory, options);
    let mut starts = vec![Spread::default(); servers.len()];
    for _ in 0..options.rounds {
        for (at, server) in servers.iter_mut().enumerate() {
            let began = Instant::now();
            server.restart().await;
            starts[at].add(began.elapsed().as_secs_f64() * 1000.0);
        }
    }
    let medians: Vec<f64> = starts.iter().map(Spread::median).collect();
    row("restart until unsealed, ms", &medians, options);
    for (server, start) in servers.iter().zip(&starts) {
        println!("      {:<16} {start}", server.product.name());
    }
}

async fn measure(options: &Options, servers: &[Server], scenario: &Scenario, connections: usize) {
    let mut rates = vec![Spread::default(); servers.len()];
    let mut tails = vec![Spread::default(); servers.len()];
    for _ in 0..options.rounds {
        for (at, server) in servers.iter().enumerate() {
            let requests = (scenario.requests)(server, connections, options.secrets);
            let length = Duration::from_secs_f64(options.seconds);
            let outcome = load::run(server.port, &requests, length).await;
            assert_eq!(outcome.failed, 0, "{}: {}", scenario.name, outcome.first_failure);
            rates[at].add(outcome.rate);
            tails[at].add(outcome.p99_ms);
        }
    }
    let medians: Vec<f64> = rates.iter().map(Spread::median).collect();
    row(&format!("{} × {connections}, requests/s", scenario.name), &medians, options);
    for (at, server) in servers.iter().enumerate() {
        println!("      {:<16} rate {}   p99 {} ms", server.product.name(), rates[at], tails[at]);
    }
}

/// OpenBao, where it takes part, is the last.
fn row(what: &str, figures: &[f64], options: &Options) {
    let shown: Vec<String> = figures.iter().map(|figure| format!("{figure:>10.1}")).collect();
    let ratio = match figures.split_last() {
        Some((theirs, ours)) if !options.ours_alone && *theirs > 0.0 => {
            let ratios: Vec<String> = ours.iter().map(|ours| format!("{:.2}", ours / theirs)).collect();
            format!("   ours / theirs {}", ratios.join(" · "))
        }
        _ => String::new(),
    };
    println!("{what:<40} {}{ratio}", shown.join(" "));
}
