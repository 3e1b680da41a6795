//! Proving who we are. A credential is sent once, by one way; what the server thinks of it is told apart from
//! everything that says nothing about it.

use russh::client::{AuthResult, KeyboardInteractiveAuthResponse as Reply};
use russh::keys::PrivateKeyWithHashAlg;
use russh::{MethodKind, MethodSet};
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::secret::SecretString;

use super::{Session, say};
use crate::ssh::classify::LoginFailure;
use crate::ssh::login::Proof;

/// The ways of logging in that the server offers to this name (RFC 4252, section 5.2: the method `none`).
pub(super) async fn offered(session: &mut Session<'_>, username: &str) -> Result<MethodSet, Fault> {
    let answer = session.handle.authenticate_none(username).await;
    match answer {
        Ok(AuthResult::Failure { remaining_methods, .. }) if !remaining_methods.is_empty() => {
            Ok(remaining_methods)
        }
        Ok(AuthResult::Failure { .. }) | Err(_) => {
            Err(say(session.config, "the connection broke before the login"))
        }
        Ok(AuthResult::Success) => Err(Fault::new(
            FaultClass::Preflight,
            format!("{}: the server lets this name in without any credential", session.config.place()),
        )),
    }
}

pub(super) async fn prove(
    session: &mut Session<'_>,
    username: &str,
    proof: &Proof<'_>,
) -> Result<(), LoginFailure> {
    let methods = offered(session, username).await.map_err(LoginFailure::Other)?;
    let banners = session.heard.lock().banners;
    let answer = match proof {
        Proof::Key(key) if methods.contains(&MethodKind::PublicKey) => {
            let key = PrivateKeyWithHashAlg::new(key.clone(), None);
            session.handle.authenticate_publickey(username, key).await
        }
        Proof::Password(password) if methods.contains(&MethodKind::Password) => {
            session.handle.authenticate_password(username, password.expose()).await
        }
        Proof::Password(password) if methods.contains(&MethodKind::KeyboardInteractive) => {
            return dialogue(session, username, password, banners).await;
        }
        Proof::Key(_) | Proof::Password(_) => return Err(not_offered(session, proof, &methods)),
    };
    match answer {
        Ok(AuthResult::Success) => Ok(()),
        Ok(AuthResult::Failure { remaining_methods, partial_success }) => {
            // The library says the same of a lost connection, with nothing remaining.
            let gone = remaining_methods.is_empty();
            Err(if gone { ended(session, banners) } else { refused(session, partial_success) })
        }
        Err(_) => Err(ended(session, banners)),
    }
}

/// Answers the server's one question for the password (RFC 4256), and no second one.
async fn dialogue(
    session: &mut Session<'_>,
    username: &str,
    password: &SecretString,
    banners: usize,
) -> Result<(), LoginFailure> {
    let mut reply = session.handle.authenticate_keyboard_interactive_start(username, None).await;
    let mut answered = false;
    for _ in 0..ROUNDS_MAX {
        let answers = match reply {
            Ok(Reply::Success) if answered => return Ok(()),
            Ok(Reply::Success) => {
                return Err(other(session, "the server let this name in without asking for the password"));
            }
            Ok(Reply::Failure { partial_success, .. }) if answered => {
                return Err(refused(session, partial_success));
            }
            Ok(Reply::Failure { .. }) => {
                return Err(other(session, "the server ended the login before it asked for the password"));
            }
            Err(_) => return Err(ended(session, banners)),
            // Something is told; nothing is asked.
            Ok(Reply::InfoRequest { prompts, .. }) if prompts.is_empty() => Vec::new(),
            Ok(Reply::InfoRequest { prompts, .. }) => match (prompts.as_slice(), answered) {
                ([question], false) if !question.echo => {
                    answered = true;
                    vec![password.expose().to_owned()]
                }
                (_, false) => {
                    return Err(other(session, "the server asks for something other than a password"));
                }
                (_, true) => {
                    let what = "the password was taken and the server asks further: an expired password, or a second factor";
                    return Err(LoginFailure::Blocked(fault(session, FaultClass::AccountLocked, what)));
                }
            },
        };
        reply = session.handle.authenticate_keyboard_interactive_respond(answers).await;
    }
    Err(other(session, "the server did not come to an end with its questions"))
}

/// The server has judged what was sent.
fn refused(session: &Session<'_>, partial_success: bool) -> LoginFailure {
    if partial_success {
        let what = "the credential was taken and the server asks for a further one";
        return LoginFailure::Blocked(fault(session, FaultClass::Preflight, what));
    }
    LoginFailure::Refused(fault(
        session,
        FaultClass::VerifyRefused,
        "the server refused this user name and credential (or the account is missing, locked, or held off after failures)",
    ))
}

/// The connection ended in answer to the credential.
fn ended(session: &Session<'_>, banners: usize) -> LoginFailure {
    let said = session.heard.lock();
    let too_many = said.goodbye.as_deref().is_some_and(|word| word.starts_with(TOO_MANY));
    let told = said.banners > banners;
    drop(said);
    if too_many {
        // The one failure that we made was too many: it was judged.
        return refused(session, false);
    }
    if told {
        let what =
            "the credential was taken and PAM does not let the account in: expired, or a rule of access";
        return LoginFailure::Blocked(fault(session, FaultClass::AccountLocked, what));
    }
    LoginFailure::Other(say(session.config, "the connection broke in the login"))
}

fn not_offered(session: &Session<'_>, proof: &Proof<'_>, methods: &MethodSet) -> LoginFailure {
    let offered: Vec<&str> = methods.iter().map(<&str>::from).collect();
    let wanted = match proof {
        Proof::Key(_) => "keys",
        Proof::Password(_) => "passwords",
    };
    let what = format!("the server takes no {wanted} of this account; it offers {}", offered.join(", "));
    other(session, &what)
}

fn other(session: &Session<'_>, what: &str) -> LoginFailure {
    LoginFailure::Other(fault(session, FaultClass::Preflight, what))
}

fn fault(session: &Session<'_>, class: FaultClass, what: &str) -> Fault {
    Fault::new(class, format!("{}: {what}", session.config.place()))
}

/// How OpenSSH begins its good-bye after the last failure that it allows (`MaxAuthTries`).
const TOO_MANY: &str = "Too many authentication failures";
const ROUNDS_MAX: usize = 8;
