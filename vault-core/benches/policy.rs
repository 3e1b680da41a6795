//! How long a decision takes, by the size of the policies, and how long compiling them takes.
//!
//! `cargo bench -p vault-core --bench policy`
#![expect(clippy::unwrap_used, reason = "a benchmark over fixed texts")]

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use serde_json::json;
use vault_core::policy::{Acl, Operation, Policy};

/// A team's policy among `rules` others: exact paths, prefixes and segment patterns in equal parts.
fn text(rules: usize) -> String {
    let mut out = String::new();
    for n in 0..rules / 3 {
        write!(
            out,
            "path \"accounts/creds/team{n}/app\" {{ capabilities = [\"read\"] }}\n\
             path \"accounts/creds/team{n}/*\" {{ capabilities = [\"read\", \"list\"] }}\n\
             path \"accounts/+/team{n}/shared\" {{ capabilities = [\"read\", \"update\"] }}\n"
        )
        .unwrap();
    }
    out.push_str("path \"targets/config/*\" {\n capabilities = [\"update\"]\n allowed_parameters = { \"ttl\" = [\"1h\"], \"*\" = [] }\n}\n");
    out
}

fn decisions(c: &mut Criterion) {
    let mut group = c.benchmark_group("policy_decide");
    for rules in [9, 90, 900] {
        let policy = Policy::parse("bench", &text(rules)).unwrap();
        let acl = Acl::new([&policy, &Policy::default_policy().unwrap()]);
        for (what, path) in [
            ("exact", "accounts/creds/team1/app"),
            ("prefix", "accounts/creds/team2/db/prod"),
            ("segments", "accounts/status/team2/shared"),
            ("none", "sys/raw/core"),
        ] {
            group.bench_with_input(BenchmarkId::new(what, rules), path, |b, path| {
                b.iter(|| acl.decide(black_box(path), Operation::Read, None).is_allowed());
            });
        }
        let data = json!({"ttl": "1h", "connection_url": "postgresql://db"});
        group.bench_function(BenchmarkId::new("parameters", rules), |b| {
            b.iter(|| {
                acl.decide(black_box("targets/config/db"), Operation::Update, Some(&data)).is_allowed()
            });
        });
    }
    group.finish();
}

fn compiling(c: &mut Criterion) {
    let mut group = c.benchmark_group("policy_compile");
    for rules in [9, 90, 900] {
        let text = text(rules);
        let policy = Policy::parse("bench", &text).unwrap();
        group.bench_function(BenchmarkId::new("parse", rules), |b| {
            b.iter(|| Policy::parse("bench", black_box(&text)).unwrap().rule_count());
        });
        group.bench_function(BenchmarkId::new("acl", rules), |b| b.iter(|| Acl::new([black_box(&policy)])));
    }
    group.finish();
}

criterion_group!(benches, decisions, compiling);
criterion_main!(benches);
