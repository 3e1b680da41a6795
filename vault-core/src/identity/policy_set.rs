//! The policies of a token, brought into one form.

use super::token::TokenError;
use crate::policy::{DEFAULT_POLICY_NAME, POLICY_NAME_BYTES_MAX, ROOT_POLICY_NAME, WRAPPING_POLICY_NAME};

/// Lower-cases, trims, sorts and removes repeats and empty names; `root` swallows all others.
///
/// A name that no policy has is kept, as in Vault: it grants nothing until somebody writes the policy.
pub(super) fn sanitize(names: &[String]) -> Result<Vec<String>, TokenError> {
    let mut out: Vec<String> =
        names.iter().map(|name| name.trim().to_lowercase()).filter(|name| !name.is_empty()).collect();
    if contains_root(&out) {
        return Ok(vec![ROOT_POLICY_NAME.to_owned()]);
    }
    if out.iter().any(|name| name == WRAPPING_POLICY_NAME) {
        return Err(TokenError::Unassignable);
    }
    out.sort();
    out.dedup();
    let fits = |name: &String| name.len() <= POLICY_NAME_BYTES_MAX && !name.chars().any(char::is_control);
    if out.len() > POLICIES_MAX || !out.iter().all(fits) {
        return Err(TokenError::PolicyNames);
    }
    Ok(out)
}

/// Adds `default` where it belongs; never beside `root`.
pub(super) fn add_default(names: &mut Vec<String>) {
    if contains_root(names) {
        return;
    }
    if let Err(at) = names.binary_search_by(|name| name.as_str().cmp(DEFAULT_POLICY_NAME)) {
        names.insert(at, DEFAULT_POLICY_NAME.to_owned());
    }
}

/// Removes `default`.
pub(super) fn remove_default(names: &mut Vec<String>) {
    names.retain(|name| name != DEFAULT_POLICY_NAME);
}

/// Whether `root` is among them.
pub(super) fn contains_root(names: &[String]) -> bool {
    names.iter().any(|name| name == ROOT_POLICY_NAME)
}

/// Whether `default` is among them.
pub(super) fn contains_default(names: &[String]) -> bool {
    names.iter().any(|name| name == DEFAULT_POLICY_NAME)
}

/// Most policies of one token.
pub(super) const POLICIES_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn names(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn names_come_into_one_form() {
        for (given, want) in [
            (&["B", " a ", "b", ""][..], &["a", "b"][..]),
            (&["dev", "ROOT"], &["root"]),
            (&["a,b"], &["a,b"]),
            (&[], &[]),
        ] {
            assert_eq!(sanitize(&names(given)).unwrap(), names(want));
        }
        assert_eq!(sanitize(&names(&["a\nb"])).err(), Some(TokenError::PolicyNames));
        assert_eq!(sanitize(&names(&["a", "Response-Wrapping"])).err(), Some(TokenError::Unassignable));
        let many: Vec<_> = (0..=POLICIES_MAX).map(|n| n.to_string()).collect();
        assert_eq!(sanitize(&many).err(), Some(TokenError::PolicyNames));
    }

    #[test]
    fn default_goes_to_its_place_and_never_beside_root() {
        let mut set = names(&["a", "x"]);
        add_default(&mut set);
        add_default(&mut set);
        assert_eq!(set, names(&["a", "default", "x"]));
        let mut root = names(&["root"]);
        add_default(&mut root);
        assert_eq!(root, names(&["root"]));
    }
}
