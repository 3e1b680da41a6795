//! Bad input: whatever comes, the answer says what to mend, and the vault goes on.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use vault_tests::vault::ROOT;
use vault_tests::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_request_is_told_what_to_mend() {
    let world = World::new().await.unwrap();
    let kept = world.adopted("db/app", "app").await.unwrap();
    let status = world.status("db/app").await.unwrap();
    let tables = [of_accounts(), of_targets(&world.url()), of_policies(), of_others()];
    for (path, body, wanted, word) in tables.concat() {
        let answer = world.vault.post(path, body.clone()).await.unwrap();
        let shown: String = body.to_string().chars().take(200).collect();
        assert_eq!(answer.status, wanted, "{path} {shown}: {}", answer.body);
        assert!(answer.body["errors"].is_array(), "{path} {shown}: {}", answer.body);
        if wanted != 404 {
            let said = answer.body["errors"][0].as_str().unwrap_or_default();
            assert!(said.contains(' ') && said.contains(word), "{path} {shown}: {said:?}");
            assert!(said.len() < 1000, "{path}: the input comes back: {said:?}");
        }
    }
    // Nothing of that did anything.
    assert_eq!(world.status("db/app").await.unwrap(), status);
    assert_eq!(world.credential("db/app").await.unwrap(), kept);
    let accounts = world.vault.call(list(), "accounts/config", None, ROOT).await.unwrap();
    assert_eq!(accounts.data().unwrap()["keys"], json!(["db/"]));
    for path in ["targets/config/x", "rotation-policies/x", "password-policies/x", "sys/policies/acl/x"] {
        assert_eq!(world.vault.get(path).await.unwrap().status, 404, "{path} was stored");
    }
    still_works(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_bytes_no_path_answers_with_a_fault_of_the_server() {
    let world = World::new().await.unwrap();
    world.adopted("db/app", "app").await.unwrap();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let huge = json!({ "reason": "x".repeat(40 << 20) }).to_string();
    let wide = format!("{{{}\"z\":1}}", (0..20_000).map(|n| format!("\"k{n}\":{n},")).collect::<String>());
    let bodies: Vec<(&str, &[u8])> = vec![
        ("nothing", b""),
        ("no JSON", b"ttl=30m"),
        ("half", br#"{"ttl": "30"#),
        ("two", b"{} {}"),
        ("an array", br#"[{"ttl": "30m"}]"#),
        ("a number", b"4711"),
        ("no UTF-8", b"{\"reason\": \"\xff\xfe\"}"),
        ("a lone surrogate", br#"{"reason": "\ud800"}"#),
        ("NUL", b"{\"target\": \"pg\", \"username\": \"\\u0000\"}"),
        ("a great number", br#"{"ttl": 1e400, "retries": 99999999999999999999999, "max_ttl": -0.0}"#),
        ("twice", br#"{"target": "pg", "target": "pg", "username": "a", "username": "b"}"#),
        ("text from right to left", "{\"reason\": \"\u{202e}evil\u{0007}\"}".as_bytes()),
        ("everything null", br#"{"target":null,"username":null,"password":null,"ttl":null,"policy":null}"#),
        (
            "everything an object",
            br#"{"target":{},"username":{},"password":{},"ttl":{},"policy":{},"rotator":{}}"#,
        ),
        ("deep", deep.as_bytes()),
        ("wide", wide.as_bytes()),
    ];
    let writes = [
        "accounts/config/in/put",
        "accounts/check-out/none",
        "accounts/check-in/none",
        "accounts/rotate/none",
        "accounts/verify/none",
        "accounts/reconcile/none",
        "accounts/rehearse/none",
        "targets/config/input",
        "targets/check/none",
        "targets/rotate/none",
        "rotation-policies/input",
        "password-policies/input",
        "sys/leases/renew",
        "sys/leases/revoke",
        "sys/leases/lookup",
        "sys/leases/revoke-prefix/none",
        "incidents/none/ack",
        "incidents/none/assign",
        "incidents/none/note",
        "auth/token/lookup",
        "auth/token/renew",
        "sys/policies/acl/input",
        "sys/audit-hash/file",
        "sys/capabilities",
    ];
    for path in writes {
        for (name, body) in &bodies {
            let (status, text) = raw(&world, "POST", path, body).await;
            assert!(status < 500, "{path} with {name}: {status} {text}");
            assert!(status < 400 || has_errors(&text), "{path} with {name}: {status} {text}");
        }
    }
    let (status, text) = raw(&world, "POST", "accounts/check-out/db/app", huge.as_bytes()).await;
    assert!(status == 413 && has_errors(&text), "{status} {text}");
    still_works(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_a_path_breaks_out_or_breaks_anything() {
    let world = World::new().await.unwrap();
    world.adopted("db/app", "app").await.unwrap();
    let long = "a".repeat(600);
    let many = "a/".repeat(2000);
    let names = [
        "..",
        "../..",
        "%2e%2e",
        "%2E%2E/%2e%2e/etc",
        ".",
        "%2e",
        "a//b",
        "/",
        "//",
        "a/",
        "%00",
        "a%0ab",
        "%ff",
        "%c3%28",
        "%",
        "%zz",
        "%F0%9F%92%A9",
        "%E2%80%AE",
        "'%20OR%201=1--",
        "%22%3B%20DROP",
        "*",
        "+",
        "{{username}}",
        "a%2Fb",
        "~",
        "a%3Fb",
        "a%23b",
        &long,
        &many,
        "con",
        "%5c..%5c..",
        "db/app/../../x",
        "db/app/",
    ];
    let places = [
        "accounts/config",
        "accounts/creds",
        "accounts/status",
        "accounts/history",
        "accounts/rotate",
        "accounts/check-out",
        "targets/config",
        "targets/status",
        "targets/check",
        "rotation-policies",
        "password-policies",
        "incidents",
        "sys/leases/lookup",
        "sys/leases/renew",
        "sys/policies/acl",
    ];
    for place in places {
        for name in names {
            for method in ["GET", "LIST", "DELETE", "POST", "PUT", "PATCH", "HEAD", "OPTIONS", "BREW"] {
                // To read what is there is no bad input, and to lend or rotate it no good one here.
                if name.starts_with("db/app") && method != "GET" {
                    continue;
                }
                let (status, text) = raw(&world, method, &format!("{place}/{name}"), b"{}").await;
                assert!(status < 500, "{method} {place}/{name}: {status} {text}");
                let silent = method == "HEAD" || status < 400;
                assert!(silent || has_errors(&text), "{method} {place}/{name}: {status} {text}");
            }
        }
    }
    still_works(&world).await;
}

/// Path, body, status, and a word of the sentence.
type Row = (&'static str, Value, u16, &'static str);

#[rustfmt::skip]
fn of_accounts() -> Vec<Row> {
    let account = |more: Value| with(json!({ "target": "pg", "username": "other" }), more);
    vec![
        ("accounts/config/x", json!({}), 400, "target"),
        ("accounts/config/x", json!({ "target": "pg" }), 400, "username"),
        ("accounts/config/x", json!({ "target": "nowhere", "username": "a" }), 400, "targets/config/nowhere"),
        ("accounts/config/x", json!({ "target": "a/b", "username": "a" }), 400, "name"),
        ("accounts/config/x", json!({ "target": ["pg"], "username": "a" }), 400, "target"),
        ("accounts/config/x", account(json!({ "username": { "a": 1 } })), 400, "username"),
        ("accounts/config/x", account(json!({ "username": "" })), 400, "username"),
        ("accounts/config/x", account(json!({ "username": "x".repeat(5000) })), 400, "username"),
        ("accounts/config/x", account(json!({ "username": "pg_monitor" })), 400, "reserved"),
        ("accounts/config/x", account(json!({ "username": "a\u{0}b" })), 400, "NUL"),
        ("accounts/config/x", account(json!({ "password": 7 })), 400, "password"),
        ("accounts/config/x", account(json!({ "password": "a\u{0}b" })), 400, "NUL"),
        ("accounts/config/x", account(json!({ "rotation_policy": "none" })), 400, "rotation-policies/none"),
        ("accounts/config/x", account(json!({ "password_policy": "none" })), 400, "password-policies/none"),
        ("accounts/config/x", account(json!({ "rotation_policy": "../x" })), 400, "name"),
        ("accounts/config/x", account(json!({ "max_ttl": "soon" })), 400, "max_ttl"),
        ("accounts/config/x", account(json!({ "max_ttl": -1 })), 400, "max_ttl"),
        ("accounts/config/x", account(json!({ "ttl": "2h", "max_ttl": "1h" })), 400, "ttl"),
        ("accounts/config/db/app", json!({ "target": "pg", "username": "else" }), 400, "username"),
        ("accounts/config/db/second", json!({ "target": "pg", "username": "app" }), 409, "already managed"),
        ("accounts/config/db/keeper", json!({ "target": "pg", "username": "keeper" }), 409, "already managed"),
        ("accounts/check-out/db/app", json!({ "ttl": "tomorrow" }), 400, "ttl"),
        ("accounts/check-out/db/app", json!({ "ttl": u64::MAX }), 400, "ttl"),
        ("accounts/check-out/db/app", json!({ "ttl": "-5m" }), 400, "ttl"),
        ("accounts/check-out/db/app", json!({ "ttl": [1] }), 400, "ttl"),
        ("accounts/check-out/db/app", json!({ "wait": "a while" }), 400, "wait"),
        ("accounts/check-out/db/app", json!({ "reason": { "why": "so" } }), 400, "reason"),
        ("accounts/check-in/db/app", json!({}), 409, "not checked out"),
        ("accounts/check-in/db/app", json!({ "lease_id": [] }), 400, "lease_id"),
        ("accounts/check-in/db/app", json!({ "lease_id": "accounts/check-out/db/app/x" }), 409, "nothing was changed"),
        ("accounts/check-in/db/app", json!({ "force": "perhaps" }), 400, "force"),
        ("accounts/rotate/db/app", json!({ "force": 2 }), 400, "force"),
        ("accounts/check-out/no/such", json!({}), 404, ""),
        ("accounts/check-in/no/such", json!({}), 404, ""),
    ]
}

#[rustfmt::skip]
fn of_targets(url: &str) -> Vec<Row> {
    let target = |more: Value| {
        let base = json!({
            "rotator": "postgresql", "connection_url": url, "username": "keeper", "password": "p",
        });
        with(base, more)
    };
    vec![
        ("targets/config/x", json!({}), 400, "rotator"),
        ("targets/config/x", target(json!({ "rotator": "abacus" })), 400, "postgresql"),
        ("targets/config/x", target(json!({ "connection_url": "" })), 400, "connection_url"),
        ("targets/config/x", target(json!({ "connection_url": "db:5432" })), 400, "connection_url"),
        ("targets/config/x", target(json!({ "connection_url": "postgresql://a:b@h/d" })), 400, "literal"),
        ("targets/config/x", target(json!({ "connection_url": "postgresql://{{username}}:{{password}}@h:99999/d" })), 400, "port"),
        ("targets/config/x", target(json!({ "username": "" })), 400, "username"),
        ("targets/config/x", target(json!({ "password": null })), 400, "password"),
        ("targets/config/x", target(json!({ "password": ["p"] })), 400, "password"),
        ("targets/config/x", target(json!({ "max_concurrency": 0 })), 400, "max_concurrency"),
        ("targets/config/x", target(json!({ "max_concurrency": 1_000_000 })), 400, "max_concurrency"),
        ("targets/config/x", target(json!({ "max_concurrency": "1e3" })), 400, "max_concurrency"),
        ("targets/config/x", target(json!({ "sslmodus": "off" })), 400, "sslmodus"),
        ("targets/config/x", target(json!({ "password_hashing": "rot13" })), 400, "password_hashing"),
        ("targets/config/x", target(json!({ "rotation_policy": "none" })), 400, "rotation-policies/none"),
        ("targets/config/pg", target(json!({ "username": "else" })), 400, "username"),
    ]
}

#[rustfmt::skip]
fn of_policies() -> Vec<Row> {
    let policy = |more: Value| with(json!({ "rotation_period": "1h" }), more);
    vec![
        ("rotation-policies/x", json!({}), 400, "rotation_period"),
        ("rotation-policies/x", policy(json!({ "rotation_period": "1s" })), 400, "at least 5s"),
        ("rotation-policies/x", policy(json!({ "rotation_period": "ten" })), 400, "rotation_period"),
        ("rotation-policies/x", policy(json!({ "rotation_period": u64::MAX })), 400, "rotation_period"),
        ("rotation-policies/x", policy(json!({ "grace": u64::MAX.to_string() })), 400, "grace"),
        ("rotation-policies/x", policy(json!({ "retry_cap": "1e99" })), 400, "retry_cap"),
        ("rotation-policies/x", policy(json!({ "rotation_schedule": "0 3 * * *" })), 400, "not both"),
        ("rotation-policies/x", policy(json!({ "jitter": "2h" })), 400, "jitter"),
        ("rotation-policies/x", policy(json!({ "retries": 21 })), 400, "retries"),
        ("rotation-policies/x", policy(json!({ "retries": -1 })), 400, "retries"),
        ("rotation-policies/x", policy(json!({ "retry_base": "2h", "retry_cap": "1h" })), 400, "retry_base"),
        ("rotation-policies/x", policy(json!({ "rotation_window": "1h" })), 400, "rotation_window"),
        ("rotation-policies/x", json!({ "rotation_schedule": "61 * * * *" }), 400, "rotation_schedule"),
        ("rotation-policies/x", json!({ "rotation_schedule": "0 0 30 2 *" }), 400, "rotation_schedule"),
        ("rotation-policies/x", json!({ "rotation_schedule": "x".repeat(5000) }), 400, "rotation_schedule"),
        ("rotation-policies/x", json!({ "rotation_schedule": "@daily", "time_zone": "Mars/Olympus" }), 400, "time_zone"),
        ("password-policies/x", json!({}), 400, "policy"),
        ("password-policies/x", json!({ "policy": "length = " }), 400, ""),
        ("password-policies/x", json!({ "policy": "length = 3" }), 400, ""),
        ("password-policies/x", json!({ "policy": ["length"] }), 400, "policy"),
        ("sys/policies/acl/x", json!({ "policy": "path {" }), 400, ""),
    ]
}

#[rustfmt::skip]
fn of_others() -> Vec<Row> {
    vec![
        ("sys/leases/renew", json!({}), 400, "lease_id"),
        ("sys/leases/renew", json!({ "lease_id": "accounts/check-out/db/app/x" }), 400, "lease"),
        ("sys/leases/lookup", json!({ "lease_id": "x".repeat(5000) }), 400, "lease"),
        ("sys/leases/revoke", json!({}), 400, "lease_id"),
        ("incidents/0/ack", json!({}), 404, ""),
        ("incidents/ä/note", json!({ "text": "x" }), 404, ""),
        ("accounts/rotate/no/such", json!({}), 404, ""),
        ("accounts/verify/no/such", json!({}), 404, ""),
        ("accounts/reconcile/no/such", json!({}), 404, ""),
        ("accounts/rehearse/no/such", json!({}), 404, ""),
        ("targets/check/nowhere", json!({}), 404, ""),
        ("targets/rotate/nowhere", json!({}), 404, ""),
        ("targets/check/%C3%A4", json!({}), 400, "name"),
    ]
}

/// Whether the body of a refusal has the list of errors.
fn has_errors(body: &str) -> bool {
    serde_json::from_str::<Value>(body).is_ok_and(|body| body["errors"].is_array())
}

async fn still_works(world: &World) {
    let version = world.credential("db/app").await.unwrap().version;
    let answer = world.rotate("db/app").await.unwrap();
    assert_eq!(answer.data().unwrap()["version"], version + 1);
    world.healed("db/app").await.unwrap();
    let log = world.vault.log();
    assert!(!log.contains("panicked"), "{log}");
    assert!(world.vault.audit_is_intact().unwrap());
}

/// One request, byte by byte as given: no client that tidies it up. Status and body of the answer.
async fn raw(world: &World, method: &str, path: &str, body: &[u8]) -> (u16, String) {
    let address = world.vault.address();
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).await.unwrap();
    let head = format!(
        "{method} /v1/{path} HTTP/1.1\r\nHost: vault\r\nX-Vault-Token: {ROOT}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // A server that refuses a body early need not read it to its end.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "{method} {path}: no end of the answer");
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.unwrap_or_else(|| panic!("{method} {path}: no answer: {text:?}"));
    let (_, body) = text.split_once("\r\n\r\n").unwrap_or_default();
    (status, body.to_owned())
}

fn with(mut base: Value, more: Value) -> Value {
    if let (Value::Object(base), Value::Object(more)) = (&mut base, more) {
        base.extend(more);
    }
    base
}

fn list() -> reqwest::Method {
    reqwest::Method::from_bytes(b"LIST").unwrap()
}
