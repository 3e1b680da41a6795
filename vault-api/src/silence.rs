//! `silences/…` and `targets/maintenance/…`: what is expected to fail for a while.

use serde::{Deserialize, Serialize};

use crate::WireTime;

/// POST `silences`, and without what it is about POST `targets/maintenance/<name>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SilenceRequest {
    /// Everything on this target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The accounts whose path fits; `*` stands for any text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<String>,
    /// `silence`, or `maintenance` of a target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// When it begins; at once when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<WireTime>,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<WireTime>,
    /// Or how long it lasts.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasts: Option<String>,
    /// Why.
    pub reason: String,
    /// Whether it is only asked what it would do.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// GET `silences/<id>`; and what POST would make, when that is only asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Silence {
    /// Its name; empty of one that is not made.
    pub id: String,
    /// `silence` or `maintenance`.
    pub mode: String,
    /// `planned`, `active` or `ending`.
    pub state: String,
    /// The target that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The accounts that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<String>,
    /// When it begins, or began.
    pub from: WireTime,
    /// When it ends by itself.
    pub until: WireTime,
    /// Who said so.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Who ended it before its time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
    /// Whether it was only asked what it would do: then nothing was made or changed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// What it would do, and what not, in order; told when that is asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
}

/// GET `silences`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SilenceList {
    /// Those that are not over, the oldest first.
    pub silences: Vec<Silence>,
}

/// By what something is silenced, beside what is told of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Silenced {
    /// The silence.
    pub id: String,
    /// `silence` or `maintenance`.
    pub mode: String,
    /// Until when.
    pub until: WireTime,
    /// Who said so.
    pub by: String,
    /// Why.
    pub reason: String,
}
