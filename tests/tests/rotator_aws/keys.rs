//! The two places that a user has for keys: what is noted, told, kept and deleted.

use rotators::aws::AwsRotator;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Handles, Job, Minting, Outcome, Probe, Rights, Rotator, Verification};
use vault_tests::aws::Answer;

use crate::bench::{Bench, class, login, pending, spec};

#[tokio::test]
async fn a_key_that_is_not_the_vaults_is_told_when_it_takes_the_second_place() {
    let bench = Bench::start().await;
    let own = bench.server.create_user("app").await.unwrap();
    let handles = Handles { current: Some(&own.id), ..Handles::default() };
    let job = Job { handles, ..bench.job("app") };
    let rights = AwsRotator::new().preflight(job).await.unwrap();
    assert!(rights.0.iter().any(|line| line.starts_with(&format!("key {} ", own.id))), "{rights:?}");
    for line in ["inline policy app-data", "member of group apps", "no permissions boundary"] {
        assert!(rights.0.iter().any(|found| found == line), "{line}: {rights:?}");
    }
    let stranger = bench.server.create_key("app").await.unwrap();
    let fault = AwsRotator::new().preflight(job).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Preflight);
    assert!(fault.detail.contains(&stranger.id) && !fault.detail.contains(&own.id), "{fault}");
    // The target says the same of one who asks all the same, and a candidate that is there already needs no place.
    let minting = AwsRotator::new().mint(job).await;
    assert!(
        matches!(&minting, Minting::NotMade(fault) if fault.class == FaultClass::Preflight && fault.detail.contains("delete")),
        "{minting:?}"
    );
    let handles = Handles { pending: Some(&stranger.id), ..handles };
    assert_eq!(class(&AwsRotator::new().preflight(Job { handles, ..job }).await), None);
}

#[tokio::test]
async fn keys_of_a_person_end_with_the_adoption_unless_they_are_kept() {
    let bench = Bench::start().await;
    let url = format!("http://127.0.0.1:{}", bench.proxy.port());
    for (setting, stays) in [("remove", false), ("keep", true)] {
        let by_hand = bench.server.create_user("app").await.unwrap();
        let spec = spec(&url, &[("other_keys", setting)]);
        let job = Job { spec: &spec, is_adoption: true, ..bench.job("app") };
        let before = AwsRotator::new().preflight(job).await.unwrap();
        let key = bench.made(job).await;
        let job = Job { handles: pending(&key), before: &before, ..job };
        // Not before the new one was seen to work.
        bench.imposter.set([Answer::refusal(
            &format!("Credential={}/", key.id),
            403,
            "InvalidClientTokenId",
            "",
        )
        .times(1000)]);
        let found = AwsRotator::new().verify(job, &login(&key), &before).await;
        assert!(matches!(found, Verification::Refused(_)), "{found:?}");
        assert!(bench.server.accepts(&by_hand.id, &by_hand.secret).await.unwrap());
        bench.imposter.set([]);
        assert_eq!(AwsRotator::new().verify(job, &login(&key), &before).await, Verification::Verified);
        assert_eq!(bench.server.accepts(&by_hand.id, &by_hand.secret).await.unwrap(), stays, "{setting}");
        assert!(bench.server.accepts(&key.id, &key.secret).await.unwrap());
    }
}

#[tokio::test]
async fn only_the_old_key_is_retired_and_never_the_one_in_use() {
    let bench = Bench::start().await;
    let old = bench.server.create_user("app").await.unwrap();
    let new = bench.made(bench.job("app")).await;
    let in_use = Handles { current: Some(&new.id), previous: Some(&new.id), ..Handles::default() };
    let outcome = AwsRotator::new().retire(Job { handles: in_use, ..bench.job("app") }, &login(&new)).await;
    assert!(matches!(outcome, Outcome::NotApplied(_)), "{outcome:?}");
    let handles = Handles { current: Some(&new.id), previous: Some(&old.id), ..Handles::default() };
    let job = Job { handles, ..bench.job("app") };
    // The deletion fails half-way, after the deactivation.
    bench.imposter.set([Answer::refusal("Action=DeleteAccessKey", 400, "Throttling", "")]);
    let outcome = AwsRotator::new().retire(job, &login(&old)).await;
    assert!(
        matches!(&outcome, Outcome::NotApplied(fault) if fault.class == FaultClass::Unreachable),
        "{outcome:?}"
    );
    // AWS goes on to know the old one for a while.
    let known = "<R><GetCallerIdentityResult><Arn>a</Arn><UserId>u</UserId><Account>1</Account></GetCallerIdentityResult></R>";
    let answer = Answer::refusal(&format!("Credential={}/", old.id), 200, "", "");
    bench.imposter.set([Answer { body: known.to_owned(), ..answer }.times(2)]);
    assert_eq!(AwsRotator::new().retire(job, &login(&old)).await, Outcome::Applied);
    assert_eq!(AwsRotator::new().probe(&bench.spec, &login(&old)).await, Probe::Refused);
    assert_eq!(bench.server.keys("app").await.unwrap(), std::slice::from_ref(&new.id));
    assert_eq!(AwsRotator::new().retire(job, &login(&old)).await, Outcome::Applied);
    assert!(bench.server.accepts(&new.id, &new.secret).await.unwrap());
}

#[tokio::test]
async fn what_is_no_account_of_its_own_is_refused_before_anything_is_touched() {
    let bench = Bench::start().await;
    let key = bench.server.create_user("app").await.unwrap();
    // The user of the management key.
    let fault = bench.preflight("vault").await.unwrap_err();
    assert!(fault.class == FaultClass::Preflight && fault.detail.contains("management"), "{fault}");
    // The id of a key for the name of a user.
    let job = Job { is_adoption: true, ..bench.job(&key.id) };
    let fault = AwsRotator::new().preflight(job).await.unwrap_err();
    assert!(fault.class == FaultClass::Preflight && fault.detail.contains("IAM user"), "{fault}");
    assert_eq!(class(&bench.preflight("nobody").await), Some(FaultClass::AccountMissing));
    assert_eq!(class(&bench.preflight("no body").await), Some(FaultClass::Preflight));
    assert_eq!(AwsRotator::new().settle(bench.job("nobody")).await, Ok(()));
    assert_eq!(bench.server.keys("app").await.unwrap().len(), 1);
    let lost = Rights(vec!["inline policy of-another".to_owned(), "key AKIA1 2026".to_owned()]);
    let found = AwsRotator::new().verify(bench.job("app"), &login(&key), &lost).await;
    assert_eq!(found, Verification::RightsLost(vec!["inline policy of-another".to_owned()]));
}
