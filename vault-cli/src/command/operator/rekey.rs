//! `rotunda operator rekey`.

use vault_api::seal::{InitRequest, Rekey, RekeyRequest, ShareRequest};

use crate::{
    args::operator::RekeyArgs,
    client::{Answer, Request},
    command::Session,
    failure::{Exit, Failure},
    input::secret,
    output,
};

pub(super) async fn run(args: &RekeyArgs, session: &mut Session) -> Result<Exit, Failure> {
    if args.init {
        return begin(args, session).await;
    }
    if args.cancel {
        let answer = session.ask("cancelling the rekey", Request::delete("sys/rekey/init")).await?;
        return session.done(&answer, "cancelled: the old shares stay good");
    }
    let path = if args.verify { "sys/rekey/verify" } else { "sys/rekey/init" };
    let answer = session.ask("asking how the rekey stands", Request::get(path)).await?;
    let standing: Rekey = answer.read_body()?;
    if args.status {
        session.show(&answer, |_, _| Ok(table(&standing)))?;
        return Ok(Exit::Done);
    }
    if !standing.started {
        return Err(Failure::usage("no rekey is under way").with_hint("begin one with --init"));
    }
    if !args.verify && !standing.verification_nonce.is_empty() {
        return Err(Failure::usage("the new shares were made and must come back now")
            .with_hint("give each with `rotunda operator rekey --verify`"));
    }
    offer(args, &standing, session).await
}

async fn begin(args: &RekeyArgs, session: &mut Session) -> Result<Exit, Failure> {
    let seal = if args.passphrase {
        let passphrase = secret::chosen("new passphrase", &mut session.console)?;
        InitRequest { passphrase: Some(passphrase), ..InitRequest::default() }
    } else {
        InitRequest {
            secret_shares: Some(args.key_shares),
            secret_threshold: Some(args.key_threshold),
            passphrase: None,
        }
    };
    let request = RekeyRequest { seal, require_verification: !args.without_verification };
    let answer = session.ask("beginning a rekey", Request::put("sys/rekey/init").sending(&request)?).await?;
    let begun: Rekey = answer.read_body()?;
    session.show(&answer, |_, _| Ok(table(&begun)))?;
    Ok(Exit::Done)
}

async fn offer(args: &RekeyArgs, standing: &Rekey, session: &mut Session) -> Result<Exit, Failure> {
    let (path, what) = if args.verify {
        ("sys/rekey/verify", "new share or passphrase")
    } else {
        ("sys/rekey/update", "old share or passphrase")
    };
    let key = secret::given(args.share.as_ref(), what, &mut session.console)?;
    let request = ShareRequest { key, nonce: standing.nonce.clone() };
    let answer = session.ask("giving the share", Request::put(path).sending(&request)?).await?;
    let after: Rekey = answer.read_body()?;
    session.show(&answer, |_: &Answer, _| {
        Ok(match (after.complete, args.verify) {
            (true, true) => "verified: the new shares are good, the old ones are not any more\n".to_owned(),
            (true, false) => made(&after),
            (false, true) => output::record([("came back", format!("{} of {}", after.progress, after.t))]),
            (false, false) => table(&after),
        })
    })?;
    Ok(Exit::Done)
}

fn made(after: &Rekey) -> String {
    let names: Vec<String> =
        (1..=after.keys_base64.len()).map(|number| format!("New share {number}")).collect();
    let shares =
        names.iter().zip(&after.keys_base64).map(|(name, key)| (name.as_str(), key.expose().clone()));
    let mut text = output::record(shares);
    if !after.keys_base64.is_empty() {
        text.push_str("\nShown once and stored nowhere. Give each share to another person.\n");
    }
    text.push_str(if after.verification_required {
        "They count once enough came back: rotunda operator rekey --verify. Until then the old ones are good.\n"
    } else {
        "They are good from now on, the old ones are not any more.\n"
    });
    text
}

fn table(rekey: &Rekey) -> String {
    if !rekey.started {
        return output::record([("rekey", "none under way".to_owned())]);
    }
    output::record([
        ("rekey", rekey.nonce.clone()),
        ("wanted", format!("{} shares, of which {} unseal", rekey.n, rekey.t)),
        ("given", format!("{} of {}", rekey.progress, rekey.required)),
        (
            "verified",
            if rekey.verification_required { "the new shares must come back" } else { "no" }.to_owned(),
        ),
    ])
}
