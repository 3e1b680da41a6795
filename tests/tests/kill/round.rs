//! One run: a server, a vault, and as many rounds of work and killing as were asked for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;
use vault_tests::postgres::{PostgresServer, connect};
use vault_tests::vault::Vault;

use crate::chance::Chance;
use crate::fact::{Facts, Written};
use crate::worker::Worker;
use crate::{borrower, check, clerk, rotator};

/// Everything that lasts over the rounds.
pub(crate) struct Game {
    pub(crate) vault: Vault,
    pub(crate) server: PostgresServer,
    pub(crate) facts: Arc<Facts>,
    pub(crate) chance: Chance,
    /// Name and token of each principal.
    principals: Vec<(String, String)>,
}

/// Plays `kills` rounds and prints what was counted.
pub(crate) async fn play(engine: &str, vault: Vault, kills: u32) {
    let seed = Chance::seed();
    println!("{engine}: {kills} kills, ROTUNDA_KILL_SEED={seed}");
    let mut game = Game::set_up(vault, Chance::of(seed)).await;
    for round in 1..=kills {
        game.round().await;
        let violations = std::mem::take(&mut game.facts.note().violations);
        assert!(
            violations.is_empty(),
            "{engine}, kill {round}, ROTUNDA_KILL_SEED={seed}:\n{}\nthe program said:\n{}",
            violations.join("\n"),
            tail(&game.vault.log()),
        );
        eprint!("\r{engine}: {round} of {kills} kills");
    }
    eprintln!();
    check::log_is_calm(&game);
    game.vault.terminate().unwrap();
    println!("{}{:>8}  acknowledged facts lost\n", game.facts.note().count.table(engine), 0);
}

impl Game {
    async fn set_up(vault: Vault, chance: Chance) -> Self {
        let server = PostgresServer::start().unwrap();
        let admin = server.admin().await.unwrap();
        let manager = "CREATE ROLE keeper LOGIN CREATEROLE PASSWORD 'the keeper of the others'; \
                       GRANT pg_signal_backend TO keeper";
        admin.batch_execute(manager).await.unwrap();
        // Made by the keeper, so that it may manage them in every version of PostgreSQL.
        let keeper = connect(server.port(), "keeper", "the keeper of the others").await.unwrap();
        for account in 0..ACCOUNTS {
            let role = format!("CREATE ROLE role_{account} LOGIN PASSWORD 'before the vault'");
            keeper.batch_execute(&role).await.unwrap();
        }
        let target = json!({
            "rotator": "postgresql",
            "connection_url": server.url_template(),
            "username": "keeper",
            "password": "the keeper of the others",
        });
        assert!(vault.post("targets/config/pg", target).await.unwrap().is_success());
        let facts = Arc::new(Facts::default());
        for account in 0..ACCOUNTS {
            let (path, username) = (path(account), format!("role_{account}"));
            vault.adopt(&path, &username).await.unwrap();
            let mut noted = facts.note();
            let config = format!("accounts/config/{path}");
            let body = json!({ "target": "pg", "username": username, "max_ttl": null });
            noted.writes.insert(config, Written { value: Some(body), sent: None });
            noted.account(&path).username = username;
            noted.account(&path).saw(1);
        }
        let policy = "path \"*\" { capabilities = [\"create\", \"read\", \"update\", \"delete\", \"list\"] }";
        let written = vault.post("sys/policies/acl/everything", json!({ "policy": policy })).await.unwrap();
        assert!(written.is_success());
        let mut principals = Vec::new();
        for name in ["ada", "grace"] {
            principals.push((name.to_owned(), vault.token(name, &["everything"]).await.unwrap()));
        }
        Self { vault, server, facts, chance, principals }
    }

    /// Works, kills, perhaps kills again in start-up, and compares.
    async fn round(&mut self) {
        let tasks = self.work();
        self.chance.pause(100, 2500).await;
        self.kill(tasks).await;
        while self.chance.once_in(3) {
            self.vault.launch().unwrap();
            self.chance.pause(0, 400).await;
            self.vault.kill().unwrap();
            let mut noted = self.facts.note();
            noted.count.kills += 1;
            noted.count.kills_in_start += 1;
        }
        let began = Instant::now();
        self.vault.start_again().await.unwrap();
        let took = millis(began.elapsed());
        {
            let mut noted = self.facts.note();
            noted.count.start_max = noted.count.start_max.max(took);
        }
        check::everything(self).await;
    }

    async fn kill(&mut self, mut tasks: JoinSet<()>) {
        // All of them go on until the vault is dead; one that ended already found a vault that died by itself.
        assert!(tasks.try_join_next().is_none(), "the vault ended by itself: {}", tail(&self.vault.log()));
        self.vault.kill().unwrap();
        self.facts.note().count.kills += 1;
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
    }

    /// Two rivals and a rotator for each account, two clerks, and the one who rotates the management credential.
    fn work(&self) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        for account in 0..ACCOUNTS {
            for (name, token) in &self.principals {
                tasks.spawn(borrower::work(self.worker(name, token), path(account)));
            }
            tasks.spawn(rotator::work(self.root("rotator"), path(account)));
        }
        for clerk in 0..2 {
            let worker = self.root(&format!("clerk-{clerk}"));
            tasks.spawn(clerk::work(worker, path(clerk), format!("role_{clerk}")));
        }
        tasks.spawn(rotator::manage(self.root("manager")));
        tasks
    }

    /// Somebody with the root token.
    pub(crate) fn root(&self, name: &str) -> Worker {
        self.worker(name, self.vault.root())
    }

    fn worker(&self, name: &str, token: &str) -> Worker {
        Worker {
            vault: self.vault.caller(),
            name: name.to_owned(),
            token: token.to_owned(),
            facts: Arc::clone(&self.facts),
            chance: Arc::new(self.chance.branch()),
            port: self.server.port(),
        }
    }
}

/// The path of an account.
fn path(account: u32) -> String {
    format!("app/number-{account}")
}

pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// The last warnings and errors of a log.
pub(crate) fn tail(log: &str) -> String {
    // Left out: what a dev vault says at each start.
    let says = |line: &&str| line.contains("WARN") || line.contains("ERROR");
    let lines: Vec<&str> = log.lines().filter(says).collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

const ACCOUNTS: u32 = 6;
