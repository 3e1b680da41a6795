//! Whether somebody may do anything at or below a directory: what a list of mounts shows them.

use super::acl::Acl;
use super::capability::Capability;
use super::pattern::{Kind, Pattern};

impl Acl {
    /// Whether any rule that grants something applies to `directory` or to a path below it. For lists;
    /// looks at every rule.
    #[must_use]
    pub fn reaches(&self, directory: &str) -> bool {
        let directory = directory.trim_matches('/');
        self.is_root()
            || self.rules().any(|rule| {
                let listed = rule.grant.capabilities.listed();
                listed.iter().any(|capability| *capability != Capability::Deny)
                    && touches(&rule.pattern, directory)
            })
    }
}

/// Whether `pattern` has a path at or below `directory`.
fn touches(pattern: &Pattern, directory: &str) -> bool {
    let open = matches!(pattern.kind(), Kind::Prefix | Kind::Segments { open: true });
    let mut segments = pattern.body().split('/').peekable();
    for part in directory.split('/') {
        let Some(segment) = segments.next() else { return false };
        if open && segments.peek().is_none() && part.starts_with(segment) {
            return true;
        }
        let any = segment == "+" && matches!(pattern.kind(), Kind::Segments { .. });
        if !any && segment != part {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;

    #[test]
    fn a_directory_is_reached_by_rules_at_it_below_it_and_around_it() {
        for (pattern, want) in [
            ("secret/data/app", true),
            ("secret/*", true),
            ("secret", true),
            ("sec*", true),
            ("*", true),
            ("+/data/app", true),
            ("+/*", true),
            ("secret/+/app", true),
            ("secrets/*", false),
            ("secretsx*", false),
            ("other/+", false),
            ("sys/*", false),
        ] {
            let text = format!("path \"{pattern}\" {{ capabilities = [\"read\"] }}");
            let acl = Acl::new(&[Policy::parse("p", &text).unwrap()]);
            assert_eq!(acl.reaches("secret/"), want, "{pattern}");
        }
    }

    #[test]
    fn a_denial_reaches_nothing_and_root_everything() {
        let denied = Policy::parse("p", "path \"secret/*\" { capabilities = [\"deny\"] }").unwrap();
        assert!(!Acl::new(&[denied]).reaches("secret/"));
        assert!(Acl::new(&[Policy::root()]).reaches("secret/"));
    }
}
