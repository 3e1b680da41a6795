//! A private imitation of AWS for tests (moto), with signatures and policies checked, and the administrator's part
//! without the rotator.
//!
//! moto checks signatures by the code of Amazon's own Python client. Of what counts here it lacks three things: an
//! inactive key is let in until it is deleted, every change is known at once, and no clock is compared. [`Imposter`]
//! answers in its place where that matters.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use reqwest::Client;
use rotators::aws::reply;
use rustix::process::Signal;
use tempfile::TempDir;
use vault_core::clock::{Clock, SystemClock};

use crate::postgres::tls;
use crate::process::{Log, Process, Watcher, free_port, installed};

mod imposter;

pub use imposter::{Answer, Imposter};

/// An access key: its id and its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    /// By which it is named.
    pub id: String,
    /// What signs.
    pub secret: String,
}

/// A running private imitation; it and its folder go when this is dropped.
#[derive(Debug)]
pub struct AwsServer {
    port: u16,
    /// Whether it offers TLS.
    encrypted: bool,
    admin: AccessKey,
    client: Client,
    log: Arc<Log>,
    process: Option<Process>,
    // Last, so that it is dismissed after all else is gone.
    folder: TempDir,
    watcher: Watcher,
}

impl AwsServer {
    /// Starts one with the user [`ADMIN`], who may do what [`PERMISSIONS`] and [`FIXTURE_PERMISSIONS`] say.
    ///
    /// # Errors
    /// When moto is not installed or does not come up; then the error holds its log.
    pub async fn start() -> Result<Self> {
        Self::start_with(false).await
    }

    /// The same with TLS instead of cleartext, by a certificate for `localhost` and 127.0.0.1.
    ///
    /// # Errors
    /// As [`AwsServer::start`].
    pub async fn start_with(encrypted: bool) -> Result<Self> {
        // What the tests' own client asks with; the rotator brings its own.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::Builder::new().prefix("rotunda-aws-").tempdir()?;
        let watcher = Watcher::over(folder.path())?;
        tls::write(folder.path(), |_| Ok(()))?;
        let authority = reqwest::Certificate::from_pem(&std::fs::read(folder.path().join(tls::CA_FILE))?)?;
        let client =
            Client::builder().no_proxy().timeout(ANSWER_TIME_MAX).add_root_certificate(authority).build()?;
        let admin = AccessKey { id: String::new(), secret: String::new() };
        let log = Arc::default();
        let mut server = Self { port: 0, encrypted, admin, client, log, process: None, folder, watcher };
        // Between choosing a free port and listening on it, another process can take it.
        for attempt in 1.. {
            server.port = free_port()?;
            match server.launch() {
                Ok(()) => break,
                Err(error) if attempt == START_ATTEMPTS => return Err(error),
                Err(error) if !server.log.text().contains("in use") => return Err(error),
                Err(_) => {}
            }
        }
        server.introduce().await?;
        Ok(server)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The key by which the vault acts, of the user [`ADMIN`].
    #[must_use]
    pub fn admin(&self) -> &AccessKey {
        &self.admin
    }

    /// The certificate authority in PEM.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn authority(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.folder.path().join(tls::CA_FILE))?)
    }

    /// A request of this key; status and body.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn ask(
        &self,
        key: &AccessKey,
        service: &str,
        action: &str,
        fields: &[(&str, &str)],
    ) -> Result<(u16, Vec<u8>)> {
        let version = if service == "sts" { "2011-06-15" } else { "2010-05-08" };
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", action)
            .append_pair("Version", version)
            .extend_pairs(fields)
            .finish()
            // moto signs what it has read, written anew by another rule.
            .replace('*', "%2A");
        let scheme = if self.encrypted { "https" } else { "http" };
        let address = format!("{scheme}://127.0.0.1:{}/", self.port);
        let identity = Credentials::new(&key.id, &key.secret, None, None, "test").into();
        let now = Duration::from_secs(u64::try_from(SystemClock.now().as_secs())?);
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name(service)
            .time(std::time::SystemTime::UNIX_EPOCH + now)
            .settings(SigningSettings::default())
            .build()?
            .into();
        let form = "application/x-www-form-urlencoded";
        let headers = [("content-type", form)].into_iter();
        let request = SignableRequest::new("POST", &address, headers, SignableBody::Bytes(body.as_bytes()))?;
        let (signed, _) = sign(request, &parameters)?.into_parts();
        let mut request = self.client.post(&address).header("content-type", form);
        for (name, value) in signed.headers() {
            request = request.header(name, value);
        }
        let response = request.body(body).send().await?;
        Ok((response.status().as_u16(), response.bytes().await?.to_vec()))
    }

    /// A request of the administrator's that must succeed.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn run(&self, action: &str, fields: &[(&str, &str)]) -> Result<Vec<u8>> {
        let (status, body) = self.ask(&self.admin, "iam", action, fields).await?;
        ensure!(status == 200, "{action} {fields:?}: {status} {}", String::from_utf8_lossy(&body));
        Ok(body)
    }

    /// Makes a user anew, with a policy, a group, and a key that a person has made.
    ///
    /// # Errors
    /// As [`AwsServer::run`].
    pub async fn create_user(&self, name: &str) -> Result<AccessKey> {
        let user = [("UserName", name)];
        if self.ask(&self.admin, "iam", "GetUser", &user).await?.0 == 200 {
            for key in self.keys(name).await? {
                self.delete_key(name, &key).await?;
            }
            self.run("RemoveUserFromGroup", &[("UserName", name), ("GroupName", GROUP)]).await?;
            // It may have been taken before.
            let policy = [("UserName", name), ("PolicyName", POLICY)];
            self.ask(&self.admin, "iam", "DeleteUserPolicy", &policy).await?;
            self.run("DeleteUser", &user).await?;
        }
        self.run("CreateUser", &user).await?;
        self.grant(name, POLICY, &["s3:ListAllMyBuckets"], &[]).await?;
        self.run("AddUserToGroup", &[("UserName", name), ("GroupName", GROUP)]).await?;
        self.create_key(name).await
    }

    /// One more key for this user.
    ///
    /// # Errors
    /// As [`AwsServer::run`].
    pub async fn create_key(&self, name: &str) -> Result<AccessKey> {
        new_key(&self.run("CreateAccessKey", &[("UserName", name)]).await?)
    }

    /// The ids of the user's keys.
    ///
    /// # Errors
    /// As [`AwsServer::run`].
    pub async fn keys(&self, name: &str) -> Result<Vec<String>> {
        let page =
            reply::page(&self.run("ListAccessKeys", &[("UserName", name)]).await?).context("no list")?;
        Ok(page.access_key_metadata.members.into_iter().map(|key| key.access_key_id).collect())
    }

    /// Deletes a key.
    ///
    /// # Errors
    /// As [`AwsServer::run`].
    pub async fn delete_key(&self, name: &str, id: &str) -> Result<()> {
        self.run("DeleteAccessKey", &[("UserName", name), ("AccessKeyId", id)]).await.map(drop)
    }

    /// Writes a policy into a user: these actions are allowed, those denied.
    ///
    /// # Errors
    /// As [`AwsServer::run`].
    pub async fn grant(&self, name: &str, policy: &str, allow: &[&str], deny: &[&str]) -> Result<()> {
        let document = document(allow, deny);
        let fields = [("UserName", name), ("PolicyName", policy), ("PolicyDocument", &document)];
        self.run("PutUserPolicy", &fields).await.map(drop)
    }

    /// Whether STS lets this key in.
    ///
    /// # Errors
    /// When it is refused for another reason than the key.
    pub async fn accepts(&self, id: &str, secret: &str) -> Result<bool> {
        let key = AccessKey { id: id.to_owned(), secret: secret.to_owned() };
        let (status, body) = self.ask(&key, "sts", "GetCallerIdentity", &[]).await?;
        match (status, reply::refused(&body).map(|refused| refused.code).as_deref()) {
            (200, _) => Ok(true),
            (403, Some("InvalidClientTokenId" | "SignatureDoesNotMatch")) => Ok(false),
            _ => bail!("{status} {}", String::from_utf8_lossy(&body)),
        }
    }

    /// The administrator, made while nobody is asked for a signature yet; and the group.
    async fn introduce(&mut self) -> Result<()> {
        let nobody = AccessKey { id: "AKIA0000000000000000".to_owned(), secret: "x".to_owned() };
        let user = ("UserName", ADMIN);
        let document = document(&[PERMISSIONS, FIXTURE_PERMISSIONS].concat(), &[]);
        let policy = [user, ("PolicyName", "vault"), ("PolicyDocument", document.as_str())];
        self.admin = nobody;
        self.run("CreateUser", &[user]).await?;
        self.run("PutUserPolicy", &policy).await?;
        self.admin = new_key(&self.run("CreateAccessKey", &[user]).await?)?;
        self.run("CreateGroup", &[("GroupName", GROUP)]).await.map(drop)
    }

    fn launch(&mut self) -> Result<()> {
        let folder = self.folder.path();
        let mut command = std::process::Command::new(installed("venv/bin/python")?);
        command
            .current_dir(folder)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", folder)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONUNBUFFERED", "1")
            .env("INITIAL_NO_AUTH_ACTION_COUNT", INTRODUCTION_REQUESTS)
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &self.port.to_string()]);
        if self.encrypted {
            command
                .arg("-s")
                .arg("-c")
                .arg(folder.join("server.crt"))
                .arg("-k")
                .arg(folder.join("server.key"));
        }
        self.process =
            Some(Process::start_watched(&mut command, "Running on http", &self.log, &mut self.watcher)?);
        Ok(())
    }
}

impl Drop for AwsServer {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            // Nobody is left to tell; the watcher would try again if this process failed on the way.
            let _ = process.end(Signal::KILL);
        }
    }
}

fn new_key(body: &[u8]) -> Result<AccessKey> {
    let (id, secret) = reply::new_key(body).context("no key in the answer")?;
    Ok(AccessKey { id, secret: secret.expose().to_owned() })
}

fn document(allow: &[&str], deny: &[&str]) -> String {
    let mut statements = vec![serde_json::json!({ "Effect": "Allow", "Action": allow, "Resource": "*" })];
    if !deny.is_empty() {
        statements.push(serde_json::json!({ "Effect": "Deny", "Action": deny, "Resource": "*" }));
    }
    serde_json::json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

/// The user by whose key the vault acts.
pub const ADMIN: &str = "vault";
/// What that key needs, as `docs/rotators/aws.md` says.
pub const PERMISSIONS: &[&str] = &[
    "iam:GetUser",
    "iam:ListAccessKeys",
    "iam:CreateAccessKey",
    "iam:UpdateAccessKey",
    "iam:DeleteAccessKey",
    "iam:GetAccessKeyLastUsed",
    "iam:ListAttachedUserPolicies",
    "iam:ListUserPolicies",
    "iam:ListGroupsForUser",
];
/// What the tests do with it besides.
pub const FIXTURE_PERMISSIONS: &[&str] = &[
    "iam:CreateUser",
    "iam:DeleteUser",
    "iam:PutUserPolicy",
    "iam:DeleteUserPolicy",
    "iam:CreateGroup",
    "iam:AddUserToGroup",
    "iam:RemoveUserFromGroup",
];
/// The policy of each user that is made here.
pub const POLICY: &str = "app-data";
const GROUP: &str = "apps";
/// User, policy and key of the administrator.
const INTRODUCTION_REQUESTS: &str = "3";
const START_ATTEMPTS: u32 = 5;
const ANSWER_TIME_MAX: Duration = Duration::from_secs(20);
