//! What a seeded fault is, and what must be told of it.

use serde_json::{Value, json};
use vault_tests::vault::Vault;

/// A fault, and what a rehearsal must say.
pub(crate) struct Seed {
    /// For people.
    pub(crate) name: &'static str,
    /// Statements that seed it; `APP` and `KEEPER` stand for the account and the management credential.
    pub(crate) sql: &'static str,
    /// Settings of the target besides.
    pub(crate) target: Value,
    /// A password policy for the account.
    pub(crate) policy: Option<&'static str>,
    pub(crate) light: &'static str,
    pub(crate) code: &'static str,
    /// A word of the sentence.
    pub(crate) word: &'static str,
}

impl Seed {
    /// A fault that statements seed.
    pub(crate) fn sql(
        name: &'static str,
        sql: &'static str,
        light: &'static str,
        code: &'static str,
        word: &'static str,
    ) -> Self {
        Self { name, sql, target: json!({}), policy: None, light, code, word }
    }
}

/// Writes, and takes no failure for an answer.
pub(crate) async fn wrote(vault: &Vault, path: &str, body: Value) {
    let answer = vault.post(path, body).await.unwrap();
    assert!(answer.is_success(), "{path}: status {}: {}", answer.status, answer.errors());
}

/// Rehearses, and gives the report.
pub(crate) async fn rehearsed(vault: &Vault, path: &str) -> Value {
    let answer = vault.post(&format!("accounts/rehearse/{path}"), json!({})).await.unwrap();
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    let report = answer.data().unwrap().clone();
    let last = vault.get(&format!("accounts/rehearse/{path}")).await.unwrap();
    assert_eq!(last.data().unwrap()["findings"], report["findings"], "what is stored is what was told");
    let status = vault.get(&format!("accounts/status/{path}")).await.unwrap();
    assert_eq!(status.data().unwrap()["rehearsal"]["light"], report["light"]);
    report
}

/// Prints the row of the table, and holds the report against the seed.
pub(crate) fn judged(seed: &Seed, report: &Value) {
    let findings = report["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["code"] == seed.code);
    let what = found.map_or("not found", |found| found["what"].as_str().unwrap());
    println!("{:34} {:6} {:24} {what}", seed.name, report["light"].as_str().unwrap(), seed.code);
    assert_eq!(report["light"], seed.light, "{}: {report:#}", seed.name);
    let found = found.unwrap_or_else(|| panic!("{}: {report:#}", seed.name));
    assert_eq!(found["light"], seed.light, "{}: {report:#}", seed.name);
    assert!(what.contains(seed.word), "{}: {report:#}", seed.name);
    assert!(!found["mend"].as_str().unwrap().is_empty(), "{}", seed.name);
}
