//! From text to blocks: HCL, or JSON when the text begins with `{`.
//!
//! Both forms end as the same list of blocks with plain values. Anything that could be read in two ways,
//! such as a key given twice, is refused: the reading that was not meant might be the lenient one.

mod hcl_form;
mod json_form;
mod layout;

use serde_json::{Map, Value};

use super::document::PolicyError;

/// One `path` block with its settings as written.
#[derive(Debug)]
pub(super) struct Stanza {
    pub(super) path: String,
    pub(super) settings: Map<String, Value>,
}

/// Reads all blocks, in the order of the text.
pub(super) fn read(text: &str) -> Result<Vec<Stanza>, PolicyError> {
    if text.trim_start().starts_with('{') { json_form::read(text) } else { hcl_form::read(text) }
}
