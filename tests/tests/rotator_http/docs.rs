//! The page about this rotator shows what ships.

use std::fs;
use std::path::Path;

use rotators::http::config::PRESETS;
use rotators::http::service::Service;

#[test]
fn the_page_names_every_preset_and_its_examples_are_descriptions() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rotators/http.md");
    let page = fs::read_to_string(place).unwrap();
    for (name, _) in PRESETS {
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
    let mut examples = 0;
    for block in page.split("```json\n").skip(1) {
        let (text, _) = block.split_once("```").unwrap();
        let mut given = [("realm".to_owned(), "staff".to_owned())].into();
        Service::parse(text, &mut given).unwrap_or_else(|error| panic!("{error}:\n{text}"));
        examples += 1;
    }
    assert!(examples >= 3, "{examples} examples");
}
