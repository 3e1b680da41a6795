//! `sys/auth`: ways in.

use vault_core::mount::Class;

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;

pub(in crate::http::routes) async fn list(context: Context) -> Result<Answer, ApiError> {
    Ok(super::list(&context, Class::Auth))
}

pub(in crate::http::routes) async fn read(context: Context) -> Result<Answer, ApiError> {
    super::read(&context, Class::Auth)
}

pub(in crate::http::routes) async fn write(context: Context) -> Result<Answer, ApiError> {
    super::write(context, Class::Auth).await
}

pub(in crate::http::routes) async fn disable(context: Context) -> Result<Answer, ApiError> {
    super::disable(context, Class::Auth).await
}
