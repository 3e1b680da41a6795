//! Static roles, configs and mounts that go, and accounts that stay: no password is lost, and each user has one account.

use serde_json::json;
use vault_core::database::StaticRole;
use vault_core::mount::Mount;
use vault_core::store::key::Table;
use vault_server::service::mount::Teardown;

use super::Databases;
use crate::vault::{at_once, seconds};

#[tokio::test]
async fn one_user_name_belongs_to_one_account() {
    let databases = Databases::new().await;
    databases.hourly("st", "app").await;
    let second = databases.role("st2", "app", json!({ "rotation_period": "1h" })).await;
    second.expect_status(400);
    assert!(second.text.contains("is already managed by the secrets engine"), "{}", second.text);
    // Many at once: one of them.
    databases.bench.target.create_account("race", "p-0");
    let all =
        at_once(
            (0..8).map(|number| {
                let databases = &databases;
                async move {
                    databases.role(&format!("r{number}"), "race", json!({ "rotation_period": "1h" })).await
                }
            }),
        )
        .await;
    let made = all.iter().filter(|reply| reply.status == 204).count();
    assert_eq!(made, 1, "{all:?}");
    assert_eq!(databases.list("database/static-roles").await.at("/data/keys").as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_account_of_somebody_else_at_the_roles_place_is_left_alone() {
    let databases = Databases::new().await;
    databases.bench.account("database/st", "x-1").await;
    let reply = databases.role("st", "app", json!({ "rotation_period": "1h" })).await;
    reply.expect_status(400);
    assert!(reply.text.contains("there is an account database/st already"), "{}", reply.text);
    assert_eq!(databases.bench.password("database/st").await, "x-1");
    databases.get("database/static-roles/st").await.expect_status(404);
}

#[tokio::test]
async fn deleting_a_role_loses_no_password_and_a_new_one_takes_the_account_up_again() {
    let databases = Databases::new().await;
    databases.hourly("st", "app").await;
    let password = databases.bench.password("database/st").await;
    databases.delete("accounts/config/database/st?disposal=hand-over").await.expect_status(409);
    for _ in 0..2 {
        databases.delete("database/static-roles/st").await.expect_status(204);
    }
    databases.get("database/static-roles/st").await.expect_status(404);
    databases.get("database/static-creds/st").await.expect_status(400);
    assert_eq!(databases.bench.password("database/st").await, password);
    assert_eq!(databases.get("accounts/config/database/st").await.at("/data/released"), true);
    databases.bench.disk.clock.advance(seconds(7200));
    databases.bench.tick().await;
    assert!(databases.bench.target.accepts("app", &password), "nobody rotates it any more");
    // Another user under the same name of a role gets another account.
    databases.hourly("st", "app2").await;
    assert_eq!(databases.get("database/static-roles/st").await.at("/data/account"), "database/st-2");
    // The same user gets the same account, and history goes on.
    databases.hourly("again", "app").await;
    assert_eq!(databases.get("database/static-roles/again").await.at("/data/account"), "database/st");
    assert!(!databases.bench.target.accepts("app", &password));
    assert_eq!(databases.get("accounts/status/database/st").await.at("/data/version"), 2);
    assert_eq!(databases.get("accounts/config/database/st").await.at("/data/released"), false);
}

#[tokio::test]
async fn a_config_that_goes_first_leaves_its_accounts_reachable_and_the_target_to_them() {
    let databases = Databases::new().await;
    databases.hourly("st", "app").await;
    databases.delete("database/config/pg").await.expect_status(204);
    assert_eq!(databases.get("targets/config/database.pg").await.at("/data/released"), true);
    let creds = databases.get("database/static-creds/st").await;
    creds.expect_status(400);
    assert!(creds.text.contains("failed to find entry for connection"), "{}", creds.text);
    assert!(databases.opens("app", "accounts/creds/database/st").await);
    databases.post("database/rotate-role/st", json!({})).await.expect_status(204);
    databases.delete("database/static-roles/st").await.expect_status(204);
    databases.bench.handed_over("accounts/config/database/st").await;
    databases.delete("targets/config/database.pg").await.expect_status(204);
}

#[tokio::test]
async fn a_disabled_mount_loses_no_password() {
    let databases = Databases::new().await;
    databases.hourly("st", "app").await;
    databases.post("database/rotate-root/pg", json!({})).await.expect_status(204);
    let password = databases.bench.password("database/st").await;
    databases.delete("sys/mounts/database").await.expect_status(204);
    databases.get("database/static-creds/st").await.expect_status(404);
    assert_eq!(databases.bench.password("database/st").await, password);
    assert_eq!(databases.get("accounts/config/database/st").await.at("/data/released"), true);
    databases.delete("accounts/config/database/st?disposal=rotate-and-forget").await.expect_status(204);
    let root = databases.bench.handed_over("targets/config/database.pg").await;
    assert!(databases.bench.target.accepts("manager", &root[0]));
}

#[tokio::test]
async fn a_disabled_mount_lets_go_of_everything_beside_a_damaged_record() {
    let databases = Databases::new().await;
    for role in ["a", "b"] {
        databases.hourly(role, &format!("app-{role}")).await;
    }
    let barrier = &databases.bench.vault.app.barrier;
    let damaged = barrier.names(Table::StaticRole, b"", None, 1).unwrap().remove(0);
    databases.bench.damage_record::<StaticRole>(&damaged).await;
    assert_eq!(databases.delete("sys/mounts/database").await.status, 500);
    for (path, released) in
        [("accounts/config/database/a", json!(false)), ("accounts/config/database/b", json!(true))]
    {
        assert_eq!(databases.get(path).await.at("/data/released"), released, "{path}");
    }
    assert_eq!(databases.get("targets/config/database.pg").await.at("/data/released"), true);
}

#[tokio::test]
async fn an_account_of_a_pool_that_was_never_rotated_is_released_with_its_role_and_with_its_mount() {
    for whole in [false, true] {
        let databases = Databases::new().await;
        databases.bench.target.create_account("app", "p-0");
        let more = json!({ "rotation_period": "1h", "skip_import_rotation": true, "password": "p-0" });
        databases.role("st", "app", more).await.expect_status(204);
        let pool = json!({ "accounts": ["database/st"] });
        databases.post("pools/config/p", pool).await.expect_status(204);
        let path = if whole { "sys/mounts/database" } else { "database/static-roles/st" };
        databases.delete(path).await.expect_status(204);
        databases.get("database/static-roles/st").await.expect_status(404);
        assert_eq!(databases.get("accounts/config/database/st").await.at("/data/released"), true);
        let lent = databases.post("pools/check-out/p", json!({})).await;
        assert_eq!(lent.at("/data/password"), "p-0", "{}", lent.text);
    }
}

#[tokio::test]
async fn a_config_made_anew_serves_nobody_the_password_of_its_older_target() {
    let databases = Databases::new().await;
    databases.hourly("st", "app").await;
    databases.delete("database/config/pg").await.expect_status(204);
    databases.configure("pg", json!({})).await.expect_status(204);
    for reply in [
        databases.get("database/static-creds/st").await,
        databases.post("database/rotate-role/st", json!({})).await,
        databases.role("st", "app", json!({ "rotation_period": "2h" })).await,
    ] {
        reply.expect_status(400);
        assert!(reply.text.contains("delete the role and make it anew"), "{}", reply.text);
    }
    assert_eq!(databases.get("accounts/status/database/st").await.at("/data/version"), 1);
    databases.delete("database/static-roles/st").await.expect_status(204);
    assert!(databases.opens("app", "accounts/creds/database/st").await);
    databases.hourly("st", "app").await;
    assert!(databases.opens("app", "database/static-creds/st").await);
}

#[tokio::test]
async fn a_released_account_is_taken_up_only_with_a_new_password_and_not_once_a_person_has_it() {
    let databases = Databases::new().await;
    let unrotated = json!({ "rotation_period": "1h", "skip_import_rotation": true });
    databases.hourly("st", "app").await;
    let first = databases.bench.password("database/st").await;
    databases.delete("database/static-roles/st").await.expect_status(204);
    // Not while it is lent.
    let out = databases.post("accounts/check-out/database/st", json!({})).await;
    out.expect_status(200);
    databases.role("st", "app", unrotated.clone()).await.expect_status(409);
    databases.get("database/static-roles/st").await.expect_status(404);
    databases.post("accounts/check-in/database/st", json!({})).await.expect_status(200);
    let second = databases.bench.password("database/st").await;
    assert_ne!(first, second);
    // Not without a rotation.
    databases.role("st", "app", unrotated.clone()).await.expect_status(204);
    assert!(!databases.bench.target.accepts("app", &second));
    assert!(databases.opens("app", "database/static-creds/st").await);
    // Not once a person has made it theirs.
    databases.delete("database/static-roles/st").await.expect_status(204);
    let third = databases.bench.password("database/st").await;
    let own = json!({ "target": "database.pg", "username": "app", "password": third });
    databases.post("accounts/config/database/st", own).await.expect_status(200);
    databases.role("st", "app", unrotated).await.expect_status(400);
    assert!(databases.bench.target.accepts("app", &third));
}

#[tokio::test]
async fn a_moved_mount_keeps_its_roles_and_their_accounts() {
    let databases = Databases::new().await;
    databases.hourly("st", "app").await;
    databases.post("sys/remount", json!({ "from": "database", "to": "db/prod" })).await.expect_status(200);
    databases.post("db/prod/rotate-role/st", json!({})).await.expect_status(204);
    assert!(databases.opens("app", "db/prod/static-creds/st").await);
    assert_eq!(databases.get("db/prod/static-roles/st").await.at("/data/account"), "database/st");
    databases.get("database/static-creds/st").await.expect_status(404);
}

#[tokio::test]
async fn an_account_that_is_lent_is_read_with_a_warning_and_not_rotated_on_demand() {
    let databases = Databases::new().await;
    databases.hourly("st", "app").await;
    let token = databases.bench.vault.token(r#"{"policies":["root"],"display_name":"ann"}"#).await;
    let out = databases.bench.vault.call("POST", "accounts/check-out/database/st", &token, "{}").await;
    out.expect_status(200);
    let creds = databases.get("database/static-creds/st").await;
    creds.expect_status(200);
    assert!(creds.at("/warnings/0").as_str().unwrap().contains("is checked out by"), "{}", creds.text);
    databases.post("database/rotate-role/st", json!({})).await.expect_status(409);
    databases.delete("database/static-roles/st").await.expect_status(204);
    assert_eq!(databases.bench.password("database/st").await, creds.at("/data/password").as_str().unwrap());
    databases
        .bench
        .vault
        .call("POST", "accounts/check-in/database/st", &token, "{}")
        .await
        .expect_status(200);
    assert!(!databases.bench.target.accepts("app", creds.at("/data/password").as_str().unwrap()));
}

#[tokio::test]
async fn a_config_that_goes_while_roles_are_made_leaves_no_account_without_its_target() {
    let (mut kept, mut refused) = (0, 0);
    for round in 0..8 {
        let databases = Databases::new().await;
        for number in 0..6 {
            databases.bench.target.create_account(&format!("u{number}"), "p-0");
        }
        let all = at_once((0..7).map(|number| {
            let databases = &databases;
            async move {
                // The delete comes at another place among the others each time.
                if number == round % 7 {
                    return databases.delete("database/config/pg").await.status;
                }
                let user = format!("u{}", if number > round % 7 { number - 1 } else { number });
                databases.role(&format!("r{number}"), &user, json!({ "rotation_period": "1h" })).await.status
            }
        }))
        .await;
        assert_eq!(all[round % 7], 204, "{all:?}");
        for number in 0..7 {
            let role = databases.get(&format!("database/static-roles/r{number}")).await;
            if role.status != 200 {
                refused += u32::from(number != round % 7);
            } else {
                kept += 1;
                databases.get("targets/config/database.pg").await.expect_status(200);
                let account = role.at("/data/account").as_str().unwrap().to_owned();
                let user = role.at("/data/username").as_str().unwrap().to_owned();
                assert!(databases.opens(&user, &format!("accounts/creds/{account}")).await);
            }
        }
    }
    assert!(kept > 0 && refused > 0, "{kept} kept, {refused} refused: no race was run");
}

#[tokio::test]
async fn a_disable_that_a_crash_cut_short_is_finished_and_loses_nothing() {
    let mut databases = Databases::new().await;
    databases.hourly("st", "app").await;
    databases.hourly("st2", "app2").await;
    let password = databases.bench.password("database/st2").await;
    // As a disable leaves it that has let one role go.
    let app = &databases.bench.vault.app;
    let (mount, _) = app.mounts.find("database/config").unwrap();
    databases.delete("database/static-roles/st").await.expect_status(204);
    let stored = app.barrier.load::<Mount>(*mount.id.as_bytes()).unwrap().unwrap();
    let mut transaction = app.barrier.transaction().unwrap();
    transaction.put(*mount.id.as_bytes(), stored.require(), &Mount { ending: true, ..stored.value.clone() });
    app.barrier.commit(transaction).await.unwrap();
    databases.bench.restart().await;
    databases.get("database/static-creds/st2").await.expect_status(404);
    let app = &databases.bench.vault.app;
    let gone = async {
        while app.barrier.load::<Mount>(*mount.id.as_bytes()).unwrap().is_some() {
            tokio::task::yield_now().await;
        }
    };
    let teardown = Teardown::new(app);
    tokio::select! {
        () = teardown.run_until(&app.shutdown) => panic!("it stopped by itself"),
        () = gone => {}
    }
    for path in ["database/st", "database/st2"] {
        let config = databases.get(&format!("accounts/config/{path}")).await;
        assert_eq!(config.at("/data/released"), true, "{path}");
    }
    assert_eq!(databases.bench.password("database/st2").await, password);
    assert_eq!(databases.get("targets/config/database.pg").await.at("/data/released"), true);
}
