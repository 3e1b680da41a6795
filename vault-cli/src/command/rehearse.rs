//! `rotunda account rehearse`, and the lights of it and of `rotunda target check`.

use std::time::Duration;

use vault_api::rehearsal::{Finding, Light, Rehearsal};

use super::{Session, trimmed};
use crate::{
    args::account::AccountRehearseArgs,
    client::{Answer, Request},
    console::{Console, Tone},
    failure::{Exit, Failure},
    output,
};

pub(super) async fn run(args: &AccountRehearseArgs, session: &mut Session) -> Result<Exit, Failure> {
    let path = format!("accounts/rehearse/{}", trimmed(&args.path));
    let answer = if args.last {
        session.ask("reading the last rehearsal", Request::get(path)).await?
    } else {
        let request = Request::post(path).touching_a_target(Duration::ZERO);
        session.ask("rehearsing a rotation", request).await?
    };
    show(&answer, session)
}

fn show(answer: &Answer, session: &mut Session) -> Result<Exit, Failure> {
    let found: Rehearsal = answer.read_data()?;
    session.show(answer, |_, console| Ok(told(&found, console)))?;
    if answer.is_accepted() {
        session.console.note("still running: see rotunda account rehearse --last");
        return Ok(Exit::Unfinished);
    }
    if let Some(shadow) = &found.shadow {
        let name = output::shown(shadow);
        session.console.warning(&format!("the shadow account {name} is still being removed from the target"));
    }
    Ok(match found.light.unwrap_or_default() {
        Light::Green => Exit::Done,
        Light::Amber => Exit::Amber,
        Light::Red => Exit::Red,
    })
}

fn told(found: &Rehearsal, console: &Console) -> String {
    let mut pairs = vec![("outcome", output::optional(Some(&found.outcome)))];
    if let Some(light) = found.light {
        let meaning = match light {
            Light::Green => "a rotation would work",
            Light::Amber => "a rotation would work; something is to be mended, or was not proved",
            Light::Red => "a rotation would fail",
        };
        pairs.push(("light", format!("{}: {meaning}", word(light, console))));
    }
    pairs.extend(found.passed.iter().map(|passed| ("passed", output::shown(passed))));
    pairs.extend(findings(&found.findings, console));
    output::record(pairs)
}

/// Findings as lines of a record. The light is a word, too: a colour alone tells nothing to a file.
pub(super) fn findings(findings: &[Finding], console: &Console) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    for one in findings {
        let (code, what) = (output::shown(&one.code), output::shown(&one.what));
        lines.push(("found", format!("{} {code}: {what}", word(one.light, console))));
        lines.push(("  to mend", output::shown(&one.mend)));
    }
    lines
}

/// A light in capitals, in its colour.
pub(super) fn word(light: Light, console: &Console) -> String {
    console.emphasised(tone(light), &light.word().to_uppercase())
}

pub(super) const fn tone(light: Light) -> Tone {
    match light {
        Light::Green => Tone::Good,
        Light::Amber => Tone::Warn,
        Light::Red => Tone::Bad,
    }
}
