//! Headers, cookies, sessions, and who is believed.

use std::time::Duration;

use serde_json::json;
use vault_core::rotation::fault::FaultClass;

use super::{Browser, OWN};
use crate::bench::Bench;
use crate::vault::{Disk, Reply, Vault, seconds};

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

fn check(reply: &Reply, what: &str) {
    for (name, want) in [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(reply.headers.get(name).unwrap(), want, "{what}: {name}");
    }
    let kept = reply.headers.get("cache-control").unwrap();
    let is_asset = what.contains("/ui/assets/") && reply.status == 200;
    assert_eq!(kept, if is_asset { "public, max-age=31536000, immutable" } else { "no-store" }, "{what}");
}

/// Nothing that the policy would stop is there, and nothing of another place.
fn check_inline(reply: &Reply, what: &str) {
    let page = reply.text.to_lowercase();
    for (number, rest) in page.split("<script").skip(1).enumerate() {
        assert_eq!(number, 0, "{what}: one script");
        assert!(rest.starts_with(" src=\"/ui/assets/") && rest.contains(" defer></script>"), "{what}");
    }
    for word in ["<style", " style=", "javascript:", "http://", "https://", " src=\"//", "<base", "<iframe"] {
        assert!(!page.contains(word), "{what}: {word}");
    }
    for tag in page.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap();
        let mut names = tag.split_whitespace().skip(1).filter_map(|word| word.split_once('='));
        assert!(names.all(|(name, _)| !name.starts_with("on")), "{what}: {tag}");
    }
}

/// A bench with an open incident.
pub(super) async fn failing() -> (Bench, String) {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    bench.target.break_down(FaultClass::Unreachable);
    bench.post("accounts/rotate/app", json!({})).await.expect_status(502);
    bench.rest().await;
    let open = bench.get("incidents").await;
    let id = open.at("/data/incidents/0/id").as_str().unwrap().to_owned();
    (bench, id)
}

/// Pages by their addresses.
const PAGES: [(&str, u16); 25] = [
    ("/ui/accounts", 200),
    ("/ui/accounts?q=a&state=backoff&page=9", 200),
    ("/ui/audit", 200),
    ("/ui/audit?path=a&outcome=failed&type=response", 200),
    ("/ui/audit?outcome=odd", 400),
    ("/ui/reports", 200),
    ("/ui/reports?window=7d", 200),
    ("/ui/targets", 200),
    ("/ui/targets/t", 200),
    ("/ui/targets/..", 404),
    ("/ui/silences", 200),
    ("/ui/silences?target=%22%3E%3Cscript&auto=1", 200),
    ("/ui/notifications", 200),
    ("/ui/notifications?page=9", 200),
    ("/ui/notifications/nothing?state=dead", 404),
    ("/ui/notifications/..", 404),
    ("/ui/checkouts", 200),
    ("/ui/checkouts?q=a&whose=mine&page=9&auto=1", 200),
    ("/ui/checkout?account=app", 200),
    ("/ui/checkout?account=nothing", 404),
    ("/ui/incident/00000000-0000-7000-8000-000000000000", 404),
    ("/ui/incident/nonsense", 404),
    ("/ui/nothing", 404),
    ("/ui/assets/other.css", 404),
    ("/ui/%00", 404),
];

#[tokio::test]
async fn every_answer_has_the_headers_and_no_page_has_anything_inline() {
    let (bench, id) = failing().await;
    let nobody = Browser::new(&bench.vault);
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let home = browser.get("/ui/").await;
    let assets: Vec<String> =
        home.text.split('"').filter(|part| part.starts_with("/ui/assets/")).map(str::to_owned).collect();
    assert_eq!(assets.len(), 3, "{assets:?}");
    let incident = format!("/ui/incident/{id}");
    let confirm = format!("{incident}/act/retry");
    let mut pages =
        vec![("/ui", 200), ("/ui/", 200), ("/ui/?auto=1", 200), (&incident, 200), (&confirm, 200)];
    pages.extend(PAGES);
    pages.extend(assets.iter().map(|asset| (asset.as_str(), 200)));
    for (uri, status) in pages {
        let reply = browser.get(uri).await;
        assert_eq!(reply.status, status, "{uri}: {}", reply.text);
        check(&reply, uri);
        let is_page = reply.headers.get("content-type").unwrap() == "text/html; charset=utf-8";
        assert_eq!(is_page, !(uri.starts_with("/ui/assets/") && status == 200), "{uri}");
        if is_page {
            check_inline(&reply, uri);
            assert!(
                reply.text.contains("<html lang=\"en\">") && reply.text.contains("<main id=\"main\""),
                "{uri}"
            );
        }
    }
    for (reply, what, status) in [
        (nobody.get("/ui/").await, "signed out", 401),
        (nobody.get("/ui/sign-in").await, "sign-in", 200),
        (bench.vault.raw("DELETE", "/ui/", &[], "").await, "a method", 405),
        (nobody.send("/ui/sign-in", &[], &[]).await, "no origin", 403),
        (nobody.send("/ui/sign-in", &[("token", "wrong")], &OWN).await, "a wrong token", 403),
        (browser.post(&confirm, &[]).await, "an act that fails", 502),
        (browser.post("/ui/sign-out", &[]).await, "sign-out", 303),
    ] {
        assert_eq!(reply.status, status, "{what}: {}", reply.text);
        check(&reply, what);
        check_inline(&reply, what);
    }
    bench.vault.root("PUT", "sys/seal", "").await;
    let sealed = browser.get("/ui/").await;
    assert_eq!(sealed.status, 503);
    assert!(sealed.text.contains("This vault is sealed"), "{}", sealed.text);
    check(&sealed, "sealed");
    check_inline(&sealed, "sealed");
    let empty = Disk::new();
    let empty = empty.start();
    let reply = Browser::new(&empty).get("/ui/sign-in").await;
    assert!(reply.status == 503 && reply.text.contains("not initialised"), "{}", reply.text);
    check(&reply, "not initialised");
}

#[tokio::test]
async fn the_cookie_is_for_this_host_alone_and_out_of_reach_of_scripts() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let cookie = |reply: &Reply| reply.headers.get("set-cookie").unwrap().to_str().unwrap().to_owned();
    let mut browser = Browser::new(&vault);
    // A TLS proxy on this machine passes its own name on, and its cookie is one for TLS.
    let behind = cookie(&browser.sign_in(&[("token", &vault.root)]).await);
    assert!(behind.starts_with("__Host-rotunda=") && behind.ends_with("; Secure"), "{behind}");
    let local = [OWN.as_slice(), &[("host", "127.0.0.1:8200")]].concat();
    let reply = browser.send("/ui/sign-in", &[("token", &vault.root)], &local).await;
    let plain = cookie(&reply);
    let held = plain.split(';').next().unwrap();
    for (host, status) in [("127.0.0.1:8200", 200), ("localhost:8200", 200), ("vault.example", 401)] {
        let reply = vault.raw("GET", "/ui/", &[("host", host), ("cookie", held)], "").await;
        assert_eq!(reply.status, status, "{host}");
    }
    let (id, rest) = plain.strip_prefix("rotunda=").unwrap().split_once(';').unwrap();
    assert_eq!((id.len(), rest), (64, " Path=/; HttpOnly; SameSite=Strict"));
    assert!(!plain.contains(vault.root.as_str()));

    // Where others can reach it, TLS is in front of it, or the browser keeps nothing.
    let mut disk = Disk::new();
    disk.config.listener.address = "10.0.0.1:8200".parse().unwrap();
    let (vault, _) = Vault::ready(&disk).await;
    let mut browser = Browser::new(&vault);
    let secure = cookie(&browser.sign_in(&[("token", &vault.root)]).await);
    let (_, rest) = secure.strip_prefix("__Host-rotunda=").unwrap().split_once(';').unwrap();
    assert_eq!(rest, " Path=/; HttpOnly; SameSite=Strict; Secure");
    let first = browser.cookie.clone();
    assert_eq!(browser.get("/ui/").await.status, 200);
    let gone = cookie(&browser.post("/ui/sign-out", &[]).await);
    assert_eq!(gone, "__Host-rotunda=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0");

    // An id that somebody brings along is never taken over.
    browser.cookie = "__Host-rotunda=abc".to_owned();
    browser.sign_in(&[("token", &vault.root)]).await;
    assert!(browser.cookie.len() > 64 && browser.cookie != first);
}

#[tokio::test]
async fn a_session_ends_on_signing_out_and_with_it_the_token_that_was_made_for_it() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    vault.root("POST", "sys/auth/userpass", r#"{"type":"userpass"}"#).await;
    let user = r#"{"password":"hunter2","token_policies":["default"]}"#;
    assert_eq!(vault.root("POST", "auth/userpass/users/mary", user).await.status, 204);
    let accessors = async || {
        vault.root("LIST", "auth/token/accessors", "").await.at("/data/keys").as_array().unwrap().len()
    };
    let before = accessors().await;

    let mut browser = Browser::new(&vault);
    let fields = [("username", "mary"), ("password", "hunter2"), ("next", "/ui/accounts")];
    let reply = browser.sign_in(&fields).await;
    assert_eq!(
        (reply.status, reply.headers.get("location").unwrap().to_str().unwrap()),
        (303, "/ui/accounts")
    );
    assert_eq!(accessors().await, before + 1);
    let stolen = Browser { vault: &vault, cookie: browser.cookie.clone() };
    assert_eq!(browser.post("/ui/sign-out", &[]).await.status, 303);
    assert_eq!(stolen.get("/ui/").await.status, 401);
    assert_eq!(accessors().await, before, "its token is revoked");

    // A token that was brought along lives on.
    let token = vault.token(r#"{"policies":["default"]}"#).await;
    let browser = Browser::with_token(&vault, &token).await;
    assert_eq!(browser.post("/ui/sign-out", &[]).await.status, 303);
    assert_eq!(vault.call("GET", "auth/token/lookup-self", &token, "").await.status, 200);
}

#[tokio::test]
async fn a_session_ends_without_use_with_its_token_and_with_a_seal() {
    let disk = Disk::new();
    let (vault, share) = Vault::ready(&disk).await;
    let browser = Browser::with_token(&vault, &vault.root).await;
    disk.clock.advance(Duration::from_secs(14 * 60));
    assert_eq!(browser.get("/ui/?auto=1").await.status, 200, "the script looks");
    disk.clock.advance(seconds(59));
    assert_eq!(browser.get("/ui/").await.status, 200, "a person looks");
    disk.clock.advance(Duration::from_secs(15 * 60));
    let over = browser.get("/ui/accounts").await;
    assert_eq!(over.status, 401);
    assert!(over.text.contains("Your session is over") && over.headers.get("set-cookie").is_some());
    assert!(over.text.contains(r#"name="next" value="/ui/accounts""#));

    let token = vault.token(r#"{"policies":["default"]}"#).await;
    let browser = Browser::with_token(&vault, &token).await;
    let body = json!({ "token": token }).to_string();
    assert_eq!(vault.root("POST", "auth/token/revoke", &body).await.status, 204);
    assert_eq!(browser.get("/ui/").await.status, 401);

    let token = vault.token(r#"{"policies":["default"],"ttl":"60s"}"#).await;
    let browser = Browser::with_token(&vault, &token).await;
    disk.clock.advance(seconds(61));
    assert_eq!(browser.get("/ui/").await.status, 401);

    let browser = Browser::with_token(&vault, &vault.root).await;
    vault.root("PUT", "sys/seal", "").await;
    vault.unseal(&share).await;
    assert_eq!(browser.get("/ui/").await.status, 401, "a session outlives no seal");
}

#[tokio::test]
async fn a_form_of_another_page_or_another_session_does_nothing() {
    let (bench, id) = failing().await;
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let other = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let (token, others) = (browser.form_token().await, other.form_token().await);
    assert!(token.len() == 64 && token != others);
    let before = bench.get(&format!("incidents/{id}")).await.text;
    let ack = format!("/ui/incident/{id}/ack");
    let act = format!("/ui/incident/{id}/act/retry");
    let own = [("form_token", token.as_str())];
    for uri in [ack.as_str(), act.as_str(), "/ui/sign-out"] {
        for (fields, headers) in [
            (vec![], OWN.to_vec()),
            (vec![("form_token", "")], OWN.to_vec()),
            (vec![("form_token", others.as_str())], OWN.to_vec()),
            (own.to_vec(), vec![]),
            (own.to_vec(), vec![("sec-fetch-site", "cross-site")]),
            (own.to_vec(), vec![("sec-fetch-site", "same-site"), ("origin", "https://vault.example:8200")]),
            (own.to_vec(), vec![("origin", "https://evil.example")]),
            (own.to_vec(), vec![("origin", "null")]),
        ] {
            let reply = browser.send(uri, &fields, &headers).await;
            assert_eq!(reply.status, 403, "{uri} {fields:?} {headers:?}");
        }
        // Without the cookie the right form token is of no use.
        assert_eq!(Browser::new(&bench.vault).send(uri, &own, &OWN).await.status, 401);
    }
    let reply = browser.get(&format!("{ack}?form_token={token}")).await;
    assert_eq!(reply.status, 404, "what changes something is no look");
    // Only the request ids differ.
    let after = bench.get(&format!("incidents/{id}")).await;
    let before: serde_json::Value = serde_json::from_str(&before).unwrap();
    assert_eq!(after.at("/data"), before["data"]);
    assert_eq!(browser.get("/ui/").await.status, 200);
    let taken = browser.send(&ack, &own, &[("origin", "https://vault.example:8200")]).await;
    assert_eq!(taken.status, 303, "{}", taken.text);
}

#[tokio::test]
async fn a_user_who_fails_too_often_is_locked_out_here_too() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    vault.root("POST", "sys/auth/userpass", r#"{"type":"userpass"}"#).await;
    vault.root("POST", "auth/userpass/users/mary", r#"{"password":"hunter2"}"#).await;
    let mut browser = Browser::new(&vault);
    for _ in 0..5 {
        let reply = browser.sign_in(&[("username", "mary"), ("password", "wrong-word")]).await;
        assert_eq!(reply.status, 403);
        assert!(!reply.text.contains("wrong-word") && reply.headers.get("set-cookie").is_none());
    }
    let right = [("username", "mary"), ("password", "hunter2")];
    assert_eq!(browser.sign_in(&right).await.status, 403, "locked");
    disk.clock.advance(seconds(901));
    assert_eq!(browser.sign_in(&right).await.status, 303);
}

#[tokio::test]
async fn a_look_changes_nothing_and_is_in_the_trail() {
    let (bench, id) = failing().await;
    let token = bench.vault.root.clone();
    let browser = Browser::with_token(&bench.vault, &token).await;
    let position = || bench.vault.app.barrier.store().position().unwrap().commit;
    let before = (position(), bench.record("app"));
    let act = |word: &str| format!("/ui/incident/{id}/act/{word}");
    for uri in [
        "/ui/".to_owned(),
        "/ui/accounts".to_owned(),
        format!("/ui/incident/{id}"),
        act("retry"),
        act("unpark"),
        act("reconcile"),
        act("use_previous"),
        act("set_password"),
        act("maintenance"),
        format!("/ui/incident/{id}/ack"),
        format!("/ui/incident/{id}/assign"),
        format!("/ui/incident/{id}/note"),
        "/ui/sign-out".to_owned(),
        "/ui/sign-in".to_owned(),
    ] {
        browser.get(&uri).await;
    }
    assert_eq!((position(), bench.record("app")), before);
    let trail = std::fs::read_to_string(bench.disk.dir.path().join("audit.log")).unwrap();
    let asked =
        |path: &str| trail.lines().filter(|line| line.contains(&format!("\"path\":\"{path}\""))).count();
    assert!(asked("reports/rotation") >= 2 && asked(&format!("incidents/{id}/actions")) >= 6, "{trail}");
    assert!(!trail.contains(&token));
}

#[tokio::test]
async fn a_link_of_another_place_leads_on_once_and_the_switch_turns_it_off() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let foreign = vault.raw("GET", "/ui/accounts", &[("sec-fetch-site", "cross-site")], "").await;
    assert_eq!(foreign.status, 200);
    assert!(foreign.text.contains(r#"content="0;url=/ui/accounts""#), "{}", foreign.text);
    let asked = "/ui/accounts?q=a&state=parked";
    let foreign = vault.raw("GET", asked, &[("sec-fetch-site", "cross-site")], "").await;
    let onward = r#"content="0;url=/ui/accounts?q=a&#38;state=parked""#;
    assert!(foreign.text.contains(onward), "{}", foreign.text);
    let own = vault.raw("GET", "/ui/accounts", &[("sec-fetch-site", "same-origin")], "").await;
    assert_eq!(own.status, 401);

    let mut disk = Disk::new();
    disk.config.dashboard = false;
    let (vault, _) = Vault::ready(&disk).await;
    for path in ["/ui", "/ui/", "/ui/sign-in"] {
        assert_eq!(vault.raw("GET", path, &[], "").await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn who_asks_too_much_is_told_so_by_a_page() {
    let mut disk = Disk::new();
    disk.config.requests_per_second = 1;
    let vault = disk.start();
    let browser = Browser::new(&vault);
    let path = "/ui/incident/00000000-0000-7000-8000-000000000000/ack";
    for is_form in [false, true] {
        let mut replies = Vec::new();
        for _ in 0..10 {
            replies.push(if is_form {
                browser.send(path, &[], &OWN).await
            } else {
                browser.get("/ui/").await
            });
        }
        let reply = replies.iter().find(|reply| reply.status == 429).unwrap();
        check(reply, "too many");
        check_inline(reply, "too many");
        assert_eq!(reply.headers.get("content-type").unwrap(), "text/html; charset=utf-8");
        assert_eq!(reply.headers.get("retry-after").unwrap(), "1");
        let back = if is_form { "\"/ui/incident/00000000-0000-7000-8000-000000000000\"" } else { "\"/ui/\"" };
        assert!(reply.text.contains(&format!("href={back}")), "{}", reply.text);
        assert_eq!(reply.text.contains("Nothing was done"), is_form, "{}", reply.text);
    }
}
