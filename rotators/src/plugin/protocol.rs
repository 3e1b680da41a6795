//! The words between the vault and a plugin, version 1: one JSON object each way.
//!
//! Written for authors in `docs/plugin-protocol.md`. A reply is read strictly: a field that is not known, a field twice,
//! another version or another request's id are a plugin that cannot be trusted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{Handles, Job, Login, Rights, TargetSpec};
use vault_core::secret::SecretString;
use zeroize::Zeroizing;

/// The version that is spoken.
pub const PROTOCOL: u32 = 1;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// What the plugin is and can do; says nothing about a target.
    Describe,
    /// [`Rotator::check`](vault_core::rotation::port::Rotator::check).
    Check,
    /// [`Rotator::preflight`](vault_core::rotation::port::Rotator::preflight).
    Preflight,
    /// [`Rotator::apply`](vault_core::rotation::port::Rotator::apply).
    Apply,
    /// [`Rotator::mint`](vault_core::rotation::port::Rotator::mint).
    Mint,
    /// [`Rotator::settle`](vault_core::rotation::port::Rotator::settle).
    Settle,
    /// [`Rotator::probe`](vault_core::rotation::port::Rotator::probe).
    Probe,
    /// [`Rotator::verify`](vault_core::rotation::port::Rotator::verify).
    Verify,
    /// [`Rotator::retire`](vault_core::rotation::port::Rotator::retire).
    Retire,
    /// [`Rotator::end_sessions`](vault_core::rotation::port::Rotator::end_sessions).
    EndSessions,
}

impl Verb {
    /// As it stands in a request.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Describe => "describe",
            Self::Check => "check",
            Self::Preflight => "preflight",
            Self::Apply => "apply",
            Self::Mint => "mint",
            Self::Settle => "settle",
            Self::Probe => "probe",
            Self::Verify => "verify",
            Self::Retire => "retire",
            Self::EndSessions => "end_sessions",
        }
    }

    /// Whether it may change something on the target, or must know that nothing else does. Two such for one account
    /// never run at once.
    const fn is_exclusive(self) -> bool {
        matches!(self, Self::Apply | Self::Mint | Self::Settle | Self::Retire | Self::EndSessions)
    }
}

/// One request.
#[derive(Serialize)]
pub(super) struct Request<'a> {
    pub(super) protocol: u32,
    pub(super) id: &'a str,
    pub(super) verb: Verb,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<WireTarget<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) management: Option<WireLogin<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) account: Option<WireAccount<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rotation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) adoption: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) handles: Option<WireHandles<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) candidate: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) login: Option<WireLogin<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rights: Option<&'a [String]>,
    /// Which lock is held meanwhile; not the plugin's business.
    #[serde(skip)]
    pub(super) lock: Option<String>,
}

#[derive(Serialize)]
pub(super) struct WireTarget<'a> {
    connection_url: &'a str,
    settings: &'a BTreeMap<String, String>,
}

#[derive(Clone, Copy, Serialize)]
pub(super) struct WireLogin<'a> {
    username: &'a str,
    password: &'a str,
}

#[derive(Serialize)]
pub(super) struct WireHandles<'a> {
    pending: Option<&'a str>,
    current: Option<&'a str>,
    previous: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct WireAccount<'a> {
    username: &'a str,
}

impl<'a> Request<'a> {
    pub(super) fn new(verb: Verb, id: &'a str) -> Self {
        Self {
            protocol: PROTOCOL,
            id,
            verb,
            target: None,
            management: None,
            account: None,
            rotation: None,
            adoption: None,
            handles: None,
            before: None,
            candidate: None,
            login: None,
            rights: None,
            lock: None,
        }
    }

    pub(super) fn of(mut self, spec: &'a TargetSpec) -> Self {
        self.target = Some(WireTarget { connection_url: &spec.connection_url, settings: &spec.settings });
        self
    }

    pub(super) fn by(mut self, management: &'a Login) -> Self {
        self.management = Some(wire(management));
        self
    }

    pub(super) fn job(mut self, job: Job<'a>) -> Self {
        self.account = Some(WireAccount { username: job.username });
        self.rotation = Some(job.rotation.to_string());
        self.adoption = Some(job.is_adoption);
        let Handles { pending, current, previous } = job.handles;
        self.handles = Some(WireHandles { pending, current, previous });
        self.before = Some(&job.before.0);
        self.lock = self.verb.is_exclusive().then(|| super::lock_name(job.spec, job.username));
        self.of(job.spec).by(job.management)
    }

    pub(super) fn candidate(mut self, candidate: &'a SecretString) -> Self {
        self.candidate = Some(candidate.expose());
        self
    }

    pub(super) fn login(mut self, login: &'a Login) -> Self {
        self.login = Some(wire(login));
        self
    }

    pub(super) fn rights(mut self, rights: &'a Rights) -> Self {
        self.rights = Some(&rights.0);
        self
    }

    /// Everything in it that nobody may be shown.
    pub(super) fn secrets(&self) -> Vec<Zeroizing<String>> {
        let passwords = [self.management.map(|m| m.password), self.candidate, self.login.map(|l| l.password)];
        passwords.into_iter().flatten().map(|text| Zeroizing::new(text.to_owned())).collect()
    }

    /// One line, with its end.
    pub(super) fn to_line(&self) -> Option<Zeroizing<Vec<u8>>> {
        let mut out = Zeroizing::new(Vec::with_capacity(REQUEST_RESERVED));
        serde_json::to_writer(&mut *out, self).ok()?;
        out.push(b'\n');
        Some(out)
    }
}

fn wire(login: &Login) -> WireLogin<'_> {
    WireLogin { username: &login.username, password: login.password.expose() }
}

/// One reply, as it was written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reply {
    pub(super) protocol: u32,
    pub(super) id: String,
    pub(super) result: String,
    pub(super) fault: Option<WireFault>,
    pub(super) rights: Option<Vec<String>>,
    pub(super) sessions: Option<u32>,
    pub(super) report: Option<WireReport>,
    pub(super) plugin: Option<Described>,
    pub(super) credential: Option<WireCredential>,
}

/// A credential that the target made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireCredential {
    pub(super) handle: String,
    pub(super) username: Option<String>,
    #[serde(with = "vault_core::secret::for_sealing")]
    pub(super) password: SecretString,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireFault {
    class: FaultClass,
    #[serde(default)]
    detail: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireReport {
    pub(super) server: String,
    pub(super) passed: Vec<String>,
    #[serde(default)]
    pub(super) warnings: Vec<String>,
}

impl WireFault {
    /// As a fault of the vault's own: bounded, on one line, and of a class that a plugin can know about.
    pub(super) fn into_fault(self, plugin: &str) -> Result<Fault, &'static str> {
        let class = match self.class {
            FaultClass::StoreFailed
            | FaultClass::ConsumerLag
            | FaultClass::Overdue
            | FaultClass::PluginTimeout => return Err("a fault of a class that is the vault's own"),
            class => class,
        };
        let detail: String = self
            .detail
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(DETAIL_CHARS_MAX)
            .collect();
        Ok(Fault::new(class, format!("plugin {plugin}: {}", detail.trim())))
    }
}

/// What a plugin says of itself. It holds for its file, whose digest is pinned, so it is asked for once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Described {
    /// What kind of target it serves, for people.
    pub kind: String,
    /// Its version, for people.
    #[serde(default)]
    pub version: String,
    /// Whether old and new credential live side by side until `retire`.
    #[serde(default)]
    pub overlaps: bool,
    /// Whether it can end sessions of others.
    #[serde(default)]
    pub ends_sessions: bool,
    /// Whether a request of an earlier `apply` may still take effect after `settle`.
    #[serde(default)]
    pub late_requests: bool,
    /// Whether the target makes the credentials.
    #[serde(default)]
    pub mints: bool,
    /// Whether two accounts can take turns.
    #[serde(default)]
    pub alternates: bool,
    /// The settings that a target may have, by name.
    #[serde(default)]
    pub settings: BTreeMap<String, SettingRule>,
    /// What a user name may be.
    #[serde(default)]
    pub username: TextRule,
    /// What a password may be.
    #[serde(default)]
    pub password: TextRule,
}

/// What is known of a setting.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingRule {
    /// Whether a target must have it.
    #[serde(default)]
    pub required: bool,
    /// What it is for.
    #[serde(default)]
    pub about: String,
}

/// Which texts a target can hold. Empty ones and those with NUL are refused everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TextRule {
    /// Most bytes in UTF-8.
    pub bytes_max: u32,
    /// Characters that it cannot hold.
    pub refuses: String,
    /// Whether it may hold control characters (line ends, tabs).
    pub controls: bool,
    /// Whether only ASCII can be held.
    pub ascii: bool,
}

impl Default for TextRule {
    fn default() -> Self {
        Self { bytes_max: 255, refuses: String::new(), controls: false, ascii: false }
    }
}

impl TextRule {
    /// Why a target cannot hold `text`; never repeats it.
    pub(super) fn check(&self, what: &str, text: &str) -> Result<(), String> {
        let length_max = usize::try_from(self.bytes_max).unwrap_or(usize::MAX);
        if text.is_empty() {
            return Err(format!("the {what} is empty"));
        }
        if text.len() > length_max {
            return Err(format!("the {what} is longer than {length_max} bytes"));
        }
        if text.contains('\0') || (!self.controls && text.chars().any(char::is_control)) {
            return Err(format!("the {what} holds a control character"));
        }
        if self.ascii && !text.is_ascii() {
            return Err(format!("the {what} holds a character that is not ASCII"));
        }
        match text.chars().any(|c| self.refuses.contains(c)) {
            true => Err(format!("the {what} holds one of the characters that this target cannot hold")),
            false => Ok(()),
        }
    }
}

const REQUEST_RESERVED: usize = 64 * 1024;
const DETAIL_CHARS_MAX: usize = 400;
