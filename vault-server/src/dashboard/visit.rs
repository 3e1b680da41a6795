//! One request of a browser: whose it is, and what it may be answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Response, header};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use vault_core::clock::Timestamp;

use super::origin;
use super::page;
use super::session::Session;
use crate::http::inside::query;
use crate::http::{Fields, Grants, Inside, Looks, Told};

/// A request; nothing is known of its sender yet.
pub(super) struct Visit {
    pub(super) inside: Inside,
    pub(super) now: Timestamp,
    /// The path, below the server's root.
    pub(super) path: String,
    pub(super) query: BTreeMap<String, String>,
    /// Where this leads, with its query.
    whole: String,
    id: Option<String>,
    /// Whether the browser is on this machine and speaks to the server without TLS.
    is_plain: bool,
    is_foreign_link: bool,
}

/// A request of somebody with a live token.
pub(super) struct SignedIn {
    pub(super) visit: Visit,
    pub(super) session: Arc<Session>,
    id: String,
}

impl Visit {
    pub(super) fn new(inside: Inside, parts: &Parts) -> Self {
        // Behind a TLS proxy on this machine the listener is plain, and what browsers ask for is not.
        let is_plain = inside.is_plain_loopback() && origin::is_loopback(parts);
        let id = cookie(&parts.headers, cookie_name(is_plain));
        Self {
            whole: parts.uri.path_and_query().map_or("/ui/", |whole| whole.as_str()).to_owned(),
            is_plain,
            now: inside.now(),
            path: parts.uri.path().to_owned(),
            query: query(parts.uri.query()),
            is_foreign_link: origin::is_foreign_link(parts),
            id,
            inside,
        }
    }

    /// A parameter of the query; empty when absent.
    pub(super) fn asked(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    /// The session's id in the cookie, if there is one.
    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The session, or the page that is shown in its place.
    pub(super) async fn signed_in(self) -> Result<SignedIn, Response<Body>> {
        if self.inside.is_sealed() {
            return Err(page::state::sealed(&self).await);
        }
        let by_person = !self.query.contains_key("auto") && self.path != EVENTS;
        let closings = self.inside.closings();
        let found = self.id.as_deref().and_then(|id| {
            let session = self.inside.sessions().look(id, self.now, closings, by_person)?;
            Some((id.to_owned(), session))
        });
        let Some((id, session)) = found else {
            if self.id.is_none() && self.is_foreign_link {
                return Err(page::state::bounce(&self.whole));
            }
            return Err(page::sign_in::ask(&self, self.id.is_some()));
        };
        // A token that ended, or may not be used from here, ends the session with it.
        if self.inside.name_of(&session.token).is_none() {
            self.inside.sessions().end(&id);
            return Err(page::sign_in::ask(&self, true));
        }
        Ok(SignedIn { visit: self, session, id })
    }

    /// The header that makes the browser keep `id`; forget it when empty.
    pub(super) fn set_cookie(&self, id: &str) -> Option<HeaderValue> {
        let (name, secure) = (cookie_name(self.is_plain), if self.is_plain { "" } else { "; Secure" });
        let age = if id.is_empty() { "; Max-Age=0" } else { "" };
        let text = format!("{name}={id}; Path=/; HttpOnly; SameSite=Strict{secure}{age}");
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl SignedIn {
    /// Whether a form carries the session's own token.
    pub(super) fn is_own_form(&self, form: &Fields) -> bool {
        let given = form.secret("form_token").ok().flatten();
        given.is_some_and(|given| self.session.form.ct_eq(given.expose()))
    }

    /// Reads something of the API.
    pub(super) async fn read(&self, path: &str) -> Told {
        self.visit.inside.read(&self.session.token, path).await
    }

    /// Reads something of the API as part of a page.
    pub(super) async fn part<T: DeserializeOwned>(&self, path: &str) -> Part<T> {
        Part::of(&self.read(path).await)
    }

    /// Reads something of the API as part of a page, if `rights` grant it. Who may not is not asked for it: nobody pressed
    /// anything, and a refusal at each look would be noise in the trail.
    pub(super) async fn granted<T: DeserializeOwned>(&self, rights: &Rights, path: &str) -> Part<T> {
        let (bare, _) = path.split_once('?').unwrap_or((path, ""));
        if rights.may("read", bare) { self.part(path).await } else { Part::withheld() }
    }

    /// Writes something to the API.
    pub(super) async fn write(&self, path: &str, body: Value) -> Told {
        self.visit.inside.write(Some(&self.session.token), path, body).await
    }

    /// Asks what the token may do at `paths`, which are below `/v1/` and not encoded.
    pub(super) async fn rights(&self, paths: &[String]) -> Rights {
        let told = self.write("sys/capabilities-self", json!({ "paths": paths })).await;
        Rights(told.data())
    }

    /// What the token may do, without asking the API: for what is worth naming, not for what is shown.
    pub(super) fn grants(&self) -> Option<Grants> {
        self.visit.inside.grants_of(&self.session.token)
    }

    /// The session's id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// What may be looked at now; nothing when the session or its token is over. It keeps no session alive.
    pub(super) fn looks(&self) -> Option<Looks> {
        let inside = &self.visit.inside;
        if inside.is_sealed() {
            return None;
        }
        inside.sessions().look(&self.id, inside.now(), inside.closings(), false)?;
        inside.looks_of(&self.session.token)
    }

    /// Ends the session.
    pub(super) fn end(&self) {
        self.visit.inside.sessions().end(&self.id);
    }
}

/// What a token may do, by path; nothing where that cannot be asked.
pub(super) struct Rights(Option<Map<String, Value>>);

impl Rights {
    /// Of nobody, to nothing.
    pub(super) fn none() -> Self {
        Self(Some(Map::new()))
    }

    /// Whether `capability` is granted. Where that could not be asked it is taken for granted, and the API decides.
    pub(super) fn may(&self, capability: &str, path: &str) -> bool {
        self.0.as_ref().is_none_or(|_| self.surely(capability, path))
    }

    /// Whether `capability` is known to be granted.
    pub(super) fn surely(&self, capability: &str, path: &str) -> bool {
        let words = self.0.as_ref().and_then(|rights| rights.get(path)).and_then(Value::as_array);
        words.is_some_and(|words| words.iter().any(|word| word == capability || word == "root"))
    }
}

/// A part of a page, or why it is left out.
pub(super) struct Part<T> {
    pub(super) told: Option<T>,
    pub(super) why: String,
}

impl<T: DeserializeOwned> Part<T> {
    pub(super) fn of(told: &Told) -> Self {
        let data = told.data();
        let why = match &data {
            Some(_) => String::new(),
            None => reason(told),
        };
        Self { told: data, why }
    }
}

impl<T> Part<T> {
    /// What the token may not read, and so was not asked for.
    pub(super) fn withheld() -> Self {
        Self { told: None, why: MAY_NOT.to_owned() }
    }

    /// The same, made into something that is shown.
    pub(super) fn map<U>(self, shown: impl FnOnce(T) -> U) -> Part<U> {
        Part { told: self.told.map(shown), why: self.why }
    }
}

/// Why the API told nothing.
pub(super) fn reason(told: &Told) -> String {
    match (told.status.as_u16(), told.errors()) {
        (403, _) => MAY_NOT.to_owned(),
        (404, _) => "There is no such thing.".to_owned(),
        (503, errors) => format!("Not available just now: {errors}."),
        (status, errors) => format!("It could not be read ({status}): {errors}."),
    }
}

/// The prefix makes a browser refuse the cookie from anything but this very host, over TLS.
fn cookie_name(is_plain: bool) -> &'static str {
    if is_plain { "rotunda" } else { "__Host-rotunda" }
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

/// What stands in the place of what the token may not read.
const MAY_NOT: &str = "Your token may not read this.";
/// Where a page is told of changes: no person asks for it.
const EVENTS: &str = "/ui/events";
