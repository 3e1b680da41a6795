//! Answers of a Redis server, taken out of the bytes it sends; pure.
//!
//! RESP version 2 (Redis documentation, "Redis serialization protocol specification"). Whatever a server
//! sends, the sizes that it announces are bounded before anything is made of them.

use std::fmt;

/// One answer.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// A simple or a bulk string. Bytes that are no UTF-8 are replaced.
    Text(String),
    /// The server refused, in these words. They may repeat what was sent, a hash of a password even, so
    /// they are never shown.
    Refusal(String),
    /// A number.
    Number(i64),
    /// Several answers.
    List(Vec<Reply>),
    /// There is no such thing.
    Nothing,
}

/// The server does not speak this protocol, or sends more than any answer needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no answer of a Redis server")]
pub struct Malformed;

impl Reply {
    /// Takes the first answer from the front of `bytes`, and says how many of them it had; `None` when some
    /// of it has not come yet.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Malformed> {
        let mut reader = Reader { bytes, at: 0 };
        Ok(reader.reply(DEPTH_MAX)?.map(|reply| (reply, reader.at)))
    }

    /// The text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Refusal(_) | Self::Number(_) | Self::List(_) | Self::Nothing => None,
        }
    }

    /// The parts of a list; none of anything else.
    #[must_use]
    pub fn parts(&self) -> &[Self] {
        match self {
            Self::List(parts) => parts,
            Self::Text(_) | Self::Refusal(_) | Self::Number(_) | Self::Nothing => &[],
        }
    }

    /// The value that follows `name` in a list of names and values.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Self> {
        self.parts().chunks_exact(2).find_map(|pair| match pair {
            [key, value] if key.text() == Some(name) => Some(value),
            _ => None,
        })
    }
}

// Answers can hold hashes of passwords.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(..)",
            Self::Refusal(_) => "Refusal(..)",
            Self::Number(_) => "Number(..)",
            Self::List(_) => "List(..)",
            Self::Nothing => "Nothing",
        })
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn reply(&mut self, depth: u32) -> Result<Option<Reply>, Malformed> {
        let Some(line) = self.line()? else { return Ok(None) };
        let (kind, rest) = line.split_first().ok_or(Malformed)?;
        let text = std::str::from_utf8(rest);
        let number = || text.ok().and_then(|text| text.parse::<i64>().ok()).ok_or(Malformed);
        match kind {
            b'+' => Ok(Some(Reply::Text(String::from_utf8_lossy(rest).into_owned()))),
            b'-' => Ok(Some(Reply::Refusal(String::from_utf8_lossy(rest).into_owned()))),
            b':' => Ok(Some(Reply::Number(number()?))),
            b'$' => self.bulk(number()?),
            b'*' => self.list(number()?, depth),
            _ => Err(Malformed),
        }
    }

    /// What stands before the next line end, which is passed.
    fn line(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let window = rest.get(..LINE_BYTES_MAX).unwrap_or(rest);
        match window.windows(2).position(|pair| pair == b"\r\n") {
            Some(end) => {
                self.at += end + 2;
                Ok(rest.get(..end))
            }
            None if window.len() == LINE_BYTES_MAX => Err(Malformed),
            None => Ok(None),
        }
    }

    fn bulk(&mut self, length: i64) -> Result<Option<Reply>, Malformed> {
        if length == -1 {
            return Ok(Some(Reply::Nothing));
        }
        let length =
            usize::try_from(length).ok().filter(|length| *length <= BULK_BYTES_MAX).ok_or(Malformed)?;
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let (Some(text), Some(end)) = (rest.get(..length), rest.get(length..length + 2)) else {
            return Ok(None);
        };
        if end != b"\r\n" {
            return Err(Malformed);
        }
        self.at += length + 2;
        Ok(Some(Reply::Text(String::from_utf8_lossy(text).into_owned())))
    }

    fn list(&mut self, length: i64, depth: u32) -> Result<Option<Reply>, Malformed> {
        if length == -1 {
            return Ok(Some(Reply::Nothing));
        }
        let deeper = depth.checked_sub(1).ok_or(Malformed)?;
        let length =
            usize::try_from(length).ok().filter(|length| *length <= LIST_PARTS_MAX).ok_or(Malformed)?;
        let mut parts = Vec::new();
        for _ in 0..length {
            let Some(part) = self.reply(deeper)? else { return Ok(None) };
            parts.push(part);
        }
        Ok(Some(Reply::List(parts)))
    }
}

/// The longest line: a status, a number or an error.
const LINE_BYTES_MAX: usize = 64 * 1024;
/// The longest text: `CLIENT LIST` of a server with a hundred thousand connections.
pub(super) const BULK_BYTES_MAX: usize = 64 * 1024 * 1024;
const LIST_PARTS_MAX: usize = 1024 * 1024;
/// `ACL GETUSER` has selectors in a list in a list.
const DEPTH_MAX: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Reply {
        Reply::Text(text.to_owned())
    }

    #[test]
    fn each_kind_is_read_and_what_follows_it_is_left() {
        for (bytes, want) in [
            ("+OK\r\n", text("OK")),
            ("-NOPERM no\r\n", Reply::Refusal("NOPERM no".to_owned())),
            (":-7\r\n", Reply::Number(-7)),
            ("$4\r\na\r\nb\r\n", text("a\r\nb")),
            ("$0\r\n\r\n", text("")),
            ("$-1\r\n", Reply::Nothing),
            ("*-1\r\n", Reply::Nothing),
            ("*0\r\n", Reply::List(Vec::new())),
            (
                "*2\r\n$1\r\na\r\n*1\r\n:1\r\n",
                Reply::List(vec![text("a"), Reply::List(vec![Reply::Number(1)])]),
            ),
        ] {
            let (found, used) = Reply::parse(format!("{bytes}+next\r\n").as_bytes()).unwrap().unwrap();
            assert!(found == want && used == bytes.len(), "{bytes:?}");
            for cut in 0..bytes.len() {
                assert!(Reply::parse(&bytes.as_bytes()[..cut]).unwrap().is_none(), "{bytes:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn nonsense_and_giants_are_refused() {
        let deep = "*1\r\n".repeat(7);
        let long = format!("+{}", "x".repeat(LINE_BYTES_MAX));
        for bytes in [
            "HTTP/1.1 400\r\n",
            "\r\n",
            ":x\r\n",
            "$-2\r\n",
            "*-2\r\n",
            "$99999999999\r\n",
            "*99999999\r\n",
            "$1\r\nabc",
            &deep,
            &long,
        ] {
            assert!(Reply::parse(bytes.as_bytes()).is_err(), "{bytes:.20?}");
        }
    }

    #[test]
    fn an_answer_never_shows_itself() {
        let shown = format!("{:?}", [text("hunter2"), Reply::Refusal("hunter2".to_owned())]);
        assert!(!shown.contains("hunter2"));
    }
}
