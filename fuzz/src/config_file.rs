//! The server's configuration: what is accepted makes sense, whoever wrote it.

use std::cell::OnceCell;
use std::path::PathBuf;

use vault_server::config::{Config, from_file};

/// Reads `data` as a configuration file.
pub fn run(data: &[u8]) {
    thread_local! {
        static DIR: OnceCell<Option<tempfile::TempDir>> = const { OnceCell::new() };
    }
    let file: Option<PathBuf> = DIR.with(|dir| {
        let dir = dir.get_or_init(|| tempfile::tempdir().ok()).as_ref()?;
        let file = dir.path().join("rotunda.toml");
        std::fs::write(&file, data).ok().map(|()| file)
    });
    let Some(file) = file else { return };
    let read = from_file(&file);
    assert_eq!(format!("{:?}", from_file(&file)), format!("{read:?}"), "read twice alike");
    match read {
        Ok(config) => check(&config, data),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn check(config: &Config, data: &[u8]) {
    assert!(!config.default_ttl.is_zero() && config.default_ttl <= config.max_ttl);
    assert!(config.body_bytes_max >= 1024 && config.connections_max >= 1 && config.cache_bytes > 0);
    assert!(!config.request_deadline.is_zero());
    assert!(!config.data_dir.as_os_str().is_empty());
    if config.listener.tls.is_none() && !config.listener.address.ip().is_loopback() {
        let text = String::from_utf8_lossy(data);
        // A key may be written with escapes.
        assert!(text.contains("tls_disable") || text.contains('\\'), "plain text was asked for in words");
    }
    let elsewhere = config.clone().listening_on(([203, 0, 113, 9], 8200).into());
    assert!(elsewhere.is_ok() || config.listener.tls.is_none());
}
