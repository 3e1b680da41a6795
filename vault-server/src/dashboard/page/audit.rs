//! Search in the audit trail: who did what, to what, when, and how it ended.

use askama::Template;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Map, Value};
use vault_api::audit::AuditSearchResponse;
use vault_core::clock::Timestamp;

use super::{Frame, html};
use crate::dashboard::time::When;
use crate::dashboard::visit::{Part, SignedIn, reason};
use crate::http::inside::encoded;
use crate::http::{Fields, Told};

#[derive(Template)]
#[template(path = "audit.html")]
struct Audit {
    frame: Frame,
    asked: Asked,
    /// What was wrong with what was asked.
    alert: String,
    found: Part<Found>,
}

/// What was asked for, as it stands in the form.
#[derive(Default)]
struct Asked {
    path: String,
    principal: String,
    operation: String,
    outcome: String,
    kind: String,
    from: String,
    to: String,
    cursor: String,
}

struct Found {
    rows: Vec<Row>,
    told: AuditSearchResponse,
    /// Where the search goes on.
    older: Option<String>,
}

/// A line of the trail.
struct Row {
    seq: u64,
    at: When,
    kind: String,
    who: String,
    operation: String,
    path: String,
    remote: String,
    status: String,
    is_bad: bool,
    error: String,
    raw: String,
}

/// GET `/ui/audit?path=…&principal=…`.
pub(in crate::dashboard) async fn show(signed_in: &SignedIn) -> Response<Body> {
    let asked = Asked::of(|name| signed_in.visit.asked(name).to_owned());
    page(signed_in, asked, Map::new()).await
}

/// POST `/ui/audit`: with a value that the trail holds a digest of. It stands in no address and on no page.
pub(in crate::dashboard) async fn look(signed_in: &SignedIn, form: &Fields) -> Response<Body> {
    let asked = Asked::of(|name| form.text(name).ok().flatten().unwrap_or_default());
    let mut body = Map::new();
    if let Some(value) = form.secret("value").ok().flatten().filter(|value| !value.expose().is_empty()) {
        body.insert("value".to_owned(), Value::from(value.expose()));
    }
    page(signed_in, asked, body).await
}

impl Asked {
    fn of(text: impl Fn(&str) -> String) -> Self {
        let text = |name: &str| text(name).trim().to_owned();
        Self {
            path: text("path"),
            principal: text("principal"),
            operation: text("operation"),
            outcome: text("outcome"),
            kind: text("type"),
            from: text("from"),
            to: text("to"),
            cursor: text("cursor"),
        }
    }

    fn pairs(&self) -> [(&'static str, &str); 8] {
        [
            ("path", &self.path),
            ("principal", &self.principal),
            ("operation", &self.operation),
            ("outcome", &self.outcome),
            ("type", &self.kind),
            ("from", &self.from),
            ("to", &self.to),
            ("cursor", &self.cursor),
        ]
    }

    fn address(&self, cursor: &str) -> String {
        let pairs = self.pairs().into_iter().filter(|(name, text)| *name != "cursor" && !text.is_empty());
        let pairs = pairs.chain([("cursor", cursor)]);
        let pairs: Vec<String> = pairs.map(|(name, text)| format!("{name}={}", encoded(text))).collect();
        format!("/ui/audit?{}", pairs.join("&"))
    }
}

async fn page(signed_in: &SignedIn, asked: Asked, mut body: Map<String, Value>) -> Response<Body> {
    let is_by_value = body.contains_key("value");
    for (name, text) in asked.pairs() {
        if !text.is_empty() {
            body.insert(name.to_owned(), Value::from(text));
        }
    }
    let told = signed_in.write("sys/audit-search", Value::Object(body)).await;
    let now = signed_in.visit.now;
    let found = told.data::<AuditSearchResponse>().map(|told| found(told, (&asked, is_by_value), now));
    let status = if told.status.is_success() && found.is_none() {
        StatusCode::INTERNAL_SERVER_ERROR
    } else {
        told.status
    };
    let alert = if is_mendable(&told) { told.errors() } else { String::new() };
    let why = if found.is_some() || !alert.is_empty() { String::new() } else { reason(&told) };
    let found = Part { told: found, why };
    html(status, &Audit { frame: Frame::of(signed_in, "audit", "Audit"), asked, alert, found })
}

fn is_mendable(told: &Told) -> bool {
    matches!(told.status, StatusCode::BAD_REQUEST | StatusCode::CONFLICT)
}

fn found(told: AuditSearchResponse, (asked, is_by_value): (&Asked, bool), now: Timestamp) -> Found {
    // A value stands in no address, so such a search goes on by being sent again.
    let older = told.next.as_deref().filter(|_| !is_by_value).map(|cursor| asked.address(cursor));
    Found { rows: told.lines.iter().map(|line| row(line, now)).collect(), older, told }
}

fn row(raw: &str, now: Timestamp) -> Row {
    let line: Value = serde_json::from_str(raw).unwrap_or_default();
    let at = |pointer: &str| line.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let either =
        |one: &str, other: &str| Some(at(one)).filter(|text| !text.is_empty()).unwrap_or_else(|| at(other));
    let kind = at("/type");
    let status = line.pointer("/response/status").and_then(Value::as_u64);
    let error = at("/error");
    let chain = line.get("chain").and_then(Value::as_object).and_then(|chain| chain.keys().next().cloned());
    let who = match kind.as_str() {
        "system" | "chain" => "the vault".to_owned(),
        _ => Some(at("/auth/display_name")).filter(|name| !name.is_empty()).unwrap_or("nobody".to_owned()),
    };
    Row {
        seq: line.get("seq").and_then(Value::as_u64).unwrap_or(0),
        at: When::of(line.get("time").and_then(Value::as_str), now, "no time"),
        who,
        operation: chain.unwrap_or_else(|| either("/request/operation", "/system/event")),
        path: either("/request/path", "/system/path"),
        remote: at("/request/remote_address"),
        is_bad: !error.is_empty() || status.is_some_and(|status| status >= 400),
        status: match (status, kind.as_str()) {
            (Some(status), _) => status.to_string(),
            (None, "request") if !error.is_empty() => "refused".to_owned(),
            (None, "request") => "asked".to_owned(),
            (None, _) => "–".to_owned(),
        },
        error,
        kind,
        raw: raw.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_is_told_by_who_what_where_and_how_it_ended() {
        let now = Timestamp::from_secs(1_800_000_000);
        let of = |line: Value| {
            let row = row(&line.to_string(), now);
            (row.who, row.operation, row.path, row.status, row.is_bad)
        };
        let want = |who: &str, operation: &str, path: &str, status: &str, is_bad| {
            (who.to_owned(), operation.to_owned(), path.to_owned(), status.to_owned(), is_bad)
        };
        let request = json!({ "operation": "update", "path": "a/b" });
        let auth = json!({ "display_name": "ada" });
        let line =
            json!({ "type": "response", "auth": auth, "request": request, "response": { "status": 409 } });
        assert_eq!(of(line), want("ada", "update", "a/b", "409", true));
        let line = json!({ "type": "request", "request": request, "error": "permission denied" });
        assert_eq!(of(line), want("nobody", "update", "a/b", "refused", true));
        let line = json!({ "type": "request", "auth": auth, "request": request });
        assert_eq!(of(line), want("ada", "update", "a/b", "asked", false));
        let line =
            json!({ "type": "system", "system": { "event": "rotation_promoted", "path": "accounts/app" } });
        assert_eq!(of(line), want("the vault", "rotation_promoted", "accounts/app", "–", false));
        let line = json!({ "type": "chain", "chain": { "checkpoint": {} } });
        assert_eq!(of(line), want("the vault", "checkpoint", "", "–", false));
        assert_eq!(of(json!("no line")), want("nobody", "", "", "–", false));
    }

    #[test]
    fn a_search_goes_on_with_what_was_asked() {
        let asked = Asked { path: "db/a b".to_owned(), cursor: "9-9".to_owned(), ..Asked::default() };
        assert_eq!(asked.address("5-1"), "/ui/audit?path=db%2Fa%20b&cursor=5-1");
    }
}
