//! The real servers behind one face: what a target's settings are, and what an administrator sees.

use anyhow::Result;
use serde_json::{Value, json};
use vault_core::rotation::port::BoxFuture;
use vault_tests::jupyterhub::{JupyterHub, VAULT_TOKEN};
use vault_tests::keys::{self, KeyServer};
use vault_tests::ldap::{LdapServer, MANAGEMENT, PEOPLE, account_dn};
use vault_tests::mysql::{MysqlOptions, MysqlServer, url_template};
use vault_tests::postgres::PostgresServer;
use vault_tests::rabbitmq::{ADMIN, ADMIN_PASSWORD, RabbitOptions, RabbitServer};
use vault_tests::redis::RedisServer;
use vault_tests::ssh::SshServer;
use vault_tests::vault::Vault;

/// A private server.
pub(crate) trait Server: Sized + Sync {
    /// A running one, on which the management credential is there.
    fn start() -> impl Future<Output = Result<Self>>;

    /// Gives a new vault what this kind needs before a target of it.
    async fn prepare(&self, _vault: &Vault) -> Result<()> {
        Ok(())
    }

    /// What `targets/config` takes.
    fn target(&self) -> Result<Value>;

    /// Makes an account that may log in.
    fn create<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<()>>;

    /// Whether a fresh login succeeds, found out without the vault.
    fn accepts<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<bool>>;

    /// The account that takes turns with this one.
    fn alternate(&self, _name: &str) -> Option<String> {
        None
    }

    /// How many credentials of an account there are beside the one that is served, where the server makes them.
    fn strangers<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, Result<usize>> {
        Box::pin(std::future::ready(Ok(0)))
    }
}

/// The same server, with two accounts that take turns.
pub(crate) struct Turns<S>(pub(crate) S);

impl<S: Server> Server for Turns<S> {
    async fn start() -> Result<Self> {
        Ok(Self(S::start().await?))
    }

    fn target(&self) -> Result<Value> {
        self.0.target()
    }

    fn create<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.0.create(name, password).await?;
            self.0.create(&format!("{name}_b"), password).await
        })
    }

    fn accepts<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<bool>> {
        self.0.accepts(name, password)
    }

    fn alternate(&self, name: &str) -> Option<String> {
        Some(format!("{name}_b"))
    }
}

pub(crate) struct Postgres(pub(crate) PostgresServer);

impl Server for Postgres {
    async fn start() -> Result<Self> {
        Ok(Self(PostgresServer::start()?))
    }

    fn target(&self) -> Result<Value> {
        let Self(server) = self;
        Ok(json!({
            "rotator": "postgresql", "connection_url": server.url_template(),
            "username": server.superuser(), "password": server.superuser_password(),
        }))
    }

    fn create<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let statement = format!("CREATE ROLE {name} LOGIN PASSWORD '{password}'");
            Ok(self.0.admin().await?.batch_execute(&statement).await?)
        })
    }

    fn accepts<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.0.accepts(name, password))
    }
}

pub(crate) struct Mysql(MysqlServer);

impl Server for Mysql {
    async fn start() -> Result<Self> {
        Ok(Self(MysqlServer::start(&MysqlOptions::default())?))
    }

    fn target(&self) -> Result<Value> {
        Ok(json!({
            "rotator": "mysql", "connection_url": url_template(self.0.port()),
            "username": self.0.superuser(), "password": self.0.superuser_password(),
        }))
    }

    fn create<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(
            async move { self.0.sql(&format!("CREATE USER '{name}'@'%' IDENTIFIED BY '{password}'")).await },
        )
    }

    fn accepts<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.0.accepts(name, password))
    }
}

pub(crate) struct Redis(pub(crate) RedisServer);

impl Server for Redis {
    async fn start() -> Result<Self> {
        let server = RedisServer::start()?;
        let mut admin = server.admin().await?;
        let rule = format!(">{KEEPER_PASSWORD}");
        admin.run(&["ACL", "SETUSER", KEEPER, "on", &rule, "allcommands", "allkeys"]).await?;
        Ok(Self(server))
    }

    fn target(&self) -> Result<Value> {
        Ok(json!({
            "rotator": "redis", "connection_url": self.0.url_template(),
            "username": KEEPER, "password": KEEPER_PASSWORD,
        }))
    }

    fn create<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let rule = format!(">{password}");
            let mut admin = self.0.admin().await?;
            admin.run(&["ACL", "SETUSER", name, "on", &rule, "+@read", "~app:*"]).await?;
            Ok(())
        })
    }

    fn accepts<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.0.accepts(name, password))
    }
}

pub(crate) struct Ldap(LdapServer);

impl Server for Ldap {
    async fn start() -> Result<Self> {
        Ok(Self(LdapServer::start().await?))
    }

    fn target(&self) -> Result<Value> {
        Ok(json!({
            "rotator": "ldap", "connection_url": format!("ldap://127.0.0.1:{}", self.0.port()),
            "sslmode": "disable", "userdn": PEOPLE,
            "username": MANAGEMENT, "password": self.0.password(),
        }))
    }

    fn create<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.0.create_account(name, password))
    }

    fn accepts<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { self.0.accepts(&account_dn(name), password).await })
    }
}

/// The same, where no request can come late.
pub(crate) struct LdapFenced(Ldap);

impl Server for LdapFenced {
    async fn start() -> Result<Self> {
        Ok(Self(Ldap::start().await?))
    }

    fn target(&self) -> Result<Value> {
        let mut target = self.0.target()?;
        target["fence_attribute"] = json!("description");
        Ok(target)
    }

    fn create<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<()>> {
        self.0.create(name, password)
    }

    fn accepts<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<bool>> {
        self.0.accepts(name, password)
    }
}

pub(crate) struct Rabbit(RabbitServer);

impl Server for Rabbit {
    async fn start() -> Result<Self> {
        // What the server's own client asks with; the program brings its own.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Ok(Self(RabbitServer::start_with(&RabbitOptions::default())?))
    }

    fn target(&self) -> Result<Value> {
        let Self(server) = self;
        Ok(json!({
            "rotator": "rabbitmq", "amqp_port": server.amqp_port().to_string(), "request_timeout": "5s",
            "connection_url": format!("http://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{}/", server.port()),
            "username": ADMIN, "password": ADMIN_PASSWORD,
        }))
    }

    fn create<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.0.create_user(name, password, ""))
    }

    fn accepts<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.0.accepts(name, password))
    }
}

pub(crate) struct Ssh(SshServer);

impl Server for Ssh {
    async fn start() -> Result<Self> {
        let server = SshServer::start()?;
        server.create_account(KEEPER, KEEPER_PASSWORD)?;
        Ok(Self(server))
    }

    fn target(&self) -> Result<Value> {
        let Self(server) = self;
        Ok(json!({
            "rotator": "ssh",
            "connection_url": format!("ssh://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{}", server.port()),
            "host_key": server.host_key()?, "become": "sudo",
            "username": KEEPER, "password": KEEPER_PASSWORD,
        }))
    }

    fn create<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.0.create_account(name, password) })
    }

    fn accepts<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { self.0.accepts(name, password) })
    }
}

/// Tokens that the API makes, asked for as Grafana is.
pub(crate) struct HttpKeys(KeyServer);

impl Server for HttpKeys {
    async fn start() -> Result<Self> {
        Ok(Self(KeyServer::start().await?))
    }

    fn target(&self) -> Result<Value> {
        Ok(http_target("grafana", self.0.port(), keys::ADMIN, keys::ADMIN_SECRET))
    }

    fn create<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<()>> {
        self.0.create_account(name, password);
        Box::pin(std::future::ready(Ok(())))
    }

    fn accepts<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<bool>> {
        Box::pin(std::future::ready(Ok(self.0.takes_key(name, password))))
    }
}

/// Passwords that the vault brings, as Keycloak takes them.
pub(crate) struct HttpPasswords(KeyServer);

impl Server for HttpPasswords {
    async fn start() -> Result<Self> {
        Ok(Self(KeyServer::start().await?))
    }

    fn target(&self) -> Result<Value> {
        let mut target = http_target("keycloak", self.0.port(), keys::ADMIN, keys::ADMIN_SECRET);
        target["realm"] = json!("staff");
        Ok(target)
    }

    fn create<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<()>> {
        self.0.create_account(name, password);
        Box::pin(std::future::ready(Ok(())))
    }

    fn accepts<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<bool>> {
        Box::pin(std::future::ready(Ok(self.0.takes_password(name, password))))
    }
}

/// Tokens of a real JupyterHub.
pub(crate) struct HttpHub(JupyterHub);

impl Server for HttpHub {
    async fn start() -> Result<Self> {
        // What the hub's own client asks with; the program brings its own.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Ok(Self(JupyterHub::start()?))
    }

    fn target(&self) -> Result<Value> {
        Ok(http_target("jupyterhub", self.0.port(), "vault", VAULT_TOKEN))
    }

    fn create<'a>(&'a self, name: &'a str, _password: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.0.create_user(name))
    }

    fn accepts<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.0.accepts(name, password))
    }
}

fn http_target(preset: &str, port: u16, username: &str, password: &str) -> Value {
    json!({
        "rotator": "http", "preset": preset, "connection_url": format!("http://127.0.0.1:{port}/"),
        "username": username, "password": password,
    })
}

const KEEPER: &str = "vault";
const KEEPER_PASSWORD: &str = "the-keeper-of-all-others-4711";
