//! Becomes the plugin, with less than it had.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::process::{
    Resource, Rlimit, Signal, getppid, getrlimit, set_parent_process_death_signal, setrlimit, setsid, umask,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capability_is_in_bounding_set, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_no_new_privs, set_thread_groups,
    set_thread_res_gid, set_thread_res_uid,
};

use super::order::{LaunchFailure, PluginUser, Stage};

/// Runs the plugin in place of this process; comes back only when it could not, with an exit code.
///
/// Standard input begins with what the supervisor wants; the rest is the plugin's. Standard output is the supervisor's
/// ear: it closes when the plugin runs, and says why if it does not.
#[must_use]
pub fn execute() -> u8 {
    // Closed by the exec itself, and by nothing before.
    let Ok(ear) = std::io::stdout().as_fd().try_clone_to_owned() else { return LaunchFailure::Order.code() };
    // Not by the buffered standard input, which would take of the plugin's part.
    let stage =
        std::io::stdin().as_fd().try_clone_to_owned().ok().and_then(|input| Stage::read(File::from(input)));
    let failure = stage.map_or(LaunchFailure::Order, |stage| become_plugin(&stage));
    let _ = File::from(ear).write_all(&[failure.code()]);
    failure.code()
}

fn become_plugin(stage: &Stage) -> LaunchFailure {
    // Opened while this process still may.
    let Ok(output) = OpenOptions::new().write(true).open(descriptor(stage.output)) else {
        return LaunchFailure::Order;
    };
    let mut plugin = Command::new(descriptor(stage.file));
    plugin.arg0(&stage.name).args(&stage.args).env_clear().envs(&stage.env).stdout(output);
    if let Err(failure) = narrow(stage) {
        return failure;
    }
    let _ = plugin.exec();
    LaunchFailure::Exec
}

/// A file that the supervisor has left open for this process, and for the interpreter of a script.
fn descriptor(number: i32) -> String {
    format!("/proc/self/fd/{number}")
}

fn narrow(stage: &Stage) -> Result<(), LaunchFailure> {
    let limits = |_| LaunchFailure::Limits;
    setsid().map_err(limits)?;
    umask(Mode::RWXG | Mode::RWXO);
    limit(Resource::Core, 0)?;
    limit(Resource::Nofile, FILES_MAX)?;
    // While it is still allowed to.
    bound().map_err(|_| LaunchFailure::Capabilities)?;
    if let Some(user) = stage.user {
        limit(Resource::Nproc, PROCESSES_MAX)?;
        switch(user).map_err(|_| LaunchFailure::User)?;
    }
    disarm().map_err(|_| LaunchFailure::Capabilities)?;
    // With this root does not get them back at the exec either.
    set_no_new_privs(true).map_err(limits)?;
    // Forgotten when the user changes, so it comes after that; and the parent may be gone by now.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(limits)?;
    if getppid().is_none_or(|parent| parent.as_raw_nonzero().get().unsigned_abs() != stage.parent) {
        return Err(LaunchFailure::Busy);
    }
    limit(Resource::Data, stage.memory_bytes)
}

fn switch(user: PluginUser) -> rustix::io::Result<()> {
    use rustix::process::{Gid, Uid};
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    set_thread_groups(&[gid])?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)
}

/// Empties the set of capabilities that a process could ever have, where that is allowed: it is a second lock only.
fn bound() -> rustix::io::Result<()> {
    for number in 0..u64::BITS {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        match capability_is_in_bounding_set(capability) {
            Ok(false) => {}
            Ok(true) => match remove_capability_from_bounding_set(capability) {
                Err(Errno::PERM) => return Ok(()),
                removed => removed?,
            },
            // Past the last one that the kernel knows.
            Err(Errno::INVAL) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Gives up every capability. A change from root does so by itself; of a vault that is not root and was given some
/// (as by systemd's `AmbientCapabilities`), they would go over to the plugin.
fn disarm() -> rustix::io::Result<()> {
    clear_ambient_capability_set()?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
}

/// Lowers a limit for good; one that is lower already stays.
fn limit(resource: Resource, most: u64) -> Result<(), LaunchFailure> {
    let most = getrlimit(resource).maximum.map_or(most, |there| there.min(most));
    setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })
        .map_err(|_| LaunchFailure::Limits)
}

/// Enough for any client, and too few to exhaust the system.
const FILES_MAX: u64 = 256;
/// Of the user that plugins run as, all of its processes together.
const PROCESSES_MAX: u64 = 256;
