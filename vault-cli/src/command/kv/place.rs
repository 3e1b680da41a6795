//! Which mount a path belongs to, and which version of KV it has: the server is asked.

use serde_json::Value;

use super::{Session, trimmed};
use crate::{
    args::kv::PlaceArgs,
    client::Request,
    failure::{Exit, Failure},
};

/// A path below a mount.
pub(super) struct Place {
    mount: String,
    path: String,
    version: u8,
}

impl Place {
    /// Finds the secret that the words name.
    ///
    /// # Errors
    /// The server refuses, or no path is left below the mount.
    pub(super) async fn find(args: &PlaceArgs, session: &Session) -> Result<Self, Failure> {
        let place = Self::find_folder(args.mount.as_deref(), &args.path, session).await?;
        if place.path.is_empty() {
            let sentence = format!("{}/ is a mount: add the path of a secret below it", place.mount);
            return Err(Failure::usage(sentence));
        }
        Ok(place)
    }

    /// Finds the folder that the words name; it may be the mount itself.
    ///
    /// # Errors
    /// The server refuses.
    pub(super) async fn find_folder(
        mount: Option<&str>,
        path: &str,
        session: &Session,
    ) -> Result<Self, Failure> {
        let whole = match mount {
            Some(mount) => format!("{}/{}", trimmed(mount), trimmed(path)),
            None => trimmed(path).to_owned(),
        };
        let whole = trimmed(&whole);
        let asked = format!("sys/internal/ui/mounts/{whole}");
        let answer = session.ask("finding the mount", Request::get(asked)).await.map_err(|failure| {
            match failure.exit() {
                // The server does not tell a mount that is not there from one that is out of reach.
                Exit::Refused => failure.with_hint(
                    "is it mounted, and does a policy of the token reach it? see rotunda secrets list",
                ),
                _ => failure,
            }
        })?;
        let data = answer.data().ok_or_else(|| Failure::unexpected_answer("data"))?;
        let text = |pointer: &str| data.pointer(pointer).and_then(Value::as_str);
        if let Some(kind) = text("/type").filter(|kind| !["kv", "generic"].contains(kind)) {
            return Err(Failure::new(Exit::Refused, format!("what is mounted there is {kind}, not kv")));
        }
        let found = trimmed(text("/path").ok_or_else(|| Failure::unexpected_answer("path"))?).to_owned();
        let rest = whole.strip_prefix(found.as_str()).map(trimmed).unwrap_or_default();
        let version = if text("/options/version") == Some("2") { 2 } else { 1 };
        Ok(Self { path: rest.to_owned(), mount: found, version })
    }

    pub(super) const fn has_versions(&self) -> bool {
        self.version == 2
    }

    /// The place, if its mount has versions.
    ///
    /// # Errors
    /// It has none, and `word` needs them.
    pub(super) fn with_versions(self, word: &str) -> Result<Self, Failure> {
        if self.has_versions() { Ok(self) } else { Err(self.needs_versions(word)) }
    }

    pub(super) fn needs_versions(&self, word: &str) -> Failure {
        let sentence = format!("{word} needs version 2 of KV, and {}/ is of version 1", self.mount);
        Failure::usage(sentence)
            .with_hint(format!("upgrade it: rotunda secrets tune --version 2 {}", self.mount))
    }

    /// The path of the API in version 1.
    pub(super) fn plain(&self) -> String {
        format!("{}/{}", self.mount, self.path)
    }

    /// The path of the API in version 2, below `word`.
    pub(super) fn below(&self, word: &str) -> String {
        format!("{}/{word}/{}", self.mount, self.path)
    }

    /// The path by which `folder`, relative to this one, is listed.
    pub(super) fn folder(&self, folder: &str) -> String {
        let path = if self.path.is_empty() { folder.to_owned() } else { format!("{}/{folder}", self.path) };
        let word = if self.has_versions() { "/metadata" } else { "" };
        trimmed(&format!("{}{word}/{path}", self.mount)).to_owned()
    }

    /// For people.
    pub(super) fn shown(&self) -> String {
        self.plain()
    }
}
