//! The plugin that misbehaves at will, its target (a file), and one account.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rotators::plugin::{Limits, PluginRotator};
use serde_json::{Value, json};
use vault_core::clock::Timestamp;
use vault_core::entropy::SeededEntropy;
use vault_core::id::RotationId;
use vault_core::rotation::port::{Job, Login, TargetSpec};
use vault_core::secret::SecretString;
use vault_tests::plugin::PluginFolder;

pub(crate) const OLD: &str = "old-4711-of-the-account";
pub(crate) const NEW: &str = "new-0815-of-the-account";
pub(crate) const MANAGEMENT: &str = "management-of-the-file";

pub(crate) struct Bench {
    pub(crate) folder: PluginFolder,
    pub(crate) plugin: PluginRotator,
    pub(crate) spec: TargetSpec,
    pub(crate) management: Login,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        Self::start_within(Duration::from_secs(20)).await
    }

    pub(crate) async fn start_within(deadline: Duration) -> Self {
        let folder = PluginFolder::with(&liar()).unwrap();
        let limits = Limits { deadline, memory_bytes: 256 << 20, ..Limits::default() };
        let plugin = folder.rotator(limits, &[]).await.unwrap();
        let spec = spec(&folder.path().join("state"));
        let bench = Self { folder, plugin, spec, management: login("admin", MANAGEMENT) };
        bench.target().reset("");
        bench
    }

    pub(crate) fn target(&self) -> Target {
        Target(self.folder.path().join("state"))
    }

    pub(crate) fn job(&self) -> Job<'_> {
        let rotation = RotationId::generate(Timestamp::from_secs(1_800_000_000), &SeededEntropy::new(3));
        Job::new(&self.spec, &self.management, "app", rotation)
    }
}

/// The file that stands for a server.
pub(crate) struct Target(pub(crate) PathBuf);

impl Target {
    /// As at the start: a management credential and one account.
    pub(crate) fn reset(&self, mode: &str) {
        self.write(&json!({ "mode": mode, "users": {
            "admin": { "passwords": [MANAGEMENT], "rights": ["all"] },
            "app": { "passwords": [OLD], "rights": ["read", "write"] },
        }}));
    }

    pub(crate) fn set_mode(&self, mode: &str) {
        let mut state = self.read();
        state["mode"] = json!(mode);
        self.write(&state);
    }

    pub(crate) fn accepts(&self, name: &str, password: &str) -> bool {
        self.read()["users"][name]["passwords"].as_array().is_some_and(|all| all.contains(&json!(password)))
    }

    /// The process that left a note of this name.
    pub(crate) fn noted(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.0.with_extension(name)).ok().filter(|pid| !pid.is_empty())
    }

    fn read(&self) -> Value {
        serde_json::from_slice(&std::fs::read(&self.0).unwrap()).unwrap()
    }

    fn write(&self, state: &Value) {
        let new = self.0.with_extension("test");
        std::fs::write(&new, state.to_string()).unwrap();
        std::fs::rename(&new, &self.0).unwrap();
    }
}

pub(crate) fn liar() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rotator_plugin/liar.py")
}

pub(crate) fn spec(file: &Path) -> TargetSpec {
    TargetSpec { connection_url: format!("file://{}", file.display()), settings: Default::default() }
}

pub(crate) fn login(name: &str, password: &str) -> Login {
    Login { username: name.to_owned(), password: secret(password) }
}

pub(crate) fn secret(text: &str) -> SecretString {
    SecretString::new(text.to_owned())
}

/// Whether a process is there (and not only waiting to be buried).
pub(crate) fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}
