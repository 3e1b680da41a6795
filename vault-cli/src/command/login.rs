//! `rotunda login`.

use serde_json::{Map, Value, json};
use vault_api::{AuthBlock, Sensitive, token::TokenInfo};

use super::Session;
use crate::{
    args::token::{LoginArgs, LoginMethod},
    client::{Request, token_store},
    failure::{Exit, Failure},
    input::{self, Ending, secret},
    output,
};

pub(super) async fn run(args: &LoginArgs, session: &mut Session) -> Result<Exit, Failure> {
    match args.method {
        LoginMethod::Token => with_token(args, session).await,
        LoginMethod::Userpass | LoginMethod::Approle => by_method(args, session).await,
    }
}

/// Checks a token with the server before it takes the stored one's place.
async fn with_token(args: &LoginArgs, session: &mut Session) -> Result<Exit, Failure> {
    if args.given.len() > 1 {
        return Err(Failure::usage("one token at most; KEY=VALUE is for --method userpass and approle"));
    }
    let token = secret::given(args.given.first(), "token", &mut session.console)?;
    session.client = session.client.acting_as(token.clone());
    let answer = session.ask("checking the token", Request::get("auth/token/lookup-self")).await?;
    let info: TokenInfo = answer.read_data()?;
    if !args.no_store {
        store(&token, session)?;
    }
    session.show(&answer, |_, _| Ok(summary(&info)))?;
    Ok(Exit::Done)
}

/// Proves who you are by another method, and stores the token that it gives.
async fn by_method(args: &LoginArgs, session: &mut Session) -> Result<Exit, Failure> {
    let request = asked(args, session)?;
    session.client = session.client.acting_as_nobody();
    let answer = session.ask("logging in", request).await?;
    let auth: AuthBlock = answer.read_part("auth")?;
    if args.no_store {
        session.show(&answer, |_, _| Ok(format!("{}\n", auth.client_token.expose())))?;
        return Ok(Exit::Done);
    }
    store(&auth.client_token, session)?;
    session.show(&answer, |_, _| {
        Ok(output::record([
            ("accessor", output::optional(Some(&auth.accessor))),
            ("policies", output::optional(Some(&auth.policies.join(", ")))),
            ("duration", format!("{} s", auth.lease_duration)),
            ("renewable", auth.renewable.to_string()),
        ]))
    })?;
    Ok(Exit::Done)
}

/// The request of the method; what it lacks is asked for, secrets hidden.
fn asked(args: &LoginArgs, session: &mut Session) -> Result<Request, Failure> {
    let words: Vec<String> = args.given.iter().map(|word| word.expose().clone()).collect();
    let mut given = input::settings(&words, Ending::WithoutNewline, &mut session.console)?;
    let (method, name, proof) = match args.method {
        LoginMethod::Approle => ("approle", "role_id", "secret_id"),
        LoginMethod::Userpass | LoginMethod::Token => ("userpass", "username", "password"),
    };
    let mount = args.path.as_deref().unwrap_or(method).trim_matches('/');
    let name_given = taken(&mut given, name);
    let name_given = name_given.ok_or_else(|| Failure::usage(format!("who logs in? write {name}=…")))?;
    let proof_given = match taken(&mut given, proof) {
        Some(text) => Sensitive::new(text),
        None => secret::given(None, proof, &mut session.console)?,
    };
    let (path, body) = if args.method == LoginMethod::Approle {
        (format!("auth/{mount}/login"), json!({ name: name_given, proof: proof_given.expose() }))
    } else {
        (format!("auth/{mount}/login/{name_given}"), json!({ proof: proof_given.expose() }))
    };
    let mut body = body;
    if let Value::Object(fields) = &mut body {
        fields.extend(given);
    }
    Request::put(path).sending(&body)
}

fn taken(given: &mut Map<String, Value>, key: &str) -> Option<String> {
    given.remove(key)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn store(token: &Sensitive<String>, session: &mut Session) -> Result<(), Failure> {
    let home = session.home.as_deref().ok_or_else(|| {
        Failure::usage("HOME is not set, so there is no place for the token").with_hint("see --no-store")
    })?;
    let path = token_store::write(home, token)?;
    session.console.note(&format!("stored in {}", path.display()));
    if std::env::var_os("VAULT_TOKEN").is_some_and(|set| !set.is_empty()) {
        session.console.warning("VAULT_TOKEN is set and goes before the stored token: unset it");
    }
    Ok(())
}

fn summary(info: &TokenInfo) -> String {
    output::record([
        ("name", output::optional(Some(&info.display_name))),
        ("accessor", output::optional(Some(&info.accessor))),
        ("policies", output::optional(Some(&info.policies.join(", ")))),
        ("expires", info.expire_time.as_deref().map_or_else(|| "never".to_owned(), output::shown)),
    ])
}
