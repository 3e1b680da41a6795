//! `sys/internal/specs/openapi`: what is answered here, as a document for programs.
//!
//! As with lists of mounts no policy is asked about the path itself: a token sees what its policies reach, and
//! without one the document has no paths.

use crate::http::answer::Answer;
use crate::http::context::TokenlessContext;
use crate::http::error::ApiError;
use crate::http::openapi::{Wish, document};
use crate::http::router::Router;
use crate::http::routes::mount::visible;

pub(in crate::http::routes) async fn read(context: TokenlessContext) -> Result<Answer, ApiError> {
    let wish = Wish::of(&context.request.fields)?;
    let acl = visible::acl(&context).await.ok();
    let sees = |place: &str| acl.as_ref().is_some_and(|acl| acl.reaches(place));
    let document = document(&Router::new(), &context.app.mounts.table(), &wish, &sees);
    // As text: nothing in it is secret, and the audit file need not hold a digest of each of its words.
    Ok(Answer::text("application/json", document.to_string()))
}
