//! Which roles may use a database: patterns with `*`, against a slow second reading.

use vault_core::database::DatabaseConfig;
use vault_core::path::Name;

use super::parts::parts;

/// Asks `name %% pattern %% …`.
pub fn run(data: &[u8]) {
    let Some(parts) = parts(data) else { return };
    let Some((name, patterns)) = parts.split_first() else { return };
    let Ok(target) = Name::parse("t") else { return };
    // The slow reading tries every way to cut a name.
    if data.len() > BYTES_MAX || patterns.iter().any(|pattern| pattern.matches('*').count() > STARS_MAX) {
        return;
    }
    let config = DatabaseConfig {
        target,
        plugin_name: String::new(),
        allowed_roles: patterns.iter().map(|&pattern| pattern.to_owned()).collect(),
        username_template: String::new(),
        root_rotation_statements: Vec::new(),
        max_open_connections: None,
        max_idle_connections: None,
        max_connection_lifetime: None,
    };
    let slow = patterns.iter().any(|pattern| fits(pattern, name));
    assert_eq!(config.allows(name), slow, "{patterns:?} {name:?}");
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, tail)) => name.strip_prefix(head).is_some_and(|rest| {
            let cuts = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            cuts.filter_map(|at| rest.get(at..)).any(|rest| fits(tail, rest))
        }),
    }
}

const BYTES_MAX: usize = 256;
const STARS_MAX: usize = 4;
