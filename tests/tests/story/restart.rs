//! Stops and starts, seals and new keys: nothing is lost, and nothing happens that was not due.

use std::time::Duration;

use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use vault_tests::proxy::Mischief;
use vault_tests::vault::{ROOT, Vault};
use vault_tests::world::{World, together};

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_the_middle_of_rotations_loses_nothing() {
    let mut world = World::new().await.unwrap();
    let mut paths = Vec::new();
    for number in 0..6 {
        let path = format!("db/{number}");
        world.adopted(&path, &format!("app{number}")).await.unwrap();
        paths.push(path);
    }
    // Each statement of a change is a moment to stop at.
    for statement in ["BEGIN", "ALTER ROLE", "COMMIT"] {
        let seen = count(&world, statement);
        world.proxy.set(Mischief::Delay(Duration::from_millis(2))).await.unwrap();
        let requests = together(paths.iter().map(|path| world.rotate(path)));
        let stop = async {
            while count(&world, statement) == seen {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            terminate(&world);
        };
        let (answers, ()) = tokio::join!(requests, stop);
        world.vault.terminate().unwrap();
        world.proxy.set(Mischief::None).await.unwrap();
        world.vault.start_again().await.unwrap();
        for (path, answer) in paths.iter().zip(answers) {
            let served = world.healed(path).await.unwrap();
            // Whoever was told of a new version finds it.
            if let Ok(answer) = answer
                && answer.status == 200
            {
                assert!(served.version >= answer.body["data"]["version"].as_u64().unwrap(), "{path}");
            }
        }
    }
    assert!(world.vault.audit_is_intact().unwrap());
}

/// How an account stands, but for its age, which time alone changes.
async fn lasting(world: &World, path: &str) -> anyhow::Result<Value> {
    let mut status = world.status(path).await?;
    status.as_object_mut().and_then(|status| status.remove("age"));
    Ok(status)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_rotates_nothing_that_was_not_due() {
    let mut world = World::new().await.unwrap();
    let ann = world.engineer("ann").await.unwrap();
    let paths = ["db/quiet", "db/lent", "db/frequent"];
    for (path, role) in paths.into_iter().zip(["quiet", "lent", "frequent"]) {
        world.adopted(path, role).await.unwrap();
    }
    let nightly = json!({ "rotation_schedule": "0 3 * * *", "time_zone": "Europe/Paris", "jitter": "1h" });
    world.wrote("rotation-policies/nightly", nightly).await.unwrap();
    world.configured("db/quiet", "quiet", json!({ "rotation_policy": "nightly" })).await.unwrap();
    assert!(world.check_out(&ann, "db/lent", json!({ "ttl": "1h" })).await.unwrap().is_success());
    let before = [lasting(&world, "db/quiet").await.unwrap(), lasting(&world, "db/lent").await.unwrap()];
    assert!(before[0]["next_rotation"].is_string(), "{}", before[0]);

    world.vault.terminate().unwrap();
    world.vault.start_again().await.unwrap();
    // What is due by the same clock goes on, so the scheduler has been at work.
    world.wrote("rotation-policies/often", json!({ "rotation_period": "5s" })).await.unwrap();
    world.configured("db/frequent", "frequent", json!({ "rotation_policy": "often" })).await.unwrap();
    world.until("db/frequent", |status| status["version"].as_u64() >= Some(2)).await.unwrap();
    let after = [lasting(&world, "db/quiet").await.unwrap(), lasting(&world, "db/lent").await.unwrap()];
    assert_eq!(after, before, "a restart moved or rotated something");
    let back = world.check_in(&ann, "db/lent", json!({})).await.unwrap();
    assert_eq!(back.data().unwrap()["state"], "closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_due_while_the_vault_was_down_happens_when_it_is_up_again() {
    let mut world = World::new().await.unwrap();
    world.adopted("db/lent", "lent").await.unwrap();
    let ann = world.engineer("ann").await.unwrap();
    let answer = world.check_out(&ann, "db/lent", json!({ "ttl": "1s" })).await.unwrap();
    let lent = vault_tests::world::Credential::of(&answer).unwrap();
    world.vault.kill().unwrap();
    let ends = answer.text("/data/expires_at").to_owned();
    while now(&world).await < ends {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    world.vault.start_again().await.unwrap();
    world.until("db/lent", |status| status.get("holder").is_none()).await.unwrap();
    assert!(!world.accepts(&lent).await.unwrap());
    world.healed("db/lent").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_vault_answers_nothing_until_enough_shares_are_given() {
    let (mut world, shares) = sealed_world().await;
    let old = world.adopted("db/app", "app").await.unwrap();
    world.wrote("rotation-policies/often", json!({ "rotation_period": "5s" })).await.unwrap();
    world.role("frequent").await.unwrap();
    world.configured("db/frequent", "frequent", json!({ "rotation_policy": "often" })).await.unwrap();
    for round in ["sealed", "restarted"] {
        if round == "sealed" {
            assert_eq!(world.vault.post("sys/seal", json!({})).await.unwrap().status, 204);
        } else {
            world.vault.terminate().unwrap();
            world.vault.start_again().await.unwrap();
        }
        for (method, path) in [
            (Method::GET, "accounts/creds/db/app"),
            (Method::POST, "accounts/rotate/db/app"),
            (Method::GET, "auth/token/lookup-self"),
            (Method::POST, "accounts/check-out/db/app"),
            (Method::GET, "no/such/path"),
        ] {
            let answer = world.vault.call(method, path, None, ROOT).await.unwrap();
            assert_eq!(answer.status, 503, "{round}: {path}: {}", answer.body);
            assert!(answer.errors().contains("sealed"), "{round}: {}", answer.errors());
        }
        assert_eq!(world.vault.get("sys/health").await.unwrap().status, 503);
        assert!(world.accepts(&old).await.unwrap(), "{round}");
        let output = world.cli(ROOT, &["creds", "db/app"]).await.unwrap();
        assert_eq!(output.status.code(), Some(5), "{round}");
        for (given, share) in shares.iter().rev().take(3).enumerate() {
            let status = world.vault.post("sys/unseal", json!({ "key": share })).await.unwrap();
            assert_eq!(status.body["sealed"], given < 2, "{round}: {}", status.body);
        }
        assert_eq!(world.credential("db/app").await.unwrap(), old, "{round}");
        let version = world.status("db/frequent").await.unwrap()["version"].as_u64();
        world.until("db/frequent", |status| status["version"].as_u64() > version).await.unwrap();
    }
    assert!(world.rotate("db/app").await.unwrap().is_success());
    world.healed("db/app").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_that_is_wrong_or_given_twice_unseals_nothing() {
    let (world, shares) = sealed_world().await;
    assert_eq!(world.vault.post("sys/seal", json!({})).await.unwrap().status, 204);
    let give = async |share: &str| world.vault.post("sys/unseal", json!({ "key": share })).await.unwrap();
    for _ in 0..3 {
        assert_eq!(give(&shares[0]).await.body["progress"], 1);
    }
    let mut forged = shares[1].clone();
    let middle = forged.len() / 2;
    let other = if &forged[middle..=middle] == "0" { "1" } else { "0" };
    forged.replace_range(middle..=middle, other);
    let answers = [give(&forged).await, give(&shares[2]).await];
    let refused = answers.iter().filter(|answer| answer.status == 400).count();
    assert_eq!(refused, 1, "{answers:?}");
    world.vault.post("sys/unseal", json!({ "reset": true })).await.unwrap();
    let status = world.vault.get("sys/seal-status").await.unwrap();
    assert_eq!((&status.body["sealed"], &status.body["progress"]), (&json!(true), &json!(0)));
    for share in &shares[..3] {
        give(share).await;
    }
    assert_eq!(world.vault.get("sys/health").await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_generation_takes_over_every_record_while_work_goes_on() {
    let mut world = World::new().await.unwrap();
    let mut served = Vec::new();
    for number in 0..4 {
        served.push(world.adopted(&format!("db/{number}"), &format!("app{number}")).await.unwrap());
    }
    let term = key(&world).await["term"].as_u64();
    world.cli_json(&["operator", "rotate-key"]).await.unwrap();
    assert!(world.rotate("db/0").await.unwrap().is_success());
    served[0] = world.credential("db/0").await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        let key = key(&world).await;
        assert_eq!(key["term"].as_u64(), term.map(|term| term + 1));
        if key["older_generations"] == 0 {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "the re-wrap does not end: {key}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    world.vault.kill().unwrap();
    world.vault.start_again().await.unwrap();
    for (number, old) in served.iter().enumerate() {
        assert_eq!(&world.healed(&format!("db/{number}")).await.unwrap(), old);
    }
    let verified = world.cli(ROOT, &["operator", "verify"]).await.unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

/// A vault of `rotunda server`, initialised with five shares of which three unseal it, and unsealed.
async fn sealed_world() -> (World, Vec<String>) {
    let vault = Vault::start_server().await.unwrap();
    assert_eq!(vault.get("sys/health").await.unwrap().status, 501);
    let body = json!({ "secret_shares": 5, "secret_threshold": 3 });
    let made = vault.call(Method::POST, "sys/init", Some(body.clone()), "").await.unwrap();
    let shares: Vec<String> =
        made.body["keys"].as_array().unwrap().iter().map(|key| key.as_str().unwrap().to_owned()).collect();
    assert_eq!(shares.len(), 5);
    assert_eq!(vault.call(Method::POST, "sys/init", Some(body), "").await.unwrap().status, 400);
    for share in &shares[..3] {
        vault.post("sys/unseal", json!({ "key": share })).await.unwrap();
    }
    let root = made.text("/root_token").to_owned();
    let body = json!({ "id": ROOT, "policies": ["root"] });
    let token = vault.call(Method::POST, "auth/token/create", Some(body), &root).await.unwrap();
    assert!(token.is_success(), "{}", token.body);
    (World::before(vault, &[]).await.unwrap(), shares)
}

/// Asks the vault to end, and does not wait.
fn terminate(world: &World) {
    let pid = world.vault.pid().and_then(|pid| Pid::from_raw(i32::try_from(pid).unwrap()));
    kill_process(pid.unwrap(), Signal::TERM).unwrap();
}

/// How often a statement has come by.
fn count(world: &World, statement: &str) -> usize {
    world.proxy.statements().iter().filter(|seen| seen.contains(statement)).count()
}

/// The time by the server's clock, which is the vault's.
async fn now(world: &World) -> String {
    let admin = world.server.admin().await.unwrap();
    let text = "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')";
    admin.query_one(text, &[]).await.unwrap().get(0)
}

async fn key(world: &World) -> Value {
    world.vault.get("sys/key-status").await.unwrap().data().unwrap().clone()
}
