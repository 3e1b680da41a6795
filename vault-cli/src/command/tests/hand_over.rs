//! A hand-over deletes only what it has printed.

use super::*;

fn handed() -> (u16, String) {
    data(&json!({
        "username": "app", "confirm": "1790000000000-7-6",
        "passwords": [
            {"version": 7, "state": "current", "password": "new"},
            {"version": 6, "state": "previous", "password": "old"},
        ],
    }))
}

async fn deleting(script: Vec<(u16, String)>, words: &[&str]) -> (Outcome, Vec<String>) {
    let server = Canned::answering(script);
    let outcome = run(server.address(), words, "").await;
    let lines = server.asked().into_iter().map(|asked| asked.line).collect();
    (outcome, lines)
}

#[tokio::test]
async fn every_version_is_printed_before_the_delete_is_confirmed() {
    for (words, path) in [
        (["account", "delete", "db/app"], "accounts/config/db/app"),
        (["target", "delete", "pg"], "targets/config/pg"),
    ] {
        let words = [&words[..], &["--disposal", "hand-over"]].concat();
        let (outcome, lines) = deleting(vec![handed(), (204, String::new())], &words).await;
        assert_eq!(outcome.code, 0, "{}", outcome.err);
        assert_eq!(
            outcome.out,
            "\
username  app
version   7
state     current
password  new

username  app
version   6
state     previous
password  old
"
        );
        let first = format!("DELETE /v1/{path}?disposal=hand-over");
        assert_eq!(lines, [first.clone(), format!("{first}&confirm=1790000000000-7-6")]);
    }
}

#[tokio::test]
async fn what_was_not_printed_is_not_deleted() {
    let words = ["account", "delete", "app", "--disposal", "hand-over"];
    let (outcome, lines) = deleting(vec![handed()], &[&words[..], &["--field", "username"]].concat()).await;
    assert_eq!((outcome.out.as_str(), lines.len()), ("app", 1), "{}", outcome.err);
    assert_ne!(outcome.code, 0);
    assert!(outcome.err.contains("nothing is deleted"), "{}", outcome.err);
    let (outcome, lines) = deleting(vec![handed()], &[&words[..], &["--field", "nonsense"]].concat()).await;
    assert_eq!((outcome.out.as_str(), lines.len()), ("", 1), "{}", outcome.err);
    assert_ne!(outcome.code, 0);
}

#[tokio::test]
async fn a_password_is_printed_as_it_is_or_as_json() {
    let words = ["account", "delete", "app", "--disposal", "hand-over"];
    for (password, printed) in
        [("ends in blanks  ", "password  ends in blanks  \n"), ("tab\there", r#""tab\there""#)]
    {
        let handed = data(&json!({
            "username": "app", "confirm": "1-1",
            "passwords": [{"version": 1, "state": "current", "password": password}],
        }));
        let (outcome, lines) = deleting(vec![handed, (204, String::new())], &words).await;
        assert!(outcome.out.contains(printed), "{:?}", outcome.out);
        assert_eq!((outcome.code, lines.len()), (0, 2));
    }
}

#[tokio::test]
async fn an_answer_without_every_password_is_not_confirmed() {
    let words = ["account", "delete", "app", "--disposal", "hand-over"];
    for answer in [
        json!({"username": "app", "password": "of an older server", "version": 1}),
        json!({"username": "app", "confirm": "1-2-1", "passwords": [
            {"version": 2, "state": "current"}, {"version": 1, "state": "previous", "password": "p"},
        ]}),
    ] {
        let (outcome, lines) = deleting(vec![data(&answer)], &words).await;
        assert_eq!((outcome.code, lines.len()), (6, 1), "{}", outcome.err);
        assert!(outcome.out.contains("\"username\""), "{}", outcome.out);
    }
}

#[tokio::test]
async fn a_delete_that_was_not_carried_out_says_so_after_the_passwords() {
    let refused = (409, json!({"errors": ["app has a version that was not confirmed"]}).to_string());
    let words = ["account", "delete", "app", "--disposal", "hand-over"];
    let (outcome, _) = deleting(vec![handed(), refused], &words).await;
    assert!(outcome.out.contains("new") && outcome.code != 0, "{}", outcome.out);
    assert!(outcome.err.contains("not confirmed") && !outcome.err.contains("deleted;"), "{}", outcome.err);
}
