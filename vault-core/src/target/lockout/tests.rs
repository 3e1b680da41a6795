//! The lockout guard: a table of what it admits, and what holds for any course of events.

use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const LIMIT: Limit = Limit { refusals: 2, window: Duration::from_secs(900) };

fn after(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

/// Refused at these seconds.
fn refused(at: &[u64]) -> Tally {
    Tally { refused: at.iter().map(|seconds| after(*seconds)).collect() }
}

#[test]
fn it_stays_one_below_the_threshold_and_says_when_there_is_room_again() {
    let (go, wait) = (Admission::Go, |seconds| Admission::Wait(after(seconds)));
    for (tally, needed, now, wanted) in [
        (&[][..], 2, 0, go),
        (&[0], 1, 10, go),
        (&[0], 2, 10, wait(900)),
        (&[0, 5], 1, 10, wait(900)),
        (&[0, 5], 2, 10, wait(905)),
        (&[0, 5], 0, 10, go),
        // What the target has forgotten.
        (&[0, 5], 1, 899, wait(900)),
        (&[0, 5], 1, 900, go),
        (&[0, 5], 2, 905, go),
        // More than it ever allows is asked for as all that it allows.
        (&[], 3, 0, go),
        (&[0], 3, 10, wait(900)),
        // There were more before the threshold was lowered.
        (&[0, 5, 7, 9], 1, 10, wait(907)),
        // From before the clock was stepped back: they count for one window from now on.
        (&[5_000, 6_000], 1, 10, wait(910)),
    ] {
        assert_eq!(refused(tally).admit(needed, LIMIT, after(now)), wanted, "{tally:?} {needed} {now}");
    }
    assert_eq!(refused(&[0, 5]).count(LIMIT, after(10)), 2);
    assert_eq!(refused(&[0, 5]).room(LIMIT, after(902)), 1);
    let many = (0..=THRESHOLD_MAX).fold(Tally::default(), |tally, _| tally.heard(Login::Refused, LIMIT, NOW));
    assert_eq!(many.count(LIMIT, NOW), THRESHOLD_MAX, "its record has an end");
}

#[test]
fn what_is_about_to_be_sent_counts_until_its_answer_is_known() {
    let tally = refused(&[0]).reserve(1, LIMIT, after(10));
    assert_eq!(tally.admit(1, LIMIT, after(10)), Admission::Wait(after(900)), "also if no answer ever comes");
    let answered = |login: Option<Login>| {
        let released = tally.clone().release(1, after(10));
        login.map_or(released.clone(), |login| released.heard(login, LIMIT, after(12)))
    };
    assert_eq!(answered(None), refused(&[0]), "it was not sent");
    assert_eq!(answered(Some(Login::Refused)), refused(&[0, 12]));
    assert!(answered(Some(Login::Works)).is_empty());
    // Somebody else's stays, and so does one that was never there.
    assert_eq!(tally.clone().release(2, after(10)), refused(&[0]));
    assert_eq!(tally.clone().release(1, after(11)), tally);
}

#[test]
fn a_target_of_which_nothing_is_known_is_not_guarded() {
    for (threshold, wanted) in [(0, None), (1, None), (2, Some(1)), (3, Some(2)), (1_000, Some(999))] {
        let lockout = Lockout { threshold, ..Lockout::default() };
        assert_eq!(lockout.limit().map(|limit| limit.refusals), wanted, "{threshold}");
    }
    assert_eq!(Lockout::default(), Lockout { threshold: 0, window: Duration::from_secs(900) });
}

#[test]
fn the_sentence_says_until_when_and_which_setting() {
    let lockout = Lockout { threshold: 3, window: Duration::from_secs(900) };
    let held = Held { username: "app".to_owned(), until: NOW, refused: 2, lockout };
    assert_eq!(
        held.to_string(),
        "held back by the lockout guard until 2027-01-15T08:00:00.000Z: the target locks \"app\" after 3 refused logins \
         within 15m0s (lockout_threshold, lockout_window), and 2 may count already"
    );
}

/// What happens next.
#[derive(Clone, Debug)]
enum Happens {
    /// Time passes, in seconds.
    Passes(u64),
    /// The vault's clock is stepped back by so many seconds.
    StepsBack(u64),
    /// An effect of so many logins is to run; each of these answers comes, and for the others none does.
    Asks(u32, Vec<Option<Login>>),
}

fn happens() -> impl Strategy<Value = Happens> {
    let answer = prop_oneof![
        1 => Just(None),
        1 => Just(Some(Login::Works)),
        4 => Just(Some(Login::Refused)),
    ];
    prop_oneof![
        4 => (0..400_u64).prop_map(Happens::Passes),
        1 => (0..2_000_u64).prop_map(Happens::StepsBack),
        6 => (1..4_u32, prop::collection::vec(answer, 0..4)).prop_map(|(n, answers)| Happens::Asks(n, answers)),
    ]
}

/// A target that locks, by a clock that nobody steps back.
#[derive(Default)]
struct Counts {
    at: Vec<u64>,
}

impl Counts {
    /// Takes a login in; gives how many count by then.
    fn login(&mut self, works: bool, now: u64) -> u64 {
        if works {
            self.at.clear();
        } else {
            self.at.push(now);
        }
        self.at.retain(|at| now - at < LIMIT.window.as_secs());
        self.at.len() as u64
    }
}

proptest! {
    #[test]
    fn whatever_happens_no_window_has_as_many_refused_logins_as_lock_and_nobody_waits_longer_than_one(
        events in prop::collection::vec(happens(), 1..120),
    ) {
        let (mut tally, mut target) = (Tally::default(), Counts::default());
        let (mut truth, mut back) = (100_000_u64, 0_u64);
        for event in events {
            let now = after(truth).minus(Duration::from_secs(back));
            match event {
                Happens::Passes(seconds) => truth += seconds,
                Happens::StepsBack(seconds) => back += seconds,
                Happens::Asks(needed, answers) => match tally.admit(needed, LIMIT, now) {
                    Admission::Wait(until) => {
                        prop_assert!(until > now && until.since(now) <= LIMIT.window);
                        // Whoever is held writes it down as it stands: then there is room when the wait is over.
                        tally = tally.aged(LIMIT, now);
                        prop_assert_eq!(tally.admit(needed, LIMIT, until), Admission::Go);
                    }
                    Admission::Go => {
                        let sent = needed.min(tally.room(LIMIT, now));
                        tally = tally.reserve(sent, LIMIT, now);
                        let answers: Vec<_> = answers.into_iter().take(sent as usize).collect();
                        let mut heard = tally.clone().release(u32::try_from(answers.len()).unwrap(), now);
                        for answer in &answers {
                            // Of one without an answer the worst is true, and it stays written down.
                            let count = target.login(*answer == Some(Login::Works), truth);
                            prop_assert!(count < 3, "locked");
                            heard = heard.heard(answer.unwrap_or(Login::Refused), LIMIT, now);
                        }
                        tally = heard;
                    }
                },
            }
        }
    }
}
