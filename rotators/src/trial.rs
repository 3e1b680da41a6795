//! The contract of rotators, held against a plugin by its own verbs, for its author.
//!
//! The suite of [`contract`](crate::contract) looks at the target behind the rotator's back and makes accounts there.
//! Here nobody but the plugin knows the target: so one account serves for all promises, a login is tried by the
//! plugin's own `probe` (and by a witness, if there is one), and what cannot be seen that way is told as not
//! applicable, with the reason. The promises are worded as there.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use vault_core::rotation::fault::Fault;
use vault_core::rotation::port::{BoxFuture, Login, TargetSpec};

use crate::plugin::{Described, Ear, Host, PluginRotator, Registration, Verb};

mod bench;
mod promise;

use bench::Bench;

/// What a promise came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was kept; what was not looked at, if anything.
    Kept(Option<&'static str>),
    /// It was broken; what was found.
    Broken(String),
    /// It could not be tried, and why.
    NotApplicable(String),
}

/// A promise with what it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The promise.
    pub promise: &'static str,
    /// What it came to.
    pub verdict: Verdict,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kept(_) => "kept",
            Self::Broken(_) => "broken",
            Self::NotApplicable(_) => "not applicable",
        })
    }
}

/// What is tried, on what.
pub struct Trial {
    /// Where and how the plugin runs. Its ear is the trial's own.
    pub host: Host,
    /// The plugin; what it says of itself is asked for.
    pub registration: Registration,
    /// A target for tests.
    pub spec: TargetSpec,
    /// A management credential that works.
    pub management: Login,
    /// The account that the promises are tried on.
    pub account: String,
    /// An address at which nothing answers.
    pub out_of_reach: Option<String>,
    /// Who else can say whether a login succeeds.
    pub witness: Option<Box<dyn Witness>>,
}

/// Says whether a login succeeds, without the plugin.
pub trait Witness: Send + Sync {
    /// Tries a login.
    fn accepts<'a>(&'a self, login: &'a Login) -> BoxFuture<'a, Result<bool, String>>;
}

/// What a trial has shown.
pub struct Outcome {
    /// What the plugin said of itself, if it did.
    pub described: Result<Described, Fault>,
    /// Every promise, in order.
    pub findings: Vec<Finding>,
}

/// What the ear has heard.
#[derive(Default)]
struct Notes {
    leaks: Mutex<Vec<&'static str>>,
}

impl Ear for Notes {
    fn heard(&self, verb: Verb, _stderr: &[u8], leaked: bool) {
        if leaked {
            self.leaks.lock().unwrap_or_else(PoisonError::into_inner).push(verb.as_str());
        }
    }
}

impl Notes {
    fn leaks(&self) -> Vec<&'static str> {
        let mut leaks = self.leaks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        leaks.sort_unstable();
        leaks.dedup();
        leaks
    }
}

/// Tries every promise. One that is broken does not keep the others from being tried.
pub async fn run(trial: Trial) -> Outcome {
    let notes = Arc::new(Notes::default());
    let host = Host { ear: Some(Arc::clone(&notes) as Arc<dyn Ear>), ..trial.host.clone() };
    let described = PluginRotator::new(Arc::new(host.clone()), trial.registration.clone()).describe().await;
    let findings = match &described {
        // Their promises are others, and a key that nobody takes away is no test account's password.
        Ok(described) if described.mints => promise::none(Verdict::Kept(None), MINTS),
        Ok(described) => {
            let registration =
                Registration { described: Some(described.clone()), ..trial.registration.clone() };
            promise::all(&Bench::new(&trial, host, registration, notes)).await
        }
        Err(fault) => promise::none(Verdict::Broken(fault.to_string()), NOT_DESCRIBED),
    };
    Outcome { described, findings }
}

const NOT_DESCRIBED: &str = "it does not describe itself";
const MINTS: &str = "its target makes the credentials; that is not tried from here";
/// How often the plugin is killed in the middle of a change, at moments that divide the time that a change takes.
const CUTS: u32 = 8;
/// Before this, the plugin's own interpreter has not even started.
const CUT_MIN: Duration = Duration::from_millis(1);
