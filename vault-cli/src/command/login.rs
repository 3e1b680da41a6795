//! `rotunda login`.

use vault_api::token::TokenInfo;

use super::Session;
use crate::{
    args::token::LoginArgs,
    client::{Request, token_store},
    failure::{Exit, Failure},
    input::secret,
    output,
};

/// Checks a token with the server before it takes the stored one's place.
pub(super) async fn run(args: &LoginArgs, session: &mut Session) -> Result<Exit, Failure> {
    let token = secret::given(args.given.as_ref(), "token", &mut session.console)?;
    session.client = session.client.acting_as(token.clone());
    let answer = session.ask("checking the token", Request::get("auth/token/lookup-self")).await?;
    let info: TokenInfo = answer.read_data()?;
    if !args.no_store {
        let home = session.home.as_deref().ok_or_else(|| {
            Failure::usage("HOME is not set, so there is no place for the token")
                .with_hint("--no-store only checks it")
        })?;
        let path = token_store::write(home, &token)?;
        session.console.note(&format!("stored in {}", path.display()));
        if std::env::var_os("VAULT_TOKEN").is_some_and(|set| !set.is_empty()) {
            session.console.warning("VAULT_TOKEN is set and goes before the stored token: unset it");
        }
    }
    session.show(&answer, |_, _| Ok(summary(&info)))?;
    Ok(Exit::Done)
}

fn summary(info: &TokenInfo) -> String {
    output::record([
        ("name", output::optional(Some(&info.display_name))),
        ("accessor", output::optional(Some(&info.accessor))),
        ("policies", output::optional(Some(&info.policies.join(", ")))),
        ("expires", info.expire_time.as_deref().map_or_else(|| "never".to_owned(), output::shown)),
    ])
}
