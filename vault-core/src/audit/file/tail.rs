//! Finds where a file's chain ends, reading backwards from its end.
//!
//! Start-up must not grow with the trail, so only as much is read as it takes to find the last whole line.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::super::head::Head;
use super::super::line::{self, LINE_BYTES_MAX, LineHash};

/// The end of a file's chain.
#[derive(Debug)]
pub(super) struct Tail {
    /// The last line whose hash fits.
    pub(super) head: Head,
    /// That line lacks its line feed: all of it was written but for the last byte.
    pub(super) unterminated: bool,
    /// What stands behind it and is no line: the rest of a write that was cut short.
    pub(super) torn: Option<Torn>,
}

/// Bytes that are no line of the chain.
#[derive(Debug)]
pub(super) struct Torn {
    pub(super) bytes: u64,
    pub(super) sha256: LineHash,
}

/// Reads the end of `file`, which is `length` bytes long; `None` when no line is found within the last
/// [`TAIL_BYTES_MAX`] bytes.
///
/// # Errors
/// What the file system reports.
pub(super) fn read(file: &File, length: u64) -> io::Result<Option<Tail>> {
    let mut wanted = FIRST_READ;
    loop {
        let size = length.min(wanted);
        let start = length - size;
        let mut window = vec![0; usize::try_from(size).map_err(io::Error::other)?];
        file.read_exact_at(&mut window, start)?;
        if let Some(tail) = find(&window, start == 0) {
            return Ok(Some(tail));
        }
        if start == 0 || wanted >= TAIL_BYTES_MAX {
            return Ok(None);
        }
        wanted = wanted.saturating_mul(8).min(TAIL_BYTES_MAX);
    }
}

/// Looks for the last line in `window`; its first segment counts only `from_start` of the file, for
/// otherwise it may be the rest of a longer line.
fn find(window: &[u8], from_start: bool) -> Option<Tail> {
    let mut end = window.len();
    loop {
        let before = window.get(..end)?;
        let start = before.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1);
        if start.is_none() && !from_start {
            return None;
        }
        let start = start.unwrap_or(0);
        if let Some(found) = line::read(window.get(start..end)?) {
            let rest = window.get(end + 1..);
            let torn = rest.filter(|rest| !rest.is_empty()).map(|rest| Torn {
                bytes: u64::try_from(rest.len()).unwrap_or(u64::MAX),
                sha256: LineHash::of(rest),
            });
            return Some(Tail { head: found.at, unterminated: rest.is_none(), torn });
        }
        end = start.checked_sub(1)?;
    }
}

const FIRST_READ: u64 = 64 << 10;

/// Room for a torn line and a whole one, each of the greatest length, and then some garbage.
const TAIL_BYTES_MAX: u64 = 4 * LINE_BYTES_MAX as u64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    fn lines(count: usize, body_bytes: usize) -> (Vec<u8>, Head) {
        let body = format!("\"system\":{{\"event\":\"{}\"}}", "x".repeat(body_bytes));
        let mut out = Vec::new();
        let mut head = Head::GENESIS;
        for _ in 0..count {
            head = line::compose(&mut out, head, Timestamp::EPOCH, "system", &body);
        }
        (out, head)
    }

    fn tail_of(bytes: &[u8]) -> Option<Tail> {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(bytes, 0).unwrap();
        read(&file, u64::try_from(bytes.len()).unwrap()).unwrap()
    }

    #[test]
    fn the_last_line_is_found_behind_lines_longer_than_the_first_read() {
        for (count, body_bytes) in [(1, 10), (500, 300), (3, 100_000), (1, 700_000)] {
            let (bytes, head) = lines(count, body_bytes);
            let tail = tail_of(&bytes).unwrap();
            assert_eq!(tail.head, head);
            assert!(!tail.unterminated && tail.torn.is_none());
        }
    }

    #[test]
    fn whatever_follows_the_last_line_is_torn() {
        let (bytes, head) = lines(3, 10);
        for rest in [&b"{\"seq\":4,\"ti"[..], b"\n", b"\0\0\0", b"a\nb\n", &[b'x'; 200_000]] {
            let tail = tail_of(&[&bytes, rest].concat()).unwrap();
            let torn = tail.torn.unwrap();
            assert_eq!((tail.head, torn.bytes), (head, rest.len() as u64));
            assert_eq!(torn.sha256, LineHash::of(rest));
            assert!(!tail.unterminated);
        }
    }

    #[test]
    fn a_line_that_lacks_only_its_line_feed_counts_as_whole() {
        let (bytes, head) = lines(3, 10);
        let tail = tail_of(&bytes[..bytes.len() - 1]).unwrap();
        assert_eq!(tail.head, head);
        assert!(tail.unterminated && tail.torn.is_none());
    }

    #[test]
    fn a_file_without_any_line_has_no_tail() {
        for bytes in [&b""[..], b"\n", b"root:x:0:0", b"a\nb\nc\n"] {
            assert!(tail_of(bytes).is_none());
        }
    }
}
