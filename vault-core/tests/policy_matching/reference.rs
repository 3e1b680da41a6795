//! A second, slow reading of the rules, for comparison only.
//!
//! Written from the documented rules instead of from the implementation: no tables, no ranks, no sharing
//! of code. It keeps the rules as text, tries each on its own, and picks the winner by comparing pairs.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// One rule as text and words.
#[derive(Clone, Debug)]
pub(crate) struct PlainRule {
    pub(crate) path: String,
    pub(crate) words: Vec<&'static str>,
    pub(crate) allowed: Option<Map<String, Value>>,
    pub(crate) denied: Option<Map<String, Value>>,
    pub(crate) required: Vec<&'static str>,
}

impl PlainRule {
    /// As a policy writes it in JSON.
    pub(crate) fn to_json(&self) -> Value {
        let mut out = json!({"capabilities": self.words, "required_parameters": self.required});
        if let Some(allowed) = &self.allowed {
            out["allowed_parameters"] = Value::Object(allowed.clone());
        }
        if let Some(denied) = &self.denied {
            out["denied_parameters"] = Value::Object(denied.clone());
        }
        out
    }
}

/// The words granted on `path`; `deny` alone when there are none.
pub(crate) fn words(rules: &[PlainRule], path: &str) -> Vec<&'static str> {
    let words: BTreeSet<_> =
        deciding(rules, path, "list").into_iter().flat_map(|rule| rule.words.iter().copied()).collect();
    if words.is_empty() || words.contains("deny") { vec!["deny"] } else { words.into_iter().collect() }
}

/// Whether `word` is granted on `path` with this data.
pub(crate) fn allows(rules: &[PlainRule], path: &str, word: &str, data: &Map<String, Value>) -> bool {
    let deciding = deciding(rules, path, word);
    let has = |wanted: &str| deciding.iter().any(|rule| rule.words.contains(&wanted));
    if has("deny") || !has(word) {
        return false;
    }
    if word == "delete" || word == "list" {
        return true;
    }
    if deciding.iter().flat_map(|rule| &rule.required).any(|name| !data.contains_key(*name)) {
        return false;
    }
    let denied = gathered(deciding.iter().filter_map(|rule| rule.denied.as_ref()));
    let allowed = gathered(deciding.iter().filter_map(|rule| rule.allowed.as_ref()));
    if data.is_empty() {
        return true;
    }
    if denied.iter().any(|(name, _)| name == "*") {
        return false;
    }
    data.iter().all(|(name, value)| {
        let name = name.to_lowercase();
        let is_denied = values(&denied, &name).is_some_and(|list| list.is_empty() || list.contains(value));
        let is_allowed = match values(&allowed, &name) {
            Some(list) => list.is_empty() || list.contains(value),
            None => allowed.is_empty() || values(&allowed, "*").is_some(),
        };
        !is_denied && is_allowed
    })
}

/// All values per name over several rules; one empty list makes the whole list empty.
fn gathered<'a>(maps: impl Iterator<Item = &'a Map<String, Value>>) -> Vec<(String, Vec<Value>)> {
    let entries: Vec<(String, Vec<Value>)> =
        maps.flatten().map(|(name, list)| (name.to_lowercase(), list.as_array().unwrap().clone())).collect();
    let names: BTreeSet<_> = entries.iter().map(|(name, _)| name.clone()).collect();
    names
        .into_iter()
        .map(|name| {
            let lists = || entries.iter().filter(|(other, _)| *other == name).map(|(_, list)| list);
            let any_empty = lists().any(Vec::is_empty);
            (name.clone(), if any_empty { vec![] } else { lists().flatten().cloned().collect() })
        })
        .collect()
}

fn values<'a>(all: &'a [(String, Vec<Value>)], name: &str) -> Option<&'a Vec<Value>> {
    all.iter().find(|(other, _)| other == name).map(|(_, list)| list)
}

/// The rules of the one pattern that decides.
fn deciding<'a>(rules: &'a [PlainRule], path: &str, word: &str) -> Vec<&'a PlainRule> {
    let with_path = |wanted: &str| -> Vec<&'a PlainRule> {
        rules.iter().filter(|rule| unslashed(&rule.path) == wanted).collect()
    };
    let is_listing_of_directory = word == "list" && path.ends_with('/');
    let directory = path.get(..path.len().saturating_sub(1)).unwrap_or_default();

    let mut questions = vec![(true, path)];
    if is_listing_of_directory {
        questions.push((true, directory));
        questions.push((false, directory));
    }
    questions.push((false, path));
    for (literally, asked) in questions {
        let fitting = rules.iter().map(|rule| unslashed(&rule.path)).filter(|pattern| {
            if literally {
                is_literal(pattern) && *pattern == asked
            } else {
                !is_literal(pattern) && fits(pattern, asked)
            }
        });
        if let Some(best) = fitting.reduce(|one, other| if is_weaker(one, other) { other } else { one }) {
            return with_path(best);
        }
    }
    Vec::new()
}

fn unslashed(path: &str) -> &str {
    path.strip_prefix('/').unwrap_or(path)
}

fn is_segmented(pattern: &str) -> bool {
    pattern == "+" || pattern.starts_with("+/") || pattern.contains("/+")
}

fn is_literal(pattern: &str) -> bool {
    !is_segmented(pattern) && !pattern.ends_with('*')
}

/// Character by character, trying both ways at each wildcard.
fn fits(pattern: &str, path: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let path: Vec<char> = path.chars().collect();
    let segmented = is_segmented(&pattern.iter().collect::<String>());
    walk(&pattern, &path, 0, 0, segmented)
}

fn walk(pattern: &[char], path: &[char], i: usize, j: usize, segmented: bool) -> bool {
    if i == pattern.len() {
        return j == path.len();
    }
    if pattern[i] == '*' && i + 1 == pattern.len() {
        return true;
    }
    let starts_segment = i == 0 || pattern[i - 1] == '/';
    let ends_segment = i + 1 == pattern.len() || pattern[i + 1] == '/';
    if segmented && pattern[i] == '+' && starts_segment && ends_segment {
        let stop = (j..path.len()).find(|at| path[*at] == '/').unwrap_or(path.len());
        return walk(pattern, path, i + 1, stop, segmented);
    }
    j < path.len() && pattern[i] == path[j] && walk(pattern, path, i + 1, j + 1, segmented)
}

/// The documented list of five, top to bottom, on the patterns as they are written.
fn is_weaker(one: &str, other: &str) -> bool {
    if one == other {
        return false;
    }
    let first = |pattern: &str| {
        let star = pattern.ends_with('*').then(|| pattern.len() - 1);
        let plus = if is_segmented(pattern) { pattern.find('+') } else { None };
        star.into_iter().chain(plus).min().unwrap()
    };
    let pluses = |pattern: &str| pattern.trim_end_matches('*').split('/').filter(|part| *part == "+").count();
    let plus_count = |pattern: &str| if is_segmented(pattern) { pluses(pattern) } else { 0 };
    if first(one) != first(other) {
        return first(one) < first(other);
    }
    if one.ends_with('*') != other.ends_with('*') {
        return one.ends_with('*');
    }
    if plus_count(one) != plus_count(other) {
        return plus_count(one) > plus_count(other);
    }
    if one.len() != other.len() {
        return one.len() < other.len();
    }
    one < other
}
