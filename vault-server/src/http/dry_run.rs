//! Who only wants to look must not be misunderstood: a wish for a dry run that would be passed over is refused before
//! anything is done. Of any other parameter that is not known a warning is enough.

use serde_json::Value;

use super::context::Request;
use super::error::ApiError;
use super::openapi::about::About;
use super::route::Operation;

/// Refuses a wish for a dry run that the handler of `abouts` would not see, or could take for its contrary.
///
/// # Errors
/// [`ApiError::Invalid`] that says how it is asked for.
pub(super) fn check(abouts: &[About], request: &Request) -> Result<(), ApiError> {
    if abouts.is_empty() || matches!(request.operation, Operation::Read | Operation::List) {
        return Ok(());
    }
    if let Some(name) = request.beside.iter().find(|name| is_meant(name)) {
        return Err(refused(format!(
            "'{name}' stands in the query, and a write takes its parameters from its body"
        )));
    }
    let is_taken = abouts.iter().any(|about| about.parameters().any(|field| field.name == NAME));
    let is_known = |name: &str| abouts.iter().any(|about| about.knows(name));
    if let Some(name) = request.fields.names().iter().find(|name| is_meant(name) && !is_known(name)) {
        return Err(refused(match is_taken {
            true => format!("'{name}' is not known here: it is called '{NAME}'"),
            false => format!("'{name}' is not known here: this has no dry run"),
        }));
    }
    if !is_taken {
        return Ok(());
    }
    if request.fields.has_twice_dry_run() {
        return Err(refused(format!("'{NAME}' stands there twice")));
    }
    match request.fields.object().get(NAME) {
        Some(Value::Null) => Err(refused(format!("'{NAME}' must be true or false"))),
        Some(Value::String(text)) if text.is_empty() => {
            Err(refused(format!("'{NAME}' must be true or false")))
        }
        _ => Ok(()),
    }
}

/// Whether `name` is how somebody may write it.
fn is_meant(name: &str) -> bool {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    letters.map(|letter| letter.to_ascii_lowercase()).eq("dryrun".chars())
}

fn refused(why: String) -> ApiError {
    ApiError::invalid(format!("{why}; nothing was done"))
}

const NAME: &str = "dry_run";
