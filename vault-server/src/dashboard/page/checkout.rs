//! One account in somebody's hand: checked out, extended, looked at, given back.
//!
//! No page holds a password unless somebody pressed for just that. Each press is the API's own check-out or read.

use askama::Template;
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value, json};
use vault_api::account::AccountStatus;
use vault_api::checkout::{CheckInResponse, LeaseEnd};
use vault_core::path::AccountPath;
use vault_core::secret::{SecretString, wipe};

use super::checkouts::{Lent, lent, one};
use super::typed::{Refused, Typed};
use super::{Frame, html, on_to, refusal, state};
use crate::dashboard::time::When;
use crate::dashboard::visit::{Part, SignedIn};
use crate::http::inside::{encoded, encoded_path};
use crate::http::{Fields, Told};

#[derive(Template)]
#[template(path = "checkout.html")]
struct Page {
    frame: Frame,
    /// What was refused.
    alert: String,
    /// The form of it, with what was typed.
    typed: Typed,
    path: String,
    address: String,
    account: Part<Shown>,
    may: May,
}

struct Shown {
    status: AccountStatus,
    changed: When,
    lent: Option<Lent>,
    lease_id: String,
    /// The other accounts of its target.
    beside: String,
}

/// Which forms are worth showing.
#[derive(Clone, Copy, Default)]
struct May {
    take: bool,
    give: bool,
    /// To give back what others have.
    force: bool,
    extend: bool,
    read: bool,
}

/// The password, because somebody pressed for it.
#[derive(Template)]
#[template(path = "password.html")]
struct Bare<'a> {
    frame: Frame,
    path: &'a str,
    address: String,
    username: &'a str,
    password: &'a str,
    is_lent: bool,
    warnings: Vec<String>,
}

#[derive(Template)]
#[template(path = "returned.html")]
struct Returned<'a> {
    frame: Frame,
    path: &'a str,
    address: String,
    is_closed: bool,
    version: Option<u64>,
    incident: Option<String>,
    warnings: Vec<String>,
}

/// GET `/ui/checkout?account=…`.
pub(in crate::dashboard) async fn show(signed_in: &SignedIn) -> Response<Body> {
    match signed_in.visit.asked("account").trim() {
        "" => on_to("/ui/checkouts"),
        path => match AccountPath::parse(path) {
            Ok(path) => page(signed_in, path.as_str(), None).await,
            Err(_) => state::missing(StatusCode::NOT_FOUND),
        },
    }
}

/// POST `/ui/checkouts/{out,extend,in,password}`.
pub(in crate::dashboard) async fn write(signed_in: &SignedIn, word: &str, form: &Fields) -> Response<Body> {
    let given = form.text("account").ok().flatten().unwrap_or_default();
    let Ok(path) = AccountPath::parse(given.trim()) else { return state::missing(StatusCode::NOT_FOUND) };
    let path = path.as_str();
    match word {
        "out" => take(signed_in, path, form).await,
        "extend" => extend(signed_in, path, form).await,
        "in" => give(signed_in, path, form).await,
        "password" => {
            let told = signed_in.read(&format!("accounts/creds/{}", encoded_path(path))).await;
            answered(signed_in, path, told, (then(form), None)).await
        }
        _ => state::missing(StatusCode::NOT_FOUND),
    }
}

/// What becomes of a password that was handed out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Nothing: the page does not hold it.
    Leave,
    /// It is put into a page of its own.
    Show,
    /// The script puts it into the clipboard.
    Copy,
}

fn then(form: &Fields) -> Then {
    match form.text("then").ok().flatten().as_deref() {
        Some("show") => Then::Show,
        Some("copy") => Then::Copy,
        Some(_) | None => Then::Leave,
    }
}

async fn take(signed_in: &SignedIn, path: &str, form: &Fields) -> Response<Body> {
    let mut body = given(form, &["reason", "ticket", "ttl"]);
    if form.flag("wait").ok().flatten() == Some(true) {
        body.insert("wait".to_owned(), Value::from(WAIT));
    }
    let told = signed_in.write(&format!("accounts/check-out/{}", encoded_path(path)), body.into()).await;
    answered(signed_in, path, told, (then(form), Some(form))).await
}

/// Answers with a password as it was asked for: by the form of a check-out, or for an account that is in hand.
async fn answered(
    signed_in: &SignedIn,
    path: &str,
    mut told: Told,
    (then, out): (Then, Option<&Fields>),
) -> Response<Body> {
    let username = told.data::<Name>().unwrap_or_default().username;
    let password = told.secret("password");
    match (password, then) {
        (Some(_), Then::Leave) => on_to(&one(path)),
        (Some(password), Then::Copy) => {
            let mut body = json!({ "username": username, "password": password.expose() });
            let response = plain(StatusCode::OK, &body);
            wipe(&mut body);
            response
        }
        (Some(password), Then::Show) => {
            bare(signed_in, path, (&username, &password), (out.is_some(), told.warnings()))
        }
        (None, Then::Copy) => {
            let status = if told.status.is_success() { StatusCode::BAD_GATEWAY } else { told.status };
            plain(status, &json!({ "error": refusal(&told, LOOK) }))
        }
        (None, Then::Leave | Then::Show) => {
            let typed = out.map(|form| Typed::of("out", form, &["reason", "ticket", "ttl", "wait"]));
            let refused = Refused { told: &told, typed: typed.unwrap_or_default() };
            page(signed_in, path, Some(refused)).await
        }
    }
}

fn bare(
    signed_in: &SignedIn,
    path: &str,
    (username, password): (&str, &SecretString),
    (is_lent, warnings): (bool, Vec<String>),
) -> Response<Body> {
    let frame = Frame::of(signed_in, "checkouts", "Password");
    let password = password.expose();
    html(StatusCode::OK, &Bare { frame, path, address: one(path), username, password, is_lent, warnings })
}

/// What the script reads; like every answer but an asset's, it is kept by nobody.
fn plain(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn extend(signed_in: &SignedIn, path: &str, form: &Fields) -> Response<Body> {
    let told = signed_in.write("sys/leases/renew", given(form, &["lease_id", "increment"]).into()).await;
    if told.status.is_success() {
        return on_to(&one(path));
    }
    let typed = Typed::of("extend", form, &["increment"]);
    page(signed_in, path, Some(Refused { told: &told, typed })).await
}

async fn give(signed_in: &SignedIn, path: &str, form: &Fields) -> Response<Body> {
    let mut body = given(form, &["lease_id"]);
    if form.flag("force").ok().flatten() == Some(true) {
        body.insert("force".to_owned(), Value::from(true));
    }
    let told = signed_in.write(&format!("accounts/check-in/{}", encoded_path(path)), body.into()).await;
    let Some(ended) = told.data::<CheckInResponse>() else {
        return page(signed_in, path, Some(Refused { told: &told, typed: Typed::default() })).await;
    };
    let returned = Returned {
        frame: Frame::of(signed_in, "checkouts", "Check-in"),
        path,
        address: one(path),
        is_closed: ended.state == LeaseEnd::Closed,
        version: ended.version,
        incident: ended.incident,
        warnings: told.warnings(),
    };
    html(StatusCode::OK, &returned)
}

/// The fields of a form that say something.
fn given(form: &Fields, names: &[&str]) -> Map<String, Value> {
    let text = |name: &str| form.text(name).ok().flatten().filter(|text| !text.trim().is_empty());
    names.iter().filter_map(|name| Some(((*name).to_owned(), Value::from(text(name)?.trim())))).collect()
}

async fn page(signed_in: &SignedIn, path: &str, refused: Option<Refused<'_>>) -> Response<Body> {
    let now = signed_in.visit.now;
    let told = signed_in.read(&format!("accounts/status/{}", encoded_path(path))).await;
    let found: Part<AccountStatus> = Part::of(&told);
    let status = match &refused {
        // An answer of success that cannot be read is none.
        Some(refused) if refused.told.status.is_success() => StatusCode::INTERNAL_SERVER_ERROR,
        Some(refused) => refused.told.status,
        None if found.told.is_some() => StatusCode::OK,
        None => told.status,
    };
    let account = Part {
        told: found.told.map(|status| Shown {
            changed: When::of(status.last_rotation.as_deref(), now, "never"),
            lent: lent(&status, now),
            lease_id: status.holder.as_ref().and_then(|holder| holder.lease_id.clone()).unwrap_or_default(),
            beside: format!("/ui/accounts?q={}", encoded(&status.target)),
            status,
        }),
        why: found.why,
    };
    let may = if told.status == StatusCode::NOT_FOUND { May::default() } else { may(signed_in, path).await };
    let frame = Frame::of(signed_in, "checkouts", path).refreshed(format!("{}&auto=1", one(path)));
    let alert = refused.as_ref().map(|refused| refusal(refused.told, LOOK)).unwrap_or_default();
    let typed = refused.map(|refused| refused.typed).unwrap_or_default();
    html(status, &Page { frame, alert, typed, path: path.to_owned(), address: one(path), account, may })
}

async fn may(signed_in: &SignedIn, path: &str) -> May {
    let at = |word: &str| format!("accounts/{word}/{path}");
    let renew = "sys/leases/renew".to_owned();
    let (out, back, read) = (at("check-out"), at("check-in"), at("creds"));
    let rights = signed_in.rights(&[out.clone(), back.clone(), read.clone(), renew.clone()]).await;
    May {
        take: rights.may("update", &out),
        give: rights.may("update", &back),
        force: rights.surely("update", &back) && rights.surely("sudo", &back),
        extend: rights.may("update", &renew),
        read: rights.may("read", &read),
    }
}

/// The part of an answer that is no secret.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Name {
    username: String,
}

/// What is to be done where nobody knows how far it came.
const LOOK: &str = "Look who has the account before you repeat it";
/// How long a form waits in line.
const WAIT: &str = "20s";
