//! A database: its config, a static role, its credential, and how they rotate; users that are made for a lease.

use ::vaultrs::api::database::requests::{PostgreSQLConnectionRequest, SetRoleRequest, SetStaticRoleRequest};
use ::vaultrs::client::VaultClient;
use ::vaultrs::database::{connection, role, static_role};
use ::vaultrs::error::ClientError;
use ::vaultrs::sys::mount;

use super::{refused, start};
use crate::database::Database;
use crate::server::Begin;

async fn configured(client: &VaultClient, database: &Database, password: &str) -> Result<(), ClientError> {
    let mut config = PostgreSQLConnectionRequest::builder();
    config
        .plugin_name("postgresql-database-plugin")
        .connection_url(database.url())
        .username("manager")
        .password(password)
        .allowed_roles(vec!["st".to_owned(), "app".to_owned()])
        .max_connection_lifetime("5s")
        .max_open_connections(4_u64);
    connection::postgres(client, "db", "pg", Some(&mut config)).await
}

async fn set(client: &VaultClient, username: &str) -> Result<(), ClientError> {
    let mut role = SetStaticRoleRequest::builder();
    role.db_name("pg").username(username).rotation_period("24h");
    static_role::set(client, "db", "st", Some(&mut role)).await
}

#[tokio::test]
async fn static_roles() {
    let (database, (_server, client)) = (Database::start().await, start(Begin::Unsealed).await);
    mount::enable(&client, "db", "database", None).await.unwrap();
    refused(configured(&client, &database, "wrong").await, 400, "error verifying connection");
    configured(&client, &database, "m-0").await.unwrap();
    let read = connection::read(&client, "db", "pg").await.unwrap();
    assert_eq!(
        (read.allowed_roles, read.connection_details.username),
        (vec!["st".to_owned(), "app".to_owned()], "manager".to_owned())
    );
    assert!(!read.connection_details.connection_url.contains("m-0"));
    assert_eq!(connection::list(&client, "db").await.unwrap().keys, ["pg"]);
    set(&client, "app").await.unwrap();
    assert!(!database.lets_in("app", "a-0").await);
    let role = static_role::read(&client, "db", "st").await.unwrap();
    assert_eq!((role.db_name.as_str(), role.username.as_str(), role.rotation_period), ("pg", "app", 86_400));
    assert_eq!(static_role::list(&client, "db").await.unwrap().keys, ["st"]);
    let first = static_role::creds(&client, "db", "st").await.unwrap();
    assert!(database.lets_in("app", &first.password).await);
    static_role::rotate(&client, "db", "st").await.unwrap();
    let second = static_role::creds(&client, "db", "st").await.unwrap();
    assert!(
        database.lets_in("app", &second.password).await && !database.lets_in("app", &first.password).await
    );
    refused(set(&client, "app2").await, 400, "cannot update static account username");
    connection::rotate(&client, "db", "pg").await.unwrap();
    assert!(!database.lets_in("manager", "m-0").await);
    connection::reset(&client, "db", "pg").await.unwrap();
    static_role::rotate(&client, "db", "st").await.unwrap();
    static_role::delete(&client, "db", "st").await.unwrap();
    refused(static_role::read(&client, "db", "st").await, 404, "");
    connection::delete(&client, "db", "pg").await.unwrap();
    refused(connection::read(&client, "db", "pg").await, 404, "");
    mount::disable(&client, "db").await.unwrap();
}

#[tokio::test]
async fn dynamic_roles() {
    let (database, (_server, client)) = (Database::start().await, start(Begin::Unsealed).await);
    mount::enable(&client, "db", "database", None).await.unwrap();
    configured(&client, &database, "m-0").await.unwrap();
    let creation = "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'; \
                    GRANT SELECT ON ALL TABLES IN SCHEMA public TO \"{{name}}\";";
    let mut request = SetRoleRequest::builder();
    request.db_name("pg").creation_statements(vec![creation.to_owned()]).default_ttl("10m").max_ttl("20m");
    role::set(&client, "db", "app", Some(&mut request)).await.unwrap();
    let read = role::read(&client, "db", "app").await.unwrap();
    assert_eq!((read.db_name.as_str(), read.default_ttl, read.max_ttl), ("pg", 600, 1200));
    assert_eq!(read.creation_statements, [creation]);
    assert_eq!(role::list(&client, "db").await.unwrap().keys, ["app"]);
    let user = role::creds(&client, "db", "app").await.unwrap();
    assert!(database.lets_in(&user.username, &user.password).await);
    refused(role::creds(&client, "db", "none").await, 400, "unknown role");
    role::delete(&client, "db", "app").await.unwrap();
    refused(role::read(&client, "db", "app").await, 404, "");
    assert!(database.lets_in(&user.username, &user.password).await, "a lease outlives its role");
    mount::disable(&client, "db").await.unwrap();
    assert!(!database.lets_in(&user.username, &user.password).await);
}
