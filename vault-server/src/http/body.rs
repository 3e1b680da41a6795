//! The body of a request, up to a limit.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};

use super::error::ApiError;

/// The whole body.
///
/// # Errors
/// [`ApiError::TooLarge`] for one of more than `limit` bytes; [`ApiError::Invalid`] when the client did not send all
/// of it.
pub(super) async fn read(mut body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let announced = body.size_hint().lower();
    if announced > limit as u64 {
        drain(body).await;
        return Err(ApiError::TooLarge(limit));
    }
    let mut taken = Vec::new();
    while let Some(data) = next(&mut body).await {
        let data = data.map_err(|_| ApiError::invalid("the request body could not be read"))?;
        if taken.len() + data.len() > limit {
            drain(body).await;
            return Err(ApiError::TooLarge(limit));
        }
        if taken.is_empty() && body.is_end_stream() {
            return Ok(data);
        }
        if taken.is_empty() {
            // All that was announced, so that a growing buffer leaves no copies of secrets behind.
            taken.reserve_exact(usize::try_from(announced).unwrap_or(0).max(data.len()));
        }
        taken.extend_from_slice(&data);
    }
    Ok(taken.into())
}

/// The next piece; trailers say nothing here.
async fn next(body: &mut Body) -> Option<Result<Bytes, axum::Error>> {
    let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await?;
    Some(frame.map(|frame| frame.into_data().unwrap_or_default()))
}

/// Takes in what is not wanted and forgets it: an answer to who is still sending, on a connection that is then
/// closed, would be lost on its way. Whoever sends for very long is not waited for.
async fn drain(mut body: Body) {
    let all = async {
        let mut left = DRAINED_BYTES_MAX;
        while let Some(Ok(data)) = next(&mut body).await {
            left = match left.checked_sub(data.len()) {
                Some(left) => left,
                None => return,
            };
        }
    };
    // Over or not: nobody needs to know.
    let _ = tokio::time::timeout(DRAIN_MAX, all).await;
}

/// How much of a body that is too large is taken in for the sake of the answer: twice the limit that holds unless
/// another is configured.
const DRAINED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// And for how long.
const DRAIN_MAX: Duration = Duration::from_secs(10);
