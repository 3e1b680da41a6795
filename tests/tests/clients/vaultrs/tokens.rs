//! Tokens, their roles, and wrapped answers.

use std::collections::HashMap;

use ::vaultrs::api::ResponseWrapper;
use ::vaultrs::api::sys::requests::ListMountsRequest;
use ::vaultrs::api::token::requests::{CreateTokenRequest, SetTokenRoleRequest};
use ::vaultrs::sys::wrapping as wraps;
use ::vaultrs::token;

use super::{another, refused, start};
use crate::server::Begin;

#[tokio::test]
async fn tokens() {
    let (_server, client) = start(Begin::Unsealed).await;
    let me = token::lookup_self(&client).await.unwrap();
    assert_eq!((me.policies.as_slice(), me.ttl), (&["root".to_owned()][..], 0));
    let mut request = CreateTokenRequest::builder();
    request
        .policies(vec!["p1".to_owned()])
        .ttl("1h")
        .meta(HashMap::from([("team".to_owned(), "db".to_owned())]));
    let made = token::new(&client, Some(&mut request)).await.unwrap();
    assert_eq!(
        (made.policies.as_slice(), made.lease_duration),
        (&["default".to_owned(), "p1".to_owned()][..], 3600)
    );
    let seen = token::lookup(&client, &made.client_token).await.unwrap();
    assert_eq!(seen.meta.unwrap()["team"], "db");
    assert_eq!(token::lookup_accessor(&client, &made.accessor).await.unwrap().id, "");
    assert_eq!(token::renew(&client, &made.client_token, Some("2h")).await.unwrap().lease_duration, 7200);
    assert_eq!(
        token::renew_accessor(&client, &made.accessor, Some("10m")).await.unwrap().lease_duration,
        600
    );
    let ann = another(&client, &made.client_token);
    assert_eq!(token::renew_self(&ann, Some("30m")).await.unwrap().lease_duration, 1800);
    assert!(token::new_orphan(&client, None).await.unwrap().orphan);
    token::revoke_self(&ann).await.unwrap();
    refused(token::lookup_self(&ann).await, 403, "permission denied");
    refused(token::lookup(&client, &made.client_token).await, 403, "bad token");
    for _ in 0..2 {
        let other = token::new(&client, None).await.unwrap();
        token::revoke_accessor(&client, &other.accessor).await.unwrap();
        refused(token::lookup(&client, &other.client_token).await, 403, "bad token");
    }
    let parent = token::new(&client, None).await.unwrap().client_token;
    token::revoke_orphan(&client, &parent).await.unwrap();
    token::tidy(&client).await.unwrap();

    let mut settings = SetTokenRoleRequest::builder();
    settings.allowed_policies(vec!["p1".to_owned()]).orphan(true).token_period("30m");
    token::role::set(&client, "deploy", Some(&mut settings)).await.unwrap();
    let role = token::role::read(&client, "deploy").await.unwrap();
    assert_eq!((role.token_period, role.orphan, role.allowed_policies), (1800, true, vec!["p1".to_owned()]));
    assert_eq!(token::role::list(&client).await.unwrap().keys, ["deploy"]);
    assert_eq!(token::new_role(&client, "deploy", None).await.unwrap().lease_duration, 1800);
    token::role::delete(&client, "deploy").await.unwrap();
    refused(token::role::read(&client, "deploy").await, 404, "");
}

#[tokio::test]
async fn wrapping() {
    let (_server, client) = start(Begin::Unsealed).await;
    let wrapped = ListMountsRequest::builder().build().unwrap().wrap(&client).await.unwrap();
    assert_eq!(wraps::lookup(&client, &wrapped.info.token).await.unwrap().creation_path, "sys/mounts");
    let mounts = wrapped.unwrap(&client).await.unwrap();
    assert!(mounts.contains_key("sys/"));
    assert!(wrapped.unwrap(&client).await.is_err(), "a wrapped answer is given once");
}
