//! What ships for Prometheus and Grafana: alert rules with their unit tests, and a dashboard. Each metric that they
//! name is one that a vault shows once rotations have run, failed and been repaired.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use vault_tests::proxy::Mischief;
use vault_tests::vault::ROOT;
use vault_tests::world::World;

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(name)
}

fn text(name: &str) -> Result<String> {
    Ok(std::fs::read_to_string(shipped(name))?)
}

fn promtool(arguments: &[&str], file: &Path) -> Result<()> {
    let output = Command::new("promtool").args(arguments).arg(file).output();
    let output = output.context("promtool is missing: tests/install")?;
    let said = [output.stdout, output.stderr].concat();
    ensure!(output.status.success(), "promtool {arguments:?}: {}", String::from_utf8_lossy(&said));
    Ok(())
}

/// The title and the expression of each thing that a panel shows.
fn panels() -> Result<Vec<(String, String)>> {
    let dashboard: Value = serde_json::from_str(&text("grafana/rotunda.json")?)?;
    let mut found = Vec::new();
    for panel in dashboard.pointer("/panels").and_then(Value::as_array).context("no panels")? {
        let word = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let title = word(panel, "title").context("a panel without a title")?;
        let targets = panel.get("targets").and_then(Value::as_array).cloned().unwrap_or_default();
        ensure!(
            word(panel, "type").as_deref() == Some("row") || !targets.is_empty(),
            "{title} shows nothing"
        );
        for target in &targets {
            found.push((title.clone(), word(target, "expr").context("a target without an expression")?));
        }
    }
    Ok(found)
}

/// The names of metrics in a text.
fn named(text: &str) -> BTreeSet<String> {
    let word = |sign: char| !(sign.is_ascii_alphanumeric() || sign == '_');
    let ours = |word: &&str| word.starts_with("vault_") || word.starts_with("rotunda_");
    text.split(word).filter(ours).map(str::to_owned).collect()
}

#[test]
fn the_alert_rules_pass_their_unit_tests_and_each_is_seen_to_fire() {
    promtool(&["check", "rules"], &shipped("prometheus/rotunda.rules.yml")).unwrap();
    promtool(&["test", "rules"], &shipped("prometheus/rotunda.test.yml")).unwrap();
    let (rules, tests) =
        (text("prometheus/rotunda.rules.yml").unwrap(), text("prometheus/rotunda.test.yml").unwrap());
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() >= 14, "{alerts:?}");
    for alert in alerts {
        let fires = format!("alertname: {alert}\n        exp_alerts:\n          - exp_labels:");
        assert!(tests.contains(&fires), "no test sees {alert} fire");
    }
}

#[test]
fn each_alert_names_a_section_of_the_runbooks() {
    let runbooks = text("../docs/runbooks.md").unwrap();
    let anchors: BTreeSet<String> = runbooks
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(|title| title.to_lowercase().replace(' ', "-").replace([':', ','], ""))
        .collect();
    let rules = text("prometheus/rotunda.rules.yml").unwrap();
    let named: Vec<&str> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("runbook: docs/runbooks.md#")).collect();
    assert_eq!(named.len(), rules.matches("- alert: ").count());
    // That of a class: each has a section, which a test of the runbooks sees to.
    for anchor in named.into_iter().filter(|anchor| *anchor != "{{ $labels.class }}") {
        assert!(anchors.contains(anchor), "docs/runbooks.md has no {anchor}: {anchors:?}");
    }
}

#[test]
fn each_panel_holds_an_expression_that_prometheus_understands() {
    let rules: Vec<Value> = panels()
        .unwrap()
        .iter()
        .enumerate()
        .map(|(number, (_, expr))| json!({ "record": format!("panel:{number}"), "expr": expr }))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("panels.yml");
    // JSON is YAML.
    let rules = json!({ "groups": [{ "name": "panels", "rules": rules }] });
    std::fs::write(&file, rules.to_string()).unwrap();
    promtool(&["check", "rules"], &file).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_metric_that_a_rule_or_a_panel_names_is_shown_by_a_vault_that_has_worked() {
    let world = World::new().await.unwrap();
    world.adopted("db/app", "app").await.unwrap();
    world.check_out(ROOT, "db/app", json!({})).await.unwrap();
    assert!(world.check_in(ROOT, "db/app", json!({})).await.unwrap().is_success());
    world.proxy.set(Mischief::Refuse).await.unwrap();
    assert_eq!(world.rotate("db/app").await.unwrap().status, 502);
    let incidents = world.incidents().await.unwrap();
    let id = incidents[0]["id"].as_str().unwrap();
    assert!(world.vault.post(&format!("incidents/{id}/ack"), json!({})).await.unwrap().is_success());
    world.proxy.set(Mischief::None).await.unwrap();
    assert!(world.rotate("db/app").await.unwrap().is_success());

    let mut wanted = named(&text("prometheus/rotunda.rules.yml").unwrap());
    wanted.extend(panels().unwrap().iter().flat_map(|(_, expr)| named(expr)));
    assert!(wanted.len() > 25, "{wanted:?}");
    let client = reqwest::Client::new();
    let deadline = tokio::time::Instant::now() + vault_tests::world::PATIENCE;
    loop {
        let asked = client.get(format!("{}/v1/sys/metrics", world.vault.address()));
        let metrics = asked.header("X-Vault-Token", ROOT).send().await.unwrap().text().await.unwrap();
        let shown = named(&metrics);
        let missing: Vec<&String> = wanted.difference(&shown).collect();
        if missing.is_empty() {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "nowhere shown: {missing:?}\n{metrics}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}
