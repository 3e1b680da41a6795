//! `rotunda token …`.

use vault_api::{
    AuthBlock, Sensitive,
    token::{AccessorRequest, TokenCreate, TokenRequest},
};

use super::Session;
use crate::{
    args::token::{TokenChoice, TokenCreateArgs, TokenRenewArgs, TokenRevokeArgs, TokenWord},
    client::{Answer, Request},
    failure::{Exit, Failure},
    input::secret,
    output,
};

pub(super) async fn run(word: TokenWord, session: &mut Session) -> Result<Exit, Failure> {
    match word {
        TokenWord::Create(args) => create(args, session).await,
        TokenWord::Lookup(choice) => lookup(choice, session).await,
        TokenWord::Renew(args) => renew(&args, session).await,
        TokenWord::Revoke(args) => revoke(args, session).await,
    }
}

async fn create(args: TokenCreateArgs, session: &mut Session) -> Result<Exit, Failure> {
    let request = TokenCreate {
        policies: args.policies,
        meta: (!args.metadata.is_empty()).then(|| args.metadata.into_iter().collect()),
        ttl: args.ttl,
        explicit_max_ttl: args.explicit_max_ttl,
        period: args.period,
        num_uses: args.use_limit,
        no_parent: args.orphan,
        no_default_policy: args.no_default_policy,
        display_name: args.display_name,
        kind: args.kind,
        ..TokenCreate::default()
    };
    let answer = session.ask("making a token", Request::post("auth/token/create").sending(&request)?).await?;
    show_auth(&answer, session)
}

async fn lookup(choice: TokenChoice, session: &mut Session) -> Result<Exit, Failure> {
    let request = match choice {
        TokenChoice { accessor: Some(accessor), .. } => {
            Request::post("auth/token/lookup-accessor").sending(&AccessorRequest { accessor })?
        }
        TokenChoice { given: Some(given), .. } => {
            Request::post("auth/token/lookup").sending(&named(&given, session)?)?
        }
        TokenChoice { given: None, accessor: None } => Request::get("auth/token/lookup-self"),
    };
    let answer = session.ask("looking up the token", request).await?;
    // Without `id`: whoever looks over a shoulder would have the token.
    session.show(&answer, |answer, _| {
        let mut data = answer.data().and_then(|data| data.as_object().cloned()).unwrap_or_default();
        data.remove("id");
        Ok(output::record(output::pairs(
            &data,
            &["display_name", "accessor", "policies", "ttl", "expire_time"],
        )))
    })?;
    Ok(Exit::Done)
}

async fn renew(args: &TokenRenewArgs, session: &mut Session) -> Result<Exit, Failure> {
    let request = match &args.given {
        Some(given) => Request::post("auth/token/renew")
            .sending(&TokenRequest { increment: args.increment, ..named(given, session)? })?,
        None => Request::post("auth/token/renew-self")
            .sending(&TokenRequest { token: None, increment: args.increment })?,
    };
    let answer = session.ask("renewing the token", request).await?;
    show_auth(&answer, session)
}

async fn revoke(args: TokenRevokeArgs, session: &mut Session) -> Result<Exit, Failure> {
    let request = match args {
        TokenRevokeArgs { accessor: Some(accessor), .. } => {
            Request::post("auth/token/revoke-accessor").sending(&AccessorRequest { accessor })?
        }
        TokenRevokeArgs { given: Some(given), .. } => {
            Request::post("auth/token/revoke").sending(&named(&given, session)?)?
        }
        TokenRevokeArgs { given: None, accessor: None, .. } => Request::post("auth/token/revoke-self"),
    };
    let answer = session.ask("revoking the token", request).await?;
    session.done(&answer, "revoked, with its children and their leases")
}

fn named(given: &Sensitive<String>, session: &mut Session) -> Result<TokenRequest, Failure> {
    let token = secret::given(Some(given), "token", &mut session.console)?;
    Ok(TokenRequest { token: Some(token), increment: None })
}

fn show_auth(answer: &Answer, session: &mut Session) -> Result<Exit, Failure> {
    session.show(answer, |answer, _| {
        let auth = answer.part("auth").ok_or_else(|| Failure::unexpected_answer("auth"))?;
        let auth: AuthBlock =
            serde::Deserialize::deserialize(auth).map_err(|_| Failure::unexpected_answer("auth"))?;
        let lifetime = match auth.lease_duration {
            0 => "without end".to_owned(),
            seconds => vault_api::duration::Seconds(seconds).to_string(),
        };
        Ok(output::record([
            ("token", auth.client_token.expose().clone()),
            ("accessor", output::shown(&auth.accessor)),
            ("policies", output::optional(Some(&auth.policies.join(", ")))),
            ("lives", lifetime),
            ("renewable", auth.renewable.to_string()),
        ]))
    })?;
    Ok(Exit::Done)
}
