//! Accounts: searched by name or target, filtered by state, a page at a time.

use std::time::Duration;

use askama::Template;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use vault_api::account::{AccountState, AccountStatus, StatusListing};
use vault_core::clock::Timestamp;

use super::overview::{Quiet, quiet};
use super::paged::{Paged, cut};
use super::{Frame, html};
use crate::dashboard::time::When;
use crate::dashboard::visit::{Part, SignedIn, reason};
use crate::http::inside::encoded;

#[derive(Template)]
#[template(path = "accounts.html")]
struct Accounts {
    frame: Frame,
    search: String,
    state: String,
    states: Vec<&'static str>,
    listing: Part<Paged<Row>>,
}

struct Row {
    path: String,
    /// Where it is checked out.
    lending: String,
    target: String,
    username: String,
    state: &'static str,
    class: Option<String>,
    incident: Option<String>,
    version: u64,
    changed: When,
    next: When,
    is_overdue: bool,
    held: Option<When>,
    silenced: Option<Quiet>,
    holder: Option<String>,
}

/// GET `/ui/accounts?q=…&state=…&page=…`.
pub(in crate::dashboard) async fn show(signed_in: &SignedIn) -> Response<Body> {
    let visit = &signed_in.visit;
    let (search, state) = (visit.asked("q").trim().to_owned(), visit.asked("state").to_owned());
    // Words that the API does not know are judged here.
    let asked = if DERIVED.contains(&state.as_str()) { String::new() } else { encoded(&state) };
    let path = format!("accounts/status?state={asked}");
    let told = visit.inside.list(&signed_in.session.token, &path).await;
    let listing = match told.data::<StatusListing>() {
        Some(listing) => Some(listing),
        // A list without entries is not found, as Vault has it.
        None if told.status == StatusCode::NOT_FOUND => Some(StatusListing::default()),
        None => None,
    };
    let why = if listing.is_some() { String::new() } else { reason(&told) };
    let page = visit.asked("page").parse().unwrap_or(1);
    let listing = listing.map(|listing| found(listing, (&search, &state, page), visit.now));
    let states = std::iter::once("failing").chain(DERIVED).chain(STATES.map(AccountState::word)).collect();
    let frame = Frame::of(signed_in, "accounts", "Accounts");
    let frame = frame.refreshed(format!("{}&auto=1", address(&search, &state, page)));
    let status = if listing.is_some() { StatusCode::OK } else { told.status };
    html(status, &Accounts { frame, search, state, states, listing: Part { told: listing, why } })
}

fn found(listing: StatusListing, (search, state, page): (&str, &str, usize), now: Timestamp) -> Paged<Row> {
    let wanted = search.to_lowercase();
    let fits = |text: &str| text.to_lowercase().contains(&wanted);
    let all: Vec<(String, AccountStatus)> = listing
        .key_info
        .into_iter()
        .filter(|(_, status)| stands(status, state, now))
        .filter(|(path, status)| fits(path) || fits(&status.target) || fits(&status.username))
        .collect();
    let Paged { rows, found, first, last, earlier, later } =
        cut(all, page, |page| address(search, state, page));
    let rows = rows.into_iter().map(|(path, status)| row(path, status, now)).collect();
    Paged { rows, found, first, last, earlier, later }
}

/// Whether an account is one of those that `word` names; a word of the API's own was judged there.
fn stands(status: &AccountStatus, word: &str, now: Timestamp) -> bool {
    match word {
        "overdue" => is_overdue(status, now),
        "held" => status.held_until.is_some(),
        "never" => status.last_rotation.is_none(),
        _ => true,
    }
}

/// Whether a rotation should have begun a while ago, and neither a maintenance nor a holder keeps it back, and it is
/// neither under way nor waiting for a person.
pub(super) fn is_overdue(status: &AccountStatus, now: Timestamp) -> bool {
    let may_begin = matches!(status.state, AccountState::Idle | AccountState::Due | AccountState::Backoff);
    let is_kept = status.held_until.is_some() || status.holder.is_some();
    let next = status.next_rotation.as_deref().and_then(Timestamp::parse_rfc3339);
    may_begin && !is_kept && next.is_some_and(|next| now.since(next) >= LATE)
}

fn row(path: String, status: AccountStatus, now: Timestamp) -> Row {
    Row {
        state: status.state.word(),
        changed: When::of(status.last_rotation.as_deref(), now, "never"),
        next: When::of(status.next_rotation.as_deref(), now, "by hand only"),
        is_overdue: is_overdue(&status, now),
        held: status.held_until.as_deref().map(|at| When::of(Some(at), now, "")),
        silenced: status.silenced.map(|silenced| quiet(silenced, now)),
        holder: status.holder.map(|holder| holder.principal),
        class: status.failure.class,
        incident: status.failure.incident,
        lending: super::checkouts::one(&path),
        path,
        target: status.target,
        username: status.username,
        version: status.version,
    }
}

fn address(search: &str, state: &str, page: usize) -> String {
    format!("/ui/accounts?q={}&state={}&page={page}", encoded(search), encoded(state))
}

/// All, in the order of a rotation.
const STATES: [AccountState; 11] = [
    AccountState::Idle,
    AccountState::Due,
    AccountState::Staged,
    AccountState::Applied,
    AccountState::Doubtful,
    AccountState::Reverting,
    AccountState::Retiring,
    AccountState::Backoff,
    AccountState::Grace,
    AccountState::Parked,
    AccountState::Quarantined,
];
/// What is no state of the API's.
const DERIVED: [&str; 3] = ["overdue", "held", "never"];
/// What is due begins within this.
const LATE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use vault_api::account::Holder;

    use super::*;

    #[test]
    fn overdue_is_what_nothing_keeps_back() {
        let now = Timestamp::from_secs(1_800_000_000);
        let due = |seconds| Some(now.minus(Duration::from_secs(seconds)).to_rfc3339());
        let of = |state, seconds| AccountStatus { state, next_rotation: due(seconds), ..Default::default() };
        for state in STATES {
            let want = ["idle", "due", "backoff"].contains(&state.word());
            assert_eq!(is_overdue(&of(state, 60), now), want, "{state:?}");
        }
        assert!(!is_overdue(&of(AccountState::Idle, 59), now));
        assert!(!is_overdue(&AccountStatus::default(), now));
        let held = AccountStatus { held_until: due(0), ..of(AccountState::Due, 600) };
        assert!(!is_overdue(&held, now) && stands(&held, "held", now));
        let lent = AccountStatus { holder: Some(Holder::default()), ..of(AccountState::Idle, 600) };
        assert!(!is_overdue(&lent, now));
        assert!(stands(&lent, "never", now) && !stands(&lent, "held", now) && !stands(&lent, "overdue", now));
    }
}
