//! Check-outs: who has which account, why, until when, and who waits for it.

use askama::Template;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use vault_api::account::{AccountStatus, Holder, StatusListing};
use vault_core::clock::Timestamp;

use super::accounts::listed;
use super::paged::{Paged, cut};
use super::{Frame, html};
use crate::dashboard::time::When;
use crate::dashboard::visit::{Part, SignedIn, reason};
use crate::http::inside::encoded;

#[derive(Template)]
#[template(path = "checkouts.html")]
struct CheckOuts {
    frame: Frame,
    search: String,
    whose: &'static str,
    listing: Part<Listing>,
}

/// The check-outs that were asked for.
struct Listing {
    page: Paged<Row>,
    /// All that are open, whoever has them.
    open: usize,
    own: usize,
    revoking: usize,
}

struct Row {
    path: String,
    address: String,
    username: String,
    target: String,
    /// The order of rows: one's own first, then by the end.
    ends: Option<Timestamp>,
    lent: Lent,
}

/// Who has an account, as it is shown.
pub(super) struct Lent {
    pub(super) principal: String,
    pub(super) is_own: bool,
    pub(super) is_revoking: bool,
    pub(super) state: String,
    pub(super) since: When,
    pub(super) until: When,
    pub(super) is_late: bool,
    pub(super) reason: Option<String>,
    pub(super) ticket: Option<String>,
    pub(super) line: Vec<Waiting>,
    pub(super) incident: Option<String>,
    pub(super) class: Option<String>,
}

pub(super) struct Waiting {
    pub(super) principal: String,
    pub(super) since: When,
}

/// GET `/ui/checkouts?q=…&whose=…&page=…`.
pub(in crate::dashboard) async fn show(signed_in: &SignedIn) -> Response<Body> {
    let visit = &signed_in.visit;
    let search = visit.asked("q").trim().to_owned();
    let whose = if visit.asked("whose") == "mine" { "mine" } else { "all" };
    // Those alone that are in somebody's hands: how many accounts there are besides costs nothing.
    let asked = listed(visit.inside.list(&signed_in.session.token, "accounts/status?state=lent").await);
    let (status, why) = match &asked {
        Ok(_) => (StatusCode::OK, String::new()),
        Err(told) => (told.status, reason(told)),
    };
    let page = visit.asked("page").parse().unwrap_or(1);
    let told = asked.ok().map(|listing| found(listing, (&search, whose, page), visit.now));
    let frame = Frame::of(signed_in, "checkouts", "Check-outs");
    let frame = frame.refreshed(format!("{}&auto=1", address(&search, whose, page)));
    html(status, &CheckOuts { frame, search, whose, listing: Part { told, why } })
}

fn found(listing: StatusListing, (search, whose, page): (&str, &str, usize), now: Timestamp) -> Listing {
    let mut rows: Vec<Row> =
        listing.key_info.into_iter().filter_map(|(path, status)| row(path, status, now)).collect();
    let (open, own) = (rows.len(), rows.iter().filter(|row| row.lent.is_own).count());
    let revoking = rows.iter().filter(|row| row.lent.is_revoking).count();
    let wanted = search.to_lowercase();
    let fits = |text: &str| text.to_lowercase().contains(&wanted);
    rows.retain(|row| {
        let is_named =
            fits(&row.path) || fits(&row.target) || fits(&row.username) || fits(&row.lent.principal);
        is_named && (whose == "all" || row.lent.is_own)
    });
    rows.sort_by_key(|row| (!row.lent.is_own, row.ends));
    Listing { page: cut(rows, page, |page| address(search, whose, page)), open, own, revoking }
}

fn row(path: String, status: AccountStatus, now: Timestamp) -> Option<Row> {
    let ends = status.holder.as_ref()?.expires_at.as_deref().and_then(Timestamp::parse_rfc3339);
    Some(Row {
        address: one(&path),
        ends,
        username: status.username.clone(),
        target: status.target.clone(),
        lent: lent(&status, now)?,
        path,
    })
}

/// Who has the account, if anybody does.
pub(super) fn lent(status: &AccountStatus, now: Timestamp) -> Option<Lent> {
    let holder: &Holder = status.holder.as_ref()?;
    let until = holder.expires_at.as_deref();
    let is_over = until.and_then(Timestamp::parse_rfc3339).is_some_and(|until| until <= now);
    let line = status.line.iter().map(|waiter| Waiting {
        principal: waiter.principal.clone(),
        since: When::of(waiter.since.as_deref(), now, ""),
    });
    Some(Lent {
        principal: holder.principal.clone(),
        is_own: holder.own,
        is_revoking: holder.state == "revoking",
        state: holder.state.clone(),
        since: When::of(holder.since.as_deref(), now, "unknown"),
        until: When::of(until, now, "unknown"),
        is_late: is_over,
        reason: holder.reason.clone(),
        ticket: holder.ticket.clone(),
        line: line.collect(),
        incident: status.failure.incident.clone(),
        class: status.failure.class.clone(),
    })
}

/// The page of one account.
pub(super) fn one(path: &str) -> String {
    format!("/ui/checkout?account={}", encoded(path))
}

fn address(search: &str, whose: &str, page: usize) -> String {
    format!("/ui/checkouts?q={}&whose={whose}&page={page}", encoded(search))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn status(principal: &str, own: bool, ends_in: u64, state: &str) -> AccountStatus {
        let now = Timestamp::from_secs(1_800_000_000);
        let holder = Holder {
            principal: principal.to_owned(),
            own,
            state: state.to_owned(),
            expires_at: Some(now.plus(Duration::from_secs(ends_in)).to_rfc3339()),
            ..Holder::default()
        };
        AccountStatus { holder: Some(holder), target: "pg".to_owned(), ..AccountStatus::default() }
    }

    #[test]
    fn ones_own_come_first_and_then_what_ends_soonest() {
        let now = Timestamp::from_secs(1_800_000_000);
        let listing = || StatusListing {
            key_info: [
                ("a".to_owned(), status("eve", false, 900, "active")),
                ("b".to_owned(), status("eve", false, 60, "revoking")),
                ("c".to_owned(), status("ada", true, 3600, "active")),
                ("d".to_owned(), AccountStatus::default()),
            ]
            .into(),
            ..StatusListing::default()
        };
        let paths = |found: Listing| found.page.rows.into_iter().map(|row| row.path).collect::<Vec<_>>();
        let all = found(listing(), ("", "all", 1), now);
        assert_eq!((all.open, all.own, all.revoking), (3, 1, 1));
        assert_eq!(paths(all), ["c", "b", "a"]);
        assert_eq!(paths(found(listing(), ("", "mine", 1), now)), ["c"]);
        assert_eq!(paths(found(listing(), ("EVE", "all", 1), now)), ["b", "a"]);
    }

    #[test]
    fn what_is_over_and_not_ended_is_late() {
        let now = Timestamp::from_secs(1_800_000_000);
        let lent = lent(&status("eve", false, 0, "revoking"), now).unwrap();
        assert!(lent.is_late && lent.is_revoking);
    }
}
