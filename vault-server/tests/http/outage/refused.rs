//! A management credential that the target refuses: only people try it again.

use rotators::fake::{Mishap, Verb};
use serde_json::json;
use vault_core::rotation::run::Step;

use super::super::bench::{Bench, until};
use super::super::vault::seconds;
use super::HOUR;

const REFUSED: &str = "changed outside";

/// A target with an account, of which the management credential is due in an hour and looked at each hour; its password was
/// changed.
async fn bench() -> Bench {
    let bench = Bench::new().await;
    bench.post("rotation-policies/hourly", json!({ "rotation_period": "1h" })).await.expect_status(204);
    let settings = json!({ "heartbeat": "30m", "rotation_policy": "hourly" });
    bench.configure_target(settings).await.expect_status(204);
    bench.account("app", "p-1").await;
    bench.target.set_password("manager", REFUSED);
    bench
}

impl Bench {
    /// So many hours pass, each with what the clock asks for.
    async fn hours(&self, hours: u32) {
        for _ in 0..hours {
            self.disk.clock.advance(seconds(HOUR));
            self.tick().await;
            self.rest().await;
        }
    }

    /// Somebody tells the right one, and all goes on.
    async fn mended(&self) {
        self.configure_target(json!({ "password": REFUSED })).await.expect_status(204);
        self.rest().await;
        self.post("targets/check/t", json!({})).await.expect_status(200);
        self.rest().await;
        self.hours(2).await;
        assert_eq!(self.get("incidents").await.at("/data/incidents"), json!([]));
        assert!(self.record_of_manager().versions.last > 2, "{:?}", self.record_of_manager());
    }
}

#[tokio::test]
async fn what_its_own_rotation_has_shown_counts_for_all_others() {
    let bench = bench().await;
    bench.post("targets/rotate/t", json!({})).await.expect_status(502);
    bench.rest().await;
    assert_eq!(bench.target.failed_logins("manager"), 1);
    bench.post("accounts/rotate/app", json!({})).await.expect_status(502);
    bench.hours(5).await;
    assert_eq!(bench.target.failed_logins("manager"), 1, "{:?}", bench.record_of_manager());
    bench.mended().await;
}

#[tokio::test]
async fn what_an_account_has_shown_counts_for_its_own_rotation_when_that_is_due() {
    let bench = bench().await;
    bench.post("accounts/rotate/app", json!({})).await.expect_status(502);
    bench.rest().await;
    assert_eq!(bench.target.failed_logins("manager"), 1);
    bench.hours(5).await;
    assert_eq!(bench.target.failed_logins("manager"), 1, "{:?}", bench.record_of_manager());
    let incidents = bench.get("incidents").await.at("/data/incidents");
    assert_eq!(incidents.as_array().unwrap().len(), 1, "{incidents}");
    bench.mended().await;
}

#[tokio::test]
async fn a_person_may_try_it_again_and_what_works_then_is_no_more_refused() {
    let bench = bench().await;
    bench.post("targets/rotate/t", json!({})).await.expect_status(502);
    bench.post("targets/rotate/t", json!({})).await.expect_status(502);
    assert_eq!(bench.target.failed_logins("manager"), 2, "who asks for it gets it");
    // Put back on the target, and tried by whoever put it back.
    bench.target.set_password("manager", "m-1");
    bench.post("targets/rotate/t", json!({})).await.expect_status(200);
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
    assert_eq!(bench.get("incidents").await.at("/data/incidents"), json!([]));
}

#[tokio::test]
async fn its_own_rotation_that_waits_for_its_turn_does_not_try_what_others_have_seen_refused() {
    let bench = bench().await;
    bench.target.set_password("manager", "m-1");
    bench.target.next(Verb::Preflight, Mishap::Hangs);
    let rotate = bench.post("accounts/rotate/app", json!({}));
    let change = async {
        until(|| bench.target.hanging() == 1).await;
        // It is due, and waits until nobody uses it.
        bench.disk.clock.advance(seconds(HOUR));
        let tick = bench.tick();
        let refuse = async {
            until(|| bench.record_of_manager().stage.is_active()).await;
            bench.target.set_password("manager", REFUSED);
            bench.target.release();
        };
        tokio::join!(tick, refuse);
    };
    let (reply, ()) = tokio::join!(rotate, change);
    reply.expect_status(502);
    bench.rest().await;
    assert_eq!(bench.target.failed_logins("manager"), 1, "{:?}", bench.record_of_manager());
    bench.mended().await;
}

#[tokio::test]
async fn a_refusal_at_the_very_end_of_its_rotation_is_over_when_that_is_tried_again() {
    let bench = bench().await;
    bench.target.set_password("manager", "m-1");
    bench.target.next(Verb::Retire, Mishap::Hangs);
    let rotate = bench.post("targets/rotate/t", json!({}));
    let change = async {
        until(|| bench.target.hanging() == 1).await;
        let new = bench.target.passwords("manager").last().cloned().unwrap_or_default();
        bench.target.set_password("manager", REFUSED);
        bench.target.release();
        new
    };
    let (_, new) = tokio::join!(rotate, change);
    bench.rest().await;
    bench.target.set_password("manager", &new);
    bench.post("targets/rotate/t", json!({})).await.expect_status(200);
    bench.rest().await;
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
    assert_eq!(bench.get("incidents").await.at("/data/incidents"), json!([]));
}

#[tokio::test]
async fn what_a_look_at_the_target_has_shown_counts_for_all_others() {
    let bench = bench().await;
    let checked = bench.post("targets/check/t", json!({})).await;
    assert!(checked.status >= 400, "{}", checked.text);
    bench.rest().await;
    bench.post("accounts/rotate/app", json!({})).await.expect_status(502);
    bench.hours(5).await;
    assert_eq!(bench.target.failed_logins("manager"), 1, "{:?}", bench.record_of_manager());
    bench.mended().await;
}

#[tokio::test]
async fn a_refusal_of_what_is_not_the_password_any_more_shuts_nobody_out() {
    let bench = bench().await;
    bench.target.next(Verb::Check, Mishap::Hangs);
    let check = bench.post("targets/check/t", json!({}));
    let mend = async {
        until(|| bench.target.hanging() == 1).await;
        bench.configure_target(json!({ "password": REFUSED })).await.expect_status(204);
        bench.target.release();
    };
    let (checked, ()) = tokio::join!(check, mend);
    assert!(checked.status >= 400, "{}", checked.text);
    bench.rest().await;
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
    assert_eq!(bench.get("incidents").await.at("/data/incidents"), json!([]));
}

#[tokio::test]
async fn who_knows_what_it_is_now_may_tell_it_also_at_the_very_end_of_its_rotation() {
    let bench = bench().await;
    bench.target.set_password("manager", "m-1");
    bench.target.next(Verb::Retire, Mishap::Hangs);
    let rotate = bench.post("targets/rotate/t", json!({}));
    let change = async {
        until(|| bench.target.hanging() == 1).await;
        bench.target.set_password("manager", REFUSED);
        bench.target.release();
    };
    tokio::join!(rotate, change);
    bench.rest().await;
    let manager = bench.record_of_manager();
    assert_eq!(manager.stage.step(), Some(Step::Retire));
    bench.configure_target(json!({ "password": "a mistake" })).await.expect_status(502);
    bench.rest().await;
    assert_eq!(
        bench.record_of_manager().versions,
        manager.versions,
        "nothing is displaced by what never logged in"
    );
    bench.mended().await;
}

#[tokio::test]
async fn what_was_parked_goes_on_by_itself_whoever_has_mended_it() {
    for repair in ["targets/rotate/t", "incidents/{}/act/unpark"] {
        let bench = bench().await;
        bench.post("targets/rotate/t", json!({})).await.expect_status(502);
        bench.post("accounts/rotate/app", json!({})).await.expect_status(502);
        bench.rest().await;
        let id = bench.get("incidents").await.at("/data/incidents/0/id").as_str().unwrap().to_owned();
        // Put back on the target.
        bench.target.set_password("manager", "m-1");
        let named = match repair.contains("{}") {
            true => json!({ "account": "management credential of t" }),
            false => json!({}),
        };
        bench.post(&repair.replace("{}", &id), named).await.expect_status(200);
        bench.rest().await;
        assert_eq!(bench.get("incidents").await.at("/data/incidents"), json!([]), "{repair}");
        assert_eq!(bench.record("app").versions.last, 2, "{repair}");
    }
}
