//! The real program: a dev vault that survives kill -9 at its start, a server that ends cleanly.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use vault_core::audit::{VerifyOptions, verify_file};

/// A started program; killed when dropped.
struct Process {
    child: Child,
    url: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(arguments: &[&str], data: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_rotunda"))
        .args(arguments)
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .env_remove("VAULT_DEV_ROOT_TOKEN_ID")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for the line with the address.
fn started(mut child: Child) -> Process {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines {
        let line = line.unwrap();
        if let Some(rest) = line.strip_prefix("rotunda listens on ") {
            let url = rest.split_whitespace().next().unwrap().to_owned();
            return Process { child, url };
        }
    }
    let mut text = String::new();
    let _ = std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut text);
    panic!("it ended before it listened: {text}");
}

fn lookup(process: &Process, token: &str) -> u16 {
    ask(process, reqwest::Method::GET, "auth/token/lookup-self", token, "").0
}

fn ask(
    process: &Process,
    method: reqwest::Method,
    path: &str,
    token: &str,
    body: &'static str,
) -> (u16, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // Another process-wide provider may have been set already: the same one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    runtime.block_on(async {
        let url = format!("{}/v1/{path}", process.url);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.request(method, url).header("X-Vault-Token", token).body(body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    })
}

#[test]
fn a_dev_vault_killed_at_any_moment_of_its_first_start_comes_up_again() {
    for moment in [0, 5, 15, 30, 60, 100, 160] {
        let dir = tempfile::tempdir().unwrap();
        let mut child = spawn(&["dev", "--root-token", "try"], dir.path());
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(moment) {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let process = started(spawn(&["dev", "--root-token", "try"], dir.path()));
        assert_eq!(lookup(&process, "try"), 200, "killed after {moment} ms");
    }
}

#[test]
fn a_dev_vault_is_the_same_after_kill_and_refuses_another_token() {
    let dir = tempfile::tempdir().unwrap();
    let process = started(spawn(&["dev", "--root-token", "try"], dir.path()));
    assert_eq!(lookup(&process, "try"), 200);
    let written = ask(&process, reqwest::Method::POST, "secret/data/app", "try", r#"{"data":{"n":1.0}}"#);
    assert_eq!(written.0, 200, "version 2 of KV is mounted at secret/: {}", written.1);
    drop(process);
    let process = started(spawn(&["dev"], dir.path()));
    assert_eq!(lookup(&process, "try"), 200);
    let (status, text) = ask(&process, reqwest::Method::GET, "secret/data/app", "try", "");
    assert!(status == 200 && text.contains(r#""data":{"n":1.0}"#), "{text}");
    drop(process);
    let output = spawn(&["dev", "--root-token", "other"], dir.path()).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("another root token"));
    let mode = std::fs::metadata(dir.path().join("dev.json")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o777, 0o600);
}

#[test]
fn sigterm_ends_it_with_code_zero_and_a_whole_trail() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = started(spawn(&["dev", "--root-token", "try"], dir.path()));
    assert_eq!(lookup(&process, "try"), 200);
    let pid = rustix::process::Pid::from_child(&process.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(process.child.wait().unwrap().code(), Some(0));
    let report = verify_file(&dir.path().join("audit.log"), &VerifyOptions::default()).unwrap();
    assert!(report.is_intact(), "{report:?}");
    let verified = Command::new(env!("CARGO_BIN_EXE_rotunda"))
        .args(["operator", "verify", "--format", "json", "--data"])
        .arg(dir.path())
        .output()
        .unwrap();
    assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stderr));
    assert!(String::from_utf8_lossy(&verified.stdout).contains("\"intact\": true"));
}

#[test]
fn a_server_starts_uninitialised_and_a_second_one_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let first = started(spawn(&["server"], dir.path()));
    assert_eq!(lookup(&first, "x"), 503);
    let second = spawn(&["server"], dir.path()).wait_with_output().unwrap();
    assert_eq!(second.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&second.stderr).contains("already open in another process"));
}

#[test]
fn an_audit_file_without_its_head_is_accepted_only_when_an_open_end_is() {
    let dir = tempfile::tempdir().unwrap();
    drop(started(spawn(&["dev", "--root-token", "try"], dir.path())));
    // Away from its head file, and ended by a kill: nothing shows that these are all the lines.
    let copy = dir.path().join("copy.log");
    std::fs::copy(dir.path().join("audit.log"), &copy).unwrap();
    for (flag, code, status) in [(None, 1, "incomplete"), (Some("--allow-open-tail"), 0, "intact")] {
        let output = Command::new(env!("CARGO_BIN_EXE_rotunda"))
            .args(["audit", "verify", "--field", "status"])
            .args(flag)
            .arg(&copy)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code), "{flag:?}");
        assert!(String::from_utf8_lossy(&output.stdout).starts_with(status), "{flag:?}: {output:?}");
    }
}
