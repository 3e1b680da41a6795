//! Splits a file into lines with bounded memory.

use std::io::{self, BufRead, Read};

use super::super::line::LINE_BYTES_MAX;

/// A stretch of the file.
pub(super) enum Text<'a> {
    /// A line, without its line feed.
    Whole(&'a [u8]),
    /// A part of a line that is longer than any of ours may be; the last part has the line feed cut off.
    Part { bytes: &'a [u8], is_last: bool },
    /// The last bytes of the file, without a line feed behind them.
    Unterminated(&'a [u8]),
}

/// Reads one stretch after the other.
pub(super) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    is_inside: bool,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), is_inside: false }
    }

    /// The next stretch, or `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Text<'_>>> {
        self.buffer.clear();
        let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
        (&mut self.reader).take(limit).read_until(b'\n', &mut self.buffer)?;
        let was_inside = std::mem::replace(&mut self.is_inside, false);
        let bytes = self.buffer.as_slice();
        if let Some(bytes) = bytes.strip_suffix(b"\n") {
            return Ok(Some(if was_inside {
                Text::Part { bytes, is_last: true }
            } else {
                Text::Whole(bytes)
            }));
        }
        if bytes.len() >= LINE_BYTES_MAX {
            self.is_inside = true;
            return Ok(Some(Text::Part { bytes, is_last: false }));
        }
        Ok((was_inside || !bytes.is_empty()).then_some(Text::Unterminated(bytes)))
    }
}
