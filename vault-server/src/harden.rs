//! Keeps keys out of core files and off the swap, as far as the system allows.

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

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
    // Only what is resident is locked, or a large engine cache would count against the limit at once.
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    if let Err(error) = mlockall(flags) {
        warnings.push(format!(
            "memory could not be locked ({error}): keys may reach the swap; turn swap off, encrypt it, or raise the memlock limit"
        ));
    }
    warnings
}
