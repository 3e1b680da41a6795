//! Cuts the byte stream of a PostgreSQL connection into its messages.

use tokio::io::{AsyncRead, AsyncReadExt};

/// One message, with its type byte and length as they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// The whole message.
    pub(super) bytes: Vec<u8>,
    /// The type byte; zero for a start-up packet, which has none.
    pub(super) kind: u8,
}

impl Frame {
    /// What follows type and length.
    pub(super) fn body(&self) -> &[u8] {
        let head = if self.kind == 0 { 4 } else { 5 };
        self.bytes.get(head..).unwrap_or_default()
    }

    /// The SQL text of a simple query or of a Parse message.
    pub(super) fn statement(&self) -> Option<String> {
        let text = match self.kind {
            b'Q' => self.body(),
            b'P' => {
                let name = self.body().iter().position(|byte| *byte == 0)?;
                self.body().get(name + 1..)?
            }
            _ => return None,
        };
        let end = text.iter().position(|byte| *byte == 0)?;
        Some(String::from_utf8_lossy(text.get(..end)?).into_owned())
    }
}

/// Reads messages; keeps what has come of the next one, so it may be cancelled between any two bytes.
#[derive(Debug)]
pub(super) struct FrameReader<R> {
    inner: R,
    buffer: Vec<u8>,
    /// Start-up packets have no type byte; they end with the first that is no request for encryption.
    typed: bool,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    /// For the client's side, which begins with start-up packets.
    pub(super) fn untyped(inner: R) -> Self {
        Self { inner, buffer: Vec::new(), typed: false }
    }

    /// For the server's side.
    pub(super) fn typed(inner: R) -> Self {
        Self { inner, buffer: Vec::new(), typed: true }
    }

    /// The next message; `None` when the stream ended or makes no sense.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        loop {
            match cut(&mut self.buffer, self.typed) {
                Cut::Whole(frame) => {
                    if frame.kind == 0 && !frame.asks_for_encryption() {
                        self.typed = true;
                    }
                    return Some(frame);
                }
                Cut::Broken => return None,
                Cut::More => {}
            }
            let mut chunk = [0; 4096];
            let count = self.inner.read(&mut chunk).await.ok()?;
            if count == 0 {
                return None;
            }
            self.buffer.extend_from_slice(chunk.get(..count)?);
        }
    }
}

impl Frame {
    /// Whether this is `SSLRequest` or `GSSENCRequest`.
    pub(super) fn asks_for_encryption(&self) -> bool {
        self.kind == 0 && [SSL_REQUEST, GSSENC_REQUEST].iter().any(|code| self.body() == code.to_be_bytes())
    }

    /// Whether this is `CancelRequest`.
    pub(super) fn asks_for_cancel(&self) -> bool {
        self.kind == 0 && self.body().starts_with(&CANCEL_REQUEST.to_be_bytes())
    }
}

enum Cut {
    Whole(Frame),
    More,
    Broken,
}

fn cut(buffer: &mut Vec<u8>, typed: bool) -> Cut {
    let head = usize::from(typed);
    let Some(length) =
        buffer.get(head..head + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes)
    else {
        return Cut::More;
    };
    let Some(total) = usize::try_from(length).ok().filter(|length| (4..=FRAME_BYTES_MAX).contains(length))
    else {
        return Cut::Broken;
    };
    let total = total + head;
    if buffer.len() < total {
        return Cut::More;
    }
    let rest = buffer.split_off(total);
    let bytes = std::mem::replace(buffer, rest);
    let kind = if typed { bytes.first().copied().unwrap_or_default() } else { 0 };
    Cut::Whole(Frame { bytes, kind })
}

const SSL_REQUEST: u32 = 80_877_103;
const GSSENC_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;
/// Longest message taken, in bytes; tests send small ones.
const FRAME_BYTES_MAX: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_are_cut_wherever_the_bytes_were_split() {
        let mut stream = vec![0, 0, 0, 8];
        stream.extend(SSL_REQUEST.to_be_bytes());
        stream.extend([0, 0, 0, 9, 0, 3, 0, 0, 0]);
        stream.extend(b"Q\0\0\0\x0dSELECT 1\0");
        stream.extend(b"P\0\0\0\x10s1\0SELECT 2\0");
        for split in 0..stream.len() {
            let (first, second) = stream.split_at(split);
            let mut reader = FrameReader::untyped(first.chain(second));
            assert!(reader.next().await.unwrap().asks_for_encryption());
            assert_eq!(reader.next().await.unwrap().kind, 0);
            assert_eq!(reader.next().await.unwrap().statement().as_deref(), Some("SELECT 1"));
            assert_eq!(reader.next().await.unwrap().statement().as_deref(), Some("SELECT 2"));
            assert_eq!(reader.next().await, None);
        }
    }

    #[tokio::test]
    async fn a_senseless_length_ends_the_stream() {
        let mut reader = FrameReader::typed(&b"Q\0\0\0\x01"[..]);
        assert_eq!(reader.next().await, None);
    }
}
