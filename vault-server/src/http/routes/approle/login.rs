//! `auth/…/login`.

use vault_core::secret::SecretString;

use crate::http::answer::Answer;
use crate::http::context::TokenlessContext;
use crate::http::error::ApiError;
use crate::http::routes::token::auth;
use crate::service::approle::Shown;

pub(super) async fn login(context: TokenlessContext) -> Result<Answer, ApiError> {
    let request = &context.request;
    let role_id = request.fields.text("role_id")?.unwrap_or_default().trim().to_owned();
    if role_id.is_empty() {
        return Err(ApiError::invalid("missing role_id"));
    }
    let secret_id = request.fields.secret("secret_id")?;
    let secret_id = secret_id.map(|text| SecretString::new(text.expose().trim().to_owned()));
    let secret_id = secret_id.filter(|text| !text.expose().is_empty());
    let shown = Shown { role_id, secret_id, from: request.remote.ip() };
    let now = request.now;
    let issued = context.app.approle.login(request.mount()?, &request.path, &shown, now).await?;
    let answer = Answer::auth(auth(&issued.token, issued.plain.expose(), now)?);
    Ok(issued.warnings.into_iter().fold(answer, Answer::warn))
}
