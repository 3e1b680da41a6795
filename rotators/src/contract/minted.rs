//! The promises of a rotator whose target makes the credentials itself, one function each.

use vault_core::rotation::fault::{Action, Fault, FaultClass};
use vault_core::rotation::port::{
    Handles, Job, Login, Minted, Minting, NO_RIGHTS, Outcome, Probe, Verification,
};

use super::bench::{Bench, expect, login, same};
use super::promise::{AWKWARD, NEW, OLD, preflight};
use super::{Break, Done};

/// A credential that the target made, and by what it is known.
struct Made {
    login: Login,
    handle: String,
}

impl Made {
    fn pending(&self) -> Handles<'_> {
        Handles { pending: Some(&self.handle), ..Handles::default() }
    }

    fn current(&self) -> Handles<'_> {
        Handles { current: Some(&self.handle), ..Handles::default() }
    }
}

pub(super) async fn sound(bench: &Bench<'_>) -> Done<()> {
    let job = bench.account("contract_sound", OLD).await?;
    same("validate", &bench.rotator.validate(&bench.spec), &Ok(()))?;
    same("validate_login", &bench.rotator.validate_login(&login(job.username, NEW)), &Ok(()))?;
    expect(bench.rotator.overlaps(&bench.spec), || {
        "a target that makes credentials must keep the old one beside the new one".to_owned()
    })?;
    let report = bench.hear(bench.rotator.check(&bench.spec, &bench.management).await);
    let report = report.map_err(|fault| format!("check: {fault}"))?;
    expect(!report.server.is_empty() && !report.passed.is_empty(), || {
        format!("an empty report: {report:?}")
    })?;
    let rights = preflight(bench, job).await?;
    expect(!rights.0.is_empty(), || "no right at all of an account that may log in".to_owned())
}

pub(super) async fn beside(bench: &Bench<'_>) -> Done<()> {
    // Adopted first, as every account is: the target may have no place for more than two.
    let job = Job { is_adoption: true, ..bench.account("contract_beside", OLD).await? };
    let rights = preflight(bench, job).await?;
    let first = made(bench, Job { before: &rights, ..job }).await?;
    let adopted = Job { handles: first.pending(), before: &rights, ..job };
    let verified = bench.verify_login(adopted, &first.login, &NO_RIGHTS).await;
    same("verify of the first", &verified, &Verification::Verified)?;
    let job = Job { handles: first.current(), ..bench.job(job.username, &bench.management) };
    let rights = preflight(bench, job).await?;
    let second = made(bench, Job { before: &rights, ..job }).await?;
    expect(first.handle != second.handle, || "two credentials of one handle".to_owned())?;
    let handles = Handles { pending: Some(&second.handle), ..first.current() };
    let verified = bench.verify_login(Job { handles, before: &rights, ..job }, &second.login, &rights).await;
    same("verify", &verified, &Verification::Verified)?;
    opens(bench, &first, true).await?;
    opens(bench, &second, true).await?;
    let handles = Handles { previous: Some(&first.handle), ..second.current() };
    let job = Job { handles, before: &rights, ..job };
    for time in ["first retire", "second retire"] {
        same(time, &bench.retire_login(job, &first.login).await, &Outcome::Applied)?;
        opens(bench, &first, false).await?;
        opens(bench, &second, true).await?;
    }
    same("probe of the old one", &bench.probe_login(&first.login).await, &Probe::Refused)?;
    let old = bench.verify_login(job, &first.login, &rights).await;
    expect(matches!(old, Verification::Refused(_)), || format!("verify of the old one: {old:?}"))
}

pub(super) async fn adoption(bench: &Bench<'_>) -> Done<()> {
    let job = Job { is_adoption: true, ..bench.account("contract_adoption", OLD).await? };
    let others = bench.fixture.credentials(job.username).await?;
    expect(others > 0, || "the fixture's account has no credential that could live on".to_owned())?;
    let rights = preflight(bench, job).await?;
    let made = made(bench, Job { before: &rights, ..job }).await?;
    let job = Job { handles: made.pending(), before: &rights, ..job };
    for time in ["first verify", "second verify"] {
        same(time, &bench.verify_login(job, &made.login, &rights).await, &Verification::Verified)?;
        same("credentials left", &bench.fixture.credentials(job.username).await?, &1)?;
        opens(bench, &made, true).await?;
    }
    Ok(())
}

pub(super) async fn rights(bench: &Bench<'_>) -> Done<()> {
    let job = bench.account("contract_rights", OLD).await?;
    let before = preflight(bench, job).await?;
    let made = made(bench, Job { before: &before, ..job }).await?;
    let job = Job { handles: made.pending(), before: &before, ..job };
    same("verify", &bench.verify_login(job, &made.login, &before).await, &Verification::Verified)?;
    bench.fixture.take_right(job.username).await?;
    let found = bench.verify_login(job, &made.login, &before).await;
    expect(matches!(&found, Verification::RightsLost(lost) if !lost.is_empty()), || {
        format!("verify after a right was taken: {found:?}")
    })
}

pub(super) async fn management_refused(bench: &Bench<'_>) -> Done<()> {
    let job = bench.account("contract_management", OLD).await?;
    let before = bench.fixture.credentials(job.username).await?;
    let wrong = login(&bench.management.username, "certainly not this");
    let job = Job { management: &wrong, ..job };
    for verb in ["check", "preflight", "mint", "settle"] {
        let fault = match verb {
            "check" => bench.hear(bench.rotator.check(&bench.spec, &wrong).await).err(),
            "preflight" => bench.preflight(job).await.err(),
            "settle" => bench.settle(job).await.err(),
            _ => match bench.mint(job).await {
                Minting::NotMade(fault) => Some(fault),
                other => return Err(format!("mint: {other:?}")),
            },
        };
        same(verb, &fault.map(|fault| fault.class), &Some(FaultClass::ManagementAuthRefused))?;
    }
    same("credentials", &bench.fixture.credentials(job.username).await?, &before)
}

pub(super) async fn missing_account(bench: &Bench<'_>) -> Done<()> {
    let job = bench.job("contract_nobody", &bench.management);
    let fault = bench.preflight(job).await.err().map(|fault| fault.class);
    same("preflight", &fault, &Some(FaultClass::AccountMissing))?;
    let outcome = bench.mint(job).await;
    expect(matches!(&outcome, Minting::NotMade(fault) if fault.class == FaultClass::AccountMissing), || {
        format!("mint: {outcome:?}")
    })
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
        let rights = preflight(bench, job).await?;
        let job = Job { before: &rights, ..job };
        let there = bench.fixture.credentials(username).await?;
        bench.fixture.break_next_apply(how).await?;
        let outcome = bench.mint(job).await;
        let doubtful = matches!(&outcome, Minting::Unknown(fault) if fault.class.action() == Action::Probe);
        let excluded = how != Break::ReplyLost && matches!(outcome, Minting::NotMade(_));
        expect(doubtful || excluded, || format!("{how:?}: mint: {outcome:?}"))?;
        if how != Break::RequestLate {
            bench.fixture.heal().await?;
        }
        if how == Break::ReplyLost {
            let now = bench.fixture.credentials(username).await?;
            expect(now == there + 1, || format!("{how:?}: {now} credentials after {there}"))?;
        }
        same("settle", &bench.settle(job).await, &Ok(()))?;
        if how == Break::RequestLate {
            bench.fixture.deliver().await?;
            bench.fixture.heal().await?;
        }
        let left = bench.fixture.credentials(username).await?;
        same("credentials after the settlement", &left, &there)?;
        let made = made(bench, job).await?;
        let known = Job { handles: made.pending(), ..job };
        same("settle of what is known", &bench.settle(known).await, &Ok(()))?;
        opens(bench, &made, true).await?;
        same("settle of what is not", &bench.settle(job).await, &Ok(()))?;
        opens(bench, &made, false).await?;
        same("credentials in the end", &bench.fixture.credentials(username).await?, &there)?;
    }
    Ok(())
}

pub(super) async fn out_of_reach(bench: &Bench<'_>) -> Done<()> {
    let job = bench.account("contract_out_of_reach", OLD).await?;
    let rights = preflight(bench, job).await?;
    let job = Job { before: &rights, ..job };
    let made = made(bench, job).await?;
    let there = bench.fixture.credentials(job.username).await?;
    bench.fixture.break_down().await?;
    let waits = |fault: &Fault| fault.class.action() == Action::RetryPaced;
    let probe = bench.probe_login(&made.login).await;
    expect(matches!(&probe, Probe::Inconclusive(fault) if waits(fault)), || format!("probe: {probe:?}"))?;
    let known = Job { handles: made.pending(), ..job };
    let verified = bench.verify_login(known, &made.login, &rights).await;
    expect(matches!(&verified, Verification::Inconclusive(fault) if waits(fault)), || {
        format!("verify: {verified:?}")
    })?;
    let outcome = bench.mint(job).await;
    expect(matches!(&outcome, Minting::NotMade(fault) if waits(fault)), || format!("mint: {outcome:?}"))?;
    for (verb, fault) in
        [("preflight", bench.preflight(job).await.err()), ("settle", bench.settle(job).await.err())]
    {
        expect(fault.as_ref().is_some_and(waits), || format!("{verb}: {fault:?}"))?;
    }
    bench.fixture.heal().await?;
    same("credentials", &bench.fixture.credentials(job.username).await?, &there)?;
    opens(bench, &made, true).await
}

pub(super) async fn awkward_names(bench: &Bench<'_>) -> Done<()> {
    for name in AWKWARD {
        if bench.rotator.validate_login(&login(name, NEW)).is_err() {
            continue;
        }
        let job = bench.account(name, OLD).await.map_err(|error| format!("{name:?}: {error}"))?;
        let tell = |found: String| format!("name {name:?}: {found}");
        let rights = preflight(bench, job).await.map_err(tell)?;
        let made = made(bench, Job { before: &rights, ..job }).await.map_err(tell)?;
        let job = Job { handles: made.pending(), before: &rights, ..job };
        let verified = bench.verify_login(job, &made.login, &rights).await;
        same("verify", &verified, &Verification::Verified).map_err(tell)?;
    }
    for name in ["contract\0", ""] {
        let refused = bench.rotator.validate_login(&login(name, NEW)).is_err();
        expect(refused, || format!("validate_login took {name:?}"))?;
    }
    Ok(())
}

pub(super) async fn sessions(bench: &Bench<'_>) -> Done<()> {
    let job = bench.account("contract_sessions", OLD).await?;
    if bench.rotator.ends_sessions(&bench.spec) {
        let ended = bench.end_sessions(job).await;
        return expect(ended.is_ok(), || format!("end_sessions: {ended:?}"));
    }
    let told = bench.end_sessions(job).await.err().map(|fault| fault.class);
    same("end_sessions", &told, &Some(FaultClass::PermissionDenied))
}

/// Has the target make a credential, and sees that it opens the account.
async fn made(bench: &Bench<'_>, job: Job<'_>) -> Done<Made> {
    let Minted { handle, username, password } = match bench.mint(job).await {
        Minting::Made(minted) => minted,
        other => return Err(format!("mint: {other:?}")),
    };
    bench.remember(password.expose());
    let username = username.unwrap_or_else(|| job.username.to_owned());
    let made = Made { login: Login { username, password }, handle };
    let verified = bench.verify_login(
        Job { handles: made.pending(), is_adoption: false, ..job },
        &made.login,
        &NO_RIGHTS,
    );
    same("verify of what was made", &verified.await, &Verification::Verified)?;
    opens(bench, &made, true).await?;
    Ok(made)
}

async fn opens(bench: &Bench<'_>, made: &Made, wanted: bool) -> Done<()> {
    let (username, password) = (&made.login.username, made.login.password.expose());
    let found = bench.fixture.accepts(username, password).await?;
    expect(found == wanted, || format!("the credential {} opens the account: {found}", made.handle))
}
