//! The contract suite on the example in shell, with a file of users as its target.

use std::fs::{self, File, OpenOptions};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use rotators::contract::{Break, Done, Fixture, run};
use rotators::plugin::{Limits, PluginRotator};
use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{
    BoxFuture, CheckReport, Job, Login, Outcome, Probe, Rights, Rotator, TargetSpec, Verification,
};
use vault_core::secret::SecretString;
use vault_tests::plugin::{PluginFolder, example};

use crate::bench::login;

/// The folder with the users' file, seen as its administrator.
struct Users {
    folder: TempDir,
    /// The next answer to a change is lost.
    loses_reply: Mutex<bool>,
    /// The file's lock, while nobody else shall have it.
    lock: Mutex<Option<File>>,
}

impl Users {
    fn file(&self) -> PathBuf {
        self.folder.path().join("users")
    }

    fn put(&self, name: &str, password: &str) -> Done<()> {
        let hash = told(crypt(password, None))?;
        let users = fs::read_to_string(self.file()).unwrap_or_default();
        let prefix = format!("{name}:");
        let mut lines: Vec<String> =
            users.lines().filter(|line| !line.starts_with(&prefix)).map(str::to_owned).collect();
        lines.push(format!("{name}:{hash}"));
        told(fs::write(self.file(), lines.join("\n") + "\n"))?;
        let groups = fs::read_to_string(self.groups()).unwrap_or_else(|_| "web:".to_owned());
        told(fs::write(self.groups(), format!("{} {name}\n", groups.trim_end())))
    }

    fn groups(&self) -> PathBuf {
        self.folder.path().join("groups")
    }

    fn accepts(&self, name: &str, password: &str) -> Done<bool> {
        let users = told(fs::read_to_string(self.file()))?;
        let prefix = format!("{name}:");
        let Some(hash) = users.lines().find_map(|line| line.strip_prefix(&prefix)) else { return Ok(false) };
        let salt = hash.split('$').nth(2).unwrap_or_default();
        Ok(told(crypt(password, Some(salt)))? == hash)
    }

    fn lock(&self) -> Done<()> {
        let file =
            told(OpenOptions::new().create(true).append(true).open(self.folder.path().join("users.lock")))?;
        told(flock(&file, FlockOperation::LockExclusive))?;
        *self.lock.lock().unwrap() = Some(file);
        Ok(())
    }
}

fn told<T, E: std::fmt::Display>(result: Result<T, E>) -> Done<T> {
    result.map_err(|error| error.to_string())
}

fn crypt(password: &str, salt: Option<&str>) -> anyhow::Result<String> {
    use std::io::Write;
    use std::process::Stdio;
    let mut command = Command::new("openssl");
    command.args(["passwd", "-6", "-stdin"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    if let Some(salt) = salt {
        command.args(["-salt", salt]);
    }
    let mut child = command.spawn()?;
    child.stdin.take().unwrap().write_all(password.as_bytes())?;
    let output = child.wait_with_output()?;
    anyhow::ensure!(output.status.success(), "openssl failed");
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}

impl Fixture for Users {
    fn spec(&self) -> TargetSpec {
        let mut spec = crate::bench::spec(&self.file());
        spec.settings.insert("groups".to_owned(), self.groups().display().to_string());
        spec
    }
    fn management(&self) -> Login {
        login("keeper", "keeper-4711")
    }
    fn create_account<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(async move { self.put(username, password) })
    }
    fn accepts<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<bool>> {
        Box::pin(async move { self.accepts(username, password) })
    }
    fn open_session<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(async { Err("a file has no sessions".to_owned()) })
    }
    fn take_right<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(async move {
            let groups = told(fs::read_to_string(self.groups()))?;
            told(fs::write(self.groups(), groups.replace(&format!(" {username}"), "")))
        })
    }
    fn refused_logins<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Done<Option<u32>>> {
        Box::pin(async { Ok(None) })
    }
    fn break_next_apply(&self, how: Break) -> BoxFuture<'_, Done<()>> {
        Box::pin(async move {
            match how {
                Break::ReplyLost => *self.loses_reply.lock().unwrap() = true,
                // The one step that counts is never reached.
                Break::RequestLost | Break::RequestLate => self.lock()?,
            }
            Ok(())
        })
    }
    fn deliver(&self) -> BoxFuture<'_, Done<()>> {
        self.heal()
    }
    fn break_down(&self) -> BoxFuture<'_, Done<()>> {
        Box::pin(async move { told(fs::rename(self.file(), self.folder.path().join("away"))) })
    }
    fn heal(&self) -> BoxFuture<'_, Done<()>> {
        Box::pin(async move {
            *self.lock.lock().unwrap() = None;
            // It may not have been taken away.
            let _ = fs::rename(self.folder.path().join("away"), self.file());
            Ok(())
        })
    }
}

/// The plugin, with a vault that dies when it shall not hear the answer.
struct Lossy<'a>(PluginRotator, &'a Users);

impl Rotator for Lossy<'_> {
    fn kind(&self) -> &'static str {
        self.0.kind()
    }
    fn validate(&self, spec: &TargetSpec) -> Result<(), String> {
        self.0.validate(spec)
    }
    fn validate_login(&self, login: &Login) -> Result<(), String> {
        self.0.validate_login(login)
    }
    fn check<'a>(
        &'a self,
        spec: &'a TargetSpec,
        management: &'a Login,
    ) -> BoxFuture<'a, Result<CheckReport, Fault>> {
        self.0.check(spec, management)
    }
    fn preflight<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<Rights, Fault>> {
        self.0.preflight(job)
    }
    fn apply<'a>(&'a self, job: Job<'a>, candidate: &'a SecretString) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let outcome = self.0.apply(job, candidate).await;
            match std::mem::take(&mut *self.1.loses_reply.lock().unwrap()) {
                true => Outcome::Unknown(Fault::new(FaultClass::Ambiguous, "the answer was lost")),
                false => outcome,
            }
        })
    }
    fn settle<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            // Who held the file's lock would hold it against this verb, too.
            *self.1.lock.lock().unwrap() = None;
            self.0.settle(job).await
        })
    }
    fn probe<'a>(&'a self, spec: &'a TargetSpec, login: &'a Login) -> BoxFuture<'a, Probe> {
        self.0.probe(spec, login)
    }
    fn verify<'a>(
        &'a self,
        job: Job<'a>,
        login: &'a Login,
        expected: &'a Rights,
    ) -> BoxFuture<'a, Verification> {
        self.0.verify(job, login, expected)
    }
    fn retire<'a>(&'a self, job: Job<'a>, old: &'a Login) -> BoxFuture<'a, Outcome> {
        self.0.retire(job, old)
    }
    fn end_sessions<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<u32, Fault>> {
        self.0.end_sessions(job)
    }
    fn ends_sessions(&self, spec: &TargetSpec) -> bool {
        self.0.ends_sessions(spec)
    }
    fn late_requests(&self, spec: &TargetSpec) -> bool {
        self.0.late_requests(spec)
    }
    fn overlaps(&self, spec: &TargetSpec) -> bool {
        self.0.overlaps(spec)
    }
}

#[tokio::test]
async fn the_example_in_shell_keeps_every_promise_of_the_contract() {
    let users =
        Users { folder: tempfile::tempdir().unwrap(), loses_reply: Mutex::default(), lock: Mutex::default() };
    users.put("keeper", "keeper-4711").unwrap();
    let folder = PluginFolder::with(&example("htpasswd.sh")).unwrap();
    let limits = Limits { deadline: Duration::from_secs(20), ..Limits::default() };
    let plugin = folder.rotator(limits, &[]).await.unwrap();
    let kept = run(&Lossy(plugin, &users), &users).await.unwrap();
    assert_eq!(kept.len(), 14);
}
