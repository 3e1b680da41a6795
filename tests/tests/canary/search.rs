//! Secrets in every form in which they could leak, and the search for them.

use std::collections::BTreeMap;
use std::path::Path;

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};

/// Something that is searched.
pub(crate) struct Text {
    pub(crate) place: String,
    pub(crate) bytes: Vec<u8>,
}

impl Text {
    pub(crate) fn new(place: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { place: place.into(), bytes: bytes.into() }
    }
}

/// What must not be found.
#[derive(Default)]
pub(crate) struct Secrets {
    /// By name; several values may share one.
    known: BTreeMap<String, Vec<Vec<u8>>>,
}

impl Secrets {
    /// A secret text.
    pub(crate) fn add(&mut self, name: &str, text: &str) {
        // Shorter ones would be found by chance.
        assert!(text.len() >= SECRET_BYTES_MIN, "{name} is too short to be recognised");
        let values = self.known.entry(name.to_owned()).or_default();
        if !values.iter().any(|value| value == text.as_bytes()) {
            values.push(text.as_bytes().to_vec());
        }
    }

    /// A key that travels as base64: neither that nor its bytes may be found.
    pub(crate) fn add_key(&mut self, name: &str, base64: &str) {
        self.add(name, base64);
        let bytes = BASE64.decode(base64.as_bytes()).unwrap();
        self.known.entry(name.to_owned()).or_default().push(bytes);
    }

    /// How many values there are.
    pub(crate) fn count(&self) -> usize {
        self.known.values().map(Vec::len).sum()
    }

    /// One sentence for each secret and place where it was found; never the secret.
    pub(crate) fn search(&self, texts: &[Text]) -> Vec<String> {
        let mut found = Vec::new();
        for (name, values) in &self.known {
            let forms: Vec<(&str, Vec<u8>)> = values.iter().flat_map(|value| forms(value)).collect();
            for text in texts {
                let hit = forms.iter().find_map(|(form, bytes)| {
                    position(&text.bytes, bytes).map(|offset| (form, offset, bytes.len()))
                });
                if let Some((form, offset, length)) = hit {
                    let around = around(&text.bytes, offset, length);
                    found.push(format!("{name} ({form}) in {} at {offset}: {around}", text.place));
                }
            }
        }
        found
    }
}

/// What stands beside a hit, with the hit itself left out.
fn around(bytes: &[u8], offset: usize, length: usize) -> String {
    let before = &bytes[offset.saturating_sub(120)..offset];
    let after = &bytes[offset + length..bytes.len().min(offset + length + 60)];
    format!(
        "{}<SECRET>{}",
        String::from_utf8_lossy(before).escape_debug(),
        String::from_utf8_lossy(after).escape_debug()
    )
}

/// Every form of one value.
pub(crate) fn forms(value: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut forms = vec![
        ("as it is", value.to_vec()),
        ("hex", HEXLOWER.encode(value).into_bytes()),
        ("hex", HEXUPPER.encode(value).into_bytes()),
    ];
    for alignment in 0..3 {
        // What base64 makes of the value inside something longer: the characters that depend on it alone.
        let shifted: Vec<u8> = std::iter::repeat_n(0, alignment).chain(value.iter().copied()).collect();
        let (from, to) = ((alignment * 8).div_ceil(6), shifted.len() * 8 / 6);
        for encoded in [BASE64_NOPAD.encode(&shifted), BASE64URL_NOPAD.encode(&shifted)] {
            forms.push(("base64", encoded.as_bytes()[from..to].to_vec()));
        }
    }
    if let Ok(text) = std::str::from_utf8(value) {
        let json = serde_json::to_string(text).unwrap();
        forms.push(("JSON", json.trim_matches('"').as_bytes().to_vec()));
        forms.push(("Rust's Debug", text.escape_debug().to_string().into_bytes()));
        forms.push(("percent-encoded", percent_encoded(value).into_bytes()));
    }
    forms.dedup_by(|(_, a), (_, b)| a == b);
    forms
}

fn percent_encoded(value: &[u8]) -> String {
    let encode = |byte: &u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(*byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    value.iter().map(encode).collect()
}

/// Where `needle` begins.
fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(step) = haystack.get(from..)?.iter().position(|byte| *byte == first) {
        let start = from + step;
        if haystack[start..].starts_with(needle) {
            return Some(start);
        }
        from = start + 1;
    }
    None
}

/// Every file below a folder.
pub(crate) fn files_below(folder: &Path) -> Vec<Text> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(Text::new(path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

const SECRET_BYTES_MIN: usize = 12;
