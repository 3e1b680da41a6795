//! The file of a plugin: where it may lie, and a sealed copy of exactly the bytes that were hashed.
//!
//! Whoever can write to the file between a look and a start could run something else. So it is read once, into
//! memory that is then sealed against every change; the digest is that of this copy, and the copy is what runs.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Component, Path};

use data_encoding::HEXLOWER;
use rustix::fs::{
    FileType, MemfdFlags, Mode, OFlags, SealFlags, Stat, fcntl_add_seals, fstat, memfd_create, open, openat,
};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::order::{LaunchFailure, Order};

/// The plugin's bytes, sealed in memory and open for the executor.
pub(super) fn sealed(order: &Order) -> Result<OwnedFd, LaunchFailure> {
    let mut file = open_checked(&order.directory, &order.command)?;
    let copy = memory()?;
    let mut out = File::from(copy);
    let digest = copy_hashed(&mut file, &mut out)?;
    if !digest.eq_ignore_ascii_case(&order.sha256) {
        return Err(LaunchFailure::Digest);
    }
    let copy = OwnedFd::from(out);
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    fcntl_add_seals(&copy, seals).map_err(|_| LaunchFailure::Copy)?;
    Ok(copy)
}

/// The SHA-256 (hex) of a file in the plugin directory, if a plugin may lie there.
///
/// # Errors
/// [`LaunchFailure`] about the file.
pub(crate) fn digest(directory: &Path, command: &str) -> Result<String, LaunchFailure> {
    copy_hashed(&mut open_checked(directory, command)?, &mut std::io::sink())
}

fn open_checked(directory: &Path, command: &str) -> Result<File, LaunchFailure> {
    let mut parts = Path::new(command).components();
    if !matches!((parts.next(), parts.next()), (Some(Component::Normal(only)), None) if only == command) {
        return Err(LaunchFailure::NotAFile);
    }
    let flags = OFlags::CLOEXEC | OFlags::NOFOLLOW;
    // The directory itself may be reached over links: the operator has named it.
    let dir = open(directory, OFlags::CLOEXEC | OFlags::DIRECTORY, Mode::empty())
        .map_err(|_| LaunchFailure::Missing)?;
    let file =
        openat(&dir, command, flags | OFlags::NONBLOCK, Mode::empty()).map_err(|error| match error {
            Errno::LOOP => LaunchFailure::NotAFile,
            _ => LaunchFailure::Missing,
        })?;
    let (dir, stat) =
        (fstat(&dir).map_err(|_| LaunchFailure::Missing)?, fstat(&file).map_err(|_| LaunchFailure::Missing)?);
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(LaunchFailure::NotAFile);
    }
    if changeable(&dir) || changeable(&stat) {
        return Err(LaunchFailure::Writable);
    }
    Ok(File::from(file))
}

/// Whether others than this process's user and root may write to it.
fn changeable(stat: &Stat) -> bool {
    let own = rustix::process::geteuid().as_raw();
    let shared = Mode::from_raw_mode(stat.st_mode).intersects(Mode::WGRP | Mode::WOTH);
    shared || (stat.st_uid != own && stat.st_uid != 0)
}

fn memory() -> Result<OwnedFd, LaunchFailure> {
    // Not closed on exec: a script's interpreter opens it again by its number.
    let flags = MemfdFlags::ALLOW_SEALING;
    match memfd_create("plugin", flags | MemfdFlags::EXEC) {
        // Before Linux 6.3 every such file may be executed, and the flag is not known.
        Err(Errno::INVAL) => memfd_create("plugin", flags),
        made => made,
    }
    .map_err(|_| LaunchFailure::Copy)
}

fn copy_hashed(file: &mut File, out: &mut impl Write) -> Result<String, LaunchFailure> {
    let mut hash = Sha256::new();
    let (mut buffer, mut total) = (vec![0_u8; 64 * 1024], 0_u64);
    loop {
        let count = file.read(&mut buffer).map_err(|_| LaunchFailure::Missing)?;
        let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else { break };
        total += read.len() as u64;
        if total > FILE_BYTES_MAX {
            return Err(LaunchFailure::TooLarge);
        }
        hash.update(read);
        out.write_all(read).map_err(|_| LaunchFailure::Copy)?;
    }
    Ok(HEXLOWER.encode(&hash.finalize()))
}

/// It is copied into memory at each start.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn only_an_ordinary_file_directly_in_the_directory_is_taken_and_none_that_others_may_change() {
        let dir = std::env::temp_dir().join(format!("rotunda-plugin-file-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("folder")).unwrap();
        std::fs::set_permissions(&dir, PermissionsExt::from_mode(0o755)).unwrap();
        let file = |name: &str, mode| {
            std::fs::write(dir.join(name), "#!/bin/sh\n").unwrap();
            std::fs::set_permissions(dir.join(name), PermissionsExt::from_mode(mode)).unwrap();
        };
        file("good", 0o755);
        file("group", 0o775);
        file("world", 0o757);
        file("folder/inside", 0o755);
        symlink(dir.join("good"), dir.join("link")).unwrap();
        for (name, wanted) in [
            ("good", None),
            ("group", Some(LaunchFailure::Writable)),
            ("world", Some(LaunchFailure::Writable)),
            ("link", Some(LaunchFailure::NotAFile)),
            ("folder", Some(LaunchFailure::NotAFile)),
            ("folder/inside", Some(LaunchFailure::NotAFile)),
            ("../good", Some(LaunchFailure::NotAFile)),
            ("..", Some(LaunchFailure::NotAFile)),
            ("/bin/sh", Some(LaunchFailure::NotAFile)),
            ("", Some(LaunchFailure::NotAFile)),
            ("missing", Some(LaunchFailure::Missing)),
        ] {
            assert_eq!(digest(&dir, name).err(), wanted, "{name:?}");
        }
        std::fs::set_permissions(&dir, PermissionsExt::from_mode(0o777)).unwrap();
        assert_eq!(digest(&dir, "good"), Err(LaunchFailure::Writable));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
