//! Static secrets and mounts: the mount is asked for first, then what fits its version.

use super::*;

fn mounted(version: &str) -> (u16, String) {
    data(&json!({"type": "kv", "path": "team/kv/", "options": {"version": version}}))
}

/// Words, the version of the mount, the answers after it, and the last request line and body.
type Case<'a> = (&'a [&'a str], &'a str, Value, &'a str, Value);

async fn check(cases: &[Case<'_>]) {
    for (words, version, answer, line, body) in cases {
        let server = Canned::answering(vec![mounted(version), data(answer)]);
        let outcome = run(server.address(), words, "").await;
        assert_eq!(outcome.code, 0, "{words:?}: {}", outcome.err);
        let asked = server.asked();
        assert!(asked[0].line.starts_with("GET /v1/sys/internal/ui/mounts/team/kv"), "{}", asked[0].line);
        assert_eq!((asked[1].line.as_str(), &asked[1].json()), (*line, body), "{words:?}");
    }
}

#[tokio::test]
async fn each_word_asks_for_the_path_of_the_mounts_version() {
    let written = json!({"version": 2, "created_time": "now"});
    check(&[
        (
            &["kv", "put", "team/kv/a/b", "k=v"],
            "2",
            written.clone(),
            "PUT /v1/team/kv/data/a/b",
            json!({"data":{"k":"v"},"options":{}}),
        ),
        (
            &["kv", "put", "--mount", "team/kv", "--cas", "0", "app", "k=v"],
            "2",
            written.clone(),
            "PUT /v1/team/kv/data/app",
            json!({"data":{"k":"v"},"options":{"cas":0}}),
        ),
        (&["kv", "put", "team/kv/app", "k=v"], "1", Value::Null, "PUT /v1/team/kv/app", json!({"k":"v"})),
        (&["kv", "get", "team/kv/app"], "1", json!({"k":"v"}), "GET /v1/team/kv/app", Value::Null),
        (
            &["kv", "get", "--version", "3", "team/kv/app"],
            "2",
            json!({"data":{"k":"v"},"metadata":{}}),
            "GET /v1/team/kv/data/app?version=3",
            Value::Null,
        ),
        (
            &["kv", "patch", "--remove", "old", "team/kv/app", "k=v"],
            "2",
            written.clone(),
            "PATCH /v1/team/kv/data/app",
            json!({"data":{"k":"v","old":null},"options":{}}),
        ),
    ])
    .await;
}

#[tokio::test]
async fn words_about_versions_folders_and_settings_do_so_too() {
    let names = json!({"keys": ["a", "b/"]});
    check(&[
        (&["kv", "delete", "team/kv/app"], "1", Value::Null, "DELETE /v1/team/kv/app", Value::Null),
        (&["kv", "delete", "team/kv/app"], "2", Value::Null, "DELETE /v1/team/kv/data/app", Value::Null),
        (
            &["kv", "delete", "--versions", "1,2", "team/kv/app"],
            "2",
            Value::Null,
            "PUT /v1/team/kv/delete/app",
            json!({"versions":[1,2]}),
        ),
        (
            &["kv", "undelete", "--versions", "2", "team/kv/app"],
            "2",
            Value::Null,
            "PUT /v1/team/kv/undelete/app",
            json!({"versions":[2]}),
        ),
        (
            &["kv", "destroy", "--versions", "2", "team/kv/app"],
            "2",
            Value::Null,
            "PUT /v1/team/kv/destroy/app",
            json!({"versions":[2]}),
        ),
        (&["kv", "list", "team/kv"], "2", names.clone(), "GET /v1/team/kv/metadata?list=true", Value::Null),
        (
            &["kv", "list", "--mount", "team/kv", "a/"],
            "2",
            names.clone(),
            "GET /v1/team/kv/metadata/a?list=true",
            Value::Null,
        ),
        (&["kv", "list", "--mount", "team/kv"], "1", names.clone(), "GET /v1/team/kv?list=true", Value::Null),
    ])
    .await;
}

#[tokio::test]
async fn words_about_metadata_send_what_is_set_and_nothing_else() {
    check(&[
        (
            &["kv", "metadata", "get", "team/kv/app"],
            "2",
            json!({"versions":{}}),
            "GET /v1/team/kv/metadata/app",
            Value::Null,
        ),
        (
            &["kv", "metadata", "delete", "team/kv/app"],
            "2",
            Value::Null,
            "DELETE /v1/team/kv/metadata/app",
            Value::Null,
        ),
        (
            &[
                "kv",
                "metadata",
                "put",
                "--max-versions",
                "3",
                "--cas-required",
                "--delete-version-after",
                "1h",
                "team/kv/app",
            ],
            "2",
            Value::Null,
            "PUT /v1/team/kv/metadata/app",
            json!({"max_versions":3,"cas_required":true,"delete_version_after":"1h"}),
        ),
        (
            &["kv", "metadata", "patch", "--cas-required=false", "--custom-metadata", "a=b=c", "team/kv/app"],
            "2",
            Value::Null,
            "PATCH /v1/team/kv/metadata/app",
            json!({"cas_required":false,"custom_metadata":{"a":"b=c"}}),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_merge_patch_names_its_content_type() {
    let server = Canned::answering(vec![mounted("2"), data(&json!({"version": 2}))]);
    run(server.address(), &["kv", "patch", "team/kv/app", "k=v"], "").await;
    assert_eq!(server.asked()[1].header("content-type"), Some("application/merge-patch+json"));
}

#[tokio::test]
async fn mounts_are_made_tuned_moved_and_listed() {
    for (words, line, body) in [
        (
            &["secrets", "enable", "kv-v2"][..],
            "POST /v1/sys/mounts/kv-v2",
            json!({"type":"kv-v2","config":{}}),
        ),
        (
            &[
                "secrets",
                "enable",
                "--path",
                "team/kv/",
                "--version",
                "2",
                "--description",
                "d",
                "--max-lease-ttl",
                "1h",
                "kv",
            ],
            "POST /v1/sys/mounts/team/kv",
            json!({"type":"kv","config":{"max_lease_ttl":"1h"},"description":"d","options":{"version":"2"}}),
        ),
        (
            &["secrets", "tune", "--version", "2", "--description", "d", "kv/"],
            "POST /v1/sys/mounts/kv/tune",
            json!({"description":"d","options":{"version":"2"}}),
        ),
        (&["secrets", "move", "kv", "team/kv/"], "POST /v1/sys/remount", json!({"from":"kv","to":"team/kv"})),
        (&["secrets", "disable", "kv/"], "DELETE /v1/sys/mounts/kv", Value::Null),
        (
            &["auth", "enable", "--path", "ci", "approle"],
            "POST /v1/sys/auth/ci",
            json!({"type":"approle","config":{}}),
        ),
        (&["auth", "disable", "ci"], "DELETE /v1/sys/auth/ci", Value::Null),
    ] {
        let (outcome, asked) = against(data(&json!({})), words).await;
        assert_eq!((asked.line.as_str(), asked.json()), (line, body), "{words:?}");
        assert_eq!(outcome.code, 0, "{}", outcome.err);
    }
    let mounts = json!({"kv/": {"type":"kv","accessor":"kv_1","description":"","options":{"version":"2"}}, "sys/": {"type":"system","accessor":"s","description":"the vault","options":null}});
    let (outcome, asked) = against(data(&mounts), &["secrets", "list"]).await;
    assert_eq!(asked.line, "GET /v1/sys/mounts");
    assert_eq!(
        outcome.out,
        "PATH  TYPE    VERSION  ACCESSOR  DESCRIPTION\nkv/   kv      2        kv_1      -\nsys/  system  -        s         the vault\n"
    );
}

#[tokio::test]
async fn a_secret_is_printed_with_what_is_known_about_it_or_one_field_alone() {
    let answer = json!({"data": {"password": "p w", "n": 1.0}, "metadata": {"version": 3, "created_time": "noon", "deletion_time": ""}});
    let show = async |words: &[&str]| {
        let server = Canned::answering(vec![mounted("2"), data(&answer)]);
        run(server.address(), words, "").await.out
    };
    assert_eq!(
        show(&["kv", "get", "team/kv/app"]).await,
        "version        3\ncreated_time   noon\ndeletion_time  -\n\nn         1.0\npassword  p w\n"
    );
    assert_eq!(show(&["kv", "get", "--field", "password", "team/kv/app"]).await, "p w");
    assert_eq!(show(&["kv", "get", "--field", "version", "team/kv/app"]).await, "3");
    let json: Value =
        serde_json::from_str(&show(&["kv", "get", "--format", "json", "team/kv/app"]).await).unwrap();
    assert_eq!(json["data"], answer, "JSON is the whole answer");
    let server = Canned::answering(vec![mounted("2"), data(&answer)]);
    assert_eq!(run(server.address(), &["kv", "get", "--field", "x", "team/kv/app"], "").await.code, 2);
}

#[tokio::test]
async fn a_deleted_version_is_a_failure_that_says_when() {
    let gone = |destroyed: bool| {
        let metadata = json!({"version": 2, "deletion_time": "noon", "destroyed": destroyed});
        (404, json!({"request_id": "r", "data": {"data": null, "metadata": metadata}}).to_string())
    };
    for (destroyed, sentence) in [
        (false, "version 2 of team/kv/app was deleted at noon"),
        (true, "version 2 of team/kv/app is destroyed"),
    ] {
        let server = Canned::answering(vec![mounted("2"), gone(destroyed)]);
        let outcome = run(server.address(), &["kv", "get", "team/kv/app"], "").await;
        assert_eq!((outcome.code, outcome.out.as_str()), (1, ""));
        assert_eq!(outcome.err, format!("error: {sentence}\n"));
    }
}

#[tokio::test]
async fn a_recursive_list_walks_every_folder() {
    let names = |keys: &[&str]| data(&json!({"keys": keys}));
    let script =
        vec![mounted("2"), names(&["a", "b/", "c/"]), names(&["d/", "x"]), names(&["y"]), names(&["z"])];
    let server = Canned::answering(script);
    let outcome = run(server.address(), &["kv", "list", "--recursive", "team/kv"], "").await;
    assert_eq!(outcome.out, "a\nb/d/y\nb/x\nc/z\n", "{}", outcome.err);
    let lines: Vec<String> = server.asked().into_iter().skip(1).map(|asked| asked.line).collect();
    assert_eq!(lines[1], "GET /v1/team/kv/metadata/b?list=true");
    assert_eq!(lines[2], "GET /v1/team/kv/metadata/b/d?list=true");
}

#[tokio::test]
async fn a_rollback_writes_the_old_data_unless_somebody_was_faster() {
    let server = Canned::answering(vec![
        mounted("2"),
        data(&json!({"current_version": 7})),
        (200, r#"{"data":{"data":{"n":1.50},"metadata":{"version":2}}}"#.to_owned()),
        data(&json!({"version": 8})),
    ]);
    let outcome = run(server.address(), &["kv", "rollback", "--version", "2", "team/kv/app"], "").await;
    assert_eq!((outcome.code, outcome.out.as_str()), (0, "version  8\n"), "{}", outcome.err);
    let asked = server.asked();
    assert_eq!(asked[2].line, "GET /v1/team/kv/data/app?version=2");
    assert_eq!(asked[3].body, r#"{"data":{"n":1.50},"options":{"cas":7}}"#, "digit for digit");
}

#[tokio::test]
async fn words_that_need_versions_say_how_to_get_them() {
    for words in [
        &["kv", "patch", "team/kv/app", "k=v"][..],
        &["kv", "get", "--version", "1", "team/kv/app"],
        &["kv", "put", "--cas", "1", "team/kv/app", "k=v"],
        &["kv", "delete", "--versions", "1", "team/kv/app"],
        &["kv", "metadata", "get", "team/kv/app"],
    ] {
        let server = Canned::answering(vec![mounted("1")]);
        let outcome = run(server.address(), words, "").await;
        assert_eq!(outcome.code, 2, "{words:?}");
        assert!(outcome.err.contains("rotunda secrets tune --version 2 team/kv"), "{}", outcome.err);
    }
    let other = data(&json!({"type": "accounts", "path": "accounts/", "options": null}));
    let server = Canned::answering(vec![other]);
    let outcome = run(server.address(), &["kv", "get", "accounts/creds/x"], "").await;
    assert!(outcome.err.contains("is accounts, not kv"), "{}", outcome.err);
    let server = Canned::answering(vec![mounted("2")]);
    let outcome = run(server.address(), &["kv", "get", "team/kv"], "").await;
    assert!(outcome.err.contains("add the path of a secret"), "{}", outcome.err);
}
