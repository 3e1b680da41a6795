//! `docs/compatibility.md` against the route tables: it names every path that is answered, with its methods, and none
//! that is not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use vault_server::http::{Operation, Table, routes};

use super::tree::{none, root};

type Paths = BTreeMap<String, BTreeSet<&'static str>>;

#[test]
fn the_table_of_paths_is_that_of_the_program() {
    let text = fs::read_to_string(root().join("docs/compatibility.md")).unwrap();
    let sections = sections(&text);
    let mut wrong = Vec::new();
    for (heading, table) in tables() {
        let (has, said) = (of(&table), sections.get(heading).cloned().unwrap_or_default());
        for (path, methods) in &has {
            if said.get(path) != Some(methods) {
                wrong.push(format!("{heading}: | `{path}` | {} | |", joined(methods)));
            }
        }
        wrong.extend(
            said.keys()
                .filter(|path| !has.contains_key(*path))
                .map(|path| format!("{heading}: {path} is not answered")),
        );
    }
    none(wrong, "docs/compatibility.md: rows that are missing, differ, or say too much");
}

#[test]
fn what_is_called_not_answered_is_not() {
    let text = fs::read_to_string(root().join("docs/compatibility.md")).unwrap();
    let refused = text.split("\n## ").find(|section| section.starts_with(REFUSED)).unwrap();
    let named: Vec<&str> = refused.lines().filter_map(row).flat_map(|(paths, _)| ticked(paths)).collect();
    assert!(named.len() > 20, "{named:?}");
    let answered = of(&Table::new(routes::all()));
    // A name with a star stands for all below it.
    let told = |path: &&str| {
        let begin = path.trim_end_matches('*');
        answered
            .keys()
            .any(|pattern| if path.ends_with('*') { pattern.starts_with(begin) } else { pattern == path })
    };
    none(
        named.into_iter().filter(told).map(str::to_owned).collect(),
        "docs/compatibility.md: these are answered",
    );
}

fn tables() -> [(&'static str, Table); 7] {
    [
        ("Below `/v1/`", Table::new(routes::all())),
        ("KV version 1", Table::new(routes::kv::v1())),
        ("KV version 2", Table::new(routes::kv::v2())),
        ("Database", Table::new(routes::database::all())),
        ("AppRole", Table::new(routes::approle::all())),
        ("Userpass", Table::new(routes::userpass::all())),
        ("LDAP", Table::new(routes::library::all())),
    ]
}

fn of(table: &Table) -> Paths {
    let mut paths = Paths::new();
    for (operation, pattern) in table.lines() {
        let path = if pattern.is_empty() { "(the mount itself)" } else { pattern };
        paths.entry(path.to_owned()).or_default().insert(method(operation));
    }
    paths
}

/// The rows of each section, by heading.
fn sections(text: &str) -> BTreeMap<&str, Paths> {
    let mut sections = BTreeMap::new();
    for section in text.split("\n## ").skip(1) {
        let (heading, rest) = section.split_once('\n').unwrap();
        let mut paths = Paths::new();
        for (path, cells) in rest.lines().filter_map(row) {
            let words: Vec<&str> = cells.split('|').next().unwrap().split_whitespace().collect();
            let methods = METHODS.into_iter().filter(|method| words.contains(method)).collect();
            if let Some(path) = ticked(path).first() {
                paths.insert((*path).to_owned(), methods);
            }
        }
        sections.insert(heading, paths);
    }
    sections
}

/// The first cell of a row that names a path, and the rest.
fn row(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("| `").and_then(|_| line.strip_prefix("| ")?.split_once(" | "))
}

/// What stands in backticks.
fn ticked(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

fn joined(methods: &BTreeSet<&str>) -> String {
    METHODS.into_iter().filter(|method| methods.contains(method)).collect::<Vec<_>>().join(" ")
}

fn method(operation: Operation) -> &'static str {
    match operation {
        Operation::Read => "GET",
        Operation::List => "LIST",
        Operation::Write => "POST",
        Operation::Patch => "PATCH",
        Operation::Delete => "DELETE",
    }
}

const METHODS: [&str; 5] = ["GET", "LIST", "POST", "PATCH", "DELETE"];
const REFUSED: &str = "Not answered";
