//! TLS as libpq's `sslmode` means it, by rustls with aws-lc-rs.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::reach::{Reach, TlsMode};

/// Which authorities are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Roots {
    /// Those of the operating system.
    #[default]
    System,
    /// Those in this PEM file, read at each connection so that a renewed one is seen.
    File(PathBuf),
    /// Those in this PEM text.
    Pem(String),
}

/// Why TLS could not even begin; the text says what to mend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum TlsError {
    /// The file is missing or not to be read.
    #[error("the file of sslrootcert cannot be read ({0})")]
    File(std::io::ErrorKind),
    /// No certificate was found where one was named.
    #[error("sslrootcert or tls_ca holds no certificate in PEM form")]
    NoCertificate,
    /// The operating system knows no authority.
    #[error("the operating system trusts no certificate authority; name one by sslrootcert")]
    NoSystemRoots,
    /// rustls refused the provider.
    #[error("TLS cannot be set up")]
    SetUp(#[source] Error),
}

/// The client's side of TLS for these settings.
///
/// # Errors
/// [`TlsError`] by cause.
pub(crate) async fn client_config(reach: &Reach) -> Result<ClientConfig, TlsError> {
    // Taken explicitly, so that it works whether or not the process has installed a default.
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::SetUp)?;
    let verifier = match reach.tls {
        TlsMode::VerifyFull => {
            let roots = roots(&reach.roots).await?;
            return Ok(builder.with_root_certificates(roots).with_no_client_auth());
        }
        TlsMode::VerifyCa => Unnamed { provider, roots: Some(roots(&reach.roots).await?) },
        TlsMode::Disable | TlsMode::Prefer | TlsMode::Require => Unnamed { provider, roots: None },
    };
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

/// Why a handshake failed, in words of our own.
pub(crate) fn words(cause: &io::Error) -> &'static str {
    match cause.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::InvalidCertificate(problem)) => match problem {
            CertificateError::UnknownIssuer => "the certificate is of an authority that is not trusted",
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the certificate has expired"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the certificate is for another host"
            }
            _ => "the certificate was not accepted",
        },
        _ => "the two sides did not agree",
    }
}

async fn roots(roots: &Roots) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(authorities(roots).await?);
    match (added, roots) {
        (0, Roots::System) => Err(TlsError::NoSystemRoots),
        (0, _) => Err(TlsError::NoCertificate),
        _ => Ok(store),
    }
}

/// The certificates of the trusted authorities, as they were found: some may be no use.
pub(crate) async fn authorities(roots: &Roots) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    match roots {
        Roots::System => Ok(rustls_native_certs::load_native_certs().certs),
        Roots::File(path) => {
            let pem = tokio::fs::read(path).await.map_err(|error| TlsError::File(error.kind()))?;
            from_pem(&pem)
        }
        Roots::Pem(pem) => from_pem(pem.as_bytes()),
    }
}

fn from_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| TlsError::NoCertificate)
}

/// Accepts a certificate for whatever name: of a trusted authority (`verify-ca`), or any (`require`).
///
/// The handshake's signature is verified all the same, so the peer holds the key of what it shows.
#[derive(Debug)]
struct Unnamed {
    provider: Arc<CryptoProvider>,
    roots: Option<RootCertStore>,
}

impl ServerCertVerifier for Unnamed {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(roots) = &self.roots {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, algorithms)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
