//! Further audit devices: copies of the trail for other tools.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::vault::{Disk, Vault};

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn enable(vault: &Vault, name: &str, body: Value) -> (u16, String) {
    let reply = vault.root("PUT", &format!("sys/audit/{name}"), &body.to_string()).await;
    (reply.status, reply.text)
}

#[tokio::test]
async fn a_file_device_gets_each_entry_in_vaults_form() {
    let (disk, dir) = (Disk::new(), tempfile::tempdir().unwrap());
    let (vault, share) = Vault::ready(&disk).await;
    let path = dir.path().join("copy.log");
    let spec = json!({ "type": "file", "description": "d", "options": { "path": path } });
    assert_eq!(enable(&vault, "tmpfile", spec.clone()).await, (204, String::new()));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let taken = vault.root("POST", "sys/audit/tmpfile", &spec.to_string()).await;
    assert_eq!((taken.status, taken.errors()), (400, json!(["path already in use"])));
    let listed = vault.root("GET", "sys/audit", "").await;
    let shown = listed.at("/data/tmpfile~1");
    assert_eq!(
        (&shown["type"], &shown["path"], &shown["description"]),
        (&json!("file"), &json!("tmpfile/"), &json!("d"))
    );
    assert_eq!(shown["options"]["path"], json!(path));
    assert_eq!(listed.at("/tmpfile~1"), shown);

    let before = lines(&path).len();
    vault.root("PUT", "cubbyhole/x", r#"{"password":"hunter2","n":7}"#).await;
    let written = lines(&path);
    let [request, response] = &written[before..] else { panic!("{written:?}") };
    assert_eq!((&request["type"], &response["type"]), (&json!("request"), &json!("response")));
    assert_eq!(request["request"]["path"], "cubbyhole/x");
    let hashed = vault.root("PUT", "sys/audit-hash/tmpfile", r#"{"input":"hunter2"}"#).await;
    // What is in a secret is secret, numbers too.
    let seven = vault.root("PUT", "sys/audit-hash/tmpfile", r#"{"input":"7"}"#).await;
    assert_eq!(
        request["request"]["data"],
        json!({ "password": hashed.at("/data/hash"), "n": seven.at("/data/hash") })
    );
    assert_eq!(request.get("seq"), None);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("hunter2") && !text.contains(&vault.root));

    // It is there again after a seal, and begins a new file when the old one is moved away.
    vault.root("PUT", "sys/seal", "").await;
    vault.unseal(&share).await;
    let before = lines(&path).len();
    vault.root("GET", "sys/key-status", "").await;
    assert_eq!(lines(&path).len(), before + 2);
    std::fs::rename(&path, dir.path().join("old.log")).unwrap();
    vault.app.audit.reopen(vault.app.clock.now()).unwrap();
    vault.root("GET", "sys/key-status", "").await;
    assert!(!lines(&path).is_empty());

    for _ in 0..2 {
        assert_eq!(vault.root("DELETE", "sys/audit/tmpfile", "").await.status, 204);
    }
    let last = lines(&path).len();
    vault.root("GET", "sys/key-status", "").await;
    assert_eq!(lines(&path).len(), last);
    let gone = vault.root("PUT", "sys/audit-hash/tmpfile", r#"{"input":"x"}"#).await;
    assert_eq!((gone.status, gone.errors()), (400, json!(["unknown audit backend"])));
}

#[tokio::test]
async fn what_cannot_be_a_device_is_refused_with_its_reason() {
    let (disk, dir) = (Disk::new(), tempfile::tempdir().unwrap());
    let (vault, _) = Vault::ready(&disk).await;
    let at = |name: &str| dir.path().join(name);
    std::os::unix::fs::symlink(&disk.config.audit_file, at("link")).unwrap();
    for (spec, reason) in [
        (json!({ "type": "paper" }), "unknown backend type: \"paper\""),
        (json!({}), "missing 'type'"),
        (json!({ "type": "file" }), "file_path is required"),
        (
            json!({ "type": "file", "options": { "file_path": at("a"), "log_raw": "true" } }),
            "log_raw is not supported",
        ),
        (
            json!({ "type": "file", "options": { "file_path": at("a"), "mode": "9" } }),
            "mode must be an octal number",
        ),
        (
            json!({ "type": "file", "options": { "file_path": at("none/a") } }),
            "sanity check failed; unable to open",
        ),
        (
            json!({ "type": "file", "options": { "file_path": dir.path() } }),
            "sanity check failed; unable to open",
        ),
        (
            json!({ "type": "file", "options": { "file_path": disk.config.audit_file } }),
            "belongs to the vault itself",
        ),
        (json!({ "type": "file", "options": { "file_path": at("link") } }), "belongs to the vault itself"),
        (
            json!({ "type": "file", "options": { "file_path": disk.config.data_dir.join("x") } }),
            "belongs to the vault itself",
        ),
        (json!({ "type": "socket" }), "address is required"),
        (
            json!({ "type": "socket", "options": { "address": at("no.sock"), "socket_type": "unix" } }),
            "sanity check failed",
        ),
        (json!({ "type": "syslog", "options": { "facility": "CELLAR" } }), "unknown facility"),
    ] {
        let (status, text) = enable(&vault, "x", spec.clone()).await;
        assert_eq!(status, 400, "{spec}: {text}");
        assert!(text.contains(reason.split('"').next().unwrap()), "{spec}: {text}");
    }
    assert_eq!(vault.root("DELETE", "sys/audit/chain", "").await.status, 400);
    let (status, _) =
        enable(&vault, "chain", json!({ "type": "file", "options": { "path": "discard" } })).await;
    assert_eq!(status, 400);
    let token = vault.token(r#"{"policies":["default"]}"#).await;
    assert_eq!(vault.call("PUT", "sys/audit/x", &token, r#"{"type":"file"}"#).await.status, 403);
}

#[tokio::test]
async fn a_device_that_takes_nothing_holds_up_nobody() {
    let (disk, dir) = (Disk::new(), tempfile::tempdir().unwrap());
    let (vault, _) = Vault::ready(&disk).await;
    let path = dir.path().join("deaf.sock");
    // Accepts by its backlog and never reads.
    let _deaf = UnixListener::bind(&path).unwrap();
    let options = json!({ "address": path, "socket_type": "unix", "write_timeout": "1h" });
    assert_eq!(enable(&vault, "deaf", json!({ "type": "socket", "options": options })).await.0, 204);
    // Numbers stay as they are, so that the entries are long.
    let body = json!({ "path": "x", "n": vec![1_000_000; 10_000] }).to_string();
    let asked = async {
        for _ in 0..50 {
            assert_eq!(vault.root("POST", "sys/capabilities-self", &body).await.status, 200);
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asked).await.expect("the device holds up requests");
    assert_eq!(vault.root("DELETE", "sys/audit/deaf", "").await.status, 204);
}

#[tokio::test]
async fn how_each_device_fares_is_told() {
    let (disk, dir) = (Disk::new(), tempfile::tempdir().unwrap());
    let (vault, _) = Vault::ready(&disk).await;
    let path = dir.path().join("s.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let spec = json!({ "type": "socket", "options": { "address": path, "socket_type": "unix" } });
    assert_eq!(enable(&vault, "far", spec).await.0, 204);
    let health = async |name: &str| {
        let listed = vault.root("GET", "sys/audit", "").await;
        listed.at(&format!("/data/{name}~1/health"))
    };
    let now = disk.clock_text();
    let well = json!({ "takes_lines": true, "behind": false, "failures": 0, "newest_at": now });
    assert_eq!(health("far").await, well);
    let chain = health("chain").await;
    assert_eq!(
        (&chain["takes_lines"], &chain["failures"], &chain["newest_at"]),
        (&json!(true), &json!(0), &json!(now))
    );
    assert!(health("chain").await["newest_line"].as_u64() > chain["newest_line"].as_u64(), "{chain}");
    // Nobody is there any more.
    drop(listener);
    std::fs::remove_file(&path).unwrap();
    disk.clock.advance(Duration::from_secs(60));
    vault.root("GET", "sys/key-status", "").await;
    let ill = health("far").await;
    assert_eq!((&ill["takes_lines"], &ill["newest_at"]), (&json!(false), &json!(now)), "{ill}");
    assert!(ill["failures"].as_u64() > Some(0), "{ill}");
    let chain = health("chain").await;
    assert_eq!((&chain["takes_lines"], &chain["newest_at"]), (&json!(true), &json!(disk.clock_text())));
    let _listener = UnixListener::bind(&path).unwrap();
    vault.root("GET", "sys/key-status", "").await;
    let again = health("far").await;
    assert_eq!((&again["takes_lines"], &again["newest_at"]), (&json!(true), &json!(disk.clock_text())));
    assert!(again["failures"].as_u64() >= ill["failures"].as_u64(), "what was not taken is not forgotten");
}

#[tokio::test]
async fn the_vault_sees_that_its_audit_file_is_not_as_it_was_written() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let chain = async || vault.root("GET", "sys/audit", "").await.at("/data/chain~1/health");
    let check = || vault.app.audit.check_chain(&*disk.clock, &vault.app.shutdown).unwrap();
    let metric = async |name: &str| {
        let text = vault.root("GET", "sys/metrics?format=prometheus", "").await.text;
        let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).map(str::to_owned);
        line.and_then(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
    };
    assert_eq!(chain().await.get("checked_at"), None, "nobody has looked yet");
    assert_eq!(metric("vault_audit_chain_verified_timestamp_seconds").await, Some(0));
    let line = check().line;
    let told = chain().await;
    assert_eq!(
        (&told["checked_at"], &told["checked_line"], &told["findings"]),
        (&json!(disk.clock_text()), &json!(line), &json!(0))
    );
    let seen_at = metric("vault_audit_chain_verified_timestamp_seconds").await;
    assert!(seen_at > Some(0));

    // Somebody changes what was asked for in a line, in its place, and has the head file follow.
    let path = vault.app.config.audit_file.clone();
    let text = std::fs::read_to_string(&path).unwrap();
    let at = text.find("sys/audit").unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"sys/seals", at as u64).unwrap();
    disk.clock.advance(Duration::from_secs(60));
    assert_eq!(check().findings, 1);
    assert_eq!(check().findings, 1, "what is known is not told twice");
    assert_eq!(chain().await["findings"], json!(1));
    assert_eq!(metric("vault_audit_chain_findings").await, Some(1));
    assert_eq!(metric("vault_audit_chain_verified_timestamp_seconds").await, seen_at, "not since then");
    let trail = std::fs::read_to_string(&path).unwrap();
    assert_eq!(trail.matches("audit_chain_damaged").count(), 1, "{trail}");

    // The file is kept elsewhere as evidence, and a new one begins.
    std::fs::rename(&path, path.with_extension("damaged")).unwrap();
    vault.app.audit.reopen(vault.app.clock.now()).unwrap();
    assert_eq!(check().findings, 0);
    assert_eq!(metric("vault_audit_chain_findings").await, Some(0));
    vault.root("PUT", "sys/seal", "").await;
    assert!(vault.app.audit.check_chain(&*disk.clock, &vault.app.shutdown).is_err());
}
