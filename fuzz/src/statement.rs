//! Statements of database roles: unfolded from any of the ways of clients, and refused when they cannot work.

use rotators::postgres::PostgresRotator;
use vault_core::database::statement::{read, sets_password};
use vault_core::rotation::provisioner::{Provisioner as _, Statements};

use super::parts::parts;

/// Reads each part as an item of a list of statements.
pub fn run(data: &[u8]) {
    let Some(parts) = parts(data) else { return };
    let items: Vec<String> = parts.iter().map(|&part| part.to_owned()).collect();
    let list = read(items.clone());
    assert_eq!(read(items), list);
    assert!(list.iter().all(|statement| !statement.trim().is_empty()));
    // Unfolding makes nothing up: escapes and base64 are longer than what they stand for.
    assert!(list.iter().map(String::len).sum::<usize>() <= data.len());
    for statement in &list {
        if sets_password(statement) {
            let inner = statement.trim().trim_end_matches(';');
            assert!(!inner.contains(';') && inner.contains("{{"), "{statement}");
            assert!(sets_password(&format!("  {inner} ;")), "blanks and an end change nothing");
        }
    }
    check(list);
}

fn check(list: Vec<String>) {
    let rotator = PostgresRotator::new();
    let creation = Statements { creation: list.clone(), ..Statements::default() };
    let verdict = rotator.validate(&creation);
    assert_eq!(rotator.validate(&creation), verdict);
    if verdict.is_ok() && !list.is_empty() {
        let named =
            |statement: &String| ["{{name}}", "{{username}}"].iter().any(|name| statement.contains(name));
        assert!(list.iter().any(named) && list.len() <= 64);
        for statement in &list {
            let first = statement.split_whitespace().next().unwrap_or_default().trim_end_matches(';');
            assert!(!statement.contains('\0') && !first.eq_ignore_ascii_case("commit"), "{statement}");
        }
    }
    // A revocation may say less than a creation: no password, no time.
    let revocation = Statements { revocation: list, ..Statements::default() };
    if rotator.validate(&revocation).is_ok() {
        assert_eq!(verdict, Ok(()));
    }
}
