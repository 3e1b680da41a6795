//! Inputs of several parts: text, with a line `%%` between them, so that a stored input can be read.

/// The parts of a text; `None` when the bytes are no text.
pub(crate) fn parts(data: &[u8]) -> Option<Vec<&str>> {
    std::str::from_utf8(data).ok().map(|text| text.split("\n%%\n").collect())
}
