//! The system: its name, its kernel, since when it runs.

use std::collections::BTreeMap;
use std::path::Path;

use procfs::{Current, CurrentSI, KernelStats, Uptime};
use serde::Serialize;
use serde_json::Value;

use super::Unread;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct System {
    hostname: String,
    uptime: u64,
    boot_time: u64,
    procs: usize,
    os: &'static str,
    platform: String,
    platform_family: String,
    platform_version: String,
    kernel_version: String,
    kernel_arch: String,
    virtualization_system: &'static str,
    virtualization_role: &'static str,
    #[serde(rename = "hostid")]
    host_id: String,
}

pub(super) fn read() -> Result<Value, Unread> {
    let kernel = rustix::system::uname();
    let mut release = release(&text("/etc/os-release").unwrap_or_default());
    let platform = release.remove("ID").unwrap_or_else(|| "linux".to_owned());
    let family = release.remove("ID_LIKE").and_then(|names| names.split(' ').next().map(str::to_owned));
    let container = container();
    Ok(serde_json::to_value(System {
        hostname: kernel.nodename().to_string_lossy().into_owned(),
        uptime: Uptime::current()?.uptime_duration().as_secs(),
        boot_time: KernelStats::current()?.btime,
        procs: processes()?,
        os: std::env::consts::OS,
        platform_family: family.unwrap_or_else(|| platform.clone()),
        platform,
        platform_version: release.remove("VERSION_ID").unwrap_or_default(),
        kernel_version: kernel.release().to_string_lossy().into_owned(),
        kernel_arch: kernel.machine().to_string_lossy().into_owned(),
        virtualization_role: if container.is_empty() { "" } else { "guest" },
        virtualization_system: container,
        host_id: host_id(),
    })?)
}

/// The container around, as far as it leaves a mark; empty when there is none.
fn container() -> &'static str {
    let marks = [("/.dockerenv", "docker"), ("/run/.containerenv", "podman")];
    marks.into_iter().find(|(mark, _)| Path::new(mark).exists()).map_or("", |(_, name)| name)
}

/// Each process has a directory of its number.
fn processes() -> Result<usize, Unread> {
    let entries = std::fs::read_dir("/proc")?;
    let is_process = |name: &std::ffi::OsStr| name.as_encoded_bytes().iter().all(u8::is_ascii_digit);
    Ok(entries.flatten().filter(|entry| is_process(&entry.file_name())).count())
}

/// The hardware's identity where it may be read, else the installation's, else that of this boot.
fn host_id() -> String {
    let places = ["/sys/class/dmi/id/product_uuid", "/etc/machine-id", "/proc/sys/kernel/random/boot_id"];
    let id = places.iter().find_map(|place| text(place)).unwrap_or_default().to_lowercase();
    uuid::Uuid::parse_str(&id).map_or(id, |id| id.to_string())
}

/// A file of one line; `None` when it is not there, not ours to read, or empty.
fn text(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The lines of `os-release(5)`, without their quotes.
fn release(text: &str) -> BTreeMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.trim_matches(['"', '\'']).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_read_with_and_without_quotes() {
        let found = release("ID=debian\nVERSION_ID=\"12\"\n# a remark\nPRETTY_NAME='Debian 12'\n");
        let want = [("ID", "debian"), ("PRETTY_NAME", "Debian 12"), ("VERSION_ID", "12")];
        assert_eq!(found, want.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }
}
