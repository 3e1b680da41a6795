//! The dashboard at `/ui`: what is broken, who has it, since when, and what may be pressed.
//!
//! ```text
//!   browser ─► headers, rate limit ─► asset
//!                                  └► origin ─► session ─► form token ─► page ─► http/inside.rs ─► the API's own steps
//! ```
//!
//! Pages are made here, on the server, and need no script. They know nothing but the JSON that the API answers to the
//! token of who is signed in. Rules that hold for all of them are in this file, [`origin`] and [`session`].

pub(crate) mod session;

mod asset;
mod live;
mod origin;
mod page;
mod place;
mod plot;
mod time;
mod visit;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};

use self::visit::Visit;
use crate::http::{ApiError, Inside};

/// Whether a path is the dashboard's.
pub(crate) fn is_below(path: &str) -> bool {
    path == "/ui" || path.starts_with("/ui/")
}

/// Answers one request of a browser.
pub(crate) async fn answer(inside: Inside, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().trim_end_matches('/').strip_prefix("/ui").unwrap_or("").to_owned();
    let place: Vec<&str> = path.split('/').skip(1).collect();
    match parts.method {
        Method::GET | Method::HEAD => {
            if let ["assets", name] = place.as_slice() {
                return asset::answer(name);
            }
            shown(Visit::new(inside, &parts), &place).await
        }
        Method::POST if !origin::is_own(&parts) => {
            let remote = inside.remote();
            tracing::warn!(%remote, reason = "of another place", "a form of the dashboard was refused");
            page::state::refused(
                "The request did not come from a page of this vault, so nothing was done. \
                 Browsers say where a form comes from (Sec-Fetch-Site, Origin); this one named another place, or none.",
            )
        }
        Method::POST => done(Visit::new(inside, &parts), &place, body).await,
        _ => {
            let mut response = page::state::missing(StatusCode::METHOD_NOT_ALLOWED);
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
            response
        }
    }
}

/// A look changes nothing.
async fn shown(visit: Visit, place: &[&str]) -> Response<Body> {
    if place == ["sign-in"] {
        return page::sign_in::show(&visit).await;
    }
    let signed_in = match visit.signed_in().await {
        Ok(signed_in) => signed_in,
        Err(response) => return response,
    };
    match place {
        ["events"] => live::events(signed_in),
        [] | [""] => page::overview::show(&signed_in).await,
        ["accounts"] => page::accounts::show(&signed_in).await,
        ["checkouts"] => page::checkouts::show(&signed_in).await,
        ["checkout"] => page::checkout::show(&signed_in).await,
        ["audit"] => page::audit::show(&signed_in).await,
        ["targets"] => page::targets::show(&signed_in).await,
        ["targets", name] => page::target::show(&signed_in, name).await,
        ["notifications"] => page::notifications::show(&signed_in).await,
        ["notifications", name] => page::notifications::show_one(&signed_in, name).await,
        ["silences"] => page::silences::show(&signed_in).await,
        ["reports"] => page::reports::show(&signed_in).await,
        ["reports", "download"] => page::reports::download(&signed_in).await,
        ["incident", id] => page::incident::show(&signed_in, id).await,
        ["incident", id, "act", action] => page::act::show(&signed_in, id, action).await,
        _ => page::state::missing(StatusCode::NOT_FOUND),
    }
}

/// What a form asks for.
async fn done(visit: Visit, place: &[&str], body: Body) -> Response<Body> {
    let remote = visit.inside.remote();
    let Ok(form) = crate::http::inside::form(body).await else {
        tracing::warn!(%remote, reason = "not readable", "a form of the dashboard was refused");
        return page::state::refused("The form could not be read, so nothing was done.");
    };
    if place == ["sign-in"] {
        return page::sign_in::enter(&visit, &form).await;
    }
    let signed_in = match visit.signed_in().await {
        Ok(signed_in) => signed_in,
        Err(response) => return response,
    };
    if !signed_in.is_own_form(&form) {
        tracing::warn!(%remote, reason = "not of this session", "a form of the dashboard was refused");
        return page::state::refused(
            "The form was not made for this session, so nothing was done. Go back, load the page anew and try again.",
        );
    }
    match place {
        ["sign-out"] => page::sign_in::leave(&signed_in).await,
        ["audit"] => page::audit::look(&signed_in, &form).await,
        ["targets", name, word] => page::target::write(&signed_in, name, word, &form).await,
        ["notifications", name, "test"] => page::notifications::test(&signed_in, name).await,
        ["silences", word] => page::silences::write(&signed_in, word, &form).await,
        ["checkouts", word] => page::checkout::write(&signed_in, word, &form).await,
        ["incident", id, word @ ("ack" | "assign" | "note" | "review")] => {
            page::incident::write(&signed_in, id, word, &form).await
        }
        ["incident", id, word @ ("merge" | "unmerge")] => {
            page::merge::write(&signed_in, id, word, &form).await
        }
        ["incident", id, "act", action] => page::act::press(&signed_in, id, action, &form).await,
        _ => page::state::missing(StatusCode::NOT_FOUND),
    }
}

/// The page in place of one that could not be made.
pub(crate) fn failed(error: &ApiError, method: &Method, path: &str) -> Response<Body> {
    let mut response = page::state::failed(error, method == Method::POST, path);
    if let ApiError::TooManyRequests(seconds) = error {
        response.headers_mut().insert(header::RETRY_AFTER, (*seconds).into());
    }
    response
}

/// Headers that every answer of the dashboard carries. Only an asset says how long it may be kept.
pub(crate) fn headers(headers: &mut HeaderMap, kept: Option<HeaderValue>) {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(kept) = kept.filter(|kept| kept == asset::KEPT) {
        headers.insert(header::CACHE_CONTROL, kept);
    }
}

/// Nothing of another place, nothing inline, in nobody's frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
