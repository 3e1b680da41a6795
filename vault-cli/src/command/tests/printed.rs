//! Golden outputs.

use super::*;

async fn table(answer: &Value, words: &[&str]) -> String {
    let (outcome, _) = against(data(answer), words).await;
    assert_eq!(outcome.err, "", "{words:?}");
    outcome.out
}

#[tokio::test]
async fn a_check_out_prints_what_is_needed_to_log_in_and_to_give_it_back() {
    let lent = json!({"username": "app", "password": "p w\u{7}", "version": 3, "generation": 9, "expires_at": "2026-01-01T10:00:00Z"});
    let (outcome, _) =
        against(leased("accounts/check-out/db/app/7", 5400, &lent), &["check-out", "db/app"]).await;
    assert_eq!(
        outcome.out,
        "\
username  app
password  p w\\u{7}
version   3
lease     accounts/check-out/db/app/7
ends      2026-01-01T10:00:00Z (in 1h30m)
"
    );
    let words = ["check-out", "db/app", "--field", "password"];
    let (outcome, _) = against(leased("l", 60, &lent), &words).await;
    assert_eq!(outcome.out, "p w\u{7}", "a field is printed as it is, without a newline into a pipe");
    let (outcome, _) =
        against(leased("l-9", 60, &lent), &["check-out", "db/app", "--field", "lease_id"]).await;
    assert_eq!(outcome.out, "l-9");
    let (outcome, _) = against(leased("l", 60, &lent), &["check-out", "db/app", "--format", "json"]).await;
    let printed: Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!((&printed["lease_id"], &printed["data"]), (&json!("l"), &lent), "JSON is the whole answer");
}

#[tokio::test]
async fn a_pool_shows_who_has_what_and_what_is_lent_names_its_account() {
    let status = json!({
        "total": 3, "available": 1, "accounts": {
            "db/a": {"available": true, "state": "free"},
            "db/b": {"available": false, "state": "lent", "holder": {"principal": "alice", "expires_at": "noon"}},
            "db/c": {"available": false, "state": "failing", "class": "drift"},
        },
    });
    assert_eq!(
        table(&status, &["pool", "status", "dba"]).await,
        "\
1 of 3 free
ACCOUNT  STATE    HELD BY  UNTIL  FAILURE
db/a     free     -        -      -
db/b     lent     alice    noon   -
db/c     failing  -        -      drift
"
    );
    let lent = json!({"account": "db/a", "username": "app", "password": "pw", "version": 3, "generation": 9, "expires_at": "noon"});
    let (outcome, _) = against(leased("l-1", 60, &lent), &["pool", "check-out", "dba"]).await;
    assert_eq!(
        outcome.out,
        "account   db/a\nusername  app\npassword  pw\nversion   3\nlease     l-1\nends      noon (in 1m)\n"
    );
    let open = json!({"check_ins": [{"account": "db/a", "state": "revoking"}]});
    let (outcome, _) = against(data(&open), &["pool", "check-in", "dba"]).await;
    assert_eq!(outcome.code, 6, "{}", outcome.out);
    let summary = json!({
        "target": "pg", "username": "app", "version": 3, "pool": "pools/dba",
        "consumers": {"live": 3, "current": 2, "lagging": 1, "all_current": false,
            "laggards": [{"principal": "approle", "id": "auth/ci/web", "version": 2}]},
    });
    let printed = table(&summary, &["account", "status", "db/app"]).await;
    assert!(printed.contains("pool           pools/dba\n"), "{printed}");
    assert!(printed.contains("consumers      2 of 3 have version 3\n"), "{printed}");
    assert!(printed.contains("lagging        auth/ci/web (version 2)\n"), "{printed}");
}

#[tokio::test]
async fn a_status_shows_failure_holder_and_line() {
    let answer = json!({
        "target": "pg", "username": "app", "state": "backoff", "version": 3, "pending_version": 4,
        "last_rotation": "2026-01-01T00:00:00Z", "next_rotation": null, "class": "unreachable",
        "detail": "connection refused", "incident": "i-7", "attempts": 2, "next_attempt": "2026-01-01T00:05:00Z",
        "holder": {"principal": "alice", "lease_id": "l-1", "expires_at": "noon", "reason": "fix", "state": "active"},
        "line": [{"principal": "bob"}, {"principal": "eve"}], "rotation_policy": "nightly",
    });
    assert_eq!(
        table(&answer, &["account", "status", "db/app"]).await,
        "\
target           pg
username         app
state            backoff
version          3
on its way       version 4
last rotation    2026-01-01T00:00:00Z
next rotation    -
failure          unreachable
detail           connection refused
incident         i-7
next attempt     2026-01-01T00:05:00Z
rotation policy  nightly
attempts         2
held by          alice until noon (active)
reason           fix
lease            l-1
in line          bob, eve
"
    );
}

#[tokio::test]
async fn listings_are_columns_for_people_and_an_array_for_programs() {
    let listing = json!({
        "keys": ["db/app", "db/b"],
        "key_info": {"db/app": {"state": "parked", "version": 2, "class": "drift"}, "db/b": {
            "state": "idle", "version": 1, "rehearsal": {"light": "red", "at": "noon", "codes": ["permission_denied"]},
        }},
    });
    assert_eq!(
        table(&listing, &["account", "status"]).await,
        "\
PATH    STATE   VERSION  REHEARSED  FAILURE  HELD BY  NEXT ROTATION
db/app  parked  2        -          drift    -        -
db/b    idle    1        red        -        -        -
"
    );
    assert_eq!(table(&listing, &["account", "list"]).await, "db/app\ndb/b\n");
    assert_eq!(
        table(&listing, &["list", "x", "--format", "json"]).await,
        "[\n  \"db/app\",\n  \"db/b\"\n]\n"
    );
}

#[tokio::test]
async fn incidents_and_history_are_tables() {
    let incident = json!({
        "id": "i-7", "subject": "db/app", "target": "pg", "class": "unreachable", "phase": "apply", "state": "open",
        "severity": "error", "exposure_seconds": 90, "opened_at": "t3", "detail": "no route", "attempts": 2, "marks": {"t0": "a", "t3": "b", "t7": null},
        "events": [{"at": "b", "kind": "opened"}, {"at": "c", "kind": "note", "by": "eve", "text": "line\nbreak"}],
    });
    assert_eq!(
        table(&json!({"incidents": [incident]}), &["incident", "list"]).await,
        "\
ID   STATE  SUBJECT  CLASS        SEVERITY  OPENED  ATTEMPTS  NEXT ATTEMPT  OWNER
i-7  open   db/app   unreachable  error     t3      2         -             -
"
    );
    assert_eq!(table(&json!({"incidents": []}), &["incident", "list"]).await, "no open incident\n");
    assert_eq!(
        table(&incident, &["incident", "note", "i-7", "line"]).await,
        "\
incident  i-7
subject   db/app
state     open
owner     -
written   line\\nbreak
"
    );
    assert_eq!(
        table(&incident, &["incident", "show", "i-7"]).await,
        "\
incident       i-7
subject        db/app
target         pg
state          open
class          unreachable
severity       error
exposure       1m30s
phase          apply
detail         no route
owner          -
acknowledged   -
attempts       2
next attempt   -
t0 due         a
t3 detected    b
t7 remediated  -

LINE  AT  WHAT    ATTEMPT  STEP  BY   TEXT
-     b   opened  -        -     -    -
-     c   note    -        -     eve  line\\nbreak
"
    );
    let history = json!({"events": [{"at": "a", "kind": "promoted", "version": 2}]});
    assert_eq!(
        table(&history, &["account", "history", "db/app"]).await,
        "AT  WHAT      VERSION  FAILURE  BY  DETAIL\na   promoted  2        -        -   -\n"
    );
}

#[tokio::test]
async fn the_report_never_leaves_open_incidents_out() {
    let answer = json!({
        "window": {"from": "a", "to": "b"},
        "rotations": {"succeeded": 9, "failed": 1, "attempts": 12, "failure_share": 0.1},
        "attempts": {"succeeded": 10, "failed": 2, "failure_share": 0.166666},
        "budget": {"objective": 99.5, "rotations": {"rate": 20.0, "spent": 10.0}, "attempts": null},
        "incidents": {"opened": 2, "resolved": 1, "open": 1, "oldest_open_seconds": 3700},
        "work": {"reviewed": 1, "unreviewed": 2, "staff_minutes": 90, "cost": 127.5},
        "by_class": {"unreachable": 2},
        "ttr": {
            "n": 2, "completed": 1, "censored": 1, "mean": 60.0, "p50": 9.5, "p90": 907200.5, "max": 907200.5,
            "p90_is_floor": true, "max_is_floor": true,
        },
    });
    assert_eq!(
        table(&answer, &["report", "rotation"]).await,
        "\
window       a to b
rotations    9 succeeded, 1 failed (10.0 %)
attempts     10 succeeded, 2 failed (16.7 %)
objective    99.5 %
  rotations  burn 20.00, 1000.0 % of 30 days spent
  attempts   -
incidents    2 opened, 1 resolved, 1 open
apart        0 never acknowledged, 0 never notified, 0 withdrawn
oldest open  1h1m
staff time   1h30m on 1 reviewed, 2 not reviewed, cost 127.50

TIME TO         N  ENDED  OPEN  SUSPECT  MEAN  P50   P90      MAX
detect (TTD)    0  0      0     0        -     -     -        -
notify (TTN)    0  0      0     0        -     -     -        -
ack (TTA)       0  0      0     0        -     -     -        -
mitigate (TTM)  0  0      0     0        -     -     -        -
repair (TTR)    2  1      1     0        1m    9.5s  >10d12h  >10d12h

CLASS        INCIDENTS
unreachable  2
"
    );
}

#[tokio::test]
async fn reports_fit_into_a_terminal_of_eighty_columns() {
    let spread = json!({
        "n": 99_999, "completed": 99_990, "censored": 99, "suspect": 99, "mean": 3_974_399.0, "p50": 3_974_399.0,
        "p90": 31_536_000.0, "max": 31_622_399.0, "p50_is_floor": true, "p90_is_floor": true, "max_is_floor": true,
    });
    let part = |name: &str, change: Value| {
        json!({
            "name": name, "rotations": {"succeeded": 999, "failed": 99}, "attempts": {"succeeded": 999, "failed": 99},
            "incidents": {"opened": 99, "open": 99}, "ttr": spread, "change": change,
        })
    };
    let change = json!({"failed_rotations": -99, "failed_attempts": 99, "opened": 99});
    let parts = [part("management_auth_refused", Value::Null), part("2026-11", change)];
    let report = json!({
        "window": {"from": "2026-11-01T00:00:00.000Z", "to": "2026-12-01T00:00:00.000Z"},
        "budget": {"objective": 99.9999, "rotations": {"rate": 20.0, "spent": 10.0}},
        "ttd": spread, "ttn": spread, "tta": spread, "ttm": spread, "ttr": spread,
    });
    let due = json!({"as_of": "2026-11-01T00:00:00Z", "held": 1, "left_out": 40_000, "listed": [
        {"account": "platform/database/app", "target": "postgres-eu-1", "state": "quarantined",
         "due_at": "2026-11-21T03:00:00.123Z", "overdue_seconds": 3_974_399, "incident": "i"},
        {"account": "app", "target": "pg", "state": "idle", "due_at": "2026-11-21T03:00:00Z",
         "held_until": "2026-11-21T05:00:00Z"},
    ]});
    let ages = json!({"oldest": [
        {"account": "platform/database/app", "target": "postgres-eu-1", "age_seconds": 31_622_399,
         "period_seconds": 2_592_000, "ratio": 12.2},
    ]});
    let mut printed = vec![
        (table(&due, &["report", "due"]).await, "idle         2026-11-21 03:00  held"),
        (table(&due, &["report", "due"]).await, "\n\n40000 more are left out: --limit\n"),
        (table(&ages, &["report", "ages"]).await, "365d23h  30d     12.20"),
    ];
    for (part, told) in parts.iter().zip(["management_auth_refused  99 of 1098", "99 of 1098 (-99)"]) {
        let mut report = report.clone();
        report["groups"] = json!([part]);
        printed.push((table(&report, &["report", "rotation"]).await, told));
    }
    for (text, told) in printed {
        assert!(text.contains(told), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}

#[tokio::test]
async fn a_report_for_spreadsheets_is_printed_as_the_server_wrote_it() {
    let sheet = "kind,name\r\ntotal,'=1\r\n".to_owned();
    let words = ["report", "ages", "--format", "csv"];
    let (outcome, asked) = against((200, sheet.clone()), &words).await;
    assert_eq!(asked.line, "GET /v1/reports/ages?format=csv");
    assert_eq!((outcome.code, outcome.out), (0, sheet));
    let refused = json!({"errors": ["permission denied"]}).to_string();
    let (outcome, _) = against((403, refused), &words).await;
    assert!(outcome.code == 1 && outcome.err.contains("permission denied"), "{}", outcome.err);
}

#[tokio::test]
async fn init_shows_the_shares_once_and_says_what_to_do_with_them() {
    let made = json!({"keys": ["aa", "bb"], "keys_base64": ["qg==", "uw=="], "root_token": "hvs.root"});
    let words = ["operator", "init", "--key-shares", "2", "--key-threshold", "2"];
    let (outcome, asked) = against((200, made.to_string()), &words).await;
    assert_eq!(asked.json(), json!({"secret_shares": 2, "secret_threshold": 2}));
    assert_eq!(
        outcome.out,
        "\
Unseal share 1  qg==
Unseal share 2  uw==
Root token      hvs.root

Shown once and stored nowhere. Give each share to another person: 2 of 2 unseal the vault.
"
    );
}

#[tokio::test]
async fn a_policy_is_printed_as_it_was_written_and_warnings_go_to_standard_error() {
    let text = "path \"a\" {\n  capabilities = [\"read\"]\n}";
    assert_eq!(
        table(&json!({"name": "p", "policy": text}), &["policy", "read", "p"]).await,
        format!("{text}\n")
    );
    let warned = json!({"request_id": "r", "data": null, "warnings": ["TTL of 9h exceeded; capped"]});
    let (outcome, _) = against((200, warned.to_string()), &["write", "a/b", "ttl=9h"]).await;
    assert_eq!(
        (outcome.out.as_str(), outcome.err.as_str()),
        ("written\n", "warning: TTL of 9h exceeded; capped\n")
    );
    let (outcome, _) = against((204, String::new()), &["write", "a/b", "x=y", "--format", "json"]).await;
    assert_eq!(outcome.out, "{}\n", "programs always get JSON");
}

#[tokio::test]
async fn looking_up_a_token_does_not_print_it() {
    let answer = json!({"id": "hvs.canary", "accessor": "acc", "policies": ["default"], "ttl": 60});
    let out = table(&answer, &["token", "lookup"]).await;
    assert_eq!(out, "accessor  acc\npolicies  default\nttl       60\n");
}

#[tokio::test]
async fn a_rehearsal_says_its_light_as_a_word_and_by_its_exit_code() {
    let finding =
        |light: &str| json!({"light": light, "code": "no_grace", "what": "it is so", "mend": "do this"});
    for (light, findings, exit) in [
        ("green", vec![], 0),
        ("amber", vec![finding("amber")], 10),
        ("red", vec![finding("red"), finding("amber")], 11),
    ] {
        let answer = json!({"outcome": "rehearsed", "light": light, "passed": ["one"], "findings": findings});
        let (outcome, asked) = against(data(&answer), &["account", "rehearse", "db/app"]).await;
        assert_eq!((outcome.code, outcome.err.as_str()), (exit, ""), "{light}");
        assert!(asked.line.starts_with("POST /v1/accounts/rehearse/db/app"), "{}", asked.line);
        assert!(
            outcome.out.contains(&format!("{}: a rotation would", light.to_uppercase())),
            "{}",
            outcome.out
        );
        let told = outcome.out.matches("no_grace: it is so\n  to mend  do this\n").count();
        assert_eq!(told, findings.len(), "{}", outcome.out);
        assert!(!outcome.out.contains('\u{1b}'));
    }
    let running = json!({"data": {"outcome": "running", "passed": [], "findings": []}});
    let (outcome, _) = against((202, running.to_string()), &["account", "rehearse", "db/app"]).await;
    assert_eq!(outcome.code, 6, "{}", outcome.err);
}

#[tokio::test]
async fn audit_devices_are_told_with_what_was_found_and_what_is_wrong_is_the_exit_code() {
    let devices = |chain: Value, copy: Value| {
        json!({
            "chain/": { "type": "file", "path": "chain/", "health": chain },
            "far/": { "type": "socket", "path": "far/", "health": copy },
        })
    };
    let chain = json!({
        "takes_lines": true, "failures": 0, "newest_line": 9, "newest_at": "noon",
        "checked_at": "11:00", "checked_line": 7, "findings": 0,
    });
    let copy = json!({ "takes_lines": true, "behind": true, "failures": 2, "newest_at": "noon" });
    let (well, asked) = against(data(&devices(chain.clone(), copy.clone())), &["audit", "status"]).await;
    assert_eq!((well.code, asked.line.as_str()), (0, "GET /v1/sys/audit"));
    assert_eq!(
        well.out,
        "\
DEVICE  TYPE    TAKES LINES  NOT TAKEN  NEWEST  AS IT WAS WRITTEN
chain   file    yes          0          noon    yes, to line 7, at 11:00
far     socket  behind       2          noon    a copy
"
    );
    let mut damaged = chain.clone();
    damaged["findings"] = json!(2);
    let (told, _) = against(data(&devices(damaged, copy.clone())), &["audit", "status"]).await;
    assert!(told.code == 1 && told.out.contains("no: 2 findings at 11:00"), "{} {}", told.code, told.out);
    let mut gone = copy;
    gone["takes_lines"] = json!(false);
    let (told, _) = against(data(&devices(chain, gone)), &["audit", "status"]).await;
    assert_eq!(told.code, 1, "{}", told.out);
}
