//! Signing in, by a token or as a user with a password, and out again.

use askama::Template;
use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use serde_json::json;
use vault_core::secret::SecretString;

use super::{Frame, html, on_to, state};
use crate::dashboard::session::Session;
use crate::dashboard::visit::{SignedIn, Visit};
use crate::http::Fields;
use crate::http::inside::encoded;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    frame: Frame,
    next: String,
    /// What went wrong before.
    alert: &'static str,
    mount: String,
    username: String,
}

fn page(alert: &'static str, next: &str) -> SignIn {
    SignIn {
        frame: Frame::of_nobody("Sign in"),
        next: safe_next(next),
        alert,
        mount: MOUNT.to_owned(),
        username: String::new(),
    }
}

/// GET `/ui/sign-in`.
pub(in crate::dashboard) async fn show(visit: &Visit) -> Response<Body> {
    if visit.inside.is_sealed() {
        return state::sealed(visit).await;
    }
    html(StatusCode::OK, &page("", ""))
}

/// In place of the page that was asked for.
pub(in crate::dashboard) fn ask(visit: &Visit, is_over: bool) -> Response<Body> {
    let alert = if is_over { "Your session is over. Sign in again." } else { "" };
    let mut response = html(StatusCode::UNAUTHORIZED, &page(alert, &visit.path));
    if let Some(cookie) = visit.set_cookie("").filter(|_| is_over) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// POST `/ui/sign-in`.
pub(in crate::dashboard) async fn enter(visit: &Visit, form: &Fields) -> Response<Body> {
    if visit.inside.is_sealed() {
        return state::sealed(visit).await;
    }
    let next = form.text("next").ok().flatten().unwrap_or_default();
    let (closings, proved) = (visit.inside.closings(), prove(visit, form).await);
    let again = |status, alert| {
        let given = |name: &str| form.text(name).ok().flatten().unwrap_or_default();
        let mut page = page(alert, &next);
        page.username = given("username");
        if !given("mount").is_empty() {
            page.mount = given("mount");
        }
        html(status, &page)
    };
    let (token, is_own) = match proved {
        Ok(proved) => proved,
        Err((status, alert)) => return again(status, alert),
    };
    let Some(name) = visit.inside.name_of(&token) else {
        return again(StatusCode::FORBIDDEN, REFUSED);
    };
    // What somebody left behind in this browser ends.
    if let Some(id) = visit.id() {
        visit.inside.sessions().end(id);
    }
    let id = visit.inside.draw();
    let session = Session::new(token, visit.inside.draw(), name, is_own, (visit.now, closings));
    visit.inside.sessions().begin(&id, session);
    let mut response =
        on_to(Some(safe_next(&next)).filter(|next| !next.is_empty()).as_deref().unwrap_or("/ui/"));
    if let Some(cookie) = visit.set_cookie(id.expose()) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// The token that was given, or that a login gave; and whether it was made here.
async fn prove(visit: &Visit, form: &Fields) -> Result<(SecretString, bool), (StatusCode, &'static str)> {
    let secret =
        |name: &str| form.secret(name).ok().flatten().filter(|text| !text.expose().trim().is_empty());
    if let Some(token) = secret("token") {
        let token = SecretString::new(token.expose().trim().to_owned());
        // Written down, as each refused token is. One that may not ask about itself is good all the same.
        let _looked_up = visit.inside.read(&token, "auth/token/lookup-self").await;
        return match visit.inside.name_of(&token) {
            Some(_) => Ok((token, false)),
            None => Err((StatusCode::FORBIDDEN, REFUSED)),
        };
    }
    let text = |name: &str| form.text(name).ok().flatten().unwrap_or_default();
    let (mount, username, password) = (text("mount"), text("username"), secret("password"));
    let (Some(password), false) = (password, username.trim().is_empty()) else {
        return Err((StatusCode::BAD_REQUEST, "Give a token, or a username and a password."));
    };
    let mount = Some(mount.trim()).filter(|mount| !mount.is_empty()).unwrap_or(MOUNT);
    let Some(path) = login_path(mount, username.trim()) else {
        return Err((StatusCode::BAD_REQUEST, "No mount and no user can be called that."));
    };
    let mut told = visit.inside.write(None, &path, json!({ "password": password.expose() })).await;
    match (told.status.as_u16(), told.token()) {
        (200, Some(token)) => Ok((token, true)),
        (429 | 500.., _) => {
            Err((StatusCode::SERVICE_UNAVAILABLE, "Nobody can sign in just now. Try again shortly."))
        }
        _ => Err((StatusCode::FORBIDDEN, REFUSED)),
    }
}

/// Where a user logs in. No part of it may lead out of the mount.
fn login_path(mount: &str, username: &str) -> Option<String> {
    let parts: Vec<&str> = mount.trim_matches('/').split('/').collect();
    let is_plain = |part: &&str| !part.is_empty() && *part != "." && *part != "..";
    let is_whole = parts.iter().chain([&username]).all(is_plain) && !username.contains('/');
    let mount: Vec<String> = parts.into_iter().map(encoded).collect();
    is_whole.then(|| format!("auth/{}/login/{}", mount.join("/"), encoded(username)))
}

/// POST `/ui/sign-out`.
pub(in crate::dashboard) async fn leave(signed_in: &SignedIn) -> Response<Body> {
    signed_in.end();
    if signed_in.session.is_own {
        let inside = &signed_in.visit.inside;
        let told = inside.write(Some(&signed_in.session.token), "auth/token/revoke-self", json!({})).await;
        if !told.status.is_success() {
            tracing::warn!(status = %told.status, "the token of a session that was left lives on until its end");
        }
    }
    let mut response = on_to("/ui/sign-in");
    if let Some(cookie) = signed_in.visit.set_cookie("") {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// A page of the dashboard, and nothing else. What a form asked for is no page; the one that it stood on is.
pub(super) fn safe_next(text: &str) -> String {
    // What may be pressed about an incident has a page of its own, by the name of the act.
    let page = |word: &&str| text.strip_suffix(word).filter(|page| !page.ends_with("/act"));
    let text = FORMS.iter().find_map(page).unwrap_or(text);
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/-_".contains(letter);
    let is_page = text.starts_with("/ui/") && !text.contains("//") && text.chars().all(is_plain);
    let is_shown = is_page && !text.starts_with("/ui/sign");
    if is_shown { text.to_owned() } else { String::new() }
}

/// What the address of a form adds to that of the page on which it stands.
const FORMS: [&str; 15] = [
    "/ack",
    "/assign",
    "/note",
    "/review",
    "/merge",
    "/unmerge",
    "/out",
    "/extend",
    "/in",
    "/password",
    "/check",
    "/maintenance",
    "/end",
    "/test",
    "/make",
];
/// Where users are, unless somebody says otherwise.
const MOUNT: &str = "userpass";
const REFUSED: &str = "Not signed in: the token is not known here, or name and password do not fit.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_stays_within_its_mount() {
        for (mount, username, want) in [
            ("userpass", "mary", Some("auth/userpass/login/mary")),
            ("/team/people/", "mary@x y", Some("auth/team/people/login/mary%40x%20y")),
            ("userpass", "..", None),
            ("..", "mary", None),
            ("a/../b", "mary", None),
            ("a//b", "mary", None),
            ("", "mary", None),
            ("userpass", "a/b", None),
            ("userpass", "%2e%2e", Some("auth/userpass/login/%252e%252e")),
        ] {
            assert_eq!(login_path(mount, username).as_deref(), want, "{mount} {username}");
        }
    }

    #[test]
    fn signing_in_leads_to_pages_of_the_dashboard_alone() {
        for (next, want) in [
            ("/ui/incident/0-a", "/ui/incident/0-a"),
            ("/ui/accounts", "/ui/accounts"),
            ("/ui/incident/0-a/note", "/ui/incident/0-a"),
            ("/ui/checkouts/out", "/ui/checkouts"),
            ("/ui/checkouts/in", "/ui/checkouts"),
            ("/ui/incident/0-a/act/retry", "/ui/incident/0-a/act/retry"),
            ("/ui//evil.example", ""),
            ("//evil.example", ""),
            ("https://evil.example", ""),
            ("/ui/../v1/x", ""),
            ("/ui/\\evil", ""),
            ("/ui/sign-out", ""),
            ("/v1/sys/seal", ""),
        ] {
            assert_eq!(safe_next(next), want, "{next}");
        }
    }
}
