//! `rotunda operator generate-root`.

use data_encoding::{BASE64, BASE64_NOPAD};
use serde_json::json;
use vault_api::seal::{GenerateRoot, ShareRequest};

use crate::{
    args::operator::GenerateRootArgs,
    client::Request,
    command::Session,
    failure::{Exit, Failure},
    input::secret,
    output,
};

pub(super) async fn run(args: &GenerateRootArgs, session: &mut Session) -> Result<Exit, Failure> {
    if let Some(encoded) = &args.decode {
        return decode(encoded, session);
    }
    if args.init {
        let answer = session.ask("beginning", Request::put(ATTEMPT).sending(&json!({}))?).await?;
        let begun: GenerateRoot = answer.read_body()?;
        session.show(&answer, |_, _| {
            let mut text = output::record([("one-time pad", begun.otp.expose().clone())]);
            text.push_str(
                "\nShown once. With it the encoded token is read: rotunda operator generate-root --decode.\n",
            );
            text.push_str(&table(&begun));
            Ok(text)
        })?;
        return Ok(Exit::Done);
    }
    if args.cancel {
        let answer = session.ask("cancelling", Request::delete(ATTEMPT)).await?;
        return session.done(&answer, "cancelled");
    }
    let answer = session.ask("asking how it stands", Request::get(ATTEMPT)).await?;
    let standing: GenerateRoot = answer.read_body()?;
    if args.status {
        session.show(&answer, |_, _| Ok(table(&standing)))?;
        return Ok(Exit::Done);
    }
    if !standing.started {
        return Err(Failure::usage("no root token is being made").with_hint("begin with --init"));
    }
    let key = secret::given(args.share.as_ref(), "share or passphrase", &mut session.console)?;
    let request = ShareRequest { key, nonce: standing.nonce };
    let answer = session.ask("giving the share", Request::put(UPDATE).sending(&request)?).await?;
    let after: GenerateRoot = answer.read_body()?;
    session.show(&answer, |_, _| {
        Ok(if after.complete {
            output::record([("encoded token", after.encoded_token.clone())])
        } else {
            table(&after)
        })
    })?;
    Ok(Exit::Done)
}

/// Nothing is sent: the token is read on this machine.
fn decode(encoded: &str, session: &mut Session) -> Result<Exit, Failure> {
    let pad = secret::given(None, "one-time pad", &mut session.console)?;
    let bytes = BASE64_NOPAD.decode(encoded.as_bytes()).or_else(|_| BASE64.decode(encoded.as_bytes()));
    let bytes = bytes.map_err(|_| Failure::usage("the encoded token is not base64"))?;
    if bytes.len() != pad.expose().len() {
        return Err(Failure::usage(
            "the one-time pad is not as long as the token: it belongs to another one",
        ));
    }
    let token = bytes.iter().zip(pad.expose().bytes()).map(|(byte, pad)| byte ^ pad).collect();
    let token =
        String::from_utf8(token).ok().filter(|token| token.bytes().all(|byte| byte.is_ascii_graphic()));
    let token = token.ok_or_else(|| Failure::usage("the one-time pad belongs to another token"))?;
    Ok(session.console.text(&format!("{token}\n")).map(|()| Exit::Done)?)
}

fn table(root: &GenerateRoot) -> String {
    if !root.started {
        return output::record([("root token", "none is being made".to_owned())]);
    }
    output::record([
        ("attempt", root.nonce.clone()),
        ("given", format!("{} of {}", root.progress, root.required)),
    ])
}

const ATTEMPT: &str = "sys/generate-root/attempt";
const UPDATE: &str = "sys/generate-root/update";
