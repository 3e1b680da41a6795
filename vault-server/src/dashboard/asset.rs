//! The style sheet, the script and the icon: in the program, under names that change with their content.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};

use super::page;

/// A file that every page may name.
pub(super) struct Asset {
    stem: &'static str,
    ending: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
    /// Of the content: another content is another address.
    digest: u64,
}

impl Asset {
    const fn new(
        stem: &'static str,
        ending: &'static str,
        content_type: &'static str,
        bytes: &'static [u8],
    ) -> Self {
        Self { stem, ending, content_type, bytes, digest: fnv(bytes) }
    }

    fn name(&self) -> String {
        format!("{}.{:016x}.{}", self.stem, self.digest, self.ending)
    }

    pub(super) fn address(&self) -> String {
        format!("/ui/assets/{}", self.name())
    }
}

pub(super) static STYLE: Asset = Asset::new(
    "dashboard",
    "css",
    "text/css; charset=utf-8",
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/dashboard.css")),
);
pub(super) static SCRIPT: Asset = Asset::new(
    "dashboard",
    "js",
    "text/javascript; charset=utf-8",
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/dashboard.js")),
);
pub(super) static ICON: Asset = Asset::new(
    "icon",
    "svg",
    "image/svg+xml",
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/icon.svg")),
);

/// The asset of that name.
pub(super) fn answer(name: &str) -> Response<Body> {
    let Some(asset) = [&STYLE, &SCRIPT, &ICON].into_iter().find(|asset| asset.name() == name) else {
        return page::state::missing(StatusCode::NOT_FOUND);
    };
    let mut response = Response::new(Body::from(asset.bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(KEPT));
    response
}

/// FNV-1a: it tells versions of a file apart, and proves nothing.
const fn fnv(mut bytes: &[u8]) -> u64 {
    let mut digest: u64 = 0xcbf2_9ce4_8422_2325;
    while let [first, rest @ ..] = bytes {
        digest = (digest ^ *first as u64).wrapping_mul(0x0100_0000_01b3);
        bytes = rest;
    }
    digest
}

/// For good: what changes has another name.
pub(super) const KEPT: &str = "public, max-age=31536000, immutable";

#[cfg(test)]
mod tests {
    use super::*;

    /// The luminance of `#rrggbb` as WCAG 2 has it.
    fn luminance(colour: &str) -> f64 {
        let part = |at: usize| {
            let share = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    #[test]
    fn text_can_be_read_on_its_ground_in_light_and_in_dark() {
        let style = std::str::from_utf8(STYLE.bytes).unwrap();
        let themes: Vec<&str> =
            style.split(":root {").skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
        assert_eq!(themes.len(), 2);
        for theme in themes {
            let colour = |name: &str| {
                let (_, rest) = theme.split_once(&format!("--{name}: ")).unwrap();
                luminance(&rest[..7])
            };
            for (ink, ground) in [
                ("ink", "paper"),
                ("ink", "panel"),
                ("soft", "paper"),
                ("soft", "panel"),
                ("soft", "warn-paper"),
                ("link", "paper"),
                ("link", "panel"),
                ("press-ink", "press"),
                ("bad", "bad-paper"),
                ("warn", "warn-paper"),
                ("fine", "fine-paper"),
            ] {
                let (one, other) = (colour(ink), colour(ground));
                let contrast = (one.max(other) + 0.05) / (one.min(other) + 0.05);
                assert!(contrast >= 4.5, "{ink} on {ground}: {contrast}");
            }
        }
    }

    #[test]
    fn the_script_is_small_and_runs_nothing_that_it_is_told() {
        let script = std::str::from_utf8(SCRIPT.bytes).unwrap();
        assert!(script.lines().count() <= 300);
        for word in [
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "document.write",
            "eval(",
            "Function(",
            "://",
            "Storage",
        ] {
            assert!(!script.contains(word), "{word}");
        }
    }

    #[test]
    fn another_content_has_another_name() {
        assert_ne!(fnv(b"a"), fnv(b"b"));
        // The published value for the empty input.
        assert_eq!(fnv(b""), 0xcbf2_9ce4_8422_2325);
    }
}
