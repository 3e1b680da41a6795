//! A private collector of traces (OTLP over HTTP), which decodes what comes by OpenTelemetry's own Python package.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;

use crate::postgres::tls;
use crate::python::Script;

/// A running collector; it ends on drop.
#[derive(Debug)]
pub struct Collector {
    script: Script,
    scheme: &'static str,
}

impl Collector {
    /// Starts one on a free port; with `tls` it has a certificate for `localhost` and 127.0.0.1.
    ///
    /// # Errors
    /// When it is not installed or does not come up.
    pub fn start(tls: bool) -> Result<Self> {
        let (mode, scheme) = if tls { ("tls", "https") } else { ("plain", "http") };
        let script = Script::start("collector", SCRIPT, &[mode], |folder| tls::write(folder, |_| Ok(())))?;
        Ok(Self { script, scheme })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.script.port())
    }

    /// The file of the certificate authority.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.script.folder().join(tls::CA_FILE)
    }

    /// The next requests are answered so, one after the other; then they are taken again.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn answers(&self, answers: &[&str]) -> Result<()> {
        Ok(std::fs::write(self.script.folder().join("answers"), answers.join("\n"))?)
    }

    /// The spans that were taken, each with `resource`, `trace`, `span`, `parent`, `name`, `kind`, `began`, `ended`,
    /// `attributes`, `events`, `links` and `failed`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn spans(&self) -> Result<Vec<Value>> {
        self.script.values("spans")
    }

    /// The requests that came, each with `path`, `headers` and `answer`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn requests(&self) -> Result<Vec<Value>> {
        self.script.values("requests")
    }

    /// All that came, as it came.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn bodies(&self) -> Result<Vec<u8>> {
        Ok(std::fs::read(self.script.folder().join("bodies"))?)
    }

    /// Waits until the spans are as wanted.
    ///
    /// # Errors
    /// When they do not come.
    pub async fn until(&self, wanted: impl Fn(&[Value]) -> bool) -> Result<Vec<Value>> {
        for _ in 0..POLLS_MAX {
            let spans = self.spans()?;
            if wanted(&spans) {
                return Ok(spans);
            }
            tokio::time::sleep(PULSE).await;
        }
        bail!("the spans that were to come have not: {:#?}", self.spans()?)
    }
}

const SCRIPT: &str = include_str!("collector/server.py");
const POLLS_MAX: u32 = 1200;
const PULSE: Duration = Duration::from_millis(25);
