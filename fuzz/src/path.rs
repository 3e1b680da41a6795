//! Paths and names: one spelling for each, and whatever is accepted as a name can be asked for by a URL.

use vault_core::id::RequestId;
use vault_core::kv::SecretPath;
use vault_core::mount::{Class, MountPath};
use vault_core::path::{AccountPath, NAME_BYTES_MAX, Name, PATH_BYTES_MAX};
use vault_server::http::RequestPath;

/// Reads `data` as the path of a request and as each kind of name.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(path) = RequestPath::parse(text) {
        let folded = path.as_str();
        assert!(folded.len() <= text.len());
        assert!(folded.is_empty() || folded.split('/').all(|part| !matches!(part, "" | "." | "..")));
        assert!(!folded.chars().any(char::is_control));
        assert!(is_reached(folded), "{folded:?} is folded already");
    }
    if let Ok(path) = AccountPath::parse(text) {
        assert!(path.as_str() == text && text.len() <= PATH_BYTES_MAX && is_reached(text));
    }
    if let Ok(path) = SecretPath::parse(text) {
        assert!(path.as_str() == text && is_reached(text));
        assert!(path.version(1) < path.version(2) && path.version(1).starts_with(&path.versions()));
    }
    if let Ok(name) = Name::parse(text) {
        assert!(name.as_str() == text && text.len() <= NAME_BYTES_MAX && text.is_ascii());
        assert!(AccountPath::parse(text).is_ok() && is_reached(text));
    }
    for class in [Class::Secret, Class::Auth] {
        let Ok(path) = MountPath::parse(class, text) else { continue };
        assert!(is_reached(path.as_str()));
        assert_eq!(path.as_str().starts_with("auth/"), class == Class::Auth);
        assert_eq!(MountPath::parse(class, &path.listed()), Ok(path), "as it is listed, it reads the same");
    }
    if let Some(id) = RequestId::parse(text) {
        assert_eq!(RequestId::parse(&id.to_string()), Some(id));
        assert_eq!(RequestId::from_stored(*id.as_bytes()), id);
    }
}

/// Whether a request for the path, escaped byte by byte, comes to that very path.
fn is_reached(path: &str) -> bool {
    let escaped: String = path
        .bytes()
        .map(|byte| match byte {
            b'/' => "/".to_owned(),
            byte => format!("%{byte:02X}"),
        })
        .collect();
    RequestPath::parse(&format!("/v1/{escaped}")).is_ok_and(|found| found.as_str() == path)
}
