//! `auth/…/login/NAME`.

use crate::http::answer::Answer;
use crate::http::context::TokenlessContext;
use crate::http::error::ApiError;
use crate::http::routes::token::auth;

pub(super) async fn login(context: TokenlessContext) -> Result<Answer, ApiError> {
    let request = &context.request;
    // Some clients send the name in the body, too.
    request.fields.ignore(&["username"]);
    let name = request.part("name")?.to_lowercase();
    let password = request.fields.secret("password")?.filter(|password| !password.expose().is_empty());
    let password = password.ok_or_else(|| ApiError::invalid("missing password"))?;
    let (mount, from, now) = (request.mount()?, request.remote.ip(), request.now);
    let issued = context.app.userpass.login(mount, &request.path, &name, &password, from, now).await?;
    let answer = Answer::auth(auth(&issued.token, issued.plain.expose(), now)?);
    Ok(issued.warnings.into_iter().fold(answer, Answer::warn))
}
