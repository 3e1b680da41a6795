//! Private servers: starting, signalling and ending their processes, the user they run as, and the watcher that
//! outlives us.

use std::fs;
use std::io::{BufRead, BufReader, PipeReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// What a server has written to its standard output and error, over all its starts.
#[derive(Debug, Default)]
pub struct Log(Mutex<String>);

impl Log {
    /// All of it so far.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, line: &str) {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(line);
        text.push('\n');
    }

    fn follow(&self, output: PipeReader, says_ready: &str, ready: &mpsc::Sender<()>) {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            self.add(&line);
            if line.contains(says_ready) {
                // Nobody listens any more once the start was waited for.
                let _ = ready.send(());
            }
        }
    }
}

/// A server as our child, with the processes that it starts.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// Ends when every process of the server has closed its standard output and error, so when all are gone.
    follower: JoinHandle<()>,
}

impl Process {
    /// Starts it and waits until it writes this.
    ///
    /// # Errors
    /// When it does not start, or does not write that within a minute; then the error holds its log.
    pub fn start(command: &mut Command, says_ready: &'static str, log: &Arc<Log>) -> Result<Self> {
        Self::start_and(command, says_ready, log, |_| Ok(()))
    }

    /// The same for one that takes long to come up: it is watched from its first moment.
    ///
    /// # Errors
    /// As [`Process::start`].
    pub fn start_watched(
        command: &mut Command,
        says_ready: &'static str,
        log: &Arc<Log>,
        watcher: &mut Watcher,
    ) -> Result<Self> {
        Self::start_and(command, says_ready, log, |process| watcher.watch(process))
    }

    fn start_and(
        command: &mut Command,
        says_ready: &'static str,
        log: &Arc<Log>,
        at_once: impl FnOnce(&Self) -> Result<()>,
    ) -> Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let (output, input) = std::io::pipe()?;
        // A group of its own, so that Ctrl-C reaches us alone and we end it in order.
        command.stdin(Stdio::null()).stdout(input.try_clone()?).stderr(input).process_group(0);
        let child = command.spawn().with_context(|| format!("{program} did not start"))?;
        // The command keeps its ends of the pipe open.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let (ready, wait) = mpsc::channel();
        let heard = Arc::clone(log);
        let follower = std::thread::spawn(move || heard.follow(output, says_ready, &ready));
        let process = Self { child, follower };
        at_once(&process)?;
        if wait.recv_timeout(START_TIME_MAX).is_err() {
            process.end(Signal::KILL)?;
            bail!("{program} did not come up:\n{}", log.text());
        }
        Ok(process)
    }

    /// The server's process, which leads a group of its own.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Signals the server and each of its children.
    ///
    /// # Errors
    /// When the server cannot be signalled.
    pub fn signal_all(&self, signal: Signal) -> Result<()> {
        kill_process(Pid::from_child(&self.child), signal)?;
        for pid in self.children()? {
            // One that has ended meanwhile needs no signal.
            let _ = kill_process(pid, signal);
        }
        Ok(())
    }

    /// Signals the server and waits until it and all its children are gone. Children that outlive a killed server
    /// end by themselves or are killed here, but keep its data busy until then.
    ///
    /// # Errors
    /// When the server cannot be signalled or waited for.
    pub fn end(mut self, signal: Signal) -> Result<()> {
        kill_process(Pid::from_child(&self.child), signal)?;
        // A paused process acts on a signal only once it goes on.
        self.signal_all(Signal::CONT)?;
        self.child.wait()?;
        self.follower.join().map_err(|_| anyhow!("the log's reader panicked"))
    }

    fn children(&self) -> Result<Vec<Pid>> {
        let server = Pid::from_child(&self.child).as_raw_nonzero().get();
        let mut children = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let path = entry?.path();
            let Some(pid) = path.file_name().and_then(|name| name.to_str()?.parse().ok()) else { continue };
            // Processes end while the folder is read.
            let Ok(stat) = fs::read_to_string(path.join("stat")) else { continue };
            // proc(5): the parent is the second field after the name in parentheses.
            let parent =
                stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
            if parent == Some(server) {
                children.extend(Pid::from_raw(pid));
            }
        }
        Ok(children)
    }
}

/// A shell that waits for our end: dismissed, it just leaves; when its input closes without a word, we
/// died, and it ends the server and removes the folder.
#[derive(Debug)]
pub struct Watcher {
    shell: Child,
    input: ChildStdin,
}

impl Watcher {
    /// A watcher over this folder; there is no server yet.
    ///
    /// # Errors
    /// When the shell does not start.
    pub fn over(folder: &Path) -> Result<Self> {
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT, "watcher"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("the watcher did not start")?;
        let input = shell.stdin.take().context("the watcher has no input")?;
        Ok(Self { shell, input })
    }

    /// From now on this is the server to end.
    ///
    /// # Errors
    /// When the shell is gone.
    pub fn watch(&mut self, process: &Process) -> Result<()> {
        Ok(writeln!(self.input, "{}", process.pid())?)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // Should this fail, the shell does what is left to do.
        let _ = writeln!(self.input, "done");
        let _ = self.shell.wait();
    }
}

/// Who runs a server: servers refuse to be root's, or should be.
#[derive(Clone, Copy, Debug)]
pub struct RunAs(Option<(u32, u32)>);

impl RunAs {
    /// This user, or the first of `names` that there is when this is root; else nobody.
    ///
    /// # Errors
    /// When this is root and the machine has none of these users.
    pub fn one_of(names: &[&str]) -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self(None));
        }
        let passwd = fs::read_to_string("/etc/passwd")?;
        let ids = names.iter().chain(&["nobody"]).find_map(|name| ids_of(&passwd, name));
        Ok(Self(Some(
            ids.with_context(|| format!("this is root, and there is no user {names:?} or nobody"))?,
        )))
    }

    /// A command of this user's, with a clean environment.
    #[must_use]
    pub fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").env("LC_ALL", "C");
        if let Some((uid, gid)) = self.0 {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// A folder that this user owns and can reach.
    ///
    /// # Errors
    /// When it cannot be made or given away.
    pub fn temporary_folder(self, prefix: &str) -> Result<TempDir> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(prefix);
        // root's own TMPDIR may be closed to others.
        let folder = if self.0.is_some() { builder.tempdir_in("/tmp")? } else { builder.tempdir()? };
        self.give(folder.path())?;
        Ok(folder)
    }

    /// Makes this user the owner.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn give(self, path: &Path) -> Result<()> {
        if let Some((uid, gid)) = self.0 {
            chown(path, Some(uid), Some(gid))?;
        }
        Ok(())
    }
}

fn ids_of(passwd: &str, name: &str) -> Option<(u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}

/// A port nobody listens on at this moment.
///
/// # Errors
/// When the system gives none.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

// PostgreSQL takes QUIT as "at once"; its children have groups of their own and go with it. A group is named in the one
// way that every shell reads (`-s`); a process that has ended stays in it until somebody has noted that.
const SCRIPT: &str = r#"
pid=
while read -r word; do
    if [ "$word" = done ]; then exit 0; fi
    pid=$word
done
if [ -n "$pid" ]; then
    kill -s CONT -- "-$pid"; kill -s QUIT -- "-$pid"
    tries=0
    while kill -s 0 -- "-$pid" && ! grep -qs ') Z' "/proc/$pid/stat" && [ $tries -lt 100 ]; do
        sleep 0.1; tries=$((tries + 1))
    done
    kill -s KILL -- "-$pid"
fi
rm -rf "$1"
"#;
const START_TIME_MAX: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let passwd = "postgresql:x:7:8::/:/bin/sh\npostgres:x:101:104:Admin:/var:/bin/bash\n";
        assert_eq!(ids_of(passwd, "postgres"), Some((101, 104)));
        assert_eq!(ids_of(passwd, "nobody"), None);
    }
}
