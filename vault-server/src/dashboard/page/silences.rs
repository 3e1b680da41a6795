//! Silences of whatever there is: what would be made is told first, and it is made when somebody confirms.

use askama::Template;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Map, Value};
use vault_api::silence::{Silence, SilenceList};
use vault_core::campaign::selection::fits;
use vault_core::id::SilenceId;

use super::accounts::listed;
use super::typed::{Refused, Typed};
use super::{Frame, html, on_to, refusal, state};
use crate::dashboard::time::When;
use crate::dashboard::visit::{Part, Rights, SignedIn};
use crate::http::Fields;
use crate::http::inside::encoded;

#[derive(Template)]
#[template(path = "silences.html")]
struct Page {
    frame: Frame,
    /// What was refused.
    alert: String,
    /// What stands in the form: typed there, or said by the link that led here.
    typed: Typed,
    is_refused: bool,
    listing: Part<Vec<Row>>,
    may_make: bool,
}

/// A silence that is not over.
struct Row {
    silence: Silence,
    from: When,
    until: When,
    may_end: bool,
}

#[derive(Template)]
#[template(path = "silence.html")]
struct Confirm {
    frame: Frame,
    wish: Wish,
    would: Silence,
    /// Some of the accounts that it covers now, as far as the token may list them.
    named: Vec<String>,
}

/// What the form asks for.
struct Wish {
    about: String,
    of: String,
    mode: String,
    from: String,
    lasts: String,
    /// The end that was told, once it was: however late somebody is sure.
    until: String,
    reason: String,
    is_sure: bool,
}

impl Wish {
    fn of(form: &Fields) -> Self {
        let text = |field: &str| form.text(field).ok().flatten().unwrap_or_default().trim().to_owned();
        Self {
            about: text("about"),
            of: text("of"),
            mode: text("mode"),
            from: text("from"),
            lasts: text("for"),
            until: text("until"),
            reason: text("reason"),
            is_sure: text("sure") == "yes",
        }
    }

    /// As the API takes it: only asked, until somebody is sure.
    fn body(&self) -> Value {
        let about = if self.about == TARGET { TARGET } else { "accounts" };
        let end = if self.until.is_empty() { ("for", &self.lasts) } else { ("until", &self.until) };
        let texts =
            [(about, &self.of), ("mode", &self.mode), ("from", &self.from), ("reason", &self.reason), end];
        let mut body: Map<String, Value> = texts
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(name, text)| (name.to_owned(), Value::from(text.as_str())))
            .collect();
        if !self.is_sure {
            body.insert("dry_run".to_owned(), Value::from(true));
        }
        Value::Object(body)
    }
}

/// GET `/ui/silences?target=…` or `?accounts=…`.
pub(in crate::dashboard) async fn show(signed_in: &SignedIn) -> Response<Body> {
    let asked = |name: &str| signed_in.visit.asked(name).to_owned();
    let (about, of) = match (asked(TARGET), asked("accounts")) {
        (target, _) if !target.is_empty() => (TARGET.to_owned(), target),
        (_, accounts) => ("accounts".to_owned(), accounts),
    };
    let typed = Typed::said(FORM, [("about", about), ("of", of)]);
    page(signed_in, typed, None).await
}

/// POST `/ui/silences/{make,end}`: the look ahead, and with `sure` the silence; and its end.
pub(in crate::dashboard) async fn write(signed_in: &SignedIn, word: &str, form: &Fields) -> Response<Body> {
    match word {
        "make" => make(signed_in, form).await,
        "end" => end(signed_in, form).await,
        _ => state::missing(StatusCode::NOT_FOUND),
    }
}

async fn make(signed_in: &SignedIn, form: &Fields) -> Response<Body> {
    let wish = Wish::of(form);
    let told = signed_in.write(SILENCES, wish.body()).await;
    match told.data::<Silence>() {
        Some(_) if wish.is_sure => on_to("/ui/silences"),
        Some(would) => {
            let named = named(signed_in, &would).await;
            let wish = Wish { until: would.until.clone(), ..wish };
            let frame = Frame::of(signed_in, SILENCES, "Silence");
            html(StatusCode::OK, &Confirm { frame, wish, would, named })
        }
        None => {
            let typed = Typed::of(FORM, form, &["about", "of", "mode", "from", "for", "reason"]);
            page(signed_in, Typed::default(), Some(Refused { told: &told, typed })).await
        }
    }
}

async fn end(signed_in: &SignedIn, form: &Fields) -> Response<Body> {
    let given = form.text("id").ok().flatten().unwrap_or_default();
    let Some(id) = SilenceId::parse(&given) else { return state::missing(StatusCode::NOT_FOUND) };
    let told = signed_in.visit.inside.delete(&signed_in.session.token, &format!("silences/{id}")).await;
    if told.status.is_success() {
        return on_to("/ui/silences");
    }
    page(signed_in, Typed::default(), Some(Refused { told: &told, typed: Typed::default() })).await
}

/// Accounts that a silence covers now, as far as the token may list them; the first of them.
async fn named(signed_in: &SignedIn, would: &Silence) -> Vec<String> {
    let Some(pattern) = &would.accounts else { return Vec::new() };
    let all = "accounts/status/".to_owned();
    if !signed_in.rights(std::slice::from_ref(&all)).await.may("list", &all) {
        return Vec::new();
    }
    // The API finds by a part of the path: by the longest one that must be in it.
    let part = pattern.split('*').max_by_key(|part| part.len()).unwrap_or_default();
    let path = format!("accounts/status?q={}&limit={LOOKED_AT_MAX}", encoded(part));
    let found = listed(signed_in.visit.inside.list(&signed_in.session.token, &path).await);
    let found = found.map(|listing| listing.keys).unwrap_or_default();
    found.into_iter().filter(|path| fits(pattern, path)).take(NAMED_MAX).collect()
}

async fn page(signed_in: &SignedIn, typed: Typed, refused: Option<Refused<'_>>) -> Response<Body> {
    let rights = signed_in.rights(&[SILENCES.to_owned()]).await;
    let list: Part<SilenceList> = signed_in.granted(&rights, SILENCES).await;
    let may_make = rights.may("update", SILENCES);
    let status = match &refused {
        Some(refused) if refused.told.status.is_success() => StatusCode::INTERNAL_SERVER_ERROR,
        Some(refused) => refused.told.status,
        None if list.told.is_some() || may_make => StatusCode::OK,
        None => StatusCode::FORBIDDEN,
    };
    let rows = match list.told {
        Some(list) => Some(rows(signed_in, list.silences).await),
        None => None,
    };
    let page = Page {
        frame: Frame::of(signed_in, SILENCES, "Silences").refreshed("/ui/silences?auto=1".to_owned()),
        alert: refused.as_ref().map(|refused| refusal(refused.told, LOOK)).unwrap_or_default(),
        is_refused: refused.as_ref().is_some_and(|refused| refused.typed.is(FORM)),
        typed: refused.map_or(typed, |refused| refused.typed),
        listing: Part { told: rows, why: list.why },
        may_make,
    };
    html(status, &page)
}

async fn rows(signed_in: &SignedIn, silences: Vec<Silence>) -> Vec<Row> {
    let path = |silence: &Silence| format!("silences/{}", silence.id);
    let paths: Vec<String> = silences.iter().map(path).collect();
    // Nothing is asked about nothing.
    let rights = if paths.is_empty() { Rights::none() } else { signed_in.rights(&paths).await };
    let now = signed_in.visit.now;
    let row = |silence: Silence| Row {
        from: When::of(Some(&silence.from), now, ""),
        until: When::of(Some(&silence.until), now, ""),
        may_end: silence.state != "ending" && rights.may("delete", &path(&silence)),
        silence,
    };
    silences.into_iter().map(row).collect()
}

/// The word of the form that makes one.
const FORM: &str = "make";
const TARGET: &str = "target";
/// Where they are in the API; and the word of the place in the navigation.
const SILENCES: &str = "silences";
/// Accounts that are named before it is made.
const NAMED_MAX: usize = 20;
/// Accounts among which those are looked for.
const LOOKED_AT_MAX: usize = 500;
/// What is to be done where nobody knows how far it came.
const LOOK: &str = "Look at the list before you repeat it";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_asked_for_is_what_was_typed_and_the_end_that_was_told_stands() {
        let body = |form: &str| Wish::of(&Fields::from_form(form.as_bytes()).unwrap()).body();
        assert_eq!(
            body("about=accounts&of=db%2F*&for=2h&reason=r&mode=&from="),
            json!({ "accounts": "db/*", "for": "2h", "reason": "r", "dry_run": true })
        );
        assert_eq!(
            body("about=target&of=pg&mode=maintenance&from=1&for=2h&until=9&reason=r&sure=yes"),
            json!({ "target": "pg", "mode": "maintenance", "from": "1", "until": "9", "reason": "r" })
        );
    }
}
