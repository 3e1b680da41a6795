//! Keeps keys out of core files and off the swap, as far as the system allows.

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, geteuid, getrlimit, set_dumpable_behavior, setrlimit,
};

/// What could not be done; each is a sentence for the log.
#[must_use]
pub fn harden() -> Vec<String> {
    let mut warnings = Vec::new();
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        warnings.push(format!("core files could not be turned off: {error}"));
    }
    // Also keeps other processes of the same user from attaching a debugger or reading /proc/<pid>/mem.
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        warnings.push(format!("the process could not be made undumpable: {error}"));
    }
    match lock_memory() {
        Ok(()) => {}
        Err(reason) => warnings.push(format!(
            "memory is not locked ({reason}): keys may reach the swap; turn swap off, encrypt it, or lift the memlock limit"
        )),
    }
    warnings
}

/// Locks what is in memory and what will be; not under a limit, where a later allocation would fail.
fn lock_memory() -> Result<(), String> {
    if getrlimit(Resource::Memlock).current.is_some() && !geteuid().is_root() {
        return Err("the memlock limit is not unlimited".to_owned());
    }
    // Only what is resident is locked, or a large engine cache would be filled at once.
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    mlockall(flags).map_err(|error| error.to_string())
}
