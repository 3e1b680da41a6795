//! Many at once: one rotation shared, one winner of a check-out, no read after a revocation, no target
//! that delays another.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use vault_tests::proxy::{FaultProxy, Mischief};
use vault_tests::world::{Credential, World, together};

#[tokio::test(flavor = "multi_thread")]
async fn callers_who_ask_for_a_rotation_at_once_share_one() {
    let world = World::new().await.unwrap();
    let mut served = world.adopted("db/app", "app").await.unwrap();
    for callers in [2, 4, 8, 16, 3, 16, 2, 16, 7, 16] {
        let answers = together((0..callers).map(|_| world.rotate("db/app"))).await;
        for answer in answers {
            let answer = answer.unwrap();
            let data = answer.data().unwrap();
            assert_eq!(data["outcome"], "rotated", "{}", answer.body);
            assert_eq!(data["version"], served.version + 1, "{callers} callers did not share one rotation");
        }
        let next = world.credential("db/app").await.unwrap();
        assert_eq!(next.version, served.version + 1);
        assert!(world.accepts(&next).await.unwrap() && !world.accepts(&served).await.unwrap());
        served = next;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_share_a_failure_too() {
    let world = World::new().await.unwrap();
    let served = world.adopted("db/app", "app").await.unwrap();
    world.proxy.set(Mischief::CutBefore("ALTER ROLE".to_owned())).await.unwrap();
    for answer in together((0..8).map(|_| world.rotate("db/app"))).await {
        let answer = answer.unwrap();
        assert_eq!(answer.status, 502, "{}", answer.body);
        assert!(answer.errors().contains("unreachable"), "{}", answer.errors());
    }
    assert_eq!(world.credential("db/app").await.unwrap(), served);
    world.proxy.set(Mischief::None).await.unwrap();
    world.healed("db/app").await.unwrap();
    assert_eq!(world.incidents().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_never_get_a_dead_password_while_an_account_rotates() {
    let world = World::new().await.unwrap();
    world.adopted("db/app", "app").await.unwrap();
    let done = AtomicBool::new(false);
    let reader = async || {
        let mut read = 0;
        while !done.load(Ordering::SeqCst) {
            let served = world.credential("db/app").await.unwrap();
            if !world.accepts(&served).await.unwrap() {
                // It was right when it was handed out if a newer one has come since.
                let newer = world.credential("db/app").await.unwrap();
                assert!(newer.version > served.version, "a dead password is served: {}", served.version);
            }
            read += 1;
        }
        read
    };
    let rotations = async {
        for _ in 0..10 {
            assert!(world.rotate("db/app").await.unwrap().is_success());
        }
        done.store(true, Ordering::SeqCst);
    };
    let (reads, (), _) = tokio::join!(reader(), rotations, reader());
    assert!(reads > 10, "only {reads} reads");
    world.healed("db/app").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_race_for_an_account_has_exactly_one_winner_and_the_line_is_fair() {
    let world = World::new().await.unwrap();
    world.adopted("db/app", "app").await.unwrap();
    let mut racers = Vec::new();
    for number in 0..16 {
        racers.push(world.engineer(&format!("racer{number}")).await.unwrap());
    }
    let mut first_in_line: Option<usize> = None;
    for round in 0..6 {
        let answers = together(racers.iter().map(|token| world.check_out(token, "db/app", json!({})))).await;
        let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
        let winners: Vec<usize> = (0..16).filter(|&racer| answers[racer].is_success()).collect();
        let [winner] = winners.as_slice() else { panic!("round {round}: winners {winners:?}") };
        assert!(
            first_in_line.is_none_or(|first| first == *winner),
            "round {round}: {winner} jumped the line"
        );
        for racer in (0..16).filter(|racer| racer != winner) {
            assert_eq!(answers[racer].status, 409, "round {round}: {}", answers[racer].body);
            assert!(answers[racer].body["data"]["place"].as_u64().is_some_and(|place| place >= 1));
        }
        // The answers do not say who is first: who asked before the winner did was told the place behind the winner.
        let status = world.vault.get("accounts/status/db/app").await.unwrap();
        let first = status.body["data"]["line"][0]["principal"].as_str().unwrap();
        first_in_line = Some(first.rsplit_once("racer").unwrap().1.parse().unwrap());
        let lent = Credential::of(&answers[*winner]).unwrap();
        assert!(world.accepts(&lent).await.unwrap(), "round {round}");
        let back =
            world.check_in(&racers[*winner], "db/app", json!({ "lease_id": lent.lease })).await.unwrap();
        assert_eq!(back.data().unwrap()["state"], "closed", "round {round}");
        assert!(!world.accepts(&lent).await.unwrap(), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_a_limit_of_uses_is_worth_exactly_so_many() {
    let world = World::new().await.unwrap();
    world.adopted("db/app", "app").await.unwrap();
    world.engineer("unused").await.unwrap();
    let body = json!({ "policies": ["engineer"], "num_uses": 3 });
    let made = world.vault.post("auth/token/create", body).await.unwrap();
    let token = made.text("/auth/client_token");
    let reads = together((0..16).map(|_| read(&world, token))).await;
    assert_eq!(reads.iter().filter(|&&status| status == 200).count(), 3, "{reads:?}");
    assert_eq!(reads.iter().filter(|&&status| status == 403).count(), 13, "{reads:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_reads_nothing_once_the_revocation_was_answered() {
    let world = World::new().await.unwrap();
    world.adopted("db/app", "app").await.unwrap();
    for round in 0..5 {
        let token = world.engineer("reader").await.unwrap();
        let revoked = AtomicBool::new(false);
        let reader = async || {
            loop {
                let was_revoked = revoked.load(Ordering::SeqCst);
                let status = read(&world, &token).await;
                assert!(status == 403 || (status == 200 && !was_revoked), "round {round}: {status}");
                if was_revoked {
                    return;
                }
            }
        };
        let revocation = async {
            world.wrote("auth/token/revoke", json!({ "token": token })).await.unwrap();
            revoked.store(true, Ordering::SeqCst);
        };
        tokio::join!(reader(), reader(), reader(), reader(), revocation);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_target_delays_no_other() {
    let world = World::new().await.unwrap();
    let silent = FaultProxy::start(world.server.port()).await.unwrap();
    world
        .wrote("rotation-policies/often", json!({ "rotation_period": "5s", "retry_base": "1s" }))
        .await
        .unwrap();
    for number in 0..20 {
        let (target, role) = (format!("pg{number}"), format!("app{number}"));
        let more = if number == 0 {
            json!({ "connection_url": format!("{}&connect_timeout=40s", silent.url_template()) })
        } else {
            json!({})
        };
        world.target(&target, more).await.unwrap();
        world.role(&role).await.unwrap();
        let more = json!({ "target": target, "rotation_policy": "often" });
        world.configured(&format!("db/{number}"), &role, more).await.unwrap();
    }
    // More accounts on the silent one than may be worked on there at once.
    for number in 20..28 {
        let role = format!("app{number}");
        world.role(&role).await.unwrap();
        let more = json!({ "target": "pg0", "rotation_policy": "often" });
        world.configured(&format!("db/{number}"), &role, more).await.unwrap();
    }
    silent.set(Mischief::Silent).await.unwrap();
    let begin = world.status("db/0").await.unwrap()["last_rotation"].clone();
    let mut versions = Vec::new();
    for number in 1..20 {
        versions.push(world.status(&format!("db/{number}")).await.unwrap()["version"].as_u64().unwrap());
    }
    for (number, version) in (1..20).zip(versions) {
        let rotated_twice = |status: &Value| status["version"].as_u64() >= Some(version + 2);
        world.until(&format!("db/{number}"), rotated_twice).await.unwrap();
    }
    for number in 1..20 {
        let gaps = gaps(&world, &format!("db/{number}")).await;
        let longest = gaps.iter().max().unwrap();
        // Five seconds by the policy; had one waited for the silent target, it were forty and more.
        assert!(*longest < Duration::from_secs(30), "db/{number} waited {longest:?}");
    }
    assert_eq!(world.status("db/0").await.unwrap()["last_rotation"], begin, "the silent target took part");
    for incident in world.incidents().await.unwrap() {
        assert_eq!(incident["target"], "pg0", "{incident}");
    }
}

/// The status of a read of `db/app`.
async fn read(world: &World, token: &str) -> u16 {
    world.vault.call(Method::GET, "accounts/creds/db/app", None, token).await.unwrap().status
}

/// The times between the promotions of an account.
async fn gaps(world: &World, path: &str) -> Vec<Duration> {
    let path = format!("accounts/history/{path}");
    let answer = world.vault.get(&path).await.unwrap();
    let events = answer.data().unwrap()["events"].as_array().unwrap().clone();
    let promoted: Vec<i64> = events
        .iter()
        .filter(|event| event["kind"] == "promoted")
        .map(|event: &Value| {
            let at = event["at"].as_str().and_then(vault_core::clock::Timestamp::parse_rfc3339);
            at.unwrap().as_millis()
        })
        .collect();
    promoted.windows(2).map(|pair| Duration::from_millis(u64::try_from(pair[1] - pair[0]).unwrap())).collect()
}
