//! `rotunda kv …`, for both versions of the engine.

mod metadata;
mod place;

use serde_json::{Map, Value, json};

use self::place::Place;
use super::{Session, trimmed};
use crate::{
    args::kv::{DeleteArgs, GetArgs, KvWord, ListArgs, PatchArgs, PutArgs, RollbackArgs, VersionsArgs},
    client::{Answer, Request},
    failure::{Exit, Failure},
    input::{self, Ending},
    output,
};

/// Static secrets.
pub(super) async fn run(word: KvWord, session: &mut Session) -> Result<Exit, Failure> {
    match word {
        KvWord::Put(args) => put(&args, session).await,
        KvWord::Get(args) => get(&args, session).await,
        KvWord::Patch(args) => patch(&args, session).await,
        KvWord::Delete(args) => delete(&args, session).await,
        KvWord::Undelete(args) => of_versions("undelete", &args, session).await,
        KvWord::Destroy(args) => of_versions("destroy", &args, session).await,
        KvWord::List(args) => list(&args, session).await,
        KvWord::Rollback(args) => rollback(&args, session).await,
        KvWord::Metadata(word) => metadata::run(word, session).await,
    }
}

async fn put(args: &PutArgs, session: &mut Session) -> Result<Exit, Failure> {
    // Read before anything is asked, so that a mistake in the words costs nothing.
    let data = input::settings(&args.data, Ending::AsIs, &mut session.console)?;
    let place = Place::find(&args.place, session).await?;
    if !place.has_versions() {
        if args.cas.is_some() {
            return Err(place.needs_versions("--cas"));
        }
        let answer = session.ask("writing", Request::put(place.plain()).sending(&data)?).await?;
        return session.done(&answer, "written");
    }
    let body = versioned(data, args.cas);
    let answer = session.ask("writing", Request::put(place.below("data")).sending(&body)?).await?;
    session.show_record(&answer, FIRST, "written")?;
    Ok(Exit::Done)
}

async fn get(args: &GetArgs, session: &mut Session) -> Result<Exit, Failure> {
    let place = Place::find(&args.place, session).await?;
    if !place.has_versions() {
        if args.version.is_some() {
            return Err(place.needs_versions("--version"));
        }
        let answer = session.ask("reading", Request::get(place.plain())).await?;
        session.show_record(&answer, &[], "nothing is in it")?;
        return Ok(Exit::Done);
    }
    let answer = read_version(&place, args.version, session).await?;
    if let Some(field) = session.field.clone() {
        let data = answer.data();
        let found = ["data", "metadata"].into_iter().find_map(|part| data?.get(part)?.get(&field));
        let value = found.ok_or_else(|| Failure::usage(format!("the secret has no field {field}")))?;
        session.console.bare(&output::bare(value))?;
        return Ok(Exit::Done);
    }
    session.show(&answer, |answer, _| {
        let record = |part: &str| match answer.data().and_then(|data| data.get(part)) {
            Some(Value::Object(object)) => output::record(output::pairs(object, FIRST)),
            _ => String::new(),
        };
        Ok(format!("{}\n{}", record("metadata"), record("data")))
    })?;
    Ok(Exit::Done)
}

/// Reads a version; one that is deleted or destroyed is a failure that says so.
async fn read_version(place: &Place, version: Option<u64>, session: &Session) -> Result<Answer, Failure> {
    let mut request = Request::get(place.below("data"));
    if let Some(version) = version {
        request = request.with("version", version.to_string());
    }
    session.ask("reading", request).await.map_err(|failure| {
        let Some(metadata) = failure.body().and_then(|body| body.pointer("/data/metadata")) else {
            return failure;
        };
        let number = metadata.get("version").map(output::cell).unwrap_or_default();
        let fate = match metadata.get("destroyed") {
            Some(Value::Bool(true)) => "is destroyed".to_owned(),
            _ => format!(
                "was deleted at {}",
                metadata.get("deletion_time").map(output::cell).unwrap_or_default()
            ),
        };
        let body = failure.body().cloned();
        Failure::new(Exit::Refused, format!("version {number} of {} {fate}", place.shown())).with_body(body)
    })
}

async fn patch(args: &PatchArgs, session: &mut Session) -> Result<Exit, Failure> {
    let mut data = input::settings(&args.data, Ending::AsIs, &mut session.console)?;
    for key in &args.remove {
        if data.insert(key.clone(), Value::Null).is_some() {
            return Err(Failure::usage(format!("{key} is to be set and to be removed")));
        }
    }
    let place = Place::find(&args.place, session).await?.with_versions("patch")?;
    let request = Request::patch(place.below("data")).sending(&versioned(data, args.cas))?;
    let answer = session.ask("writing", request).await?;
    session.show_record(&answer, FIRST, "written")?;
    Ok(Exit::Done)
}

async fn delete(args: &DeleteArgs, session: &mut Session) -> Result<Exit, Failure> {
    let place = Place::find(&args.place, session).await?;
    let request = match (place.has_versions(), args.versions.is_empty()) {
        (false, true) => Request::delete(place.plain()),
        (false, false) => return Err(place.needs_versions("--versions")),
        (true, true) => Request::delete(place.below("data")),
        (true, false) => {
            Request::put(place.below("delete")).sending(&json!({ "versions": args.versions }))?
        }
    };
    let answer = session.ask("deleting", request).await?;
    session.done(&answer, "deleted, if it was there")
}

async fn of_versions(word: &str, args: &VersionsArgs, session: &mut Session) -> Result<Exit, Failure> {
    let place = Place::find(&args.place, session).await?.with_versions(word)?;
    let request = Request::put(place.below(word)).sending(&json!({ "versions": args.versions }))?;
    let answer = session.ask("changing versions", request).await?;
    session.done(&answer, "done, for the versions that are there")
}

async fn list(args: &ListArgs, session: &mut Session) -> Result<Exit, Failure> {
    let place = Place::find_folder(args.mount.as_deref(), &args.path, session).await?;
    if !args.recursive {
        let answer = session.ask("listing", Request::list(place.folder(""))).await?;
        session.show_names(&answer)?;
        return Ok(Exit::Done);
    }
    let mut names = Vec::new();
    let mut folders = vec![String::new()];
    // The newest folder first, its names in order: the order of a walk through a tree.
    while let Some(folder) = folders.pop() {
        let answer = session.ask("listing", Request::list(place.folder(&folder))).await?;
        let listing: vault_api::Listing = answer.read_data()?;
        for name in listing.keys.iter().rev() {
            let path = format!("{folder}{name}");
            if name.ends_with('/') { folders.push(path) } else { names.push(path) }
        }
    }
    names.sort();
    session.show_list(names)?;
    Ok(Exit::Done)
}

async fn rollback(args: &RollbackArgs, session: &mut Session) -> Result<Exit, Failure> {
    let place = Place::find(&args.place, session).await?.with_versions("rollback")?;
    let metadata = session.ask("reading", Request::get(place.below("metadata"))).await?;
    let current = metadata.data().and_then(|data| data.get("current_version")?.as_u64());
    let current = current.ok_or_else(|| Failure::unexpected_answer("current_version"))?;
    let old = read_version(&place, Some(args.version), session).await?;
    let Some(Value::Object(data)) = old.data().and_then(|data| data.get("data")) else {
        return Err(Failure::unexpected_answer("data"));
    };
    // Only as long as nobody writes in between.
    let body = versioned(data.clone(), Some(current));
    let answer = session.ask("writing", Request::put(place.below("data")).sending(&body)?).await?;
    session.show_record(&answer, FIRST, "written")?;
    Ok(Exit::Done)
}

fn versioned(data: Map<String, Value>, cas: Option<u64>) -> Value {
    match cas {
        Some(cas) => json!({ "data": data, "options": { "cas": cas } }),
        None => json!({ "data": data, "options": {} }),
    }
}

const FIRST: &[&str] = &["version", "created_time"];
