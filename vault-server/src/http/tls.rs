//! The server's certificate.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::Tls;

/// Why TLS cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file is not there, or not PEM with what it should hold.
    #[error("cannot read {what} from {file}")]
    File {
        /// `a certificate` or `a private key`.
        what: &'static str,
        /// Which file.
        file: PathBuf,
        /// Why.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// Certificate and key do not fit together, or the key is of a kind that is not supported.
    #[error("the certificate {file} cannot be used with its key")]
    Pair {
        /// The certificate's file.
        file: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
}

/// Reads certificate and key; TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1.
pub(super) fn server_config(tls: &Tls) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = CertificateDer::pem_file_iter(&tls.cert_file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|source| unreadable("a certificate", &tls.cert_file, source))?;
    let key = PrivateKeyDer::from_pem_file(&tls.key_file)
        .map_err(|source| unreadable("a private key", &tls.key_file, source))?;
    let pair = |source| TlsError::Pair { file: tls.cert_file.clone(), source };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(pair)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(pair)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn unreadable(what: &'static str, file: &Path, source: rustls::pki_types::pem::Error) -> TlsError {
    TlsError::File { what, file: file.to_owned(), source }
}
