//! One function a promise. Each uses accounts of its own and leaves the target healed.

use vault_core::rotation::fault::{Action, Fault, FaultClass};
use vault_core::rotation::port::{Job, Outcome, Probe, Rights, Verification};

use super::bench::{Bench, expect, login, same};
use super::{Break, Done};

pub(super) async fn sound(bench: &Bench<'_>) -> Done<()> {
    let job = bench.account("contract_sound", OLD).await?;
    same("validate", &bench.rotator.validate(&bench.spec), &Ok(()))?;
    same("validate_login", &bench.rotator.validate_login(&login(job.username, NEW)), &Ok(()))?;
    let report = bench.hear(bench.rotator.check(&bench.spec, &bench.management).await);
    let report = report.map_err(|fault| format!("check: {fault}"))?;
    expect(!report.server.is_empty() && !report.passed.is_empty(), || {
        format!("an empty report: {report:?}")
    })?;
    let rights = preflight(bench, job).await?;
    expect(!rights.0.is_empty(), || "no right at all of an account that may log in".to_owned())?;
    same("probe", &bench.probe(job.username, OLD).await, &Probe::Works)?;
    same("probe of a wrong password", &bench.probe(job.username, NEW).await, &Probe::Refused)?;
    bench.opens(job.username, true, false, (OLD, NEW)).await
}

pub(super) async fn idempotent(bench: &Bench<'_>) -> Done<()> {
    let job = bench.account("contract_idempotent", OLD).await?;
    let rights = preflight(bench, job).await?;
    for time in ["first apply", "second apply"] {
        same(time, &bench.apply(job, NEW).await, &Outcome::Applied)?;
        same("verify", &bench.verify(job, NEW, &rights).await, &Verification::Verified)?;
        bench.opens(job.username, bench.rotator.overlaps(&bench.spec), true, (OLD, NEW)).await?;
    }
    for time in ["first retire", "second retire"] {
        same(time, &bench.retire(job, OLD).await, &Outcome::Applied)?;
        bench.opens(job.username, false, true, (OLD, NEW)).await?;
    }
    same("probe of the old password", &bench.probe(job.username, OLD).await, &Probe::Refused)?;
    let old = bench.verify(job, OLD, &rights).await;
    expect(matches!(old, Verification::Refused(_)), || format!("verify of the old password: {old:?}"))
}

pub(super) async fn adoption(bench: &Bench<'_>) -> Done<()> {
    let job = Job { is_adoption: true, ..bench.account("contract_adoption", OLD).await? };
    preflight(bench, job).await?;
    for time in ["first apply", "second apply"] {
        same(time, &bench.apply(job, NEW).await, &Outcome::Applied)?;
        bench.opens(job.username, false, true, (OLD, NEW)).await?;
    }
    Ok(())
}

pub(super) async fn rights(bench: &Bench<'_>) -> Done<()> {
    let job = bench.account("contract_rights", OLD).await?;
    let before = preflight(bench, job).await?;
    same("apply", &bench.apply(job, NEW).await, &Outcome::Applied)?;
    same("rights after the change", &preflight(bench, job).await?, &before)?;
    bench.fixture.take_right(job.username).await?;
    let found = bench.verify(job, NEW, &before).await;
    expect(matches!(&found, Verification::RightsLost(lost) if !lost.is_empty()), || {
        format!("verify after a right was taken: {found:?}")
    })
}

pub(super) async fn management_refused(bench: &Bench<'_>) -> Done<()> {
    let job = bench.account("contract_management", OLD).await?;
    let wrong = login(&bench.management.username, "certainly not this");
    let job = Job { management: &wrong, ..job };
    let mut refused = bench.fixture.refused_logins(&wrong.username).await?;
    for verb in ["check", "preflight", "apply", "settle", "end_sessions"] {
        let fault = match verb {
            "check" => bench.hear(bench.rotator.check(&bench.spec, &wrong).await).err(),
            "preflight" => bench.preflight(job).await.err(),
            "settle" => bench.settle(job).await.err(),
            "end_sessions" => bench.end_sessions(job).await.err(),
            _ => match bench.apply(job, NEW).await {
                Outcome::NotApplied(fault) => Some(fault),
                other => return Err(format!("apply: {other:?}")),
            },
        };
        same(verb, &fault.map(|fault| fault.class), &Some(FaultClass::ManagementAuthRefused))?;
        let now = bench.fixture.refused_logins(&wrong.username).await?;
        // What was refused a moment ago need not be tried again to be known.
        let is_once = now == refused.map(|count| count + 1)
            || (now == refused && bench.rotator.shares_refusals() && verb != "check");
        expect(is_once, || {
            format!("{verb}: refused logins of the management account went from {refused:?} to {now:?}")
        })?;
        refused = now;
    }
    bench.opens(job.username, true, false, (OLD, NEW)).await
}

pub(super) async fn missing_account(bench: &Bench<'_>) -> Done<()> {
    let job = bench.job("contract_nobody", &bench.management);
    let fault = bench.preflight(job).await.err().map(|fault| fault.class);
    same("preflight", &fault, &Some(FaultClass::AccountMissing))?;
    let outcome = bench.apply(job, NEW).await;
    expect(
        matches!(&outcome, Outcome::NotApplied(fault) if fault.class == FaultClass::AccountMissing),
        || format!("apply: {outcome:?}"),
    )
}

pub(super) async fn unknown_outcome(bench: &Bench<'_>) -> Done<()> {
    for (how, username) in [
        (Break::ReplyLost, "contract_reply_lost"),
        (Break::RequestLost, "contract_request_lost"),
        (Break::RequestLate, "contract_request_late"),
    ] {
        if how == Break::RequestLate && bench.rotator.late_requests(&bench.spec) {
            continue;
        }
        let job = bench.account(username, OLD).await?;
        bench.fixture.break_next_apply(how).await?;
        let outcome = bench.apply(job, NEW).await;
        let doubtful = matches!(&outcome, Outcome::Unknown(fault) if fault.class.action() == Action::Probe);
        let excluded = how != Break::ReplyLost && matches!(outcome, Outcome::NotApplied(_));
        expect(doubtful || excluded, || format!("{how:?}: apply: {outcome:?}"))?;
        if how != Break::RequestLate {
            bench.fixture.heal().await?;
        }
        same("settle", &bench.settle(job).await, &Ok(()))?;
        let new = bench.probe(username, NEW).await;
        let old = bench.probe(username, OLD).await;
        if how == Break::RequestLate {
            bench.fixture.deliver().await?;
            bench.fixture.heal().await?;
        }
        let works = matches!(new, Probe::Works);
        expect(works == (how == Break::ReplyLost), || format!("{how:?}: the new password: {new:?}"))?;
        expect(works || matches!(old, Probe::Works), || format!("{how:?}: the old password: {old:?}"))?;
        bench.opens(username, matches!(old, Probe::Works), works, (OLD, NEW)).await?;
        same("apply once healed", &bench.apply(job, NEW).await, &Outcome::Applied)?;
        bench.opens(username, bench.rotator.overlaps(&bench.spec), true, (OLD, NEW)).await?;
    }
    Ok(())
}

pub(super) async fn out_of_reach(bench: &Bench<'_>) -> Done<()> {
    let job = bench.account("contract_out_of_reach", OLD).await?;
    let rights = preflight(bench, job).await?;
    let refused = bench.fixture.refused_logins(job.username).await?;
    bench.fixture.break_down().await?;
    let waits = |fault: &Fault| fault.class.action() == Action::RetryPaced;
    let probe = bench.probe(job.username, OLD).await;
    expect(matches!(&probe, Probe::Inconclusive(fault) if waits(fault)), || format!("probe: {probe:?}"))?;
    let verified = bench.verify(job, OLD, &rights).await;
    expect(matches!(&verified, Verification::Inconclusive(fault) if waits(fault)), || {
        format!("verify: {verified:?}")
    })?;
    let outcome = bench.apply(job, NEW).await;
    expect(matches!(&outcome, Outcome::NotApplied(fault) if waits(fault)), || format!("apply: {outcome:?}"))?;
    for (verb, fault) in [
        ("preflight", bench.preflight(job).await.err()),
        ("settle", bench.settle(job).await.err()),
        ("end_sessions", bench.end_sessions(job).await.err()),
    ] {
        expect(fault.as_ref().is_some_and(waits), || format!("{verb}: {fault:?}"))?;
    }
    bench.fixture.heal().await?;
    same("refused logins", &bench.fixture.refused_logins(job.username).await?, &refused)?;
    bench.opens(job.username, true, false, (OLD, NEW)).await
}

pub(super) async fn awkward_logins(bench: &Bench<'_>) -> Done<()> {
    for (name, password) in AWKWARD.iter().flat_map(|text| [(*text, NEW), ("contract_awkward", *text)]) {
        let holdable = |name, password| bench.rotator.validate_login(&login(name, password)).is_ok();
        if !holdable(name, OLD) || !holdable(name, password) {
            continue;
        }
        let job = bench.account(name, OLD).await.map_err(|error| format!("{name:?}: {error}"))?;
        let tell = |found: String| format!("name {name:?}, password {password:?}: {found}");
        let rights = preflight(bench, job).await.map_err(tell)?;
        same("apply", &bench.apply(job, password).await, &Outcome::Applied).map_err(tell)?;
        let verified = bench.verify(job, password, &rights).await;
        same("verify", &verified, &Verification::Verified).map_err(tell)?;
        bench.opens(name, bench.rotator.overlaps(&bench.spec), true, (OLD, password)).await.map_err(tell)?;
    }
    for (name, password) in [("contract\0", NEW), ("contract", "a\0b"), ("", NEW)] {
        let refused = bench.rotator.validate_login(&login(name, password)).is_err();
        expect(refused, || format!("validate_login took {name:?} with {password:?}"))?;
    }
    Ok(())
}

pub(super) async fn sessions(bench: &Bench<'_>) -> Done<()> {
    let job = bench.account("contract_sessions", OLD).await?;
    if !bench.rotator.ends_sessions(&bench.spec) {
        let told = bench.end_sessions(job).await.err().map(|fault| fault.class);
        return same("end_sessions", &told, &Some(FaultClass::PermissionDenied));
    }
    bench.fixture.create_account("contract_bystander", OLD).await?;
    bench.fixture.open_session(job.username, OLD).await?;
    bench.fixture.open_session(job.username, OLD).await?;
    bench.fixture.open_session("contract_bystander", OLD).await?;
    same("end_sessions", &bench.end_sessions(job).await, &Ok(2))?;
    same("end_sessions again", &bench.end_sessions(job).await, &Ok(0))?;
    let bystander = bench.job("contract_bystander", &bench.management);
    same("end_sessions of the bystander", &bench.end_sessions(bystander).await, &Ok(1))
}

pub(super) async fn own_rotation(bench: &Bench<'_>) -> Done<()> {
    bench.fixture.create_account("contract_self", OLD).await?;
    let (before, after) = (login("contract_self", OLD), login("contract_self", NEW));
    let job = bench.job("contract_self", &before);
    let rights = preflight(bench, job).await?;
    same("apply", &bench.apply(job, NEW).await, &Outcome::Applied)?;
    let job = Job { management: &after, ..job };
    same("settle with the new password", &bench.settle(job).await, &Ok(()))?;
    same("verify", &bench.verify(job, NEW, &rights).await, &Verification::Verified)?;
    same("retire", &bench.retire(job, OLD).await, &Outcome::Applied)?;
    bench.opens("contract_self", false, true, (OLD, NEW)).await
}

pub(super) async fn no_secret_in_messages(bench: &Bench<'_>) -> Done<()> {
    let management = bench.management.password.expose();
    let made = bench.remembered();
    let secrets = || [OLD, NEW, management].into_iter().chain(made.iter().map(String::as_str));
    for said in bench.heard() {
        let leaks = secrets().any(|secret| said.contains(secret));
        // The message itself is not repeated: it would leak once more.
        expect(!leaks, || "a message of the rotator holds a password".to_owned())?;
    }
    Ok(())
}

pub(super) async fn preflight(bench: &Bench<'_>, job: Job<'_>) -> Done<Rights> {
    bench.preflight(job).await.map_err(|fault| format!("preflight: {fault}"))
}

pub(super) const OLD: &str = "old-Contract-4711";
pub(super) const NEW: &str = "new-Contract-0815";
/// Names and passwords that break careless quoting, encoding or length limits.
pub(super) const AWKWARD: [&str; 14] = [
    "it's",
    "dou\"ble",
    "back\\slash",
    "\\'; --",
    "$1 $$tag$$",
    "{{username}}",
    "%s %n %20",
    "two  words ",
    "Üñï-ключ-用户",
    "😀",
    "a\nb\tc",
    "UPPER",
    "select",
    "x123456789x123456789x123456789x123456789x123456789x123456789x123456789",
];
