//! `run` under a signal. Alone in its binary, because a signal reaches the whole process.

#[cfg(test)]
#[path = "../src/command/canned.rs"]
#[expect(dead_code, reason = "the other tests use the rest")]
mod canned;

use std::ffi::OsString;

use serde_json::json;

#[test]
fn a_signal_is_passed_on_and_the_account_is_given_back() {
    let lent = json!({"username": "app", "password": "canary", "version": 3, "generation": 1});
    let closed = json!({"lease_id": "l-1", "state": "closed", "version": 4});
    let server = canned::Canned::answering(vec![canned::leased("l-1", 3600, &lent), canned::data(&closed)]);
    // The command signals its parent, which is this process with the handlers of `run`, and waits for the echo.
    let shell = "trap 'kill $!; exit 42' TERM; sleep 60 & kill -TERM $PPID; wait $!";
    let words = [
        "rotunda",
        "--address",
        server.address(),
        "run",
        "--account",
        "db/app",
        "--",
        "/bin/sh",
        "-c",
        shell,
    ];

    let code = vault_cli::run(words.into_iter().map(OsString::from));

    assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::from(42)));
    let asked: Vec<String> = server.asked().into_iter().map(|asked| asked.line).collect();
    assert_eq!(asked, ["POST /v1/accounts/check-out/db/app", "POST /v1/accounts/check-in/db/app"]);
}
