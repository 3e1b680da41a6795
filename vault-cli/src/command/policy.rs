//! `rotunda policy …`, `rotation-policy …` and `password-policy …`: three resources of one shape.

use vault_api::{password_policy::PasswordPolicy, policy::PolicyWrite};

use super::{Session, trimmed};
use crate::{
    args::{
        policy::PolicyWord,
        schedule::{PasswordPolicyWord, RotationPolicyWord},
    },
    client::Request,
    failure::{Exit, Failure},
    input::{self, Ending},
};

/// Path policies.
pub(super) async fn acl(word: PolicyWord, session: &mut Session) -> Result<Exit, Failure> {
    match word {
        PolicyWord::Write(args) => {
            let policy = input::document(&args.file, &mut session.console)?;
            let request = Request::put(below(ACL, &args.name)).sending(&PolicyWrite { policy })?;
            let answer = session.ask("storing the policy", request).await?;
            session.done(&answer, &format!("policy {} is stored", args.name))
        }
        PolicyWord::Read(args) => read_text(&below(ACL, &args.name), session).await,
        PolicyWord::List => list(ACL, session).await,
        PolicyWord::Delete(args) => delete(&below(ACL, &args.name), session).await,
    }
}

/// When accounts are rotated.
pub(super) async fn rotation(word: RotationPolicyWord, session: &mut Session) -> Result<Exit, Failure> {
    match word {
        RotationPolicyWord::Write(args) => {
            let settings = input::settings(&args.settings, Ending::WithoutNewline, &mut session.console)?;
            let request = Request::post(below(ROTATION, &args.name)).sending(&settings)?;
            let answer = session.ask("storing the policy", request).await?;
            session.done(&answer, &format!("rotation policy {} is stored", args.name))
        }
        RotationPolicyWord::Read(args) => {
            let answer = session.ask("reading the policy", Request::get(below(ROTATION, &args.name))).await?;
            session.done(&answer, "no settings")
        }
        RotationPolicyWord::List => list(ROTATION, session).await,
        RotationPolicyWord::Delete(args) => delete(&below(ROTATION, &args.name), session).await,
    }
}

/// How generated passwords look.
pub(super) async fn password(word: PasswordPolicyWord, session: &mut Session) -> Result<Exit, Failure> {
    match word {
        PasswordPolicyWord::Write(args) => {
            let policy = input::document(&args.file, &mut session.console)?;
            let request = Request::post(below(PASSWORD, &args.name)).sending(&PasswordPolicy { policy })?;
            let answer = session.ask("storing the policy", request).await?;
            session.done(&answer, &format!("password policy {} is stored", args.name))
        }
        PasswordPolicyWord::Read(args) => read_text(&below(PASSWORD, &args.name), session).await,
        PasswordPolicyWord::List => list(PASSWORD, session).await,
        PasswordPolicyWord::Delete(args) => delete(&below(PASSWORD, &args.name), session).await,
        PasswordPolicyWord::Generate(args) => {
            let request = Request::get(format!("{}/generate", below(PASSWORD, &args.name)));
            let answer = session.ask("generating", request).await?;
            session.done(&answer, "nothing was generated")
        }
    }
}

/// Prints a policy's text as it was written, so that it can be edited and written back.
async fn read_text(path: &str, session: &mut Session) -> Result<Exit, Failure> {
    let answer = session.ask("reading the policy", Request::get(path)).await?;
    session.show(&answer, |answer, _| {
        let PolicyWrite { mut policy } = answer.read_data()?;
        if !policy.ends_with('\n') {
            policy.push('\n');
        }
        Ok(policy)
    })?;
    Ok(Exit::Done)
}

async fn list(path: &str, session: &mut Session) -> Result<Exit, Failure> {
    let answer = session.ask("listing", Request::list(path)).await?;
    session.show_names(&answer)?;
    Ok(Exit::Done)
}

async fn delete(path: &str, session: &mut Session) -> Result<Exit, Failure> {
    let answer = session.ask("deleting", Request::delete(path)).await?;
    session.done(&answer, "deleted")
}

fn below(resource: &str, name: &str) -> String {
    format!("{resource}/{}", trimmed(name))
}

const ACL: &str = "sys/policies/acl";
const ROTATION: &str = "rotation-policies";
const PASSWORD: &str = "password-policies";
