//! The harness itself: what the other tests rely on.

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
