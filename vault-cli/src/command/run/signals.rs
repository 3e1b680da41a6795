//! The signals that ask this program to end, caught so that the account is checked in first.

use std::{future::poll_fn, task::Poll};

use tokio::signal::unix::{self, SignalKind};

use super::child::Ending;
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

    /// The end that was asked for before there was a command to pass it on to.
    pub(super) async fn asked_to_end(&mut self) -> Option<Ending> {
        let caught = poll_fn(|context| {
            let caught = [
                (self.interrupt.poll_recv(context), Caught::Interrupt),
                (self.terminate.poll_recv(context), Caught::Terminate),
                (self.hang_up.poll_recv(context), Caught::HangUp),
            ]
            .into_iter()
            .find_map(|(polled, caught)| polled.is_ready().then_some(caught));
            Poll::Ready(caught)
        })
        .await;
        caught.map(|caught| Ending::BySignal(caught.signal().as_raw()))
    }
}
