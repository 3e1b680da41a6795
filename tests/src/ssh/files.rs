//! The files of the private server: its `/etc`, and the programs that stand before others.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use super::SshOptions;

/// Lays everything out in `folder`.
pub(super) fn lay_out(folder: &Path, options: &SshOptions) -> Result<()> {
    let etc = folder.join("etc");
    for name in ["etc/ssh", "etc/pam.d", "etc/skel", "etc/default", "gate", "real"] {
        fs::create_dir_all(folder.join(name))?;
    }
    fs::set_permissions(folder.join("gate"), fs::Permissions::from_mode(0o1777))?;
    for name in COPIED {
        let from = Path::new("/etc").join(name);
        if from.exists() {
            run(Command::new("cp").args(["-a", "-H"]).arg(&from).arg(&etc))?;
        }
    }
    for name in ["chpasswd", "mv"] {
        let path = if name == "mv" { "/bin/mv" } else { super::CHPASSWD };
        run(Command::new("cp").arg(path).arg(folder.join("real").join(name)))?;
    }
    write(&etc.join("passwd"), PASSWD, 0o644)?;
    write(&etc.join("group"), GROUP, 0o644)?;
    write(&etc.join("shadow"), SHADOW, 0o640)?;
    write(&etc.join("gshadow"), "", 0o640)?;
    write(&etc.join("nsswitch.conf"), "passwd: files\ngroup: files\nshadow: files\nhosts: files\n", 0o644)?;
    write(&etc.join("sudoers"), SUDOERS, 0o440)?;
    write(&etc.join("motd"), "This machine greets everybody.\n", 0o644)?;
    pam(folder, options)?;
    let program = fs::read(super::SSHD)?.to_ascii_lowercase();
    let penalties = PENALTIES.to_ascii_lowercase();
    let knows = program.windows(penalties.len()).any(|part| part == penalties.as_bytes());
    let no_penalties = if knows { format!("{PENALTIES} no\n") } else { String::new() };
    // The first line of a setting counts; but in a block for some users the last lines of the file.
    let blocks =
        options.sshd.iter().position(|line| line.starts_with("Match ")).unwrap_or(options.sshd.len());
    let (first, last) = options.sshd.split_at(blocks);
    let sshd = format!("{}\n{SSHD_CONFIG}{no_penalties}{}\n", first.join("\n"), last.join("\n"));
    write(&etc.join("ssh/sshd_config"), &sshd, 0o644)?;
    for kind in ["ed25519", "ecdsa"] {
        let key = etc.join("ssh").join(format!("host_{kind}"));
        run(Command::new("ssh-keygen").args(["-q", "-N", "", "-t", kind, "-f"]).arg(key))?;
    }
    let gate = folder.join("gate");
    let strike = STRIKE.replace("@GATE@", &gate.to_string_lossy());
    let strike = strike.replace("@REAL@", &folder.join("real").to_string_lossy());
    write(&gate.join("strike"), &strike, 0o755)?;
    write(&gate.join("how"), "none", 0o644)?;
    let refused = format!("#!/bin/sh\necho \"$PAM_USER\" >>{}/refused\n", gate.display());
    write(&gate.join("note"), &refused, 0o755)
}

/// PAM without delays; each refusal is noted before it is told.
fn pam(folder: &Path, options: &SshOptions) -> Result<()> {
    let note = folder.join("gate/note");
    let auth = format!(
        "auth [success=2 default=ignore] pam_unix.so nodelay\n\
         auth optional pam_exec.so quiet seteuid {}\n\
         auth requisite pam_deny.so\n\
         auth required pam_permit.so\n",
        note.display()
    );
    let rest = "account required pam_unix.so\nsession required pam_permit.so\npassword required pam_unix.so sha512\n";
    let own =
        "auth sufficient pam_rootok.so\naccount required pam_permit.so\nsession required pam_permit.so\n";
    let password = format!("{}\npassword required pam_unix.so sha512\n", options.pam_password.join("\n"));
    for (name, text) in [
        ("sshd", format!("{auth}{rest}")),
        ("sudo", format!("{auth}{rest}")),
        ("su", own.to_owned()),
        ("useradd", own.to_owned()),
        ("userdel", own.to_owned()),
        ("chpasswd", password),
        ("other", "auth required pam_deny.so\naccount required pam_deny.so\n".to_owned()),
    ] {
        write(&folder.join("etc/pam.d").join(name), &text, 0o644)?;
    }
    Ok(())
}

fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    fs::write(path, text)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// What the programs need of the machine's own: no account, no key, no password.
const COPIED: [&str; 12] = [
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "alternatives",
    "login.defs",
    "security",
    "services",
    "protocols",
    "hosts",
    "hostname",
    "localtime",
    "os-release",
];
const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n\
    sshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n\
    nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
const SHADOW: &str = "root:*:19000:0:99999:7:::\nsshd:!:19000::::::\nnobody:*:19000:0:99999:7:::\n";
const GROUP: &str = "root:x:0:\nshadow:x:42:\nmail:x:8:\ntty:x:5:\nutmp:x:43:\nusers:x:100:\nnogroup:x:65534:\nreaders:x:900:\n";
const SUDOERS: &str = "Defaults env_reset, !lecture\n\
    Defaults secure_path=\"/usr/sbin:/usr/bin:/sbin:/bin\"\n\
    root ALL=(ALL:ALL) ALL\n\
    %readers ALL=(root) NOPASSWD: /bin/sh\n\
    asked ALL=(ALL:ALL) ALL\n";
const SSHD_CONFIG: &str = "ListenAddress 127.0.0.1\n\
    HostKey /etc/ssh/host_ed25519\n\
    HostKey /etc/ssh/host_ecdsa\n\
    PidFile none\n\
    UsePAM yes\n\
    PermitRootLogin yes\n\
    PasswordAuthentication yes\n\
    KbdInteractiveAuthentication no\n\
    PubkeyAuthentication yes\n\
    UseDNS no\n\
    LogLevel VERBOSE\n\
    MaxStartups 200\n\
    PrintMotd yes\n";
/// From OpenSSH 9.8 on failures make an address wait; ours all come from one.
const PENALTIES: &str = "PerSourcePenalties";
/// Stands in the place of chpasswd and mv: goes wrong where it was told to, otherwise does what they do. A strike at
/// chpasswd waits for what it is to set: before that came, nothing was asked for.
const STRIKE: &str = r#"#!/bin/sh
gate=@GATE@
real=@REAL@/${0##*/}
how=none
case "$0 $*" in
*chpasswd* | *authorized_keys*) how=$(cat $gate/how) ;;
esac
input=
take_input() {
    case $real in *chpasswd) input=$(cat) ;; esac
}
wait_for_go() {
    : >$gate/struck
    tries=0
    while [ ! -e $gate/go ] && [ $tries -lt 3000 ]; do sleep 0.02; tries=$((tries + 1)); done
}
case $how in
before)
    take_input
    wait_for_go
    exit 1
    ;;
after)
    "$real" "$@"
    status=$?
    wait_for_go
    exit $status
    ;;
hold)
    take_input
    wait_for_go
    exec "$real" "$@" <<END
$input
END
    ;;
esac
exec "$real" "$@"
"#;
