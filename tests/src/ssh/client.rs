//! OpenSSH's own client, to find out without the rotator what the server accepts.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};

use super::SshServer;

/// What the client proves itself with.
#[derive(Clone, Copy)]
pub(super) enum Proof<'a> {
    Password(&'a str),
    Key(&'a str),
}

/// Whether the server lets it in.
pub(super) fn accepts(server: &SshServer, name: &str, proof: Proof<'_>) -> Result<bool> {
    let output = command(server, name, proof)?.args([HOST, "true"]).stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => Ok(true),
        Some(255) if said.contains("Permission denied") => Ok(false),
        code => bail!("ssh ended with {code:?}: {said}"),
    }
}

/// Opens a session that waits.
pub(super) fn open(server: &SshServer, name: &str, proof: Proof<'_>) -> Result<Child> {
    let mut command = command(server, name, proof)?;
    command.args([HOST, "echo is-up; exec sleep 600"]);
    wait_until_up(command)
}

/// Opens a connection that asks for no session (`ssh -N`).
pub(super) fn open_bare(server: &SshServer, name: &str, proof: Proof<'_>) -> Result<Child> {
    let mut command = command(server, name, proof)?;
    command.args(["-N", "-o", "PermitLocalCommand=yes", "-o", "LocalCommand=echo is-up", HOST]);
    wait_until_up(command)
}

fn wait_until_up(mut command: Command) -> Result<Child> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let output = child.stdout.take().context("no output")?;
    let first = BufReader::new(output).lines().next();
    match first {
        Some(Ok(line)) if line == "is-up" => Ok(child),
        other => bail!("the session did not come up: {other:?}"),
    }
}

fn command(server: &SshServer, name: &str, proof: Proof<'_>) -> Result<Command> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let file = |what: &str, text: &str, mode: u32| -> Result<_> {
        let path = server.folder().join(format!("{what}-{number}"));
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&path)?;
        file.write_all(text.as_bytes())?;
        Ok(path)
    };
    let known = format!("[127.0.0.1]:{} {}\n", server.port(), server.host_key()?);
    let known = file("known", &known, 0o600)?;
    let mut command = Command::new("/usr/bin/ssh");
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", server.folder());
    command.args(["-F", "/dev/null", "-T", "-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes"]);
    command.args([
        "-o",
        "NumberOfPasswordPrompts=1",
        "-o",
        "LogLevel=INFO",
        "-p",
        &server.port().to_string(),
    ]);
    command.arg("-o").arg(format!("UserKnownHostsFile={}", known.display()));
    match proof {
        Proof::Password(password) => {
            let secret = file("secret", password, 0o600)?;
            let ask = format!("#!/bin/sh\ncat {}\necho\n", secret.display());
            command.env("SSH_ASKPASS", file("ask", &ask, 0o700)?).env("SSH_ASKPASS_REQUIRE", "force");
            command.args(["-o", "PreferredAuthentications=password,keyboard-interactive"]);
        }
        Proof::Key(key) => {
            command.arg("-i").arg(file("key", key, 0o600)?);
            command.args(["-o", "PreferredAuthentications=publickey"]);
        }
    }
    command.args(["-l", name]);
    Ok(command)
}

const HOST: &str = "127.0.0.1";
