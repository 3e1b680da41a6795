//! Each point at which a request can break or be refused: what the rotator says of it, and what AWS holds.

use rotators::aws::AwsRotator;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Job, Minting, Probe, Rotator, Verification};
use vault_tests::aws::{AccessKey, Answer, PERMISSIONS};
use vault_tests::proxy::Mischief;

use crate::bench::{Bench, class, login};

fn word(minting: &Minting) -> String {
    match minting {
        Minting::Made(_) => "made".to_owned(),
        Minting::NotMade(fault) => format!("not made: {}", fault.class),
        Minting::Unknown(fault) => format!("unknown: {}", fault.class),
    }
}

#[tokio::test]
async fn each_fault_point_of_the_making_has_its_outcome_and_is_settled() {
    let bench = Bench::start().await;
    let at = || "Action=CreateAccessKey".to_owned();
    let refused = |status, code| vec![Answer::refusal("Action=CreateAccessKey", status, code, "no")];
    // What it is said to be, and how many keys there are more before the settlement.
    for (mischief, answers, outcome, more) in [
        (Mischief::Refuse, vec![], "not made: unreachable", 0),
        (Mischief::Silent, vec![], "unknown: ambiguous", 0),
        (Mischief::CutBefore(at()), vec![], "unknown: ambiguous", 0),
        (Mischief::DropReply(at()), vec![], "unknown: ambiguous", 1),
        (Mischief::SwallowReply(at()), vec![], "unknown: ambiguous", 1),
        (Mischief::CutAfter(300), vec![], "unknown: ambiguous", 1),
        (Mischief::None, refused(400, "Throttling"), "not made: unreachable", 0),
        (Mischief::None, refused(409, "LimitExceeded"), "not made: preflight", 0),
        (Mischief::None, refused(403, "AccessDenied"), "not made: permission_denied", 0),
        (Mischief::None, refused(500, "ServiceFailure"), "unknown: ambiguous", 0),
        (Mischief::None, vec![], "made", 1),
    ] {
        let place = format!("{mischief:?} {answers:?}");
        bench.server.create_user("app").await.unwrap();
        let before = bench.preflight("app").await.unwrap();
        bench.imposter.set(answers);
        bench.proxy.set(mischief).await.unwrap();
        let job = Job { before: &before, ..bench.job("app") };
        let minting = AwsRotator::new().mint(job).await;
        bench.proxy.set(Mischief::None).await.unwrap();
        assert_eq!(word(&minting), outcome, "{place}: {minting:?}");
        assert_eq!(bench.server.keys("app").await.unwrap().len(), 1 + more, "{place}");
        // Nothing was noted, so nothing may be touched.
        assert_eq!(AwsRotator::new().settle(bench.job("app")).await, Ok(()), "{place}");
        assert_eq!(bench.server.keys("app").await.unwrap().len(), 1 + more, "{place}");
        assert_eq!(AwsRotator::new().settle(job).await, Ok(()), "{place}");
        assert_eq!(bench.server.keys("app").await.unwrap().len(), 1, "{place}");
    }
}

#[tokio::test]
async fn an_unknown_key_that_was_used_is_told_and_stays() {
    let bench = Bench::start().await;
    bench.server.create_user("app").await.unwrap();
    let before = bench.preflight("app").await.unwrap();
    let stranger = bench.server.create_key("app").await.unwrap();
    // Refused for want of a permission, and a use all the same.
    let (status, _) =
        bench.server.ask(&stranger, "iam", "ListUserPolicies", &[("UserName", "app")]).await.unwrap();
    assert_eq!(status, 403);
    let fault = AwsRotator::new().settle(Job { before: &before, ..bench.job("app") }).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Preflight);
    assert!(fault.detail.contains(&stranger.id), "{fault}");
    assert!(bench.server.accepts(&stranger.id, &stranger.secret).await.unwrap());
}

#[tokio::test]
async fn a_probe_tells_refusals_from_everything_else() {
    let bench = Bench::start().await;
    let key = bench.server.create_user("app").await.unwrap();
    let wrong = AccessKey { secret: "certainly/not/this".to_owned(), ..key.clone() };
    let gone = AccessKey { id: "AKIA0000000000000000".to_owned(), ..key.clone() };
    let answer = |status, code, message| Answer::refusal("Action=GetCallerIdentity", status, code, message);
    let unknown = || answer(403, "InvalidClientTokenId", "");
    let expired = "Signature expired: 20261122T150000Z is now earlier than 20261122T155500Z";
    // `None` is refused, a class is inconclusive, `Ok` works.
    for (key, answers, wanted) in [
        (&key, vec![], Ok(())),
        (&wrong, vec![], Err(None)),
        (&gone, vec![], Err(None)),
        // As inactive keys are answered.
        (&key, vec![unknown().times(2)], Err(None)),
        // A server that has not heard of it yet.
        (&key, vec![unknown()], Ok(())),
        (&key, vec![answer(400, "Throttling", "Rate exceeded")], Err(Some(FaultClass::Unreachable))),
        (&key, vec![answer(503, "ServiceUnavailable", "")], Err(Some(FaultClass::Unreachable))),
        (&key, vec![answer(400, "RequestExpired", "")], Err(Some(FaultClass::Preflight))),
        (&key, vec![answer(403, "SignatureDoesNotMatch", expired)], Err(Some(FaultClass::Preflight))),
        (&key, vec![Answer { body: "<html/>".to_owned(), ..unknown() }], Err(Some(FaultClass::Unreachable))),
    ] {
        let place = format!("{answers:?}");
        bench.imposter.set(answers);
        let found = match AwsRotator::new().probe(&bench.spec, &login(key)).await {
            Probe::Works => Ok(()),
            Probe::Refused => Err(None),
            Probe::Inconclusive(fault) => {
                let is_clock = fault.class == FaultClass::Preflight;
                assert!(!is_clock || fault.detail.contains("Sun, 22 Nov 2026"), "{fault}");
                Err(Some(fault.class))
            }
            Probe::Blocked(fault) => panic!("{place}: {fault}"),
        };
        assert_eq!(found, wanted, "{place}");
    }
}

#[tokio::test]
async fn a_new_key_is_waited_for_and_not_without_end() {
    let bench = Bench::start().await;
    bench.server.create_user("app").await.unwrap();
    let key = bench.made(bench.job("app")).await;
    let unknown = |times| {
        let of_key = format!("Credential={}/", key.id);
        Answer::refusal(&of_key, 403, "InvalidClientTokenId", "").times(times)
    };
    bench.imposter.set([unknown(3)]);
    assert_eq!(bench.verify(&key).await, Verification::Verified);
    bench.imposter.set([unknown(1).after(1), unknown(0)]);
    assert_eq!(bench.verify(&key).await, Verification::Verified);
    bench.imposter.set([unknown(1000)]);
    let found = bench.verify(&key).await;
    assert!(
        matches!(&found, Verification::Refused(fault) if fault.class == FaultClass::VerifyRefused),
        "{found:?}"
    );
    // Of another user.
    bench.imposter.set([]);
    let other = bench.server.create_user("other").await.unwrap();
    let found = bench.verify(&other).await;
    assert!(
        matches!(&found, Verification::Refused(fault) if fault.detail.contains("another user")),
        "{found:?}"
    );
}

#[tokio::test]
async fn each_permission_that_is_missing_is_told() {
    let bench = Bench::start().await;
    let rotator = AwsRotator::new();
    for permission in PERMISSIONS {
        bench.server.create_user("app").await.unwrap();
        let before = bench.preflight("app").await.unwrap();
        let action = permission.split(':').nth(1).unwrap();
        let denied = Answer::refusal(&format!("Action={action}"), 403, "AccessDenied", "").times(1000);
        bench.imposter.set([denied]);
        let job = Job { before: &before, ..bench.job("app") };
        let mut classes = vec![class(&rotator.preflight(job).await)];
        if let Minting::NotMade(fault) = rotator.mint(job).await {
            classes.push(Some(fault.class));
        }
        classes.push(class(&rotator.settle(job).await));
        bench.imposter.set([]);
        assert!(classes.contains(&Some(FaultClass::PermissionDenied)), "{permission}: {classes:?}");
        assert!(
            classes.iter().all(|class| matches!(class, None | Some(FaultClass::PermissionDenied))),
            "{permission}: {classes:?}"
        );
    }
    // And really denied by a policy.
    bench.server.grant("vault", "no", &["iam:GetUser"], &["iam:CreateAccessKey"]).await.unwrap();
    let minting = rotator.mint(bench.job("app")).await;
    assert_eq!(word(&minting), "not made: permission_denied");
}
