//! A private OpenSSH server with Linux accounts of its own, for tests.
//!
//! It runs in namespaces of its own (mounts, processes): `/etc`, `/home`, `/root`, `/run` and what the account
//! tools write to are private copies in a temporary folder or in memory, so nothing of the machine is changed, and
//! everything is gone with the server's first process. That takes root, or rather `CAP_SYS_ADMIN`; where it is
//! missing the start fails and says so. The tools are the machine's own: sshd, sudo, PAM, useradd, chpasswd.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::process::{Log, Process, Watcher, free_port};

mod client;
mod files;
pub mod gate;
pub mod relay;

/// What a server shall be like.
#[derive(Clone, Debug, Default)]
pub struct SshOptions {
    /// Lines for `sshd_config`: they replace the usual ones; from the first `Match` on they are for some users only.
    pub sshd: Vec<String>,
    /// Lines at the front of PAM's stack for a new password (`/etc/pam.d/chpasswd`).
    pub pam_password: Vec<String>,
}

/// A running private server; it and its folder go when this is dropped.
#[derive(Debug)]
pub struct SshServer {
    port: u16,
    log: Arc<Log>,
    process: Option<Process>,
    // Last, so that it is dismissed after all else is gone.
    folder: TempDir,
    _watcher: Watcher,
}

impl SshServer {
    /// Starts a server that takes passwords and keys.
    ///
    /// # Errors
    /// When this is not root, a program is missing (`tests/install` gets them), or it does not come up; then the
    /// error holds its log.
    pub fn start() -> Result<Self> {
        Self::start_with(&SshOptions::default())
    }

    /// Starts a server as `options` say.
    ///
    /// # Errors
    /// As [`SshServer::start`].
    pub fn start_with(options: &SshOptions) -> Result<Self> {
        ensure!(
            rustix::process::geteuid().is_root(),
            "these tests start sshd with accounts of its own in private mount and process namespaces, so that the \
             machine's accounts are not touched; that takes root: run them as root"
        );
        for program in [SSHD, CHPASSWD, USERADD, SUDO, "/usr/bin/ssh", "/usr/bin/unshare", "/usr/bin/nsenter"]
        {
            ensure!(Path::new(program).exists(), "{program} is missing: run tests/install");
        }
        let folder = tempfile::Builder::new().prefix("rotunda-ssh-").tempdir_in("/tmp")?;
        // Accounts of the private server reach what is theirs in it.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))?;
        let watcher = Watcher::over(folder.path())?;
        let log = Arc::default();
        let mut server = Self { port: 0, log, process: None, folder, _watcher: watcher };
        files::lay_out(server.folder.path(), options)?;
        for attempt in 1.. {
            server.port = free_port()?;
            match server.launch() {
                Ok(()) => break,
                Err(error) if attempt == START_ATTEMPTS => return Err(error),
                Err(error) if !server.log.text().contains("Address already in use") => return Err(error),
                Err(_) => {}
            }
        }
        Ok(server)
    }

    fn launch(&mut self) -> Result<()> {
        let mut command = Command::new("/usr/bin/unshare");
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
        command.args(["--mount", "--pid", "--fork", "--kill-child", "/bin/sh", "-c", INSIDE, "inside"]);
        command.arg(self.folder.path()).arg(self.port.to_string());
        let process = Process::start(&mut command, "Server listening on", &self.log)?;
        self._watcher.watch(&process)?;
        self.process = Some(process);
        Ok(())
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's public host key, as `host_key` takes it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn host_key(&self) -> Result<String> {
        Ok(fs::read_to_string(self.etc("ssh/host_ed25519.pub"))?.trim().to_owned())
    }

    /// A file of the private `/etc`.
    #[must_use]
    pub fn etc(&self, name: &str) -> PathBuf {
        self.folder.path().join("etc").join(name)
    }

    /// The temporary folder of everything.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What sshd has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Runs a shell script as root among the server's accounts and processes; gives back what it printed.
    ///
    /// # Errors
    /// When it fails; the error holds what it said.
    pub fn run(&self, script: &str, arguments: &[&str], input: &str) -> Result<String> {
        let process = self.process.as_ref().context("the server does not run")?;
        let mut child = Command::new("/usr/bin/nsenter")
            .args(["--mount", "--pid", "--target", &first_inside(process)?.to_string()])
            .args(["/bin/sh", "-ec", script, "sh"])
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        child.stdin.take().context("no input")?.write_all(input.as_bytes())?;
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!("{script:?} failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Creates an account, in place of one of the same name. It is of the group `readers`, which may use sudo.
    ///
    /// # Errors
    /// When the tools refuse.
    pub fn create_account(&self, name: &str, password: &str) -> Result<()> {
        self.run(CREATE, &[name], "")?;
        self.set_password(name, password)
    }

    /// Sets a password behind everybody's back.
    ///
    /// # Errors
    /// When the tools refuse.
    pub fn set_password(&self, name: &str, password: &str) -> Result<()> {
        let real = self.folder.path().join("real/chpasswd");
        let real = real.to_str().context("an odd folder")?;
        self.run("exec \"$1\" --crypt-method SHA512", &[real], &format!("{name}:{password}\n")).map(drop)
    }

    /// Whether `ssh` gets in by this password.
    ///
    /// # Errors
    /// When it fails for another reason than the password.
    pub fn accepts(&self, name: &str, password: &str) -> Result<bool> {
        client::accepts(self, name, client::Proof::Password(password))
    }

    /// Whether `ssh` gets in by this private key.
    ///
    /// # Errors
    /// When it fails for another reason than the key.
    pub fn accepts_key(&self, name: &str, key: &str) -> Result<bool> {
        client::accepts(self, name, client::Proof::Key(key))
    }

    /// Opens a session by password that stays open until it is ended or the child is dropped.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn open_session(&self, name: &str, password: &str) -> Result<OpenSession> {
        client::open(self, name, client::Proof::Password(password)).map(OpenSession)
    }

    /// Opens a connection that asks for no session (`ssh -N`), as tunnels and shared connections do.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn open_connection(&self, name: &str, password: &str) -> Result<OpenSession> {
        client::open_bare(self, name, client::Proof::Password(password)).map(OpenSession)
    }

    /// Opens a session by key.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn open_session_by_key(&self, name: &str, key: &str) -> Result<OpenSession> {
        client::open(self, name, client::Proof::Key(key)).map(OpenSession)
    }

    /// How many passwords PAM has refused for this name.
    ///
    /// # Errors
    /// When the count cannot be read.
    pub fn refused(&self, name: &str) -> Result<u32> {
        let list = fs::read_to_string(self.folder.path().join("gate/refused")).unwrap_or_default();
        Ok(u32::try_from(list.lines().filter(|line| *line == name).count())?)
    }

    /// The process ids outside of everything inside whose command line holds this text.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub fn processes(&self, text: &str) -> Result<Vec<u32>> {
        let process = self.process.as_ref().context("the server does not run")?;
        let namespace = |pid: u32| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
        let inside = namespace(first_inside(process)?);
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&line).replace('\0', " ").contains(text) && namespace(pid) == inside {
                found.push(pid);
            }
        }
        Ok(found)
    }

    /// Ends the server with all its processes.
    ///
    /// # Errors
    /// When it cannot be signalled.
    pub fn stop(&mut self) -> Result<()> {
        match self.process.take() {
            Some(process) => process.end(Signal::KILL),
            None => Ok(()),
        }
    }
}

impl Drop for SshServer {
    fn drop(&mut self) {
        // The watcher ends what this does not.
        let _ = self.stop();
    }
}

/// A session that a test holds open.
#[derive(Debug)]
pub struct OpenSession(Child);

impl OpenSession {
    /// Whether it has ended.
    ///
    /// # Errors
    /// When the client cannot be asked.
    pub fn ended(&mut self) -> Result<bool> {
        Ok(self.0.try_wait()?.is_some())
    }
}

impl Drop for OpenSession {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The first process of the server's own namespace, by its number outside.
fn first_inside(process: &Process) -> Result<u32> {
    let pid = process.pid();
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    children.split_whitespace().next().context("the server has ended")?.parse().context("an odd process id")
}

const SSHD: &str = "/usr/sbin/sshd";
const CHPASSWD: &str = "/usr/sbin/chpasswd";
const USERADD: &str = "/usr/sbin/useradd";
const SUDO: &str = "/usr/bin/sudo";
const START_ATTEMPTS: u32 = 5;
/// The first process inside: hides what it must not touch, then becomes sshd.
const INSIDE: &str = r#"
set -eu
folder=$1
mount -t proc proc /proc
mount --bind "$folder/etc" /etc
for place in /home /root /run /var/log /var/mail /var/lib/sudo; do
    if [ -d "$place" ]; then mount -t tmpfs -o mode=755 tmpfs "$place"; fi
done
mkdir -p /run/sshd
mount --bind "$folder/gate/strike" /usr/sbin/chpasswd
mount --bind "$folder/gate/strike" "$(readlink -f /bin/mv)"
exec /usr/sbin/sshd -D -e -p "$2"
"#;
const CREATE: &str = r#"
if id "$1" >/dev/null 2>&1; then
    pkill -KILL -u "$1" || true
    userdel -f -r "$1" >/dev/null 2>&1 || true
fi
useradd --badname -m -s /bin/sh -G readers "$1" 2>/dev/null
"#;
