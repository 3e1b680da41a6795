//! A real browser, Debian's Chromium without a window, driven through the dashboard by the programs in `tests/browser`:
//! each walk is a person. They keep screenshots in `<target>/screenshots/<walk>`.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use vault_tests::process::installed;
use vault_tests::vault::{ROOT, Vault};
use vault_tests::world::{KEEPER, World};

/// What an SRE may: everything on the dashboard, and to repair.
const SRE: &str = r#"
path "incidents"           { capabilities = ["read"] }
path "incidents/*"         { capabilities = ["read", "update"] }
path "accounts/status/*"   { capabilities = ["read", "list"] }
path "accounts/status"     { capabilities = ["read", "list"] }
path "accounts/rotate/*"   { capabilities = ["update"] }
path "accounts/reconcile/*" { capabilities = ["update"] }
path "reports/*"           { capabilities = ["read"] }
path "targets/*"           { capabilities = ["read", "list"] }
path "targets"             { capabilities = ["read", "list"] }
path "targets/config/pg"   { capabilities = ["read", "update"] }
path "targets/maintenance/*" { capabilities = ["read", "update", "delete"] }
path "sys/audit-search"    { capabilities = ["update", "sudo"] }
path "sys/audit"           { capabilities = ["read", "sudo"] }
path "sys/webhooks"        { capabilities = ["list"] }
path "sys/webhooks/*"      { capabilities = ["read", "update"] }
path "silences"            { capabilities = ["read", "update"] }
path "silences/*"          { capabilities = ["read", "delete"] }
"#;

/// What an engineer may: look at accounts, and take them in hand.
const ENGINEER: &str = r#"
path "accounts/status/*"    { capabilities = ["read", "list"] }
path "accounts/status"      { capabilities = ["read", "list"] }
path "accounts/check-out/*" { capabilities = ["create", "update"] }
path "accounts/check-in/*"  { capabilities = ["create", "update"] }
path "accounts/creds/*"     { capabilities = ["read"] }
path "sys/leases/*"         { capabilities = ["update"] }
"#;

/// One PostgreSQL, three people, and two accounts whose passwords somebody changed outside: of one the vault knows.
async fn stage() -> Result<World> {
    let world = World::new().await?;
    for (path, role) in [("db/app", "app"), ("db/drifted", "drifted"), ("db/second", "second")] {
        world.adopted(path, role).await?;
    }
    for role in ["drifted", "second"] {
        world.sql(&format!("ALTER ROLE {role} PASSWORD 'somebody else'")).await?;
    }
    let verified = world.vault.post("accounts/verify/db/drifted", json!({})).await?;
    ensure!(verified.status == 502, "{}", verified.body);
    people(&world.vault).await?;
    Ok(world)
}

/// The three who sign in.
async fn people(vault: &Vault) -> Result<()> {
    let wrote = async |path: &str, body: Value| {
        let answer = vault.post(path, body).await?;
        ensure!(answer.status < 300, "{path}: {}", answer.body);
        anyhow::Ok(())
    };
    wrote("sys/policies/acl/sre", json!({ "policy": SRE })).await?;
    wrote("sys/policies/acl/engineer", json!({ "policy": ENGINEER })).await?;
    wrote("sys/auth/userpass", json!({ "type": "userpass" })).await?;
    for (name, policies) in [("sre", "sre"), ("engineer", "engineer"), ("stranger", "default")] {
        let user = json!({ "password": format!("{name}-password-1"), "token_policies": policies });
        wrote(&format!("auth/userpass/users/{name}"), user).await?;
    }
    Ok(())
}

async fn walk(name: &str) -> Result<()> {
    walk_in((name, name), &stage().await?.vault).await
}

/// The walk `name` through what is in `vault`; its screenshots go to the folder `kept`.
async fn walk_in((name, kept): (&str, &str), vault: &Vault) -> Result<()> {
    let browser = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
    let modules = installed("browser/node_modules")?;
    let target = modules.ancestors().nth(3).context("no target folder")?;
    let shots = target.join("screenshots").join(kept);
    std::fs::create_dir_all(&shots)?;
    let home = tempfile::tempdir()?;
    let mut command = tokio::process::Command::new("node");
    command.arg(browser.join(format!("{name}.js"))).stdin(Stdio::null()).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", home.path());
    command.env("NODE_PATH", &modules).env("CHROMIUM", chromium()?).env("SCREENSHOTS", &shots);
    command.env("VAULT_ADDR", vault.address()).env("VAULT_TOKEN", ROOT);
    command.kill_on_drop(true);
    let output = tokio::time::timeout(DEADLINE, command.output()).await;
    let output = output.with_context(|| format!("{name} did not end; see {}", shots.display()))??;
    ensure!(
        output.status.success(),
        "{name} (see {}):\n{}{}",
        shots.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Debian's Chromium, or what stands in its place elsewhere.
fn chromium() -> Result<&'static str> {
    let known = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    let found = known.into_iter().find(|path| Path::new(path).exists());
    found.context("chromium is missing: run tests/install")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sre_sees_an_incident_go_from_red_to_green() {
    walk("sre").await.unwrap();
}

/// The management password is changed outside, and the target's accounts are parked as they come.
#[tokio::test(flavor = "multi_thread")]
async fn an_sre_repairs_a_target_by_buttons_alone() {
    let world = stage().await.unwrap();
    world.sql(&format!("ALTER ROLE {KEEPER} PASSWORD 'told-to-the-sre'")).await.unwrap();
    // A session from before the change would do for a moment.
    let sessions =
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{KEEPER}'");
    world.sql(&sessions).await.unwrap();
    for path in ["db/app", "db/second"] {
        let refused = world.rotate(path).await.unwrap();
        assert!(refused.status >= 400, "{}", refused.body);
    }
    walk_in(("repair", "repair"), &world.vault).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engineer_takes_an_account_copies_its_password_and_gives_it_back() {
    walk("engineer").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_sees_neither_page_nor_datum() {
    walk("stranger").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_it_goes_by_the_keyboard_and_without_scripts() {
    walk("keyboard").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_taken_copied_kept_and_given_back_by_the_keyboard() {
    walk("keyboard-lend").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_without_anything_has_no_broken_page() {
    let vault = Vault::start().await.unwrap();
    people(&vault).await.unwrap();
    walk_in(("bare", "nothing"), &vault).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_with_one_rotation_has_no_broken_plot() {
    let world = World::new().await.unwrap();
    world.adopted("db/app", "app").await.unwrap();
    people(&world.vault).await.unwrap();
    walk_in(("bare", "one-rotation"), &world.vault).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_and_unfolded_outlives_updates_and_refusals() {
    walk("live").await.unwrap();
}

const DEADLINE: Duration = Duration::from_secs(900);
