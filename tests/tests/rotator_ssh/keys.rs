//! Keys: what becomes of `authorized_keys`, and what is refused beforehand.

use rotators::ssh::SshRotator;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Outcome, Probe, Rotator, Verification};
use vault_tests::ssh::gate::Strike;

use crate::bench::{Bench, NEW, class, key, login, word};

const FILE: &str = "~app/.ssh/authorized_keys";
const OTHERS: &str = "# a comment\n\nfrom=\"127.0.0.1\",no-pty ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKSZ1FlnmZZkzC5ptARIMspDdsTHuM7fAeF5Z7J3LOYH a person\n  ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ== old # machine";

async fn start() -> Bench {
    let mut bench = Bench::start().await;
    bench.set("credential", "ssh_key");
    bench
}

fn file(bench: &Bench) -> String {
    bench.root(&format!("cat {FILE}"))
}

fn lay(bench: &Bench, text: &str) {
    let script = format!("umask 022; mkdir -p ~app/.ssh; cat >{FILE}; chown -R app ~app/.ssh");
    bench.server.run(&script, &[], text).unwrap();
}

async fn retire(bench: &Bench, old: &str) -> Outcome {
    SshRotator::new().retire(bench.job(), &login("app", old)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn old_and_new_key_work_side_by_side_until_the_old_one_is_retired() {
    let bench = start().await;
    let (old, new) = (key("old"), key("new"));
    assert!(SshRotator::new().overlaps(&bench.spec));
    let rights = bench.preflight("app").await.unwrap();
    assert_eq!(bench.apply_to("app", &old).await, Outcome::Applied);
    assert_eq!(bench.apply_to("app", &new).await, Outcome::Applied);
    for key in [&old, &new] {
        assert!(bench.server.accepts_key("app", key).unwrap());
        assert_eq!(bench.verify("app", key, &rights).await, Verification::Verified);
    }
    assert_eq!(retire(&bench, &old).await, Outcome::Applied);
    assert!(!bench.server.accepts_key("app", &old).unwrap());
    assert!(bench.server.accepts_key("app", &new).unwrap());
    assert_eq!(bench.probe("app", &old).await, Probe::Refused);
    let refused = bench.verify("app", &old, &rights).await;
    assert!(
        matches!(&refused, Verification::Refused(fault) if fault.class == FaultClass::VerifyRefused),
        "{refused:?}"
    );
    // A password beside the keys is not touched.
    assert!(bench.server.accepts("app", crate::bench::OLD).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_other_line_of_the_file_stays_as_it_is() {
    let bench = start().await;
    let (old, new) = (key("old"), key("new"));
    lay(&bench, OTHERS);
    for _ in 0..2 {
        assert_eq!(bench.apply_to("app", &old).await, Outcome::Applied);
    }
    let with_old = file(&bench);
    let line = with_old.strip_prefix(OTHERS).unwrap().trim();
    assert!(
        line.starts_with("ssh-ed25519 ") && line.ends_with(&format!(" rotunda:{}", bench.rotation)),
        "{line}"
    );
    // The same key in a comment is somebody's note.
    lay(&bench, &format!("{OTHERS}\n# {line}\n{line}\n"));
    assert_eq!(bench.apply_to("app", &new).await, Outcome::Applied);
    for _ in 0..2 {
        assert_eq!(retire(&bench, &old).await, Outcome::Applied);
    }
    let left = file(&bench);
    let rest = left.strip_prefix(&format!("{OTHERS}\n# {line}\n")).unwrap();
    assert_eq!((rest.lines().count(), rest.contains(line)), (1, false), "{left}");
    let shown = bench.root(&format!("stat -c %a,%U {FILE}; ls -A ~app/.ssh"));
    assert_eq!(shown, "600,app\nauthorized_keys\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_must_not_be_written_is_left_alone() {
    let bench = start().await;
    let new = key("new");
    lay(&bench, OTHERS);
    for (script, undo) in [
        // A link of the account's owner to where only root may write.
        (
            "mv -f ~app/.ssh/authorized_keys ~app/k; ln -s /etc/shadow ~app/.ssh/authorized_keys",
            "rm ~app/.ssh/authorized_keys; mv -f ~app/k ~app/.ssh/authorized_keys",
        ),
        (
            "chown root ~app/.ssh/authorized_keys; chmod 600 ~app/.ssh/authorized_keys",
            "chown app ~app/.ssh/authorized_keys",
        ),
        ("cd ~app/..; mv -f app away", "cd ~app/..  ; mv -f away app"),
        ("chown root ~app/.ssh; chmod 755 ~app/.ssh", "chown app ~app/.ssh"),
    ] {
        let shadow = bench.root("cat /etc/shadow");
        bench.root(script);
        let outcome = bench.apply_to("app", &new).await;
        assert!(word(&outcome).starts_with("not applied: "), "{script}: {outcome:?}");
        bench.root(undo);
        assert_eq!(file(&bench), OTHERS, "{script}");
        assert_eq!(bench.root("cat /etc/shadow"), shadow, "{script}");
    }
    assert_eq!(bench.apply_to("app", &new).await, Outcome::Applied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_held_up_takes_effect_unless_it_was_settled() {
    let mut bench = start().await;
    let new = key("new");
    for (settled, opens) in [(true, false), (false, true)] {
        bench.gate.strike(Strike::Hold).unwrap();
        assert_eq!(word(&bench.apply_to("app", &new).await), "unknown: ambiguous");
        if settled {
            assert_eq!(bench.settle().await, Ok(()));
            assert_eq!(bench.probe("app", &new).await, Probe::Refused);
        }
        bench.gate.release(&bench.server).await.unwrap();
        assert_eq!(bench.server.accepts_key("app", &new).unwrap(), opens, "settled: {settled}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_of_the_other_kind_is_refused_beforehand() {
    let mut bench = start().await;
    assert_eq!(word(&bench.apply_to("app", NEW).await), "not applied: preflight");
    bench.set("credential", "password");
    assert_eq!(word(&bench.apply_to("app", &key("new")).await), "not applied: preflight");
    assert_eq!(bench.opens(), (true, false));
    // Keys open accounts of either kind of target: management may have one.
    bench.set("credential", "ssh_key");
    assert_eq!(bench.apply_to("vault", &key("vault")).await, Outcome::Applied);
    bench.set("credential", "password");
    bench.management = login("vault", &key("vault"));
    assert_eq!(bench.apply().await, Outcome::Applied);
    bench.set("become", "sudo_password");
    assert_eq!(class(&bench.preflight("app").await), Some(FaultClass::Preflight));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_a_password_may_have_keys_but_not_one_that_has_expired() {
    let bench = start().await;
    bench.root("usermod -p \"*\" app");
    assert_eq!(bench.apply_to("app", &key("new")).await, Outcome::Applied);
    assert!(bench.server.accepts_key("app", &key("new")).unwrap());
    bench.root("chage -E 2020-01-01 app");
    assert_eq!(class(&bench.preflight("app").await), Some(FaultClass::AccountLocked));
    assert_eq!(word(&bench.apply_to("app", &key("newer")).await), "not applied: account_locked");
    // What is to die dies all the same.
    assert_eq!(retire(&bench, &key("new")).await, Outcome::Applied);
    assert!(!file(&bench).contains("rotunda"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_adopted_keeps_its_comments_and_other_keys_only_where_the_target_says_so() {
    let mut bench = start().await;
    let new = key("new");
    for (others, lines) in [("keep", 5), ("remove", 3)] {
        bench.set("other_keys", others);
        lay(&bench, OTHERS);
        let job = vault_core::rotation::port::Job { is_adoption: true, ..bench.job() };
        let candidate = vault_core::secret::SecretString::new(new.clone());
        for _ in 0..2 {
            assert_eq!(SshRotator::new().apply(job, &candidate).await, Outcome::Applied, "{others}");
            let found = file(&bench);
            assert_eq!(
                (found.lines().count(), found.contains("a person")),
                (lines, others == "keep"),
                "{found}"
            );
            assert!(found.starts_with("# a comment\n\n"), "{found}");
            assert!(bench.server.accepts_key("app", &new).unwrap(), "{others}");
        }
    }
}
