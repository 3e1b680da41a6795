//! The signals that ask this program to end, caught so that the account is checked in first.

use std::{future::Future, time::Duration};

use tokio::signal::unix::{self, SignalKind};

use crate::failure::Failure;

/// Caught from its creation on.
pub(super) struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    hang_up: unix::Signal,
}

/// A signal to pass on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caught {
    /// SIGINT: from a terminal, or sent by hand.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP.
    HangUp,
}

impl Caught {
    pub(super) const fn signal(self) -> rustix::process::Signal {
        match self {
            Self::Interrupt => rustix::process::Signal::INT,
            Self::Terminate => rustix::process::Signal::TERM,
            Self::HangUp => rustix::process::Signal::HUP,
        }
    }
}

impl Signals {
    /// Catches from now on.
    ///
    /// # Errors
    /// The system refuses handlers.
    pub(super) fn catch() -> Result<Self, Failure> {
        let handler = |kind| {
            unix::signal(kind).map_err(|error| Failure::usage(format!("cannot watch for signals: {error}")))
        };
        Ok(Self {
            interrupt: handler(SignalKind::interrupt())?,
            terminate: handler(SignalKind::terminate())?,
            hang_up: handler(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one; a signal is not lost when the waiting is given up.
    pub(super) async fn next(&mut self) -> Caught {
        tokio::select! {
            _ = self.interrupt.recv() => Caught::Interrupt,
            _ = self.terminate.recv() => Caught::Terminate,
            _ = self.hang_up.recv() => Caught::HangUp,
        }
    }

    /// Waits for two signals: the first one may be a late echo of what ended the command.
    pub(super) async fn insist(&mut self) {
        self.next().await;
        self.next().await;
    }
}

/// Awaits `work`; after a signal only for [`GRACE`] more. Gives what came of both.
///
/// Work in flight is not dropped at once: the vault may have lent the account already, and only its answer
/// says how to give it back.
pub(super) async fn unless_interrupted<F: Future>(
    work: F,
    signal: impl Future<Output = Caught>,
) -> (Option<F::Output>, Option<Caught>) {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        biased;
        caught = signal => (tokio::time::timeout(GRACE, &mut work).await.ok(), Some(caught)),
        output = &mut work => (Some(output), None),
    }
}

/// How long a signal waits for the answer to a check-out.
const GRACE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    async fn answer_after(seconds: u64) -> &'static str {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        "lent"
    }

    #[tokio::test(start_paused = true)]
    async fn a_signal_waits_for_an_answer_in_flight_but_not_for_ever() {
        assert_eq!(unless_interrupted(answer_after(900), pending()).await, (Some("lent"), None));
        let caught = Caught::Interrupt;
        assert_eq!(unless_interrupted(answer_after(4), ready(caught)).await, (Some("lent"), Some(caught)));
        assert_eq!(unless_interrupted(answer_after(6), ready(caught)).await, (None, Some(caught)));
    }
}
