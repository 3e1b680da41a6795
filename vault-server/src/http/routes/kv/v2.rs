//! Version 2: secrets with versions.

pub(super) mod config;
pub(super) mod data;
pub(super) mod elsewhere;
pub(super) mod metadata;
pub(super) mod versions;

mod shown;

use std::time::Duration;

use vault_core::schedule::span::{self, SPAN_MAX};

use super::exists_by;
use crate::app::App;
use crate::http::context::Request;
use crate::http::error::ApiError;
use crate::http::fields::Fields;

pub(super) fn exists(app: &App, request: &Request) -> Result<bool, ApiError> {
    exists_by(app, request, |app, place| Ok(app.kv.exists(place)?))
}

/// `max_versions`, when it was given.
fn max_versions(fields: &Fields) -> Result<Option<u32>, ApiError> {
    let count = fields.count("max_versions")?;
    Ok(count.map(|count| u32::try_from(count).unwrap_or(u32::MAX)))
}

/// `delete_version_after`, when it was given.
enum After {
    Never,
    Span(Duration),
}

fn delete_version_after(fields: &Fields) -> Result<Option<After>, ApiError> {
    let Some(text) = fields.text("delete_version_after")? else { return Ok(None) };
    if let Some(span) = text.trim().strip_prefix('-') {
        let is_span = span::parse(span).is_ok();
        let never = is_span.then_some(After::Never);
        return never.map(Some).ok_or_else(|| {
            ApiError::invalid(format!(
                "'delete_version_after' must be a duration of at most {}",
                span::format(SPAN_MAX)
            ))
        });
    }
    let span = fields.duration("delete_version_after")?;
    Ok(Some(After::Span(span.unwrap_or_default())))
}
