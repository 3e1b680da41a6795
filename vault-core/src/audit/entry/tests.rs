//! The exact lines, and that no secret is in them.

use serde_json::json;

use super::super::head::Head;
use super::super::line::compose;
use super::*;
use crate::clock::Timestamp;
use crate::entropy::SeededEntropy;

const CANARY: &str = "canary-7f3a-hunter2";

fn digester() -> Digester {
    Digester::new(&[7; 32])
}

fn line(entry: &Entry) -> String {
    let mut out = Vec::new();
    let now = Timestamp::from_millis(1_790_000_000_123);
    let _ = compose(&mut out, Head::GENESIS, now, entry.kind(), entry.body());
    String::from_utf8(out).unwrap()
}

/// The line without its two hashes, which follow from the rest, and with digests shortened.
fn shown(entry: &Entry) -> String {
    let line = line(entry);
    let fields = line.split(",\"prev\":").next().unwrap().to_owned();
    [("token", "s.root"), ("accessor", "acc-1"), ("password", CANARY), ("ttl", "30m")]
        .iter()
        .fold(fields, |text, (name, secret)| text.replace(&digester().digest(secret), &format!("<{name}>")))
}

fn auth<'a>(policies: &'a [String]) -> Auth<'a> {
    Auth {
        client_token: Some(Token("s.root")),
        accessor: Some("acc-1"),
        display_name: "userpass-ada",
        policies,
        entity_id: "",
        token_type: "service",
    }
}

fn request(data: Option<&Value>) -> Request<'_> {
    Request {
        id: RequestId::generate(Timestamp::from_millis(1_790_000_000_000), &SeededEntropy::new(1)),
        operation: Operation::Update,
        path: "accounts/check-out/prod/app",
        data,
        plain_keys: &["reason"],
        hidden_keys: &[],
        headers: &[],
        remote_address: "192.0.2.7",
        remote_port: 40_312,
    }
}

#[test]
fn a_request_reads_like_this() {
    let policies = ["default".to_owned(), "dba".to_owned()];
    let data = json!({"ttl": "30m", "reason": "ticket 12", "force": false, "wait": 5});
    let entry = Entry::request(&digester(), &auth(&policies), &request(Some(&data)));
    assert_eq!(
        shown(&entry),
        concat!(
            r#"{"seq":1,"time":"2026-09-21T14:13:20.123Z","type":"request","#,
            r#""auth":{"client_token":"<token>","accessor":"<accessor>","display_name":"userpass-ada","#,
            r#""policies":["default","dba"],"token_type":"service"},"#,
            r#""request":{"id":"01a0c449-f400-@","operation":"update","client_token":"<token>","#,
            r#""client_token_accessor":"<accessor>","path":"accounts/check-out/prod/app","#,
            r#""data":{"force":false,"reason":"ticket 12","ttl":"<ttl>","wait":5},"#,
            r#""remote_address":"192.0.2.7","remote_port":40312}"#,
        )
        .replace("01a0c449-f400-@", &request(None).id.to_string())
    );
}

#[test]
fn a_response_reads_like_this() {
    let data = json!({"username": "app", "password": CANARY, "version": 3});
    let response = Response {
        status: 200,
        data: Some(&data),
        plain_keys: &["username"],
        hidden_keys: &[],
        lease_id: Some("accounts/check-out/prod/app/1"),
        auth: None,
        wrap_info: None,
    };
    let entry = Entry::response(&digester(), &Auth::default(), &request(None), &response);
    assert_eq!(
        shown(&entry),
        concat!(
            r#"{"seq":1,"time":"2026-09-21T14:13:20.123Z","type":"response","#,
            r#""auth":{"display_name":"","policies":[]},"#,
            r#""request":{"id":"@","operation":"update","path":"accounts/check-out/prod/app","#,
            r#""remote_address":"192.0.2.7","remote_port":40312},"#,
            r#""response":{"status":200,"data":{"password":"<password>","username":"app","version":3},"#,
            r#""secret":{"lease_id":"accounts/check-out/prod/app/1"}}"#,
        )
        .replace('@', &request(None).id.to_string())
    );
}

#[test]
fn an_act_of_the_system_reads_like_this() {
    let data = json!({"class": "unreachable", "attempt": 2, "detail": CANARY});
    let system = System {
        event: "rotation_failed",
        path: "accounts/prod/app",
        data: Some(&data),
        plain_keys: &["class"],
    };
    let entry = Entry::system(&digester(), &system).with_error("the target did not \"answer\"");
    assert_eq!(
        shown(&entry),
        concat!(
            r#"{"seq":1,"time":"2026-09-21T14:13:20.123Z","type":"system","#,
            r#""system":{"event":"rotation_failed","path":"accounts/prod/app","#,
            r#""data":{"attempt":2,"class":"unreachable","detail":"<password>"}},"#,
            r#""error":"the target did not \"answer\"""#,
        )
    );
}

#[test]
fn no_secret_is_in_any_line_or_debug_text() {
    let data = json!({
        "password": CANARY, "list": [CANARY, {"deep": CANARY}], "reason": {"not": CANARY}, "n": 1,
    });
    let auth = Auth { client_token: Some(Token(CANARY)), accessor: Some(CANARY), ..Auth::default() };
    let wrap_info = WrapInfo {
        token: Token(CANARY),
        accessor: CANARY,
        ttl: 60,
        creation_time: "2026-09-21T14:13:20.123Z",
        creation_path: "secret/app",
        wrapped_accessor: Some(CANARY),
    };
    let response = Response {
        data: Some(&data),
        plain_keys: &["n", "list"],
        auth: Some(auth),
        wrap_info: Some(wrap_info),
        ..Response::default()
    };
    let system = System { event: "e", path: "", data: Some(&data), plain_keys: &[] };
    let digester = digester();
    for entry in [
        Entry::request(&digester, &auth, &request(Some(&data))),
        Entry::response(&digester, &auth, &request(Some(&data)), &response),
        Entry::system(&digester, &system),
    ] {
        let text = format!("{}{entry:?}", line(&entry));
        assert!(!text.contains(CANARY), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert_eq!(format!("{:?}", Token(CANARY)), "Token(redacted)");
}
