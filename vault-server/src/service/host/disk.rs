//! File systems on disks, and how full they are.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::{Unread, percent};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Disk {
    path: String,
    #[serde(rename = "fstype")]
    kind: String,
    total: u64,
    free: u64,
    used: u64,
    used_percent: f64,
    inodes_total: u64,
    inodes_used: u64,
    inodes_free: u64,
    inodes_used_percent: f64,
}

/// Those with a device below them: what is in memory or on the network is left out. One that cannot be asked is, too.
pub(super) fn all() -> Result<Value, Unread> {
    let kinds = std::fs::read_to_string("/proc/filesystems")?;
    let on_devices: BTreeSet<&str> = kinds.lines().filter_map(|line| line.strip_prefix('\t')).collect();
    let mounts = procfs::mounts()?;
    let mounts = mounts.iter().filter(|mount| on_devices.contains(mount.fs_vfstype.as_str())).take(DISKS_MAX);
    let disks: Vec<_> = mounts.filter_map(|mount| disk(&mount.fs_file, &mount.fs_vfstype)).collect();
    Ok(serde_json::to_value(disks)?)
}

fn disk(path: &str, kind: &str) -> Option<Disk> {
    let found = rustix::fs::statvfs(path).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    // Some blocks are root's alone: neither used nor free.
    let (used, free) = (bytes(found.f_blocks.saturating_sub(found.f_bfree)), bytes(found.f_bavail));
    let inodes_used = found.f_files.saturating_sub(found.f_ffree);
    Some(Disk {
        path: path.to_owned(),
        kind: kind.to_owned(),
        total: bytes(found.f_blocks),
        free,
        used,
        used_percent: percent(used, used.saturating_add(free)),
        inodes_total: found.f_files,
        inodes_used,
        inodes_free: found.f_ffree,
        inodes_used_percent: percent(inodes_used, found.f_files),
    })
}

/// A machine with containers has a mount for each file that is passed into one.
const DISKS_MAX: usize = 64;
