//! The harness itself: what the other tests rely on.

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
    assert!(!std::path::Path::new("/home/harness-app").exists());
}
