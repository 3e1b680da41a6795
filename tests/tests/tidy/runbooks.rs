//! The runbook of each class that the server serves is the one in `docs/runbooks.md`.

use vault_core::incident::remedy::runbook::runbook;
use vault_core::rotation::fault::FaultClass;

use super::tree;

/// The text below a heading, up to the next one.
fn section<'a>(document: &'a str, heading: &str) -> Option<&'a str> {
    let (_, below) = document.split_once(&format!("\n## {heading}\n"))?;
    Some(below.split("\n## ").next().unwrap_or(below))
}

/// The commands of a section's blocks, without their remarks.
fn commands(section: &str) -> Vec<&str> {
    let blocks = section.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(str::lines).map(|line| line.split(" #").next().unwrap_or(line).trim()).collect()
}

#[test]
fn each_class_has_the_section_that_the_server_serves() {
    let document = std::fs::read_to_string(tree::root().join("docs/runbooks.md")).unwrap();
    for class in FaultClass::ALL {
        let book = runbook(class);
        let section = section(&document, class.as_str()).unwrap_or_else(|| panic!("{class} has no section"));
        let flat = section.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.starts_with(&format!("*{}*", book.means)), "{class} means something else: {flat}");
        assert!(flat.contains(book.by_itself), "{class}: the document does not say {:?}", book.by_itself);
        assert_eq!(commands(section), book.commands, "{class}");
    }
}
