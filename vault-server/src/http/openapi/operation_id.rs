//! Names of operations, for programs that make functions of them.

use std::collections::BTreeSet;

use crate::http::route::Operation;

/// Gives each operation a name of its own.
pub(super) struct OperationIds {
    suffix: String,
    given: BTreeSet<String>,
}

impl OperationIds {
    /// Names that all end in `_` and this text, unless it is empty.
    pub(super) fn new(context: &str) -> Self {
        let suffix = if context.is_empty() { String::new() } else { format!("_{context}") };
        Self { suffix, given: BTreeSet::new() }
    }

    /// A name such as `kv-v2-read-data-path`. The second of several mounts of one engine gets a `_2`, as in Vault.
    pub(super) fn name(&mut self, engine: &str, operation: Operation, pattern: &str) -> String {
        let verb = match operation {
            Operation::Read => "read",
            Operation::List => "list",
            Operation::Write => "write",
            Operation::Patch => "patch",
            Operation::Delete => "delete",
        };
        let parts = pattern.split('/').map(|part| part.trim_matches(['<', '>', '.']));
        let words = [engine, verb].into_iter().chain(parts).filter(|word| !word.is_empty());
        let plain = words.collect::<Vec<_>>().join("-").replace('_', "-");
        let mut name = format!("{plain}{}", self.suffix);
        let mut number = 2_u64;
        while !self.given.insert(name.clone()) {
            name = format!("{plain}{}_{number}", self.suffix);
            number += 1;
        }
        name
    }
}

/// The name of a type for an operation: `KvV2ReadDataPath`.
pub(super) fn type_name(operation_id: &str) -> String {
    let words = operation_id.split(['-', '_']);
    words
        .map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| first.to_ascii_uppercase())
                .into_iter()
                .chain(letters)
                .collect::<String>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_given_twice() {
        let mut ids = OperationIds::new("");
        let names: Vec<String> =
            (0..3).map(|_| ids.name("kv-v2", Operation::Read, "data/<path...>")).collect();
        assert_eq!(names, ["kv-v2-read-data-path", "kv-v2-read-data-path_2", "kv-v2-read-data-path_3"]);
        assert_eq!(type_name("kv-v2-read-data-path_2"), "KvV2ReadDataPath2");
        assert_eq!(OperationIds::new("mine").name("sys", Operation::List, "a_b"), "sys-list-a-b_mine");
    }
}
