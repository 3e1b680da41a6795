//! Notifications: who is told of what happens, whether it arrives, and a message to try that.

use askama::Template;
use axum::body::Body;
use axum::http::{Response, StatusCode, Uri};
use serde_json::{Map, Value};
use vault_api::listing::Listing;
use vault_api::webhook::{DeliveryInfo, DeliveryList, WebhookInfo};
use vault_core::clock::Timestamp;
use vault_core::path::Name;

use super::paged::{Paged, cut};
use super::{Frame, html, refusal, state};
use crate::dashboard::time::When;
use crate::dashboard::visit::{Part, SignedIn, reason};
use crate::http::Told;
use crate::http::inside::encoded;

#[derive(Template)]
#[template(path = "notifications.html")]
struct All {
    frame: Frame,
    listing: Part<Paged<Row>>,
}

struct Row {
    name: String,
    webhook: Part<Webhook>,
}

/// A webhook, without what may be a secret of its receiver's.
struct Webhook {
    told: WebhookInfo,
    /// Where messages go, without path and query.
    receiver: String,
}

#[derive(Template)]
#[template(path = "notification.html")]
struct One {
    frame: Frame,
    /// What was refused.
    alert: String,
    name: String,
    webhook: Part<Webhook>,
    log: Part<Vec<Line>>,
    /// Which of the log is shown; empty for all.
    chosen: &'static str,
    states: Vec<State>,
    may_test: bool,
    /// What came of the message that was just sent.
    tested: Option<DeliveryInfo>,
}

/// A message, and what became of it.
struct Line {
    delivery: DeliveryInfo,
    at: When,
    last: Option<When>,
    next: Option<When>,
}

/// What may have become of a message.
struct State {
    word: &'static str,
    is_chosen: bool,
}

/// GET `/ui/notifications?page=…`. Who may not list them is not asked for them, and is shown none that they may not read.
pub(in crate::dashboard) async fn show(signed_in: &SignedIn) -> Response<Body> {
    let frame = Frame::of(signed_in, "notifications", "Notifications");
    let all = "sys/webhooks/".to_owned();
    if !signed_in.rights(std::slice::from_ref(&all)).await.may("list", &all) {
        return html(StatusCode::FORBIDDEN, &All { frame, listing: Part::withheld() });
    }
    let visit = &signed_in.visit;
    let told = visit.inside.list(&signed_in.session.token, "sys/webhooks").await;
    let names = match told.data::<Listing>() {
        Some(listing) => Some(listing.keys),
        // A list without entries is not found, as Vault has it.
        None if told.status == StatusCode::NOT_FOUND => Some(Vec::new()),
        None => None,
    };
    let why = if names.is_some() { String::new() } else { reason(&told) };
    let status = if names.is_some() { StatusCode::OK } else { told.status };
    let mut listing = Part { told: None, why };
    if let Some(names) = names {
        listing.told = Some(rows(signed_in, names).await);
    }
    html(status, &All { frame, listing })
}

async fn rows(signed_in: &SignedIn, names: Vec<String>) -> Paged<Row> {
    let page = signed_in.visit.asked("page").parse().unwrap_or(1);
    let address = |page: usize| format!("/ui/notifications?page={page}");
    let Paged { rows, found, first, last, earlier, later } = cut(names, page, address);
    let paths: Vec<String> = rows.iter().map(|name| format!("sys/webhooks/{name}")).collect();
    let rights = signed_in.rights(&paths).await;
    let mut shown = Vec::with_capacity(rows.len());
    for (name, path) in rows.into_iter().zip(&paths) {
        shown.push(Row { webhook: signed_in.granted(&rights, path).await.map(webhook), name });
    }
    Paged { rows: shown, found, first, last, earlier, later }
}

/// GET `/ui/notifications/<name>?state=…`.
pub(in crate::dashboard) async fn show_one(signed_in: &SignedIn, name: &str) -> Response<Body> {
    match Name::parse(name) {
        Ok(name) => page(signed_in, name.as_str(), None).await,
        Err(_) => state::missing(StatusCode::NOT_FOUND),
    }
}

/// POST `/ui/notifications/<name>/test`.
pub(in crate::dashboard) async fn test(signed_in: &SignedIn, name: &str) -> Response<Body> {
    let Ok(name) = Name::parse(name) else { return state::missing(StatusCode::NOT_FOUND) };
    let path = format!("sys/webhooks/{}/test", encoded(name.as_str()));
    let told = signed_in.write(&path, Value::Object(Map::new())).await;
    page(signed_in, name.as_str(), Some(&told)).await
}

async fn page(signed_in: &SignedIn, name: &str, tried: Option<&Told>) -> Response<Body> {
    let now = signed_in.visit.now;
    let here = format!("sys/webhooks/{name}");
    let (log, test) = (format!("{here}/deliveries"), format!("{here}/test"));
    let rights = signed_in.rights(&[here.clone(), log.clone(), test.clone()]).await;
    let told = if rights.may("read", &here) { Some(signed_in.read(&here).await) } else { None };
    // Anything else is no state, and shows all.
    let chosen = STATES.into_iter().find(|state| *state == signed_in.visit.asked("state")).unwrap_or("");
    let log: Part<DeliveryList> =
        signed_in.granted(&rights, &format!("{log}?limit={LINES_MAX}&state={chosen}")).await;
    let tested: Option<DeliveryInfo> = tried.and_then(Told::data);
    let refused = tried.filter(|_| tested.is_none());
    let status = match (refused, &told) {
        (Some(refused), _) if !refused.status.is_success() => refused.status,
        // An answer of success that cannot be read is none.
        (Some(_), _) => StatusCode::INTERNAL_SERVER_ERROR,
        (None, Some(told)) if told.status.is_success() => StatusCode::OK,
        (None, Some(told)) => told.status,
        (None, None) => StatusCode::FORBIDDEN,
    };
    let page = One {
        frame: Frame::of(signed_in, "notifications", name),
        alert: refused.map(|refused| refusal(refused, LOOK)).unwrap_or_default(),
        name: name.to_owned(),
        webhook: told.as_ref().map_or_else(Part::withheld, Part::of).map(webhook),
        log: log.map(|log| log.deliveries.into_iter().map(|delivery| line(delivery, now)).collect()),
        chosen,
        states: STATES.map(|word| State { word, is_chosen: word == chosen }).into(),
        may_test: rights.may("update", &test),
        tested,
    };
    html(status, &page)
}

fn webhook(told: WebhookInfo) -> Webhook {
    Webhook { receiver: receiver(&told), told }
}

/// Where messages go. The path of an address may hold what only the receiver is to know.
fn receiver(webhook: &WebhookInfo) -> String {
    if !webhook.mail_to.is_empty() {
        return webhook.mail_to.join(", ");
    }
    let address = webhook.url.parse::<Uri>().ok();
    let place = address
        .as_ref()
        .and_then(|address| Some((address.scheme_str()?, address.host()?, address.port_u16())));
    match place {
        Some((scheme, host, Some(port))) => format!("{scheme}://{host}:{port}/…"),
        Some((scheme, host, None)) => format!("{scheme}://{host}/…"),
        None => "…".to_owned(),
    }
}

fn line(delivery: DeliveryInfo, now: Timestamp) -> Line {
    let time = |at: &Option<String>| at.as_deref().map(|at| When::of(Some(at), now, ""));
    Line {
        at: When::of(Some(&delivery.at), now, ""),
        last: time(&delivery.last_attempt),
        next: time(&delivery.next_attempt),
        delivery,
    }
}

/// Their words.
const STATES: [&str; 4] = ["pending", "delivered", "dead", "summed"];
/// Messages that are shown; the command line shows more.
const LINES_MAX: usize = 100;
/// What is to be done where nobody knows how far it came.
const LOOK: &str = "Look at the log";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_receiver_keeps_to_itself_is_shown() {
        for (url, want) in [
            ("https://hooks.example/services/T1/secret", "https://hooks.example/…"),
            ("http://user:secret@127.0.0.1:9/x?token=secret", "http://127.0.0.1:9/…"),
            ("secret", "…"),
            ("", "…"),
        ] {
            let webhook = WebhookInfo { url: url.to_owned(), ..WebhookInfo::default() };
            assert_eq!(receiver(&webhook), want);
        }
        let mail_to = vec!["ops@example.org".to_owned(), "sre@example.org".to_owned()];
        let mail =
            WebhookInfo { url: "smtp://mail.example:587".to_owned(), mail_to, ..WebhookInfo::default() };
        assert_eq!(receiver(&mail), "ops@example.org, sre@example.org");
    }
}
