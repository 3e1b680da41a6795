//! The promise of a rotator of which two accounts can take turns.

use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Job, Outcome, Probe, Verification};

use super::bench::{Bench, expect, login, same};
use super::promise::{NEW, OLD, no_secret_in_messages, preflight};
use super::{Break, Done};

pub(super) async fn taken(bench: &Bench<'_>) -> Done<()> {
    let (one, two) = ("contract_turns_one", "contract_turns_two");
    bench.fixture.create_account(one, OLD).await?;
    let job = Job { beside: Some(one), ..bench.account(two, OLD).await? };
    let rights = preflight(bench, job).await?;
    for time in ["first apply", "second apply"] {
        same(time, &bench.apply(job, NEW).await, &Outcome::Applied)?;
        bench.opens(two, false, true, (OLD, NEW)).await?;
    }
    same("verify", &bench.verify(job, NEW, &rights).await, &Verification::Verified)?;
    bench.opens(one, true, false, (OLD, NEW)).await?;
    if !bench.rotator.late_requests(&bench.spec) {
        bench.fixture.break_next_apply(Break::RequestLate).await?;
        let outcome = bench.retire_login(job, &login(one, OLD)).await;
        expect(outcome != Outcome::Applied || bench.is_shut(one, OLD).await?, || {
            "retire says that it is done, and it is not".to_owned()
        })?;
        // What is held up stays so.
        bench.fixture.heal().await?;
    }
    for time in ["first retire", "second retire"] {
        same(time, &bench.retire_login(job, &login(one, OLD)).await, &Outcome::Applied)?;
        bench.opens(one, false, false, (OLD, NEW)).await?;
        bench.opens(two, false, true, (OLD, NEW)).await?;
    }
    same("probe of the one that is shut", &bench.probe(one, OLD).await, &Probe::Refused)?;
    next_turn(bench, one, two).await
}

/// The one that was shut comes into use again, with every right that it had.
async fn next_turn(bench: &Bench<'_>, one: &str, two: &str) -> Done<()> {
    let job = Job { beside: Some(two), ..bench.job(one, &bench.management) };
    let rights = preflight(bench, job).await?;
    same("apply to the one that was shut", &bench.apply(job, NEW).await, &Outcome::Applied)?;
    same("verify", &bench.verify(job, NEW, &rights).await, &Verification::Verified)?;
    bench.opens(two, false, true, (OLD, NEW)).await?;
    // What a retirement had on its way does not reach the turn that follows.
    bench.fixture.deliver().await?;
    bench.fixture.heal().await?;
    bench.opens(one, false, true, (OLD, NEW)).await?;
    // As at an adoption: nobody knows what opens the other one.
    let unknown = login(two, "");
    same("retire of an unknown password", &bench.retire_login(job, &unknown).await, &Outcome::Applied)?;
    bench.opens(two, false, false, (OLD, NEW)).await?;
    bench.opens(one, false, true, (OLD, NEW)).await?;
    let job = Job { beside: Some(one), ..bench.job(two, &bench.management) };
    bench.fixture.take_right(two).await?;
    let lacking = bench.preflight(job).await.err();
    expect(lacking.as_ref().is_some_and(|fault| fault.class == FaultClass::Preflight), || {
        format!("preflight of one that lacks a right of the other: {lacking:?}")
    })?;
    no_secret_in_messages(bench).await
}
