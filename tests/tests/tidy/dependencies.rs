//! What is built in: licences, crates that must not be there, and crates that are there twice.
//!
//! `cargo tree` is asked, because it names only what is really built for this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use super::tree::{none, root};

struct Package {
    name: String,
    version: String,
    licence: String,
}

#[test]
fn every_licence_is_permissive() {
    let wrong = packages().into_iter().filter(|package| !is_permissive(&package.licence));
    none(
        wrong.map(|package| format!("{} {}: {}", package.name, package.version, package.licence)).collect(),
        "a licence that is not on the list",
    );
}

#[test]
fn no_crate_is_there_that_must_not_be() {
    let there: BTreeSet<String> = packages().into_iter().map(|package| package.name).collect();
    let banned = BANNED.iter().filter(|(name, _)| there.contains(*name));
    none(banned.map(|(name, why)| format!("{name}: {why}")).collect(), "crates that are kept out");
}

#[test]
fn crates_that_are_there_twice_are_known() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages() {
        versions.entry(package.name).or_default().insert(package.version);
    }
    versions.retain(|_, versions| versions.len() > 1);
    let known: BTreeSet<&str> = TWICE.iter().map(|(name, _)| *name).collect();
    let twice: BTreeSet<&str> = versions.keys().map(String::as_str).collect();
    let new = twice.difference(&known).map(|name| format!("{name}: {:?}", versions[*name]));
    none(new.collect(), "two versions of one crate: update the one that lags, or say here why it must stay");
    let gone = known.difference(&twice).map(|name| (*name).to_owned());
    none(gone.collect(), "no longer there twice: take it off the list");
}

/// Everything that a build of the workspace and its tests links.
fn packages() -> Vec<Package> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--workspace",
            "--prefix",
            "none",
            "--edges",
            "normal,build,dev",
        ])
        .args(["--format", "{p}|{l}"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let packages: Vec<Package> = text.lines().filter_map(package).collect();
    assert!(packages.len() > 100, "cargo tree named {} packages", packages.len());
    packages
}

/// Reads `name v1.2.3 (proc-macro)|licence (*)`.
fn package(line: &str) -> Option<Package> {
    let (package, licence) = line.split_once('|')?;
    let mut words = package.split(' ');
    let (name, version) = (words.next()?, words.next()?);
    Some(Package {
        name: name.to_owned(),
        version: version.to_owned(),
        licence: licence.trim_end_matches(" (*)").trim().to_owned(),
    })
}

/// Whether an SPDX expression (or its old spelling with a slash) can be met by permissive licences alone:
/// each part joined by AND offers one.
fn is_permissive(licence: &str) -> bool {
    let spelled = licence.replace(" / ", " OR ").replace('/', " OR ");
    let (mut depth, mut part, mut parts) = (0_i32, String::new(), Vec::new());
    for word in spelled.replace('(', " ( ").replace(')', " ) ").split_whitespace() {
        match word {
            "(" => depth += 1,
            ")" => depth -= 1,
            "AND" if depth == 0 => parts.push(std::mem::take(&mut part)),
            word => {
                part.push_str(word);
                part.push(' ');
            }
        }
    }
    parts.push(part);
    parts.iter().all(|part| part.split(" OR ").any(|name| PERMISSIVE.contains(&name.trim())))
}

#[test]
fn an_expression_is_met_only_by_licences_of_the_list() {
    for (licence, want) in [
        ("MIT", true),
        ("MIT/Apache-2.0", true),
        ("Apache-2.0 / MIT", true),
        ("GPL-3.0 OR MIT", true),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("MIT AND GPL-3.0", false),
        ("LGPL-2.1", false),
        ("", false),
    ] {
        assert_eq!(is_permissive(licence), want, "{licence:?}");
    }
}

const PERMISSIVE: [&str; 12] = [
    // Of quoted_printable, under lettre: asks for nothing.
    "0BSD",
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    // Of data: the list of authorities in webpki-roots, under mysql_async. No notice is asked for in a binary.
    "CDLA-Permissive-2.0",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "Unlicense",
];
const BANNED: [(&str, &str); 5] = [
    ("openssl", "TLS is rustls, keys are RustCrypto: one C library less to patch"),
    ("openssl-sys", "as openssl"),
    ("native-tls", "TLS is rustls everywhere"),
    ("ring", "rustls speaks aws-lc-rs; one provider is enough"),
    ("rsa", "timing leaks (RUSTSEC-2023-0071); nothing here needs RSA"),
];
const TWICE: [(&str, &str); 26] = [
    ("base64", "postgres-protocol and mysql_common are a step behind reqwest"),
    ("block-buffer", "the generation of RustCrypto before ours, under mysql_common"),
    ("const-oid", "the generation of RustCrypto before ours, under tokio-postgres-rustls"),
    ("cpufeatures", "as block-buffer"),
    ("crypto-common", "as block-buffer"),
    ("der", "as const-oid; russh has our generation"),
    ("digest", "as block-buffer"),
    ("generic-array", "as block-buffer"),
    ("getrandom", "mysql_common, and ahash under jsonschema, which only the tests use"),
    ("hashbrown", "three of its users, each at its own pace"),
    ("nom", "rustls and ldap3's parsers are a step behind lettre"),
    ("num-bigint", "jsonschema, which only the tests use, is a step behind russh"),
    ("parking_lot", "sled 0.34 is pinned"),
    ("parking_lot_core", "sled 0.34 is pinned"),
    ("phf", "cron, chrono-tz and tokio-postgres, each at its own pace"),
    ("phf_shared", "as phf"),
    ("rand", "the macros of the phf that cron uses"),
    ("rand_core", "as rand"),
    ("sha1", "as block-buffer"),
    ("sha2", "as block-buffer"),
    ("spki", "as der"),
    ("syn", "derive macros move from 2 to 3"),
    ("synstructure", "rustify, under the client vaultrs, which only the tests use"),
    ("thiserror", "as synstructure"),
    ("thiserror-impl", "as synstructure"),
    ("winnow", "cron is a step behind toml"),
];
