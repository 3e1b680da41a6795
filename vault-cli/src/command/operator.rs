//! `rotunda operator …`, as far as a server does it.

mod generate_root;
mod rekey;

use serde_json::Value;
use vault_api::{
    integrity::IntegrityReport,
    seal::{InitRequest, InitResponse, KeyStatus, SealStatus, UnsealRequest},
};

use super::{Session, status};
use crate::{
    args::operator::{InitArgs, OperatorWord, UnsealArgs},
    client::Request,
    console::{Console, Tone},
    failure::{Exit, Failure},
    input::secret,
    output,
};

pub(super) async fn run(word: OperatorWord, session: &mut Session) -> Result<Exit, Failure> {
    match word {
        OperatorWord::Init(args) => init(&args, session).await,
        OperatorWord::Unseal(args) => unseal(&args, session).await,
        OperatorWord::Seal => {
            let answer = session.ask("sealing", Request::put("sys/seal")).await?;
            session.done(&answer, "sealed: the keys are out of the server's memory")
        }
        OperatorWord::RotateKey => rotate_key(session).await,
        OperatorWord::Rekey(args) => rekey::run(&args, session).await,
        OperatorWord::GenerateRoot(args) => generate_root::run(&args, session).await,
        OperatorWord::Status => operator_status(session).await,
        OperatorWord::Verify(_) => verify(session).await,
        // `into_parsed` gives this one to the binary.
        OperatorWord::MigrateStore(_) => Err(Failure::usage("this word needs no server")),
    }
}

async fn init(args: &InitArgs, session: &mut Session) -> Result<Exit, Failure> {
    let request = if args.passphrase {
        InitRequest {
            passphrase: Some(secret::chosen("passphrase", &mut session.console)?),
            ..InitRequest::default()
        }
    } else {
        InitRequest {
            secret_shares: Some(args.key_shares),
            secret_threshold: Some(args.key_threshold),
            passphrase: None,
        }
    };
    let answer = session.ask("making keys", Request::put("sys/init").sending(&request)?).await?;
    let made: InitResponse = answer.read_body()?;
    session.show(&answer, |_, _| Ok(init_table(&made, args)))?;
    Ok(Exit::Done)
}

fn init_table(made: &InitResponse, args: &InitArgs) -> String {
    let names: Vec<String> =
        (1..=made.keys_base64.len()).map(|number| format!("Unseal share {number}")).collect();
    let shares = names.iter().zip(&made.keys_base64).map(|(name, key)| (name.as_str(), key.expose().clone()));
    let root = ("Root token", made.root_token.expose().clone());
    let mut text = output::record(shares.chain([root]));
    text.push_str(&if made.keys_base64.is_empty() {
        "\nThe passphrase unseals the vault. Without it nothing can be opened again, by nobody.\n".to_owned()
    } else {
        format!(
            "\nShown once and stored nowhere. Give each share to another person: {} of {} unseal the vault.\n",
            args.key_threshold, args.key_shares
        )
    });
    text
}

async fn unseal(args: &UnsealArgs, session: &mut Session) -> Result<Exit, Failure> {
    let request = if args.reset {
        UnsealRequest { reset: true, ..UnsealRequest::default() }
    } else if args.passphrase {
        let passphrase = secret::given(args.share.as_ref(), "passphrase", &mut session.console)?;
        UnsealRequest { passphrase: Some(passphrase), ..UnsealRequest::default() }
    } else {
        let share = secret::given(args.share.as_ref(), "unseal share", &mut session.console)?;
        UnsealRequest { key: Some(share), ..UnsealRequest::default() }
    };
    let answer = session.ask("unsealing", Request::put("sys/unseal").sending(&request)?).await?;
    let seal: SealStatus = answer.read_body()?;
    session.show(&answer, |_, console| Ok(status::table(&seal, console)))?;
    // A share that was taken is a success although more are needed.
    Ok(Exit::Done)
}

async fn rotate_key(session: &mut Session) -> Result<Exit, Failure> {
    session.ask("making a key generation", Request::put("sys/rotate")).await?;
    let answer = session.ask("asking for the key status", Request::get("sys/key-status")).await?;
    let keys: KeyStatus = answer.read_data()?;
    session.show(&answer, |_, _| Ok(output::record(key_pairs(&keys))))?;
    Ok(Exit::Done)
}

fn key_pairs(keys: &KeyStatus) -> Vec<(&'static str, String)> {
    let mut pairs = vec![
        ("key generation", keys.term.to_string()),
        ("made", output::optional(Some(&keys.install_time))),
        ("encryptions", keys.encryptions.to_string()),
    ];
    if let Some(rewrap) = keys.rewrap {
        pairs.push(("re-wrap", format!("{} records done, {} to do", rewrap.done, rewrap.remaining)));
    }
    pairs
}

/// The seal for everybody; keys and store only as far as the token may see them.
async fn operator_status(session: &mut Session) -> Result<Exit, Failure> {
    let seal_answer = session.ask("asking for the seal status", Request::get("sys/seal-status")).await?;
    let seal: SealStatus = seal_answer.read_body()?;
    let exit = status::exit(&seal);
    if exit != Exit::Done || !session.client.has_token() {
        session.show(&seal_answer, |_, console| Ok(status::table(&seal, console)))?;
        return Ok(exit);
    }
    let keys_answer = session.client.send_any(Request::get("sys/key-status")).await?;
    let store_answer = session.client.send_any(Request::get("sys/integrity")).await?;
    let keys = keys_answer.is_success().then(|| keys_answer.read_data::<KeyStatus>()).transpose()?;
    let store = store_answer.is_success().then(|| store_answer.read_data::<IntegrityReport>()).transpose()?;
    let together = serde_json::json!({
        "seal": seal_answer.body(), "keys": keys.as_ref().and(keys_answer.data()),
        "integrity": store.as_ref().and(store_answer.data()),
    });
    if session.console.format() == crate::args::output::Format::Json && session.field.is_none() {
        session.console.json(&together)?;
        return Ok(Exit::Done);
    }
    session.show(&seal_answer, |_, console| {
        let mut text = status::table(&seal, console);
        text.push_str(&keys.map_or_else(
            || "keys: this token may not see them\n".to_owned(),
            |keys| format!("\n{}", output::record(key_pairs(&keys))),
        ));
        text.push_str(&store.map_or_else(
            || "store: this token may not see its check\n".to_owned(),
            |store| format!("\n{}", integrity_table(&store, console)),
        ));
        Ok(text)
    })?;
    Ok(Exit::Done)
}

async fn verify(session: &mut Session) -> Result<Exit, Failure> {
    let request = Request::post("sys/integrity/verify").touching_a_target(std::time::Duration::ZERO);
    let answer = session.ask("reading every record", request).await?;
    let report: IntegrityReport = answer.read_data()?;
    session.show(&answer, |_, console| Ok(integrity_table(&report, console)))?;
    Ok(if report.ok == Some(true) { Exit::Done } else { Exit::Refused })
}

fn integrity_table(report: &IntegrityReport, console: &Console) -> String {
    let verdict = match report.ok {
        Some(true) => console.emphasised(Tone::Good, "whole"),
        Some(false) => console.emphasised(Tone::Bad, "DAMAGED"),
        None => "not checked yet".to_owned(),
    };
    let mut pairs = vec![
        ("store", verdict),
        ("records", report.records.to_string()),
        ("at commit", report.commit.to_string()),
        ("checked", output::optional(report.verified_at.as_deref())),
    ];
    pairs.extend(
        report.findings.iter().map(|finding| ("found", output::cell(&Value::from(finding.as_str())))),
    );
    output::record(pairs)
}
