//! Paths that version 2 does not have: mostly a client that takes the mount for one of version 1.

use serde_json::Value;

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::http::route::Operation;

/// 404 with a hint, or 405 for a path that is there with another operation.
pub(in crate::http::routes::kv) async fn answer(context: Context) -> Result<Answer, ApiError> {
    let rest = context.request.captures.get("rest").map(String::as_str).unwrap_or_default();
    let (first, below) = rest.split_once('/').unwrap_or((rest, ""));
    let is_known = match first {
        "config" => below.is_empty(),
        "data" | "delete" | "undelete" | "destroy" | "metadata" | "subkeys" => !below.is_empty(),
        _ => false,
    };
    if is_known {
        return Err(ApiError::UnsupportedOperation);
    }
    let warning = match rest {
        "metadata" | "data" | "delete" | "undelete" | "destroy" => {
            "Non-listing operations on the root of a K/V v2 mount are not supported.".to_owned()
        }
        _ => format!(
            "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API \
             endpoints to use. If using the Vault CLI, use 'vault kv {}' for this operation.",
            word(context.request.operation)
        ),
    };
    Err(ApiError::NotFoundWith { data: Value::Null, warnings: vec![warning] })
}

fn word(operation: Operation) -> &'static str {
    match operation {
        Operation::Read => "get",
        Operation::List => "list",
        Operation::Write => "put",
        Operation::Patch => "patch",
        Operation::Delete => "delete",
    }
}
