//! `run`: the account is checked in whatever happens to the command.

use super::*;

fn lent(seconds: u64) -> (u16, String) {
    leased("l-1", seconds, &json!({"username": "app", "password": "canary", "version": 3, "generation": 1}))
}

fn closed() -> (u16, String) {
    data(&json!({"lease_id": "l-1", "state": "closed", "version": 4}))
}

/// Runs a shell line under `run` and gives the outcome with the bodies of what was asked.
async fn under(script: Vec<(u16, String)>, flags: &[&str], shell: &str) -> (Outcome, Vec<canned::Asked>) {
    let server = Canned::answering(script);
    let words: Vec<&str> = ["run", "--account", "db/app"]
        .iter()
        .chain(flags)
        .chain(&["--", "/bin/sh", "-c", shell])
        .copied()
        .collect();
    let outcome = run(server.address(), &words, "").await;
    (outcome, server.asked())
}

#[tokio::test]
async fn the_command_gets_the_credential_and_its_exit_code_comes_back_after_the_check_in() {
    for (shell, code) in [
        ("test \"$PGUSER:$PGPASSWORD\" = app:canary", 0),
        ("test \"$ROTUNDA_USERNAME:$ROTUNDA_PASSWORD\" = app:canary", 0),
        ("exit 9", 9),
        ("kill -KILL $$", 137),
        ("kill -TERM $$", 143),
    ] {
        let (outcome, asked) = under(vec![lent(3600), closed()], &[], shell).await;
        assert_eq!(outcome.code, code, "{shell}: {}", outcome.err);
        assert_eq!(asked[1].line, "POST /v1/accounts/check-in/db/app", "{shell}");
        assert_eq!(asked[1].json(), json!({"lease_id": "l-1"}), "{shell}");
        assert!(!outcome.out.contains("canary") && !outcome.err.contains("canary"));
    }
}

#[tokio::test]
async fn named_variables_take_the_place_of_the_usual_ones() {
    let shell = "test \"$DB_USER:$DB_PASS:$PGPASSWORD:$ROTUNDA_PASSWORD\" = app:canary::";
    let flags = ["--env-user", "DB_USER", "--env-password", "DB_PASS"];
    let (outcome, _) = under(vec![lent(3600), closed()], &flags, shell).await;
    assert_eq!(outcome.code, 0, "{}", outcome.err);
}

#[tokio::test]
async fn a_command_that_cannot_start_is_told_as_shells_do_and_the_account_is_given_back() {
    for (program, code) in [("/nowhere/at/all", 127), ("/", 126)] {
        let server = Canned::answering(vec![lent(3600), closed()]);
        let outcome = run(server.address(), &["run", "--account", "db/app", "--", program], "").await;
        assert_eq!((outcome.code, server.asked().len()), (code, 2), "{program}: {}", outcome.err);
        assert!(outcome.err.contains(program), "{}", outcome.err);
    }
}

#[tokio::test]
async fn without_a_lease_the_command_is_not_started() {
    let marker = tempfile::tempdir().unwrap();
    let file = marker.path().join("started");
    let held = json!({"errors": ["held"], "data": {"holder": "alice"}});
    let (outcome, _) = under(vec![(409, held.to_string())], &[], &format!("touch {}", file.display())).await;
    assert_eq!((outcome.code, file.exists()), (3, false));
}

#[tokio::test]
async fn a_check_in_that_fails_is_never_silent() {
    let refused = || (500, json!({"errors": ["no"]}).to_string());
    for (shell, code) in [("exit 0", 7), ("exit 9", 9)] {
        let (outcome, _) = under(vec![lent(3600), refused()], &[], shell).await;
        assert_eq!(outcome.code, code, "{shell}");
        assert!(outcome.err.contains("rotunda check-in db/app --lease-id l-1"), "{}", outcome.err);
    }
}

#[tokio::test]
async fn a_password_that_is_not_yet_dead_is_told_on_standard_error() {
    let revoking = data(&json!({"lease_id": "l-1", "state": "revoking", "incident": "i-3"}));
    let (outcome, _) = under(vec![lent(3600), revoking], &[], "exit 0").await;
    assert_eq!(outcome.code, 0);
    assert!(outcome.err.contains("i-3"), "{}", outcome.err);
}

#[tokio::test]
async fn a_short_lease_is_renewed_while_the_command_runs() {
    // The command ends when the server has seen the renewal: no time is guessed.
    let marker = tempfile::tempdir().unwrap();
    let pipe = marker.path().join("renewed");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
    let server = Canned::answering_with(vec![lent(1), leased("l-1", 3600, &json!(null)), closed()], {
        let pipe = pipe.clone();
        move |number| {
            if number == 1 {
                std::fs::write(&pipe, "renewed\n").unwrap();
            }
        }
    });
    let shell = format!("read word < {}", pipe.display());
    let words = ["run", "--account", "db/app", "--ttl", "1h", "--", "/bin/sh", "-c", shell.as_str()];
    let outcome = run(server.address(), &words, "").await;
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    let asked = server.asked();
    assert_eq!(asked[1].line, "PUT /v1/sys/leases/renew");
    assert_eq!(asked[1].json(), json!({"lease_id": "l-1", "increment": 3600}));
    assert_eq!(asked[2].line, "POST /v1/accounts/check-in/db/app");
}
