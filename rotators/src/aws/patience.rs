//! Bounded waiting for what AWS does not know everywhere at once: that a key is new, and that one is gone.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::api::{Failure, SECOND_LOOK};

/// Asks until the key that asks is known: two answers in a row, since servers learn of it one after another.
///
/// # Errors
/// The last failure: that the key is not known, when the time is over; any other one at once.
pub(super) async fn until_known<T, F>(until: Instant, mut ask: impl FnMut() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let (mut pause, mut in_a_row) = (PAUSE_FIRST, 0);
    loop {
        match ask().await {
            Ok(answer) => {
                in_a_row += 1;
                if in_a_row == IN_A_ROW {
                    return Ok(answer);
                }
                sleep(PAUSE_FIRST).await;
            }
            Err(failure) if failure.is_unknown_key() && Instant::now() + pause < until => {
                in_a_row = 0;
                sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// Asks until the key that asks is refused, twice in a row; whether it was in time. What is not known counts as no.
pub(super) async fn until_refused<T, F>(until: Instant, mut ask: impl FnMut() -> F) -> bool
where
    F: Future<Output = Result<T, Failure>>,
{
    let (mut pause, mut in_a_row) = (PAUSE_FIRST, 0);
    loop {
        match ask().await {
            Err(failure) if failure.is_unknown_key() => {
                in_a_row += 1;
                if in_a_row == IN_A_ROW {
                    return true;
                }
                sleep(SECOND_LOOK).await;
            }
            Ok(_) if Instant::now() + pause < until => {
                in_a_row = 0;
                sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
            _ => return false,
        }
    }
}

const IN_A_ROW: u32 = 2;
const PAUSE_FIRST: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::super::api::Refusal;
    use super::*;

    /// `.` is a success, `u` a key that is not known, `d` another refusal; the last one goes on for ever.
    struct Script(VecDeque<char>, u32);

    impl Script {
        fn of(text: &str) -> Self {
            Self(text.chars().collect(), 0)
        }

        fn next(&mut self) -> Result<(), Failure> {
            self.1 += 1;
            let sign = if self.0.len() > 1 { self.0.pop_front() } else { self.0.front().copied() };
            let code = match sign.unwrap() {
                '.' => return Ok(()),
                'u' => "InvalidClientTokenId",
                _ => "AccessDenied",
            };
            Err(Failure::Said(Refusal { status: 403, code: code.to_owned(), clock: None }))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_key_is_believed_when_it_was_let_in_twice_running() {
        for (answers, known, asked) in
            [("..", true, 2), ("uu..", true, 4), (".u..", true, 4), ("uuud", false, 4), ("d", false, 1)]
        {
            let mut script = Script::of(answers);
            let until = Instant::now() + Duration::from_secs(15);
            let found = until_known(until, || std::future::ready(script.next())).await;
            assert_eq!((found.is_ok(), script.1), (known, asked), "{answers}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_for_a_key_ends() {
        let began = Instant::now();
        let mut script = Script::of("u");
        let found = until_known(began + Duration::from_secs(15), || std::future::ready(script.next())).await;
        assert!(found.unwrap_err().is_unknown_key());
        let waited = began.elapsed();
        assert!(waited > Duration::from_secs(12) && waited <= Duration::from_secs(15), "{waited:?}");
        let began = Instant::now();
        let mut script = Script::of(".");
        assert!(!until_refused(began + Duration::from_secs(5), || std::future::ready(script.next())).await);
        assert!(began.elapsed() <= Duration::from_secs(5));
        for (answers, refused) in [("uu", true), ("..u.uu", true), ("d", false)] {
            let mut script = Script::of(answers);
            let until = Instant::now() + Duration::from_secs(15);
            let found = until_refused(until, || std::future::ready(script.next())).await;
            assert_eq!(found, refused, "{answers}");
        }
    }
}
