//! The lockout guard: nothing that the vault does, and nothing that people have it do, locks an account on its target.

use rotators::fake::{Mishap, Verb};
use serde_json::{Value, json};
use vault_core::store::key::Table;

use super::bench::{Bench, until};
use super::vault::seconds;

const WINDOW: u64 = 900;

impl Bench {
    /// The scripted target locks after three refused logins, and says so.
    async fn guarded() -> Self {
        let bench = Self::new().await;
        bench.target.lock_after(3);
        bench.configure_target(json!({ "lockout_threshold": 3 })).await.expect_status(204);
        bench.account("app", "p-1").await;
        bench
    }

    /// Time passes, and the clock is looked at every ten seconds.
    async fn passes(&self, long: u64) {
        for _ in 0..long / 10 {
            self.disk.clock.advance(seconds(10));
            self.tick().await;
        }
    }

    /// The time is over for which the target counts, and the vault with it.
    async fn window_ends(&self) {
        self.target.forget_failures();
        self.passes(WINDOW).await;
    }

    fn tallies(&self) -> usize {
        self.vault.app.barrier.names(Table::LoginTally, &[], None, 100).unwrap().len()
    }

    async fn verify(&self) -> u16 {
        self.post("accounts/verify/app", json!({})).await.status
    }

    /// What the time line of the first incident says that is open, or was.
    async fn first_time_line(&self) -> String {
        let all = self.get("incidents?state=all").await;
        let id = all.at("/data/incidents/0/id").as_str().unwrap().to_owned();
        self.get(&format!("incidents/{id}/events")).await.text
    }
}

#[tokio::test]
async fn a_target_says_when_it_locks_and_nonsense_is_told() {
    let bench = Bench::new().await;
    let shown = bench.get("targets/config/t").await;
    assert_eq!(
        (shown.at("/data/lockout_threshold"), shown.at("/data/lockout_window")),
        (json!(0), json!("15m0s"))
    );
    for nonsense in [
        json!({ "lockout_threshold": 1 }),
        json!({ "lockout_threshold": 1001 }),
        json!({ "lockout_threshold": "many" }),
        json!({ "lockout_window": "0s" }),
        json!({ "lockout_window": "91d" }),
    ] {
        let reply = bench.configure_target(nonsense.clone()).await;
        assert_eq!(reply.status, 400, "{nonsense}: {}", reply.text);
    }
    let one = bench.configure_target(json!({ "lockout_threshold": 1 })).await;
    assert!(one.text.contains("between 2 and 1000"), "{}", one.text);
    let both = json!({ "lockout_threshold": "5", "lockout_window": "30m" });
    bench.configure_target(both).await.expect_status(204);
    // What is left out stays.
    bench.configure_target(json!({ "heartbeat": "1h" })).await.expect_status(204);
    let shown = bench.get("targets/config/t").await;
    assert_eq!(
        (shown.at("/data/lockout_threshold"), shown.at("/data/lockout_window")),
        (json!(5), json!("30m0s"))
    );
    bench.configure_target(json!({ "lockout_threshold": "", "lockout_window": "" })).await.expect_status(204);
    let shown = bench.get("targets/config/t").await;
    assert_eq!(
        (shown.at("/data/lockout_threshold"), shown.at("/data/lockout_window")),
        (json!(0), json!("15m0s"))
    );
}

#[tokio::test]
async fn without_a_threshold_people_lock_an_account_by_looking_at_it_and_nothing_is_written() {
    let bench = Bench::new().await;
    bench.target.lock_after(3);
    bench.account("app", "p-1").await;
    bench.target.set_password("app", "changed outside");
    for _ in 0..3 {
        assert_eq!(bench.verify().await, 502);
    }
    assert!(bench.target.is_locked("app"));
    assert_eq!(bench.tallies(), 0);
    assert!(!bench.get("accounts/status/app").await.text.contains("\"lockout\""));
}

#[tokio::test]
async fn with_one_a_person_is_told_until_when_and_a_restart_forgets_nothing() {
    let mut bench = Bench::guarded().await;
    assert_eq!(bench.tallies(), 0, "a login that worked is nothing to remember");
    bench.target.set_password("app", "changed outside");
    assert_eq!((bench.verify().await, bench.verify().await), (502, 502));
    bench.restart().await;
    let told = bench.post("accounts/verify/app", json!({})).await;
    told.expect_status(409);
    let sentence = told.at("/errors/0").as_str().unwrap().to_owned();
    assert!(sentence.contains("lockout_threshold") && sentence.contains("\"app\" after 3"), "{sentence}");
    let until = told.at("/data/held_until");
    assert!(sentence.contains(until.as_str().unwrap()), "{sentence}");
    let status = bench.get("accounts/status/app").await;
    let counted =
        json!({ "username": "app", "refused": 2, "threshold": 3, "until": until, "held_until": until });
    assert_eq!(status.at("/data/lockout"), counted);
    // Whatever is pressed: nothing begins that would only wait, and nothing is lost.
    let before = bench.record("app");
    let incident = bench.get("incidents").await.at("/data/incidents/0/id").as_str().unwrap().to_owned();
    for path in ["accounts/rotate/app", "accounts/reconcile/app"] {
        bench.post(path, json!({})).await.expect_status(409);
    }
    let press = format!("incidents/{incident}/act/set_password");
    let pressed = bench.post(&press, json!({ "password": "a guess" })).await;
    assert_eq!(pressed.status, 409, "{}", pressed.text);
    assert_eq!(bench.record("app"), before);
    assert_eq!(bench.target.failed_logins("app"), 2);
    assert!(!bench.target.is_locked("app"));
    bench.window_ends().await;
    bench.post("accounts/reconcile/app", json!({})).await.expect_status(200);
    assert!(!bench.target.is_locked("app"));
    // The old one was refused, after the new one had begun the count anew.
    assert_eq!(bench.get("accounts/status/app").await.at("/data/lockout/refused"), 1);
    // It goes with the account.
    assert_eq!(bench.tallies(), 1);
    bench.handed_over("accounts/config/app").await;
    assert_eq!(bench.tallies(), 0);
}

#[tokio::test]
async fn a_probe_stops_where_the_next_login_could_lock_and_goes_on_with_the_next_version() {
    let bench = Bench::guarded().await;
    bench.target.set_password("app", "changed outside");
    assert_eq!(bench.verify().await, 502);
    // Nobody knows whether the target has the candidate; it has not.
    bench.target.next(Verb::Apply, Mishap::RequestLost);
    let probes = bench.target.calls(Verb::Probe);
    bench.post("accounts/rotate/app", json!({})).await.expect_status(202);
    assert_eq!(bench.target.calls(Verb::Probe) - probes, 1, "the candidate was tried, and nothing else");
    let status = bench.get("accounts/status/app").await;
    assert_eq!((status.at("/data/state"), status.at("/data/pending_version")), (json!("backoff"), json!(2)));
    let until = status.at("/data/lockout/held_until");
    assert!(until.is_string() && until == status.at("/data/next_attempt"), "{}", status.text);
    assert!(
        bench.first_time_line().await.contains("lockout_guard_held"),
        "{}",
        bench.first_time_line().await
    );
    assert!(bench.get("accounts/history/app").await.text.contains("lockout_guard_held"));
    let audited = bench.system_entries();
    assert!(audited.iter().any(|entry| entry.to_string().contains("account_lockout_guard_held")));
    let metrics = bench.get("sys/metrics").await.text;
    assert!(metrics.lines().any(|line| line == "rotunda_lockout_guard_held_total 1"), "{metrics}");
    // It waits, and says so to whoever presses.
    bench.post("accounts/rotate/app", json!({})).await.expect_status(409);
    bench.passes(WINDOW - 20).await;
    assert_eq!(bench.target.failed_logins("app"), 2);
    assert!(!bench.target.is_locked("app"));
    // Then the next version is tried, and the candidate once more, for it may have come true since.
    bench.target.forget_failures();
    let applied = bench.target.applied();
    bench.passes(200).await;
    assert_eq!(bench.target.failed_logins("app"), 4, "the current one, and the candidate");
    assert_eq!(bench.target.applied(), applied, "there is no room for the login that would prove a change");
    assert!(!bench.target.is_locked("app"));
    // None works, and a rotation repairs it.
    bench.window_ends().await;
    assert_eq!(bench.target.failed_logins("app"), 5, "the old one when it was to be dead");
    assert_eq!(bench.target.applied() - applied, 1);
    let password = bench.password("app").await;
    assert!(bench.target.accepts("app", &password));
    assert_eq!(bench.record("app").versions.current.unwrap().number, 2, "the candidate was not lost");
}

#[tokio::test]
async fn a_login_whose_answer_a_crash_has_swallowed_counts_and_a_lease_stays_open_until_its_password_is_seen_dead()
 {
    let mut bench = Bench::guarded().await;
    bench.post("accounts/check-out/app", json!({ "ttl": "1h", "reason": "r" })).await.expect_status(200);
    bench.target.next(Verb::Probe, Mishap::HangsAfterwards);
    tokio::select! {
        reply = bench.post("accounts/check-in/app", json!({})) => panic!("{}", reply.text),
        () = until(|| bench.target.hanging() == 1) => {}
    }
    for crash in 1..=2_u32 {
        assert_eq!(bench.target.failed_logins("app"), crash);
        bench.vault.app.seal.seal().await;
        bench.target.release();
        if crash < 2 {
            bench.target.next(Verb::Probe, Mishap::HangsAfterwards);
        }
        bench.restart().await;
        if crash < 2 {
            bench.vault.app.engine.look(None).await.unwrap();
            until(|| bench.target.hanging() == 1).await;
        }
    }
    // Twice it may have been refused: a third time could lock it.
    bench.tick().await;
    assert_eq!(bench.target.failed_logins("app"), 2);
    let status = bench.get("accounts/status/app").await;
    assert_eq!(
        (status.at("/data/state"), status.at("/data/holder/state")),
        (json!("quarantined"), json!("revoking"))
    );
    assert_eq!(status.at("/data/class"), "overdue", "{}", status.text);
    assert!(status.at("/data/detail").as_str().unwrap().contains("lockout guard"), "{}", status.text);
    bench.passes(WINDOW - 20).await;
    assert_eq!(bench.target.failed_logins("app"), 2);
    bench.window_ends().await;
    let status = bench.get("accounts/status/app").await;
    assert_eq!(status.at("/data/state"), "idle", "{}", status.text);
    assert!(!status.text.contains("revoking"));
    assert_eq!(bench.target.failed_logins("app"), 3);
    assert!(!bench.target.is_locked("app"));
    assert_eq!(bench.get("incidents").await.at("/data/incidents"), json!([]));
}

#[tokio::test]
async fn a_clock_that_was_stepped_back_neither_unlocks_nor_blocks_for_ever() {
    let bench = Bench::guarded().await;
    bench.target.set_password("app", "changed outside");
    assert_eq!((bench.verify().await, bench.verify().await), (502, 502));
    bench.disk.clock.set(bench.vault.app.engine.now().minus(seconds(86_400)));
    assert_eq!(bench.verify().await, 409);
    bench.disk.clock.advance(seconds(WINDOW - 1));
    assert_eq!(bench.verify().await, 409);
    bench.disk.clock.advance(seconds(1));
    bench.target.forget_failures();
    assert_eq!(bench.verify().await, 502);
    assert!(!bench.target.is_locked("app"));
}

#[tokio::test]
async fn the_management_credential_is_counted_whoever_uses_it() {
    let bench = Bench::guarded().await;
    bench.account("batch", "p-1").await;
    bench.target.set_password("manager", "changed outside");
    bench.post("targets/check/t", json!({})).await.expect_status(502);
    assert_eq!(bench.get("targets/status/t").await.at("/data/lockout/refused"), 1);
    // The clock does not try it again, and neither does anybody whose account needs it.
    for path in ["accounts/rotate/app", "accounts/rotate/batch"] {
        bench.post(path, json!({})).await.expect_status(502);
    }
    bench.passes(WINDOW / 3).await;
    assert_eq!(bench.target.failed_logins("manager"), 1);
    // A person may, and not once too often.
    bench.post("targets/check/t", json!({})).await.expect_status(502);
    let told = bench.post("targets/check/t", json!({})).await;
    told.expect_status(409);
    assert!(told.text.contains("manager"), "{}", told.text);
    assert_eq!(bench.target.failed_logins("manager"), 2);
    assert!(!bench.target.is_locked("manager"));
    // The right one is stored, and tried when that is safe.
    bench.configure_target(json!({ "password": "changed outside" })).await.expect_status(204);
    assert_eq!(bench.target.failed_logins("manager"), 2);
    bench.window_ends().await;
    bench.post("targets/check/t", json!({})).await.expect_status(200);
    bench.rest().await;
    assert_eq!(bench.get("incidents").await.at("/data/incidents"), json!([]));
    assert!(!bench.get("targets/status/t").await.text.contains("\"lockout\""));
    let states = ["app", "batch"].map(|name| bench.record(name).versions.last);
    assert_eq!(states, [2, 2], "what was parked for it goes on");
}

#[tokio::test]
async fn no_more_calls_are_under_way_than_may_all_be_refused() {
    let bench = Bench::guarded().await;
    bench.configure_target(json!({ "max_concurrency": 8 })).await.expect_status(204);
    for number in 0..4 {
        bench.account(&format!("a{number}"), "p-1").await;
    }
    bench.target.always(Verb::Apply, Mishap::Hangs);
    let [a, b, c, d] = [0, 1, 2, 3].map(|number| bench.post_owned(format!("accounts/rotate/a{number}")));
    let changed = async {
        until(|| bench.target.hanging() == 2).await;
        for _ in 0..10_000 {
            tokio::task::yield_now().await;
        }
        assert_eq!(bench.target.hanging(), 2);
        // In that very moment the password is changed outside.
        bench.target.set_password("manager", "changed outside");
        bench.target.heal();
        bench.target.release();
    };
    let (a, b, c, d, ()) = tokio::join!(a, b, c, d, changed);
    assert_eq!([a, b, c, d].map(|reply| reply.status), [502; 4]);
    assert!(bench.target.failed_logins("manager") <= 2, "{}", bench.target.failed_logins("manager"));
    assert!(!bench.target.is_locked("manager"));
}

#[tokio::test]
async fn a_look_at_a_target_and_a_rotation_there_do_not_wait_for_each_other() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    bench.post("targets/rotate/t", json!({})).await.expect_status(200);
    bench.configure_target(json!({ "lockout_threshold": 2 })).await.expect_status(204);
    bench.target.next(Verb::Apply, Mishap::Hangs);
    let rotated = bench.post("accounts/rotate/app", json!({}));
    let checked = async {
        until(|| bench.target.hanging() == 1).await;
        bench.post("targets/check/t", json!({})).await
    };
    let released = async {
        until(|| bench.target.hanging() == 1).await;
        for _ in 0..10_000 {
            tokio::task::yield_now().await;
        }
        bench.target.release();
    };
    let all = async { tokio::join!(rotated, checked, released) };
    let (_, checked, ()) = tokio::time::timeout(seconds(60), all).await.unwrap();
    checked.expect_status(200);
    bench.rest().await;
}

#[tokio::test]
async fn a_management_credential_in_doubt_is_tried_no_more_often_than_its_target_allows() {
    let bench = Bench::guarded().await;
    bench.target.next(Verb::Apply, Mishap::RequestLost);
    // Its candidate is refused once: the current one then ends what was left, and is what works.
    bench.post("targets/rotate/t", json!({})).await.expect_status(502);
    assert_eq!(bench.target.failed_logins("manager"), 1);
    bench.passes(60).await;
    assert_eq!(bench.record_of_manager().versions.current.unwrap().number, 2);
    assert!(!bench.target.is_locked("manager"));
}

#[tokio::test]
async fn a_heartbeat_that_could_lock_is_put_off_and_comes_when_there_is_room() {
    let mut bench = Bench::guarded().await;
    // The management credential's own heartbeat is no look at the account.
    bench.configure_target(json!({ "lockout_threshold": 3, "heartbeat": "off" })).await.expect_status(204);
    bench.post("accounts/config/app", json!({ "heartbeat": "20m" })).await.expect_status(200);
    bench.vault.app.engine.count_accounts().await.unwrap();
    // Two looks were swallowed by crashes: nobody knows whether they were refused.
    for _ in 0..2 {
        bench.target.next(Verb::Probe, Mishap::Hangs);
        tokio::select! {
            reply = bench.post("accounts/verify/app", json!({})) => panic!("{}", reply.text),
            () = until(|| bench.target.hanging() == 1) => {}
        }
        bench.vault.app.seal.seal().await;
        bench.target.release();
        // Otherwise the next turn could take this look for its own.
        until(|| bench.target.hanging() == 0).await;
        bench.restart().await;
    }
    bench.configure_target(json!({ "lockout_window": "2h" })).await.expect_status(204);
    let calls = bench.target.calls(Verb::Probe);
    bench.passes(5400).await;
    assert_eq!(bench.target.calls(Verb::Probe), calls, "it was due, and was put off");
    let history = bench.get("accounts/history/app").await.text;
    assert_eq!(history.matches("lockout_guard_held").count(), 1, "said once: {history}");
    bench.passes(5400).await;
    assert!(bench.target.calls(Verb::Probe) > calls);
    assert_eq!(bench.tallies(), 0, "it worked, and the count begins anew");
}

#[tokio::test]
async fn a_threshold_that_is_taken_away_lets_go_on() {
    let bench = Bench::guarded().await;
    bench.target.set_password("app", "changed outside");
    assert_eq!((bench.verify().await, bench.verify().await, bench.verify().await), (502, 502, 409));
    bench.configure_target(json!({ "lockout_threshold": 0 })).await.expect_status(204);
    assert_eq!(bench.get("accounts/status/app").await.json()["data"].get("lockout"), None::<&Value>);
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
}
