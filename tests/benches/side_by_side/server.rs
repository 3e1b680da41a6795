//! One server under test, set up by the same requests.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use vault_tests::postgres::PostgresServer;
use vault_tests::process::free_port;
use vault_tests::vault::binary;

/// Which product.
#[derive(Clone)]
pub(crate) enum Product {
    /// Its engine, and the MiB of its cache after a colon; `None` for those that it takes unasked.
    Rotunda(Option<String>),
    /// The path of its program.
    OpenBao(String),
}

impl Product {
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Rotunda(None) => "rotunda".to_owned(),
            Self::Rotunda(Some(engine)) => format!("rotunda_{}", engine.replace(':', "_")),
            Self::OpenBao(_) => "openbao".to_owned(),
        }
    }
}

pub(crate) struct Server {
    pub(crate) product: Product,
    pub(crate) port: u16,
    /// The body of an AppRole login.
    pub(crate) login: String,
    /// Of who has the policy `bench`.
    token: String,
    pub(crate) root: String,
    key: String,
    folder: TempDir,
    child: Child,
    client: Client,
}

impl Server {
    pub(crate) async fn start(product: Product) -> Self {
        let folder = tempfile::Builder::new().prefix("side-by-side-").tempdir().unwrap();
        let port = free_port().unwrap();
        let child = spawn(&product, &folder, port);
        let mut server = Self {
            product,
            port,
            login: String::new(),
            token: String::new(),
            root: String::new(),
            key: String::new(),
            folder,
            child,
            client: Client::builder().no_proxy().build().unwrap(),
        };
        server.wait(501).await;
        let init = json!({ "secret_shares": 1, "secret_threshold": 1 });
        let keys = server.call(Method::PUT, "sys/init", init).await;
        server.key = keys["keys"][0].as_str().unwrap().to_owned();
        server.root = keys["root_token"].as_str().unwrap().to_owned();
        server.unseal().await;
        server.prepare().await;
        server
    }

    async fn prepare(&mut self) {
        if let Product::OpenBao(_) = self.product {
            let path = self.folder.path().join("audit.log");
            let device = json!({ "type": "file", "options": { "file_path": path } });
            let status = self.send(Method::PUT, "sys/audit/file", &device).await.0;
            assert!((200..300).contains(&status) || self.has_audit().await, "no audit device: {status}");
        }
        let policy = r#"path "bench/*" { capabilities = ["create", "read", "update", "delete", "list"] }
            path "database/static-creds/*" { capabilities = ["read"] }"#;
        self.call(Method::PUT, "sys/policies/acl/bench", json!({ "policy": policy })).await;
        self.call(Method::POST, "sys/mounts/bench", json!({ "type": "kv", "options": { "version": "2" } }))
            .await;
        self.call(Method::POST, "sys/auth/approle", json!({ "type": "approle" })).await;
        let role = json!({ "token_policies": ["bench"], "token_ttl": "1h" });
        self.call(Method::POST, "auth/approle/role/bench", role).await;
        let role_id = self.call(Method::GET, "auth/approle/role/bench/role-id", Value::Null).await;
        let secret_id = self.call(Method::POST, "auth/approle/role/bench/secret-id", json!({})).await;
        let (role_id, secret_id) = (&role_id["data"]["role_id"], &secret_id["data"]["secret_id"]);
        self.login = json!({ "role_id": role_id, "secret_id": secret_id }).to_string();
        let token = self.call(Method::POST, "auth/token/create", json!({ "policies": ["bench"] })).await;
        self.token = token["auth"]["client_token"].as_str().unwrap().to_owned();
    }

    async fn has_audit(&self) -> bool {
        self.send(Method::GET, "sys/audit", &Value::Null).await.1["data"].get("file/").is_some()
    }

    /// Writes so many secrets.
    pub(crate) async fn fill(&self, secrets: usize) {
        self.post_many(secrets, &self.token, |number| {
            let data =
                json!({ "username": format!("app-{number}"), "password": "correct horse battery staple" });
            (format!("bench/data/s{number}"), json!({ "data": data }))
        })
        .await;
    }

    /// Makes so many leases, each of a token that lives for a day.
    pub(crate) async fn lease(&self, leases: usize) {
        let body = json!({ "policies": ["bench"], "ttl": "24h" });
        self.post_many(leases, &self.root, |_| ("auth/token/create".to_owned(), body.clone())).await;
    }

    /// Sends so many writes, many at once.
    pub(crate) async fn post_many(
        &self,
        count: usize,
        token: &str,
        write: impl Fn(usize) -> (String, Value),
    ) {
        let mut writes = tokio::task::JoinSet::new();
        for number in 0..count {
            let (path, body) = write(number);
            let request =
                self.client.post(self.url(&path)).header("X-Vault-Token", token).body(body.to_string());
            writes.spawn(async move { request.send().await.unwrap().error_for_status().unwrap() });
            if writes.len() >= WRITES_AT_ONCE {
                writes.join_next().await.unwrap().unwrap();
            }
        }
        while let Some(done) = writes.join_next().await {
            done.unwrap();
        }
    }

    /// Has it manage a role of its own on `database`.
    pub(crate) async fn manage(&self, database: &PostgresServer) {
        let role = format!("bench_{}", self.product.name());
        let statement = format!("CREATE ROLE {role} LOGIN PASSWORD 'before the vault'");
        database.admin().await.unwrap().batch_execute(&statement).await.unwrap();
        self.call(Method::POST, "sys/mounts/database", json!({ "type": "database" })).await;
        let config = json!({
            "plugin_name": "postgresql-database-plugin",
            "connection_url": database.url_template(),
            "username": database.superuser(),
            "password": database.superuser_password(),
            "allowed_roles": "*",
        });
        self.call(Method::POST, "database/config/pg", config).await;
        let managed = json!({ "db_name": "pg", "username": role, "rotation_period": "24h" });
        self.call(Method::POST, "database/static-roles/bench", managed).await;
    }

    /// A whole request as the load sends it.
    pub(crate) fn bytes(&self, method: &str, path: &str, body: &str) -> Vec<u8> {
        let (port, token, length) = (self.port, &self.token, body.len());
        format!(
            "{method} /v1/{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-Vault-Token: {token}\r\n\
             X-Vault-Request: true\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }

    /// Resident memory in MiB.
    pub(crate) fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kib / 1024.0
    }

    /// Ends it in order, starts it again, and unseals it.
    pub(crate) async fn restart(&mut self) {
        let id = rustix::process::Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap();
        self.child = spawn(&self.product, &self.folder, self.port);
        self.wait(503).await;
        self.unseal().await;
    }

    async fn unseal(&self) {
        self.call(Method::PUT, "sys/unseal", json!({ "key": self.key })).await;
        self.wait(200).await;
    }

    /// Until `sys/health` answers so.
    async fn wait(&self, status: u16) {
        for _ in 0..POLLS {
            let answer = self.client.get(self.url("sys/health")).send().await;
            if answer.is_ok_and(|answer| answer.status().as_u16() == status) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{} did not come to answer {status}", self.product.name());
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Value) -> Value {
        let (status, answer) = self.send(method, path, &body).await;
        assert!((200..300).contains(&status), "{} {path}: {status} {answer}", self.product.name());
        answer
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let mut request = self.client.request(method, self.url(path)).header("X-Vault-Token", &self.root);
        if !body.is_null() {
            request = request.body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/v1/{path}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(product: &Product, folder: &TempDir, port: u16) -> Child {
    let mut command = match product {
        Product::Rotunda(engine) => {
            let mut command = Command::new(binary().unwrap());
            let config = folder.path().join("rotunda.toml");
            let text = format!(
                "data_dir = {:?}\n[listener]\naddress = \"127.0.0.1:{port}\"\n[log]\nlevel = \"warn\"\n",
                folder.path().join("data")
            );
            let store = engine.as_ref().map_or_else(String::new, |engine| {
                let (engine, cache) = engine.split_once(':').unwrap_or((engine, "256"));
                format!("[store]\nengine = {engine:?}\ncache_mib = {cache}\n")
            });
            std::fs::write(&config, text + &store).unwrap();
            command.arg("server").arg("--config").arg(config);
            command
        }
        Product::OpenBao(program) => {
            let data = folder.path().join("raft");
            std::fs::create_dir_all(&data).unwrap();
            let config = folder.path().join("bao.hcl");
            let cluster = port + 1;
            let audit = folder.path().join("audit.log");
            let text = format!(
                "disable_mlock = true\napi_addr = \"http://127.0.0.1:{port}\"\n\
                 cluster_addr = \"http://127.0.0.1:{cluster}\"\n\
                 storage \"raft\" {{\n path = {data:?}\n node_id = \"one\"\n}}\n\
                 listener \"tcp\" {{\n address = \"127.0.0.1:{port}\"\n tls_disable = true\n}}\n\
                 audit \"file\" \"file\" {{\n options = {{\n  file_path = {audit:?}\n }}\n}}\n"
            );
            std::fs::write(&config, text).unwrap();
            let mut command = Command::new(program);
            command.arg("server").arg("-log-level=error").arg("-config").arg(config);
            command
        }
    };
    let log = std::fs::File::create(folder.path().join("server.log")).unwrap();
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
}

const WRITES_AT_ONCE: usize = 64;
const POLLS: u32 = 6_000;
