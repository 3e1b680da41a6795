//! The first screen of the dashboard and the metrics page of a vault with many accounts and incidents.
//!
//! ```text
//! cargo bench -p vault-server --bench overview
//! cargo bench -p vault-server --bench overview -- --accounts 5000 --incidents 500 --open 50 --rounds 5
//! ```
//!
//! A store on disk is filled through the server's own records: each account has been rotated once in the last thirty
//! days, with its line in the log of rotations and in that of attempts; of the incidents so many are open, each of an
//! account of its own. Then the pages are asked for by a browser that is signed in, without a socket between. Printed
//! are least, median and most of all rounds in milliseconds. The reference in the same run is one walk over the records
//! of all accounts, and the ratio of the medians to it.
//!
//! Some rounds come after two hours without a look, which the clock of the bench lets pass at once: what was at hand is
//! old then. The clock that has it added up anew while nobody looks does not run here, so this is the worst that a look
//! can meet. With optimisation the program ends with 1 when a page takes longer than it may: 200 ms for the median of
//! the overview and for each of its looks after the quiet, 50 ms for the median of the metrics page.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench: what fails ends it, and the figures are the result"
)]

#[path = "overview/filled.rs"]
mod filled;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use rotators::fake::FakeTarget;
use rotators::registry::Registry;
use serde_json::Value;
use tower::ServiceExt;
use vault_core::account::Account;
use vault_core::clock::{Clock, SystemClock, Timestamp};
use vault_core::entropy::OsEntropy;
use vault_server::app::{App, Ports};
use vault_server::config;
use vault_server::http::router;

struct Options {
    accounts: usize,
    incidents: usize,
    open: usize,
    rounds: usize,
}

fn options() -> Options {
    let mut options = Options { accounts: 50_000, incidents: 5_000, open: 500, rounds: 30 };
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap().parse().unwrap();
        match word.as_str() {
            "--accounts" => options.accounts = value(),
            "--incidents" => options.incidents = value(),
            "--open" => options.open = value(),
            "--rounds" => options.rounds = value(),
            other => {
                println!(
                    "overview: unknown option {other}; see the head of vault-server/benches/overview.rs"
                );
                std::process::exit(2);
            }
        }
    }
    options
}

fn main() {
    let options = options();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    if !runtime.block_on(run(&options)) {
        std::process::exit(1);
    }
}

/// The clock of this machine, which can be moved on.
#[derive(Default)]
struct AheadClock {
    seconds: AtomicU64,
}

impl Clock for AheadClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(Duration::from_secs(self.seconds.load(Ordering::Relaxed)))
    }
}

/// Whether each page was as fast as it has to be.
async fn run(options: &Options) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let config = config::from_arguments("127.0.0.1:0", dir.path()).unwrap();
    let rotators = Registry::default().with(Arc::new(FakeTarget::new()));
    let clock = Arc::<AheadClock>::default();
    let ports = Ports { clock: Arc::clone(&clock) as Arc<dyn Clock>, entropy: Arc::new(OsEntropy), rotators };
    let app = App::open(config, ports).unwrap();
    let mut visitor =
        Visitor { router: router(Arc::clone(&app)), token: String::new(), cookie: String::new() };
    visitor.begin().await;
    let began = Instant::now();
    filled::fill(&app, options.accounts, options.incidents, options.open).await;
    println!(
        "{} accounts, {} incidents ({} open), filled in {:.1} s",
        options.accounts,
        options.incidents,
        options.open,
        began.elapsed().as_secs_f64()
    );
    app.engine.count_incidents().unwrap();
    app.engine.count_accounts().await.unwrap();
    app.engine.count_dynamic().await.unwrap();
    visitor.sign_in().await;

    let (mut walk, mut first, mut again, mut metrics) = <(Spread, Spread, Spread, Spread)>::default();
    let (mut reports, mut together, mut alone) = <(Spread, Spread, Spread)>::default();
    let cold = timed(visitor.page("/ui/")).await;
    for _ in 0..options.rounds {
        walk.add(timed(async { walk_accounts(&app) }).await);
        first.add(timed(visitor.page("/ui/")).await);
        again.add(timed(visitor.page("/ui/?auto=1")).await);
        metrics.add(timed(visitor.metrics()).await);
        reports.add(timed(visitor.page("/ui/reports")).await);
        together.add(timed(visitor.reports_together()).await);
        alone.add(timed(visitor.reports_alone()).await);
    }
    let mut quiet = Spread::default();
    for _ in 0..QUIET_ROUNDS {
        clock.seconds.fetch_add(2 * 60 * 60, Ordering::Relaxed);
        // The session has ended meanwhile.
        visitor.sign_in().await;
        quiet.add(timed(visitor.page("/ui/")).await);
        // What was begun behind that look is done before the next.
        tokio::time::sleep(Duration::from_secs_f64(2.0 * walk.most() / 1000.0 + 1.0)).await;
    }
    println!("overview, the first of this process         {cold:.1} ms");
    show(
        &walk,
        &[
            ("reference: a walk over all accounts", &walk),
            ("overview", &first),
            ("overview, as its script asks for it again", &again),
            ("overview, after two hours without a look", &quiet),
            ("metrics page", &metrics),
            ("the page Reports", &reports),
            ("its reports on rotations, asked for at once", &together),
            ("the same, asked for one by one", &alone),
        ],
    );
    app.end().await;
    are_kept(&[
        ("overview", first.median(), OVERVIEW_MAX),
        ("overview, as its script asks for it again", again.median(), OVERVIEW_MAX),
        ("overview, after two hours without a look", quiet.most(), OVERVIEW_MAX),
        ("metrics page", metrics.median(), METRICS_MAX),
    ])
}

/// Each with its ratio to the reference.
fn show(reference: &Spread, all: &[(&str, &Spread)]) {
    for (name, spread) in all {
        let ratio = spread.median() / reference.median();
        println!("{name:<43} {spread} ms ({ratio:.3} of the reference)");
    }
}

/// Whether what each took is within its limit; tells what is not.
fn are_kept(limits: &[(&str, f64, f64)]) -> bool {
    let mut is_kept = true;
    for (name, took, most) in limits.iter().filter(|(_, took, most)| took > most) {
        let is_counted = !cfg!(debug_assertions);
        let told = if is_counted { "" } else { " (not counted without optimisation)" };
        println!("too slow: {name}: {took:.1} ms, and it may take {most:.0} ms{told}");
        is_kept &= !is_counted;
    }
    is_kept
}

fn walk_accounts(app: &App) {
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = app.barrier.list::<Account>(b"", after.as_deref(), 500).unwrap();
        let Some((last, _)) = page.last() else { return };
        after = Some(last.clone());
    }
}

async fn timed<T>(work: impl Future<Output = T>) -> f64 {
    let began = Instant::now();
    let _ = work.await;
    began.elapsed().as_secs_f64() * 1000.0
}

/// A browser, and a scraper.
struct Visitor {
    router: Router,
    token: String,
    cookie: String,
}

impl Visitor {
    /// Initialises and unseals.
    async fn begin(&mut self) {
        let (_, init) =
            self.ask("PUT", "/v1/sys/init", &[], r#"{"secret_shares":1,"secret_threshold":1}"#).await;
        let init: Value = serde_json::from_slice(&init).unwrap();
        let text = |pointer: &str| init.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        self.token = text("/root_token");
        let unseal = format!(r#"{{"key":"{}"}}"#, text("/keys_base64/0"));
        self.ask("PUT", "/v1/sys/unseal", &[], &unseal).await;
    }

    async fn sign_in(&mut self) {
        let form = "application/x-www-form-urlencoded";
        let headers = [
            ("content-type", form),
            ("sec-fetch-site", "same-origin"),
            ("origin", "null"),
            ("host", "127.0.0.1"),
        ];
        let request = self.request("POST", "/ui/sign-in", &headers, &format!("token={}", self.token));
        let reply = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(reply.status(), StatusCode::SEE_OTHER);
        let cookie = reply.headers()["set-cookie"].to_str().unwrap();
        self.cookie = cookie.split(';').next().unwrap().to_owned();
    }

    async fn page(&self, address: &str) {
        let (status, page) =
            self.ask("GET", address, &[("cookie", &self.cookie), ("host", "127.0.0.1")], "").await;
        assert_eq!(status, StatusCode::OK);
        assert!(page.ends_with(b"</html>\n") || page.ends_with(b"</html>"));
    }

    /// What the page Reports asks for about incidents and rotations.
    async fn reports_together(&self) {
        let also = "target@THEN,rotator@THEN,team@THEN,account"
            .replace("THEN", &SystemClock.now().minus(MONTH).to_rfc3339());
        self.report(&format!("by=month&durations=true&limit=10&from={}&also={also}", begin())).await;
    }

    /// The same in as many walks over the records as there are reports.
    async fn reports_alone(&self) {
        let month = SystemClock.now().minus(MONTH).to_rfc3339();
        for by in ["target", "rotator", "team"] {
            self.report(&format!("by={by}&from={month}")).await;
        }
        self.report(&format!("by=month&durations=true&from={}", begin())).await;
        self.report(&format!("by=account&limit=10&from={}", begin())).await;
    }

    async fn report(&self, query: &str) {
        let token = [("x-vault-token", self.token.as_str())];
        let (status, report) = self.ask("GET", &format!("/v1/reports/rotation?{query}"), &token, "").await;
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&report));
    }

    async fn metrics(&self) {
        let token = [("x-vault-token", self.token.as_str())];
        let (status, page) = self.ask("GET", "/v1/sys/metrics?format=prometheus", &token, "").await;
        assert_eq!(status, StatusCode::OK);
        assert!(String::from_utf8_lossy(&page).contains("\nvault_rotation_incidents_open{"));
    }

    fn request(&self, method: &str, uri: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let remote = ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40_000)));
        request.extension(remote).body(Body::from(body.to_owned())).unwrap()
    }

    async fn ask(
        &self,
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (StatusCode, Vec<u8>) {
        let request = self.request(method, uri, headers, body);
        let reply = self.router.clone().oneshot(request).await.unwrap();
        let status = reply.status();
        (status, axum::body::to_bytes(reply.into_body(), usize::MAX).await.unwrap().to_vec())
    }
}

/// Least, median and most of some figures.
#[derive(Default)]
struct Spread(Vec<f64>);

impl Spread {
    fn add(&mut self, figure: f64) {
        self.0.push(figure);
        self.0.sort_by(f64::total_cmp);
    }

    fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }

    fn most(&self) -> f64 {
        self.0[self.0.len() - 1]
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.1} – {:.1} – {:.1}", self.0[0], self.median(), self.most())
    }
}

/// When the year of the page Reports begins, or a little later.
fn begin() -> String {
    SystemClock.now().minus(11 * MONTH).to_rfc3339()
}

const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Looks after a long quiet.
const QUIET_ROUNDS: usize = 5;
/// The most that the first screen may take, in milliseconds.
const OVERVIEW_MAX: f64 = 200.0;
/// The most that the metrics page may take, in milliseconds.
const METRICS_MAX: f64 = 50.0;
