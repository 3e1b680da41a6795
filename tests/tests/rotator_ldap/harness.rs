//! The harness itself: what the other tests rely on.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use vault_tests::ldap::{LdapServer, account_dn};

#[tokio::test]
async fn a_server_asks_for_passwords_and_counts_refused_logins_by_name() {
    let server = LdapServer::start().await.unwrap();
    server.create_account("app", "one-one-one").await.unwrap();
    let dn = account_dn("app");
    assert!(server.accepts(&dn, "one-one-one").await.unwrap());
    assert_eq!(server.refused_logins(&dn).await.unwrap(), 0);
    assert!(!server.accepts(&dn, "two-two-two").await.unwrap());
    assert!(!server.accepts(&account_dn("other"), "two-two-two").await.unwrap());
    assert_eq!(server.refused_logins(&dn).await.unwrap(), 1);
}

#[tokio::test]
async fn nothing_is_left_behind() {
    let server = LdapServer::start().await.unwrap();
    let folder = server.folder().to_path_buf();
    assert!(folder.exists());
    server.pause().unwrap();
    drop(server);
    assert!(!folder.exists());
}

/// This test runs itself a second time as a process that starts a server and is then killed.
#[tokio::test]
async fn a_killed_process_leaves_neither_server_nor_folder() {
    const CHILD: &str = "ROTUNDA_TEST_HOLDS_A_DIRECTORY";
    if let Some(note) = std::env::var_os(CHILD) {
        let server = LdapServer::start().await.unwrap();
        std::fs::write(note, format!("{} {}", server.folder().display(), server.port())).unwrap();
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
    let text = wait_for(told).await.unwrap();
    let (folder, port) = text.split_once(' ').unwrap();
    let port: u16 = port.parse().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for(|| (!Path::new(folder).exists()).then_some(())).await.unwrap();
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
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
