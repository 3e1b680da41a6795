//! Words of `rotunda` that work on files, without a server: `audit verify`, `operator verify`,
//! `operator migrate-store`.

mod audit;
mod integrity;
mod migrate;
mod rotator;

use anyhow::Result;
use serde_json::Value;
use vault_cli::{Exit, Format, OfflineCommand, OutputArgs, StoreEngine};
use vault_core::store::EngineKind;

use crate::server::say;

/// Carries the command out; the exit code says whether what was checked is in order.
///
/// # Errors
/// When it could not be carried out: a file that cannot be read, a store that is in use.
pub fn run(command: &OfflineCommand) -> Result<Exit> {
    match command {
        OfflineCommand::AuditVerify { args, output } => audit::verify(args, output),
        OfflineCommand::RotatorTest { args, output } => rotator::test(args, output),
        OfflineCommand::MigrateStore { args, output } => migrate::migrate(&args.from, &args.to, output),
        OfflineCommand::VerifyStore { data, engine, output } => integrity::verify(data, *engine, output),
    }
}

fn engine_kind(engine: StoreEngine) -> EngineKind {
    match engine {
        StoreEngine::Sled => EngineKind::Sled,
        StoreEngine::Redb => EngineKind::Redb,
    }
}

/// Prints facts: as one JSON object, one field of it, or `name  value` lines.
fn print(output: &OutputArgs, facts: &[(&str, Value)], sentences: &[String]) -> Result<()> {
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if let Some(field) = &output.field {
        let fact = facts.iter().find(|(name, _)| name == field);
        let (_, value) = fact.ok_or_else(|| anyhow::anyhow!("there is no field {field:?}"))?;
        return say(&shown(value));
    }
    match output.format {
        Format::Json => {
            let mut map: serde_json::Map<String, Value> =
                facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            map.insert("findings".to_owned(), Value::from(sentences));
            say(&serde_json::to_string_pretty(&map)?)
        }
        Format::Table | Format::Csv | Format::Markdown => {
            let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
            for (name, value) in facts.iter().filter(|(_, value)| !value.is_null()) {
                say(&format!("{name:width$}  {}", shown(value)))?;
            }
            for sentence in sentences {
                say(&format!("! {sentence}"))?;
            }
            Ok(())
        }
    }
}
