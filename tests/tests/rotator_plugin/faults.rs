//! What each misbehaviour is told as, and what a plugin gets to see.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use rotators::plugin::launch::PluginUser;
use rotators::plugin::{Host, Limits, PluginRotator};
use serde_json::{Value, json};
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Job, Outcome, Probe, Rotator};

use crate::bench::{Bench, MANAGEMENT, NEW, OLD, lives, login, secret, spec};

#[tokio::test]
async fn whatever_a_plugin_does_besides_a_fitting_reply_is_a_failure_of_its_own() {
    let bench = Bench::start().await;
    for mode in [
        "crash",
        "exit",
        "silence",
        "garbage",
        "flood",
        "greedy",
        "other-id",
        "other-protocol",
        "unknown-field",
        "unfit",
    ] {
        bench.target().reset(mode);
        let outcome = bench.plugin.apply(bench.job(), &secret(NEW)).await;
        let Outcome::Unknown(fault) = &outcome else { panic!("{mode}: {outcome:?}") };
        assert_eq!(fault.class, FaultClass::PluginFailed, "{mode}");
        assert!(!format!("{outcome:?}").contains(NEW), "{mode}");
        let probe = bench.plugin.probe(&bench.spec, &login("app", OLD)).await;
        assert!(
            matches!(&probe, Probe::Inconclusive(fault) if fault.class == FaultClass::PluginFailed),
            "{mode}: {probe:?}"
        );
        let fault = bench.plugin.preflight(bench.job()).await.unwrap_err();
        assert_eq!(fault.class, FaultClass::PluginFailed, "{mode}");
    }
}

#[tokio::test]
async fn a_password_in_a_plugins_words_is_withheld() {
    let bench = Bench::start().await;
    bench.target().reset("tells@apply");
    let outcome = bench.plugin.apply(bench.job(), &secret(NEW)).await;
    let Outcome::NotApplied(fault) = &outcome else { panic!("{outcome:?}") };
    assert_eq!(fault.class, FaultClass::PolicyRejected);
    assert!(fault.detail.contains("withheld") && !fault.detail.contains(NEW), "{fault}");
}

#[tokio::test]
async fn one_that_hangs_is_killed_with_everything_that_it_has_started() {
    let bench = Bench::start_within(Duration::from_secs(3)).await;
    bench.target().reset("hang@apply");
    let outcome = bench.plugin.apply(bench.job(), &secret(NEW)).await;
    let Outcome::Unknown(fault) = &outcome else { panic!("{outcome:?}") };
    assert_eq!(fault.class, FaultClass::PluginTimeout);
    for who in ["pid", "orphan"] {
        let pid = bench.target().noted(who).unwrap();
        assert!(!lives(&pid), "{who} {pid} outlived the deadline");
    }
}

#[tokio::test]
async fn what_changes_an_account_waits_until_an_earlier_change_of_it_is_dead() {
    let bench = Bench::start_within(Duration::from_secs(3)).await;
    bench.target().reset("hang@apply");
    let (plugin, candidate) = (&bench.plugin, secret(NEW));
    let hanging = plugin.apply(bench.job(), &candidate);
    let settling = async {
        while bench.target().noted("orphan").is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        bench.target().set_mode("");
        // Another account's is not held up.
        let other = Job { username: "admin", ..bench.job() };
        assert_eq!(plugin.settle(other).await, Ok(()));
        let pid = bench.target().noted("orphan").unwrap();
        assert!(lives(&pid), "the first one has ended too early for this test");
        let settled = plugin.settle(bench.job()).await;
        (settled, lives(&pid))
    };
    let (outcome, (settled, lives)) = tokio::join!(hanging, settling);
    assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
    // It got the lock within its own time or said that it did not; never while the other lived.
    match settled {
        Ok(()) => assert!(!lives),
        Err(fault) => assert_eq!(fault.class, FaultClass::PluginTimeout),
    }
}

#[tokio::test]
async fn a_file_that_is_not_what_was_registered_never_runs() {
    let bench = Bench::start().await;
    let file = bench.folder.path().join("plugin");
    let original = std::fs::read(&file).unwrap();
    let refused = async |words: &str| {
        let outcome = bench.plugin.apply(bench.job(), &secret(NEW)).await;
        let Outcome::NotApplied(fault) = &outcome else { panic!("{words}: {outcome:?}") };
        assert_eq!(fault.class, FaultClass::PluginFailed);
        assert!(fault.detail.contains(words), "{fault}");
        assert!(bench.target().accepts("app", OLD));
    };
    let mode = |mode| std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
    std::fs::write(&file, [original.as_slice(), b"\n# more"].concat()).unwrap();
    refused("SHA-256").await;
    std::fs::write(&file, &original).unwrap();
    mode(0o777);
    refused("can be changed by others").await;
    mode(0o755);
    std::fs::rename(&file, bench.folder.path().join("moved")).unwrap();
    refused("not in the plugin directory").await;
    std::os::unix::fs::symlink(bench.folder.path().join("moved"), &file).unwrap();
    refused("ordinary file").await;
    std::fs::remove_file(&file).unwrap();
    std::fs::rename(bench.folder.path().join("moved"), &file).unwrap();
    assert_eq!(bench.plugin.apply(bench.job(), &secret(NEW)).await, Outcome::Applied);
}

#[tokio::test]
async fn a_plugin_sees_its_request_and_nothing_else_of_the_vault() {
    let bench = Bench::start().await;
    bench.target().reset("nosy@check");
    let seen = nosy(&bench.plugin, &bench).await;
    let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    assert_eq!(seen["env"], json!(["LANG=C.UTF-8", path]), "{seen}");
    assert_eq!(armed(&seen), "", "{seen}");
    assert_eq!((&seen["cwd"], &seen["group"]), (&Value::Array(Vec::new()), &Value::Bool(true)), "{seen}");
    assert_eq!(seen["privileges"][0], "1", "{seen}");
    assert!(!seen.to_string().contains(MANAGEMENT), "{seen}");
}

#[tokio::test]
async fn a_user_without_privileges_is_become_where_one_is_configured() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let bench = Bench::start().await;
    bench.target().reset("nosy@check");
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap()
    };
    open(&bench.folder.path().join("state"), 0o644);
    let user = Some(PluginUser { uid: 65534, gid: 65533 });
    let host = Host { user, ..bench.folder.host(Limits::default()).unwrap() };
    let plugin = PluginRotator::new(Arc::new(host), bench.folder.registration(&[]).unwrap());
    let seen = nosy(&plugin, &bench).await;
    assert_eq!(seen["uid"].to_string(), "[[65534,65534,65534],[65533,65533,65533],[65533]]", "{seen}");
    assert_eq!(armed(&seen), "", "{seen}");
}

#[tokio::test]
async fn capabilities_that_the_vault_was_given_stay_with_it() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let bench = Bench::start().await;
    bench.target().reset("nosy@check");
    let (state, runs) = (bench.folder.path().join("state"), bench.folder.path().join("runs"));
    std::fs::set_permissions(&state, PermissionsExt::from_mode(0o644)).unwrap();
    std::os::unix::fs::chown(&runs, Some(65532), Some(65532)).unwrap();
    std::fs::set_permissions(&runs, PermissionsExt::from_mode(0o755)).unwrap();
    // As a service of systemd with `User` and `AmbientCapabilities` runs.
    let given = "+setuid,+setgid,+kill";
    let service =
        ["/usr/bin/setpriv", "--reuid=65532", "--regid=65532", "--clear-groups"].map(OsString::from);
    let sets = [format!("--inh-caps={given}"), format!("--ambient-caps={given}")].map(OsString::from);
    for (user, uid) in [(None, 65532), (Some(PluginUser { uid: 65534, gid: 65533 }), 65534)] {
        let host = bench.folder.host(Limits::default()).unwrap();
        // The pipe that the plugin answers by is the vault's own, and so its user's.
        let shell = ["/bin/sh", "-c", "\"$0\" \"$@\" | cat"].map(OsString::from);
        let launcher = service.iter().chain(&sets).chain(&shell).cloned().chain(host.launcher).collect();
        let host = Host { launcher, user, ..host };
        let plugin = PluginRotator::new(Arc::new(host), bench.folder.registration(&[]).unwrap());
        let seen = nosy(&plugin, &bench).await;
        assert_eq!(seen["uid"][0], json!([uid, uid, uid]), "{seen}");
        assert_eq!(armed(&seen), "", "{seen}");
    }
}

#[tokio::test]
async fn a_plugins_environment_reaches_the_plugin_alone() {
    let bench = Bench::start().await;
    bench.target().reset("nosy@check");
    let heard = bench.folder.path().join("linker");
    let host = Arc::new(bench.folder.host(Limits::default()).unwrap());
    let mut registration = bench.folder.registration(&[]).unwrap();
    // No registration may hold these; here they make each program that is started with them write down that it was.
    let linker = [("LD_DEBUG", "libs"), ("LD_DEBUG_OUTPUT", heard.to_str().unwrap()), ("COLOUR", "")];
    registration.env = linker.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert!(registration.check().is_err());
    let seen = nosy(&PluginRotator::new(host, registration), &bench).await;
    assert!(seen["env"].as_array().unwrap().contains(&json!("COLOUR=")), "{seen}");
    let written: String = std::fs::read_dir(bench.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().starts_with(heard.to_str().unwrap()))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    assert!(written.contains("initialize program: /usr/bin/python3"), "{written}");
    assert!(!written.contains("/proc/self/exe"), "{written}");
}

/// The capabilities of a plugin that it has, or could hand on.
fn armed(seen: &Value) -> String {
    let sets =
        ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"].map(|set| seen["capabilities"][set].as_str().unwrap());
    sets.concat().trim_matches('0').to_owned()
}

async fn nosy(plugin: &PluginRotator, bench: &Bench) -> Value {
    let target = spec(&bench.target().0);
    let report = plugin.check(&target, &bench.management).await.unwrap();
    serde_json::from_str(&report.server).unwrap()
}
