//! The other kinds that can make a shadow: users of Redis and of RabbitMQ.

use serde_json::{Value, json};
use vault_tests::rabbitmq::{ADMIN, ADMIN_PASSWORD, RabbitOptions, RabbitServer};
use vault_tests::redis::RedisServer;
use vault_tests::vault::Vault;

use crate::bench::{Seed, judged, rehearsed, wrote};

/// The account `app` on this target.
async fn account(vault: &Vault, target: Value, account: Value) -> String {
    wrote(vault, "targets/config/t", target).await;
    let mut body = json!({ "target": "t", "username": "app" });
    body.as_object_mut().unwrap().extend(account.as_object().unwrap().clone());
    wrote(vault, "accounts/config/app", body).await;
    "app".to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_user_is_rehearsed_and_who_could_not_remove_a_shadow_makes_none() {
    let (server, vault) = (RedisServer::start().unwrap(), Vault::start().await.unwrap());
    let mut admin = server.admin().await.unwrap();
    admin.run(&["ACL", "SETUSER", "keeper", "on", ">of-the-keeper", "allcommands", "allkeys"]).await.unwrap();
    admin.run(&["ACL", "SETUSER", "app", "on", ">set-by-hand", "+get", "~app:*"]).await.unwrap();
    let target = json!({
        "rotator": "redis", "connection_url": server.url_template(),
        "username": "keeper", "password": "of-the-keeper",
    });
    let path = account(&vault, target, json!({ "password": "set-by-hand" })).await;
    let before = format!("{:?}", admin.run(&["ACL", "LIST"]).await.unwrap());
    let report = rehearsed(&vault, &path).await;
    // Both passwords could live side by side.
    judged(&Seed::sql("no grace on Redis", "", "amber", "no_grace", "side by side"), &report);
    assert!(report["passed"].to_string().contains("rotated twice"), "{report:#}");
    assert_eq!(format!("{:?}", admin.run(&["ACL", "LIST"]).await.unwrap()), before);

    admin.run(&["ACL", "SETUSER", "keeper", "-acl|deluser"]).await.unwrap();
    let before = format!("{:?}", admin.run(&["ACL", "LIST"]).await.unwrap());
    let report = rehearsed(&vault, &path).await;
    judged(&Seed::sql("no right to remove a shadow", "", "amber", "shadow_refused", "ACL DELUSER"), &report);
    assert_eq!(format!("{:?}", admin.run(&["ACL", "LIST"]).await.unwrap()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rabbitmq_user_is_rehearsed_and_a_limit_of_its_length_is_red() {
    // What the server's own client asks with; the program brings its own.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let config = [
        "credential_validator.validation_backend = rabbit_credential_validator_password_regexp",
        "credential_validator.regexp = ^.{1,28}$",
    ];
    let config = config.map(str::to_owned).to_vec();
    let server = RabbitServer::start_with(&RabbitOptions { config, ..RabbitOptions::default() }).unwrap();
    let vault = Vault::start().await.unwrap();
    server.create_user("app", "set-by-hand", "").await.unwrap();
    let mut target = json!({
        "rotator": "rabbitmq", "amqp_port": server.amqp_port().to_string(), "request_timeout": "5s",
        "connection_url": format!("http://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{}/", server.port()),
        "username": ADMIN, "password": ADMIN_PASSWORD,
    });
    let path = account(&vault, target.clone(), json!({ "password": "set-by-hand" })).await;
    let users = async || server.admin(reqwest::Method::GET, "users", None).await.unwrap();
    let before = users().await;
    // The vault hashes, so that no validator judges.
    let report = rehearsed(&vault, &path).await;
    assert!(report["passed"].to_string().contains("rotated twice"), "{report:#}");
    assert_ne!(report["light"], "red", "{report:#}");
    assert_eq!(users().await, before);
    target["password_hashing"] = json!("server");
    wrote(&vault, "targets/config/t", target).await;
    let report = rehearsed(&vault, &path).await;
    judged(&Seed::sql("limit of 28 characters", "", "red", "policy_rejected", "validator"), &report);
    assert_eq!(users().await, before);
}
