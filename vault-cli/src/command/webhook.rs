//! `rotunda webhook …`.

use serde_json::{Map, Value};
use vault_api::webhook::{DeliveryInfo, DeliveryList};

use super::{Session, trimmed};
use crate::{
    args::webhook::{DeliveriesArgs, RetryArgs, RotateSecretArgs, WebhookWord, WebhookWriteArgs},
    client::Request,
    console::{Console, Tone},
    failure::{Exit, Failure},
    input::{self, Ending},
    output,
};

pub(super) async fn run(word: WebhookWord, session: &mut Session) -> Result<Exit, Failure> {
    match word {
        WebhookWord::Write(args) => write(&args, session).await,
        WebhookWord::Read(args) => {
            let answer = session.ask("reading the webhook", Request::get(path(&args.name))).await?;
            let first = ["url", "format", "events", "accounts", "pending", "delivered", "dead", "summed"];
            session.show_record(&answer, &first, "nothing is known")?;
            Ok(Exit::Done)
        }
        WebhookWord::List => {
            let answer = session.ask("listing", Request::list("sys/webhooks")).await?;
            session.show_names(&answer)?;
            Ok(Exit::Done)
        }
        WebhookWord::Test(args) => test(&args.name, session).await,
        WebhookWord::RotateSecret(args) => rotate_secret(&args, session).await,
        WebhookWord::Deliveries(args) => deliveries(&args, session).await,
        WebhookWord::Retry(args) => retry(&args, session).await,
        WebhookWord::Delete(args) => {
            let answer = session.ask("deleting", Request::delete(path(&args.name))).await?;
            session.done(&answer, &format!("webhook {} is gone", trimmed(&args.name)))
        }
    }
}

fn path(name: &str) -> String {
    format!("sys/webhooks/{}", trimmed(name))
}

async fn write(args: &WebhookWriteArgs, session: &mut Session) -> Result<Exit, Failure> {
    let settings = input::settings(&args.settings, Ending::WithoutNewline, &mut session.console)?;
    let request = Request::post(path(&args.name)).sending(&settings)?;
    let answer = session.ask("storing the webhook", request).await?;
    session.show_record(&answer, &["id", "secret"], "the webhook is stored")?;
    Ok(Exit::Done)
}

async fn test(name: &str, session: &mut Session) -> Result<Exit, Failure> {
    let request = Request::post(format!("{}/test", path(name)));
    let answer = session.ask("sending a test message", request).await?;
    let sent: DeliveryInfo = answer.read_data()?;
    session.show(&answer, |_, console| Ok(table(std::slice::from_ref(&sent), console)))?;
    Ok(if sent.state == "delivered" { Exit::Done } else { Exit::Refused })
}

async fn rotate_secret(args: &RotateSecretArgs, session: &mut Session) -> Result<Exit, Failure> {
    let overlap = args.overlap.as_ref().map(|overlap| ("overlap".to_owned(), Value::from(overlap.clone())));
    let body: Map<String, Value> = overlap.into_iter().collect();
    let request = Request::post(format!("{}/rotate-secret", path(&args.name))).sending(&body)?;
    let answer = session.ask("changing the secret", request).await?;
    session.show_record(&answer, &["secret", "former_secret_until"], "the secret is changed")?;
    Ok(Exit::Done)
}

async fn deliveries(args: &DeliveriesArgs, session: &mut Session) -> Result<Exit, Failure> {
    let mut request = Request::get(format!("{}/deliveries", path(&args.name)));
    if let Some(state) = &args.state {
        request = request.with("state", state.as_str());
    }
    if let Some(limit) = args.limit {
        request = request.with("limit", limit.to_string());
    }
    let answer = session.ask("asking for the deliveries", request).await?;
    let list: DeliveryList = answer.read_data()?;
    session.show(&answer, |_, console| Ok(table(&list.deliveries, console)))?;
    Ok(Exit::Done)
}

async fn retry(args: &RetryArgs, session: &mut Session) -> Result<Exit, Failure> {
    let request = Request::post(format!("{}/deliveries/{}/retry", path(&args.name), trimmed(&args.id)));
    let answer = session.ask("sending again", request).await?;
    let sent: DeliveryInfo = answer.read_data()?;
    session.show(&answer, |_, console| Ok(table(std::slice::from_ref(&sent), console)))?;
    Ok(Exit::Done)
}

fn table(deliveries: &[DeliveryInfo], console: &Console) -> String {
    let rows: Vec<Vec<String>> = deliveries
        .iter()
        .map(|one| {
            let tone = match one.state.as_str() {
                "delivered" => Tone::Good,
                "dead" => Tone::Bad,
                _ => Tone::Warn,
            };
            let status = one.last_status.map(|status| status.to_string());
            vec![
                output::shown(&one.id),
                output::shown(&one.kind),
                output::shown(&one.at),
                console.emphasised(tone, &output::shown(&one.state)),
                one.attempts.to_string(),
                output::optional(status.as_deref()),
                output::optional(one.last_error.as_deref()),
                output::optional(one.next_attempt.as_deref()),
            ]
        })
        .collect();
    output::columns(&["ID", "TYPE", "AT", "STATE", "ATTEMPTS", "ANSWER", "ERROR", "NEXT"], &rows)
}
