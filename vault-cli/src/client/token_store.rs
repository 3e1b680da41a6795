//! `~/.vault-token`, where Vault's command line keeps its token too.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use vault_api::Sensitive;

use crate::failure::Failure;

/// Reads the stored token; an absent or empty file is none.
///
/// # Errors
/// The file is there and cannot be read.
pub(crate) fn read(home: &Path) -> Result<Option<Sensitive<String>>, Failure> {
    let path = path(home);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|token| !token.is_empty()).map(Sensitive::new)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::usage(format!("cannot read {}: {error}", path.display()))),
    }
}

/// Stores a token, readable by its owner alone from its first byte on.
///
/// A new file takes the old one's place, so that an old one that others could read does not hand its mode on.
///
/// # Errors
/// The home folder cannot be written to.
pub(crate) fn write(home: &Path, token: &Sensitive<String>) -> Result<PathBuf, Failure> {
    let path = path(home);
    let draft = home.join(format!(".vault-token.{}", std::process::id()));
    let written = (|| {
        // A draft of that name is what is left of a run that was cut short.
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(&draft)?;
        file.write_all(token.expose().as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, &path)
    })();
    written.map_err(|error| {
        // Best effort: the error told is the first one.
        let _ = fs::remove_file(&draft);
        Failure::usage(format!("cannot store the token in {}: {error}", path.display()))
    })?;
    Ok(path)
}

fn path(home: &Path) -> PathBuf {
    home.join(".vault-token")
}

/// Read and write for the owner, nothing for anybody else.
const OWNER_ONLY: u32 = 0o600;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_stored_token_is_its_owners_alone_whatever_was_there_before() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(read(home.path()).unwrap(), None);
        let path = home.path().join(".vault-token");
        fs::write(&path, "old\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(read(home.path()).unwrap().unwrap().expose(), "old");

        write(home.path(), &"hvs.new".to_owned().into()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&path).unwrap(), "hvs.new");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn an_empty_file_is_no_token_and_an_unreadable_one_is_told() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(".vault-token"), " \n").unwrap();
        assert_eq!(read(home.path()).unwrap(), None);
        fs::remove_file(home.path().join(".vault-token")).unwrap();
        fs::create_dir(home.path().join(".vault-token")).unwrap();
        assert!(read(home.path()).unwrap_err().to_string().contains(".vault-token"));
        assert!(write(home.path(), &"t".to_owned().into()).unwrap_err().to_string().contains(".vault-token"));
    }
}
