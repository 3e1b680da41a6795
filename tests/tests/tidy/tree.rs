//! The tracked files of the project, and how a broken rule is told.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A text file of the tree.
pub(crate) struct Source {
    /// Relative to the root, with slashes.
    pub(crate) path: String,
    /// What is in it.
    pub(crate) text: String,
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The paths of all tracked files and of new ones that are not ignored; without git, of all files.
pub(crate) fn paths() -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output();
    let mut paths: Vec<String> = match listed {
        Ok(output) if output.status.success() && !output.stdout.is_empty() => {
            String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
        }
        Ok(_) | Err(_) => walked(&root()),
    };
    // A file that was deleted and not committed yet is still listed.
    paths.retain(|path| root().join(path).is_file());
    assert!(paths.len() > 100, "the tree was not found: {} files", paths.len());
    paths
}

/// The text files whose path ends so.
pub(crate) fn sources(ending: &str) -> Vec<Source> {
    let paths = paths().into_iter().filter(|path| path.ends_with(ending));
    paths
        .filter_map(|path| {
            let text = fs::read_to_string(root().join(&path)).ok()?;
            Some(Source { path, text })
        })
        .collect()
}

/// Fails with every offence, one a line, under the reason for the rule.
pub(crate) fn none(offences: Vec<String>, reason: &str) {
    assert!(offences.is_empty(), "{reason}\n  {}", offences.join("\n  "));
}

fn walked(root: &Path) -> Vec<String> {
    let mut open = vec![root.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !matches!(name.as_str(), ".git" | "target") {
                    open.push(path);
                }
            } else {
                found.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    found
}
