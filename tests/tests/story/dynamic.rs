//! Users that are made for a lease on a real PostgreSQL: let in while the lease lasts, gone after it.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use vault_tests::postgres::connect;
use vault_tests::proxy::Mischief;
use vault_tests::vault::ROOT;
use vault_tests::world::{World, together};

const CREATION: &str = "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'; \
                        GRANT SELECT ON ALL TABLES IN SCHEMA public TO \"{{name}}\"; \
                        GRANT CREATE ON SCHEMA public TO \"{{name}}\";";

struct User {
    lease: String,
    name: String,
    password: String,
}

/// A database mount upon the stage's server, with the role `app`.
async fn world(config: &[&str]) -> World {
    let world = World::with(config).await.unwrap();
    world.wrote("sys/mounts/database", json!({ "type": "database" })).await.unwrap();
    world
        .sql("CREATE TABLE orders (id int); CREATE ROLE maker SUPERUSER LOGIN PASSWORD 'm-0'")
        .await
        .unwrap();
    let body = json!({
        "plugin_name": "postgresql-database-plugin", "connection_url": world.url(),
        "username": "maker", "password": "m-0", "allowed_roles": "*",
    });
    world.wrote("database/config/pg", body).await.unwrap();
    role(&world, json!({})).await;
    world
}

async fn role(world: &World, more: Value) {
    let mut body = json!({ "db_name": "pg", "creation_statements": [CREATION], "default_ttl": "1h" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.wrote("database/roles/app", body).await.unwrap();
}

async fn issue(world: &World) -> User {
    let answer = world.vault.get("database/creds/app").await.unwrap();
    let data = answer.data().unwrap();
    let text = |name: &str| data[name].as_str().unwrap().to_owned();
    User { lease: answer.text("/lease_id").to_owned(), name: text("username"), password: text("password") }
}

async fn revoke(world: &World, user: &User) -> u16 {
    let body = json!({ "lease_id": user.lease });
    world.vault.post("sys/leases/revoke", body).await.unwrap().status
}

impl User {
    async fn is_let_in(&self, world: &World) -> bool {
        world.server.accepts(&self.name, &self.password).await.unwrap()
    }
}

/// The names of the users that leases have made.
async fn users(world: &World) -> Vec<String> {
    let admin = world.server.admin().await.unwrap();
    let rows = admin.query("SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-%'", &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn until<F: Future<Output = bool>>(what: &str, mut done: impl FnMut() -> F) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(40);
    while !done().await {
        assert!(tokio::time::Instant::now() < deadline, "it has not come to it: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn nothing_left(world: &World) {
    until("no user and no lease", || async {
        let leases = world.vault.get("sys/leases/lookup/database?list=true").await.unwrap();
        users(world).await.is_empty() && leases.status == 404
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_let_in_until_its_lease_ends_and_is_gone_then() {
    let world = world(&["log_statement = 'all'"]).await;
    let user = issue(&world).await;
    assert!(user.is_let_in(&world).await);
    let session = connect(world.server.port(), &user.name, &user.password).await.unwrap();
    session.batch_execute("SELECT * FROM orders").await.unwrap();
    let valid_until = || async {
        let admin = world.server.admin().await.unwrap();
        let text =
            "SELECT extract(epoch FROM rolvaliduntil - now())::float8 FROM pg_roles WHERE rolname = $1";
        admin.query_one(text, &[&user.name]).await.unwrap().get::<_, f64>(0)
    };
    let first = valid_until().await;
    assert!((3500.0..3610.0).contains(&first), "{first}");
    let body = json!({ "lease_id": user.lease, "increment": "3h" });
    assert_eq!(world.vault.post("sys/leases/renew", body).await.unwrap().status, 200);
    let second = valid_until().await;
    assert!((10_700.0..10_810.0).contains(&second), "VALID UNTIL has not moved: {second}");

    assert_eq!(revoke(&world, &user).await, 204);
    assert_eq!(users(&world).await, Vec::<String>::new());
    assert!(!user.is_let_in(&world).await);
    assert!(session.batch_execute("SELECT 1").await.is_err(), "the session outlived the lease");
    // Its password was in no statement.
    let log = world.server.log_until_now().await.unwrap();
    assert!(log.contains(&user.name) && !log.contains(&user.password));
    assert!(world.incidents().await.unwrap().is_empty());
    assert!(world.vault.audit_is_intact().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_that_fail_or_end_the_transaction_leave_no_user() {
    let world = world(&[]).await;
    for (last, status) in [
        ("GRANT there_is_no_such_role TO \"{{name}}\"", 400),
        ("SELECT 1/0 -- {{name}}", 400),
        // What may as well end a function's body is not told from what ends a transaction before it has run.
        ("SELECT $${{name}}$$; END", 503),
        ("SELECT $${{name}}$$; END; SELECT 1/0", 503),
        ("SELECT $${{name}}$$; END AND CHAIN; SELECT 1/0", 503),
    ] {
        role(&world, json!({ "creation_statements": [CREATION, last] })).await;
        let answer = world.vault.get("database/creds/app").await.unwrap();
        assert_eq!(answer.status, status, "{last}: {}", answer.body);
        nothing_left(&world).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn own_statements_keep_and_remove_users() {
    let world = world(&[]).await;
    let more = json!({
        "renew_statements": ["ALTER ROLE \"{{name}}\" VALID UNTIL '{{expiration}}' CONNECTION LIMIT 7"],
        "revocation_statements": "DROP OWNED BY \"{{name}}\"; ALTER ROLE \"{{name}}\" CONNECTION LIMIT 0",
    });
    role(&world, more).await;
    let user = issue(&world).await;
    let body = json!({ "lease_id": user.lease });
    assert_eq!(world.vault.post("sys/leases/renew", body).await.unwrap().status, 200);
    let admin = world.server.admin().await.unwrap();
    let look = "SELECT rolconnlimit, rolcanlogin FROM pg_roles WHERE rolname = $1";
    assert_eq!(admin.query_one(look, &[&user.name]).await.unwrap().get::<_, i32>(0), 7);
    assert_eq!(revoke(&world, &user).await, 204);
    let row = admin.query_one(look, &[&user.name]).await.unwrap();
    // The statements leave the role behind; nobody comes in as it.
    assert_eq!((row.get::<_, i32>(0), row.get::<_, bool>(1)), (0, false));
    assert!(!user.is_let_in(&world).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_owns_something_stays_shut_out_until_the_role_says_what_becomes_of_it() {
    let world = world(&[]).await;
    let user = issue(&world).await;
    let session = connect(world.server.port(), &user.name, &user.password).await.unwrap();
    session.batch_execute("CREATE TABLE kept AS SELECT 1 AS one").await.unwrap();
    assert_eq!(revoke(&world, &user).await, 200, "ending, with a warning");
    assert!(!user.is_let_in(&world).await);
    assert_eq!(world.incidents().await.unwrap()[0]["class"], "preflight");
    let hand_on =
        "REASSIGN OWNED BY \"{{name}}\" TO maker; DROP OWNED BY \"{{name}}\"; DROP ROLE \"{{name}}\"";
    role(&world, json!({ "revocation_statements": hand_on })).await;
    assert_eq!(revoke(&world, &user).await, 204);
    assert_eq!(users(&world).await, Vec::<String>::new());
    world.sql("SELECT one FROM kept").await.unwrap();
    world.closed_incident("dynamic leases on database.pg", "preflight").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_create_roles_and_no_more_makes_and_removes_users() {
    let world = world(&[]).await;
    world.sql("CREATE ROLE clerk CREATEROLE LOGIN PASSWORD 'c-0'; GRANT ALL ON orders TO clerk WITH GRANT OPTION").await.unwrap();
    let body = json!({
        "plugin_name": "postgresql-database-plugin", "connection_url": world.url(),
        "username": "clerk", "password": "c-0", "allowed_roles": "*",
    });
    world.wrote("database/config/clerk", body).await.unwrap();
    let creation =
        "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}'; GRANT SELECT ON orders TO \"{{name}}\"";
    role(&world, json!({ "db_name": "clerk", "creation_statements": creation })).await;
    let user = issue(&world).await;
    let session = connect(world.server.port(), &user.name, &user.password).await.unwrap();
    session.batch_execute("SELECT * FROM orders").await.unwrap();
    assert_eq!(revoke(&world, &user).await, 204);
    assert_eq!(users(&world).await, Vec::<String>::new());
    assert!(session.batch_execute("SELECT 1").await.is_err(), "the session outlived the lease");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_down_keeps_leases_ending_in_one_incident_until_it_is_back() {
    let world = world(&[]).await;
    // Grants on one schema at the same moment, which PostgreSQL by itself would not bear.
    let made = together((0..8).map(|_| issue(&world))).await;
    world.proxy.set(Mischief::Refuse).await.unwrap();
    for user in &made {
        assert_eq!(revoke(&world, user).await, 200, "ending, with a warning");
        let lookup = world.vault.post("sys/leases/lookup", json!({ "lease_id": user.lease })).await.unwrap();
        assert_eq!(lookup.body["data"]["state"], "revoking");
    }
    let open = world.incidents().await.unwrap();
    assert_eq!(
        (open.len(), &open[0]["class"], &open[0]["state"]),
        (1, &json!("unreachable"), &json!("open"))
    );
    world.proxy.set(Mischief::None).await.unwrap();
    nothing_left(&world).await;
    world.closed_incident("dynamic leases on database.pg", "unreachable").await.unwrap();
}

/// Kills the vault when the server has done `statement` of a request and its answer is on the way, and starts it
/// again.
async fn killed_after(world: &mut World, statement: &str, path: &str, body: Option<Value>) {
    world.proxy.set(Mischief::SwallowReply(statement.to_owned())).await.unwrap();
    let struck = world.proxy.struck();
    {
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let mut asked = std::pin::pin!(world.vault.call(method, path, body, ROOT));
        tokio::select! {
            answer = &mut asked => panic!("{statement}: {answer:?}"),
            reached = world.proxy.wait_struck(struck + 1) => reached.unwrap(),
        }
    }
    world.vault.kill().unwrap();
    world.proxy.set(Mischief::None).await.unwrap();
    world.vault.start_again().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_is_killed_between_any_two_statements_leaves_no_user_without_a_lease() {
    let mut world = world(&[]).await;
    for statement in ["BEGIN", "CREATE ROLE", "txid_current", "COMMIT"] {
        killed_after(&mut world, statement, "database/creds/app", None).await;
        nothing_left(&world).await;
    }
    for statement in ["NOLOGIN", "pg_shdepend", "DROP ROLE", "COMMIT"] {
        let user = issue(&world).await;
        let body = json!({ "lease_id": user.lease });
        killed_after(&mut world, statement, "sys/leases/revoke", Some(body)).await;
        nothing_left(&world).await;
        assert!(!user.is_let_in(&world).await);
    }
    // What was handed out before the death is good after it.
    let user = issue(&world).await;
    world.vault.kill().unwrap();
    world.vault.start_again().await.unwrap();
    assert!(user.is_let_in(&world).await);
    assert_eq!(revoke(&world, &user).await, 204);
    assert_eq!(users(&world).await, Vec::<String>::new());
    assert!(world.vault.audit_is_intact().unwrap());
}
