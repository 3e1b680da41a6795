//! `rotunda drill`, as an SRE types it: every fault on both servers, the table, the exit code, and that nothing is left.
//!
//! That a wrong outcome would be told as one is tested where it is judged: `drill/src/judge.rs`.

#![expect(clippy::unwrap_used, reason = "a test that fails shall stop")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use vault_tests::vault::binary;

/// The program with temporary files in a folder of this test's own, as far as its user may choose.
fn drill(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(binary().unwrap());
    command.arg("drill").args(words).env("TMPDIR", folder).env_remove("VAULT_FORMAT").stdin(Stdio::null());
    command
}

/// The folders of a drill that runs: each is the last argument of a watcher that is its child.
fn folders_of(drill: u32) -> Vec<PathBuf> {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
    let children = processes.filter(|path| parent(path) == Some(drill));
    let arguments = children.filter_map(|path| std::fs::read_to_string(path.join("cmdline")).ok());
    let last =
        arguments.filter_map(|all| Some(PathBuf::from(all.trim_end_matches('\0').rsplit('\0').next()?)));
    let is_folder = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("rotunda-")) && path.is_dir()
    };
    last.filter(is_folder).collect()
}

/// proc(5): the parent is the second field after the name in parentheses.
fn parent(process: &Path) -> Option<u32> {
    let stat = std::fs::read_to_string(process.join("stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// The processes that were told of one of these folders.
fn left_of(folders: &[PathBuf]) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap();
    let lines = processes.filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    let is_told = |line: &String| folders.iter().any(|folder| line.contains(&folder.display().to_string()));
    lines.filter(is_told).collect()
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

fn said(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn every_fault_on_both_servers_is_seen_as_expected_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let output = drill(folder.path(), &["--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["as_expected"], &report["accounts"]), (&Value::Bool(true), &Value::from(40)));
    let mut played = BTreeSet::new();
    for part in report["parts"].as_array().unwrap() {
        let (fault, place) = (part["fault"].as_str().unwrap(), part["place"].as_str().unwrap());
        assert_eq!(part["left_out"], Value::Null, "{part}");
        let rows = part["rows"].as_array().unwrap();
        assert!(rows.len() >= 3 && rows.iter().all(|row| row["as_expected"] == true), "{part}");
        let seen = |aspect: &str| {
            let row = rows.iter().find(|row| row["aspect"] == aspect);
            row.map(|row| row["seen"].as_str().unwrap().to_owned()).unwrap_or_default()
        };
        match fault {
            "end" => {}
            "stopped" | "refused" | "expired" => {
                assert_eq!(seen("grouped"), "1 of the target, 20 accounts beneath", "{place} {fault}");
                assert_eq!(seen("logins"), "20 of 20 let in, 20 old refused", "{place} {fault}");
            }
            _ => assert_eq!(seen("logins"), "1 of 1 let in, 1 old refused", "{place} {fault}"),
        }
        if fault != "end" {
            assert_eq!(seen("notified"), "1 incident.opened", "{place} {fault}");
            for mark in ["t2", "t3", "t7"] {
                assert!(part["marks"][mark].is_string(), "{place} {fault}: {}", part["marks"]);
            }
            played.insert(format!("{place} {fault} {}", seen("class")));
        }
    }
    let mut wanted = BTreeSet::new();
    for (fault, class) in [
        ("stopped", "unreachable"),
        ("refused", "management_auth_refused"),
        ("expired", "management_auth_refused"),
        ("locked", "account_locked"),
        ("drift", "drift"),
        ("cut", "ambiguous"),
        ("policy", "policy_rejected"),
    ] {
        wanted.extend(["postgresql", "ldap"].map(|place| format!("{place} {fault} {class}")));
    }
    assert_eq!(played, wanted);
    assert!(is_empty(folder.path()) && left_of(&[folder.path().to_owned()]).is_empty());
}

#[test]
fn one_fault_on_one_server_is_told_as_markdown() {
    let folder = tempfile::tempdir().unwrap();
    let words = ["--only", "ldap", "--only", "locked", "--accounts", "4", "--format", "markdown"];
    let output = drill(folder.path(), &words).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("| ldap | an account is locked | class | account_locked | account_locked | ok |"),
        "{text}"
    );
    assert!(!text.contains("postgresql") && !text.contains("stopped"), "{text}");
}

#[test]
fn a_drill_that_is_interrupted_or_killed_takes_everything_with_it() {
    for signal in [Signal::INT, Signal::KILL] {
        let folder = tempfile::tempdir().unwrap();
        let words = ["--only", "postgresql", "--only", "stopped", "--accounts", "4"];
        let mut child =
            drill(folder.path(), &words).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        // In its midst: vault and server run.
        assert!(lines.any(|line| line.unwrap().contains("postgresql: the server is stopped")));
        let folders = folders_of(child.id());
        assert_eq!(folders.len(), 2, "{folders:?}");
        kill_process(Pid::from_child(&child), signal).unwrap();
        let status = child.wait().unwrap();
        let are_gone = || folders.iter().all(|folder| !folder.exists());
        if signal == Signal::INT {
            assert_eq!(status.code(), Some(130));
            assert!(are_gone(), "in order, so before it ends");
        }
        // After a kill the watchers do it.
        let mut tries = 0;
        while !(are_gone() && left_of(&folders).is_empty()) {
            tries += 1;
            assert!(tries < 600, "{signal:?}: {folders:?}, {:?}", left_of(&folders));
            wait();
        }
    }
}

#[test]
fn what_cannot_be_played_is_said_before_anything_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let output = drill(folder.path(), &["--accounts", "7"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("--accounts must be at least 8"), "{}", said(&output));
    assert!(is_empty(folder.path()));
}

/// A tenth of a second, for a process that ends by itself.
fn wait() {
    let (_kept, patient) = std::sync::mpsc::channel::<()>();
    let _ = patient.recv_timeout(std::time::Duration::from_millis(100));
}
