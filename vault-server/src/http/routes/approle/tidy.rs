//! `auth/…/tidy/secret-id`.

use std::sync::Arc;

use axum::http::StatusCode;

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;

/// Begins to take away what is of no use any more; it goes on after the answer.
pub(super) async fn start(context: Context) -> Result<Answer, ApiError> {
    let (app, mount) = (Arc::clone(&context.app), Arc::clone(context.request.mount()?));
    let now = context.now();
    context.app.shutdown.spawn(async move {
        match app.approle.tidy(&mount, now).await {
            Ok(removed) => tracing::info!(removed, mount = %mount.path, "secret ids were tidied"),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "secret ids could not be tidied");
            }
        }
    });
    Ok(Answer::nothing().warn(STARTED).with_status(StatusCode::ACCEPTED))
}

const STARTED: &str = "Tidy operation successfully started. Any information from the operation will be printed \
                       to the server's logs.";
