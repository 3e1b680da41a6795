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
