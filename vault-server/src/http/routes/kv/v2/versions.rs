//! `delete/<path>`, `undelete/<path>` and `destroy/<path>`: named versions.

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::http::fields::Fields;
use crate::http::routes::kv::Target;

pub(in crate::http::routes::kv) async fn delete(context: Context) -> Result<Answer, ApiError> {
    let target = Target::of(&context.request)?;
    let numbers = numbers(context.fields(), "No version number provided")?;
    context.app.kv.delete(target.place(), Some(&numbers), context.now()).await?;
    Ok(Answer::nothing())
}

pub(in crate::http::routes::kv) async fn undelete(context: Context) -> Result<Answer, ApiError> {
    let target = Target::of(&context.request)?;
    let numbers = numbers(context.fields(), "No version number provided")?;
    context.app.kv.undelete(target.place(), &numbers, context.now()).await?;
    Ok(Answer::nothing())
}

pub(in crate::http::routes::kv) async fn destroy(context: Context) -> Result<Answer, ApiError> {
    let target = Target::of(&context.request)?;
    let numbers = numbers(context.fields(), "no version number provided")?;
    context.app.kv.destroy(target.place(), &numbers).await?;
    Ok(Answer::nothing())
}

/// Numbers, texts of numbers, or one text with commas.
fn numbers(fields: &Fields, missing: &str) -> Result<Vec<u64>, ApiError> {
    let texts = fields.comma_list("versions")?.unwrap_or_default();
    if texts.is_empty() {
        return Err(ApiError::invalid(missing));
    }
    let number = |text: &String| {
        text.trim()
            .parse()
            .map_err(|_| ApiError::invalid("'versions' must be numbers of versions, such as [1, 2]"))
    };
    texts.iter().map(number).collect()
}
