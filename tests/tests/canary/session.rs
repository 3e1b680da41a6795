//! A session against a real server and a real PostgreSQL. It knows every secret that it has seen, and keeps
//! every answer that must not reveal one.

use reqwest::Method;
use serde_json::{Value, json};
use vault_tests::postgres::{PostgresOptions, PostgresServer};
use vault_tests::vault::{Answer, Vault};

use crate::search::{Secrets, Text, files_below};

/// The session.
pub(crate) struct Session {
    pub(crate) vault: Vault,
    pub(crate) server: PostgresServer,
    pub(crate) secrets: Secrets,
    client: reqwest::Client,
    /// What must not hold a secret.
    kept: Vec<Text>,
}

impl Session {
    pub(crate) async fn start() -> Self {
        // Everything of ours, and what the libraries say about their own work.
        let log = "[log]\nlevel = \"debug,vault_server=trace,vault_core=trace,rotators=trace\"\n";
        let vault = Vault::start_configured(log).await.unwrap();
        let mut secrets = Secrets::default();
        secrets.add("root token", vault.root());
        for share in vault.shares() {
            secrets.add_key("unseal key", share);
        }
        let server = PostgresServer::start_with(&PostgresOptions {
            fast: true,
            config: ["log_statement = 'all'", "log_connections = on", "log_min_messages = 'debug1'"]
                .map(str::to_owned)
                .to_vec(),
            ..PostgresOptions::default()
        })
        .unwrap();
        for (name, secret) in [("management password", MANAGEMENT), ("given password", GIVEN)] {
            secrets.add(name, secret);
        }
        let mut session = Self { vault, server, secrets, client: reqwest::Client::new(), kept: Vec::new() };
        session
            .sql(&format!(
                "CREATE ROLE keeper LOGIN CREATEROLE PASSWORD '{MANAGEMENT}'; GRANT pg_signal_backend TO keeper;"
            ))
            .await;
        for role in ["given", "adopted", "handed", "refused"] {
            // Made by the keeper, so that it may manage them in every version of PostgreSQL.
            session.sql(&format!("SET ROLE keeper; CREATE ROLE {role} LOGIN PASSWORD '{GIVEN}';")).await;
        }
        session
    }

    /// Statements of the test's own, which the server's log would show with their passwords.
    pub(crate) async fn sql(&mut self, statements: &str) {
        let admin = self.server.admin().await.unwrap();
        admin.batch_execute("SET log_statement = 'none'").await.unwrap();
        admin.batch_execute(statements).await.unwrap();
    }

    /// A request whose answer must reveal nothing. The body goes out byte by byte as it is.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> u16 {
        self.send_to(method, &format!("/v1/{path}"), body, headers).await
    }

    /// The same, to any address of the server.
    pub(crate) async fn send_to(
        &mut self,
        method: Method,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> u16 {
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.vault.address()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body.to_owned()).send().await.unwrap();
        let status = response.status().as_u16();
        // The path may hold what was asked on purpose.
        let place = format!("answer to {method} {}", path.split('?').next().unwrap());
        let headers = format!("{:?}", response.headers());
        let text = response.text().await.unwrap();
        self.kept.push(Text::new(place, format!("{status} {headers}\n{text}")));
        status
    }

    /// The cookie that a form is answered with. It is a secret, so the answer is not kept.
    pub(crate) async fn cookie(&mut self, path: &str, form: &str) -> String {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let mut request = client.post(format!("{}{path}", self.vault.address())).body(form.to_owned());
        for (name, value) in [crate::browser::FORM, crate::browser::OWN] {
            request = request.header(name, value);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), 303);
        let cookie = response.headers().get("set-cookie").unwrap().to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    /// A write as root whose answer must reveal nothing.
    pub(crate) async fn post(&mut self, path: &str, body: Value) -> u16 {
        let root = self.vault.root().to_owned();
        self.send(Method::POST, path, &body.to_string(), &[("X-Vault-Token", &root)]).await
    }

    /// A read as root whose answer must reveal nothing.
    pub(crate) async fn get(&mut self, path: &str) -> u16 {
        let root = self.vault.root().to_owned();
        self.send(Method::GET, path, "", &[("X-Vault-Token", &root)]).await
    }

    /// A request whose answer reveals secrets to who asks; they are known from here on.
    pub(crate) async fn reveal(&mut self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let answer = self.vault.call(method, path, body, self.vault.root()).await.unwrap();
        assert!(answer.is_success(), "{path}: {} {}", answer.status, answer.errors());
        for (name, pointer) in [
            ("generated password", "/data/password"),
            ("generated password", "/data/passwords/0/password"),
            ("child token", "/auth/client_token"),
        ] {
            let text = answer.text(pointer).to_owned();
            if !text.is_empty() {
                self.secrets.add(name, &text);
            }
        }
        answer
    }

    /// What goes well.
    pub(crate) async fn ordinary(&mut self) {
        let target = json!({
            "rotator": "postgresql", "connection_url": self.server.url_template(),
            "username": "keeper", "password": MANAGEMENT,
        });
        assert_eq!(self.post("targets/config/pg", target).await, 204);
        assert_eq!(self.post("targets/check/pg", json!({})).await, 200);
        let account = json!({ "target": "pg", "username": "given", "password": GIVEN });
        assert_eq!(self.post("accounts/config/given", account).await, 200);
        for name in ["adopted", "handed"] {
            let account = json!({ "target": "pg", "username": name });
            assert_eq!(self.post(&format!("accounts/config/{name}"), account).await, 200);
        }
        for name in ["given", "adopted"] {
            self.reveal(Method::GET, &format!("accounts/creds/{name}"), None).await;
            let body = json!({ "ttl": "5m", "reason": "to look" });
            let out = self.reveal(Method::POST, &format!("accounts/check-out/{name}"), Some(body)).await;
            let lease = out.text("/lease_id").to_owned();
            let body = json!({ "lease_id": lease });
            assert_eq!(self.post("sys/leases/lookup", body.clone()).await, 200);
            assert_eq!(self.post("sys/leases/renew", body.clone()).await, 200);
            assert_eq!(self.post(&format!("accounts/rotate/{name}"), json!({})).await, 409);
            assert_eq!(self.post(&format!("accounts/check-in/{name}"), body).await, 200);
            assert_eq!(self.post(&format!("accounts/rotate/{name}"), json!({})).await, 200);
            assert_eq!(self.post(&format!("accounts/verify/{name}"), json!({})).await, 200);
            self.reveal(Method::GET, &format!("accounts/creds/{name}"), None).await;
        }
        assert_eq!(self.post("targets/rotate/pg", json!({})).await, 200);
        self.tokens().await;
        let body = json!({ "disposal": "hand-over" });
        let path = "accounts/config/handed?disposal=hand-over";
        let handed = self.reveal(Method::DELETE, path, Some(body.clone())).await;
        assert!(!handed.text("/data/passwords/0/password").is_empty());
        let confirmed = format!("{path}&confirm={}", handed.text("/data/confirm"));
        self.reveal(Method::DELETE, &confirmed, Some(body)).await;
    }

    async fn tokens(&mut self) {
        let child =
            self.reveal(Method::POST, "auth/token/create", Some(json!({ "policies": ["default"] }))).await;
        let child = child.text("/auth/client_token").to_owned();
        let chosen = json!({ "id": CHOSEN, "policies": ["default"] });
        self.reveal(Method::POST, "auth/token/create", Some(chosen)).await;
        self.send(Method::GET, "accounts/creds/given", "", &[("X-Vault-Token", &child)]).await;
        self.post("sys/capabilities", json!({ "token": child, "paths": ["accounts/creds/given"] })).await;
        self.post("sys/audit-hash/file", json!({ "input": child })).await;
        self.reveal(Method::POST, "auth/token/renew", Some(json!({ "token": child, "increment": "1h" })))
            .await;
        self.post("auth/token/revoke", json!({ "token": child })).await;
        self.send(Method::GET, "accounts/creds/given", "", &[("X-Vault-Token", &child)]).await;
        self.send(Method::GET, "auth/token/lookup-self", "", &[("X-Vault-Token", &child)]).await;
        self.post("auth/token/lookup", json!({ "token": child })).await;
    }

    /// Everything that is shown of accounts, targets, incidents and the vault itself.
    pub(crate) async fn look_at_everything(&mut self) {
        let incidents = self.vault.get("incidents?state=all").await.unwrap();
        let incidents = incidents.body["data"]["incidents"].as_array().cloned().unwrap_or_default();
        assert!(incidents.len() >= 3, "the session was to fail more: {incidents:?}");
        for incident in incidents {
            let id = incident["id"].as_str().unwrap().to_owned();
            assert_eq!(self.get(&format!("incidents/{id}")).await, 200);
        }
        for name in ["given", "adopted", "refused", "nowhere", "badly-kept"] {
            for verb in ["status", "history", "config"] {
                self.get(&format!("accounts/{verb}/{name}")).await;
            }
        }
        for name in ["pg", "nowhere", "badly-kept"] {
            self.get(&format!("targets/config/{name}")).await;
            self.get(&format!("targets/status/{name}")).await;
        }
        for path in [
            "accounts/status",
            "accounts/config?list=true",
            "targets/config?list=true",
            "incidents?state=all",
            "reports/rotation",
            "reports/rotation?by=target&format=csv",
            "reports/rotation/ended?from=0",
            "reports/rotation/attempts?from=0",
            "reports/ages",
            "reports/due",
            "sys/metrics",
            "sys/metrics?format=prometheus",
            "sys/health",
            "sys/seal-status",
            "sys/leader",
            "sys/init",
            "sys/key-status",
            "sys/integrity",
            "sys/audit",
            "sys/internal/ui/mounts",
            "sys/internal/specs/openapi",
            "sys/policies/acl?list=true",
            "sys/policies/acl/default",
            "rotation-policies?list=true",
            "password-policies?list=true",
            "auth/token/accessors?list=true",
            "sys/leases/lookup/accounts/check-out?list=true",
        ] {
            self.get(path).await;
        }
        assert_eq!(self.post("sys/rotate", json!({})).await, 204);
        assert_eq!(self.post("sys/integrity/verify", json!({})).await, 200);
        self.command_line();
    }

    /// What the command line prints when it does not reveal.
    fn command_line(&mut self) {
        for words in [
            vec!["account", "status", "given"],
            vec!["account", "history", "given"],
            vec!["target", "read", "pg"],
            vec!["incident", "list"],
            vec!["report", "rotation"],
            vec!["token", "lookup"],
            vec!["rotate", "refused"],
            vec!["status"],
        ] {
            let output = self.vault.command().unwrap().args(&words).output().unwrap();
            let place = format!("answer to rotunda {}", words.join(" "));
            self.kept.push(Text::new(place, [output.stdout, output.stderr].concat()));
        }
    }

    /// Ends the program, and gives everything that is to be searched.
    pub(crate) async fn end(&mut self) -> Vec<Text> {
        let pid = self.vault.pid().unwrap();
        let mut texts = std::mem::take(&mut self.kept);
        for name in ["cmdline", "environ"] {
            let bytes = std::fs::read(format!("/proc/{pid}/{name}")).unwrap();
            texts.push(Text::new(format!("process {name}"), bytes));
        }
        self.vault.terminate().unwrap();
        texts.push(Text::new("log", self.vault.log()));
        texts.push(Text::new("PostgreSQL's log", self.server.log_until_now().await.unwrap()));
        texts.extend(files_below(&self.vault.data()));
        texts
    }
}

/// The management password, with what wants quoting in SQL left out and in an address left in.
pub(crate) const MANAGEMENT: &str = "canaryManagement:@/%25-7Qx";
/// The password of accounts that bring one.
pub(crate) const GIVEN: &str = "canaryGiven\"\\?&-x81Z";
const CHOSEN: &str = "canaryChosenTokenText";
