//! Plugins that lie, each in one way, and the promise at which `rotator test` finds it.

use std::process::{Command, Stdio};
use std::time::Duration;

use rotators::plugin::Limits;
use rotators::trial::{self, Trial, Verdict};
use serde_json::Value;
use vault_core::rotation::port::{BoxFuture, Login};
use vault_tests::vault::binary;

use crate::bench::{Bench, MANAGEMENT, Target, liar, login};

async fn broken(mode: &str, witness: bool) -> Vec<(&'static str, String)> {
    let bench = Bench::start().await;
    bench.target().reset(mode);
    // Short for one that hangs; a machine that is busy may take longer to start an honest one.
    let deadline = Duration::from_secs(if mode.starts_with("hang") { 2 } else { 20 });
    let findings = trial::run(Trial {
        host: bench.folder.host(Limits { deadline, ..Limits::default() }).unwrap(),
        registration: bench.folder.registration(&[]).unwrap(),
        spec: bench.spec.clone(),
        management: login("admin", MANAGEMENT),
        account: "app".to_owned(),
        out_of_reach: Some("file:///nowhere/state".to_owned()),
        witness: witness.then(|| Box::new(bench.target()) as Box<dyn trial::Witness>),
    })
    .await
    .findings;
    let broken = findings.into_iter().filter_map(|finding| match finding.verdict {
        Verdict::Broken(found) => Some((finding.promise, found)),
        _ => None,
    });
    broken.collect()
}

impl trial::Witness for Target {
    fn accepts<'a>(&'a self, login: &'a Login) -> BoxFuture<'a, Result<bool, String>> {
        Box::pin(async move { Ok(self.accepts(&login.username, login.password.expose())) })
    }
}

#[tokio::test]
async fn an_honest_plugin_breaks_no_promise() {
    assert_eq!(broken("", true).await, []);
}

#[tokio::test]
async fn each_lie_is_found_at_a_promise_that_it_breaks() {
    for (mode, witness, promise) in [
        ("says-applied", false, "a sound target"),
        ("keeps-old", false, "apply makes the candidate"),
        ("loses-right", false, "the rights stay"),
        ("always-verified", false, "the rights stay"),
        ("forgets", false, "apply makes the candidate"),
        ("always-works@probe", false, "a sound target"),
        ("tells@apply", false, "no message holds a password"),
        ("stderr@apply", false, "no message holds a password"),
        ("garbage@apply", false, "a sound target"),
        ("crash@settle", false, "an unknown outcome is settled"),
    ] {
        let broken = broken(mode, witness).await;
        assert!(broken.iter().any(|(text, _)| text.starts_with(promise)), "{mode}: {broken:?}");
    }
}

#[tokio::test]
async fn one_that_hangs_is_told_as_such() {
    let broken = broken("hang@settle", false).await;
    let of = |promise: &str| {
        broken.iter().find(|(text, _)| text.starts_with(promise)).map(|(_, found)| found.clone())
    };
    assert!(
        of("an unknown outcome is settled").is_some_and(|found| found.contains("PluginTimeout")),
        "{broken:?}"
    );
}

/// Nobody but a witness can contradict a plugin that agrees with itself.
#[tokio::test]
async fn a_witness_contradicts_a_plugin_whose_lies_agree() {
    let broken = broken("always-works", true).await;
    assert!(broken.iter().any(|(_, found)| found.contains("the witness")), "{broken:?}");
}

#[tokio::test]
async fn the_command_prints_a_table_and_its_exit_code_says_whether_all_was_kept() {
    let bench = Bench::start().await;
    let test = |mode: &str, more: &[&str]| {
        bench.target().reset(mode);
        let mut command = Command::new(binary().unwrap());
        command.args(["rotator", "test"]).arg(bench.folder.path().join("plugin"));
        command.args(["--target", &format!("connection_url={}", bench.spec.connection_url)]);
        command.args(["--username", "admin", "--account", "app"]).args(more);
        command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), MANAGEMENT.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let honest = test("", &[]);
    let said = String::from_utf8(honest.stdout).unwrap();
    assert_eq!(honest.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&honest.stderr));
    assert!(said.contains("12 kept, 0 broken, 2 not applicable"), "{said}");
    let liar = test("keeps-old", &["--format", "json"]);
    assert_eq!(liar.status.code(), Some(1));
    let said: Value = serde_json::from_slice(&liar.stdout).unwrap();
    assert!(said["broken"].as_u64().unwrap() >= 1, "{said}");
    let broken =
        said["promises"].as_array().unwrap().iter().find(|entry| entry["verdict"] == "broken").unwrap();
    assert!(broken["found"].as_str().unwrap().contains("old password is let in"), "{said}");
    let text = said.to_string();
    assert!(!text.contains(MANAGEMENT));
}

#[test]
fn the_command_refuses_a_plugin_that_others_may_change() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(liar(), folder.path().join("plugin")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(folder.path().join("plugin"), mode).unwrap();
    let output = Command::new(binary().unwrap())
        .args(["rotator", "test"])
        .arg(folder.path().join("plugin"))
        .args(["--target", "connection_url=x", "--username", "a", "--account", "b"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("can be changed by others"));
}
