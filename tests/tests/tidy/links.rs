//! Links in documents lead somewhere.

use std::collections::BTreeMap;

use super::tree::{none, paths, sources};

#[test]
fn every_link_in_a_document_leads_to_a_file_and_a_heading() {
    let documents: BTreeMap<String, String> =
        sources(".md").into_iter().map(|source| (source.path, source.text)).collect();
    assert!(documents.len() > 3, "the documents were not found");
    let files = paths();
    let mut offences = Vec::new();
    for (path, text) in &documents {
        for link in links(text) {
            if ["http://", "https://", "mailto:"].iter().any(|scheme| link.starts_with(scheme)) {
                continue;
            }
            let (file, heading) =
                link.split_once('#').map_or((link, None), |(file, name)| (file, Some(name)));
            let target = if file.is_empty() { path.clone() } else { resolved(path, file) };
            let folder = format!("{target}/");
            let is_there = files.contains(&target) || files.iter().any(|path| path.starts_with(&folder));
            let has_heading = match (heading, documents.get(&target)) {
                (Some(name), Some(document)) => headings(document).contains(&name.to_owned()),
                _ => true,
            };
            if !is_there || !has_heading {
                offences.push(format!("{path}: {link}"));
            }
        }
    }
    none(offences, "a link that leads nowhere");
}

/// What stands in `](…)`, outside of code.
fn links(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for line in prose(text) {
        let mut rest = line;
        while let Some((_, tail)) = rest.split_once("](") {
            let Some((link, after)) = tail.split_once(')') else { break };
            found.push(link.split(' ').next().unwrap_or_default());
            rest = after;
        }
    }
    found
}

/// The names under which the headings of a document can be linked to.
fn headings(text: &str) -> Vec<String> {
    let titles = prose(text).filter(|line| line.starts_with('#'));
    titles
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

/// The lines outside of fenced code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        !fenced && !is_fence
    })
}

/// `link` as seen from the document at `path`, relative to the root.
fn resolved(path: &str, link: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in link.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[test]
fn links_and_headings_are_found_as_readers_see_them() {
    let text = "# The *first* `thing`\n[a](b.md#c) and [d](../e \"t\")\n```\n[no](x)\n# no\n```\n";
    assert_eq!(links(text), ["b.md#c", "../e"]);
    assert_eq!(headings(text), ["the-first-thing"]);
    assert_eq!(resolved("docs/rotators/x.md", "../cli.md"), "docs/cli.md");
    assert_eq!(resolved("README.md", "docs/"), "docs");
}
