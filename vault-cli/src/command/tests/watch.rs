//! `account watch`: what it asks, prints and runs.

use super::*;

fn version(version: u64) -> (u16, String) {
    data(
        &json!({"version": version, "changed": true, "last_rotation": "2026-01-01T00:00:00Z", "next_rotation": null}),
    )
}

#[tokio::test]
async fn each_version_is_told_once_and_runs_the_command_when_it_is_new() {
    let refused = (403, json!({"errors": ["permission denied"]}).to_string());
    let server = Canned::answering(vec![version(1), version(1), version(2), version(2), refused]);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ran");
    let command = format!("echo $ROTUNDA_ACCOUNT $ROTUNDA_VERSION >> {}; exit 3", file.display());
    let outcome = run(server.address(), &["account", "watch", "/db/app/", "--exec", &command], "").await;
    assert_eq!(outcome.code, 1, "{}", outcome.err);
    assert_eq!(
        outcome.out,
        "db/app version 1 since 2026-01-01T00:00:00Z\ndb/app version 2 since 2026-01-01T00:00:00Z\n"
    );
    assert!(outcome.err.contains("the command for version 2 failed: exit status: 3"), "{}", outcome.err);
    assert_eq!(std::fs::read_to_string(file).unwrap(), "db/app 2\n");
    let lines: Vec<String> = server.asked().into_iter().map(|asked| asked.line).collect();
    let polls = ["", "&version=1", "&version=1", "&version=2", "&version=2"];
    assert_eq!(lines, polls.map(|known| format!("GET /v1/accounts/watch/db/app?wait=30s{known}")));
}

#[tokio::test]
async fn a_version_that_is_not_the_known_one_runs_the_command_at_once() {
    let gone = (404, json!({"errors": []}).to_string());
    let server = Canned::answering(vec![version(5), gone]);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ran");
    let command = format!("echo $ROTUNDA_VERSION > {}", file.display());
    let words = ["account", "watch", "db/app", "--version", "4", "--exec", &command];
    let outcome = run(server.address(), &words, "").await;
    assert_eq!(outcome.code, 1);
    assert_eq!(std::fs::read_to_string(file).unwrap(), "5\n");
}

#[tokio::test]
async fn what_cannot_be_watched_at_all_is_not_tried_again() {
    let sealed = (503, json!({"errors": ["Vault is sealed"]}).to_string());
    let (outcome, _) = against(sealed, &["account", "watch", "db/app"]).await;
    assert_eq!((outcome.code, outcome.out.as_str()), (5, ""));
}
