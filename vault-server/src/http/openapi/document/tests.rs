//! Every line of the tables stands in the document, and the document is whole.

use std::collections::BTreeSet;

use super::*;
use crate::http::openapi::about;
use crate::http::routes;

fn tables() -> [(&'static str, Table, Vec<About>); 7] {
    [
        ("built in", Table::new(routes::all()), about::built_in()),
        ("kv v1", Table::new(routes::kv::v1()), about::KV_V1.to_vec()),
        ("kv v2", Table::new(routes::kv::v2()), about::KV_V2.to_vec()),
        ("database", Table::new(routes::database::all()), about::DATABASE.to_vec()),
        ("approle", Table::new(routes::approle::all()), about::APPROLE.to_vec()),
        ("userpass", Table::new(routes::userpass::all()), about::USERPASS.to_vec()),
        ("ldap", Table::new(routes::library::all()), about::LIBRARY.to_vec()),
    ]
}

#[test]
fn every_line_is_described_and_every_description_has_a_line() {
    let mut wrong = Vec::new();
    for (engine, table, abouts) in tables() {
        let lines: Vec<(Operation, &str)> = table.lines().collect();
        for (operation, pattern) in &lines {
            if !abouts.iter().any(|about| about.operation == *operation && about.route == *pattern) {
                wrong.push(format!(
                    "{engine}: {operation:?} {pattern} needs a description in http/openapi/about"
                ));
            }
        }
        for about in &abouts {
            if !lines.contains(&(about.operation, about.route)) {
                wrong.push(format!(
                    "{engine}: {:?} {} is described and not there",
                    about.operation, about.route
                ));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn no_engine_is_served_undescribed() {
    let router = Router::new();
    for (engine, table) in router.tables() {
        let silent: Vec<&str> =
            table.routes().filter(|route| route.abouts.is_empty()).map(|route| route.pattern).collect();
        assert_eq!(silent, Vec::<&str>::new(), "{engine}: `described` is missing in http/router.rs");
    }
}

#[test]
fn every_description_is_whole() {
    for (engine, _, abouts) in tables() {
        for about in abouts {
            let what = format!("{engine}: {:?} {}", about.operation, about.shown);
            assert!(about.summary.ends_with('.'), "{what}: a summary is a sentence");
            let mut names: Vec<&str> = about.parameters().map(|field| field.name).collect();
            assert!(
                about.parameters().all(|field| field.about.ends_with('.')),
                "{what}: so is what a parameter means"
            );
            names.sort_unstable();
            assert!(
                names.windows(2).all(|pair| pair.first() != pair.last()),
                "{what}: a parameter stands twice"
            );
            let named = captured(about.shown);
            let parts = about.parameters().filter(|field| named.contains(&field.name));
            assert!(
                parts.into_iter().all(|field| field.is_required),
                "{what}: a part of the path must be there"
            );
        }
    }
}

#[test]
fn no_two_descriptions_are_of_the_same_operation() {
    for (engine, _, abouts) in tables() {
        let (mut seen, mut names) = (BTreeSet::new(), BTreeMap::new());
        for about in abouts.iter().filter(|about| !about.is_hidden) {
            let what = format!("{engine}: {:?} {}", about.operation, about.shown);
            assert!(seen.insert((about.operation, about.shown)), "{what} is described twice");
            // Templates that differ in the names of their parts alone are the same.
            let name = names.entry(unnamed(about.shown)).or_insert(about.shown);
            assert_eq!(*name, about.shown, "{what} has other names for the parts of its path");
        }
    }
}

fn unnamed(pattern: &str) -> Vec<&str> {
    pattern.split('/').map(|part| if part.starts_with('<') { "<>" } else { part }).collect()
}
