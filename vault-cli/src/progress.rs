//! A sign of life for what takes longer than a second, on a terminal only.

use std::{future::Future, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Awaits `work`; after a second it shows `words` with a spinner on standard error until `work` ends.
pub(crate) async fn during<F: Future>(shown: bool, words: &str, work: F) -> F::Output {
    let mut work = std::pin::pin!(work);
    if !shown {
        return work.await;
    }
    if let Ok(output) = tokio::time::timeout(PATIENCE, &mut work).await {
        return output;
    }
    let spinner = ProgressBar::new_spinner().with_message(format!("{words} …"));
    spinner.set_draw_target(ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        spinner.set_style(style);
    }
    spinner.enable_steady_tick(TICK);
    let output = work.await;
    spinner.finish_and_clear();
    output
}

/// What ends sooner needs no sign of life.
const PATIENCE: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(120);
