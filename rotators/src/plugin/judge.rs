//! What a plugin's reply means: pure, and the only place where its words become the vault's.
//!
//! Nothing is taken for said that was not said in so many words: a reply that does not fit its request is a broken
//! protocol, and what that means is decided by the verb.

use vault_core::rotation::fault::{Action, Fault, FaultClass};
use vault_core::rotation::port::{CheckReport, Minted, Minting, Outcome, Probe, Rights, Verification};
use zeroize::Zeroizing;

use super::protocol::{Described, PROTOCOL, Reply, WireCredential, WireFault};

/// A reply that can be read, to the request with this id.
pub(super) struct Judge<'a> {
    pub(super) plugin: &'a str,
    pub(super) secrets: &'a [Zeroizing<String>],
}

/// Why a reply counts for nothing; never repeats it.
pub(super) type Broken = &'static str;

impl Judge<'_> {
    /// Reads what a plugin has written.
    pub(super) fn read(&self, bytes: &[u8], id: &str) -> Result<Reply, Broken> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err("it said nothing");
        }
        // The parser's own words may repeat a part of the reply.
        let reply: Reply =
            serde_json::from_slice(bytes).map_err(|_| "its reply is not one object of the protocol")?;
        if reply.protocol != PROTOCOL {
            return Err("it speaks another version of the protocol");
        }
        if reply.id != id {
            return Err("it replied to another request");
        }
        Ok(reply)
    }

    fn fault(&self, fault: Option<WireFault>) -> Result<Fault, Broken> {
        let fault = fault.ok_or("a failure without a fault")?.into_fault(self.plugin)?;
        if self.leaks(&fault.detail) {
            return Ok(Fault::new(
                fault.class,
                format!("plugin {}: (its words are withheld: they hold a password)", self.plugin),
            ));
        }
        Ok(fault)
    }

    /// Whether a text that people are shown holds one of the request's secrets.
    pub(super) fn leaks(&self, text: &str) -> bool {
        self.secrets.iter().any(|secret| secret.len() >= SECRET_BYTES_MIN && text.contains(secret.as_str()))
    }

    fn shown(&self, lines: Vec<String>) -> Result<Vec<String>, Broken> {
        if lines.len() > LINES_MAX || lines.iter().any(|line| line.len() > LINE_BYTES_MAX) {
            return Err("too many or too long lines");
        }
        if lines.iter().any(|line| self.leaks(line)) {
            return Err("its reply repeats a password");
        }
        Ok(lines.into_iter().map(|line| line.replace(char::is_control, " ")).collect())
    }

    pub(super) fn described(&self, reply: Reply) -> Result<Described, Broken> {
        match (reply.result.as_str(), reply.plugin) {
            ("described", Some(plugin)) if plugin.mints && !plugin.overlaps => {
                Err("it mints, and the old credential does not live beside the new one")
            }
            ("described", Some(plugin)) => Ok(plugin),
            _ => Err(UNFIT),
        }
    }

    pub(super) fn report(&self, reply: Reply) -> Result<Result<CheckReport, Fault>, Broken> {
        match (reply.result.as_str(), reply.report) {
            ("report", Some(report)) => {
                let mut server = self.shown(vec![report.server])?;
                Ok(Ok(CheckReport {
                    server: server.pop().unwrap_or_default(),
                    passed: self.shown(report.passed)?,
                    warnings: self.shown(report.warnings)?,
                }))
            }
            ("fault", None) => self.fault(reply.fault).map(Err),
            _ => Err(UNFIT),
        }
    }

    pub(super) fn rights(&self, reply: Reply) -> Result<Result<Rights, Fault>, Broken> {
        match (reply.result.as_str(), reply.rights) {
            ("rights", Some(rights)) => Ok(Ok(Rights(self.shown(rights)?))),
            ("fault", None) => self.fault(reply.fault).map(Err),
            _ => Err(UNFIT),
        }
    }

    pub(super) fn outcome(&self, reply: Reply) -> Result<Outcome, Broken> {
        match reply.result.as_str() {
            "applied" if reply.fault.is_none() => Ok(Outcome::Applied),
            "not_applied" => {
                let fault = self.fault(reply.fault)?;
                // "It did not happen, and I do not know whether it did": the doubt counts.
                let doubtful = fault.class.action() == Action::Probe;
                Ok(if doubtful { Outcome::Unknown(fault) } else { Outcome::NotApplied(fault) })
            }
            "unknown" => {
                let fault = self.fault(reply.fault)?;
                Ok(Outcome::Unknown(Fault::new(FaultClass::Ambiguous, fault.detail)))
            }
            _ => Err(UNFIT),
        }
    }

    pub(super) fn minted(&self, reply: Reply) -> Result<Minting, Broken> {
        match (reply.result.as_str(), reply.credential) {
            ("made", Some(made)) if reply.fault.is_none() => {
                let texts = [Some(&made.handle), made.username.as_ref()];
                if texts.into_iter().flatten().any(|text| text.is_empty() || text.len() > LINE_BYTES_MAX)
                    || made.password.expose().is_empty()
                {
                    return Err("an empty or endless part of a credential");
                }
                // The handle is stored and shown as no secret is.
                if self.leaks(&made.handle) || made.handle.contains(made.password.expose()) {
                    return Err("a handle that holds a password");
                }
                let WireCredential { handle, username, password } = made;
                Ok(Minting::Made(Minted { handle, username, password }))
            }
            ("not_made", None) => {
                let fault = self.fault(reply.fault)?;
                let doubtful = fault.class.action() == Action::Probe;
                Ok(if doubtful { Minting::Unknown(fault) } else { Minting::NotMade(fault) })
            }
            ("unknown", None) => {
                let fault = self.fault(reply.fault)?;
                Ok(Minting::Unknown(Fault::new(FaultClass::Ambiguous, fault.detail)))
            }
            _ => Err(UNFIT),
        }
    }

    pub(super) fn settled(&self, reply: Reply) -> Result<Result<(), Fault>, Broken> {
        match reply.result.as_str() {
            "settled" if reply.fault.is_none() => Ok(Ok(())),
            "fault" => self.fault(reply.fault).map(Err),
            _ => Err(UNFIT),
        }
    }

    pub(super) fn probed(&self, reply: Reply) -> Result<Probe, Broken> {
        match reply.result.as_str() {
            "works" if reply.fault.is_none() => Ok(Probe::Works),
            "refused" => Ok(Probe::Refused),
            "blocked" => self.fault(reply.fault).map(Probe::Blocked),
            "inconclusive" => self.fault(reply.fault).map(Probe::Inconclusive),
            _ => Err(UNFIT),
        }
    }

    pub(super) fn verified(&self, reply: Reply) -> Result<Verification, Broken> {
        match (reply.result.as_str(), reply.rights) {
            ("verified", None) if reply.fault.is_none() => Ok(Verification::Verified),
            ("refused", None) => {
                let fault = self.fault(reply.fault)?;
                Ok(Verification::Refused(Fault::new(FaultClass::VerifyRefused, fault.detail)))
            }
            ("rights_lost", Some(lost)) if !lost.is_empty() => {
                Ok(Verification::RightsLost(self.shown(lost)?))
            }
            ("inconclusive", None) => self.fault(reply.fault).map(Verification::Inconclusive),
            _ => Err(UNFIT),
        }
    }

    pub(super) fn ended(&self, reply: Reply) -> Result<Result<u32, Fault>, Broken> {
        match (reply.result.as_str(), reply.sessions) {
            ("ended", Some(sessions)) => Ok(Ok(sessions)),
            ("fault", None) => self.fault(reply.fault).map(Err),
            _ => Err(UNFIT),
        }
    }
}

const UNFIT: Broken = "its reply does not fit the request";
/// Shorter ones are in every text.
const SECRET_BYTES_MIN: usize = 4;
const LINES_MAX: usize = 1000;
const LINE_BYTES_MAX: usize = 1000;

#[cfg(test)]
mod tests;
