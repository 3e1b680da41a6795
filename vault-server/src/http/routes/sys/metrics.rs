//! `sys/metrics`.

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;

pub(in crate::http::routes) async fn read(context: Context) -> Result<Answer, ApiError> {
    // Prometheus' form is the only one, so Vault's `format=prometheus` needs no answer of its own.
    context.fields().ignore(&["format"]);
    let app = &context.app;
    let position = app.barrier.store().position().map(|position| (position.commit, position.records));
    app.metrics.observe(app.barrier.is_sealed(), position, app.mounts.table().unread().count());
    let text = app.metrics.text().map_err(|_| ApiError::Internal)?;
    Ok(Answer::text("application/openmetrics-text; version=1.0.0; charset=utf-8", text))
}
