//! Who may know whom: the arrows of the architecture, read from manifests and from `use` lines.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::{none, sources};

/// A crate, the crates of ours that it may use, and those of others that it may not.
struct Rule {
    name: &'static str,
    may: &'static [&'static str],
    may_not: &'static [&'static str],
}

const RULES: [Rule; 7] = [
    Rule {
        name: "vault-core",
        may: &[],
        may_not: &[
            "tokio",
            "tokio-util",
            "axum",
            "hyper",
            "tower",
            "reqwest",
            "tokio-postgres",
            "clap",
            "tracing",
        ],
    },
    Rule { name: "rotators", may: &["vault-core"], may_not: &["axum", "hyper", "clap"] },
    Rule { name: "vault-api", may: &[], may_not: &["tokio", "axum", "hyper", "reqwest"] },
    Rule { name: "vault-cli", may: &["vault-api"], may_not: &["axum", "sled", "redb", "tokio-postgres"] },
    Rule {
        name: "vault-server",
        may: &["vault-core", "vault-api", "vault-cli", "rotators", "rotunda-drill"],
        may_not: &["tokio-postgres", "sled", "redb"],
    },
    // It starts the program and asks it as a user does; of the core it has the clock and the names of the classes.
    Rule { name: "rotunda-drill", may: &["vault-core"], may_not: &["clap", "sled", "redb"] },
    // The harness starts the program as a user does, so it does not link the server.
    Rule {
        name: "vault-tests",
        may: &["vault-core", "rotators", "vault-api", "rotunda-drill"],
        may_not: &[],
    },
];

#[test]
fn crates_know_only_those_that_they_may() {
    let manifests = manifests();
    let ours: BTreeSet<&str> = manifests.keys().map(String::as_str).collect();
    assert_eq!(ours, RULES.iter().map(|rule| rule.name).collect(), "each crate has its rule");
    let mut offences = Vec::new();
    for rule in &RULES {
        for used in &manifests[rule.name] {
            let is_ours = ours.contains(used.as_str());
            let is_wrong = if is_ours {
                !rule.may.contains(&used.as_str())
            } else {
                rule.may_not.contains(&used.as_str())
            };
            if is_wrong {
                offences.push(format!("{} uses {used}", rule.name));
            }
        }
    }
    none(offences, "the arrows between crates point one way (docs/architecture.md)");
}

/// Files below a path, and the words that their code may not hold.
struct Wall {
    below: &'static str,
    except: &'static [&'static str],
    words: &'static [&'static str],
    reason: &'static str,
}

const WALLS: [Wall; 8] = [
    Wall {
        below: "vault-core/src/",
        except: &[],
        words: &[
            "tokio::",
            "std::net::Tcp",
            "std::net::Udp",
            "std::net::ToSocketAddrs",
            "std::net::{",
            "std::env",
            "std::process::Command",
            "std::thread::sleep",
        ],
        reason: "the core knows no runtime, no network and no environment",
    },
    Wall {
        below: "vault-core/src/rotation",
        except: &[],
        words: &["crate::store", "crate::crypto", "std::fs", "std::thread"],
        reason: "what is decided about a rotation is pure",
    },
    Wall {
        below: "vault-core/src/lease",
        except: &[],
        words: &["crate::store", "crate::crypto", "std::fs", "std::thread"],
        reason: "what is decided about a lease is pure",
    },
    Wall {
        below: "vault-core/src/incident",
        except: &[],
        words: &["crate::store", "crate::crypto", "std::fs", "std::thread"],
        reason: "what is decided about an incident is pure",
    },
    Wall {
        below: "vault-server/src/http",
        // Errors of the layers below are told apart there; the names of index tables are no access.
        except: &["vault-server/src/http/error/from.rs"],
        words: &["vault_core::store::Store", "crate::barrier::", "Keyring", "RootKey", "rotators::"],
        reason: "HTTP parses and translates; records are the services' business",
    },
    Wall {
        below: "vault-server/src/dashboard",
        // It is told how often the vault was sealed, to forget sessions.
        except: &["vault-server/src/dashboard/session.rs"],
        words: &[
            "crate::service",
            "crate::engine",
            "crate::barrier",
            "crate::app",
            "vault_core::store",
            "rotators::",
        ],
        reason: "a page knows what the API answers, and nothing else",
    },
    Wall {
        below: "vault-server/src/service",
        except: &[],
        words: &["axum", "hyper", "crate::http", "StatusCode"],
        reason: "a service knows no HTTP",
    },
    Wall {
        below: "vault-server/src/engine",
        except: &[],
        words: &["axum", "hyper", "crate::http", "crate::service::account", "crate::service::target"],
        reason: "the interpreter knows no HTTP and none of those who ask it",
    },
];

#[test]
fn no_layer_reaches_past_its_walls() {
    let sources = sources(".rs");
    for wall in &WALLS {
        let mut seen = 0;
        let mut offences = Vec::new();
        for source in sources.iter().filter(|source| source.path.starts_with(wall.below)) {
            if wall.except.contains(&source.path.as_str()) || is_test(&source.path) {
                continue;
            }
            seen += 1;
            for (number, line) in code(&source.text) {
                if wall.words.iter().any(|word| line.contains(word)) {
                    offences.push(format!("{}:{number}: {}", source.path, line.trim()));
                }
            }
        }
        assert!(seen > 0, "nothing stands behind the wall around {}", wall.below);
        none(offences, wall.reason);
    }
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// The lines of code before the file's tests, with their numbers; comments are no code.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    lines
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The dependencies of each crate of the workspace, those of its tests left out.
fn manifests() -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for source in sources("Cargo.toml").iter().filter(|source| source.path.matches('/').count() == 1) {
        let (mut name, mut used, mut section) = (String::new(), BTreeSet::new(), String::new());
        for line in source.text.lines().map(str::trim) {
            if line.starts_with('[') {
                line.trim_matches(['[', ']']).clone_into(&mut section);
            } else if let Some((key, value)) = line.split_once('=') {
                let key = key.trim().split('.').next().unwrap_or_default();
                match section.as_str() {
                    "package" if key == "name" => value.trim().trim_matches('"').clone_into(&mut name),
                    "dependencies" => {
                        used.insert(key.to_owned());
                    }
                    _ => {}
                }
            }
        }
        if !source.path.starts_with("fuzz/") {
            found.insert(name, used);
        }
    }
    found
}
