//! What a request can end in besides an answer, as the document tells it. [`ApiError`](crate::http::ApiError) is
//! where the statuses come from.

use serde_json::{Map, Value, json};

use crate::http::route::{Operation, Route};

/// Every status of an error, with its name and meaning.
const STATUSES: [(u16, &str, &str); 13] = [
    (400, "BadRequest", "A parameter is missing or wrong; the sentence says what to mend."),
    (
        403,
        "Forbidden",
        "No token, one that ended, or one whose policies do not allow it; or a web page of an origin that is not allowed.",
    ),
    (404, "NotFound", "Nothing is there."),
    (405, "MethodNotAllowed", "The path is there, but not with this operation."),
    (409, "Conflict", "The state of the thing forbids it now."),
    (412, "PreconditionFailed", "What the request took for given does not hold."),
    (413, "TooLarge", "The body is too large."),
    (415, "UnsupportedMediaType", "A PATCH without its content type."),
    (429, "TooManyRequests", "Too many requests, or too many of something are open."),
    (500, "InternalError", "A fault of the vault's own; its log has the details under the request's id."),
    (502, "TargetFailed", "The target refused or did not answer; the vault is well."),
    (503, "Unavailable", "Sealed, or not now; the sentence says why."),
    (0, "Failed", "Any other error."),
];

/// The statuses that a line can fail with.
pub(super) fn statuses(route: &Route, further: &[u16]) -> Vec<u16> {
    let mut all = vec![400, 403, 404, 405, 413, 429, 500, 503];
    if route.operation == Operation::Patch {
        all.push(415);
    }
    all.extend(further);
    all.sort_unstable();
    all.dedup();
    all
}

/// A reference to what is told of a status.
pub(super) fn response(status: u16) -> Value {
    let known = STATUSES.iter().find(|(number, ..)| *number == status);
    let name = known.map_or("Failed", |(_, name, _)| name);
    json!({ "$ref": format!("#/components/responses/{name}") })
}

/// What the references lead to.
pub(super) fn responses() -> Map<String, Value> {
    let one = |(_, name, about): (u16, &str, &str)| {
        let content = json!({ "application/json": { "schema": { "$ref": ERROR } } });
        (name.to_owned(), json!({ "description": about, "content": content }))
    };
    STATUSES.into_iter().map(one).collect()
}

/// The body of every error.
pub(super) fn schema() -> Value {
    json!({
        "type": "object",
        "description": "Why a request was not carried out.",
        "required": ["errors"],
        "properties": {
            "errors": {
                "type": "array",
                "items": { "type": "string" },
                "description": "Sentences; none when nothing is there.",
            },
            "data": {
                "type": "object",
                "description": "What a program needs to go on: the class of a failure, a holder, a place in line.",
            },
        },
    })
}

pub(super) const ERROR: &str = "#/components/schemas/Error";
