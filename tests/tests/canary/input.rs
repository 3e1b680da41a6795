//! Requests that are wrong, each with a secret where a hurried person could put one.
//!
//! Not among them: names (of targets, policies, capabilities, time zones), paths and reasons. They are
//! repeated in messages and readable in the audit file on purpose, as `docs/audit.md` says.

use reqwest::Method;
use serde_json::json;

use crate::failure::root;
use crate::session::Session;

/// Sends them all. None of the answers may repeat the secret.
pub(crate) async fn of_every_bad_kind(session: &mut Session) {
    session.secrets.add("secret in bad input", MISPLACED);
    bodies(session).await;
    fields(session).await;
    texts(session).await;
    heads(session).await;
}

/// Bodies that are no JSON, or not what is expected.
async fn bodies(session: &mut Session) {
    let root = root(session);
    for body in [
        format!("{{\"password\":\"{MISPLACED}\""),
        format!("{{\"password\":{MISPLACED}}}"),
        format!("{{\"password\":\"{MISPLACED}\",}}"),
        format!("{{\"password\":\"{MISPLACED}\\q\"}}"),
        format!("{{'password':'{MISPLACED}'}}"),
        format!("password={MISPLACED}&username=app"),
        format!("\"{MISPLACED}\""),
        format!("[\"{MISPLACED}\"]"),
        format!("{{\"{MISPLACED}"),
        format!("{{\"password\":\"{MISPLACED}\",\"password\":\"{MISPLACED}\"}}"),
        format!("{MISPLACED}{}", "x".repeat(40 * 1024 * 1024)),
    ] {
        for path in ["accounts/config/new", "targets/config/new", "auth/token/create", "sys/policies/acl/new"]
        {
            // One body over the limit is enough.
            if body.len() > 1_000_000 && path != "accounts/config/new" {
                continue;
            }
            let status = session.send(Method::POST, path, &body, &[("X-Vault-Token", &root)]).await;
            assert!(status < 500, "{path} {status}: {}", &body[..body.len().min(80)]);
        }
        let small = &body[..body.len().min(200)];
        session.send(Method::POST, "sys/unseal", small, &[]).await;
        session.send(Method::POST, "sys/init", small, &[]).await;
    }
}

/// Values of the wrong kind, fields that do not exist, and addresses with a password in them.
async fn fields(session: &mut Session) {
    let nested = json!({ "value": MISPLACED });
    for (path, body) in [
        ("accounts/config/new", json!({ "target": "pg", "username": "new", "password": nested })),
        ("accounts/config/new", json!({ "target": "pg", "username": "new", "password": [MISPLACED] })),
        ("accounts/config/new", json!({ "target": "pg", "username": "new", "max_ttl": MISPLACED })),
        ("accounts/config/new", json!({ "target": nested, "username": "new" })),
        ("accounts/config/new", json!({ "target": "pg", "passwort": MISPLACED })),
        ("accounts/check-out/given", json!({ "ttl": MISPLACED })),
        ("accounts/check-out/given", json!({ "wait": MISPLACED, "password": MISPLACED })),
        ("accounts/check-in/given", json!({ "force": MISPLACED })),
        ("accounts/rotate/given", json!({ "force": MISPLACED })),
        ("targets/check/pg", json!({ "password": MISPLACED })),
        ("sys/leases/renew", json!({ "lease_id": "none", "increment": MISPLACED })),
        ("auth/token/create", json!({ "ttl": MISPLACED })),
        ("auth/token/create", json!({ "policies": nested })),
        ("auth/token/create", json!({ "num_uses": MISPLACED, "type": MISPLACED })),
        ("auth/token/lookup", json!({ "token": MISPLACED })),
        ("auth/token/renew", json!({ "token": MISPLACED })),
        ("auth/token/revoke", json!({ "token": MISPLACED })),
        ("auth/token/lookup-accessor", json!({ "accessor": MISPLACED })),
        ("sys/capabilities", json!({ "token": MISPLACED, "paths": ["x"] })),
        ("sys/audit-hash/file", json!({ "input": MISPLACED })),
    ] {
        session.post(path, body).await;
    }
    let port = session.server.port();
    for url in [
        format!("postgresql://keeper:{MISPLACED}@127.0.0.1:{port}/postgres"),
        format!(
            "postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{port}/postgres?password={MISPLACED}"
        ),
        format!("postgresql://keeper:{MISPLACED}@[::bad/postgres"),
        format!("host=127.0.0.1 user=keeper password={MISPLACED}"),
        format!("mysql://{{{{username}}}}:{MISPLACED}@127.0.0.1/x"),
    ] {
        let body = json!({
            "rotator": "postgresql", "connection_url": url, "username": "keeper", "password": MISPLACED,
        });
        assert_eq!(session.post("targets/config/new", body).await, 400, "an address with a password in it");
    }
}

/// A secret where a rule is expected.
async fn texts(session: &mut Session) {
    for text in [
        format!("{MISPLACED} {{{{{{"),
        format!(
            "path \"x\" {{ capabilities = [\"read\"] allowed_parameters = {{ \"p\" = \"{MISPLACED}\" }} }}"
        ),
        format!(
            "path \"x\" {{ capabilities = [\"read\"] denied_parameters = {{ \"p\" = [\"{MISPLACED}\" }} }}"
        ),
        format!("path \"x\" {{ capabilities = \"{MISPLACED}\" + 1 }}"),
        format!("rule \"charset\" {{ charset = \"{MISPLACED}\" min-chars = \"{MISPLACED}\" }}"),
        format!("{{\"path\": \"{MISPLACED}\""),
        format!("path \"x\" {{ capabilities = [\"read\"] min_wrapping_ttl = \"{MISPLACED}\" }}"),
    ] {
        assert_eq!(session.post("sys/policies/acl/new", json!({ "policy": text })).await, 400, "{text}");
        session.post("sys/policy/new", json!({ "rules": text })).await;
        assert_eq!(session.post("password-policies/new", json!({ "policy": text })).await, 400, "{text}");
    }
    for body in [
        json!({ "rotation_period": MISPLACED }),
        json!({ "rotation_schedule": MISPLACED }),
        json!({ "rotation_period": "24h", "retries": MISPLACED }),
        json!({ "rotation_period": "24h", "jitter": MISPLACED }),
    ] {
        assert_eq!(session.post("rotation-policies/new", body).await, 400);
    }
}

/// A secret in the address or in a header.
async fn heads(session: &mut Session) {
    let root = root(session);
    for path in [
        format!("accounts/creds/given?password={MISPLACED}"),
        format!("accounts/status?state={MISPLACED}"),
        format!("auth/token/lookup?token={MISPLACED}"),
        format!("incidents?state={MISPLACED}"),
        format!("reports/rotation?from={MISPLACED}"),
        format!("sys/health?activecode={MISPLACED}"),
        format!("sys/health?{MISPLACED}=1"),
    ] {
        // The first would reveal: it is asked without a right to it.
        let token = if path.contains("creds") { "none" } else { &root };
        session.send(Method::GET, &path, "", &[("X-Vault-Token", token)]).await;
    }
    let basic = format!("Basic {}", data_encoding::BASE64.encode(format!("user:{MISPLACED}").as_bytes()));
    let bearer = format!("Bearer {MISPLACED}");
    for headers in [
        [("X-Vault-Token", MISPLACED), ("X-Vault-Request", "true")],
        [("Authorization", &*bearer), ("X-Vault-Request", "true")],
        [("Authorization", &*basic), ("X-Vault-Request", "true")],
        [("X-Vault-Token", &*root), ("X-Vault-Namespace", MISPLACED)],
        [("X-Vault-Token", &*root), ("X-Vault-Wrap-TTL", MISPLACED)],
    ] {
        session.send(Method::GET, "accounts/status/given", "", &headers).await;
        session.send(Method::POST, "auth/token/create", "{\"ttl\":\"never\"}", &headers[..1]).await;
    }
    for method in [Method::PUT, Method::PATCH, Method::OPTIONS, Method::DELETE] {
        let body = json!({ "password": MISPLACED }).to_string();
        session.send(method, "accounts/creds/given", &body, &[("X-Vault-Token", &root)]).await;
    }
}

const MISPLACED: &str = "canaryMisplaced8842";
