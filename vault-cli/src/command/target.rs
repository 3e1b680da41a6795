//! `rotunda target …`.

use std::time::Duration;

use serde_json::{Map, Value};
use vault_api::target::TargetCheck;

use super::{Session, hand_over, rehearse, rotate, silence, trimmed};
use crate::{
    args::target::{ManagementDisposal, TargetDeleteArgs, TargetWord, TargetWriteArgs},
    client::Request,
    console::Tone,
    failure::{Exit, Failure},
    input::{self, Ending},
    output,
};

pub(super) async fn run(word: TargetWord, session: &mut Session) -> Result<Exit, Failure> {
    match word {
        TargetWord::Write(args) => write(&args, session).await,
        TargetWord::Read(args) => show("targets/config", &args.name, session).await,
        TargetWord::List => {
            let answer = session.ask("listing", Request::list("targets/config")).await?;
            session.show_names(&answer)?;
            Ok(Exit::Done)
        }
        TargetWord::Check(args) => check(&args.name, session).await,
        TargetWord::Rotate(args) => rotate::management_credential(&args.name, session).await,
        TargetWord::Delete(args) => delete(&args, session).await,
        TargetWord::Status(args) => show("targets/status", &args.name, session).await,
        TargetWord::Maintenance(args) => silence::maintenance(args, session).await,
    }
}

async fn delete(args: &TargetDeleteArgs, session: &mut Session) -> Result<Exit, Failure> {
    let request = || Request::delete(format!("targets/config/{}", trimmed(&args.name)));
    match args.disposal {
        Some(ManagementDisposal::HandOver) => {
            hand_over::confirmed(|| Ok(request().with("disposal", "hand-over")), session).await
        }
        Some(ManagementDisposal::Forget) => {
            let answer = session.ask("deleting", request().with("disposal", "forget")).await?;
            session.done(&answer, "deleted; the management password is known to nobody")
        }
        None => {
            let answer = session.ask("deleting", request()).await?;
            session.done(&answer, "deleted")
        }
    }
}

async fn write(args: &TargetWriteArgs, session: &mut Session) -> Result<Exit, Failure> {
    let mut settings = input::settings(&args.settings, Ending::WithoutNewline, &mut session.console)?;
    ask_for_password(&mut settings, session)?;
    let request = Request::post(format!("targets/config/{}", trimmed(&args.name)))
        .sending(&settings)?
        .touching_a_target(Duration::ZERO);
    let answer = session.ask("storing the target", request).await?;
    session
        .done(&answer, &format!("target {} is stored; try it: rotunda target check {}", args.name, args.name))
}

/// A new target needs its management password; a person is asked for it, a script has to say it.
fn ask_for_password(settings: &mut Map<String, Value>, session: &mut Session) -> Result<(), Failure> {
    let is_new = settings.contains_key("rotator");
    if is_new && !settings.contains_key("password") && session.console.input_is_terminal() {
        let password =
            input::secret::given(None, "password of the management credential", &mut session.console)?;
        settings.insert("password".to_owned(), Value::from(password.into_exposed()));
    }
    Ok(())
}

async fn check(name: &str, session: &mut Session) -> Result<Exit, Failure> {
    let request = Request::post(format!("targets/check/{}", trimmed(name))).touching_a_target(Duration::ZERO);
    let answer = session.ask("talking to the target", request).await?;
    let found: TargetCheck = answer.read_data()?;
    session.show(&answer, |_, console| {
        let mut pairs = vec![
            ("server", output::optional(Some(&found.server))),
            ("light", rehearse::word(found.light, console)),
        ];
        pairs.extend(found.passed.iter().map(|passed| ("passed", output::shown(passed))));
        let warned = |warning: &String| console.emphasised(Tone::Warn, &output::shown(warning));
        pairs.extend(found.warnings.iter().map(|warning| ("to mend", warned(warning))));
        Ok(output::record(pairs))
    })?;
    Ok(Exit::Done)
}

async fn show(resource: &str, name: &str, session: &mut Session) -> Result<Exit, Failure> {
    let answer =
        session.ask("reading the target", Request::get(format!("{resource}/{}", trimmed(name)))).await?;
    session.show_record(
        &answer,
        &["rotator", "connection_url", "username", "state", "version"],
        "nothing is known",
    )?;
    Ok(Exit::Done)
}
