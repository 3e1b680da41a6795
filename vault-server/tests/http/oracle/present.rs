//! The reports about the present: how accounts stand, how old their credentials are, and what is due.

use rotators::fake::{Mishap, Verb};
use serde_json::{Value, json};
use vault_core::account::{Account, Subject};
use vault_core::clock::{Clock, Timestamp};
use vault_core::path::{AccountPath, Name};
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::run::Step;

use super::{ACCOUNTS, TARGETS};
use crate::bench::Bench;

/// The reports of this moment, and what they are about.
pub(super) async fn looked(bench: &Bench) -> (Vec<Value>, Vec<Value>, Vec<Value>) {
    let now = bench.disk.clock.now();
    bench.vault.app.engine.count_accounts().await.unwrap();
    bench.vault.app.engine.count_dynamic().await.unwrap();
    let (mut asks, mut reports) = (Vec::new(), Vec::new());
    for (report, within, limit) in [
        ("standing", 3_600, 0),
        ("standing", 30 * 86_400, 0),
        ("due", 86_400, 100),
        ("due", 10 * 86_400, 3),
        ("ages", 0, 100),
        ("ages", 0, 4),
    ] {
        let query = match report {
            "standing" => format!("within={within}"),
            "due" => format!("within={within}&limit={limit}"),
            _ => format!("limit={limit}"),
        };
        let answer = bench.get(&format!("reports/{report}?{query}")).await;
        answer.expect_status(200);
        let mut answer = answer.at("/data");
        for other in ["consumers", "leases"].into_iter().filter(|_| report == "standing") {
            answer.as_object_mut().unwrap().remove(other);
        }
        reports.push(answer);
        asks.push(json!({ "report": report, "now": now.as_millis(), "within": within, "limit": limit }));
    }
    let statuses = bench.get("accounts/status?list=true").await.at("/data/key_info");
    let mut told: Vec<Value> = Vec::new();
    for (name, mut data) in statuses.as_object().unwrap().clone() {
        data.as_object_mut().unwrap().insert("name".to_owned(), json!(name));
        told.push(json!({ "kind": "account", "data": data }));
    }
    told.extend(subjects().iter().map(|subject| {
        let account = bench.vault.app.engine.account(subject).unwrap().unwrap().value;
        json!({ "kind": "stored", "data": stored(&account) })
    }));
    for name in POLICIES {
        let mut data = bench.get(&format!("rotation-policies/{name}")).await.at("/data");
        data.as_object_mut().unwrap().insert("name".to_owned(), json!(name));
        told.push(json!({ "kind": "policy", "data": data }));
    }
    (asks, reports, told)
}

/// Rotation policies, and accounts of all kinds: by a period, by a schedule, without a policy, and two that were given no
/// password and whose first rotation fails.
pub(super) async fn prepare(bench: &Bench) {
    for (policy, body) in POLICIES.iter().zip([
        json!({ "rotation_period": "24h" }),
        json!({ "rotation_period": "720h" }),
        json!({ "rotation_schedule": "30 4 * * *" }),
        json!({ "rotation_schedule": "0 3 1 * *" }),
    ]) {
        bench.post(&format!("rotation-policies/{policy}"), body).await.expect_status(204);
    }
    for (place, name) in NEW.iter().enumerate() {
        bench.target.create_account(name, "p-1");
        bench.target.next(Verb::Preflight, Mishap::Fails(FaultClass::PermissionDenied));
        let mut body = json!({ "target": "t", "username": name });
        if place == 0 {
            body["rotation_policy"] = json!("daily");
        }
        bench.post(&format!("accounts/config/{name}"), body).await;
        bench.rest().await;
        assert!(bench.find(name).unwrap().versions.current.is_none(), "{name} has a credential");
    }
}

/// The policy of the account at a place among all of them; every fifth has none.
pub(super) fn policy_of(place: usize) -> Option<&'static str> {
    POLICIES.get(place % 5).copied()
}

/// All of them, in the order of their records.
fn subjects() -> Vec<Subject> {
    let names = ACCOUNTS.iter().chain(&NEW);
    let accounts = names.map(|name| Subject::Account(AccountPath::parse(name).unwrap()));
    let managers = TARGETS.iter().map(|name| Subject::Management(Name::parse(name).unwrap()));
    accounts.chain(managers).collect()
}

fn stored(account: &Account) -> Value {
    let time = |at: Option<Timestamp>| at.map(Timestamp::as_millis);
    let run = account.stage.run().map(|run| {
        json!({
            "due_at": run.due_at.as_millis(),
            "promoted": account.stage.step() == Some(Step::Retire),
            "active": account.stage.is_active(),
        })
    });
    json!({
        "account": account.subject.to_string(),
        "target": account.target.as_str(),
        "state": account.stage.word(),
        "created_at": time(account.versions.current.map(|current| current.created_at)),
        "last_rotation": time(account.last_rotation),
        "next_rotation": time(account.next_rotation),
        "held_until": time(account.held()),
        "run": run,
        "policy": account.settings.rotation_policy,
        "incident": account.incident.map(|incident| incident.to_string()),
    })
}

pub(super) const POLICIES: [&str; 4] = ["daily", "monthly", "nightly", "firsts"];
/// Accounts that had no credential at first.
pub(super) const NEW: [&str; 2] = ["b0", "b1"];
/// Of which there has to be something to compare: the report's place, a name for it, and the figure.
pub(super) const COUNTED: [(usize, &str, &str); 14] = [
    (0, "failing", "failing"),
    (0, "held", "held"),
    (0, "lent", "lent"),
    (0, "lent late", "lent_late"),
    (0, "overdue", "overdue"),
    (1, "soon", "soon"),
    (0, "never rotated", "never_rotated"),
    (2, "overdue, of what is due", "overdue"),
    (2, "soon, of what is due", "soon"),
    (2, "parked", "parked"),
    (2, "held, of what is due", "held"),
    (4, "without a policy", "without_policy"),
    (4, "without a credential", "without_credential"),
    (4, "never rotated, of all ages", "never_rotated"),
];
