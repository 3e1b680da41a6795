//! The canary: recognisable secrets everywhere, a lively session with every kind of failure, and then a
//! search for each of them, in every form, wherever it must not be.
//!
//! ```text
//!   searched: log (debug) · answers that reveal nothing · audit file · every file of the data directory
//!             · command line and environment · `Debug` output · PostgreSQL's log (log_statement = all)
//!   forms:    as it is · base64 at each alignment, both alphabets · hex · percent-encoded · JSON-escaped
//! ```
//!
//! The one documented exception is the `dev.json` of dev mode. That the search finds what it looks for is
//! shown by planting.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a step of a test that fails is the finding"
)]

#[path = "canary/browser.rs"]
mod browser;
#[path = "canary/debug.rs"]
mod debug;
#[path = "canary/failure.rs"]
mod failure;
#[path = "canary/input.rs"]
mod input;
#[path = "canary/plant.rs"]
mod plant;
#[path = "canary/search.rs"]
mod search;
#[path = "canary/session.rs"]
mod session;

use search::{Secrets, Text, files_below};
use session::Session;
use vault_tests::vault::Vault;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_of_a_server_appears_where_it_must_not() {
    let mut session = Session::start().await;
    session.ordinary().await;
    failure::of_targets(&mut session).await;
    failure::of_the_seal(&mut session).await;
    input::of_every_bad_kind(&mut session).await;
    session.look_at_everything().await;
    browser::looks_at_everything(&mut session).await;
    let texts = session.end().await;
    let found = session.secrets.search(&texts);
    assert!(found.is_empty(), "secrets were found:\n{}", found.join("\n"));
    // Something was searched: the session left its traces in each place.
    for place in ["log", "audit.log", "redb/records.redb", "PostgreSQL's log", "answer to", "process"] {
        let bytes: usize =
            texts.iter().filter(|text| text.place.contains(place)).map(|text| text.bytes.len()).sum();
        assert!(bytes > 100, "{place}: {bytes} bytes");
    }
    assert!(session.secrets.count() > 20, "{}", session.secrets.count());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dev_vault_keeps_its_secrets_in_dev_json_alone() {
    let mut vault = Vault::start().await.unwrap();
    let mut secrets = Secrets::default();
    secrets.add("root token", vault.root());
    secrets.add("child token", &vault.token("child", &["default"]).await.unwrap());
    let keys: serde_json::Value =
        serde_json::from_slice(&std::fs::read(vault.data().join("dev.json")).unwrap()).unwrap();
    secrets.add_key("unseal key", keys["unseal_key"].as_str().unwrap());
    vault.terminate().unwrap();
    let files = files_below(&vault.data());
    let (dev, others): (Vec<Text>, Vec<Text>) =
        files.into_iter().partition(|text| text.place.ends_with("dev.json"));
    assert_eq!(secrets.search(&others), Vec::<String>::new());
    // The documented exception, and the search sees it.
    assert_eq!(secrets.search(&dev).len(), 2);
}
