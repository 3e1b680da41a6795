//! AppRole and userpass.

use ::vaultrs::api::auth::approle::requests::SetAppRoleRequest;
use ::vaultrs::api::auth::userpass::requests::CreateUserRequest;
use ::vaultrs::auth::approle::role::{self, secret};
use ::vaultrs::auth::userpass::user;
use ::vaultrs::auth::{approle as machines, userpass as people};
use ::vaultrs::sys::auth;

use super::{another, refused, start};
use crate::server::Begin;

#[tokio::test]
async fn approle() {
    let (_server, client) = start(Begin::Unsealed).await;
    let at = "approle";
    auth::enable(&client, at, "approle", None).await.unwrap();
    let mut settings = SetAppRoleRequest::builder();
    settings.token_policies(vec!["p1".to_owned()]).token_ttl("10m").secret_id_num_uses(2u64);
    role::set(&client, at, "web", Some(&mut settings)).await.unwrap();
    let seen = role::read(&client, at, "web").await.unwrap();
    assert_eq!((seen.token_ttl, seen.secret_id_num_uses, seen.bind_secret_id), (600, 2, true));
    assert_eq!(role::list(&client, at).await.unwrap().keys, ["web"]);
    let id = role::read_id(&client, at, "web").await.unwrap().role_id;
    let made = secret::generate(&client, at, "web", None).await.unwrap();
    let nobody = another(&client, "");
    let login = machines::login(&nobody, at, &id, &made.secret_id).await.unwrap();
    assert_eq!(
        (login.policies.as_slice(), login.lease_duration),
        (&["default".to_owned(), "p1".to_owned()][..], 600)
    );
    assert_eq!(login.metadata.unwrap()["role_name"], "web");
    assert_eq!(secret::read(&client, at, "web", &made.secret_id).await.unwrap().secret_id_num_uses, 1);
    let read = secret::read_accessor(&client, at, "web", &made.secret_id_accessor).await.unwrap();
    assert_eq!(read.secret_id_accessor, made.secret_id_accessor);
    assert_eq!(secret::list(&client, at, "web").await.unwrap().keys, vec![made.secret_id_accessor.clone()]);
    machines::login(&nobody, at, &id, &made.secret_id).await.unwrap();
    refused(machines::login(&nobody, at, &id, &made.secret_id).await, 400, "invalid");
    let custom = secret::custom(&client, at, "web", "a-secret-of-my-own", None).await.unwrap();
    assert_eq!(custom.secret_id, "a-secret-of-my-own");
    secret::delete(&client, at, "web", &custom.secret_id).await.unwrap();
    let other = secret::generate(&client, at, "web", None).await.unwrap();
    secret::delete_accessor(&client, at, "web", &other.secret_id_accessor).await.unwrap();
    refused(machines::login(&nobody, at, &id, &other.secret_id).await, 400, "invalid");
    role::update_id(&client, at, "web", "web-in-production").await.unwrap();
    assert_eq!(role::read_id(&client, at, "web").await.unwrap().role_id, "web-in-production");
    role::delete(&client, at, "web").await.unwrap();
    refused(role::read(&client, at, "web").await, 404, "");
}

#[tokio::test]
async fn userpass() {
    let (_server, client) = start(Begin::Unsealed).await;
    let at = "userpass";
    auth::enable(&client, at, "userpass", None).await.unwrap();
    let mut settings = CreateUserRequest::builder();
    settings.token_policies(vec!["p1".to_owned()]).token_ttl("10m");
    user::set(&client, at, "ann", "secret-1", Some(&mut settings)).await.unwrap();
    assert_eq!(user::list(&client, at).await.unwrap().keys, ["ann"]);
    assert_eq!(user::read(&client, at, "ann").await.unwrap().token_policies, ["p1"]);
    let nobody = another(&client, "");
    let login = people::login(&nobody, at, "ann", "secret-1").await.unwrap();
    assert_eq!(login.metadata.unwrap()["username"], "ann");
    assert_eq!(login.lease_duration, 600);
    refused(people::login(&nobody, at, "ann", "wrong").await, 400, "invalid username or password");
    user::update_password(&client, at, "ann", "secret-2").await.unwrap();
    refused(people::login(&nobody, at, "ann", "secret-1").await, 400, "invalid username or password");
    user::update_policies(&client, at, "ann", "p2").await.unwrap();
    assert_eq!(people::login(&nobody, at, "ann", "secret-2").await.unwrap().policies, ["default", "p2"]);
    user::delete(&client, at, "ann").await.unwrap();
    refused(people::login(&nobody, at, "ann", "secret-2").await, 400, "invalid username or password");
}
