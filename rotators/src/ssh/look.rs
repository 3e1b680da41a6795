//! Looks at the target, the account and the management credential; changes nothing.

use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{CheckReport, Login, Rights};

use super::classify;
use super::command::Script;
use super::config::{Config, Credential, Elevation};
use super::session::{Session, by_password};

/// What the account may do, when it is one that can be changed.
pub(super) async fn rights(session: &Session<'_>, name: &str) -> Result<Rights, Fault> {
    let script = match session.config.credential {
        Credential::Password => Script::LookAtPassword,
        Credential::SshKey => Script::LookAtKey,
    };
    let (lines, word) = session.run(script, None, name).await?;
    if word != "done" {
        return Err(classify::look(&word, name, session.config));
    }
    Ok(Rights(lines.iter().filter_map(|line| right(line)).collect()))
}

/// A line of rights without what only aligns it.
fn right(line: &str) -> Option<String> {
    let words: Vec<&str> = line.strip_prefix("r ")?.split_whitespace().collect();
    Some(words.join(" "))
}

/// Looks whether the server lets this name log in by what the target's accounts have.
pub(super) async fn offered(config: &Config, name: &str) -> Result<(), Fault> {
    let offered = Session::offers(config, name).await?;
    let (fits, wanted) = match config.credential {
        Credential::Password => (by_password(&offered), "a password"),
        Credential::SshKey => (offered.contains(&russh::MethodKind::PublicKey), "a key"),
    };
    if fits {
        return Ok(());
    }
    let what = format!(
        "{}: sshd lets '{name}' not log in by {wanted}, so no login could be verified (PasswordAuthentication, KbdInteractiveAuthentication, PubkeyAuthentication, AuthenticationMethods)",
        config.place()
    );
    Err(Fault::new(FaultClass::Preflight, what))
}

/// Looks at the machine and the management credential, for people.
pub(super) async fn report(config: &Config, management: &Login) -> Result<CheckReport, Fault> {
    let session = Session::open_management(config, management).await?;
    let (lines, word) = session.run(Script::Server, None, "").await?;
    session.close().await;
    if word != "done" {
        return Err(classify::look(&word, &management.username, config));
    }
    let missing: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("missing ")).collect();
    let needed = |tool: &&&str| config.credential == Credential::Password || **tool != "chpasswd";
    if let Some(tool) = missing.iter().find(needed) {
        let what = format!("{}: there is no {tool} on the target", config.place());
        return Err(Fault::new(FaultClass::Preflight, what));
    }
    let said: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("s ")).collect();
    let root = match config.elevation {
        Elevation::None => "the management user is root",
        Elevation::Sudo => "the management user becomes root by sudo without a password",
        Elevation::SudoPassword => "the management user becomes root by sudo with its password",
    };
    Ok(CheckReport {
        server: said.join(", ").replace('"', ""),
        passed: vec![
            format!("the host key of {} is one that is pinned", config.place()),
            "the management credential logs in".to_owned(),
            root.to_owned(),
            "the tools are there, and /etc can be written".to_owned(),
        ],
        warnings: warnings(config),
    })
}

fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    if config.elevation != Elevation::None {
        warnings.push(
            "if sudo's log_input is on there, it would log new passwords: switch it off for this user"
                .to_owned(),
        );
    }
    warnings
}
