//! `rotunda rotator test`: the contract of rotators, held against a plugin, without a server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rotators::plugin::{Host, Limits, PluginRotator, Registration};
use rotators::trial::{self, Finding, Outcome, Trial, Verdict, Witness};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use vault_cli::{Exit, Format, OutputArgs, RotatorTestArgs};
use vault_core::entropy::{OsEntropy, random_bytes};
use vault_core::rotation::port::{BoxFuture, Login, TargetSpec};
use vault_core::secret::SecretString;

use crate::server::say;

pub(super) fn test(args: &RotatorTestArgs, output: &OutputArgs) -> Result<Exit> {
    let runs = Runs::new();
    let (host, registration) = plugin(args, &runs.0)?;
    let sha256 = registration.sha256.clone();
    let trial = Trial {
        host,
        registration,
        spec: spec(args)?,
        management: Login { username: args.username.clone(), password: password(args)? },
        account: args.account.clone(),
        out_of_reach: args.out_of_reach.clone(),
        witness: args.witness.clone().map(|program| Box::new(Program(program)) as Box<dyn Witness>),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome = runtime.context("cannot start the runtime")?.block_on(trial::run(trial));
    print(&outcome, &sha256, output)?;
    let broken = outcome.findings.iter().any(|finding| matches!(finding.verdict, Verdict::Broken(_)));
    Ok(if broken { Exit::Refused } else { Exit::Done })
}

/// The plugin where it lies, pinned by what is there now.
fn plugin(args: &RotatorTestArgs, runs: &Path) -> Result<(Host, Registration)> {
    let file = std::path::absolute(&args.plugin).context("the plugin's file has no absolute name")?;
    let (Some(directory), Some(command)) = (file.parent(), file.file_name().and_then(|name| name.to_str()))
    else {
        bail!("{} is no file name", args.plugin.display());
    };
    let mut host = Host::new(directory.to_owned(), runs.to_owned());
    host.limits = Limits { deadline: Duration::from_secs(args.deadline), ..host.limits };
    let sha256 = PluginRotator::digest(&host, command)
        .map_err(|failure| anyhow::anyhow!("the plugin {}: {failure}", args.plugin.display()))?;
    let mut env = BTreeMap::new();
    for line in &args.env {
        let (name, value) = line.split_once('=').context("write --env NAME=VALUE")?;
        env.insert(name.to_owned(), value.to_owned());
    }
    let registration = Registration {
        name: command.to_owned(),
        command: command.to_owned(),
        sha256,
        args: args.args.clone(),
        env,
        described: None,
    };
    registration.check().map_err(anyhow::Error::msg)?;
    Ok((host, registration))
}

fn spec(args: &RotatorTestArgs) -> Result<TargetSpec> {
    let mut settings: BTreeMap<String, String> = match &args.target_file {
        Some(file) => {
            let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            serde_json::from_slice(&text)
                .with_context(|| format!("{} is not one JSON object of texts", file.display()))?
        }
        None => BTreeMap::new(),
    };
    for setting in &args.settings {
        let (name, value) = setting.split_once('=').context("write --target KEY=VALUE")?;
        settings.insert(name.to_owned(), value.to_owned());
    }
    let connection_url = settings.remove("connection_url").context("give --target connection_url=…")?;
    Ok(TargetSpec { connection_url, settings })
}

fn password(args: &RotatorTestArgs) -> Result<SecretString> {
    let text = match &args.password_file {
        Some(file) if file != Path::new("-") => {
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?
        }
        _ => vault_cli::ask_secret("password of the management credential")
            .map_err(anyhow::Error::msg)?
            .into_exposed(),
    };
    let end = text.trim_end_matches(['\n', '\r']).len();
    let mut text = text;
    text.truncate(end);
    Ok(SecretString::new(text))
}

fn print(outcome: &Outcome, sha256: &str, output: &OutputArgs) -> Result<()> {
    let count = |word: &str| outcome.findings.iter().filter(|f| f.verdict.to_string() == word).count();
    let (kept, broken, rest) = (count("kept"), count("broken"), count("not applicable"));
    if output.format == Format::Json {
        let promises: Vec<Value> = outcome
            .findings
            .iter()
            .map(|finding| json!({
                "promise": finding.promise, "verdict": finding.verdict.to_string(), "found": found(finding),
            }))
            .collect();
        let facts = json!({
            "plugin": outcome.described.as_ref().ok(),
            "sha256": sha256,
            "kept": kept,
            "broken": broken,
            "not_applicable": rest,
            "promises": promises,
        });
        return say(&serde_json::to_string_pretty(&facts)?);
    }
    for finding in &outcome.findings {
        say(&format!("{:14}  {}", finding.verdict.to_string(), finding.promise))?;
        if let Some(found) = found(finding) {
            say(&format!("{:14}    {found}", ""))?;
        }
    }
    say(&format!("\n{kept} kept, {broken} broken, {rest} not applicable"))?;
    say(&format!("sha256 {sha256}"))
}

fn found(finding: &Finding) -> Option<&str> {
    match &finding.verdict {
        Verdict::Kept(note) => *note,
        Verdict::Broken(found) | Verdict::NotApplicable(found) => Some(found),
    }
}

/// A witness that is a program of the author's.
struct Program(PathBuf);

impl Witness for Program {
    fn accepts<'a>(&'a self, login: &'a Login) -> BoxFuture<'a, Result<bool, String>> {
        Box::pin(async move {
            let request = zeroize::Zeroizing::new(
                json!({ "username": login.username, "password": login.password.expose() }).to_string(),
            );
            let mut command = tokio::process::Command::new(&self.0);
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
            let mut child = command.spawn().map_err(|error| error.to_string())?;
            if let Some(mut stdin) = child.stdin.take() {
                // One that reads nothing may know without.
                let _ = stdin.write_all(request.as_bytes()).await;
            }
            let status = tokio::time::timeout(WITNESS_MAX, child.wait()).await;
            match status.map_err(|_| "it does not end".to_owned())?.map_err(|error| error.to_string())?.code()
            {
                Some(0) => Ok(true),
                Some(1) => Ok(false),
                code => Err(format!("it ended with {code:?}")),
            }
        })
    }
}

/// A folder for the plugin's locks; it goes with the test.
struct Runs(PathBuf);

impl Runs {
    fn new() -> Self {
        let name = data_encoding::HEXLOWER.encode(&random_bytes::<8>(&OsEntropy));
        Self(std::env::temp_dir().join(format!("rotunda-rotator-test-{name}")))
    }
}

impl Drop for Runs {
    fn drop(&mut self) {
        // One that is left behind is empty but for locks.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const WITNESS_MAX: Duration = Duration::from_secs(30);
