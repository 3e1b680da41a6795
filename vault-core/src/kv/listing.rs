//! How the names below a folder are listed: what lies deeper appears as one name with a slash at its end.

/// Folds sorted names into entries, page by page.
#[derive(Clone, Debug, Default)]
pub struct Folding {
    entries: Vec<String>,
}

impl Folding {
    /// Takes a name, relative to the folder; names come in the order of their bytes.
    pub fn add(&mut self, name: &str) {
        let entry = match name.split_once('/') {
            Some((folder, _)) => format!("{folder}/"),
            None => name.to_owned(),
        };
        if !entry.is_empty() && self.entries.last() != Some(&entry) {
            self.entries.push(entry);
        }
    }

    /// The name after which the next page begins, when `last` was the last of this one: what lies deeper
    /// in the same folder needs no look. No name in UTF-8 is beyond the byte that is put there.
    #[must_use]
    pub fn next_after(last: &[u8]) -> Vec<u8> {
        let end = last.iter().position(|byte| *byte == b'/');
        match end.and_then(|end| last.get(..=end)) {
            Some(folder) => [folder, &[0xff]].concat(),
            None => last.to_vec(),
        }
    }

    /// The entries of this listing and another one of the same folder, sorted, each once.
    #[must_use]
    pub fn merged(self, other: Self) -> Vec<String> {
        let mut entries = self.entries;
        entries.extend(other.entries);
        entries.sort();
        entries.dedup();
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_deeper_is_one_folder() {
        let mut folding = Folding::default();
        for name in ["a", "a!b", "a/x", "a/y/z", "b/c", "d"] {
            folding.add(name);
        }
        let mut other = Folding::default();
        other.add("a/q");
        other.add("e");
        assert_eq!(folding.merged(other), ["a", "a!b", "a/", "b/", "d", "e"]);
    }

    #[test]
    fn a_page_goes_on_behind_the_folder_it_ended_in() {
        for (last, next) in [
            ("a", b"a".to_vec()),
            ("a/x/y", b"a/\xff".to_vec()),
            ("ä/x", "ä/".bytes().chain([0xff]).collect()),
        ] {
            assert_eq!(Folding::next_after(last.as_bytes()), next, "{last}");
        }
    }
}
