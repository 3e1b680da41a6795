//! Broken connections at each step of a change, and what may be said then.

use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::Outcome;
use vault_tests::ldap::LdapOptions;
use vault_tests::proxy::Mischief;

use crate::bench::{Bench, FENCED, NEW, OLD, PASSWORD_MODIFY, probed, word};

const FENCE: (&str, &str) = ("fence_attribute", "description");
/// What begins a mark.
const MARK: &str = "rotunda:";

#[tokio::test]
async fn a_request_that_is_cut_or_unheard_is_never_told_as_applied() {
    for (settings, decisive) in [(&[][..], PASSWORD_MODIFY), (&[FENCE], FENCED)] {
        let bench = Bench::start_with(LdapOptions::default(), settings).await;
        for (mischief, opens) in [
            (Mischief::CutBefore(decisive.to_owned()), (true, false)),
            (Mischief::DropReply(decisive.to_owned()), (false, true)),
            (Mischief::SwallowReply(decisive.to_owned()), (false, true)),
        ] {
            bench.server.create_account("app", OLD).await.unwrap();
            bench.proxy.set(mischief.clone()).await.unwrap();
            assert_eq!(word(&bench.apply().await), "unknown: ambiguous", "{mischief:?}");
            bench.proxy.set(Mischief::None).await.unwrap();
            assert_eq!(bench.opens().await, opens, "{mischief:?}");
            assert_eq!(bench.settle().await, Ok(()));
            assert_eq!(bench.values("description").await, Vec::<String>::new(), "{mischief:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_mark_is_acknowledged_has_changed_nothing() {
    let bench = Bench::start_with(LdapOptions::default(), &[FENCE]).await;
    for mischief in [
        Mischief::CutBefore(MARK.to_owned()),
        Mischief::DropReply(MARK.to_owned()),
        Mischief::SwallowReply(MARK.to_owned()),
    ] {
        let left = usize::from(!matches!(mischief, Mischief::CutBefore(_)));
        bench.proxy.set(mischief.clone()).await.unwrap();
        assert_eq!(word(&bench.apply().await), "not applied: unreachable", "{mischief:?}");
        bench.proxy.set(Mischief::None).await.unwrap();
        assert_eq!(bench.opens().await, (true, false), "{mischief:?}");
        assert_eq!(bench.values("description").await.len(), left, "{mischief:?}");
        assert_eq!(bench.settle().await, Ok(()));
        assert_eq!(bench.values("description").await.len(), 0, "{mischief:?}");
    }
    assert_eq!(bench.apply().await, Outcome::Applied);
    assert_eq!(bench.values("description").await.len(), 0);
}

#[tokio::test]
async fn a_fenced_request_that_was_held_up_does_nothing_once_it_was_settled() {
    let bench = Bench::start_with(LdapOptions::default(), &[FENCE]).await;
    bench.set("app", "description", "somebody's own words").await;
    bench.proxy.set(Mischief::Hold(FENCED.to_owned())).await.unwrap();
    assert_eq!(word(&bench.apply().await), "unknown: ambiguous");
    bench.proxy.set(Mischief::None).await.unwrap();
    assert_eq!(bench.values("description").await.len(), 2);
    // The same password again, under a mark of its own: the late request finds neither its mark nor another.
    assert_eq!(bench.settle().await, Ok(()));
    assert_eq!(bench.apply_to("app", "another-4711-0815").await, Outcome::Applied);
    bench.proxy.release();
    bench.proxy.wait_delivered(1).await.unwrap();
    assert_eq!(bench.opens().await, (false, false));
    assert_eq!(probed(&bench.probe("app", "another-4711-0815").await), "works");
    assert_eq!(bench.values("description").await, ["somebody's own words"]);
}

/// The limit that the rotator tells of itself (`late_requests`), and why it does no harm within one rotation.
#[tokio::test]
async fn without_a_fence_a_late_request_takes_effect_and_sets_what_is_set_next_anyway() {
    let bench = Bench::start().await;
    bench.proxy.set(Mischief::Hold(PASSWORD_MODIFY.to_owned())).await.unwrap();
    assert_eq!(word(&bench.apply().await), "unknown: ambiguous");
    bench.proxy.set(Mischief::None).await.unwrap();
    assert_eq!(bench.settle().await, Ok(()));
    assert_eq!(probed(&bench.probe("app", OLD).await), "works");
    bench.proxy.release();
    bench.proxy.wait_delivered(1).await.unwrap();
    assert_eq!(bench.opens().await, (false, true));
    assert_eq!(bench.apply().await, Outcome::Applied);
    assert_eq!(bench.opens().await, (false, true));
}

#[tokio::test]
async fn wherever_the_connection_breaks_the_outcome_is_true() {
    for settings in [&[][..], &[FENCE]] {
        let bench = Bench::start_with(LdapOptions::default(), settings).await;
        assert_eq!(bench.apply().await, Outcome::Applied);
        let whole = bench.proxy.bytes_from_server();
        let mut words = std::collections::BTreeSet::new();
        for limit in (0..whole).step_by(9) {
            bench.server.create_account("app", OLD).await.unwrap();
            bench.proxy.set(Mischief::CutAfter(limit)).await.unwrap();
            let outcome = bench.apply().await;
            bench.proxy.set(Mischief::None).await.unwrap();
            let opens = bench.opens().await;
            match &outcome {
                Outcome::Applied => assert_eq!(opens, (false, true), "after {limit} bytes"),
                Outcome::NotApplied(fault) => {
                    assert_eq!(fault.class, FaultClass::Unreachable, "after {limit} bytes: {fault}");
                    assert_eq!(opens, (true, false), "after {limit} bytes");
                }
                Outcome::Unknown(_) => {}
            }
            words.insert(word(&outcome));
        }
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        assert_eq!(words, ["not applied: unreachable", "unknown: ambiguous"]);
    }
}

#[tokio::test]
async fn a_directory_that_does_not_answer_is_given_up_in_time() {
    let mut bench = Bench::start().await;
    for (name, limit) in [("connect_timeout", "300ms"), ("request_timeout", "300ms")] {
        bench.spec.settings.insert(name.to_owned(), limit.to_owned());
    }
    bench.server.pause().unwrap();
    assert_eq!(word(&bench.apply().await), "not applied: unreachable");
    assert_eq!(probed(&bench.probe("app", OLD).await), "inconclusive: unreachable");
    assert_eq!(bench.settle().await.unwrap_err().class, FaultClass::Unreachable);
    bench.server.resume().unwrap();
    bench.proxy.set(Mischief::SwallowReply(PASSWORD_MODIFY.to_owned())).await.unwrap();
    assert_eq!(word(&bench.apply().await), "unknown: ambiguous");
    assert_eq!(probed(&bench.probe("app", NEW).await), "works");
}
