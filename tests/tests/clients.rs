//! Today's Vault clients, unchanged, against the real program: hvac (Python), node-vault (Node), `bao` (OpenBao's
//! command line) and vaultrs (Rust). And schemathesis, which knows nothing but the OpenAPI document.
//!
//! One test for each client and area. The stories of the first three are files under `tests/clients`; those of
//! vaultrs are here. `tests/install` installs the clients; a test whose client is missing fails and says so.
//!
//! With `ROTUNDA_CLIENTS_AGAINST=openbao` the same stories are told to a real OpenBao, from the package that carries
//! `bao`: a story that fails there is wrong itself.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "the parts of tests are tests too"
)]

/// A test for each story, by the `story` of the module that names them.
macro_rules! stories {
    ($($name:ident: $begin:ident),* $(,)?) => {
        $(#[tokio::test]
        async fn $name() {
            story(stringify!($name), $begin).await;
        })*
    };
}

#[path = "clients/bao.rs"]
mod bao;
#[path = "clients/database.rs"]
mod database;
#[path = "clients/hvac.rs"]
mod hvac;
#[path = "clients/installed.rs"]
mod installed;
#[path = "clients/library.rs"]
mod library;
#[path = "clients/node.rs"]
mod node;
#[path = "clients/openbao.rs"]
mod openbao;
#[path = "clients/schemathesis.rs"]
mod schemathesis;
#[path = "clients/script.rs"]
mod script;
#[path = "clients/server.rs"]
mod server;
#[path = "clients/vaultrs.rs"]
mod vaultrs;
