//! `/ui/events`: an open page is told that something has changed, and nothing of what. It then reads its own address anew,
//! by its own rights.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};

use super::page;
use super::visit::SignedIn;
use crate::http::{Beat, EventSender, Feed, Heard, Looks};

/// GET `/ui/events`: server-sent events.
pub(super) fn events(signed_in: SignedIn) -> Response<Body> {
    let inside = &signed_in.visit.inside;
    let Some((feed, sender, body)) = inside.feed(signed_in.id()) else {
        return page::state::unread(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many pages are told of changes already. This one asks by itself.",
        );
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    let shutdown = inside.shutdown();
    shutdown.spawn(async move {
        if let Some(reason) = follow(&signed_in, feed, &sender).await {
            // Who was cut off cannot be told.
            let _ = sender.event("end", None, reason);
        }
    });
    response
}

/// Tells of changes until there is a reason to end; none when the browser is gone.
async fn follow(signed_in: &SignedIn, mut feed: Feed, sender: &EventSender) -> Option<&'static str> {
    let mut beat = tokio::time::interval(BEAT);
    beat.tick().await;
    sender.greet(RETRY_MS).ok()?;
    loop {
        let heard = tokio::select! {
            biased;
            () = sender.gone() => return None,
            heard = feed.heard() => Some(heard),
            _ = beat.tick() => None,
        };
        // Each time anew: the session may be over, its token revoked, its policies changed.
        let Some(looks) = signed_in.looks() else { return Some("session") };
        match heard {
            Some(Heard::Sealed) => return Some("sealed"),
            Some(Heard::Stopping) => return Some("stopping"),
            Some(Heard::Changed(what)) => {
                let words = words(what, looks);
                if !words.is_empty() {
                    sender.event("changed", None, &words).ok()?;
                    tokio::select! {
                        () = sender.gone() => return None,
                        () = tokio::time::sleep(PACE) => {}
                    }
                }
            }
            None => sender.keep_alive().ok()?,
        }
    }
}

/// The names of what has changed and may be looked at.
fn words(what: Beat, looks: Looks) -> String {
    let all = [
        ("incidents", what.incidents && looks.incidents),
        ("accounts", what.accounts && looks.accounts),
        ("silences", what.silences && looks.silences),
    ];
    let words: Vec<&str> = all.into_iter().filter(|(_, is_told)| *is_told).map(|(word, _)| word).collect();
    words.join(" ")
}

/// Between two signs of life, each with a look at the session.
const BEAT: Duration = Duration::from_secs(15);
/// Between two events: what changes meanwhile is one.
const PACE: Duration = Duration::from_secs(1);
/// When a browser comes back after the end.
const RETRY_MS: u64 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_of_what_they_may_not_look_at() {
        let all = Beat { incidents: true, accounts: true, silences: true, tokens: true };
        for (incidents, accounts, silences, want) in [
            (true, true, true, "incidents accounts silences"),
            (true, false, false, "incidents"),
            (false, true, false, "accounts"),
            (false, false, true, "silences"),
            (false, false, false, ""),
        ] {
            assert_eq!(words(all, Looks { incidents, accounts, silences }), want);
        }
        let nothing = Beat { incidents: false, accounts: false, silences: false, tokens: true };
        assert_eq!(words(nothing, Looks { incidents: true, accounts: true, silences: true }), "");
    }
}
