//! A sign of life for what takes longer than a second, on a terminal only.

use std::{future::Future, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use vault_api::campaign::CampaignStatus;

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

/// How far a campaign has come: a bar on standard error, with rate and time left.
pub(crate) struct CampaignBar(Option<ProgressBar>);

impl CampaignBar {
    /// A bar, if there is a terminal to show it on.
    pub(crate) fn new(shown: bool) -> Self {
        if !shown {
            return Self(None);
        }
        let bar = ProgressBar::new(0);
        bar.set_draw_target(ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(CAMPAIGN) {
            bar.set_style(style);
        }
        Self(Some(bar))
    }

    /// Draws how it stands.
    pub(crate) fn show(&self, status: &CampaignStatus) {
        let Some(bar) = &self.0 else { return };
        let counts = &status.accounts;
        let left = status.seconds_left.map_or_else(|| "-".to_owned(), clock);
        let mut message =
            format!("wave {} · {:.1}/s · {left} left", status.wave, status.rate_per_minute / 60.0);
        for (count, word) in
            [(counts.failed, "failed"), (counts.skipped, "skipped"), (counts.waiting, "waiting")]
        {
            if count > 0 {
                message.push_str(&format!(" · {count} {word}"));
            }
        }
        bar.set_length(counts.total);
        bar.set_position(counts.total.saturating_sub(counts.remaining));
        bar.set_message(message);
    }

    /// Takes it away.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Seconds as people read them.
fn clock(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// What a campaign's bar looks like.
const CAMPAIGN: &str = "{bar:30} {pos}/{len} {msg}";
/// What ends sooner needs no sign of life.
const PATIENCE: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(120);
