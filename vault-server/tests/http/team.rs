//! Teams: whose an account, a target and an incident is, and what that costs.

use rotators::fake::{Mishap, Verb};
use serde_json::{Value, json};
use vault_core::rotation::fault::FaultClass;
use vault_server::config::Reports;

use super::bench::Bench;
use super::vault::{Disk, seconds};

/// Two accounts on a target of `platform`, of which `app` is of `payments`.
async fn two() -> Bench {
    let bench = Bench::new().await;
    of_two(&bench).await;
    bench
}

async fn of_two(bench: &Bench) {
    bench.configure_target(json!({ "team": "platform" })).await.expect_status(204);
    bench.account("app", "p-1").await;
    bench.account("batch", "p-2").await;
    let given = bench.post("accounts/config/app", json!({ "team": "payments" })).await;
    given.expect_status(200);
    assert_eq!(given.at("/data/team"), "payments");
}

/// Has the next rotation of an account fail in a way of its own; its incident.
async fn fail(bench: &Bench, account: &str) -> String {
    bench.target.next(Verb::Preflight, Mishap::Fails(FaultClass::PermissionDenied));
    bench.post(&format!("accounts/rotate/{account}"), json!({})).await;
    bench.rest().await;
    bench.get(&format!("accounts/status/{account}")).await.at("/data/incident").as_str().unwrap().to_owned()
}

/// Lets a rotation that failed go on.
async fn mend(bench: &Bench, account: &str) {
    let id = bench.get(&format!("accounts/status/{account}")).await.at("/data/incident");
    let id = id.as_str().unwrap().to_owned();
    bench.post(&format!("incidents/{id}/act/unpark"), json!({})).await.expect_status(200);
    bench.rest().await;
}

async fn review(bench: &Bench, id: &str, staff_minutes: u64) {
    let body =
        json!({ "cause": "permission", "text": "a grant was missing", "staff_minutes": staff_minutes });
    bench.post(&format!("incidents/{id}/review"), body).await.expect_status(200);
}

/// The parts of a report: name and one figure of each, such as `work.cost`.
async fn parts(bench: &Bench, query: &str, figure: &str) -> Vec<(String, Value)> {
    let report = bench.get(&format!("reports/rotation?{query}")).await;
    report.expect_status(200);
    let groups = report.at("/data/groups");
    let part = |part: &Value| {
        let figure = figure.split('.').fold(part, |part, name| &part[name]);
        (part["name"].as_str().unwrap().to_owned(), figure.clone())
    };
    groups.as_array().unwrap().iter().map(part).collect()
}

fn named<const N: usize>(all: [(&str, Value); N]) -> Vec<(String, Value)> {
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[tokio::test]
async fn the_team_of_an_account_goes_before_its_targets_and_is_taken_away_by_an_empty_text() {
    let mut bench = two().await;
    let team = async |bench: &Bench, path: &str| bench.get(path).await.json()["data"]["team"].clone();
    for (path, want) in [
        ("targets/config/t", json!("platform")),
        ("targets/status/t", json!("platform")),
        ("accounts/config/app", json!("payments")),
        ("accounts/status/app", json!("payments")),
        ("accounts/config/batch", json!(null)),
        ("accounts/status/batch", json!("platform")),
    ] {
        assert_eq!(team(&bench, path).await, want, "{path}");
    }
    // What a write leaves out stays, also over a restart.
    bench.post("accounts/config/app", json!({ "max_ttl": "2h" })).await.expect_status(200);
    bench.configure_target(json!({ "max_concurrency": 2 })).await.expect_status(204);
    bench.restart().await;
    assert_eq!(team(&bench, "accounts/status/app").await, "payments");
    assert_eq!(team(&bench, "targets/config/t").await, "platform");
    bench.post("accounts/config/app", json!({ "team": "" })).await.expect_status(200);
    assert_eq!(team(&bench, "accounts/status/app").await, "platform");
    bench.configure_target(json!({ "team": "" })).await.expect_status(204);
    for path in ["targets/config/t", "targets/status/t", "accounts/status/app"] {
        assert_eq!(team(&bench, path).await, json!(null), "{path}");
    }
    for wrong in ["a b", "payments/eu", "(none)", &"x".repeat(65)] {
        let refused = bench.post("accounts/config/app", json!({ "team": wrong })).await;
        refused.expect_status(400);
        assert!(refused.text.contains("'team': the name of the team"), "{}", refused.text);
        bench.configure_target(json!({ "team": wrong })).await.expect_status(400);
    }
    let audit = std::fs::read_to_string(&bench.vault.app.config.audit_file).unwrap();
    assert!(audit.contains(r#""team":"payments""#), "who looks after what is no secret");
}

#[tokio::test]
async fn an_incident_is_stamped_once_and_reports_of_the_past_stay_as_they_were() {
    let bench = two().await;
    let id = fail(&bench, "app").await;
    let whose = async |id: &str| bench.get(&format!("incidents/{id}")).await.at("/data/team");
    assert_eq!(whose(&id).await, "payments");
    let before = parts(&bench, "by=team", "attempts.failed").await;
    assert_eq!(before, named([("payments", json!(1))]));

    bench.post("accounts/config/app", json!({ "team": "search" })).await.expect_status(200);
    assert_eq!(whose(&id).await, "payments");
    // At the very same moment the attempt would take the place of the one before.
    bench.disk.clock.advance(seconds(60));
    mend(&bench, "app").await;
    bench.disk.clock.advance(seconds(3600));
    assert_eq!(fail(&bench, "app").await, id, "it failed again soon after");
    assert_eq!(whose(&id).await, "payments");
    let now = parts(&bench, "by=team", "attempts").await;
    let counts = |succeeded: u64, failed: u64| (json!(succeeded), json!(failed));
    let told: Vec<_> = now
        .iter()
        .map(|(name, told)| (name.as_str(), (told["succeeded"].clone(), told["failed"].clone())))
        .collect();
    // The rotation that was parked went on, and was done, when the account was of another team.
    assert_eq!(told[0], ("payments", counts(0, 1)), "{now:?}");
    assert_eq!(told.last(), Some(&("search", counts(1, 1))), "{now:?}");
    let opened = parts(&bench, "by=team", "incidents.opened").await;
    assert_eq!(opened[0], ("payments".to_owned(), json!(1)));
    assert_eq!(opened.last(), Some(&("search".to_owned(), json!(0))));
    for form in ["csv", "markdown"] {
        let sheet = bench.get(&format!("reports/rotation?by=team&format={form}")).await.text;
        assert!(sheet.contains("payments") && sheet.contains("search"), "{sheet}");
    }
}

#[tokio::test]
async fn a_dead_target_is_for_its_own_team_whosoever_accounts_are_beneath_it() {
    let bench = two().await;
    bench.target.break_down(FaultClass::Unreachable);
    for account in ["app", "batch"] {
        bench.post(&format!("accounts/rotate/{account}"), json!({})).await;
        bench.rest().await;
    }
    let open = bench.get("incidents?team=platform").await;
    assert_eq!((open.at("/data/total"), open.at("/data/incidents/0/kind")), (json!(1), json!("target")));
    assert_eq!(bench.get("incidents?team=payments").await.at("/data/total"), json!(0));
}

#[tokio::test]
async fn accounts_and_incidents_are_found_by_team() {
    let bench = two().await;
    let nobodys = "%28none%29";
    let total = async |path: &str| bench.get(path).await.json()["data"]["total"].clone();
    for (team, accounts) in [("payments", 1), ("platform", 1), ("", 2)] {
        assert_eq!(total(&format!("accounts/status?team={team}")).await, json!(accounts), "{team}");
    }
    for team in [nobodys, "search", "Payments"] {
        bench.get(&format!("accounts/status?team={team}")).await.expect_status(404);
    }
    let found = bench.get("accounts/status?team=payments&q=app").await;
    assert_eq!(found.at("/data/keys"), json!(["app"]));
    assert_eq!(found.at("/data/key_info/app/team"), "payments");
    let id = fail(&bench, "app").await;
    for state in ["open", "all"] {
        for (team, count) in [("payments", 1), ("platform", 0), (nobodys, 0), ("", 1)] {
            let path = format!("incidents?state={state}&team={team}");
            assert_eq!(total(&path).await, json!(count), "{path}");
        }
    }
    mend(&bench, "app").await;
    bench.configure_target(json!({ "team": "" })).await.expect_status(204);
    let other = fail(&bench, "batch").await;
    let of_none = bench.get(&format!("incidents?team={nobodys}")).await;
    assert_eq!(of_none.at("/data/incidents/0/id"), json!(other));
    let closed = bench.get("incidents?state=closed&team=payments").await;
    assert_eq!(closed.at("/data/incidents/0/id"), json!(id));
    assert_eq!(
        bench.get(&format!("accounts/status?team={nobodys}")).await.at("/data/keys"),
        json!(["batch"])
    );
    for list in ["incidents", "accounts/status"] {
        bench.get(&format!("{list}?team=a%20b")).await.expect_status(400);
    }
}

#[tokio::test]
async fn the_costly_credentials_come_first_and_only_those_that_may_be_read() {
    let bench = two().await;
    for (account, minutes) in [("app", 30), ("batch", 90)] {
        let id = fail(&bench, account).await;
        mend(&bench, account).await;
        review(&bench, &id, minutes).await;
    }
    bench.account("quiet", "p-3").await;
    bench.post("accounts/rotate/quiet", json!({})).await.expect_status(200);
    let told = parts(&bench, "by=account", "work.staff_minutes").await;
    assert_eq!(told, named([("batch", json!(90)), ("app", json!(30)), ("quiet", json!(0))]));
    let costs = parts(&bench, "by=account&limit=1&hourly_cost=60", "work.cost").await;
    assert_eq!(costs, named([("batch", json!(90.0))]));
    let first = bench.get("reports/rotation?by=account&limit=1").await;
    assert_eq!(
        (first.at("/data/left_out"), first.at("/data/work")["staff_minutes"].clone()),
        (json!(2), json!(120))
    );
    for limit in ["-1", "10001", "ten"] {
        bench.get(&format!("reports/rotation?by=account&limit={limit}")).await.expect_status(400);
    }
    let sheet = bench.get("reports/rotation?by=account&limit=1&format=csv").await.text;
    assert!(sheet.contains("\r\npart,batch,") && !sheet.contains("part,app,"), "{sheet}");
    assert!(sheet.contains("\r\nleft_out,2,,"), "{sheet}");

    let policy = r#"path "reports/rotation" { capabilities = ["read"] } path "accounts/status/app" { capabilities = ["read"] }"#;
    bench.vault.policy("some", policy).await;
    let token = bench.vault.token(r#"{"policies":["some"]}"#).await;
    let some = bench.vault.call("GET", "reports/rotation?by=account", &token, "").await;
    some.expect_status(200);
    let groups = some.at("/data/groups");
    assert_eq!((groups.as_array().unwrap().len(), &groups[0]["name"]), (1, &json!("app")), "{}", some.text);
    assert!(!some.text.contains("batch") && !some.text.contains("quiet"), "{}", some.text);
    assert!(some.json()["data"].get("left_out").is_none(), "{}", some.text);
    // Whoever may list all accounts knows them all.
    let policy = r#"path "reports/rotation" { capabilities = ["read"] } path "accounts/status/" { capabilities = ["list"] }"#;
    bench.vault.policy("all", policy).await;
    let token = bench.vault.token(r#"{"policies":["all"]}"#).await;
    let all = bench.vault.call("GET", "reports/rotation?by=account", &token, "").await;
    assert_eq!(all.at("/data/groups").as_array().unwrap().len(), 3, "{}", all.text);
}

#[tokio::test]
async fn an_hour_of_staff_has_the_price_that_the_vault_was_told_unless_a_request_names_another() {
    let mut disk = Disk::new();
    disk.config.reports = Reports { hourly_cost: Some(8_500), currency: Some("EUR".to_owned()) };
    let bench = Bench::on(disk).await;
    of_two(&bench).await;
    let id = fail(&bench, "app").await;
    mend(&bench, "app").await;
    review(&bench, &id, 90).await;
    let euros = || json!("EUR");
    for (query, cost, currency) in [
        ("", 127.5, euros()),
        // What such a price is counted in is not known.
        ("hourly_cost=60", 90.0, Value::Null),
        ("hourly_cost=0", 0.0, Value::Null),
        ("max_age=0", 127.5, euros()),
    ] {
        let report = bench.get(&format!("reports/rotation?{query}")).await;
        let told = (report.at("/data/work")["cost"].clone(), report.json()["data"]["currency"].clone());
        assert_eq!(told, (json!(cost), currency), "{query}: {}", report.text);
    }
    let months = parts(&bench, "by=month", "work.cost").await;
    assert_eq!(months.last().unwrap().1, json!(127.5), "{months:?}");
    let sheet = bench.get("reports/rotation?by=month&format=csv").await.text;
    assert!(sheet.lines().next().unwrap().contains(",staff_minutes,cost,currency,ttd_n,"), "{sheet}");
    assert!(sheet.lines().last().unwrap().contains(",90,127.5,EUR,"), "{sheet}");
    let table = bench.get("reports/rotation?by=month&format=markdown").await.text;
    assert!(table.contains("| 90 | 127.5 | EUR |"), "{table}");
    let settings = bench.get("sys/config/state/sanitized").await;
    assert_eq!(settings.at("/data/reports"), json!({ "hourly_cost": 85.0, "currency": "EUR" }));
}

#[tokio::test]
async fn what_is_merged_is_found_by_the_team_of_what_it_is_merged_into() {
    let bench = two().await;
    let (app, batch) = (fail(&bench, "app").await, fail(&bench, "batch").await);
    let found = async |team: &str, more: &str| {
        let list = bench.get(&format!("incidents?team={team}{more}")).await;
        let ids =
            list.at("/data/incidents").as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
        let ids: Vec<Value> = ids;
        assert_eq!(list.at("/data/total"), json!(ids.len()), "{}", list.text);
        ids
    };
    assert_eq!(
        (found("payments", "").await, found("platform", "").await),
        (vec![json!(app)], vec![json!(batch)])
    );
    bench.post(&format!("incidents/{batch}/merge"), json!({ "into": app })).await.expect_status(200);
    for more in ["", "&order=exposure"] {
        assert_eq!(found("payments", more).await, [json!(app)]);
        assert_eq!(found("platform", more).await, [] as [Value; 0], "it is shown as the other's");
    }
}

#[tokio::test]
async fn a_list_leaves_out_what_is_denied_in_so_many_words_and_refuses_a_word_that_is_no_state() {
    let bench = two().await;
    bench.get("accounts/status?list=true&state=failling").await.expect_status(400);
    let rules = r#"
        path "accounts/status" { capabilities = ["list"] }
        path "accounts/status/app" { capabilities = ["deny"] }
    "#;
    bench.vault.policy("looks", rules).await;
    let token = bench.vault.token(r#"{"policies":["looks"]}"#).await;
    let list = bench.vault.call("GET", "accounts/status?list=true", &token, "").await;
    assert_eq!((list.at("/data/keys"), list.at("/data/total")), (json!(["batch"]), json!(1)));
    // Nor does it take a place on a page, or in the count of all.
    for (page, keys) in [("&limit=1", json!(["batch"])), ("&limit=1&offset=1", json!([]))] {
        let list = bench.vault.call("GET", &format!("accounts/status?list=true{page}"), &token, "").await;
        assert_eq!((list.at("/data/keys"), list.at("/data/total")), (keys, json!(1)), "{page}");
    }
}
