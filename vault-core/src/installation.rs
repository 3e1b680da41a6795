//! Which versions of the program have served a vault, and since when.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// One version's latest installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installation {
    /// The version.
    pub version: String,
    /// When it first unsealed the vault.
    pub installed: Timestamp,
    /// When its source was last changed; `None` when the build did not say.
    pub built: Option<Timestamp>,
    /// The version that served before it; `None` for the first that was noted.
    pub previous: Option<String>,
}

/// All of them, the newest last; each version stands once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installations {
    all: Vec<Installation>,
}

impl Installations {
    /// With `version` as the newest; `None` when it is that already.
    ///
    /// A version that comes back moves to the end: what is told of it is its latest installation.
    #[must_use]
    pub fn with(&self, version: &str, built: Option<Timestamp>, now: Timestamp) -> Option<Self> {
        let previous = self.all.last().map(|newest| newest.version.clone());
        if previous.as_deref() == Some(version) {
            return None;
        }
        let mut all = self.all.clone();
        all.retain(|installation| installation.version != version);
        all.push(Installation { version: version.to_owned(), installed: now, built, previous });
        Some(Self { all })
    }

    /// The oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Installation> {
        self.all.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(installations: &Installations) -> Vec<(&str, i64, Option<&str>)> {
        installations
            .iter()
            .map(|it| (it.version.as_str(), it.installed.as_secs(), it.previous.as_deref()))
            .collect()
    }

    #[test]
    fn a_version_is_noted_when_it_is_not_the_newest_one() {
        let at = Timestamp::from_secs;
        let first = Installations::default().with("1.0", Some(at(5)), at(10)).unwrap();
        assert_eq!(told(&first), [("1.0", 10, None)]);
        assert_eq!(first.iter().next().unwrap().built, Some(at(5)));
        assert_eq!(first.with("1.0", Some(at(6)), at(20)), None);
        let second = first.with("1.1", None, at(30)).unwrap();
        assert_eq!(told(&second), [("1.0", 10, None), ("1.1", 30, Some("1.0"))]);
        let back = second.with("1.0", None, at(40)).unwrap();
        assert_eq!(told(&back), [("1.1", 30, Some("1.0")), ("1.0", 40, Some("1.1"))]);
    }
}
