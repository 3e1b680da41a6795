//! What recording costs: the digests of an entry, one append, and appends from several threads.
//!
//! The reference of `append` is `raw append`: one `write` of a line of the same length to a file that is
//! opened for appending, with nothing chained, hashed or watched.

use std::fs::OpenOptions;
use std::hint::black_box;
use std::io::Write;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::json;
use vault_core::audit::{
    AuditFile, AuditSink, Auth, CheckpointSigner, Digester, Entry, Operation, Request, Token,
};
use vault_core::clock::Timestamp;
use vault_core::entropy::SeededEntropy;
use vault_core::id::RequestId;

fn entry(digester: &Digester) -> Entry {
    let policies = ["default".to_owned(), "dba".to_owned()];
    let data = json!({"ttl": "30m", "reason": "ticket 4711", "force": false});
    let auth = Auth {
        client_token: Some(Token("s.0123456789abcdefghijklmn")),
        accessor: Some("acc-0123456789"),
        display_name: "userpass-ada",
        policies: &policies,
        entity_id: "",
        token_type: "service",
    };
    let request = Request {
        id: RequestId::generate(NOW, &SeededEntropy::new(1)),
        operation: Operation::Update,
        path: "accounts/check-out/prod/db/app",
        data: Some(&data),
        plain_keys: &["reason"],
        hidden_keys: &[],
        headers: &[],
        remote_address: "192.0.2.7",
        remote_port: 40_312,
    };
    Entry::request(digester, &auth, &request)
}

fn append(criterion: &mut Criterion) {
    let digester = Digester::new(&[7; 32]);
    let Ok(dir) = tempfile::tempdir() else { return };
    let signer = CheckpointSigner::from_seed(&[9; 32]);
    let path = dir.path().join("audit.log");
    let Ok(file) = AuditFile::open(&path, signer, NOW) else { return };
    let file = Arc::new(file);
    let ready = entry(&digester);
    let before = std::fs::metadata(&path).map_or(0, |data| data.len());
    let Ok(_) = file.append(&ready, NOW) else { return };
    let after = std::fs::metadata(&path).map_or(0, |data| data.len());
    let line = vec![b'x'; usize::try_from(after - before).unwrap_or(0)];
    let raw = OpenOptions::new().create(true).append(true).open(dir.path().join("raw.log"));
    let Ok(mut raw) = raw else { return };

    let mut group = criterion.benchmark_group("audit");
    group.throughput(Throughput::Elements(1));
    group.bench_function("entry", |bencher| bencher.iter(|| entry(black_box(&digester))));
    group.bench_function("raw append", |bencher| bencher.iter(|| raw.write_all(black_box(&line)).is_ok()));
    group.bench_function("append", |bencher| bencher.iter(|| file.append(black_box(&ready), NOW)));
    group.throughput(Throughput::Elements(4 * 256));
    group.bench_function("append from 4 threads", |bencher| {
        bencher.iter(|| {
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| (0..256).filter(|_| file.append(&ready, NOW).is_ok()).count());
                }
            });
        });
    });
    group.finish();
}

const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

criterion_group!(benches, append);
criterion_main!(benches);
