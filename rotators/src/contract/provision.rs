//! The promises about users that live as long as a lease. Where the rotator makes none, they are kept.

use vault_core::clock::Timestamp;
use vault_core::rotation::fault::{Action, FaultClass};
use vault_core::rotation::port::{Job, Outcome};
use vault_core::rotation::provisioner::{Order, Presence, Provisioner};
use vault_core::secret::SecretString;

use super::bench::{Bench, expect, login, same};
use super::{Break, Done};

pub(super) async fn lease_user(bench: &Bench<'_>) -> Done<()> {
    let Some(maker) = Maker::of(bench) else { return Ok(()) };
    let job = bench.job("contract_lease", &bench.management);
    let [good, bad] = &maker.creation;
    same("presence before", &maker.presence(job).await?, &Presence::Gone)?;
    same("remove before", &maker.remove(job).await, &Outcome::Applied)?;
    let failed = maker.create(job, bad).await;
    expect(matches!(failed, Outcome::NotApplied(_)), || format!("create that fails half-way: {failed:?}"))?;
    same("presence after it failed", &maker.presence(job).await?, &Presence::Gone)?;
    same("create", &maker.create(job, good).await, &Outcome::Applied)?;
    maker.accepts(job, true).await?;
    same("presence", &maker.presence(job).await?, &Presence::Live)?;
    let again = maker.create(job, good).await;
    expect(matches!(again, Outcome::NotApplied(_)), || format!("create of what is there: {again:?}"))?;
    maker.accepts(job, true).await?;
    for time in ["first extend", "second extend"] {
        same(time, &maker.extend(job).await, &Outcome::Applied)?;
    }
    maker.accepts(job, true).await?;
    maker.refused_management(job).await?;
    bench.fixture.open_session(job.username, PASSWORD).await?;
    for time in ["first remove", "second remove"] {
        same(time, &maker.remove(job).await, &Outcome::Applied)?;
        same("presence after it", &maker.presence(job).await?, &Presence::Gone)?;
        maker.accepts(job, false).await?;
    }
    let gone = maker.extend(job).await;
    expect(matches!(gone, Outcome::NotApplied(_)), || format!("extend of what is gone: {gone:?}"))?;
    bench.fixture.break_down().await?;
    for (verb, outcome) in [("remove", maker.remove(job).await), ("extend", maker.extend(job).await)] {
        let waits = matches!(&outcome, Outcome::NotApplied(f) if f.class.action() == Action::RetryPaced);
        expect(waits, || format!("{verb} out of reach: {outcome:?}"))?;
    }
    expect(maker.presence(job).await.is_err(), || "presence knows something out of reach".to_owned())?;
    bench.fixture.heal().await
}

pub(super) async fn lease_user_doubt(bench: &Bench<'_>) -> Done<()> {
    let Some(maker) = Maker::of(bench) else { return Ok(()) };
    let [good, _] = &maker.creation;
    for (how, username) in [
        (Break::ReplyLost, "contract_lease_reply_lost"),
        (Break::RequestLost, "contract_lease_request_lost"),
        (Break::RequestLate, "contract_lease_request_late"),
    ] {
        let job = bench.job(username, &bench.management);
        bench.fixture.break_next_apply(how).await?;
        let outcome = maker.create(job, good).await;
        expect(matches!(outcome, Outcome::Unknown(_)), || format!("{how:?}: create: {outcome:?}"))?;
        if how != Break::RequestLate {
            bench.fixture.heal().await?;
        }
        same("remove", &maker.remove(job).await, &Outcome::Applied)?;
        if how == Break::RequestLate {
            bench.fixture.deliver().await?;
            bench.fixture.heal().await?;
        }
        same("presence after all", &maker.presence(job).await?, &Presence::Gone)?;
        maker.accepts(job, false).await?;
    }
    Ok(())
}

struct Maker<'a> {
    bench: &'a Bench<'a>,
    provisioner: &'a dyn Provisioner,
    creation: [Vec<String>; 2],
}

impl<'a> Maker<'a> {
    fn of(bench: &'a Bench<'a>) -> Option<Self> {
        let provisioner = bench.rotator.provisioner()?;
        Some(Self { bench, provisioner, creation: bench.fixture.creation()? })
    }

    async fn create(&self, job: Job<'_>, creation: &[String]) -> Outcome {
        let password = SecretString::new(PASSWORD.to_owned());
        let order = Order { creation, password: &password, expiration: UNTIL };
        self.bench.hear(self.provisioner.create(job, order).await).outcome
    }

    async fn extend(&self, job: Job<'_>) -> Outcome {
        self.bench.hear(self.provisioner.extend(job, &[], UNTIL).await)
    }

    async fn remove(&self, job: Job<'_>) -> Outcome {
        self.bench.hear(self.provisioner.remove(job, &[]).await)
    }

    async fn presence(&self, job: Job<'_>) -> Done<Presence> {
        let found = self.bench.hear(self.provisioner.presence(job).await);
        found.map(|sight| sight.presence).map_err(|fault| format!("presence: {fault}"))
    }

    async fn accepts(&self, job: Job<'_>, wanted: bool) -> Done<()> {
        let found = self.bench.fixture.accepts(job.username, PASSWORD).await?;
        expect(found == wanted, || format!("the target lets the user in: {found}"))
    }

    async fn refused_management(&self, job: Job<'_>) -> Done<()> {
        let wrong = login(&self.bench.management.username, "certainly not this");
        let outcome = self.remove(Job { management: &wrong, ..job }).await;
        let refused =
            matches!(&outcome, Outcome::NotApplied(f) if f.class == FaultClass::ManagementAuthRefused);
        expect(refused, || format!("remove with a wrong management password: {outcome:?}"))
    }
}

/// That of [`super::promise`], so that it is looked for in every message.
const PASSWORD: &str = super::promise::NEW;
const UNTIL: Timestamp = Timestamp::from_secs(4_000_000_000);
