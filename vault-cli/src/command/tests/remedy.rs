//! What is printed of remedies: what may be pressed for each account beneath a target, and dry runs.

use super::*;

#[tokio::test]
async fn each_account_beneath_a_target_has_its_actions() {
    let action = |word: &str, safe: bool, permitted: bool| json!({"action": word, "safe": safe, "permitted": permitted});
    let answer = json!({
        "id": "i-1", "subject": "target pg", "class": "management_auth_refused",
        "runbook": {"means": "m", "by_itself": "b", "commands": ["rotunda target check pg"]},
        "actions": [{"action": "maintenance", "safe": false, "why": "w", "path": "p", "permitted": true,
                     "steps": [{"text": "waits", "history": null}]}],
        "nothing": "name one",
        "accounts": [
            {"account": "management credential of pg", "class": "management_auth_refused",
             "actions": [action("set_password", true, true)]},
            {"account": "db/app", "class": "overdue", "actions": [action("unpark", false, false)]},
            {"account": "db/b", "class": "overdue", "actions": []},
        ],
    });
    let (outcome, _) = against(data(&answer), &["incident", "actions", "i-1"]).await;
    assert_eq!(
        outcome.out,
        "\
incident   i-1
subject    target pg
class      management_auth_refused
means      m
by itself  b
  rotunda target check pg

name one
maintenance: NOT SAFE: w
  1. waits

--account                    CLASS                    ACTIONS
management credential of pg  management_auth_refused  set_password
db/app                       overdue                  unpark (not safe) (you may not)
db/b                         overdue                  nothing now
"
    );
}

#[tokio::test]
async fn a_maintenance_that_was_only_asked_for_says_so() {
    let would = json!({"dry_run": true, "steps": ["begins at once", "holds\nback"]});
    let words = ["target", "maintenance", "pg", "--for", "2h", "--reason", "r", "--dry-run"];
    let (outcome, _) = against(data(&would), &words).await;
    assert_eq!(outcome.out, "nothing was done; it would do this:\n  1. begins at once\n  2. holds\\nback\n");
    let would = json!({
        "action": "maintenance", "dry_run": true, "outcome": "dry_run", "safe": false, "why": "w", "until": "noon",
        "steps": [{"text": "begins at once", "history": null}],
    });
    let words = ["incident", "do", "i-1", "maintenance", "--for", "2h", "--reason", "r", "--dry-run"];
    let (outcome, _) = against(data(&would), &words).await;
    assert_eq!(
        outcome.out,
        "action   maintenance\noutcome  dry_run\nsafe     NO: w\nuntil    noon\n\n  1. begins at once\n"
    );
    for words in [
        &["incident", "do", "i-1", "maintenance", "--reason", "r"][..],
        &["incident", "do", "i-1", "retry", "--reason", "r"],
    ] {
        let outcome = run("http://127.0.0.1:9", words, "").await;
        assert_eq!(outcome.code, 2, "{words:?}: {}", outcome.err);
        assert!(outcome.err.contains("maintenance"), "nothing is asked: {}", outcome.err);
    }
}
