//! The contract suite, and TLS, on servers that others have written.

use std::sync::Mutex;

use reqwest::Method;
use rotators::contract::{Break, Done, Fixture, run};
use rotators::http::HttpRotator;
use serde_json::json;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{BoxFuture, Login, Rotator, TargetSpec};
use vault_tests::jupyterhub::{JupyterHub, VAULT_TOKEN};
use vault_tests::proxy::{FaultProxy, Mischief};
use vault_tests::rabbitmq::{ADMIN, ADMIN_PASSWORD, Connection, RabbitOptions, RabbitServer, permissions};

use crate::bench::{class, login, spec};
use crate::contract::{mischief, set};

fn told<T, E: std::fmt::Display>(result: Result<T, E>) -> Done<T> {
    result.map_err(|error| error.to_string())
}

fn unused<'a, T: Send + 'a>() -> BoxFuture<'a, Done<T>> {
    Box::pin(std::future::ready(Err("not of this kind of target".to_owned())))
}

struct Hub {
    hub: JupyterHub,
    proxy: FaultProxy,
}

impl Fixture for Hub {
    fn spec(&self) -> TargetSpec {
        spec(self.proxy.port(), &[("preset", "jupyterhub"), ("request_timeout", "10s")])
    }
    fn management(&self) -> Login {
        login("vault", VAULT_TOKEN)
    }
    fn create_account<'a>(&'a self, username: &'a str, _password: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(async move { told(self.hub.create_user(username).await) })
    }
    fn accepts<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<bool>> {
        Box::pin(async move { told(self.hub.accepts(username, password).await) })
    }
    fn open_session<'a>(&'a self, _username: &'a str, _password: &'a str) -> BoxFuture<'a, Done<()>> {
        unused()
    }
    fn take_right<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(async move { told(self.hub.demote(username).await) })
    }
    fn refused_logins<'a>(&'a self, _username: &'a str) -> BoxFuture<'a, Done<Option<u32>>> {
        Box::pin(std::future::ready(Ok(None)))
    }
    fn credentials<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<usize>> {
        Box::pin(async move { told(self.hub.tokens(username).await.map(|tokens| tokens.len())) })
    }
    fn break_next_apply(&self, how: Break) -> BoxFuture<'_, Done<()>> {
        Box::pin(set(&self.proxy, mischief(how, "POST /hub/api/users/")))
    }
    fn deliver(&self) -> BoxFuture<'_, Done<()>> {
        unused()
    }
    fn break_down(&self) -> BoxFuture<'_, Done<()>> {
        Box::pin(set(&self.proxy, Mischief::Refuse))
    }
    fn heal(&self) -> BoxFuture<'_, Done<()>> {
        Box::pin(set(&self.proxy, Mischief::None))
    }
}

#[tokio::test]
async fn the_tokens_of_jupyterhub_keep_every_promise_of_the_contract() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let hub = JupyterHub::start().unwrap();
    let proxy = FaultProxy::start_plain(hub.port()).await.unwrap();
    let kept = run(&HttpRotator::new(), &Hub { hub, proxy }).await.unwrap();
    assert_eq!(kept.len(), 11);
}

struct Rabbit {
    server: RabbitServer,
    proxy: FaultProxy,
    sessions: Mutex<Vec<Connection>>,
}

/// RabbitMQ's management API, described as a person would.
fn rabbit() -> String {
    json!({
        "name": "RabbitMQ",
        "management": { "by": "basic" },
        "check": { "request": "GET /api/whoami" },
        "account": { "request": "GET /api/users/{{username}}", "rights": ["/tags"] },
        "rights": [{
            "request": "GET /api/users/{{username}}/permissions",
            "pointers": ["/*/configure", "/*/write", "/*/read"]
        }],
        "set": {
            "request": "PUT /api/users/{{username}}",
            "json": { "password": "{{password}}", "tags": "administrator" }
        },
        "login": { "request": "GET /api/whoami", "by": { "by": "basic" }, "account": "/name" },
        "sessions": { "request": "GET /api/connections/username/{{username}}" },
        "end_sessions": { "request": "DELETE /api/connections/username/{{username}}" }
    })
    .to_string()
}

impl Fixture for Rabbit {
    fn spec(&self) -> TargetSpec {
        spec(self.proxy.port(), &[("service", &rabbit()), ("request_timeout", "20s")])
    }
    fn management(&self) -> Login {
        login(ADMIN, ADMIN_PASSWORD)
    }
    fn create_account<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(async move { told(self.server.create_user(username, password, "administrator").await) })
    }
    fn accepts<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<bool>> {
        Box::pin(async move { told(self.server.accepts(username, password).await) })
    }
    fn open_session<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(async move {
            let session = told(Connection::open(self.server.amqp_port(), username, password).await)?;
            self.sessions.lock().unwrap().push(session.ok_or("the session was refused")?);
            Ok(())
        })
    }
    fn take_right<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(async move {
            told(self.server.admin(Method::DELETE, &permissions(username), None).await.map(drop))
        })
    }
    fn refused_logins<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<Option<u32>>> {
        Box::pin(async move {
            let log = told(self.server.log_until_now().await)?;
            let line = format!("user '{username}' - invalid credentials");
            Ok(u32::try_from(log.matches(&line).count()).ok())
        })
    }
    fn break_next_apply(&self, how: Break) -> BoxFuture<'_, Done<()>> {
        Box::pin(set(&self.proxy, mischief(how, "PUT /api/users/")))
    }
    fn deliver(&self) -> BoxFuture<'_, Done<()>> {
        unused()
    }
    fn break_down(&self) -> BoxFuture<'_, Done<()>> {
        Box::pin(set(&self.proxy, Mischief::Refuse))
    }
    fn heal(&self) -> BoxFuture<'_, Done<()>> {
        Box::pin(set(&self.proxy, Mischief::None))
    }
}

#[tokio::test]
async fn the_passwords_of_a_described_rabbitmq_keep_every_promise_of_the_contract() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let server = RabbitServer::start_with(&RabbitOptions::default()).unwrap();
    let proxy = FaultProxy::start_plain(server.port()).await.unwrap();
    let target = Rabbit { server, proxy, sessions: Mutex::default() };
    assert_eq!(run(&HttpRotator::new(), &target).await.unwrap().len(), 14);
}

#[tokio::test]
async fn the_server_must_show_a_certificate_that_is_trusted_and_for_its_name() {
    let server = RabbitServer::start_with(&RabbitOptions { tls: true, config: vec![] }).unwrap();
    let ca = server.ca_file().display().to_string();
    let service = rabbit();
    for (host, settings, want) in [
        ("localhost", vec![("sslrootcert", ca.as_str())], None),
        ("localhost", vec![("sslmode", "require")], None),
        ("localhost", vec![], Some(FaultClass::Tls)),
    ] {
        let mut spec = spec(server.port(), &[("service", &service), ("request_timeout", "10s")]);
        spec.connection_url = format!("https://{host}:{}/", server.port());
        spec.settings.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let found = HttpRotator::new().check(&spec, &login(ADMIN, ADMIN_PASSWORD)).await;
        assert_eq!(class(&found), want, "{host} {settings:?}: {found:?}");
    }
    let spec = TargetSpec {
        connection_url: format!("http://127.0.0.1:{}/", server.port()),
        ..spec(server.port(), &[("service", &service)])
    };
    let found = HttpRotator::new().check(&spec, &login(ADMIN, ADMIN_PASSWORD)).await;
    assert!(found.is_err(), "cleartext to a port of TLS: {found:?}");
}
