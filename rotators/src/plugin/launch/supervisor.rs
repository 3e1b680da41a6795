//! Stands over a plugin: starts it, hands it the request, and ends when nothing of it is alive.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process, set_child_subreaper, wait,
};
use zeroize::Zeroizing;

use super::file;
use super::order::{ABANDONED, DEADLINE, ENDED_BADLY, LaunchFailure, Order, Stage};

/// Reads an order and a request from standard input, runs the plugin, and returns the exit code.
#[must_use]
pub fn supervise() -> u8 {
    let mut input = BufReader::new(std::io::stdin());
    let order =
        line(&mut input, ORDER_BYTES_MAX).and_then(|text| serde_json::from_slice::<Order>(&text).ok());
    let (Some(order), Some(request)) = (order, line(&mut input, REQUEST_BYTES_MAX)) else {
        return LaunchFailure::Order.code();
    };
    let deadline = Instant::now() + Duration::from_millis(order.deadline_ms);
    let (events, seen) = channel();
    let abandoned = events.clone();
    // The vault keeps its end open for as long as it wants the plugin to run.
    thread::spawn(move || {
        let _ = std::io::copy(&mut input, &mut std::io::sink());
        let _ = abandoned.send(Event::Abandoned);
    });
    match run(&order, request, deadline, &events, &seen) {
        Ok(code) => code,
        Err(failure) => failure.code(),
    }
}

enum Event {
    /// The vault has let go, or died.
    Abandoned,
    /// The lock is held.
    Locked(Option<File>),
    /// A process below this one ended.
    Ended(Pid, WaitStatus),
    /// No process is below this one.
    Alone,
}

fn run(
    order: &Order,
    request: Zeroizing<Vec<u8>>,
    deadline: Instant,
    events: &Sender<Event>,
    seen: &Receiver<Event>,
) -> Result<u8, LaunchFailure> {
    // Held until this process ends, which is after everything below it.
    let _lock = match &order.lock {
        Some(name) => Some(lock(&order.runs.join(name), deadline, events, seen)?),
        None => None,
    };
    // Whatever leaves the plugin's own session becomes a child of this process when its parent ends.
    set_child_subreaper(Some(getpid())).map_err(|_| LaunchFailure::Limits)?;
    let copy = file::sealed(order)?;
    let (plugin, mut stdin) = start(order, &copy)?;
    drop(copy);
    let reaper = events.clone();
    thread::spawn(move || reap(&reaper));
    thread::spawn(move || {
        // One that does not read has what follows from it; dropping the pipe ends its input.
        let _ = stdin.write_all(&request);
    });
    let code = await_end(plugin, deadline, seen);
    sweep(seen);
    Ok(code)
}

/// Waits for the lock that an earlier run for the same account may still hold.
fn lock(
    path: &Path,
    deadline: Instant,
    events: &Sender<Event>,
    seen: &Receiver<Event>,
) -> Result<File, LaunchFailure> {
    let file = OpenOptions::new().create(true).append(true).open(path).map_err(|_| LaunchFailure::Busy)?;
    let locked = events.clone();
    thread::spawn(move || {
        let held = flock(&file, FlockOperation::LockExclusive).is_ok();
        let _ = locked.send(Event::Locked(held.then_some(file)));
    });
    match seen.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(Event::Locked(Some(file))) => Ok(file),
        _ => Err(LaunchFailure::Busy),
    }
}

/// Starts the executor and waits until it has become the plugin.
fn start(order: &Order, copy: &OwnedFd) -> Result<(Pid, ChildStdin), LaunchFailure> {
    let broken = |_| LaunchFailure::Limits;
    let (mut ear, mouth) = pipe_with(PipeFlags::CLOEXEC).map(|(r, w)| (File::from(r), w)).map_err(broken)?;
    // Not closed on exec; the executor makes it the plugin's standard output.
    let output = rustix::io::dup(std::io::stdout()).map_err(broken)?;
    let stage = Stage {
        name: order.command.clone(),
        file: copy.as_raw_fd(),
        output: output.as_raw_fd(),
        parent: std::process::id(),
        args: order.args.clone(),
        env: order.env.clone(),
        user: order.user,
        memory_bytes: order.memory_bytes,
    };
    let words = stage.framed().ok_or(LaunchFailure::Order)?;
    let mut child = Command::new("/proc/self/exe")
        .arg("plugin-exec")
        // It still has the vault's rights: what is the plugin's own is put on by the exec alone.
        .env_clear()
        .current_dir(empty_folder(&order.runs)?)
        .stdin(Stdio::piped())
        .stdout(mouth)
        .spawn()
        .map_err(|_| LaunchFailure::Exec)?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(LaunchFailure::Exec)?;
    let mut stdin = child.stdin.take().ok_or(LaunchFailure::Exec)?;
    let told = stdin.write_all(&words).is_ok();
    let mut said = Vec::new();
    let _ = ear.read_to_end(&mut said);
    match said.first() {
        None if told => Ok((pid, stdin)),
        code => {
            let _ = child.wait();
            Err(code.and_then(|code| LaunchFailure::from_code((*code).into())).unwrap_or(LaunchFailure::Exec))
        }
    }
}

/// Where plugins begin: a folder with nothing in it, in which the vault's own user may write nothing either.
fn empty_folder(runs: &Path) -> Result<std::path::PathBuf, LaunchFailure> {
    let folder = runs.join("empty");
    match std::fs::DirBuilder::new().mode(0o555).create(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(LaunchFailure::Limits),
        _ => Ok(folder),
    }
}

fn await_end(plugin: Pid, deadline: Instant, seen: &Receiver<Event>) -> u8 {
    loop {
        match seen.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Event::Ended(pid, status)) if pid == plugin => {
                return if status.exit_status() == Some(0) { 0 } else { ENDED_BADLY };
            }
            Ok(Event::Ended(..) | Event::Locked(_)) => {}
            Ok(Event::Alone) => return ENDED_BADLY,
            Ok(Event::Abandoned) => return ABANDONED,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return DEADLINE,
        }
    }
}

/// Kills until nothing is left; what loses its parent by that is a child of this process then. It goes on for as long as that takes: whoever holds the lock says that something runs.
fn sweep(seen: &Receiver<Event>) {
    loop {
        for child in children() {
            let _ = kill_process(child, Signal::KILL);
        }
        match seen.recv_timeout(BETWEEN_KILLS) {
            Ok(Event::Alone) | Err(RecvTimeoutError::Disconnected) => return,
            _ => {}
        }
    }
}

fn reap(events: &Sender<Event>) {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) => {
                let _ = events.send(Event::Ended(pid, status));
            }
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => {
                let _ = events.send(Event::Alone);
                return;
            }
        }
    }
}

/// The processes whose parent is this one.
fn children() -> Vec<Pid> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let own = std::process::id().to_string();
    let is_child = |pid: &str| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // pid (name) state parent …; the name may hold anything, a bracket too.
        let parent = stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?;
        (parent == own).then_some(())
    };
    processes
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| {
            let pid = Pid::from_raw(name.parse().ok()?)?;
            is_child(&name).map(|()| pid)
        })
        .collect()
}

/// A line without its end; `None` when there is none, or a longer one.
fn line(input: &mut impl BufRead, bytes_max: u64) -> Option<Zeroizing<Vec<u8>>> {
    // At its full size at once: a buffer that grows leaves copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(LINE_RESERVED));
    input.take(bytes_max).read_until(b'\n', &mut text).ok()?;
    (text.pop() == Some(b'\n')).then_some(text)
}

const ORDER_BYTES_MAX: u64 = 1024 * 1024;
const REQUEST_BYTES_MAX: u64 = 4 * 1024 * 1024;
const LINE_RESERVED: usize = 64 * 1024;
/// A process that is being killed is gone after much less.
const BETWEEN_KILLS: Duration = Duration::from_millis(20);
