//! `rotunda secrets …` and `rotunda auth …`.

use serde_json::{Map, Value, json};

use super::{Session, trimmed};
use crate::{
    args::mount::{AuthWord, EnableArgs, MountSettings, SecretsWord},
    client::Request,
    failure::{Exit, Failure},
    output,
};

/// Engines that hold something.
pub(super) async fn secrets(word: SecretsWord, session: &mut Session) -> Result<Exit, Failure> {
    match word {
        SecretsWord::Enable(args) => enable("sys/mounts", args, session).await,
        SecretsWord::Disable(args) => disable("sys/mounts", &args.path, session).await,
        SecretsWord::List => list("sys/mounts", session).await,
        SecretsWord::Tune(args) => {
            let path = trimmed(&args.path);
            let mut body = settings(&args.settings);
            body.extend(options(&args.settings));
            let request = Request::post(format!("sys/mounts/{path}/tune")).sending(&body)?;
            let answer = session.ask("tuning", request).await?;
            session.done(&answer, &format!("{path}/ is tuned"))
        }
        SecretsWord::Move(args) => {
            let (from, to) = (trimmed(&args.from), trimmed(&args.to));
            let request = Request::post("sys/remount").sending(&json!({ "from": from, "to": to }))?;
            let answer = session.ask("moving", request).await?;
            session.show(&answer, |_, _| Ok(format!("{from}/ is now at {to}/\n")))?;
            Ok(Exit::Done)
        }
    }
}

/// Ways in.
pub(super) async fn auth(word: AuthWord, session: &mut Session) -> Result<Exit, Failure> {
    match word {
        AuthWord::Enable(args) => enable("sys/auth", args, session).await,
        AuthWord::Disable(args) => disable("sys/auth", &args.path, session).await,
        AuthWord::List => list("sys/auth", session).await,
    }
}

async fn enable(table: &str, args: EnableArgs, session: &mut Session) -> Result<Exit, Failure> {
    let path = trimmed(args.path.as_deref().unwrap_or(&args.kind)).to_owned();
    let mut body = Map::from_iter([("type".to_owned(), Value::from(args.kind.as_str()))]);
    let mut config = settings(&args.settings);
    if let Some(description) = config.remove("description") {
        body.insert("description".to_owned(), description);
    }
    body.insert("config".to_owned(), Value::Object(config));
    body.extend(options(&args.settings));
    let answer = session.ask("mounting", Request::post(format!("{table}/{path}")).sending(&body)?).await?;
    session.done(&answer, &format!("{} is mounted at {path}/", args.kind))
}

async fn disable(table: &str, path: &str, session: &mut Session) -> Result<Exit, Failure> {
    let path = trimmed(path);
    let answer = session.ask("disabling", Request::delete(format!("{table}/{path}"))).await?;
    session.done(&answer, &format!("nothing is mounted at {path}/ any more"))
}

async fn list(table: &str, session: &mut Session) -> Result<Exit, Failure> {
    let answer = session.ask("listing", Request::get(table)).await?;
    session.show(&answer, |answer, _| {
        let mounts: Map<String, Value> = answer.read_data()?;
        let row = |(path, mount): (&String, &Value)| {
            let cell = |key: &str| mount.get(key).map_or_else(String::new, output::cell);
            let version = mount.pointer("/options/version").map_or_else(|| "-".to_owned(), output::cell);
            vec![output::shown(path), cell("type"), version, cell("accessor"), cell("description")]
        };
        let rows: Vec<Vec<String>> = mounts.iter().map(row).collect();
        Ok(output::columns(&["PATH", "TYPE", "VERSION", "ACCESSOR", "DESCRIPTION"], &rows))
    })?;
    Ok(Exit::Done)
}

fn settings(settings: &MountSettings) -> Map<String, Value> {
    let MountSettings { description, default_lease_ttl, max_lease_ttl, version: _ } = settings;
    [("description", description), ("default_lease_ttl", default_lease_ttl), ("max_lease_ttl", max_lease_ttl)]
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), Value::from(value.as_deref()?))))
        .collect()
}

fn options(settings: &MountSettings) -> Option<(String, Value)> {
    let version = settings.version?;
    Some(("options".to_owned(), json!({ "version": version.to_string() })))
}
