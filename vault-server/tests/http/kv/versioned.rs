//! Version 2: what is written, read, deleted, brought back, destroyed, and every answer of it.

use serde_json::{Value, json};
use vault_core::store::key::Table;

use super::{patch, put, ready};
use crate::vault::{Disk, seconds};

const NOW: &str = "2027-01-15T08:00:00.000Z";

#[tokio::test]
async fn what_is_written_is_read_back_digit_for_digit() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    let written =
        put(&vault, "team/app", r#"{"a":1.0,"b":12345678901234567890,"c":1e400,"d":{"e":[null,true,"x"]}}"#)
            .await;
    assert_eq!(
        written.at("/data"),
        json!({"version":1,"created_time":NOW,"deletion_time":"","destroyed":false,"custom_metadata":null})
    );
    let read = vault.root("GET", "kv/data/team/app", "").await;
    assert_eq!(read.status, 200);
    for part in [r#""a":1.0"#, r#""b":12345678901234567890"#, r#""d":{"e":[null,true,"x"]}"#] {
        assert!(read.text.contains(part), "{part} in {}", read.text);
    }
    assert!(read.text.contains("1e400") || read.text.contains("1e+400"), "{}", read.text);
    assert_eq!(read.at("/data/metadata"), written.at("/data"));
    assert_eq!(
        (read.at("/lease_id"), read.at("/lease_duration"), read.at("/renewable")),
        (json!(""), json!(0), json!(false))
    );
}

#[tokio::test]
async fn each_write_makes_a_version_and_each_can_be_read() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    for number in 1..=12 {
        let method = if number % 2 == 0 { "PUT" } else { "POST" };
        let reply = vault
            .root(method, "kv/data/app", &format!(r#"{{"data":{{"n":{number}}},"options":{{}}}}"#))
            .await;
        assert_eq!(reply.at("/data/version"), number);
    }
    for (query, want) in [
        ("", Some(12)),
        ("?version=0", Some(12)),
        ("?version=12", Some(12)),
        ("?version=3", Some(3)),
        ("?version=2", None),
        ("?version=13", None),
    ] {
        let reply = vault.root("GET", &format!("kv/data/app{query}"), "").await;
        match want {
            Some(number) => {
                assert_eq!(
                    (reply.at("/data/data/n"), reply.at("/data/metadata/version")),
                    (json!(number), json!(number)),
                    "{query}"
                );
            }
            None => assert_eq!((reply.status, reply.text.as_str()), (404, r#"{"errors":[]}"#), "{query}"),
        }
    }
    assert_eq!(vault.root("GET", "kv/data/app?version=x", "").await.status, 400);
    let metadata = vault.root("GET", "kv/metadata/app", "").await;
    assert_eq!(
        (metadata.at("/data/current_version"), metadata.at("/data/oldest_version")),
        (json!(12), json!(3))
    );
    assert_eq!(metadata.at("/data/versions").as_object().unwrap().len(), 10);
    let stored = vault.app.barrier.store().scan(Table::KvVersion, b"", None, 100).unwrap();
    assert_eq!(stored.len(), 10, "the dropped versions are gone from the store");
}

#[tokio::test]
async fn a_deleted_version_answers_404_with_its_metadata_and_comes_back() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    put(&vault, "app", r#"{"n":1}"#).await;
    put(&vault, "app", r#"{"n":2}"#).await;
    let deleted = vault.root("DELETE", "kv/data/app", "").await;
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    let read = vault.root("GET", "kv/data/app", "").await;
    assert_eq!(read.status, 404);
    let mut body = read.json();
    assert!(body["request_id"].as_str().unwrap().len() == 36, "{body}");
    body["request_id"] = Value::Null;
    let metadata =
        json!({"version":2,"created_time":NOW,"deletion_time":NOW,"destroyed":false,"custom_metadata":null});
    let want = json!({
        "request_id": null, "lease_id": "", "renewable": false, "lease_duration": 0, "wrap_info": null,
        "warnings": null, "auth": null, "data": {"data": null, "metadata": metadata}
    });
    assert_eq!(body, want);
    assert_eq!(vault.root("GET", "kv/data/app?version=1", "").await.at("/data/data/n"), 1);
    for versions in ["[2]", r#"["2"]"#, r#""1,2""#, "2", r#""2""#] {
        let body = format!(r#"{{"versions":{versions}}}"#);
        assert_eq!(vault.root("POST", "kv/undelete/app", &body).await.status, 204, "{versions}");
        assert_eq!(vault.root("GET", "kv/data/app", "").await.at("/data/data/n"), 2, "{versions}");
        assert_eq!(vault.root("PUT", "kv/delete/app", &body).await.status, 204, "{versions}");
        assert_eq!(vault.root("GET", "kv/data/app", "").await.status, 404, "{versions}");
    }
    put(&vault, "app", r#"{"n":3}"#).await;
    assert_eq!(vault.root("GET", "kv/data/app", "").await.at("/data/data/n"), 3);
}

#[tokio::test]
async fn a_destroyed_version_is_gone_from_the_store_and_stays_so() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    for number in 1..=3 {
        put(&vault, "app", &format!(r#"{{"n":{number}}}"#)).await;
    }
    assert_eq!(vault.root("PUT", "kv/destroy/app", r#"{"versions":[1,3,9]}"#).await.status, 204);
    let stored = vault.app.barrier.store().scan(Table::KvVersion, b"", None, 100).unwrap();
    assert_eq!(stored.len(), 1);
    assert_eq!(vault.root("POST", "kv/undelete/app", r#"{"versions":[1,3]}"#).await.status, 204);
    let read = vault.root("GET", "kv/data/app", "").await;
    assert_eq!(
        (read.status, read.at("/data/data"), read.at("/data/metadata/destroyed")),
        (404, Value::Null, json!(true))
    );
    assert_eq!(vault.root("GET", "kv/data/app?version=2", "").await.at("/data/data/n"), 2);
}

#[tokio::test]
async fn versions_must_be_named_and_be_numbers() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    put(&vault, "app", "{}").await;
    for (path, body, text) in [
        ("delete", "", "No version number provided"),
        ("undelete", r#"{"versions":[]}"#, "No version number provided"),
        ("destroy", "{}", "no version number provided"),
        ("destroy", r#"{"versions":["x"]}"#, "'versions' must be numbers of versions, such as [1, 2]"),
    ] {
        let reply = vault.root("POST", &format!("kv/{path}/app"), body).await;
        assert_eq!((reply.status, reply.errors()), (400, json!([text])), "{path} {body}");
    }
    for path in ["delete", "undelete", "destroy"] {
        let reply = vault.root("POST", &format!("kv/{path}/nosuch"), r#"{"versions":[1]}"#).await;
        assert_eq!(reply.status, 204, "{path}");
    }
    assert_eq!(vault.root("DELETE", "kv/data/nosuch", "").await.status, 204);
    assert_eq!(vault.root("GET", "kv/metadata/nosuch", "").await.status, 404);
}

#[tokio::test]
async fn check_and_set_compares_with_the_current_version() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    let write = async |options: &str| {
        vault.root("POST", "kv/data/app", &format!(r#"{{"data":{{"k":"v"}},"options":{options}}}"#)).await
    };
    let mismatch = "check-and-set parameter did not match the current version";
    for (options, status, text) in [
        (r#"{"cas":1}"#, 400, mismatch),
        (r#"{"cas":0}"#, 200, ""),
        (r#"{"cas":0}"#, 400, mismatch),
        (r#"{"cas":-1}"#, 400, mismatch),
        (r#"{"cas":"1"}"#, 200, ""),
        (r#"{"cas":2}"#, 200, ""),
        (r#"{"cas":"x"}"#, 400, "error parsing check-and-set parameter"),
        ("null", 200, ""),
        ("{}", 200, ""),
    ] {
        let reply = write(options).await;
        assert_eq!(reply.status, status, "{options}: {}", reply.text);
        if status == 400 {
            assert_eq!(reply.errors(), json!([text]), "{options}");
        }
    }
    assert_eq!(vault.root("POST", "kv/config", r#"{"cas_required":true}"#).await.status, 204);
    let reply = write("{}").await;
    assert_eq!(
        (reply.status, reply.errors()),
        (400, json!(["check-and-set parameter required for this call"]))
    );
    assert_eq!(vault.root("POST", "kv/config", r#"{"cas_required":false}"#).await.status, 204);
    assert_eq!(vault.root("POST", "kv/metadata/app", r#"{"cas_required":true}"#).await.status, 204);
    assert_eq!(write("{}").await.status, 400);
    assert_eq!(write(r#"{"cas":5}"#).await.status, 200);
}

#[tokio::test]
async fn writes_that_make_no_sense_say_why() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    let large = format!(r#"{{"data":{{"k":"{}"}}}}"#, "x".repeat(512 * 1024));
    let long = "p".repeat(401);
    for (path, body, text) in [
        ("app", "", "no data provided"),
        ("app", r#"{"options":{"cas":0}}"#, "no data provided"),
        ("app", r#"{"data":"text"}"#, "'data' must be an object"),
        ("app", r#"{"data":{},"options":3}"#, "'options' must be an object"),
        ("app", large.as_str(), "the data of a secret has at most 524288 bytes as JSON"),
        (long.as_str(), r#"{"data":{}}"#, "the path of a secret has at most 400 bytes below its mount"),
    ] {
        let reply = vault.root("POST", &format!("kv/data/{path}"), body).await;
        assert_eq!((reply.status, reply.errors()), (400, json!([text])));
    }
    let reply = vault.root("POST", "kv/data/app", r#"{"data":{},"bogus":1}"#).await;
    assert_eq!(reply.at("/warnings"), json!(["Endpoint ignored these unrecognized parameters: [bogus]"]));
    let longest = "p".repeat(400);
    put(&vault, &longest, r#"{"k":1}"#).await;
    assert_eq!(vault.root("GET", &format!("kv/data/{longest}"), "").await.at("/data/data/k"), 1);
    assert_eq!(vault.root("POST", "kv/data/null", r#"{"data":null}"#).await.status, 200);
    assert_eq!(vault.root("GET", "kv/data/null", "").await.at("/data/data"), json!({}));
}

#[tokio::test]
async fn the_largest_secret_with_the_most_notes_fits_a_commit() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    let notes: serde_json::Map<String, Value> =
        (0..64).map(|n| (format!("{n:0128}"), json!("v".repeat(512)))).collect();
    let body = json!({ "custom_metadata": notes }).to_string();
    assert_eq!(vault.root("POST", "kv/metadata/app", &body).await.status, 204);
    let text = "x".repeat(512 * 1024 - r#"{"k":""}"#.len());
    for version in 1..=11 {
        assert_eq!(put(&vault, "app", &json!({ "k": text }).to_string()).await.at("/data/version"), version);
    }
    assert_eq!(vault.root("GET", "kv/data/app", "").await.at("/data/data/k"), text);
    let patched = patch(&vault, "kv/data/app", &vault.root, r#"{"data":{"m":1}}"#).await;
    assert_eq!(patched.status, 400, "the merged secret has the limit, too");
}

#[tokio::test]
async fn patches_merge_into_the_current_version() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    let missing = patch(&vault, "kv/data/app", &vault.root, r#"{"data":{"a":1}}"#).await;
    assert_eq!((missing.status, missing.text.as_str()), (404, r#"{"errors":[]}"#));
    put(&vault, "app", r#"{"a":1.50,"b":{"c":"x","d":2},"e":"gone"}"#).await;
    for (body, status, text) in [
        (r#"{"options":{}}"#, 400, "no data provided"),
        (
            r#"{"data":{"a":2},"options":{"cas":7}}"#,
            400,
            "check-and-set parameter did not match the current version",
        ),
    ] {
        let reply = patch(&vault, "kv/data/app", &vault.root, body).await;
        assert_eq!((reply.status, reply.errors()), (status, json!([text])), "{body}");
    }
    let body = r#"{"data":{"b":{"c":null,"f":3},"e":null},"options":{"cas":1}}"#;
    let reply = patch(&vault, "kv/data/app", &vault.root, body).await;
    assert_eq!((reply.status, reply.at("/data/version")), (200, json!(2)), "{}", reply.text);
    let read = vault.root("GET", "kv/data/app", "").await;
    assert!(read.text.contains(r#""data":{"a":1.50,"b":{"d":2,"f":3}}"#), "{}", read.text);
    vault.root("DELETE", "kv/data/app", "").await;
    let gone = patch(&vault, "kv/data/app", &vault.root, r#"{"data":{"a":1}}"#).await;
    assert_eq!(
        (gone.status, gone.at("/data/version"), gone.at("/data/deletion_time")),
        (404, json!(2), json!(NOW))
    );
    assert!(gone.json().get("errors").is_none(), "a whole envelope");
}

#[tokio::test]
async fn settings_and_notes_of_a_secret_are_written_patched_and_read() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    assert_eq!(vault.root("POST", "kv/metadata/app", "{}").await.status, 204);
    assert_eq!(vault.root("GET", "kv/metadata/app", "").await.status, 404, "nothing named, nothing made");
    let body = r#"{"max_versions":"5","delete_version_after":"3h25m19s","cas_required":false,"custom_metadata":{"owner":"a","n":5}}"#;
    assert_eq!(vault.root("PUT", "kv/metadata/app", body).await.status, 204);
    let want = json!({
        "cas_required": false, "created_time": NOW, "current_version": 0, "custom_metadata": {"n":"5","owner":"a"},
        "delete_version_after": "3h25m19s", "max_versions": 5, "oldest_version": 0, "updated_time": NOW, "versions": {}
    });
    assert_eq!(vault.root("GET", "kv/metadata/app", "").await.at("/data"), want);
    assert_eq!(vault.root("GET", "kv/data/app", "").await.status, 404, "no version yet");
    let body = r#"{"custom_metadata":{"owner":"b"},"max_versions":0}"#;
    assert_eq!(vault.root("POST", "kv/metadata/app", body).await.status, 204);
    let read = vault.root("GET", "kv/metadata/app", "").await;
    assert_eq!(
        (read.at("/data/custom_metadata"), read.at("/data/delete_version_after")),
        (json!({"owner":"b"}), json!("3h25m19s"))
    );
    let body =
        r#"{"custom_metadata":{"owner":null,"team":"x"},"delete_version_after":null,"cas_required":true}"#;
    assert_eq!(patch(&vault, "kv/metadata/app", &vault.root, body).await.status, 204);
    let read = vault.root("GET", "kv/metadata/app", "").await;
    assert_eq!(
        (
            read.at("/data/custom_metadata"),
            read.at("/data/delete_version_after"),
            read.at("/data/cas_required")
        ),
        (json!({"team":"x"}), json!("0s"), json!(true))
    );
    assert_eq!(patch(&vault, "kv/metadata/none", &vault.root, "{}").await.status, 404);
    for (body, text) in [
        (r#"{"custom_metadata":{"k":""}}"#, "custom_metadata validation failed: length of value for key"),
        (r#"{"custom_metadata":"x"}"#, "'custom_metadata' must be an object of strings"),
        (r#"{"delete_version_after":"-1s"}"#, "'delete_version_after' of a secret cannot be negative"),
        (r#"{"max_versions":5000}"#, "max_versions is at most 4096"),
        (r#"{"max_versions":-1}"#, "'max_versions' must be a whole number"),
    ] {
        let reply = vault.root("POST", "kv/metadata/app", body).await;
        assert_eq!(reply.status, 400, "{body}");
        assert!(reply.text.contains(text), "{body}: {}", reply.text);
    }
}

#[tokio::test]
async fn the_mount_has_settings_of_its_own() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    let unset = json!({"cas_required":false,"delete_version_after":"0s","max_versions":0});
    assert_eq!(vault.root("GET", "kv/config", "").await.at("/data"), unset);
    let body = r#"{"max_versions":3,"cas_required":"false","delete_version_after":"1h"}"#;
    assert_eq!(vault.root("POST", "kv/config", body).await.status, 204);
    assert_eq!(
        vault.root("GET", "kv/config", "").await.at("/data"),
        json!({"cas_required":false,"delete_version_after":"1h0m0s","max_versions":3})
    );
    let written = put(&vault, "app", "{}").await;
    assert_eq!(written.at("/data/deletion_time"), "2027-01-15T09:00:00.000Z");
    assert_eq!(vault.root("GET", "kv/data/app", "").await.status, 200);
    disk.clock.advance(seconds(3600));
    assert_eq!(vault.root("GET", "kv/data/app", "").await.status, 404);
    assert_eq!(vault.root("PUT", "kv/config", r#"{"delete_version_after":"-1s"}"#).await.status, 204);
    assert_eq!(vault.root("GET", "kv/config", "").await.at("/data/delete_version_after"), "-1s");
    assert_eq!(put(&vault, "app", "{}").await.at("/data/deletion_time"), "");
    assert_eq!(vault.root("PUT", "kv/config", r#"{"delete_version_after":"0s"}"#).await.status, 204);
    assert_eq!(vault.root("GET", "kv/config", "").await.at("/data/delete_version_after"), "0s");
    assert_eq!(vault.root("PUT", "kv/config", r#"{"max_versions":4097}"#).await.status, 400);
    assert_eq!(vault.root("PUT", "kv/config", r#"{"cas_required":true}"#).await.status, 204);
    let overruled = vault.root("POST", "kv/metadata/app", r#"{"cas_required":false}"#).await;
    assert_eq!((overruled.status, overruled.at("/data")), (200, Value::Null));
    assert!(overruled.at("/warnings/0").as_str().unwrap().contains("mandated by backend config"));
}
