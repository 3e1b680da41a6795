//! The mount table over HTTP: mounted, listed, tuned, moved, disabled; across restarts, crashes and races.

use std::sync::Arc;

use serde_json::{Value, json};
use vault_core::mount::Mount;
use vault_core::store::key::Table;
use vault_server::service::mount::Teardown;

use crate::vault::{Disk, Vault};

async fn enabled(vault: &Vault, path: &str, body: &str) {
    let reply = vault.root("POST", path, body).await;
    assert_eq!((reply.status, reply.text.as_str()), (204, ""), "{path}");
}

/// How many records the tables of mounts hold.
fn records(vault: &Vault) -> usize {
    let store = vault.app.barrier.store();
    Table::OF_MOUNTS.into_iter().map(|table| store.scan(table, b"", None, 10_000).unwrap().len()).sum()
}

#[tokio::test]
async fn a_mount_is_listed_with_every_key_that_clients_require() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let body = r#"{"type":"kv","description":"mine","config":{"default_lease_ttl":"1h","max_lease_ttl":7200,"force_no_cache":true},"options":{"version":2},"local":false,"seal_wrap":true}"#;
    enabled(&vault, "sys/mounts/team/kv", body).await;
    let list = vault.root("GET", "sys/mounts", "").await;
    assert_eq!(list.at("/data/team~1kv~1"), list.at("/team~1kv~1"), "beside the envelope as well");
    let mut mount = list.at("/data/team~1kv~1");
    for (key, prefix) in [("accessor", "kv_"), ("running_plugin_version", "v")] {
        let text = mount[key].take();
        assert!(text.as_str().unwrap().starts_with(prefix), "{key} {text}");
    }
    assert_eq!(mount["uuid"].take().as_str().unwrap().len(), 36);
    mount.as_object_mut().unwrap().remove("deprecation_status");
    let want = json!({
        "accessor": null, "running_plugin_version": null, "uuid": null,
        "config": {"default_lease_ttl": 3600, "force_no_cache": true, "max_lease_ttl": 7200},
        "description": "mine", "external_entropy_access": false, "local": false, "options": {"version": "2"},
        "plugin_version": "", "running_sha256": "", "seal_wrap": true, "type": "kv"
    });
    assert_eq!(mount, want);
    let one = vault.root("GET", "sys/mounts/team/kv", "").await;
    assert_eq!((one.at("/data"), one.at("/type")), (list.at("/data/team~1kv~1"), json!("kv")));
    for built_in in ["cubbyhole~1", "sys~1"] {
        assert_eq!(list.at(&format!("/data/{built_in}/config/default_lease_ttl")), 0);
    }
}

#[tokio::test]
async fn the_words_for_kv_name_its_version() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    for (path, body, options) in [
        ("a", r#"{"type":"kv"}"#, Value::Null),
        ("b", r#"{"type":"kv","options":null}"#, Value::Null),
        ("c", r#"{"type":"kv-v2"}"#, json!({"version":"2"})),
        ("d", r#"{"type":"kv","options":{"version":"2"}}"#, json!({"version":"2"})),
        ("e", r#"{"type":"generic"}"#, Value::Null),
        ("f", r#"{"type":"kv","options":{"version":1}}"#, json!({"version":"1"})),
    ] {
        enabled(&vault, &format!("sys/mounts/{path}"), body).await;
        let mount = vault.root("GET", &format!("sys/mounts/{path}"), "").await;
        assert_eq!((mount.at("/data/type"), mount.at("/data/options")), (json!("kv"), options), "{path}");
    }
}

#[tokio::test]
async fn refusals_have_the_texts_that_clients_match() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    enabled(&vault, "sys/mounts/kv", r#"{"type":"kv"}"#).await;
    enabled(&vault, "sys/auth/ci", r#"{"type":"approle"}"#).await;
    for (method, path, body, text) in [
        ("POST", "sys/mounts/kv", r#"{"type":"kv"}"#, "path is already in use at kv/"),
        ("POST", "sys/mounts/kv/below", r#"{"type":"kv"}"#, "path is already in use at kv/"),
        ("POST", "sys/mounts/sys", r#"{"type":"kv"}"#, "path is already in use at sys/"),
        ("POST", "sys/mounts/auth/x", r#"{"type":"kv"}"#, "secrets engines cannot be mounted below auth/"),
        ("POST", "sys/mounts/x", "{}", "backend type must be specified as a string"),
        ("POST", "sys/mounts/x", r#"{"type":"nosuch"}"#, "plugin not found in the catalog: nosuch"),
        ("POST", "sys/mounts/x", r#"{"type":"approle"}"#, "plugin not found in the catalog: approle"),
        (
            "POST",
            "sys/mounts/x",
            r#"{"type":"kv","options":{"version":"3"}}"#,
            "the option 'version' of kv is 1 or 2",
        ),
        ("GET", "sys/mounts/none", "", "No secret engine mount at none/"),
        ("POST", "sys/mounts/none/tune", r#"{"description":"x"}"#, "no mount at none/"),
        ("DELETE", "sys/mounts/sys", "", "sys/ is built in and cannot be mounted, moved or disabled"),
        ("DELETE", "sys/auth/token", "", "auth/token/ is built in and cannot be mounted, moved or disabled"),
        ("POST", "sys/auth/ci", r#"{"type":"approle"}"#, "path is already in use at ci/"),
        ("GET", "sys/auth/none", "", "No auth engine at none/"),
        ("POST", "sys/remount", r#"{"from":"none","to":"x"}"#, "no mount at none/"),
        (
            "POST",
            "sys/remount",
            r#"{"from":"kv","to":"auth/x"}"#,
            "cannot remount between auth/ and secrets engines",
        ),
        ("POST", "sys/remount", r#"{"from":"kv","to":"cubbyhole"}"#, "path is already in use at cubbyhole/"),
        ("POST", "sys/remount", r#"{"from":"kv"}"#, "missing 'to'"),
        (
            "POST",
            "sys/mounts/kv/tune",
            r#"{"default_lease_ttl":"2h","max_lease_ttl":"1h"}"#,
            "backend max lease TTL of 3600 would be less than backend default lease TTL of 7200",
        ),
    ] {
        let reply = vault.root(method, path, body).await;
        assert_eq!((reply.status, reply.errors()), (400, json!([text])), "{method} {path} {body}");
    }
    assert_eq!(vault.root("DELETE", "sys/mounts/none", "").await.status, 204);
    assert_eq!(vault.root("DELETE", "sys/auth/none", "").await.status, 204);
}

#[tokio::test]
async fn a_tune_changes_what_it_names_and_reads_the_effective_times() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    enabled(&vault, "sys/mounts/kv", r#"{"type":"kv","description":"first"}"#).await;
    let tune = vault.root("GET", "sys/mounts/kv/tune", "").await;
    assert_eq!(
        tune.at("/data"),
        json!({"default_lease_ttl":2_764_800,"description":"first","force_no_cache":false,"max_lease_ttl":2_764_800})
    );
    enabled(&vault, "sys/mounts/kv/tune", r#"{"default_lease_ttl":"1h","description":"second"}"#).await;
    enabled(&vault, "sys/mounts/kv/tune", r#"{"max_lease_ttl":"1h30m"}"#).await;
    let tune = vault.root("GET", "sys/mounts/kv/tune", "").await;
    assert_eq!(
        (tune.at("/data/default_lease_ttl"), tune.at("/max_lease_ttl"), tune.at("/data/description")),
        (json!(3600), json!(5400), json!("second"))
    );
    vault.root("POST", "kv/x", r#"{"k":1}"#).await;
    assert_eq!(vault.root("GET", "kv/x", "").await.at("/lease_duration"), 3600, "the engine goes by it");
    enabled(&vault, "sys/auth/ci", r#"{"type":"approle"}"#).await;
    let auth = vault.root("GET", "sys/auth/ci/tune", "").await;
    assert_eq!(auth.at("/data/token_type"), "default-service");
    assert_eq!(vault.root("GET", "sys/auth", "").await.at("/data/ci~1/config/token_type"), "default-service");
}

#[tokio::test]
async fn a_move_takes_data_and_accessor_along_and_leaves_nothing() {
    let disk = Disk::new();
    let (vault, share) = Vault::ready(&disk).await;
    enabled(&vault, "sys/mounts/kv", r#"{"type":"kv-v2"}"#).await;
    vault.root("POST", "kv/config", r#"{"max_versions":3}"#).await;
    vault.root("POST", "kv/data/app", r#"{"data":{"n":1}}"#).await;
    let accessor = vault.root("GET", "sys/mounts/kv", "").await.at("/data/accessor");
    let moved = vault.root("POST", "sys/remount", r#"{"from":"kv/","to":"team/moved"}"#).await;
    assert_eq!(moved.status, 200, "{}", moved.text);
    let id = moved.at("/data/migration_id").as_str().unwrap().to_owned();
    assert_eq!(moved.at("/migration_id"), id.as_str());
    let status = vault.root("GET", &format!("sys/remount/status/{id}"), "").await;
    let info = json!({"source_mount":"kv/","target_mount":"team/moved/","status":"success"});
    assert_eq!(status.at("/data/migration_info"), info);
    assert_eq!(vault.root("GET", "kv/data/app", "").await.status, 404);
    assert_eq!(vault.root("GET", "sys/mounts/kv", "").await.status, 400);
    let root = vault.root.clone();
    drop(vault);
    let mut vault = disk.start();
    vault.root = root;
    vault.unseal(&share).await;
    assert_eq!(vault.root("GET", "team/moved/data/app", "").await.at("/data/data/n"), 1);
    assert_eq!(vault.root("GET", "team/moved/config", "").await.at("/data/max_versions"), 3);
    assert_eq!(vault.root("GET", "sys/mounts/team/moved", "").await.at("/data/accessor"), accessor);
    enabled(&vault, "sys/mounts/kv", r#"{"type":"kv-v2"}"#).await;
    assert_eq!(vault.root("GET", "kv/data/app", "").await.status, 404, "the old place is empty");
}

#[tokio::test]
async fn what_is_disabled_is_gone_from_the_store_and_does_not_come_back() {
    let disk = Disk::new();
    let (vault, share) = Vault::ready(&disk).await;
    for (path, kind) in [("kv", "kv-v2"), ("old", "kv"), ("kept", "kv-v2")] {
        enabled(&vault, &format!("sys/mounts/{path}"), &format!(r#"{{"type":"{kind}"}}"#)).await;
    }
    for number in 0..150 {
        vault.root("POST", &format!("kv/data/s{number}"), r#"{"data":{"n":1}}"#).await;
        vault.root("POST", &format!("old/s{number}"), r#"{"n":1}"#).await;
    }
    vault.root("POST", "kept/data/app", r#"{"data":{"n":1}}"#).await;
    assert_eq!(records(&vault), 150 * 3 + 2);
    for path in ["kv", "old/"] {
        assert_eq!(vault.root("DELETE", &format!("sys/mounts/{path}"), "").await.status, 204);
    }
    assert_eq!(records(&vault), 2, "all but what another mount holds");
    let missing = vault.root("GET", "kv/data/s1", "").await;
    assert_eq!(missing.errors(), json!(["no handler for route \"kv/data/s1\". route entry not found."]));
    for _ in 0..2 {
        enabled(&vault, "sys/mounts/kv", r#"{"type":"kv-v2"}"#).await;
        assert_eq!(vault.root("LIST", "kv/metadata", "").await.status, 404, "made anew, it is empty");
        assert_eq!(vault.root("DELETE", "sys/mounts/kv", "").await.status, 204);
    }
    let root = vault.root.clone();
    drop(vault);
    let mut vault = disk.start();
    vault.root = root;
    vault.unseal(&share).await;
    let mounts = vault.root("GET", "sys/mounts", "").await.at("/data");
    assert!(mounts.get("kv/").is_none() && mounts.get("kept/").is_some(), "{mounts}");
    assert_eq!(vault.root("GET", "kept/data/app", "").await.at("/data/data/n"), 1);
}

#[tokio::test]
async fn a_disable_that_a_crash_cut_short_is_finished_after_the_unseal() {
    let disk = Disk::new();
    let (vault, share) = Vault::ready(&disk).await;
    enabled(&vault, "sys/mounts/kv", r#"{"type":"kv"}"#).await;
    vault.root("POST", "kv/app", r#"{"n":1}"#).await;
    // As the first commit of a disable leaves it.
    let (mount, _) = vault.app.mounts.find("kv/app").unwrap();
    let stored = vault.app.barrier.load::<Mount>(*mount.id.as_bytes()).unwrap().unwrap();
    let mut transaction = vault.app.barrier.transaction().unwrap();
    transaction.put(*mount.id.as_bytes(), stored.require(), &Mount { ending: true, ..stored.value.clone() });
    vault.app.barrier.commit(transaction).await.unwrap();
    let root = vault.root.clone();
    drop(vault);

    let mut vault = disk.start();
    vault.root = root;
    vault.unseal(&share).await;
    assert_eq!(
        vault.root("GET", "kv/app", "").await.status,
        404,
        "it answers nothing from the first commit on"
    );
    let gone = async {
        while records(&vault) > 0 || vault.app.barrier.load::<Mount>(*mount.id.as_bytes()).unwrap().is_some()
        {
            tokio::task::yield_now().await;
        }
    };
    let teardown = Teardown::new(&vault.app);
    tokio::select! {
        () = teardown.run_until(&vault.app.shutdown) => panic!("it stopped by itself"),
        () = gone => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_mount_at_one_path_one_does() {
    let disk = Disk::new();
    let vault = Arc::new(Vault::ready(&disk).await.0);
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let vault = Arc::clone(&vault);
            tokio::spawn(async move { vault.root("POST", "sys/mounts/kv", r#"{"type":"kv"}"#).await.status })
        })
        .collect();
    let mut statuses = Vec::new();
    for task in tasks {
        statuses.push(task.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!((statuses[0], statuses[1]), (204, 400), "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_leave_nothing_behind_in_a_mount_that_is_disabled_under_them() {
    let disk = Disk::new();
    let vault = Arc::new(Vault::ready(&disk).await.0);
    for (kind, path) in [("kv", "kv/s"), ("kv-v2", "kv/data/s")] {
        for _ in 0..5 {
            enabled(&vault, "sys/mounts/kv", &format!(r#"{{"type":"{kind}"}}"#)).await;
            let writers: Vec<_> = (0..8)
                .map(|number| {
                    let vault = Arc::clone(&vault);
                    tokio::spawn(async move {
                        let mut written = 0;
                        loop {
                            let path = format!("{path}{number}-{written}");
                            let reply = vault.root("POST", &path, r#"{"data":{"n":1}}"#).await;
                            if reply.status >= 400 {
                                return (written, reply.status);
                            }
                            written += 1;
                        }
                    })
                })
                .collect();
            while records(&vault) < 20 {
                tokio::task::yield_now().await;
            }
            assert_eq!(vault.root("DELETE", "sys/mounts/kv", "").await.status, 204);
            for writer in writers {
                let (_, status) = writer.await.unwrap();
                assert!([404, 503].contains(&status), "{status}");
            }
            assert_eq!(records(&vault), 0, "{kind}");
        }
    }
}

#[tokio::test]
async fn command_lines_learn_of_a_mount_when_they_may_use_it() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    enabled(&vault, "sys/mounts/team/kv", r#"{"type":"kv-v2"}"#).await;
    vault.policy("app", r#"path "team/kv/data/app" { capabilities = ["read"] }"#).await;
    let token = vault.token(r#"{"policies":["app"]}"#).await;
    let told = vault.call("GET", "sys/internal/ui/mounts/team/kv/app", &token, "").await;
    assert_eq!(
        (told.at("/data/type"), told.at("/data/path"), told.at("/data/options")),
        (json!("kv"), json!("team/kv/"), json!({"version":"2"}))
    );
    let nobody = vault.token(r#"{"policies":["none"]}"#).await;
    assert_eq!(vault.call("GET", "sys/internal/ui/mounts/team/kv", &nobody, "").await.status, 403);
}
