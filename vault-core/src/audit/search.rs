//! Looks for lines of a trail, from its newest on, in bounded memory and a bounded number of bytes.
//!
//! ```text
//!   … line n-3 │ line n-2 │ line n-1 │ line n │        read backwards, a block at a time
//!                         ◄───────── from here, or from where the last search ended
//! ```
//!
//! It reads what is there and proves nothing: that lines are whole and in order is what [`verify`](mod@super::verify) shows.

use std::io::{Read, Seek, SeekFrom};

use serde_json::Value;

use crate::clock::Timestamp;

/// What is looked for; what is not said fits everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// `request`, `response`, `system` or `chain`.
    pub kind: Option<String>,
    /// The end of a path, from a slash on or whole: `db/app` finds `accounts/check-out/db/app`.
    pub path: Option<String>,
    /// Part of the name of who asked, in any case of letters.
    pub principal: Option<String>,
    /// `read`, `update`, …; or the word of an act of the vault itself.
    pub operation: Option<String>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Included.
    pub from: Option<Timestamp>,
    /// Excluded.
    pub to: Option<Timestamp>,
    /// A digest that occurs anywhere in the line.
    pub digest: Option<String>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered, and not with an error.
    Succeeded,
    /// It was refused, or failed.
    Failed,
}

/// How much one search may cost.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Lines that are found.
    pub lines: usize,
    /// Bytes that are read.
    pub bytes: u64,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The lines that fit, as they are written, the newest first.
    pub lines: Vec<String>,
    /// From where to go on; `None` at the beginning of the file.
    pub next: Option<u64>,
    /// Lines that were looked at.
    pub looked_at: u64,
    /// What is no line, or is longer than any.
    pub unreadable: u64,
}

impl Query {
    /// Whether a line fits; `text` is its text.
    #[must_use]
    pub fn fits(&self, line: &Value, text: &str) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        let at = |pointer: &str| line.pointer(pointer).and_then(Value::as_str);
        let path = at("/request/path").or_else(|| at("/system/path"));
        let operation = at("/request/operation").or_else(|| at("/system/event"));
        is(&self.kind, at("/type"))
            && is(&self.operation, operation)
            && self.path.as_deref().is_none_or(|wanted| path.is_some_and(|path| is_at(path, wanted)))
            && self.principal.as_deref().is_none_or(|wanted| names(at("/auth/display_name"), wanted))
            && self.outcome.is_none_or(|wanted| outcome(line) == Some(wanted))
            && self.digest.as_deref().is_none_or(|wanted| text.contains(wanted))
            && self.is_in_time(at("/time"))
    }

    fn is_in_time(&self, time: Option<&str>) -> bool {
        if self.from.is_none() && self.to.is_none() {
            return true;
        }
        let Some(time) = time.and_then(Timestamp::parse_rfc3339) else { return false };
        self.from.is_none_or(|from| from <= time) && self.to.is_none_or(|to| time < to)
    }
}

/// Whether `path` is `wanted` or ends with it after a slash.
fn is_at(path: &str, wanted: &str) -> bool {
    let (path, wanted) = (path.trim_end_matches('/'), wanted.trim_matches('/'));
    path == wanted || path.strip_suffix(wanted).is_some_and(|before| before.ends_with('/'))
}

fn names(name: Option<&str>, wanted: &str) -> bool {
    name.is_some_and(|name| name.to_lowercase().contains(&wanted.to_lowercase()))
}

/// How the request of a line ended, as far as the line tells: that of a request that goes on tells nothing.
#[must_use]
pub fn outcome(line: &Value) -> Option<Outcome> {
    let status = line.pointer("/response/status").and_then(Value::as_u64);
    match (line.get("error"), status) {
        (Some(_), _) => Some(Outcome::Failed),
        (None, Some(status)) if status >= 400 => Some(Outcome::Failed),
        (None, Some(_)) => Some(Outcome::Succeeded),
        (None, None) if line.get("system").is_some() => Some(Outcome::Succeeded),
        (None, None) => None,
    }
}

/// Looks from `before` on towards the beginning; `None` is the end of the file.
///
/// # Errors
/// What the file says.
pub fn search(
    file: &mut (impl Read + Seek),
    before: Option<u64>,
    query: &Query,
    bounds: Bounds,
) -> std::io::Result<Found> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut found = Found::default();
    let mut back = Backwards { at: before.unwrap_or(end).min(end), held: Vec::new(), is_skipping: false };
    let first = back.at;
    loop {
        let Some((begin, text)) = back.line(file)? else {
            found.next = None;
            return Ok(found);
        };
        match text {
            Some(text) if text.is_empty() => {}
            Some(text) => {
                found.looked_at += 1;
                let text = String::from_utf8(text).unwrap_or_default();
                match serde_json::from_str::<Value>(&text) {
                    Ok(line) if query.fits(&line, &text) => found.lines.push(text),
                    Ok(_) => {}
                    Err(_) => found.unreadable += 1,
                }
            }
            None => found.unreadable += 1,
        }
        found.next = Some(begin).filter(|begin| *begin > 0);
        if found.next.is_none() || found.lines.len() >= bounds.lines || first - begin >= bounds.bytes {
            return Ok(found);
        }
    }
}

/// Gives a file's lines from its end.
struct Backwards {
    /// All before this is unread; what follows it and was read is `held`.
    at: u64,
    held: Vec<u8>,
    /// Whether what is held is the end of a line that is too long.
    is_skipping: bool,
}

impl Backwards {
    /// The line before those that were given, without its line feed, and where it begins; no text when it is longer
    /// than any line that the vault writes.
    fn line(&mut self, file: &mut (impl Read + Seek)) -> std::io::Result<Option<(u64, Option<Vec<u8>>)>> {
        if self.at == 0 && self.held.is_empty() {
            return Ok(None);
        }
        // The line feed that ends the line wanted is not one before it.
        if self.held.is_empty() {
            self.fill(file)?;
        }
        if self.held.last() == Some(&b'\n') {
            self.held.pop();
        }
        loop {
            if let Some(feed) = self.held.iter().rposition(|byte| *byte == b'\n') {
                let text = self.held.split_off(feed + 1);
                let begin = self.at + feed as u64 + 1;
                return Ok(Some((begin, self.whole(text))));
            }
            if self.at == 0 {
                let text = std::mem::take(&mut self.held);
                return Ok(Some((0, self.whole(text))));
            }
            if self.held.len() > LINE_MAX {
                self.held.clear();
                self.is_skipping = true;
            }
            self.fill(file)?;
        }
    }

    fn whole(&mut self, text: Vec<u8>) -> Option<Vec<u8>> {
        let is_whole = !std::mem::take(&mut self.is_skipping);
        is_whole.then_some(text)
    }

    /// Reads the block before what is held.
    fn fill(&mut self, file: &mut (impl Read + Seek)) -> std::io::Result<()> {
        let size = self.at.min(BLOCK);
        let begin = self.at - size;
        file.seek(SeekFrom::Start(begin))?;
        let mut block = Vec::new();
        file.by_ref().take(size).read_to_end(&mut block)?;
        if (block.len() as u64) < size {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        block.append(&mut self.held);
        self.held = block;
        self.at = begin;
        Ok(())
    }
}

/// Bytes that are read at a time.
const BLOCK: u64 = 64 * 1024;
/// More than the longest line that the vault writes: a megabyte of digests, twice, and what is around them.
const LINE_MAX: usize = 8 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use serde_json::json;

    use super::*;

    const ALL: Bounds = Bounds { lines: usize::MAX, bytes: u64::MAX };

    fn trail(lines: &[Value]) -> Cursor<Vec<u8>> {
        Cursor::new(lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect())
    }

    fn numbered(count: u64) -> Vec<Value> {
        (1..=count).map(|seq| json!({ "seq": seq, "pad": "x".repeat(1000) })).collect()
    }

    fn seqs(found: &Found) -> Vec<u64> {
        let line = |text: &String| serde_json::from_str::<Value>(text).unwrap();
        found.lines.iter().map(|text| line(text)["seq"].as_u64().unwrap()).collect()
    }

    #[test]
    fn the_newest_line_comes_first_over_any_number_of_blocks() {
        let mut file = trail(&numbered(200));
        let found = search(&mut file, None, &Query::default(), ALL).unwrap();
        assert_eq!(seqs(&found), (1..=200).rev().collect::<Vec<_>>());
        assert_eq!((found.next, found.looked_at, found.unreadable), (None, 200, 0));
        assert_eq!(search(&mut trail(&[]), None, &Query::default(), ALL).unwrap(), Found::default());
    }

    #[test]
    fn a_search_goes_on_where_it_ended_and_leaves_nothing_out() {
        for bounds in [Bounds { lines: 7, bytes: u64::MAX }, Bounds { lines: usize::MAX, bytes: 5000 }] {
            let (mut file, mut before, mut all, mut rounds) = (trail(&numbered(50)), None, Vec::new(), 0);
            loop {
                let found = search(&mut file, before, &Query::default(), bounds).unwrap();
                assert!(found.lines.len() <= 7, "{}", found.lines.len());
                all.extend(seqs(&found));
                rounds += 1;
                before = found.next;
                if before.is_none() {
                    break;
                }
            }
            assert_eq!(all, (1..=50).rev().collect::<Vec<_>>());
            assert!(rounds > 5, "{rounds}");
        }
    }

    #[test]
    fn what_is_no_line_is_counted_and_stops_nothing() {
        let mut bytes = trail(&numbered(2)).into_inner();
        bytes.extend(b"{\"seq\":3,\"to");
        bytes.push(b'\n');
        bytes.extend(vec![b'y'; LINE_MAX + 100_000]);
        bytes.push(b'\n');
        bytes.extend(trail(&[json!({ "seq": 5 })]).into_inner());
        bytes.extend(b"{\"seq\":6}");
        let found = search(&mut Cursor::new(bytes), None, &Query::default(), ALL).unwrap();
        assert_eq!((seqs(&found), found.unreadable), (vec![6, 5, 2, 1], 2));
    }

    #[test]
    fn each_part_of_a_query_is_asked_of_the_line() {
        let line = json!({
            "seq": 9, "time": "2026-11-23T10:00:00.000Z", "type": "response",
            "auth": { "display_name": "userpass-Ada" },
            "request": { "operation": "update", "path": "accounts/check-out/db/app" },
            "response": { "status": 409 }, "error": "held",
            "note": "hmac-sha256:abc"
        });
        let text = line.to_string();
        let some = |text: &str| Some(text.to_owned());
        let at = |text: &str| Timestamp::parse_rfc3339(text);
        let none = Query::default;
        for (query, want) in [
            (none(), true),
            (Query { kind: some("response"), ..none() }, true),
            (Query { kind: some("request"), ..none() }, false),
            (Query { path: some("db/app"), ..none() }, true),
            (Query { path: some("app"), ..none() }, true),
            (Query { path: some("pp"), ..none() }, false),
            (Query { path: some("/accounts/check-out/db/app/"), ..none() }, true),
            (Query { principal: some("ADA"), ..none() }, true),
            (Query { principal: some("eve"), ..none() }, false),
            (Query { operation: some("update"), ..none() }, true),
            (Query { operation: some("read"), ..none() }, false),
            (Query { outcome: Some(Outcome::Failed), ..none() }, true),
            (Query { outcome: Some(Outcome::Succeeded), ..none() }, false),
            (Query { digest: some("hmac-sha256:abc"), ..none() }, true),
            (Query { digest: some("hmac-sha256:abd"), ..none() }, false),
            (Query { from: at("2026-11-23T10:00:00Z"), ..none() }, true),
            (Query { to: at("2026-11-23T10:00:00Z"), ..none() }, false),
            (Query { from: at("2026-11-23T10:00:01Z"), ..none() }, false),
        ] {
            assert_eq!(query.fits(&line, &text), want, "{query:?}");
        }
    }

    #[test]
    fn a_line_tells_how_it_ended_where_it_did() {
        for (line, want) in [
            (json!({ "request": {} }), None),
            (json!({ "request": {}, "error": "no" }), Some(Outcome::Failed)),
            (json!({ "response": { "status": 200 } }), Some(Outcome::Succeeded)),
            (json!({ "response": { "status": 502 } }), Some(Outcome::Failed)),
            (json!({ "system": { "event": "x" } }), Some(Outcome::Succeeded)),
            (json!({ "chain": {} }), None),
        ] {
            assert_eq!(outcome(&line), want, "{line}");
        }
    }
}
