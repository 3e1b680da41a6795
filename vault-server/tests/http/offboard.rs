//! Somebody leaves: exactly what they know is rotated, whatever has become of their tokens since.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use vault_core::account::Subject;
use vault_core::entropy::{Entropy, SeededEntropy, random_bytes};
use vault_core::knower::Knower;
use vault_core::path::AccountPath;
use vault_core::store::key::Table;
use vault_server::engine::record::{Secret, secret_name};

use super::bench::Bench;

const ACCOUNTS: usize = 6;
const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];
const READER: &str = r#"
    path "accounts/creds/*" { capabilities = ["read"] }
    path "accounts/check-out/*" { capabilities = ["update"] }
    path "accounts/check-in/*" { capabilities = ["update"] }
"#;

/// A vault with some accounts, in which people log in by a password.
async fn office() -> Bench {
    let bench = Bench::new().await;
    for number in 0..ACCOUNTS {
        bench.account(&name(number), "p-1").await;
    }
    bench.vault.policy("reader", READER).await;
    bench.post("sys/auth/userpass", json!({ "type": "userpass" })).await.expect_status(204);
    for person in PEOPLE {
        let user = json!({ "password": "correct horse", "token_policies": "reader" });
        bench.post(&format!("auth/userpass/users/{person}"), user).await.expect_status(204);
    }
    bench.vault.app.start_tasks();
    bench
}

fn name(number: usize) -> String {
    format!("a{number}")
}

async fn log_in(bench: &Bench, person: &str) -> String {
    let path = format!("auth/userpass/login/{person}");
    let reply = bench.vault.call("POST", &path, "", r#"{"password":"correct horse"}"#).await;
    reply.expect_status(200);
    reply.at("/auth/client_token").as_str().unwrap().to_owned()
}

async fn rotate(bench: &Bench, account: &str) {
    bench.post(&format!("accounts/rotate/{account}"), json!({})).await.expect_status(200);
}

async fn version(bench: &Bench, account: &str) -> u64 {
    bench.get(&format!("accounts/status/{account}")).await.at("/data/version").as_u64().unwrap()
}

/// Has everything rotated that `who` knows; gives back the accounts of the campaign.
async fn offboard(bench: &Bench, who: &str) -> BTreeSet<String> {
    let reply = bench.post("campaigns/offboard", json!({ "principal": who })).await;
    reply.expect_status(200);
    let id = reply.at("/data/campaign/id").as_str().unwrap().to_owned();
    for _ in 0..600 {
        let campaign = bench.get(&format!("campaigns/{id}")).await;
        if campaign.at("/data/state") == json!("done") {
            assert_eq!(campaign.at("/data/accounts/rotated"), campaign.at("/data/accounts/total"));
            let accounts = bench.get(&format!("campaigns/{id}/accounts")).await.at("/data/accounts");
            return accounts.as_array().unwrap().iter().map(|one| text(&one["account"])).collect();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the campaign does not end: {}", bench.get(&format!("campaigns/{id}")).await.text);
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

async fn known(bench: &Bench, who: &str) -> Value {
    let plan = json!({ "principal": who, "dry_run": true });
    bench.post("campaigns/offboard", plan).await.at("/data/total")
}

/// Who was given which version, by the test's own book.
#[derive(Default)]
struct Book(BTreeMap<(String, u64), BTreeSet<String>>);

impl Book {
    fn given(&mut self, account: &str, version: u64, person: &str) {
        self.0.entry((account.to_owned(), version)).or_default().insert(person.to_owned());
    }

    fn knows(&self, account: &str, version: u64, person: &str) -> bool {
        self.0.get(&(account.to_owned(), version)).is_some_and(|people| people.contains(person))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_what_somebody_knows_is_rotated_whatever_was_read_and_rotated_before() {
    for seed in 0..2 {
        let mut bench = office().await;
        let entropy = SeededEntropy::new(seed);
        let (mut book, mut tokens) = (Book::default(), BTreeMap::new());
        for _ in 0..50 {
            let account = name(draw(&entropy, ACCOUNTS));
            let person = PEOPLE[draw(&entropy, PEOPLE.len())];
            let token = match tokens.get(person) {
                Some(token) if draw(&entropy, 3) > 0 => String::clone(token),
                _ => log_in(&bench, person).await,
            };
            tokens.insert(person, token.clone());
            match draw(&entropy, 8) {
                0..=2 => {
                    let path = format!("accounts/creds/{account}");
                    bench.vault.call("GET", &path, &token, "").await.expect_status(200);
                    book.given(&account, version(&bench, &account).await, person);
                }
                3 => {
                    // Whoever asks for a wrapped answer may open it.
                    let uri = format!("/v1/accounts/creds/{account}");
                    let headers = [("x-vault-token", token.as_str()), ("x-vault-wrap-ttl", "60")];
                    bench.vault.raw("GET", &uri, &headers, "").await.expect_status(200);
                    book.given(&account, version(&bench, &account).await, person);
                }
                4 => {
                    let path = format!("accounts/check-out/{account}");
                    bench.vault.call("POST", &path, &token, "{}").await.expect_status(200);
                    book.given(&account, version(&bench, &account).await, person);
                    let path = format!("accounts/check-in/{account}");
                    bench.vault.call("POST", &path, &token, "{}").await.expect_status(200);
                }
                5 => {
                    bench.vault.call("POST", "auth/token/revoke-self", &token, "").await.expect_status(204);
                    tokens.remove(person);
                }
                _ => rotate(&bench, &account).await,
            }
        }
        if seed % 2 == 1 {
            bench.vault.app.shutdown.begin();
            bench.vault.app.shutdown.drained().await;
            bench.restart().await;
            bench.vault.app.start_tasks();
        }
        bench.vault.app.knowers.tidy().await.unwrap();
        for person in ["alice", "bob"] {
            let (mut expected, mut before) = (BTreeSet::new(), BTreeMap::new());
            for account in (0..ACCOUNTS).map(name) {
                let version = version(&bench, &account).await;
                if book.knows(&account, version, person) {
                    expected.insert(account.clone());
                }
                before.insert(account, version);
            }
            let login = format!("auth/userpass/{person}");
            assert_eq!(offboard(&bench, &login).await, expected, "seed {seed}, {person}");
            for (account, before) in before {
                let moved = u64::from(expected.contains(&account));
                assert_eq!(version(&bench, &account).await, before + moved, "seed {seed}, {account}");
            }
            assert_eq!(known(&bench, &login).await, json!(0), "nothing that is current is known any more");
        }
    }
}

fn draw(entropy: &dyn Entropy, below: usize) -> usize {
    usize::from(random_bytes::<1>(entropy)[0]) % below
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_opens_a_wrapped_credential_knows_it_too() {
    let bench = office().await;
    let (alice, bob) = (log_in(&bench, "alice").await, log_in(&bench, "bob").await);
    for (method, path) in [("GET", "accounts/creds/a1"), ("POST", "accounts/check-out/a2")] {
        let headers = [("x-vault-token", alice.as_str()), ("x-vault-wrap-ttl", "60")];
        let wrapped = bench.vault.raw(method, &format!("/v1/{path}"), &headers, "").await;
        let opened = json!({ "token": wrapped.at("/wrap_info/token") }).to_string();
        bench.vault.call("POST", "sys/wrapping/unwrap", &bob, &opened).await.expect_status(200);
    }
    assert_eq!(known(&bench, "auth/userpass/bob").await, json!(2));
    assert_eq!(known(&bench, "auth/userpass/alice").await, json!(2));
    assert_eq!(known(&bench, "auth/userpass/carol").await, json!(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gave_a_password_knows_it_and_a_management_credential_is_no_exception() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    bench.vault.app.start_tasks();
    assert_eq!(known(&bench, "root").await, json!(2), "the account, and the management credential");
    let rotated = offboard(&bench, "root").await;
    assert_eq!(rotated, ["app", "management credential of t"].map(str::to_owned).into());
    assert_eq!(known(&bench, "root").await, json!(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_still_has_is_told_and_ended_when_that_is_asked_for() {
    let bench = office().await;
    let (token, own) = (log_in(&bench, "alice").await, log_in(&bench, "bob").await);
    bench.vault.call("POST", "accounts/check-out/a0", &token, "{}").await.expect_status(200);
    let asked = json!({ "principal": "auth/userpass/alice", "dry_run": true });
    let plan = bench.post("campaigns/offboard", asked).await;
    assert_eq!(plan.at("/data/access/tokens").as_array().unwrap().len(), 1, "{}", plan.text);
    assert_eq!(plan.at("/data/access/leases").as_array().unwrap().len(), 1, "{}", plan.text);
    assert!(plan.text.contains("can still read what is new"), "{}", plan.text);
    assert_eq!(plan.at("/data/accounts/0/state"), json!("cut"), "{}", plan.text);

    let asked = json!({ "principal": "auth/userpass/alice", "revoke": true });
    bench.post("campaigns/offboard", asked).await.expect_status(200);
    bench.vault.call("GET", "auth/token/lookup-self", &token, "").await.expect_status(403);
    bench.vault.call("GET", "auth/token/lookup-self", &own, "").await.expect_status(200);
    super::bench::until(|| bench.record("a0").lending.holder.is_none()).await;
    assert_eq!(version(&bench, "a0").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_found_in_any_spelling_of_its_name_and_an_unknown_one_is_refused() {
    let bench = office().await;
    let alice = log_in(&bench, "alice").await;
    bench.vault.call("GET", "accounts/creds/a1", &alice, "").await.expect_status(200);
    assert_eq!(offboard(&bench, "auth/userpass/Alice").await, ["a1".to_owned()].into());
    let unknown = bench.post("campaigns/offboard", json!({ "principal": "auth/userpass/alise" })).await;
    unknown.expect_status(400);
    assert!(unknown.text.contains("check the spelling"), "{}", unknown.text);
    assert_eq!(bench.get("campaigns").await.at("/data/campaigns").as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_handed_a_password_over_knows_it() {
    let bench = office().await;
    bench.vault.policy("remover", r#"path "+/config/*" { capabilities = ["delete", "sudo"] }"#).await;
    let asked = json!({ "policies": ["remover"], "display_name": "dave" }).to_string();
    let dave = bench.vault.token(&asked).await;
    for account in ["a1", "a2"] {
        let path = format!("accounts/config/{account}?disposal=hand-over");
        bench.vault.call("DELETE", &path, &dave, "").await.expect_status(200);
    }
    assert_eq!(known(&bench, "token-dave").await, json!(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_fails_alone_and_what_may_be_known_counts_as_known() {
    let bench = office().await;
    let alice = log_in(&bench, "alice").await;
    for number in 0..2 {
        let path = format!("accounts/creds/{}", name(number));
        bench.vault.call("GET", &path, &alice, "").await.expect_status(200);
    }
    bench.damage("a0").await;
    for name in bench.vault.app.barrier.names(Table::Knower, b"a/a2\0", None, 10).unwrap() {
        bench.damage_record::<Knower>(&name).await;
    }
    let asked = json!({ "principal": "auth/userpass/alice" });
    let id = text(&bench.post("campaigns/offboard", asked).await.at("/data/campaign/id"));
    let mut campaign = bench.get(&format!("campaigns/{id}")).await;
    for _ in 0..600 {
        if campaign.at("/data/state") == json!("done") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        campaign = bench.get(&format!("campaigns/{id}")).await;
    }
    assert_eq!(campaign.at("/data/state"), json!("done"), "{}", campaign.text);
    assert_eq!(campaign.at("/data/failures/store_failed"), json!(1), "{}", campaign.text);
    assert_eq!(campaign.at("/data/accounts/rotated"), json!(2), "{}", campaign.text);
    assert_eq!(version(&bench, "a2").await, 2, "nobody knows who knew it");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_noted_is_not_opened_and_not_lost() {
    let bench = office().await;
    let (alice, bob) = (log_in(&bench, "alice").await, log_in(&bench, "bob").await);
    let headers = [("x-vault-token", alice.as_str()), ("x-vault-wrap-ttl", "60")];
    let wrapped = bench.vault.raw("GET", "/v1/accounts/creds/a1", &headers, "").await;
    let token = json!({ "token": wrapped.at("/wrap_info/token") }).to_string();
    bench.damage("a1").await;
    let opened = bench.vault.call("POST", "sys/wrapping/unwrap", &bob, &token).await;
    assert!(opened.status >= 500, "{}", opened.text);
    bench.vault.call("POST", "sys/wrapping/lookup", "", &token).await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_cannot_be_read_does_not_keep_another_from_being_opened() {
    let bench = office().await;
    rotate(&bench, "a1").await;
    let (alice, bob) = (log_in(&bench, "alice").await, log_in(&bench, "bob").await);
    let headers = [("x-vault-token", alice.as_str()), ("x-vault-wrap-ttl", "60")];
    let wrapped = bench.vault.raw("GET", "/v1/accounts/creds/a1", &headers, "").await;
    let subject = Subject::Account(AccountPath::parse("a1").unwrap());
    let current = version(&bench, "a1").await;
    bench.damage_record::<Secret>(&secret_name(&subject, current)).await;
    let token = json!({ "token": wrapped.at("/wrap_info/token") }).to_string();
    bench.vault.call("POST", "sys/wrapping/unwrap", &bob, &token).await.expect_status(200);
    assert_eq!(known(&bench, "auth/userpass/bob").await, json!(1));
}
