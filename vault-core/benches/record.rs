//! Sealing and opening one record of 1 KiB, in both suites, beside the bare cipher over the same bytes.

#![expect(clippy::unwrap_used, reason = "a bench that fails shall stop")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use vault_core::clock::Timestamp;
use vault_core::crypto::{Keyring, Place, Suite, primitive};
use vault_core::entropy::OsEntropy;
use vault_core::store::key::Table;

fn records(c: &mut Criterion) {
    let keyring = Keyring::generate(Timestamp::from_secs(1), &OsEntropy);
    let place = Place { namespace: "", table: Table::Credential, name: b"a/db/prod/app", revision: 7 };
    let plaintext = [0x5a_u8; 1024];
    let mut group = c.benchmark_group("record_1k");
    group.throughput(Throughput::Bytes(plaintext.len() as u64));
    for suite in Suite::ALL {
        let sealed = keyring.seal(suite, &place, &plaintext, &OsEntropy);
        group.bench_function(BenchmarkId::new("seal", suite.name()), |b| {
            b.iter(|| keyring.seal(suite, &place, &plaintext, &OsEntropy));
        });
        group.bench_function(BenchmarkId::new("open", suite.name()), |b| {
            b.iter(|| keyring.open(&place, &sealed).unwrap());
        });
        let nonce: &[u8] = match suite {
            Suite::Aes256Gcm => &[1; 12],
            Suite::XChaCha20Poly1305 => &[1; 24],
        };
        group.bench_function(BenchmarkId::new("bare_encrypt", suite.name()), |b| {
            b.iter(|| primitive::encrypt(suite, &[7; 32], nonce, b"", &plaintext));
        });
    }
    group.finish();
}

criterion_group!(benches, records);
criterion_main!(benches);
