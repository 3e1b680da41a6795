//! The harness itself: what the other tests rely on.

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
