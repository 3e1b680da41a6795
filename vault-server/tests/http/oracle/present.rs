//! The reports about the present: how accounts stand, how old their credentials are, and what is due.

use serde_json::{Value, json};
use vault_core::account::{Account, Subject};
use vault_core::clock::{Clock, Timestamp};
use vault_core::path::{AccountPath, Name};
use vault_core::rotation::run::Step;

use super::{ACCOUNTS, TARGETS};
use crate::bench::Bench;

/// The reports of this moment, and what they are about.
pub(super) async fn looked(bench: &Bench) -> (Vec<Value>, Vec<Value>, Vec<Value>) {
    let now = bench.disk.clock.now();
    let (mut asks, mut reports) = (Vec::new(), Vec::new());
    for (report, within) in [("standing", 3_600), ("standing", 30 * 86_400), ("due", 86_400), ("ages", 0)] {
        let query = if report == "ages" { String::new() } else { format!("?within={within}") };
        let answer = bench.get(&format!("reports/{report}{query}")).await;
        answer.expect_status(200);
        let mut answer = answer.at("/data");
        // Those are counted by a clock of their own.
        for counted in ["consumers", "leases", "ages"].into_iter().filter(|_| report == "standing") {
            answer.as_object_mut().unwrap().remove(counted);
        }
        reports.push(answer);
        asks.push(json!({ "report": report, "now": now.as_millis(), "within": within }));
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
    (asks, reports, told)
}

/// All of them, in the order of their records.
fn subjects() -> Vec<Subject> {
    let accounts = ACCOUNTS.iter().map(|name| Subject::Account(AccountPath::parse(name).unwrap()));
    let managers = TARGETS.iter().map(|name| Subject::Management(Name::parse(name).unwrap()));
    accounts.chain(managers).collect()
}

fn stored(account: &Account) -> Value {
    let time = |at: Option<Timestamp>| at.map(Timestamp::as_millis);
    let period = account.settings.rotation_policy.as_ref().map(|policy| match policy.as_str() {
        "daily" => 24 * 3_600_000_u64,
        _ => 720 * 3_600_000,
    });
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
        "period": period,
        "incident": account.incident.map(|incident| incident.to_string()),
    })
}
