//! The server's processes: starting, signalling and ending them, and the watcher that outlives us.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};

/// What the server has written to its standard error, over all its starts.
#[derive(Debug, Default)]
pub(super) struct Log(Mutex<String>);

impl Log {
    pub(super) fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, line: &str) {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(line);
        text.push('\n');
    }

    fn follow(&self, stderr: ChildStderr, ready: &mpsc::Sender<()>) {
        for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            self.add(&line);
            // A standby says "ready to accept read-only connections".
            if line.contains("database system is ready to accept") {
                // Nobody listens any more once the start was waited for.
                let _ = ready.send(());
            }
        }
    }
}

/// The postmaster, as our child.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// Ends when every process of the server has closed its standard error, so when all are gone.
    follower: JoinHandle<()>,
}

impl Process {
    /// Starts it and waits until it takes connections.
    pub(super) fn start(command: &mut Command, log: &Arc<Log>) -> Result<Self> {
        // A group of its own, so that Ctrl-C reaches us alone and we end it in order.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().context("postgres did not start")?;
        let stderr = child.stderr.take().context("postgres has no stderr")?;
        let (ready, wait) = mpsc::channel();
        let heard = Arc::clone(log);
        let follower = std::thread::spawn(move || heard.follow(stderr, &ready));
        let process = Self { child, follower };
        if wait.recv_timeout(START_TIME_MAX).is_err() {
            process.end(Signal::KILL)?;
            bail!("postgres did not come up:\n{}", log.text());
        }
        Ok(process)
    }

    /// Signals the postmaster and each of its children.
    pub(super) fn signal_all(&self, signal: Signal) -> Result<()> {
        kill_process(Pid::from_child(&self.child), signal)?;
        for pid in self.children()? {
            // One that has ended meanwhile needs no signal.
            let _ = kill_process(pid, signal);
        }
        Ok(())
    }

    /// Signals the postmaster and waits until it and all its children are gone. Children that outlive a
    /// killed postmaster end by themselves, but keep the data folder busy until then.
    pub(super) fn end(mut self, signal: Signal) -> Result<()> {
        kill_process(Pid::from_child(&self.child), signal)?;
        // A paused process acts on a signal only once it goes on.
        self.signal_all(Signal::CONT)?;
        self.child.wait()?;
        self.follower.join().map_err(|_| anyhow!("the log's reader panicked"))
    }

    fn children(&self) -> Result<Vec<Pid>> {
        let postmaster = Pid::from_child(&self.child).as_raw_nonzero().get();
        let mut children = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let path = entry?.path();
            let Some(pid) = path.file_name().and_then(|name| name.to_str()?.parse().ok()) else { continue };
            // Processes end while the folder is read.
            let Ok(stat) = fs::read_to_string(path.join("stat")) else { continue };
            // proc(5): the parent is the second field after the name in parentheses.
            let parent =
                stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
            if parent == Some(postmaster) {
                children.extend(Pid::from_raw(pid));
            }
        }
        Ok(children)
    }
}

/// A shell that waits for our end: dismissed, it just leaves; when its input closes without a word, we
/// died, and it ends the server and removes the folder.
#[derive(Debug)]
pub(super) struct Watcher {
    shell: Child,
    input: ChildStdin,
}

impl Watcher {
    pub(super) fn over(folder: &Path) -> Result<Self> {
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
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // Should this fail, the shell does what is left to do.
        let _ = writeln!(self.input, "done");
        let _ = self.shell.wait();
    }
}

const SCRIPT: &str = r#"
if read -r word; then exit 0; fi
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ]; then kill -CONT "$pid"; kill -QUIT "$pid"; fi
tries=0
while [ -n "$pid" ] && kill -0 "$pid" && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
rm -rf "$1"
"#;
const START_TIME_MAX: Duration = Duration::from_secs(60);
