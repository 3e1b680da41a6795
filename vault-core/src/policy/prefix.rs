//! Finds the longest of many prefixes without walking the path byte by byte.
//!
//! The prefixes are sorted. The one just before a path in that order is either a prefix of it, or has
//! every prefix of the path among *its* prefixes: any string between a prefix of the path and the path
//! begins with that prefix too. So one binary search and a walk along parents finds the longest.

/// Values by prefix; built once.
#[derive(Debug)]
pub(super) struct PrefixTable<T> {
    entries: Vec<Entry<T>>,
}

#[derive(Debug)]
struct Entry<T> {
    prefix: Box<str>,
    /// The longest other prefix that this one begins with; always an earlier entry.
    parent: Option<usize>,
    value: T,
}

impl<T> PrefixTable<T> {
    /// Builds the table from distinct prefixes in the order of their bytes.
    pub(super) fn from_sorted(prefixes: impl Iterator<Item = (Box<str>, T)>) -> Self {
        let mut entries: Vec<Entry<T>> = Vec::new();
        for (prefix, value) in prefixes {
            let previous = entries.len().checked_sub(1);
            let parent = nearest(&entries, previous, &prefix);
            entries.push(Entry { prefix, parent, value });
        }
        Self { entries }
    }

    /// The value of the longest prefix of `path`.
    pub(super) fn longest(&self, path: &str) -> Option<&T> {
        let after = self.entries.partition_point(|entry| &*entry.prefix <= path);
        let found = nearest(&self.entries, after.checked_sub(1), path)?;
        self.entries.get(found).map(|entry| &entry.value)
    }

    /// All values, in the order of their prefixes.
    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().map(|entry| &entry.value)
    }
}

/// The first entry along the parents of `at`, itself included, that `path` begins with.
fn nearest<T>(entries: &[Entry<T>], mut at: Option<usize>, path: &str) -> Option<usize> {
    while let Some(entry) = entries.get(at?) {
        if path.starts_with(&*entry.prefix) {
            return at;
        }
        at = entry.parent;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_is_found_among_neighbours_that_are_none() {
        let sorted = ["", "a", "ab", "abc/d", "abc/e", "abd", "b/"];
        let table = PrefixTable::from_sorted(sorted.iter().map(|p| ((*p).into(), *p)));
        for (path, want) in [
            ("", ""),
            ("a", "a"),
            ("abc", "ab"),
            ("abc/dx", "abc/d"),
            ("abc/f", "ab"),
            ("abz", "ab"),
            ("azz", "a"),
            ("b", ""),
            ("b/x", "b/"),
            ("zzz", ""),
        ] {
            assert_eq!(table.longest(path), Some(&want), "{path}");
        }
    }

    #[test]
    fn without_a_fitting_prefix_there_is_none() {
        let table = PrefixTable::from_sorted(["b", "bc"].into_iter().map(|p| (p.into(), p)));
        for path in ["", "a", "c", "B"] {
            assert_eq!(table.longest(path), None, "{path}");
        }
    }
}
