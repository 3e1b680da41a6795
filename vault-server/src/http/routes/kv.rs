//! Static secrets: the tables of both versions. Patterns are relative to the mount.

mod v1;
mod v2;

use std::sync::Arc;

use vault_core::audit::digest::EVERY_KEY;
use vault_core::kv::{Data, SecretPath};
use vault_core::mount::Mount;

use crate::app::App;
use crate::http::answer::Answer;
use crate::http::context::{Context, Request};
use crate::http::error::ApiError;
use crate::http::route::{Route, delete, list, patch, read, write};
use crate::service::kv::Place;

/// The lines of version 1, relative to the mount.
#[must_use]
pub fn v1() -> Vec<Route> {
    vec![
        list("", list_folder),
        list("<path...>", list_folder),
        read("<path...>", v1::read).hiding(EVERYTHING),
        write("<path...>", v1::write).creating(v1::exists).hiding(EVERYTHING),
        delete("<path...>", v1::delete),
    ]
}

/// The lines of version 2, relative to the mount.
#[must_use]
pub fn v2() -> Vec<Route> {
    let mut lines = vec![
        read("config", v2::config::read),
        write("config", v2::config::write),
        read("data/<path...>", v2::data::read).hiding(DATA),
        write("data/<path...>", v2::data::write).creating(v2::exists).hiding(DATA),
        patch("data/<path...>", v2::data::patch).hiding(DATA),
        delete("data/<path...>", v2::data::delete),
        write("delete/<path...>", v2::versions::delete),
        write("undelete/<path...>", v2::versions::undelete),
        write("destroy/<path...>", v2::versions::destroy),
        list("metadata", list_folder),
        list("metadata/<path...>", list_folder),
        read("metadata/<path...>", v2::metadata::read),
        write("metadata/<path...>", v2::metadata::write).creating(v2::exists),
        patch("metadata/<path...>", v2::metadata::patch),
        delete("metadata/<path...>", v2::metadata::delete),
        read("subkeys/<path...>", v2::data::subkeys),
    ];
    // What a client of version 1 would use is told where to look.
    for pattern in ["", "<rest...>"] {
        lines.extend([
            read(pattern, v2::elsewhere::answer),
            list(pattern, v2::elsewhere::answer),
            write(pattern, v2::elsewhere::answer).hiding(EVERYTHING),
            patch(pattern, v2::elsewhere::answer).hiding(EVERYTHING),
            delete(pattern, v2::elsewhere::answer),
        ]);
    }
    lines
}

/// What of requests and answers is the secret itself.
const DATA: &[&str] = &["data"];
pub(super) const EVERYTHING: &[&str] = &[EVERY_KEY];

/// LIST, in both versions; `after` and `limit` page through a long one.
async fn list_folder(context: Context) -> Result<Answer, ApiError> {
    let folder = context.request.captures.get("path").map(String::as_str).unwrap_or_default();
    let after = context.fields().text("after")?.unwrap_or_default();
    let limit = context.fields().count("limit")?.filter(|limit| *limit > 0);
    let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let keys = context.app.kv.list(context.request.mount()?, folder)?;
    Answer::keys(keys.into_iter().filter(|key| *key > after).take(limit).collect())
}

/// What a request is about.
struct Target {
    mount: Arc<Mount>,
    path: SecretPath,
}

impl Target {
    fn of(request: &Request) -> Result<Self, ApiError> {
        let path = SecretPath::parse(request.part("path")?)?;
        Ok(Self { mount: Arc::clone(request.mount()?), path })
    }

    fn place(&self) -> Place<'_> {
        Place { mount: &self.mount, path: &self.path }
    }
}

/// For a write: whether something is there. What cannot be anywhere is not; the handler says why.
fn exists_by(
    app: &App,
    request: &Request,
    look: impl Fn(&App, Place<'_>) -> Result<bool, ApiError>,
) -> Result<bool, ApiError> {
    match Target::of(request) {
        Ok(target) => look(app, target.place()),
        Err(_) => Ok(false),
    }
}

/// The object of a parameter, as data that is wiped; the caller's copy goes with the request.
fn object(value: &serde_json::Value, name: &str) -> Result<Data, ApiError> {
    match value {
        // As Vault has it: a null object has no names.
        serde_json::Value::Null => Ok(Data::empty()),
        value => {
            Data::new(value.clone()).map_err(|_| ApiError::invalid(format!("'{name}' must be an object")))
        }
    }
}
