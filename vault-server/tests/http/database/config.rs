//! `config/<name>`, `rotate-root/<name>`, `reset/<name>`: a target by the words of Vault.

use rotators::fake::Verb;
use serde_json::{Value, json};
use vault_core::rotation::fault::FaultClass;

use super::Databases;

#[tokio::test]
async fn a_config_is_one_of_our_targets_and_shows_no_password() {
    let databases = Databases::new().await;
    let more = json!({ "allowed_roles": ["a", "b"], "max_open_connections": "7", "username_template": "u-{{random 8}}", "root_rotation_statements": ["ALTER ROLE \"{{username}}\" PASSWORD '{{password}}'"] });
    databases.configure("pg", more).await.expect_status(204);
    let read = databases.get("database/config/pg").await;
    read.expect_status(200);
    let want = json!({
        "allowed_roles": ["a", "b"],
        "connection_details": {
            "connection_url": "fake://{{username}}:{{password}}@db",
            "max_open_connections": 7,
            "username": "manager",
            "username_template": "u-{{random 8}}",
        },
        "password_policy": "",
        "plugin_name": "fake-database-plugin",
        "plugin_version": "",
        "root_credentials_rotate_statements": ["ALTER ROLE \"{{username}}\" PASSWORD '{{password}}'"],
        "target": "database.pg",
    });
    assert_eq!(read.at("/data"), want);
    assert_eq!(databases.list("database/config").await.at("/data/keys"), json!(["pg"]));
    let target = databases.get("targets/config/database.pg").await;
    assert_eq!(
        (target.at("/data/username"), target.at("/data/max_concurrency")),
        (json!("manager"), json!(7))
    );
    assert_eq!(databases.get("targets/status/database.pg").await.at("/data/state"), "idle");
    for status in [404, 404] {
        databases.get("database/config/none").await.expect_status(status);
    }
    databases.get("database/config").await.expect_status(405);
    databases.get("database/none").await.expect_status(404);
}

#[tokio::test]
async fn what_a_later_write_leaves_out_stays() {
    let databases = Databases::new().await;
    databases.configure("pg", json!({ "max_open_connections": 3 })).await.expect_status(204);
    databases.post("database/config/pg", json!({ "allowed_roles": ["st"] })).await.expect_status(204);
    let data = databases.get("database/config/pg").await.at("/data");
    assert_eq!(
        (&data["allowed_roles"], &data["plugin_name"]),
        (&json!(["st"]), &json!("fake-database-plugin"))
    );
    assert_eq!(data["connection_details"]["max_open_connections"], 3);
}

#[tokio::test]
async fn a_password_in_the_url_is_taken_out_of_it() {
    let databases = Databases::new().await;
    let body = json!({ "plugin_name": "fake-database-plugin", "connection_url": "fake://manager:m%2D1@db/x", "allowed_roles": "*" });
    let written = databases.post("database/config/lit", body).await;
    written.expect_status(200);
    assert!(written.at("/warnings/0").as_str().unwrap().starts_with("Password found in connection_url"));
    let read = databases.get("database/config/lit").await;
    assert_eq!(read.at("/data/connection_details/connection_url"), "fake://{{username}}:{{password}}@db/x");
    assert!(!read.text.contains("m-1") && !read.text.contains("m%2D1"), "{}", read.text);
    let other = json!({ "plugin_name": "fake-database-plugin", "connection_url": "fake://manager:m-1@db/x", "password": "m-2" });
    databases.post("database/config/lit", other).await.expect_status(400);
    let audit = std::fs::read_to_string(&databases.bench.vault.app.config.audit_file).unwrap();
    assert!(!audit.contains("m-1") && !audit.contains("m%2D1"));
}

#[tokio::test]
async fn what_cannot_be_a_config_says_why_and_leaves_nothing() {
    let databases = Databases::new().await;
    let url = "fake://{{username}}:{{password}}@db";
    for (body, why) in [
        (json!({}), "empty plugin name"),
        (json!({ "plugin_name": "fake-database-plugin" }), "connection_url cannot be empty"),
        (
            json!({ "plugin_name": "nosuch", "connection_url": url }),
            "plugin not found in the catalog: nosuch",
        ),
        (json!({ "plugin_name": "fake-database-plugin", "connection_url": url }), "missing username"),
        (
            json!({ "plugin_name": "fake-database-plugin", "connection_url": url, "username": "manager" }),
            "password is missing",
        ),
        (
            json!({ "plugin_name": "fake-database-plugin", "connection_url": url, "username": "manager", "password": "bad" }),
            "error verifying connection",
        ),
        (
            json!({ "root_rotation_statements": "ALTER ROLE x NOLOGIN" }),
            "root_rotation_statements are not run",
        ),
        (json!({ "auth_type": "gcp_iam" }), "'auth_type' is not supported"),
        (
            json!({ "plugin_name": "fake-database-plugin", "connection_url": url, "username": "manager", "password": "m-1", "password_policy": "none" }),
            "the password policy none is not configured",
        ),
    ] {
        let reply = databases.post("database/config/new", body.clone()).await;
        reply.expect_status(400);
        assert!(reply.text.contains(why), "{body}: {}", reply.text);
        databases.get("database/config/new").await.expect_status(404);
        databases.get("targets/config/database.new").await.expect_status(404);
    }
    let unverified = json!({ "password": "bad", "verify_connection": false });
    databases.configure("new", unverified).await.expect_status(204);
}

#[tokio::test]
async fn the_stored_password_is_not_shown_to_another_address() {
    let databases = Databases::new().await;
    let reply = databases
        .post("database/config/pg", json!({ "connection_url": "fake://{{username}}:{{password}}@evil" }))
        .await;
    reply.expect_status(400);
    assert_eq!(
        databases.get("database/config/pg").await.at("/data/connection_details/connection_url"),
        "fake://{{username}}:{{password}}@db"
    );
}

#[tokio::test]
async fn rotate_root_changes_the_management_password_and_a_target_only_the_vault_knows_stays() {
    let databases = Databases::new().await;
    databases.post("database/rotate-root/pg", json!({})).await.expect_status(204);
    assert!(!databases.bench.target.accepts("manager", "m-1"));
    databases.post("database/reset/pg", json!({})).await.expect_status(204);
    for path in ["database/rotate-root/none", "database/reset/none"] {
        let reply = databases.post(path, json!({})).await;
        reply.expect_status(400);
        assert!(reply.text.contains("failed to find entry for connection with name"), "{}", reply.text);
    }
    let reply = databases.delete("targets/config/database.pg?disposal=forget").await;
    reply.expect_status(409);
    databases.delete("database/config/pg").await.expect_status(204);
    databases.delete("database/config/pg").await.expect_status(204);
    databases.get("database/config/pg").await.expect_status(404);
    // Made anew it gets another target; the one before waits to be disposed of.
    databases.configure("pg", json!({ "verify_connection": false })).await.expect_status(204);
    assert_eq!(databases.get("database/config/pg").await.at("/data/target"), "database.pg-2");
    let handed = databases.bench.handed_over("targets/config/database.pg").await;
    assert!(databases.bench.target.accepts("manager", &handed[0]));
}

#[tokio::test]
async fn a_config_whose_password_a_person_knows_goes_with_its_target() {
    let databases = Databases::new().await;
    databases.delete("database/config/pg").await.expect_status(204);
    databases.get("targets/config/database.pg").await.expect_status(404);
    databases.configure("pg", json!({})).await.expect_status(204);
    assert_eq!(databases.get("database/config/pg").await.at("/data/target"), "database.pg");
}

#[tokio::test]
async fn a_reset_while_the_database_is_down_is_done_and_says_so() {
    let databases = Databases::new().await;
    databases.bench.target.always(Verb::Check, rotators::fake::Mishap::Fails(FaultClass::Unreachable));
    let reply = databases.post("database/reset/pg", json!({})).await;
    reply.expect_status(200);
    assert_eq!(reply.at("/data"), Value::Null);
    assert!(reply.at("/warnings/0").as_str().unwrap().contains("does not work yet"), "{}", reply.text);
}

#[tokio::test]
async fn a_mount_that_moves_takes_its_configs_along() {
    let databases = Databases::new().await;
    databases.post("sys/remount", json!({ "from": "database", "to": "db/prod" })).await.expect_status(200);
    assert_eq!(databases.get("db/prod/config/pg").await.at("/data/target"), "database.pg");
    databases.post("db/prod/rotate-root/pg", json!({})).await.expect_status(204);
    databases.post("sys/mounts/database", json!({ "type": "database" })).await.expect_status(204);
    databases.configure("pg", json!({ "verify_connection": false })).await.expect_status(204);
    assert_eq!(databases.get("database/config/pg").await.at("/data/target"), "database.pg-2");
}
