//! The harness itself: what the other tests rely on.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use vault_tests::postgres::{PostgresOptions, PostgresServer};

#[tokio::test]
async fn a_server_asks_for_passwords_and_keeps_its_port_and_data_over_stop_and_crash() {
    let mut server = PostgresServer::start_with(&PostgresOptions::default()).unwrap();
    let port = server.port();
    server.admin().await.unwrap().batch_execute("CREATE ROLE app LOGIN PASSWORD 'one'").await.unwrap();
    assert!(server.accepts("app", "one").await.unwrap());
    assert!(!server.accepts("app", "two").await.unwrap());
    server.restart().unwrap();
    assert!(server.accepts("app", "one").await.unwrap());
    server.crash().unwrap();
    assert!(server.accepts("app", "one").await.is_err());
    server.start_again().unwrap();
    assert!(server.accepts("app", "one").await.unwrap());
    assert_eq!(server.port(), port);
}

#[tokio::test]
async fn nothing_is_left_behind() {
    let server = PostgresServer::start().unwrap();
    let folder = server.data_folder();
    assert!(folder.exists());
    server.pause().unwrap();
    drop(server);
    assert!(!folder.exists());
}

/// This test runs itself a second time as a process that starts a server and is then killed.
#[tokio::test]
async fn a_killed_process_leaves_neither_server_nor_folder() {
    const CHILD: &str = "ROTUNDA_TEST_HOLDS_A_SERVER";
    if std::env::var_os(CHILD).is_some() {
        let server = PostgresServer::start().unwrap();
        std::fs::write(std::env::var_os(CHILD).unwrap(), server.data_folder().display().to_string()).unwrap();
        // Waits for the kill: nothing is ever written to its input.
        std::io::stdin().read_line(&mut String::new()).unwrap();
        unreachable!("the input of the child was closed");
    }
    let note = tempfile::NamedTempFile::new().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "harness::a_killed_process_leaves_neither_server_nor_folder"])
        .env(CHILD, note.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let folder =
        wait_for(|| std::fs::read_to_string(note.path()).ok().filter(|text| !text.is_empty())).await.unwrap();
    let pid_file = Path::new(&folder).join("postmaster.pid");
    let pid: i32 = std::fs::read_to_string(pid_file).unwrap().lines().next().unwrap().parse().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for(|| (!Path::new(&folder).parent().unwrap().exists()).then_some(())).await.unwrap();
    // Gone, or dead and not yet reaped by the system.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    assert!(stat.is_empty() || stat.contains(") Z"), "{stat}");
}

/// Looks again and again for up to half a minute: processes end in their own time.
async fn wait_for<T>(look: impl Fn() -> Option<T>) -> Option<T> {
    for _ in 0..3000 {
        if let Some(found) = look() {
            return Some(found);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    None
}
