//! Keeps a panic inside the work that panicked. The hook has logged the place by then.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// Runs `work` to its end; `None` when it panicked.
pub async fn caught<F: Future>(work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    std::future::poll_fn(move |context| {
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(poll) => poll.map(Some),
            Err(_) => Poll::Ready(None),
        }
    })
    .await
}
