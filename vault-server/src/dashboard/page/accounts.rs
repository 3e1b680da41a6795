//! Accounts: searched by name or target, filtered by state, a page at a time.

use std::time::Duration;

use askama::Template;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use vault_api::account::{AccountState, AccountStatus, CredentialAge, StatusListing};
use vault_api::consumer::{ConsumerInfo, ConsumerSummary};
use vault_core::clock::Timestamp;

use super::overview::{Quiet, quiet};
use super::paged::{PAGE, Paged, before, last_page, paged};
use super::{Frame, html};
use crate::dashboard::time::{When, span};
use crate::dashboard::visit::{Part, SignedIn, reason};
use crate::http::Told;
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
    team: Option<String>,
    state: &'static str,
    class: Option<String>,
    incident: Option<String>,
    version: u64,
    changed: When,
    /// How old the credential is, and how much of its policy's period that is.
    age: Option<Age>,
    /// Live consumers; nothing where there are none.
    consumers: Option<Consumers>,
    next: When,
    is_overdue: bool,
    held: Option<When>,
    silenced: Option<Quiet>,
    holder: Option<String>,
}

struct Age {
    said: String,
    /// Whether it is older than its policy lets it become.
    is_late: bool,
}

struct Consumers {
    live: u64,
    behind: u64,
    /// Some of those that are behind, as far as the token may know them.
    names: Vec<String>,
}

/// GET `/ui/accounts?q=…&state=…&page=…`.
pub(in crate::dashboard) async fn show(signed_in: &SignedIn) -> Response<Body> {
    let visit = &signed_in.visit;
    let (search, state) = (visit.asked("q").trim().to_owned(), visit.asked("state").to_owned());
    let mut page = visit.asked("page").parse().unwrap_or(1).max(1);
    let mut asked = ask(signed_in, &search, &state, page).await;
    if let Some(total) = asked.as_ref().ok().filter(|listing| listing.keys.is_empty()).map(all) {
        let last = last_page(total);
        if last < page {
            page = last;
            asked = ask(signed_in, &search, &state, page).await;
        }
    }
    let (status, why) = match &asked {
        Ok(_) => (StatusCode::OK, String::new()),
        Err(told) => (told.status, reason(told)),
    };
    let told = asked.ok().map(|listing| {
        let found = all(&listing);
        let row = |(path, status)| row(path, status, visit.now);
        let rows = listing.key_info.into_iter().map(row).collect();
        paged(rows, found, page, |page| address(&search, &state, page))
    });
    let states = std::iter::once("failing").chain(DERIVED).chain(STATES.map(AccountState::word)).collect();
    let frame = Frame::of(signed_in, "accounts", "Accounts");
    let frame = frame.refreshed(format!("{}&auto=1", address(&search, &state, page)));
    html(status, &Accounts { frame, search, state, states, listing: Part { told, why } })
}

/// The accounts of one page, and how many there are.
async fn ask(signed_in: &SignedIn, search: &str, state: &str, page: usize) -> Result<StatusListing, Told> {
    let (search, state) = (encoded(search), encoded(state));
    let part = format!("offset={}&limit={PAGE}&consumers=true", before(page));
    let path = format!("accounts/status?q={search}&state={state}&{part}");
    listed(signed_in.visit.inside.list(&signed_in.session.token, &path).await)
}

/// What a listing told.
pub(super) fn listed(told: Told) -> Result<StatusListing, Told> {
    match told.data::<StatusListing>() {
        Some(listing) => Ok(listing),
        // A list without entries is not found, as Vault has it.
        None if told.status == StatusCode::NOT_FOUND => Ok(StatusListing::default()),
        None => Err(told),
    }
}

fn all(listing: &StatusListing) -> usize {
    usize::try_from(listing.total).unwrap_or(usize::MAX)
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
    let is_overdue = is_overdue(&status, now);
    Row {
        state: status.state.word(),
        changed: When::of(status.last_rotation.as_deref(), now, "never"),
        age: status.age.map(|age| aged(&age)),
        consumers: status.consumers.filter(|summary| summary.live > 0).map(consumers),
        next: When::of(status.next_rotation.as_deref(), now, "by hand only"),
        is_overdue,
        held: status.held_until.as_deref().map(|at| When::of(Some(at), now, "")),
        silenced: status.silenced.map(|silenced| quiet(silenced, now)),
        holder: status.holder.map(|holder| holder.principal),
        class: status.failure.class,
        incident: status.failure.incident,
        lending: super::checkouts::one(&path),
        path,
        target: status.target,
        username: status.username,
        team: status.team,
        version: status.version,
    }
}

fn aged(age: &CredentialAge) -> Age {
    let share = age.percent.map_or_else(String::new, |percent| format!(" ({percent} %)"));
    let said = format!("{}{share}", span(Duration::from_secs(age.seconds)));
    Age { said, is_late: age.percent.is_some_and(|percent| percent >= 100) }
}

fn consumers(summary: ConsumerSummary) -> Consumers {
    let name = |one: ConsumerInfo| {
        let who = one.id.unwrap_or(one.principal);
        format!("{who} has version {}", one.version)
    };
    let names = summary.laggards.into_iter().map(name).collect();
    Consumers { live: summary.live, behind: summary.lagging, names }
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
/// What is asked for in the same way, and is no state.
const DERIVED: [&str; 5] = ["overdue", "held", "never", "lent", "lagging"];
/// What is due begins within this.
const LATE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use vault_api::account::Holder;

    use super::*;

    #[test]
    fn an_age_is_told_with_its_share_of_the_period_where_there_is_one() {
        let of = |days: u64, percent| CredentialAge { seconds: days * 86_400, percent, ..Default::default() };
        let told = [of(12, Some(40)), of(30, Some(100)), of(3, None)].map(|age| aged(&age));
        assert_eq!(told.each_ref().map(|age| age.said.as_str()), ["12 d (40 %)", "30 d (100 %)", "3 d"]);
        assert_eq!(told.map(|age| age.is_late), [false, true, false]);
    }

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
        assert!(!is_overdue(&held, now));
        let lent = AccountStatus { holder: Some(Holder::default()), ..of(AccountState::Idle, 600) };
        assert!(!is_overdue(&lent, now));
    }
}
