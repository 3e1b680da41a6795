//! Server-sent events: a body that is written as things happen, and ends when its task does.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::Frame;
use tokio::sync::mpsc;

/// Where events are put; dropping it ends the body.
pub(crate) struct EventSender(mpsc::Sender<Bytes>);

/// The client reads slower than events come, or is gone.
#[derive(Debug)]
pub(crate) struct CutOff;

/// A body, and where its events are put. `held` is kept until the connection is done with the body, so what
/// is bounded by it stays bounded when a client does not read.
pub(super) fn channel<T: Send + Sync + 'static>(held: Arc<T>) -> (EventSender, Body) {
    let (sender, receiver) = mpsc::channel(BACKLOG);
    (EventSender(sender), Body::new(EventBody { receiver, _held: held }))
}

impl EventSender {
    /// Puts an event into the body, without waiting.
    ///
    /// # Errors
    /// [`CutOff`] when the client has not taken those before.
    pub(crate) fn event(&self, name: &str, id: Option<u64>, data: &str) -> Result<(), CutOff> {
        let id = id.map_or(String::new(), |id| format!("id: {id}\n"));
        self.put(format!("event: {name}\n{id}data: {data}\n\n"))
    }

    /// Tells the client when to come back after the body has ended: `retry` in milliseconds.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    pub(crate) fn greet(&self, retry: u64) -> Result<(), CutOff> {
        self.put(format!("retry: {retry}\n\n"))
    }

    /// Puts a comment into the body, which clients skip, so that nobody on the way takes the connection for dead.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    pub(crate) fn keep_alive(&self) -> Result<(), CutOff> {
        self.put(":\n\n".to_owned())
    }

    /// Ends when the client is gone.
    pub(crate) async fn gone(&self) {
        self.0.closed().await;
    }

    fn put(&self, text: String) -> Result<(), CutOff> {
        self.0.try_send(Bytes::from(text)).map_err(|_| CutOff)
    }
}

struct EventBody<T> {
    receiver: mpsc::Receiver<Bytes>,
    _held: Arc<T>,
}

impl<T: Send + Sync + 'static> HttpBody for EventBody<T> {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let next = self.get_mut().receiver.poll_recv(context);
        next.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// Events that wait for a slow client; with one more it is cut off.
const BACKLOG: usize = 16;
