//! Finds the most specific of many `+` patterns by walking a path once, segment by segment.
//!
//! ```text
//!  accounts/+/db   accounts/+/w*            nodes:  · ─accounts─► · ─+─► · ─db─► (closed)
//!                                                                        └ open: "w"
//! ```
//!
//! The walk branches only where a segment is known both by name and as `+`. Its depth is that of the
//! deepest pattern, which the longest rule path bounds.

use std::collections::BTreeMap;

use super::pattern::{Kind, Pattern};
use super::prefix::PrefixTable;

/// Values by `+` pattern; built once.
#[derive(Debug)]
pub(super) struct SegmentTable<T> {
    /// The most specific first, so of two that match the smaller index decides.
    entries: Vec<(Pattern, T)>,
    nodes: Vec<Node<PrefixTable<usize>>>,
}

/// What can follow some leading segments. `O` holds the open ends: patterns whose last segment is only a
/// beginning.
#[derive(Debug, Default)]
struct Node<O> {
    named: BTreeMap<Box<str>, usize>,
    any: Option<usize>,
    closed: Option<usize>,
    open: O,
}

impl<T> SegmentTable<T> {
    /// Builds the table from distinct patterns, in any order.
    pub(super) fn new(mut entries: Vec<(Pattern, T)>) -> Self {
        entries.sort_by(|(one, _), (other, _)| other.rank().cmp(&one.rank()));
        let mut drafts = vec![Node::<BTreeMap<Box<str>, usize>>::default()];
        for (index, (pattern, _)) in entries.iter().enumerate() {
            insert(&mut drafts, pattern, index);
        }
        let nodes = drafts
            .into_iter()
            .map(|draft| Node {
                named: draft.named,
                any: draft.any,
                closed: draft.closed,
                open: PrefixTable::from_sorted(draft.open.into_iter()),
            })
            .collect();
        Self { entries, nodes }
    }

    /// The most specific pattern that matches `path`, with its value.
    pub(super) fn most_specific(&self, path: &str) -> Option<&(Pattern, T)> {
        self.walk(0, Some(path)).and_then(|index| self.entries.get(index))
    }

    /// All values.
    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().map(|(_, value)| value)
    }

    /// The smallest index among the patterns that match what is left of a path; `None` left is its end,
    /// which is not the same as an empty last segment.
    fn walk(&self, node: usize, left: Option<&str>) -> Option<usize> {
        let node = self.nodes.get(node)?;
        let Some(left) = left else { return node.closed };
        let (part, left) = left.split_once('/').map_or((left, None), |(part, left)| (part, Some(left)));
        let open = node.open.longest(part).copied();
        let named = node.named.get(part).and_then(|next| self.walk(*next, left));
        let any = node.any.and_then(|next| self.walk(next, left));
        [open, named, any].into_iter().flatten().min()
    }
}

fn insert(drafts: &mut Vec<Node<BTreeMap<Box<str>, usize>>>, pattern: &Pattern, index: usize) {
    let open = matches!(pattern.kind(), Kind::Segments { open: true });
    let mut parts = pattern.body().split('/').peekable();
    let mut at = 0;
    while let Some(part) = parts.next() {
        let fresh = drafts.len();
        let Some(node) = drafts.get_mut(at) else { return };
        if open && parts.peek().is_none() {
            node.open.insert(part.into(), index);
            return;
        }
        at = if part == "+" {
            *node.any.get_or_insert(fresh)
        } else {
            *node.named.entry(part.into()).or_insert(fresh)
        };
        if at == fresh {
            drafts.push(Node::default());
        }
    }
    if let Some(node) = drafts.get_mut(at) {
        node.closed = Some(index);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_of_the_matching_patterns_is_found() {
        let texts = ["+", "a/+", "a/+/c", "a/+/c*", "a/+/*", "a/+/cd*", "a/b/+", "+/b/c", "a/+b", "+/+/+"];
        let table = SegmentTable::new(texts.iter().map(|text| (Pattern::parse(text).unwrap(), ())).collect());
        for (path, want) in [
            ("x", Some("+")),
            ("", Some("+")),
            ("a/x", Some("a/+")),
            ("a/", Some("a/+")),
            ("a/+b", Some("a/+b")),
            ("a/x/c", Some("a/+/c")),
            ("a/x/cx", Some("a/+/c*")),
            ("a/x/cde/f", Some("a/+/cd*")),
            ("a/x/y/z", Some("a/+/*")),
            ("a/b/c", Some("a/b/+")),
            ("x/b/c", Some("+/b/c")),
            ("x/y/z", Some("+/+/+")),
            ("x/y", None),
            ("x/y/z/", None),
        ] {
            let found = table.most_specific(path).map(|(pattern, ())| pattern.text());
            assert_eq!(found, want, "{path:?}");
            let slow = texts
                .iter()
                .map(|text| Pattern::parse(text).unwrap())
                .filter(|pattern| pattern.matches(path))
                .max_by(|one, other| one.rank().cmp(&other.rank()));
            assert_eq!(found, slow.as_ref().map(Pattern::text), "{path:?}, one by one");
        }
    }
}
