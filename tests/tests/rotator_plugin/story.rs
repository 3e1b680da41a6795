//! What the engine makes of a plugin that fails at each step: nothing is lost, and the failure is told.

use std::path::Path;

use serde_json::{Value, json};
use vault_tests::plugin::{put, register};
use vault_tests::vault::Vault;

use crate::bench::{MANAGEMENT, OLD, Target, liar, lives};

struct Story {
    vault: Vault,
    folder: tempfile::TempDir,
    target: Target,
}

impl Story {
    /// A vault with the account `app` on a target of the plugin, adopted.
    async fn begin() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plugins = folder.path().join("plugins");
        let sections =
            format!("[plugins]\ndirectory = {:?}\ndeadline = \"5s\"\n", plugins.display().to_string());
        let vault = Vault::start_configured(&sections).await.unwrap();
        register(&vault, &plugins, &liar(), "liar").await.unwrap();
        let target = Target(folder.path().join("state"));
        target.reset("");
        let story = Self { vault, folder, target };
        let config = json!({
            "rotator": "plugin:liar", "username": "admin", "password": MANAGEMENT,
            "connection_url": format!("file://{}", story.target.0.display()),
        });
        story.post("targets/config/t", config).await;
        let policy = json!({ "rotation_period": "24h", "retries": 3, "retry_base": "1s", "retry_cap": "1s" });
        story.post("rotation-policies/quick", policy).await;
        let account = json!({ "target": "t", "username": "app", "rotation_policy": "quick" });
        story.post("accounts/config/app", account).await;
        assert!(!story.target.accepts("app", OLD));
        story
    }

    async fn post(&self, path: &str, body: Value) {
        let answer = self.vault.post(path, body).await.unwrap();
        assert!(answer.is_success(), "{path}: {}", answer.body);
    }

    async fn status(&self) -> Value {
        self.vault.get("accounts/status/app").await.unwrap().data().unwrap().clone()
    }

    async fn served(&self) -> String {
        self.vault.get("accounts/creds/app").await.unwrap().text("/data/password").to_owned()
    }

    /// Waits until nothing is going on and nothing is wrong; what is served then opens the target.
    async fn healed(&self) -> String {
        for _ in 0..1200 {
            let status = self.status().await;
            if status["state"] == "idle" && status.get("incident").is_none() {
                let served = self.served().await;
                assert!(self.target.accepts("app", &served), "what is served is refused");
                return served;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("it does not heal: {}", self.status().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_at_any_step_is_told_loses_nothing_and_heals() {
    let story = Story::begin().await;
    for (mode, class) in [
        ("crash@preflight", "plugin_failed"),
        ("garbage@apply", "plugin_failed"),
        ("silence@apply", "plugin_failed"),
        ("flood@apply", "plugin_failed"),
        ("other-id@apply", "plugin_failed"),
        ("other-protocol@apply", "plugin_failed"),
        ("hang@apply", "plugin_timeout"),
        // It was done, and nobody was told: found by the probe, and gone on with.
        ("loses-answer@apply", ""),
        ("crash@verify", "plugin_failed"),
        // It says that it was done: the fresh login of verify is the judge.
        ("says-applied@apply", "verify_refused"),
    ] {
        let before = story.healed().await;
        story.target.set_mode(mode);
        let answer = story.vault.post("accounts/rotate/app", json!({})).await.unwrap();
        let said = answer.body.to_string();
        assert_eq!(answer.is_success(), class.is_empty(), "{mode}: {said}");
        if !class.is_empty() {
            assert!(said.contains(class), "{mode}: {said}");
            let status = story.status().await;
            assert!(status.get("incident").is_some(), "{mode}: a failure without an incident: {status}");
            let stands = [&before, &story.served().await].iter().any(|one| story.target.accepts("app", one));
            assert!(stands || mode.contains("verify"), "{mode}: nothing that is known opens the account");
        }
        story.target.set_mode("");
        let after = story.healed().await;
        assert_ne!(after, before, "{mode}: the rotation was never made up for");
        assert!(!story.target.accepts("app", &before), "{mode}: the old one still works");
    }
    assert!(story.vault.audit_is_intact().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_changed_or_is_gone_parks_or_waits_and_goes_on_when_it_is_back() {
    let story = Story::begin().await;
    let before = story.healed().await;
    let plugins = story.folder.path().join("plugins");
    std::fs::write(plugins.join("liar"), "#!/bin/sh\necho changed\n").unwrap();
    let answer = story.vault.post("accounts/rotate/app", json!({})).await.unwrap();
    assert!(answer.body.to_string().contains("plugin_failed"), "{}", answer.body);
    assert!(story.target.accepts("app", &before) && story.served().await == before);
    put(&liar(), &plugins, "liar").unwrap();
    let before = story.healed().await;

    let gone = story.vault.call(
        reqwest::Method::DELETE,
        "sys/plugins/catalog/rotator/liar",
        None,
        story.vault.root(),
    );
    assert!(gone.await.unwrap().is_success());
    let answer = story.vault.post("accounts/rotate/app", json!({})).await.unwrap();
    assert!(answer.body.to_string().contains("preflight"), "{}", answer.body);
    assert!(story.status().await.get("incident").is_some());
    assert!(story.target.accepts("app", &before) && story.served().await == before);
    register(&story.vault, &plugins, &liar(), "liar").await.unwrap();
    story.post("accounts/rotate/app", json!({})).await;
    assert_ne!(story.healed().await, before);
}

/// The orphan of a killed vault could change the account after everybody has looked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_plugin_outlives_a_vault_that_is_killed() {
    let mut story = Story::begin().await;
    let before = story.healed().await;
    story.target.set_mode("hang@apply");
    let (caller, root) = (story.vault.caller(), story.vault.root().to_owned());
    let asked = tokio::spawn(async move {
        // Nobody is left to answer.
        let _ = caller.call(reqwest::Method::POST, "accounts/rotate/app", Some(json!({})), &root).await;
    });
    let noted = async |who: &str| loop {
        if let Some(pid) = story.target.noted(who) {
            return pid;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    let pids = [noted("orphan").await, noted("pid").await];
    story.vault.kill().unwrap();
    asked.await.unwrap();
    for _ in 0..400 {
        if !pids.iter().any(|pid| lives(pid)) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert!(!pids.iter().any(|pid| lives(pid)), "a process of the plugin outlived the vault");
    story.target.set_mode("");
    story.vault.start_again().await.unwrap();
    assert_ne!(story.healed().await, before);
    assert!(Path::new(&story.target.0).exists());
}
