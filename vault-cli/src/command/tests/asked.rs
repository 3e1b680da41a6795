//! What each command sends.

use super::*;

/// Words, the answer to give, the request line and the body that must have been sent.
type Case<'a> = (&'a [&'a str], Value, &'a str, Value);

async fn check(cases: &[Case<'_>]) {
    for (words, answer, line, body) in cases {
        let (outcome, asked) = against(data(answer), words).await;
        assert_eq!((asked.line.as_str(), &asked.json()), (*line, body), "{words:?}: {}", outcome.err);
        assert_eq!(asked.header("x-vault-token"), Some("hvs.test"), "{words:?}");
        assert_eq!(outcome.code, 0, "{words:?}: {}", outcome.err);
    }
}

fn listing() -> Value {
    json!({"keys": ["a"]})
}

#[tokio::test]
async fn targets_and_policies_are_asked_for_at_their_paths() {
    let settings = json!({"rotator": "postgresql", "port": "5432"});
    check(&[
        (&["target", "read", "pg"], json!({"rotator": "x"}), "GET /v1/targets/config/pg", Value::Null),
        (&["target", "list"], listing(), "GET /v1/targets/config?list=true", Value::Null),
        (
            &["target", "write", "pg", "rotator=postgresql", "port=5432"],
            json!({}),
            "POST /v1/targets/config/pg",
            settings,
        ),
        (&["target", "check", "pg"], json!({"server": "x"}), "POST /v1/targets/check/pg", Value::Null),
        (&["target", "delete", "pg"], json!({}), "DELETE /v1/targets/config/pg", Value::Null),
        (&["target", "rotate", "pg"], json!({"version": 2}), "POST /v1/targets/rotate/pg", Value::Null),
        (&["policy", "list"], listing(), "GET /v1/sys/policies/acl?list=true", Value::Null),
        (&["policy", "delete", "p"], json!({}), "DELETE /v1/sys/policies/acl/p", Value::Null),
        (
            &["rotation-policy", "write", "n", "rotation_schedule=0 3 * * *"],
            json!({}),
            "POST /v1/rotation-policies/n",
            json!({"rotation_schedule": "0 3 * * *"}),
        ),
        (
            &["password-policy", "generate", "s"],
            json!({"password": "x"}),
            "GET /v1/password-policies/s/generate",
            Value::Null,
        ),
    ])
    .await;
}

#[tokio::test]
async fn pools_are_asked_for_at_their_paths() {
    let lent = json!({"account": "db/a", "username": "a", "password": "p"});
    check(&[
        (
            &["pool", "write", "dba", "accounts=db/a,db/b", "ttl=1h"],
            json!({}),
            "POST /v1/pools/config/dba",
            json!({"accounts": "db/a,db/b", "ttl": "1h"}),
        ),
        (&["pool", "read", "dba"], json!({"accounts": ["db/a"]}), "GET /v1/pools/config/dba", Value::Null),
        (&["pool", "list"], listing(), "GET /v1/pools/config?list=true", Value::Null),
        (&["pool", "status", "dba"], json!({"total": 0}), "GET /v1/pools/status/dba", Value::Null),
        (&["pool", "delete", "dba"], json!({}), "DELETE /v1/pools/config/dba", Value::Null),
        (
            &["pool", "check-out", "dba", "--ttl", "30m", "--reason", "fix", "--wait", "5m"],
            lent,
            "POST /v1/pools/check-out/dba",
            json!({"ttl": 1800, "reason": "fix", "wait": 300}),
        ),
        (
            &["pool", "check-in", "dba", "db/a", "/db/b/"],
            json!({"check_ins": [{"account": "db/a", "state": "closed"}]}),
            "POST /v1/pools/check-in/dba",
            json!({"accounts": ["db/a", "db/b"]}),
        ),
        (
            &["pool", "check-in", "dba", "--lease-id", "l-1", "--force"],
            json!({"check_ins": []}),
            "POST /v1/pools/check-in/dba",
            json!({"lease_id": "l-1", "force": true}),
        ),
    ])
    .await;
}

#[tokio::test]
async fn accounts_are_asked_for_at_their_paths() {
    let account = json!({"target": "pg", "username": "app", "state": "idle", "version": 1});
    check(&[
        (
            &["account", "consumers", "db/app"],
            json!({"version": 1, "consumers": []}),
            "GET /v1/accounts/consumers/db/app",
            Value::Null,
        ),
        (&["account", "list", "db/"], listing(), "GET /v1/accounts/config/db?list=true", Value::Null),
        (&["account", "status", "/db/a b"], account.clone(), "GET /v1/accounts/status/db/a%20b", Value::Null),
        (
            &["account", "status", "--state", "parked"],
            listing(),
            "GET /v1/accounts/status?list=true&state=parked",
            Value::Null,
        ),
        (
            &["account", "delete", "db/app", "--disposal", "rotate-and-forget"],
            json!({}),
            "DELETE /v1/accounts/config/db/app?disposal=rotate-and-forget",
            json!({"disposal": "rotate-and-forget"}),
        ),
        (
            &["account", "verify", "db/app"],
            json!({"outcome": "verified"}),
            "POST /v1/accounts/verify/db/app",
            json!({}),
        ),
        (&["creds", "db/app"], account, "GET /v1/accounts/creds/db/app", Value::Null),
        (
            &["rotate", "db/app", "--force"],
            json!({}),
            "POST /v1/accounts/rotate/db/app",
            json!({"force": true}),
        ),
        (
            &["check-out", "db/app", "--ttl", "1h30m", "--reason", "r", "--ticket", "T-1", "--wait", "60"],
            json!({}),
            "POST /v1/accounts/check-out/db/app",
            json!({"ttl": 5400, "reason": "r", "ticket": "T-1", "wait": 60}),
        ),
        (
            &["check-in", "db/app", "--lease-id", "l-1", "--force"],
            json!({"state": "closed"}),
            "POST /v1/accounts/check-in/db/app",
            json!({"lease_id": "l-1", "force": true}),
        ),
    ])
    .await;
}

#[tokio::test]
async fn incidents_are_merged_and_taken_apart_at_their_paths() {
    check(&[
        (
            &["incident", "merge", "i-1", "--into", "i-2", "--dry-run"],
            json!({}),
            "POST /v1/incidents/i-1/merge",
            json!({"into": "i-2", "dry_run": true}),
        ),
        (
            &["incident", "unmerge", "i-1"],
            json!({}),
            "POST /v1/incidents/i-1/unmerge",
            json!({"dry_run": false}),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_maintenance_is_declared_and_asked_for_in_its_dry_run() {
    let would = json!({"dry_run": true, "until": "2026-01-01T02:00:00Z", "steps": []});
    check(&[
        (
            &["incident", "do", "i-1", "maintenance", "--for", "2h", "--reason", "racks", "--dry-run"],
            would,
            "POST /v1/incidents/i-1/act/maintenance",
            json!({"dry_run": true, "for": "2h", "reason": "racks"}),
        ),
        (
            &["target", "maintenance", "pg", "--until", "7", "--reason", "racks", "--dry-run"],
            json!({"dry_run": true}),
            "POST /v1/targets/maintenance/pg",
            json!({"until": "7", "reason": "racks", "dry_run": true}),
        ),
        (
            &["target", "maintenance", "pg", "--for", "2h", "--reason", "racks"],
            json!({}),
            "POST /v1/targets/maintenance/pg",
            json!({"for": "2h", "reason": "racks"}),
        ),
        (
            &["silence", "add", "--target", "pg", "--for", "2h", "--reason", "racks", "--dry-run"],
            json!({"dry_run": true}),
            "POST /v1/silences",
            json!({"target": "pg", "for": "2h", "reason": "racks", "dry_run": true}),
        ),
    ])
    .await;
}

#[tokio::test]
async fn incidents_are_asked_for_at_their_paths() {
    let incident = json!({"id": "i-1"});
    check(&[
        (&["incident", "list"], json!({"incidents": []}), "GET /v1/incidents/?state=open", Value::Null),
        (&["incident", "show", "i-1"], incident.clone(), "GET /v1/incidents/i-1", Value::Null),
        (&["incident", "ack", "i-1"], incident.clone(), "POST /v1/incidents/i-1/ack", Value::Null),
        (
            &["incident", "assign", "i-1", "eve"],
            incident.clone(),
            "POST /v1/incidents/i-1/assign",
            json!({"owner": "eve"}),
        ),
        (
            &["incident", "note", "i-1", "seen"],
            incident,
            "POST /v1/incidents/i-1/note",
            json!({"text": "seen"}),
        ),
    ])
    .await;
}

#[tokio::test]
async fn reports_leases_and_tokens_are_asked_for_at_their_paths() {
    let report = "GET /v1/reports/rotation?from=2026-01-01T00%3A00%3A00Z";
    check(&[
        (&["report", "rotation", "--from", "2026-01-01T00:00:00Z"], json!({}), report, Value::Null),
        (
            &[
                "report",
                "rotation",
                "--by",
                "month",
                "--objective",
                "99.9",
                "--hourly-cost",
                "85.5",
                "--format",
                "csv",
            ],
            json!({}),
            "GET /v1/reports/rotation?by=month&objective=99.9&hourly_cost=85.5&format=csv",
            Value::Null,
        ),
        (
            &["report", "rotation", "--by", "target", "--worst", "5", "--also", "team,month@7"],
            json!({}),
            "GET /v1/reports/rotation?by=target&worst=5&also=team%2Cmonth%407",
            Value::Null,
        ),
        (
            &["report", "ended", "--from", "2026-01-01T00:00:00Z"],
            json!({}),
            "GET /v1/reports/rotation/ended?from=2026-01-01T00%3A00%3A00Z",
            Value::Null,
        ),
        (&["report", "attempts"], json!({}), "GET /v1/reports/rotation/attempts", Value::Null),
        (&["report", "ages", "--limit", "5"], json!({}), "GET /v1/reports/ages?limit=5", Value::Null),
        (&["report", "standing"], json!({}), "GET /v1/reports/standing", Value::Null),
        (&["report", "due", "--within", "7d"], json!({}), "GET /v1/reports/due?within=7d", Value::Null),
        (
            &["lease", "renew", "l/1", "--increment", "1h"],
            json!({}),
            "PUT /v1/sys/leases/renew",
            json!({"lease_id": "l/1", "increment": 3600}),
        ),
        (
            &["lease", "revoke", "--prefix", "l/"],
            json!({}),
            "PUT /v1/sys/leases/revoke-prefix/l",
            Value::Null,
        ),
        (&["lease", "list"], listing(), "GET /v1/sys/leases/lookup?list=true", Value::Null),
        (
            &["token", "lookup", "--accessor", "acc"],
            json!({}),
            "POST /v1/auth/token/lookup-accessor",
            json!({"accessor": "acc"}),
        ),
        (&["token", "revoke", "--self"], json!({}), "POST /v1/auth/token/revoke-self", Value::Null),
    ])
    .await;
}

#[tokio::test]
async fn the_generic_words_reach_any_path() {
    check(&[
        (&["read", "a/b", "x=y"], json!({}), "GET /v1/a/b?x=y", Value::Null),
        (&["list", "a/b", "state=x"], listing(), "GET /v1/a/b?list=true&state=x", Value::Null),
        (&["write", "-f", "a/b"], json!({}), "PUT /v1/a/b", json!({})),
        (&["delete", "/v1/a/b"], json!({}), "DELETE /v1/a/b", Value::Null),
    ])
    .await;
}

#[tokio::test]
async fn shares_for_a_rekey_name_the_rekey_that_is_under_way() {
    let begun = json!({"nonce": "n-1", "started": true, "t": 2, "n": 3, "progress": 0, "required": 3});
    let words = ["operator", "rekey", "--init", "--key-shares", "3", "--key-threshold", "2"];
    let (outcome, asked) = against((200, begun.to_string()), &words).await;
    assert_eq!((outcome.code, asked.line.as_str()), (0, "PUT /v1/sys/rekey/init"));
    let want = json!({"secret_shares": 3, "secret_threshold": 2, "require_verification": true});
    assert_eq!(asked.json(), want);

    let done = json!({"nonce": "n-1", "complete": true, "keys_base64": ["qg==", "uw=="],
        "verification_required": true, "verification_nonce": "n-2"});
    let server = Canned::answering(vec![(200, begun.to_string()), (200, done.to_string())]);
    let outcome = run(server.address(), &["operator", "rekey"], "canary\n").await;
    let asked = server.asked();
    assert_eq!(asked[0].line, "GET /v1/sys/rekey/init");
    assert_eq!(
        (asked[1].line.as_str(), asked[1].json()),
        ("PUT /v1/sys/rekey/update", json!({"key": "canary", "nonce": "n-1"}))
    );
    assert!(outcome.out.contains("New share 2  uw==") && outcome.out.contains("--verify"), "{}", outcome.out);

    let idle = json!({"nonce": "", "started": false, "required": 3});
    let (outcome, _) = against((200, idle.to_string()), &["operator", "rekey"]).await;
    assert_eq!(outcome.code, 2);
    assert!(outcome.err.contains("--init"), "{}", outcome.err);
}

#[tokio::test]
async fn an_encoded_root_token_is_read_with_its_pad_on_this_machine() {
    let begun = json!({"nonce": "n-1", "started": true, "progress": 0, "required": 3, "otp": "abcd"});
    let (outcome, asked) = against((200, begun.to_string()), &["operator", "generate-root", "--init"]).await;
    assert_eq!(asked.line, "PUT /v1/sys/generate-root/attempt");
    assert!(outcome.out.contains("one-time pad  abcd"), "{}", outcome.out);
    // "hvs." under the pad "abcd".
    let words = ["operator", "generate-root", "--decode", "CRQQSg"];
    let outcome = run("http://127.0.0.1:1", &words, "abcd\n").await;
    assert_eq!((outcome.code, outcome.out.as_str()), (0, "hvs.\n"), "{}", outcome.err);
    let outcome = run("http://127.0.0.1:1", &words, "abcde\n").await;
    assert_eq!(outcome.code, 2);
}
