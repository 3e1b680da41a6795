//! One request to a plugin, seen from the vault: a supervisor is started, fed and heard out within bounds.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use vault_core::rotation::fault::{Fault, FaultClass};
use zeroize::Zeroizing;

use super::launch::{ABANDONED, DEADLINE, ENDED_BADLY, LaunchFailure, Order, PluginUser};
use super::protocol::Verb;

/// Where and how plugins run; the same for all of them.
#[derive(Clone)]
pub struct Host {
    /// The plugin directory.
    pub directory: PathBuf,
    /// A folder of the vault's own for locks; made when it is not there.
    pub runs: PathBuf,
    /// What starts a supervisor: this program's own `plugin-run`.
    pub launcher: Vec<OsString>,
    /// Who plugins run as.
    pub user: Option<PluginUser>,
    /// Bounds.
    pub limits: Limits,
    /// Hears what is dropped otherwise; for authors of plugins.
    pub ear: Option<Arc<dyn Ear>>,
}

impl Host {
    /// A host whose supervisor is the program that runs.
    #[must_use]
    pub fn new(directory: PathBuf, runs: PathBuf) -> Self {
        let launcher = vec!["/proc/self/exe".into(), "plugin-run".into()];
        Self { directory, runs, launcher, user: None, limits: Limits::default(), ear: None }
    }
}

/// Bounds of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long it may take. Shorter than what an effect may take, so that the plugin's own end comes first.
    pub deadline: Duration,
    /// Most bytes that each process of it may write to in memory.
    pub memory_bytes: u64,
    /// Most bytes of a reply.
    pub output_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(20), memory_bytes: 512 << 20, output_bytes: 1 << 20 }
    }
}

/// Hears what a plugin wrote, before it is dropped.
pub trait Ear: Send + Sync {
    /// A plugin has replied to `verb`, or ended without. `stderr` is the beginning of what it wrote there; it may
    /// hold a secret. `leaked`: what it wrote, there or in its reply, did hold one of the request's.
    fn heard(&self, verb: Verb, stderr: &[u8], leaked: bool);
}

/// What came of a request.
pub(super) enum End {
    /// The plugin was not started: nothing happened.
    NotStarted(Fault),
    /// It ran, and what it did is not known.
    Failed(Fault),
    /// It ended in order, having said this.
    Replied(Zeroizing<Vec<u8>>),
}

/// What is run.
pub(super) struct Call {
    pub(super) plugin: String,
    pub(super) order: Order,
    pub(super) verb: Verb,
    pub(super) request: Zeroizing<Vec<u8>>,
    pub(super) secrets: Arc<Vec<Zeroizing<String>>>,
}

/// Runs one request. Goes on to its own end if the caller goes away meanwhile.
pub(super) async fn run(host: Arc<Host>, call: Call) -> End {
    let plugin = call.plugin.clone();
    match tokio::spawn(attend(host, call)).await {
        Ok(end) => end,
        Err(_) => End::Failed(say(&plugin, FaultClass::PluginFailed, "the vault itself failed at it")),
    }
}

async fn attend(host: Arc<Host>, call: Call) -> End {
    let not_started = |what: &str| End::NotStarted(say(&call.plugin, FaultClass::PluginFailed, what));
    let mut words = host.launcher.iter();
    let Some(program) = words.next() else { return not_started("there is no launcher") };
    if tokio::fs::DirBuilder::new().recursive(true).mode(0o700).create(&host.runs).await.is_err() {
        return not_started("the folder for its locks cannot be made");
    }
    let Ok(mut order) = serde_json::to_vec(&call.order) else { return not_started("no order") };
    order.push(b'\n');
    let spawned = Command::new(program)
        .args(words)
        .env_clear()
        // A key press that ends the vault is not for it: it ends when the vault has.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = spawned else { return not_started("its supervisor cannot be started") };
    let (Some(mut stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return not_started("its supervisor cannot be reached");
    };
    let limit = host.limits.output_bytes;
    let heard = tokio::time::timeout(host.limits.deadline + SUPERVISOR_GRACE, async {
        let send = async {
            // A supervisor that ended has said why by its exit code.
            let _ = stdin.write_all(&order).await;
            let _ = stdin.write_all(&call.request).await;
            let _ = stdin.flush().await;
        };
        let (said, errors, ()) = tokio::join!(bounded(stdout, limit), kept(stderr, STDERR_KEPT), send);
        (said, errors)
    })
    .await;
    // From here on the supervisor ends everything, if it has not yet.
    drop(stdin);
    let (said, errors) = heard.unwrap_or_default();
    listen(&host, &call, said.as_ref().map(|said| said.as_slice()), &errors);
    let status = tokio::time::timeout(SUPERVISOR_GRACE, child.wait()).await;
    let code = status.ok().and_then(Result::ok).and_then(|status| status.code());
    conclude(&call.plugin, &host.limits, code, said)
}

fn listen(host: &Host, call: &Call, said: Option<&[u8]>, errors: &[u8]) {
    let holds = |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        call.secrets.iter().any(|secret| secret.len() >= 4 && text.contains(secret.as_str()))
    };
    if !errors.is_empty() {
        // Never its words: they may hold anything that was in the request.
        tracing::debug!(
            plugin = call.plugin,
            verb = call.verb.as_str(),
            bytes = errors.len(),
            "wrote to standard error"
        );
    }
    if let Some(ear) = &host.ear {
        ear.heard(call.verb, errors, holds(errors) || said.is_some_and(holds));
    }
}

fn conclude(plugin: &str, limits: &Limits, code: Option<i32>, said: Option<Zeroizing<Vec<u8>>>) -> End {
    let failed = |what: &str| End::Failed(say(plugin, FaultClass::PluginFailed, what));
    let late = || {
        let what = format!("it did not end within {} s", limits.deadline.as_secs_f32());
        say(plugin, FaultClass::PluginTimeout, &what)
    };
    let is = |known: u8| code == Some(i32::from(known));
    if let Some(failure) = code.and_then(LaunchFailure::from_code) {
        let class = match failure {
            LaunchFailure::Busy => FaultClass::PluginTimeout,
            _ => FaultClass::PluginFailed,
        };
        return End::NotStarted(say(plugin, class, &failure.to_string()));
    }
    match said {
        _ if is(DEADLINE) => End::Failed(late()),
        None => failed(&format!("it said more than {} bytes, or nothing in time", limits.output_bytes)),
        Some(said) if code == Some(0) => End::Replied(said),
        Some(_) if is(ENDED_BADLY) => failed("it crashed, or ended with an exit code that is not 0"),
        Some(_) if is(ABANDONED) || code.is_none() => End::Failed(late()),
        Some(_) => failed("its supervisor failed"),
    }
}

pub(super) fn say(plugin: &str, class: FaultClass, what: &str) -> Fault {
    Fault::new(class, format!("plugin {plugin}: {what}"))
}

/// Everything up to a bound; `None` when there is more.
async fn bounded(from: impl AsyncRead + Unpin, most: usize) -> Option<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(Vec::with_capacity(REPLY_RESERVED));
    from.take(most as u64 + 1).read_to_end(&mut out).await.ok()?;
    (out.len() <= most).then_some(out)
}

/// The beginning of it; the rest is read and dropped, so that the writer is not held up.
async fn kept(mut from: impl AsyncRead + Unpin, most: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let _ = (&mut from).take(most as u64).read_to_end(&mut out).await;
    let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
    out
}

/// What the supervisor needs beyond the plugin's deadline to end everything.
const SUPERVISOR_GRACE: Duration = Duration::from_secs(4);
const STDERR_KEPT: usize = 64 * 1024;
const REPLY_RESERVED: usize = 64 * 1024;
