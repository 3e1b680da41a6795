//! The management credential: how it becomes root, and what answers in its place when it cannot.

use rotators::ssh::SshRotator;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Outcome, Rotator};
use vault_tests::ssh::SshOptions;

use crate::bench::{Bench, NEW, OLD, class, login, word};

#[tokio::test(flavor = "multi_thread")]
async fn root_needs_nothing_to_become_what_it_is() {
    let mut bench = Bench::start().await;
    bench.server.set_password("root", "root-4711").unwrap();
    bench.management = login("root", "root-4711");
    for elevation in ["none", "sudo"] {
        bench.set("become", elevation);
        let report = SshRotator::new().check(&bench.spec, &bench.management).await.unwrap();
        assert!(report.server.contains("Linux"), "{report:?}");
        assert_eq!(bench.apply().await, Outcome::Applied, "{elevation}");
    }
    assert_eq!(bench.opens(), (false, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_become_root_is_told_so_before_anything_is_changed() {
    let mut bench = Bench::start().await;
    bench.root("gpasswd -d vault readers");
    for elevation in ["none", "sudo", "sudo_password"] {
        bench.set("become", elevation);
        let found = bench.preflight("app").await;
        assert_eq!(class(&found), Some(FaultClass::PermissionDenied), "{elevation}: {found:?}");
        assert_eq!(word(&bench.apply().await), "not applied: permission_denied", "{elevation}");
    }
    assert_eq!(bench.opens(), (true, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn sudo_is_given_the_password_only_when_it_asks_and_only_once() {
    let mut bench = Bench::start().await;
    bench.server.create_account("asked", "asked-4711").unwrap();
    bench.root("gpasswd -d asked readers");
    bench.management = login("asked", "asked-4711");
    bench.set("become", "sudo");
    let found = bench.preflight("app").await;
    assert_eq!(class(&found), Some(FaultClass::PermissionDenied), "{found:?}");
    bench.set("become", "sudo_password");
    assert_eq!(bench.apply().await, Outcome::Applied);
    assert_eq!(bench.opens(), (false, true));
    // PAM of sudo refuses whatever it is given; sshd still takes it.
    let pam = std::fs::read_to_string(bench.server.etc("pam.d/sudo")).unwrap();
    let pam = pam.replace("[success=2 default=ignore] pam_unix.so nodelay", "optional pam_unix.so nodelay");
    std::fs::write(bench.server.etc("pam.d/sudo"), pam).unwrap();
    bench.root("rm -rf /run/sudo/ts /var/lib/sudo/ts");
    let before = bench.server.refused("asked").unwrap();
    let found = bench.preflight("app").await;
    assert_eq!(class(&found), Some(FaultClass::ManagementAuthRefused), "{found:?}");
    assert_eq!(bench.server.refused("asked").unwrap(), before + 1);
    // A rule without a question: the password stays here.
    bench.management = login("vault", crate::bench::VAULT);
    assert_eq!(bench.apply_to("app", OLD).await, Outcome::Applied);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_answers_in_the_place_of_a_shell_is_not_taken_for_an_answer() {
    let liar = "ForceCommand printf \"%s begin\\n%s end done\\n\" \"$SSH_ORIGINAL_COMMAND\" \"$SSH_ORIGINAL_COMMAND\"";
    for forced in [liar, "ForceCommand exit 0", "ForceCommand internal-sftp", "ForceCommand yes"] {
        let sshd = ["Match User vault", forced].map(str::to_owned).to_vec();
        let bench = Bench::start_with(&SshOptions { sshd, ..SshOptions::default() }).await;
        let found = bench.preflight("app").await;
        let told = class(&found);
        // A program that waits for requests of its own says nothing until the time is up.
        let waits = forced.contains("sftp") && told == Some(FaultClass::Unreachable);
        assert!(told == Some(FaultClass::Preflight) || waits, "{forced}: {found:?}");
        assert!(word(&bench.apply().await).starts_with("not applied: "), "{forced}");
        assert_eq!(bench.opens(), (true, false), "{forced}");
    }
    let bench = Bench::start().await;
    for shell in ["/usr/sbin/nologin", "/bin/false"] {
        bench.root(&format!("usermod -s {shell} vault"));
        let found = bench.preflight("app").await;
        assert_eq!(class(&found), Some(FaultClass::Preflight), "{shell}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_banner_and_a_talkative_shell_change_nothing() {
    let sshd = vec!["Banner /etc/motd".to_owned()];
    let bench = Bench::start_with(&SshOptions { sshd, ..SshOptions::default() }).await;
    bench.root("usermod -s /bin/bash vault; printf \"echo hello; echo there >&2; printf unfinished\\n\" >~vault/.bashrc; chown vault ~vault/.bashrc");
    assert_eq!(bench.apply().await, Outcome::Applied);
    assert_eq!(bench.opens(), (false, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_password_is_in_a_command_line_an_environment_or_the_servers_log() {
    let mut bench = Bench::start().await;
    bench.gate.strike(vault_tests::ssh::gate::Strike::Hold).unwrap();
    assert_eq!(word(&bench.apply().await), "unknown: ambiguous");
    let held = bench.server.processes("sbin/chpasswd").unwrap();
    assert!(!held.is_empty());
    for place in ["cmdline", "environ"] {
        let all = bench.root(&format!("cat /proc/[0-9]*/{place} | tr \"\\000\" \"\\n\""));
        assert!(all.contains("rotunda:"), "{place}: {all}");
        for secret in [NEW, OLD, crate::bench::VAULT] {
            assert!(!all.contains(secret), "{place}");
        }
    }
    bench.gate.release(&bench.server).await.unwrap();
    for secret in [NEW, OLD, crate::bench::VAULT] {
        assert!(!bench.server.log().contains(secret));
    }
}
