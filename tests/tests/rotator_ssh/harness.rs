//! The harness itself: what the other tests rely on.

use std::process::{Command, Stdio};
use std::time::Duration;

use vault_tests::ssh::SshServer;

#[tokio::test(flavor = "multi_thread")]
async fn the_private_server_has_accounts_that_the_machine_does_not_and_leaves_nothing_behind() {
    let before = std::fs::read("/etc/passwd").unwrap();
    let server = SshServer::start().unwrap();
    server.create_account("harness-app", "one").unwrap();
    assert!(server.accepts("harness-app", "one").unwrap());
    assert!(!server.accepts("harness-app", "two").unwrap());
    assert_eq!(server.refused("harness-app").unwrap(), 1);
    assert_eq!(std::fs::read("/etc/passwd").unwrap(), before);
    let mut session = server.open_session("harness-app", "one").unwrap();
    assert!(!session.ended().unwrap());
    assert_eq!(server.processes("sshd: harness-app@").unwrap().len(), 1);
    let folder = server.folder().to_owned();
    drop(server);
    assert!(!folder.exists());
    assert!(!std::path::Path::new("/home").join("harness-app").exists());
}

/// This test runs itself a second time as a process that starts a server and is then killed.
#[tokio::test]
async fn a_killed_process_leaves_neither_server_nor_folder() {
    const CHILD: &str = "ROTUNDA_TEST_HOLDS_A_SERVER";
    if let Some(note) = std::env::var_os(CHILD) {
        let server = SshServer::start().unwrap();
        std::fs::write(note, format!("{} {}", server.port(), server.folder().display())).unwrap();
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
    let told = || std::fs::read_to_string(note.path()).ok().filter(|text| !text.is_empty());
    let told = wait_for(told).await.unwrap();
    let (port, folder) = told.split_once(' ').unwrap();
    let port: u16 = port.parse().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for(|| (!std::path::Path::new(folder).exists()).then_some(())).await.unwrap();
    wait_for(|| std::net::TcpStream::connect(("127.0.0.1", port)).is_err().then_some(())).await.unwrap();
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
