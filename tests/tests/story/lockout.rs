//! The lockout guard before a real directory whose policy locks after three refused logins, and one without it.

use std::time::Duration;

use ldap3::Mod;
use serde_json::{Value, json};
use vault_tests::ldap::{LdapOptions, LdapServer, MANAGEMENT, PEOPLE, account_dn};
use vault_tests::proxy::{FaultProxy, Mischief};
use vault_tests::vault::{Answer, Vault};

/// How long the directory counts a refused login.
const COUNTED: u64 = 20;
const BEFORE: &str = "set-by-hand-4711";
/// What stands in the one request that sets a password.
const PASSWORD_MODIFY: &str = "1.3.6.1.4.1.4203.1.11.1";

/// A directory, a proxy before it, and a vault.
struct Play {
    server: LdapServer,
    proxy: FaultProxy,
    vault: Vault,
}

impl Play {
    /// With the account `app`, on a target of these settings.
    async fn with(more: Value) -> Self {
        let counted = format!("pwdFailureCountInterval: {COUNTED}");
        let policy = ["pwdLockout: TRUE", "pwdMaxFailure: 3", "pwdLockoutDuration: 0", &counted];
        let policy = policy.into_iter().map(str::to_owned).collect();
        let server = LdapServer::start_with(&LdapOptions { policy, ..LdapOptions::default() }).await.unwrap();
        let proxy = FaultProxy::start_plain(server.port()).await.unwrap();
        let vault = Vault::start().await.unwrap();
        server.create_account("app", BEFORE).await.unwrap();
        let play = Self { server, proxy, vault };
        let quick = json!({ "retries": 5, "retry_base": "1s", "retry_cap": "1s", "rotation_period": "24h" });
        play.done("rotation-policies/quick", quick).await;
        let mut target = json!({
            "rotator": "ldap", "connection_url": format!("ldap://127.0.0.1:{}", play.proxy.port()),
            "sslmode": "disable", "userdn": PEOPLE, "request_timeout": "4s",
            "username": MANAGEMENT, "password": play.server.password(),
            "heartbeat": "5s", "heartbeat_rate": 600,
        });
        target.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        play.done("targets/config/t", target).await;
        let account =
            json!({ "target": "t", "username": "app", "password": BEFORE, "rotation_policy": "quick" });
        play.done("accounts/config/app", account).await;
        play
    }

    async fn done(&self, path: &str, body: Value) {
        let answer = self.vault.post(path, body).await.unwrap();
        assert!(answer.is_success(), "{path}: {}", answer.errors());
    }

    async fn press(&self, what: &str) -> Answer {
        self.vault.post(&format!("accounts/{what}/app"), json!({})).await.unwrap()
    }

    /// Somebody sets another password.
    async fn drifts(&self, password: &str) {
        let change = Mod::Replace("userPassword".to_owned(), [password.to_owned()].into());
        self.server.modify(&account_dn("app"), vec![change]).await.unwrap();
    }

    async fn is_locked(&self) -> bool {
        let entry = self.server.entry(&account_dn("app")).await.unwrap();
        entry.attrs.contains_key("pwdAccountLockedTime")
    }

    async fn status(&self) -> Value {
        self.vault.get("accounts/status/app").await.unwrap().data().unwrap().clone()
    }

    /// Waits until the status is so; at no time meanwhile may the account be locked.
    async fn until(&self, what: &str, so: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..600 {
            let status = self.status().await;
            assert!(!self.is_locked().await, "locked while waiting until {what}: {status}");
            if so(&status) {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("never {what}: {}", self.status().await);
    }

    /// What is served works, and nothing else does that was in force before.
    async fn is_well(&self) {
        let served = self.vault.get("accounts/creds/app").await.unwrap();
        let password = served.text("/data/password").to_owned();
        assert!(self.server.accepts(&account_dn("app"), &password).await.unwrap(), "{}", served.body);
        assert!(!self.is_locked().await);
    }

    /// Rotates, is found to have been changed outside, and is looked at by people who do not believe it.
    async fn is_doubted(&self) -> Vec<u16> {
        assert!(self.press("rotate").await.is_success());
        self.drifts("somebody else's").await;
        for _ in 0..600 {
            if self.status().await["class"] == "drift" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let mut pressed = Vec::new();
        for _ in 0..4 {
            pressed.push(self.press("verify").await.status);
        }
        pressed
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_says_when_it_locks_is_never_brought_there() {
    let window = format!("{}s", COUNTED + 2);
    let play = Play::with(json!({ "lockout_threshold": 3, "lockout_window": window })).await;
    let pressed = play.is_doubted().await;
    assert!(!play.is_locked().await);
    assert!(pressed.iter().filter(|status| **status == 409).count() >= 2, "{pressed:?}");
    let status = play.status().await;
    assert!(status["lockout"]["held_until"].is_string(), "{status}");

    // A change that is cut off while the count is not at zero: it is not known what the directory holds.
    play.until("there is room", |status| status["lockout"]["refused"].as_u64().unwrap_or(0) < 2).await;
    play.proxy.set(Mischief::CutBefore(PASSWORD_MODIFY.to_owned())).await.unwrap();
    let asked = play.press("rotate").await;
    assert!(asked.status != 409, "{}", asked.body);
    play.proxy.wait_struck(1).await.unwrap();
    play.proxy.set(Mischief::None).await.unwrap();
    play.until("it is repaired", |status| status["state"] == "idle" && status["incident"].is_null()).await;
    play.is_well().await;

    // The same where the directory has the change and only the answer is lost.
    play.proxy.set(Mischief::DropReply(PASSWORD_MODIFY.to_owned())).await.unwrap();
    let _ = play.press("rotate").await;
    play.proxy.set(Mischief::None).await.unwrap();
    play.until("it is repaired", |status| status["state"] == "idle" && status["incident"].is_null()).await;
    play.is_well().await;

    // A lease ends, and many heartbeats and people look.
    play.done("accounts/check-out/app", json!({ "reason": "a story" })).await;
    play.done("accounts/check-in/app", json!({})).await;
    for _ in 0..5 {
        assert!(play.press("verify").await.is_success());
    }
    play.is_well().await;
    assert!(play.vault.audit_is_intact().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_guard_the_same_play_locks_the_account() {
    let play = Play::with(json!({})).await;
    let pressed = play.is_doubted().await;
    assert!(play.is_locked().await, "{pressed:?}");
}
