//! Certificates and keys in PEM form: a server with them, or an error that names the file.

use std::cell::OnceCell;
use std::net::SocketAddr;
use std::path::PathBuf;

use vault_server::config::{Listener, Tls};
use vault_server::http::Bound;

/// Binds a listener whose certificate and key are both `data`.
pub fn run(data: &[u8]) {
    thread_local! {
        static DIR: OnceCell<Option<tempfile::TempDir>> = const { OnceCell::new() };
    }
    let file: Option<PathBuf> = DIR.with(|dir| {
        let dir = dir.get_or_init(|| tempfile::tempdir().ok()).as_ref()?;
        let file = dir.path().join("server.pem");
        std::fs::write(&file, data).ok().map(|()| file)
    });
    let Some(file) = file else { return };
    let tls = Tls { cert_file: file.clone(), key_file: file };
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return };
    let bound = runtime.block_on(Bound::bind(&Listener { address, tls: Some(tls) }));
    match bound {
        Ok(bound) => assert!(bound.url().starts_with("https://127.0.0.1:")),
        Err(error) => assert_eq!(error.to_string(), "cannot serve TLS"),
    }
}
