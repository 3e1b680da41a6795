//! `rotunda kv metadata …`.

use serde_json::{Map, Value};

use super::{FIRST, Place, Session};
use crate::{
    args::kv::metadata::{MetadataWord, SettingsArgs},
    client::Request,
    failure::{Exit, Failure},
    output,
};

pub(super) async fn run(word: MetadataWord, session: &mut Session) -> Result<Exit, Failure> {
    match word {
        MetadataWord::Get(args) => {
            let place = Place::find(&args, session).await?.with_versions("metadata")?;
            let answer = session.ask("reading", Request::get(place.below("metadata"))).await?;
            session.show(&answer, |answer, _| shown(answer.data()))?;
            Ok(Exit::Done)
        }
        MetadataWord::Put(args) => {
            let body = body(&args)?;
            let place = Place::find(&args.place, session).await?.with_versions("metadata")?;
            let answer =
                session.ask("writing", Request::put(place.below("metadata")).sending(&body)?).await?;
            session.done(&answer, "written")
        }
        MetadataWord::Patch(args) => {
            let body = body(&args)?;
            let place = Place::find(&args.place, session).await?.with_versions("metadata")?;
            let answer =
                session.ask("writing", Request::patch(place.below("metadata")).sending(&body)?).await?;
            session.done(&answer, "written")
        }
        MetadataWord::Delete(args) => {
            let place = Place::find(&args, session).await?.with_versions("metadata")?;
            let answer = session.ask("deleting", Request::delete(place.below("metadata"))).await?;
            session.done(&answer, "removed with all its versions, if it was there")
        }
    }
}

fn body(args: &SettingsArgs) -> Result<Map<String, Value>, Failure> {
    let mut body = Map::new();
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(key.to_owned(), value);
        }
    };
    set("max_versions", args.max_versions.map(Value::from));
    set("cas_required", args.cas_required.map(Value::from));
    set("delete_version_after", args.delete_version_after.as_deref().map(Value::from));
    let note = |text: &String| match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), Value::from(value))),
        _ => Err(Failure::usage(format!("{text:?} is no note: write --custom-metadata key=value"))),
    };
    let notes: Map<String, Value> = args.custom_metadata.iter().map(note).collect::<Result<_, _>>()?;
    set("custom_metadata", Some(notes).filter(|notes| !notes.is_empty()).map(Value::Object));
    if body.is_empty() {
        return Err(Failure::usage("nothing is to be set: see --help for what can be"));
    }
    Ok(body)
}

/// The settings, then a line for each version, the newest first.
fn shown(data: Option<&Value>) -> Result<String, Failure> {
    let Some(Value::Object(data)) = data else { return Err(Failure::unexpected_answer("data")) };
    let mut settings = data.clone();
    let versions = settings.remove("versions");
    let Some(Value::Object(versions)) = versions else { return Err(Failure::unexpected_answer("versions")) };
    let mut versions: Vec<(u64, &Value)> =
        versions.iter().filter_map(|(number, version)| Some((number.parse().ok()?, version))).collect();
    versions.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    let row = |(number, version): &(u64, &Value)| {
        let cell = |key: &str| version.get(key).map_or_else(String::new, output::cell);
        vec![number.to_string(), cell("created_time"), cell("deletion_time"), cell("destroyed")]
    };
    let rows: Vec<Vec<String>> = versions.iter().map(row).collect();
    let record = output::record(output::pairs(&settings, FIRST));
    if rows.is_empty() {
        return Ok(record);
    }
    Ok(format!("{record}\n{}", output::columns(&["VERSION", "CREATED", "DELETED", "DESTROYED"], &rows)))
}
