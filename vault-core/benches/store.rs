//! Durable commits through the store against the engine's own raw figure, in the same run; reads and pages.
//!
//! One element is one durable batch of four keys (record, index entry, lease, a hot counter). `raw` is one
//! writer that hands the engine as many such batches at once as there are writers: what the engine could do
//! if the store cost nothing. Ratios: `commit/<engine>/<writers>` over `raw/<engine>/<writers>`.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a bench: what fails ends it")]

use std::hint::black_box;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use vault_core::entropy::OsEntropy;
use vault_core::store::batch::{Batch, Require};
use vault_core::store::contract::TEST_KEY;
use vault_core::store::engine::RawOp;
use vault_core::store::key::{Key, Table};
use vault_core::store::{EngineKind, EngineOptions, Store, open_engine};

const ENGINES: [EngineKind; 2] = [EngineKind::Sled, EngineKind::Redb];
const WRITERS: [u64; 3] = [1, 16, 64];
const ROWS: u64 = 20_000;

fn keys(number: u64) -> [Key; 3] {
    let name = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    [Table::Account, Table::Due, Table::Lease].map(|table| Key::new(table, name))
}

fn hot(writer: u64) -> Key {
    Key::new(Table::Meta, writer.to_be_bytes())
}

fn values() -> [Vec<u8>; 3] {
    [vec![1; 600], vec![], vec![2; 200]]
}

fn batch(writer: u64, number: u64, revision: u64) -> Batch {
    let mut batch = Batch::new();
    for (key, value) in keys(number).into_iter().zip(values()) {
        batch.put(key, Require::Absent, value);
    }
    let require = if revision == 0 { Require::Absent } else { Require::At(revision) };
    batch.put(hot(writer), require, vec![3; 100]);
    batch
}

fn raw_batch(writer: u64, number: u64) -> Vec<RawOp> {
    let entries = keys(number).into_iter().zip(values()).chain([(hot(writer), vec![3; 108])]);
    entries.map(|(key, value)| RawOp::Put(key.to_bytes(), value)).collect()
}

/// `rounds` commits by each of `writers`, each submitted when its own last one was acknowledged.
fn through_store(store: &Store, writers: u64, rounds: u64, first: &mut u64) -> Duration {
    let (tell, told) = channel();
    let revisions = |writer: u64| store.get(&hot(writer)).unwrap().map_or(0, |value| value.revision);
    let mut revision: Vec<u64> = (0..writers).map(revisions).collect();
    let mut submit = |writer: u64, revision: u64| {
        *first += 1;
        let tell = tell.clone();
        let batch = batch(writer, *first, revision);
        store.submit(batch, Box::new(move |outcome| tell.send((writer, outcome.is_ok())).unwrap()));
    };
    let mut left = vec![rounds; usize::try_from(writers).unwrap()];
    let start = Instant::now();
    for writer in 0..writers {
        submit(writer, revision[usize::try_from(writer).unwrap()]);
    }
    for _ in 0..writers * rounds {
        let (writer, is_ok) = told.recv().unwrap();
        assert!(is_ok);
        let at = usize::try_from(writer).unwrap();
        left[at] -= 1;
        revision[at] += 1;
        if left[at] > 0 {
            submit(writer, revision[at]);
        }
    }
    start.elapsed()
}

fn commits(criterion: &mut Criterion) {
    for kind in ENGINES {
        for writers in WRITERS {
            let mut group = criterion.benchmark_group("store");
            group.throughput(Throughput::Elements(writers)).sample_size(10);
            group.measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(300));
            let dir = tempfile::tempdir().unwrap();
            let engine = open_engine(kind, &dir.path().join("raw"), &EngineOptions::default()).unwrap();
            let mut number = 0;
            group.bench_function(format!("raw/{}/{writers}", kind.as_str()), |bencher| {
                bencher.iter(|| {
                    let ops: Vec<RawOp> = (0..writers)
                        .flat_map(|writer| {
                            number += 1;
                            raw_batch(writer, number)
                        })
                        .collect();
                    engine.apply(&ops).unwrap();
                });
            });
            drop(engine);
            let place = dir.path().join("store");
            let store =
                Store::open_dir(kind, &place, &EngineOptions::default(), Arc::new(OsEntropy)).unwrap();
            store.bootstrap(&TEST_KEY, Batch::new()).unwrap();
            let mut number = 0;
            group.bench_function(format!("commit/{}/{writers}", kind.as_str()), |bencher| {
                bencher.iter_custom(|rounds| through_store(&store, writers, rounds, &mut number));
            });
            group.finish();
        }
    }
}

fn reads(criterion: &mut Criterion) {
    for kind in ENGINES {
        let dir = tempfile::tempdir().unwrap();
        let store =
            Store::open_dir(kind, dir.path(), &EngineOptions::default(), Arc::new(OsEntropy)).unwrap();
        store.bootstrap(&TEST_KEY, Batch::new()).unwrap();
        for first in (0..ROWS).step_by(100) {
            let mut batch = Batch::new();
            for row in first..first + 100 {
                batch.put(Key::new(Table::Account, row.to_be_bytes()), Require::Absent, vec![5; 600]);
            }
            store.commit(batch).unwrap();
        }
        let mut group = criterion.benchmark_group("store");
        group.sample_size(20).measurement_time(Duration::from_secs(1));
        group.warm_up_time(Duration::from_millis(300));
        let mut row = 0_u64;
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("get/{}", kind.as_str()), |bencher| {
            bencher.iter(|| {
                row = row.wrapping_add(7919) % ROWS;
                black_box(store.get(&Key::new(Table::Account, row.to_be_bytes())).unwrap())
            });
        });
        group.bench_function(format!("page of 100/{}", kind.as_str()), |bencher| {
            bencher.iter(|| {
                row = row.wrapping_add(7919) % (ROWS - 100);
                black_box(store.scan(Table::Account, &[], Some(&row.to_be_bytes()), 100).unwrap())
            });
        });
        group.throughput(Throughput::Elements(ROWS)).sample_size(10);
        group.bench_function(format!("verify {ROWS} records/{}", kind.as_str()), |bencher| {
            bencher.iter(|| assert!(store.verify().unwrap().is_intact()));
        });
        group.finish();
    }
}

criterion_group!(benches, commits, reads);
criterion_main!(benches);
