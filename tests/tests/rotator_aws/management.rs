//! The key by which the vault acts: what `check` tells of it, and that it rotates itself.

use rotators::aws::AwsRotator;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Handles, Job, Login, Outcome, Probe, Rotator, Verification};
use vault_core::secret::SecretString;
use vault_tests::aws::{AccessKey, Answer};

use crate::bench::{Bench, class, login, pending};

#[tokio::test]
async fn the_management_key_rotates_itself() {
    let bench = Bench::start().await;
    let rotator = AwsRotator::new();
    // The account's name stays the id that a person has configured, whatever key there is by then.
    let configured = bench.server.admin().clone();
    let mut current = configured.clone();
    let mut handle: Option<String> = None;
    for _ in 0..2 {
        let old = login(&current);
        let handles = Handles { current: handle.as_deref(), ..Handles::default() };
        let job = Job { management: &old, handles, ..bench.job(&configured.id) };
        let before = rotator.preflight(job).await.unwrap();
        let job = Job { before: &before, ..job };
        let new = bench.made(job).await;
        let candidate = login(&new);
        // What the engine does after a crash: every version is tried for the settlement.
        for management in [&candidate, &old] {
            let handles = Handles { pending: Some(&new.id), ..handles };
            assert_eq!(rotator.settle(Job { management, handles, ..job }).await, Ok(()));
        }
        let verifying = Job { management: &candidate, handles: pending(&new), ..job };
        // IAM hears of it later than STS.
        let of_key = format!("Credential={}/20", new.id);
        bench.imposter.set([Answer::refusal(&of_key, 403, "InvalidClientTokenId", "").after(2).times(3)]);
        assert_eq!(rotator.verify(verifying, &candidate, &before).await, Verification::Verified);
        assert_eq!(rotator.probe(&bench.spec, &old).await, Probe::Works);
        let handles = Handles { current: Some(&new.id), previous: handle.as_deref(), ..Handles::default() };
        let retiring = Job { management: &candidate, handles, ..job };
        assert_eq!(rotator.retire(retiring, &old).await, Outcome::Applied);
        assert_eq!(rotator.probe(&bench.spec, &old).await, Probe::Refused);
        assert!(rotator.check(&bench.spec, &candidate).await.unwrap().warnings.is_empty());
        (current, handle) = (new.clone(), Some(new.id));
    }
    assert_ne!(current.id, configured.id);
}

#[tokio::test]
async fn check_tells_what_is_wrong_with_the_management_key() {
    let bench = Bench::start().await;
    let rotator = AwsRotator::new();
    let sound = rotator.check(&bench.spec, &bench.management).await.unwrap();
    assert!(sound.server.contains("123456789012") && sound.warnings.is_empty(), "{sound:?}");
    let second = bench.server.create_key("vault").await.unwrap();
    let report = rotator.check(&bench.spec, &bench.management).await.unwrap();
    assert!(report.warnings.iter().any(|warning| warning.contains(&second.id)), "{report:?}");
    let wrong = AccessKey { secret: "certainly/not/this".to_owned(), ..bench.server.admin().clone() };
    let gone = AccessKey { id: "AKIA0000000000000000".to_owned(), ..wrong.clone() };
    for key in [wrong, gone] {
        let found = rotator.check(&bench.spec, &login(&key)).await;
        assert_eq!(class(&found), Some(FaultClass::ManagementAuthRefused), "{found:?}");
    }
    let named = Login { username: "vault".to_owned(), password: SecretString::new("x".to_owned()) };
    let fault = rotator.check(&bench.spec, &named).await.unwrap_err();
    assert!(fault.class == FaultClass::Preflight && fault.detail.contains("AKIA"), "{fault}");
    let root = "<R><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:root</Arn><UserId>1</UserId>\
                <Account>1</Account></GetCallerIdentityResult></R>";
    let answer = Answer::refusal("Action=GetCallerIdentity", 200, "", "");
    bench.imposter.set([Answer { body: root.to_owned(), ..answer }]);
    let fault = rotator.check(&bench.spec, &bench.management).await.unwrap_err();
    assert!(fault.class == FaultClass::Preflight && fault.detail.contains("root"), "{fault}");
}
