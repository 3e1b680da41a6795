//! TLS as this program wants it: one explicit provider, the system's roots or the caller's, no exceptions.

use std::{error::Error, io, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use super::address::Address;
use crate::failure::Failure;

/// The settings for a server; for plain HTTP no certificate is read.
///
/// # Errors
/// The certificate file cannot be used.
pub(crate) fn config(address: &Address, ca_cert: Option<&str>) -> Result<ClientConfig, Failure> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let roots = match ca_cert {
        _ if address.is_plain() => RootCertStore::empty(),
        Some(path) => chosen_roots(path)?,
        None => system_roots(),
    };
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::usage(format!("cannot set up TLS: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// What to mend when the handshake failed.
pub(crate) fn hint(error: &reqwest::Error, address: &Address) -> Option<String> {
    let fault = tls_fault(error)?;
    Some(match fault {
        rustls::Error::InvalidMessage(_) => {
            format!("it does not speak TLS; for plain HTTP on loopback: --address {} (VAULT_ADDR)", address.as_plain())
        }
        rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer) => {
            "its certificate comes from an authority that is not trusted here: name that one with --ca-cert (VAULT_CACERT)"
                .to_owned()
        }
        rustls::Error::InvalidCertificate(_) => {
            "its certificate does not fit: is it the host in --address (VAULT_ADDR), and not expired?".to_owned()
        }
        _ => "the TLS handshake failed".to_owned(),
    })
}

/// The TLS error somewhere inside, also within an I/O error, which hides it from `source`.
fn tls_fault(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(current) = cause {
        if let Some(fault) = current.downcast_ref::<rustls::Error>() {
            return Some(fault);
        }
        let inner = current.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(fault) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Some(fault);
        }
        cause = inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| current.source());
    }
    None
}

fn chosen_roots(path: &str) -> Result<RootCertStore, Failure> {
    let refused = |why: String| Failure::usage(format!("cannot use the certificates in {path}: {why}"));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| refused(error.to_string()))? {
        let certificate = certificate.map_err(|error| refused(error.to_string()))?;
        roots.add(certificate).map_err(|error| refused(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(refused("there is none in it (PEM is expected)".to_owned()));
    }
    Ok(roots)
}

/// None at all is no error here: the handshake then names the authority that is missing.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}
