//! Certificates for a private server: an authority of its own, made afresh each time.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};

use super::PostgresServer;

/// Writes authority, certificate and key into the server's folder; returns the lines for its configuration.
pub(super) fn set_up(server: &PostgresServer) -> Result<Vec<String>> {
    write(server.folder.path(), |path| server.programs.run_as().give(path))?;
    let folder = server.folder.path().display().to_string();
    Ok(vec![
        "ssl = on".to_owned(),
        format!("ssl_cert_file = '{folder}/server.crt'"),
        format!("ssl_key_file = '{folder}/server.key'"),
    ])
}

/// Writes an authority, and a certificate of it for `localhost` and 127.0.0.1 with its key, as `server.crt` and
/// `server.key`; `give` makes the server's user the owner of a file.
///
/// # Errors
/// When no key can be made, or a file cannot be written.
pub fn write(folder: &Path, give: impl Fn(&Path) -> Result<()>) -> Result<()> {
    let authority = authority("Rotunda test authority")?;
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, "localhost");
    let certificate = params.signed_by(&key, &authority)?;
    for (name, text, mode) in [
        (CA_FILE, authority.pem(), 0o644),
        ("server.crt", certificate.pem(), 0o644),
        ("server.key", key.serialize_pem(), 0o600),
    ] {
        let path = folder.join(name);
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
        give(&path)?;
    }
    Ok(())
}

/// The certificate of an authority that signed nothing, in PEM: the wrong one for every server.
///
/// # Errors
/// When no key can be made.
pub fn foreign_authority() -> Result<String> {
    Ok(authority("Somebody else")?.pem())
}

fn authority(name: &str) -> Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

/// The name of the authority's file.
pub const CA_FILE: &str = "authority.crt";
