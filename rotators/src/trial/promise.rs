//! One function a promise.

use std::time::Instant;

use vault_core::rotation::fault::{Action, Fault, FaultClass};
use vault_core::rotation::port::{Job, Login, Outcome, Probe, Rights, Rotator, TargetSpec, Verification};
use vault_core::secret::SecretString;

use super::bench::{Bench, Done, expect, made, same};
use super::{CUT_MIN, CUTS, Finding, Verdict};

/// How a promise ends that was not broken.
type Kept = Done<Verdict>;

const WHOLE: Kept = Ok(Verdict::Kept(None));

macro_rules! promises {
    ($($text:literal => $function:ident),* $(,)?) => {
        /// Tries all of them, in order.
        pub(super) async fn all(bench: &Bench<'_>) -> Vec<Finding> {
            let mut findings = Vec::new();
            $(
                let verdict = $function(bench).await.unwrap_or_else(Verdict::Broken);
                findings.push(Finding { promise: $text, verdict });
            )*
            findings
        }

        /// A plugin of which nothing but its description can be tried.
        pub(super) fn none(first: Verdict, why: &str) -> Vec<Finding> {
            let mut verdicts = std::iter::once(first);
            let rest = || Verdict::NotApplicable(why.to_owned());
            [$($text),*]
                .into_iter()
                .map(|promise| Finding { promise, verdict: verdicts.next().unwrap_or_else(rest) })
                .collect()
        }
    };
}

promises! {
    "it describes itself, the same each time" => describes,
    "a sound target passes every look at it" => sound,
    "apply makes the candidate the only credential, however often it is called" => idempotent,
    "an account that is adopted is opened by the candidate alone" => adoption,
    "the rights stay, and one that is lost is noticed" => rights,
    "a refused management credential is told from everything else and tried once" => management_refused,
    "an account that is not there is told" => missing_account,
    "a user that is made for a lease is let in until it is removed" => lease_user,
    "an unknown outcome is settled, after which a probe is final" => unknown_outcome,
    "a target out of reach proves nothing" => out_of_reach,
    "awkward names and passwords work or are refused beforehand" => awkward_passwords,
    "sessions can be ended, or it is told that they cannot" => sessions,
    "a management credential can rotate itself" => own_rotation,
    "no message holds a password" => no_secret_in_messages,
}

async fn describes(bench: &Bench<'_>) -> Kept {
    let again = bench.plugin.describe().await.map_err(|fault| format!("describe again: {fault}"))?;
    let first = bench.plugin.described();
    same("describe again", &again, &first)?;
    expect(!first.kind.is_empty(), || "it names no kind of target".to_owned())?;
    WHOLE
}

async fn sound(bench: &Bench<'_>) -> Kept {
    let plugin = &bench.plugin;
    same("validate", &plugin.validate(bench.spec()), &Ok(()))?;
    let report = plugin.check(bench.spec(), &bench.trial.management).await;
    let report = report.map_err(|fault| format!("check: {fault}"))?;
    expect(!report.server.is_empty() && !report.passed.is_empty(), || {
        format!("an empty report: {report:?}")
    })?;
    let rights = bench.preflight(bench.job()).await?;
    expect(!rights.0.is_empty(), || "no right at all of an account that may log in".to_owned())?;
    let _ = bench.at_first.set(rights);
    let (password, other) = (bench.fresh().await?, made());
    let login = bench.login(&password);
    same("validate_login", &plugin.validate_login(&login), &Ok(()))?;
    expect(bench.accepts(&password).await?, || "the password that was just set is refused".to_owned())?;
    expect(!bench.accepts(&other).await?, || "a password that was never set is let in".to_owned())?;
    WHOLE
}

async fn idempotent(bench: &Bench<'_>) -> Kept {
    let (old, new) = (bench.fresh().await?, made());
    let (plugin, job) = (&bench.plugin, bench.job());
    let rights = bench.preflight(job).await?;
    let both = plugin.overlaps(bench.spec());
    for time in ["first apply", "second apply"] {
        same(time, &plugin.apply(job, &new).await, &Outcome::Applied)?;
        let verified = plugin.verify(job, &bench.login(&new), &rights).await;
        same(&format!("verify after the {time}"), &verified, &Verification::Verified)?;
        bench
            .opens((&old, both), (&new, true))
            .await
            .map_err(|found| format!("after the {time}: {found}"))?;
    }
    for time in ["first retire", "second retire"] {
        same(time, &plugin.retire(job, &bench.login(&old)).await, &Outcome::Applied)?;
        bench
            .opens((&old, false), (&new, true))
            .await
            .map_err(|found| format!("after the {time}: {found}"))?;
    }
    let verified = plugin.verify(job, &bench.login(&old), &rights).await;
    expect(matches!(verified, Verification::Refused(_)), || format!("verify of the old one: {verified:?}"))?;
    WHOLE
}

async fn adoption(bench: &Bench<'_>) -> Kept {
    let (old, new) = (bench.fresh().await?, made());
    let job = Job { is_adoption: true, ..bench.job() };
    bench.preflight(job).await?;
    for time in ["first apply", "second apply"] {
        same(time, &bench.plugin.apply(job, &new).await, &Outcome::Applied)?;
        bench
            .opens((&old, false), (&new, true))
            .await
            .map_err(|found| format!("after the {time}: {found}"))?;
    }
    WHOLE
}

async fn rights(bench: &Bench<'_>) -> Kept {
    let (_, new, job) = (bench.fresh().await?, made(), bench.job());
    let before = bench.preflight(job).await?;
    if let Some(at_first) = bench.at_first.get() {
        same("rights, compared with those at the beginning", &before, at_first)?;
    }
    same("apply", &bench.plugin.apply(job, &new).await, &Outcome::Applied)?;
    same("rights after the change", &bench.preflight(job).await?, &before)?;
    // A right that it never had stands for one that was taken away.
    let mut more = before.clone();
    more.0.push(NEVER_HELD.to_owned());
    let found = bench.plugin.verify(job, &bench.login(&new), &more).await;
    expect(matches!(&found, Verification::RightsLost(lost) if lost == &[NEVER_HELD]), || {
        format!("verify with a right that the account does not have: {found:?}")
    })?;
    WHOLE
}

async fn management_refused(bench: &Bench<'_>) -> Kept {
    let (old, new, plugin) = (bench.fresh().await?, made(), &bench.plugin);
    let wrong = Login { username: bench.trial.management.username.clone(), password: made() };
    let job = Job { management: &wrong, ..bench.job() };
    let refused = Some(FaultClass::ManagementAuthRefused);
    let class = |fault: Option<Fault>| fault.map(|fault| fault.class);
    same("check", &class(plugin.check(bench.spec(), &wrong).await.err()), &refused)?;
    same("preflight", &class(plugin.preflight(job).await.err()), &refused)?;
    let outcome = plugin.apply(job, &new).await;
    expect(matches!(&outcome, Outcome::NotApplied(fault) if Some(fault.class) == refused), || {
        format!("apply: {outcome:?}")
    })?;
    same("settle", &class(plugin.settle(job).await.err()), &refused)?;
    same("end_sessions", &class(plugin.end_sessions(job).await.err()), &refused)?;
    bench.opens((&old, true), (&new, false)).await?;
    Ok(Verdict::Kept(Some("how often it was tried is not seen from here")))
}

async fn missing_account(bench: &Bench<'_>) -> Kept {
    let job = Job { username: NOBODY, ..bench.job() };
    let missing = |fault: &Fault| fault.class == FaultClass::AccountMissing;
    let found = bench.plugin.preflight(job).await;
    expect(matches!(&found, Err(fault) if missing(fault)), || format!("preflight: {found:?}"))?;
    let outcome = bench.plugin.apply(job, &made()).await;
    expect(matches!(&outcome, Outcome::NotApplied(fault) if missing(fault)), || {
        format!("apply: {outcome:?}")
    })?;
    WHOLE
}

async fn lease_user(_: &Bench<'_>) -> Kept {
    Ok(Verdict::NotApplicable("plugins make no users for leases".to_owned()))
}

/// Kills the plugin in the middle of changes, at many moments.
async fn unknown_outcome(bench: &Bench<'_>) -> Kept {
    let plugin = &bench.plugin;
    let began = Instant::now();
    let mut old = bench.fresh().await?;
    let whole = began.elapsed();
    for cut in 1..=CUTS {
        let (new, job) = (made(), bench.job());
        let time = (whole * cut / CUTS).max(CUT_MIN);
        let outcome = bench.cut_after(time).apply(job, &new).await;
        let tell = |found: String| format!("killed after {} ms ({outcome:?}): {found}", time.as_millis());
        let settled = plugin.settle(job).await;
        same("settle", &settled, &Ok(())).map_err(tell)?;
        let (works, still) =
            (bench.accepts(&new).await.map_err(tell)?, bench.accepts(&old).await.map_err(tell)?);
        expect(works || still, || "neither password opens the account any more".to_owned()).map_err(tell)?;
        let lied = matches!(outcome, Outcome::Applied) && !works
            || matches!(outcome, Outcome::NotApplied(_)) && works;
        expect(!lied, || "that is not what the target shows".to_owned()).map_err(tell)?;
        let alone = !(works && still) || plugin.overlaps(bench.spec());
        expect(alone, || "both passwords open the account".to_owned()).map_err(tell)?;
        bench.opens((&old, still), (&new, works)).await.map_err(|f| tell(format!("a moment later: {f}")))?;
        same("apply again", &plugin.apply(job, &new).await, &Outcome::Applied).map_err(tell)?;
        same("retire", &plugin.retire(job, &bench.login(&old)).await, &Outcome::Applied).map_err(tell)?;
        bench.opens((&old, false), (&new, true)).await.map_err(tell)?;
        old = new;
    }
    match plugin.late_requests(bench.spec()) {
        true => Ok(Verdict::Kept(Some("it says that a request held up on its way may still take effect"))),
        false => Ok(Verdict::Kept(Some("it was killed; the network between it and the target was not"))),
    }
}

async fn out_of_reach(bench: &Bench<'_>) -> Kept {
    let Some(url) = &bench.trial.out_of_reach else {
        let why = "give an address at which nothing answers (--out-of-reach)";
        return Ok(Verdict::NotApplicable(why.to_owned()));
    };
    let (old, new, plugin) = (bench.fresh().await?, made(), &bench.plugin);
    let spec = TargetSpec { connection_url: url.clone(), settings: bench.spec().settings.clone() };
    let job = Job { spec: &spec, ..bench.job() };
    let waits =
        |fault: &Fault| fault.class.action() == Action::RetryPaced && fault.class != FaultClass::PluginFailed;
    let probe = plugin.probe(&spec, &bench.login(&old)).await;
    expect(matches!(&probe, Probe::Inconclusive(fault) if waits(fault)), || format!("probe: {probe:?}"))?;
    let verified = plugin.verify(job, &bench.login(&old), &Rights::default()).await;
    expect(matches!(&verified, Verification::Inconclusive(fault) if waits(fault)), || {
        format!("verify: {verified:?}")
    })?;
    let outcome = plugin.apply(job, &new).await;
    expect(matches!(&outcome, Outcome::NotApplied(fault) if waits(fault)), || format!("apply: {outcome:?}"))?;
    for (verb, fault) in [
        ("preflight", plugin.preflight(job).await.err()),
        ("settle", plugin.settle(job).await.err()),
        ("end_sessions", plugin.end_sessions(job).await.err()),
    ] {
        expect(fault.as_ref().is_some_and(waits), || format!("{verb}: {fault:?}"))?;
    }
    WHOLE
}

async fn awkward_passwords(bench: &Bench<'_>) -> Kept {
    let mut old = bench.fresh().await?;
    let mut tried = 0;
    for text in AWKWARD {
        let plain = made();
        let new = SecretString::new(format!("{}{text}", plain.expose()));
        if bench.plugin.validate_login(&bench.login(&new)).is_err() {
            continue;
        }
        tried += 1;
        let (job, tell) = (bench.job(), |found: String| format!("a password that ends in {text:?}: {found}"));
        same("apply", &bench.plugin.apply(job, &new).await, &Outcome::Applied).map_err(tell)?;
        let retired = bench.plugin.retire(job, &bench.login(&old)).await;
        same("retire", &retired, &Outcome::Applied).map_err(tell)?;
        bench.opens((&old, false), (&new, true)).await.map_err(tell)?;
        // Of two that differ in this alone, only the right one opens the account.
        let lets_in_half = bench.accepts(&plain).await.map_err(tell)?;
        expect(!lets_in_half, || "the password without it is let in".to_owned()).map_err(tell)?;
        old = new;
    }
    expect(tried > 0, || "its rules for passwords refuse every one that was tried".to_owned())?;
    Ok(Verdict::Kept(Some("names: there is one account")))
}

async fn sessions(bench: &Bench<'_>) -> Kept {
    bench.fresh().await?;
    let told = bench.plugin.end_sessions(bench.job()).await;
    if !bench.plugin.ends_sessions(bench.spec()) {
        let class = told.err().map(|fault| fault.class);
        same("end_sessions", &class, &Some(FaultClass::PermissionDenied))?;
        return WHOLE;
    }
    expect(told.is_ok(), || format!("end_sessions: {told:?}"))?;
    same("end_sessions again", &bench.plugin.end_sessions(bench.job()).await, &Ok(0))?;
    Ok(Verdict::Kept(Some("sessions of others are not opened from here")))
}

/// The account acts for itself, where the target allows that.
async fn own_rotation(bench: &Bench<'_>) -> Kept {
    let (old, new, plugin) = (bench.fresh().await?, made(), &bench.plugin);
    let (before, after) = (bench.login(&old), bench.login(&new));
    let job = Job { management: &before, ..bench.job() };
    let Ok(rights) = plugin.preflight(job).await else {
        let why = "the account may not change itself; try it with one that may";
        return Ok(Verdict::NotApplicable(why.to_owned()));
    };
    same("apply", &plugin.apply(job, &new).await, &Outcome::Applied)?;
    let job = Job { management: &after, ..job };
    same("settle with the new password", &plugin.settle(job).await, &Ok(()))?;
    same("verify", &plugin.verify(job, &after, &rights).await, &Verification::Verified)?;
    same("retire", &plugin.retire(job, &before).await, &Outcome::Applied)?;
    bench.opens((&old, false), (&new, true)).await?;
    WHOLE
}

async fn no_secret_in_messages(bench: &Bench<'_>) -> Kept {
    let leaks = bench.notes.leaks();
    expect(leaks.is_empty(), || {
        format!("a password of the request was on standard error or in the reply of: {}", leaks.join(", "))
    })?;
    WHOLE
}

const NEVER_HELD: &str = "a right that nobody ever had";
const NOBODY: &str = "rotunda_test_nobody";
/// Ends of passwords that break careless quoting, encoding or length limits.
const AWKWARD: [&str; 12] = [
    "it's",
    "dou\"ble",
    "back\\slash",
    "\\'; --",
    "$1 $$tag$$ $(x) `x`",
    "{{username}}",
    "%s %n %20",
    "two  words ",
    "Üñï-ключ-用户",
    "😀",
    "a\nb\tc",
    "&<>!#:@/?",
];
