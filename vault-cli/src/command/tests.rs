//! Whole commands against canned answers: what is sent, what is printed, which exit code.

mod asked;
mod hand_over;
mod kv;
mod printed;
mod remedy;
mod run_command;
mod team;
mod watch;

use std::ffi::OsString;

use serde_json::json;

use super::{
    canned::{Canned, data, leased},
    *,
};
use crate::{Parsed, console::fake};

/// What a command did.
struct Outcome {
    code: u8,
    out: String,
    err: String,
}

/// Runs a command line against an address, with a token and this standard input.
async fn run(address: &str, words: &[&str], input: &str) -> Outcome {
    let home = tempfile::tempdir().unwrap();
    run_at_home(address, words, input, home.path()).await
}

async fn run_at_home(address: &str, words: &[&str], input: &str, home: &std::path::Path) -> Outcome {
    let first = ["rotunda", "--address", address, "--token", "hvs.test"];
    let typed = first.iter().chain(words).map(OsString::from);
    let Parsed::Client(command) = crate::parse(typed).unwrap() else { panic!("not for a server: {words:?}") };
    let (console, printed) = fake::console(command.output.format, input);
    let exit = run_in(*command, console, Some(home.to_owned())).await;
    Outcome { code: exit.code(), out: printed.out(), err: printed.err() }
}

/// Runs a command line against one answer.
async fn against(script: (u16, String), words: &[&str]) -> (Outcome, canned::Asked) {
    let server = Canned::answering(vec![script]);
    let outcome = run(server.address(), words, "").await;
    let asked = server.asked();
    (outcome, asked.into_iter().next().expect("nothing was asked"))
}

#[tokio::test]
async fn an_account_that_another_has_is_told_with_its_own_exit_code() {
    let body = json!({
        "errors": ["db/app is checked out by alice until 2026-01-01T10:00:00Z; you are number 2 in line"],
        "data": {"holder": "alice", "expires_at": "2026-01-01T10:00:00Z", "place": 2},
    });
    let (outcome, _) = against((409, body.to_string()), &["check-out", "db/app"]).await;
    assert_eq!((outcome.code, outcome.out.as_str()), (3, ""));
    assert_eq!(
        outcome.err,
        "error: db/app is checked out by alice until 2026-01-01T10:00:00Z; you are number 2 in line\n  \
         your place in line: 2; --wait 5m waits for it\n"
    );
    let (outcome, _) = against((409, body.to_string()), &["check-out", "db/app", "--format", "json"]).await;
    let told: Value = serde_json::from_str(&outcome.err).unwrap();
    assert_eq!((outcome.code, &told["data"]["holder"], &told["exit_code"]), (3, &json!("alice"), &json!(3)));
}

#[tokio::test]
async fn each_end_has_the_documented_exit_code() {
    let failed = json!({"errors": ["the target refused"], "data": {"class": "verify_refused", "state": "backoff", "incident": "i-1"}});
    let running = json!({"request_id": "r", "data": {"outcome": "running", "version": 1, "state": "staged"}});
    let sealed = json!({"type": "shamir", "initialized": true, "sealed": true, "t": 3, "n": 5});
    for (script, words, code) in [
        ((502, failed.to_string()), &["rotate", "db/app"][..], 4),
        ((202, running.to_string()), &["rotate", "db/app"], 6),
        (data(&json!({"state": "revoking", "lease_id": "l"})), &["check-in", "db/app"], 6),
        (data(&json!({"state": "closed", "lease_id": "l"})), &["check-in", "db/app"], 0),
        ((503, json!({"errors": ["Vault is sealed"]}).to_string()), &["creds", "db/app"], 5),
        ((200, sealed.to_string()), &["status"], 5),
        ((404, json!({"errors": []}).to_string()), &["creds", "db/app"], 1),
        ((403, json!({"errors": ["permission denied"]}).to_string()), &["creds", "db/app"], 1),
        ((200, "<html>".to_owned()), &["creds", "db/app"], 2),
        ((307, String::new()), &["creds", "db/app"], 2),
        (data(&json!({"ok": false, "findings": ["record 7 vanished"]})), &["operator", "verify"], 1),
        (data(&json!({"username": "app"})), &["creds", "db/app", "--field", "nothing"], 2),
    ] {
        let (outcome, _) = against(script, words).await;
        assert_eq!(outcome.code, code, "{words:?}: {}", outcome.err);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_with_what_to_mend() {
    // The listener is gone as soon as the script is empty.
    let address = Canned::answering(Vec::new()).address().to_owned();
    let outcome = run(&address, &["status"], "").await;
    assert_eq!(outcome.code, 2);
    assert!(outcome.err.contains(&format!("cannot reach {address}")), "{}", outcome.err);
    assert!(outcome.err.contains("VAULT_ADDR"), "{}", outcome.err);
}

#[tokio::test]
async fn tls_spoken_to_a_plain_server_says_to_use_http() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut stream, _) = listener.accept().unwrap();
        let mut hello = [0; 16];
        stream.read_exact(&mut hello).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").unwrap();
    });
    let outcome = run(&format!("https://127.0.0.1:{port}"), &["status"], "").await;
    server.join().unwrap();
    assert_eq!(outcome.code, 2);
    assert!(outcome.err.contains(&format!("--address http://127.0.0.1:{port}")), "{}", outcome.err);
}

#[tokio::test]
async fn secrets_travel_from_standard_input_to_the_server_and_nowhere_else() {
    for (words, path, key) in [
        (&["operator", "unseal"][..], "PUT /v1/sys/unseal", "key"),
        (&["operator", "unseal", "-"], "PUT /v1/sys/unseal", "key"),
        (&["operator", "unseal", "--passphrase"], "PUT /v1/sys/unseal", "passphrase"),
        (&["operator", "init", "--passphrase"], "PUT /v1/sys/init", "passphrase"),
        (&["target", "write", "pg", "password=-"], "POST /v1/targets/config/pg", "password"),
        (&["token", "lookup", "-"], "POST /v1/auth/token/lookup", "token"),
    ] {
        let server = Canned::answering(vec![data(&json!({"rotator": "x"}))]);
        let outcome = run(server.address(), words, "canary\n").await;
        let asked = server.asked().remove(0);
        assert_eq!((asked.line.as_str(), &asked.json()[key]), (path, &json!("canary")), "{words:?}");
        assert!(!outcome.out.contains("canary") && !outcome.err.contains("canary"), "{words:?}");
    }
}

#[tokio::test]
async fn login_stores_a_token_only_after_the_server_took_it() {
    let home = tempfile::tempdir().unwrap();
    let stored = home.path().join(".vault-token");
    let refusing = Canned::answering(vec![(403, json!({"errors": ["permission denied"]}).to_string())]);
    let outcome = run_at_home(refusing.address(), &["login"], "hvs.bad\n", home.path()).await;
    assert_eq!((outcome.code, stored.exists()), (1, false));

    let server = Canned::answering(vec![data(&json!({"display_name": "root", "policies": ["root"]}))]);
    let outcome = run_at_home(server.address(), &["login", "-"], "hvs.good\n", home.path()).await;
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    assert_eq!(server.asked()[0].header("x-vault-token"), Some("hvs.good"));
    assert_eq!(std::fs::read_to_string(&stored).unwrap(), "hvs.good");
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(&stored).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!outcome.out.contains("hvs.") && !outcome.err.contains("hvs."), "{}{}", outcome.out, outcome.err);
}

#[tokio::test]
async fn login_by_a_method_sends_no_token_and_stores_the_one_it_gets() {
    let auth = json!({"request_id": "r", "auth": {
        "client_token": "hvs.fresh", "accessor": "a", "policies": ["default"], "lease_duration": 60,
        "renewable": true,
    }});
    let userpass: &[&str] = &["login", "--method", "userpass", "username=mary"];
    let elsewhere: &[&str] = &["login", "--method", "approle", "--path", "ci/", "role_id=r", "secret_id=-"];
    for (words, line, body) in [
        (userpass, "PUT /v1/auth/userpass/login/mary", json!({"password": "canary"})),
        (elsewhere, "PUT /v1/auth/ci/login", json!({"role_id": "r", "secret_id": "canary"})),
    ] {
        let home = tempfile::tempdir().unwrap();
        let server = Canned::answering(vec![(200, auth.to_string())]);
        let outcome = run_at_home(server.address(), words, "canary\n", home.path()).await;
        assert_eq!(outcome.code, 0, "{words:?} {}", outcome.err);
        let asked = server.asked().remove(0);
        assert_eq!((asked.line.as_str(), asked.json()), (line, body));
        assert_eq!(asked.header("x-vault-token"), None);
        assert_eq!(std::fs::read_to_string(home.path().join(".vault-token")).unwrap(), "hvs.fresh");
        assert!(!outcome.out.contains("hvs.") && !outcome.err.contains("canary"), "{words:?}");

        let server = Canned::answering(vec![(200, auth.to_string())]);
        let (other, words) = (tempfile::tempdir().unwrap(), [words, &["--no-store"]].concat());
        let outcome = run_at_home(server.address(), &words, "canary\n", other.path()).await;
        assert_eq!((outcome.code, outcome.out.as_str()), (0, "hvs.fresh\n"));
        assert!(!other.path().join(".vault-token").exists());
    }
    let outcome = run("http://127.0.0.1:1", &["login", "--method", "userpass"], "x\n").await;
    assert_eq!((outcome.code, outcome.err.contains("username=")), (2, true), "{}", outcome.err);
}

#[tokio::test]
async fn a_closed_pipe_ends_quietly_and_a_lent_password_is_not_forgotten() {
    let server =
        Canned::answering(vec![leased("l-1", 60, &json!({"username": "app", "password": "canary"}))]);
    let typed = ["rotunda", "--address", server.address(), "check-out", "db/app"].map(OsString::from);
    let Parsed::Client(command) = crate::parse(typed).unwrap() else { panic!() };
    let exit = run_in(*command, fake::closed_console(), None).await;
    assert_eq!(exit.code(), 141);
}

#[tokio::test]
async fn completions_know_every_word_and_need_no_server() {
    for shell in ["bash", "zsh", "fish"] {
        let outcome = run("not even a URL", &["completion", shell], "").await;
        assert_eq!((outcome.code, outcome.err.as_str()), (0, ""));
        for word in ["check-out", "migrate-store", "server", "incident"] {
            assert!(outcome.out.contains(word), "{shell} does not know {word}");
        }
    }
}
