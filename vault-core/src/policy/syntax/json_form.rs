//! Policies written in JSON: `{"path": {"a/b": {"capabilities": ["read"]}}}`.
//!
//! Where an object stands, a list of such objects may stand too; that is how HCL tools write it.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::Stanza;
use crate::policy::document::PolicyError;
use crate::policy::rule::RuleProblem;

/// Reads all blocks.
pub(super) fn read(text: &str) -> Result<Vec<Stanza>, PolicyError> {
    serde_json::from_str::<DistinctKeys>(text).map_err(syntax_error)?;
    let top: Map<String, Value> = serde_json::from_str(text).map_err(syntax_error)?;
    let mut stanzas = Vec::new();
    for (key, value) in top {
        match key.as_str() {
            "path" => {
                for paths in objects(value).ok_or(PolicyError::PathForm)? {
                    for (path, rules) in paths {
                        add(&mut stanzas, path, rules)?;
                    }
                }
            }
            "name" => {}
            _ => return Err(PolicyError::TopLevelKey { key }),
        }
    }
    Ok(stanzas)
}

fn add(stanzas: &mut Vec<Stanza>, path: String, rules: Value) -> Result<(), PolicyError> {
    let Some(rules) = objects(rules) else {
        let problem = RuleProblem::Form { key: path.clone(), form: "an object with \"capabilities\"" };
        return Err(PolicyError::Rule { path, problem });
    };
    stanzas.extend(rules.into_iter().map(|settings| Stanza { path: path.clone(), settings }));
    Ok(())
}

/// One object, or the objects of a list.
fn objects(value: Value) -> Option<Vec<Map<String, Value>>> {
    match value {
        Value::Object(one) => Some(vec![one]),
        Value::Array(items) => items
            .into_iter()
            .map(|item| if let Value::Object(one) = item { Some(one) } else { None })
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn syntax_error(error: serde_json::Error) -> PolicyError {
    PolicyError::Json { problem: error.to_string() }
}

/// Any JSON in which no object names a key twice. Parsers keep the last one in silence; here the one
/// that is lost could be the `deny`.
struct DistinctKeys;

impl<'de> Deserialize<'de> for DistinctKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for DistinctKeys {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self, A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            entries.next_value::<Self>()?;
            if let Some(twice) = seen.replace(key) {
                return Err(A::Error::custom(format_args!("{twice:?} is given twice")));
            }
        }
        Ok(self)
    }
}
