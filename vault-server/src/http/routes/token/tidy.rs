//! `auth/token/tidy`.

use std::sync::Arc;

use axum::http::StatusCode;

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;

/// Begins to end what is due; it goes on after the answer.
pub(in crate::http::routes) async fn start(context: Context) -> Result<Answer, ApiError> {
    let (app, now) = (Arc::clone(&context.app), context.now());
    context.app.shutdown.spawn(async move {
        match app.tokens.sweep(now).await {
            Ok(ended) => tracing::info!(ended, "tokens were tidied"),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "tokens could not be tidied")
            }
        }
    });
    Ok(Answer::nothing().warn(STARTED).with_status(StatusCode::ACCEPTED))
}

const STARTED: &str = "Tidy operation successfully started. Any information from the operation will be printed \
                       to the server's logs.";
