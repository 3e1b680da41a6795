//! Holds every answer that the tests see against the OpenAPI document: a path, status, content type or key of an
//! answer that is not described fails the test that saw it, as does a described key that is missing.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use jsonschema::Validator;
use serde_json::{Map, Value, json};
use vault_core::mount::{Class, MountTable};

use crate::vault::Reply;

/// Panics when the answer is not one that the document tells of: that of the mounts before the request, or after it.
pub(crate) fn check(
    mounts: &[Arc<MountTable>; 2],
    (method, uri, headers): (&str, &str, &[(&str, &str)]),
    reply: &Reply,
) {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let query: Vec<&str> = query.split('&').collect();
    let (Some(path), false) = (path.strip_prefix("/v1/"), query.iter().any(|pair| pair.starts_with("help")))
    else {
        return;
    };
    let Some(method) = method_of(method) else { return };
    let path = folded(path);
    let what = || format!("{method} {path}: {} {}", reply.status, reply.text);
    let states = mounts.each_ref().map(|mounts| Described::of(mounts));
    let found = states.iter().find_map(|described| Some((described, described.operation(method, &path)?)));
    let Some((described, (template, operation))) = found else {
        // What is not described may not succeed.
        assert!(reply.status >= 400, "{} is in no document", what());
        return;
    };
    let status = reply.status.to_string();
    let response = &operation["responses"];
    let response = response.get(&status).or(response.get("default"));
    let Some(response) = response.map(|response| described.resolved(response)) else {
        panic!("{}: {template} is said to answer {:?}", what(), operation["responses"]);
    };
    let content_type = reply.headers.get("content-type").map(|value| value.to_str().unwrap());
    let essence = content_type.map(|text| text.split(';').next().unwrap());
    let Some(content) = response.get("content") else {
        assert!(reply.text.is_empty(), "{}: no body is described", what());
        return;
    };
    let Some(schema) = essence.and_then(|essence| content.get(essence)).map(|content| &content["schema"])
    else {
        panic!("{}: {template} is not said to answer {essence:?}", what());
    };
    if essence != Some("application/json") {
        return;
    }
    let body = reply.json();
    let is_wrapped = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("x-vault-wrap-ttl"));
    if let Some(info) = body.get("wrap_info").filter(|info| is_wrapped && info.is_object()) {
        let schema = json!({ "$ref": "#/components/schemas/WrapInfo" });
        return described.hold("WrapInfo", &schema, info, &what());
    }
    described.hold(&format!("{method} {template} {status}"), schema, &body, &what());
}

fn method_of(method: &str) -> Option<&'static str> {
    Some(match method {
        "GET" | "LIST" => "get",
        "POST" | "PUT" => "post",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ => return None,
    })
}

/// The path as the server folds it.
fn folded(path: &str) -> String {
    let text = percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned();
    let mut parts = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The document of one mount table.
struct Described {
    document: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Described {
    /// Made once for each state of the mount table.
    fn of(mounts: &MountTable) -> Arc<Self> {
        static MADE: Mutex<BTreeMap<String, Arc<Described>>> = Mutex::new(BTreeMap::new());
        let all = [Class::Secret, Class::Auth].into_iter().flat_map(|class| mounts.of(class));
        let state: Vec<String> = all
            .map(|mount| format!("{} {} {}", mount.path, mount.kind.as_str(), mount.kv_version()))
            .collect();
        let mut made = MADE.lock().unwrap();
        Arc::clone(made.entry(state.join("\n")).or_insert_with(|| {
            let document = vault_server::http::openapi::whole(mounts);
            Arc::new(Self { document, validators: Mutex::default() })
        }))
    }

    /// The operation of the most precise template that the path fits.
    fn operation(&self, method: &str, path: &str) -> Option<(&str, &Value)> {
        let parts: Vec<&str> = path.split('/').collect();
        let paths = self.document.get("paths").and_then(Value::as_object).unwrap();
        let fitting = paths.iter().filter_map(|(template, item)| {
            let texts: Vec<&str> = template.trim_matches('/').split('/').collect();
            let operation = item.get(method)?;
            fits(&texts, &parts).then_some((texts, template.as_str(), operation))
        });
        let precision = |texts: &[&str]| texts.iter().map(|text| !text.starts_with('{')).collect::<Vec<_>>();
        fitting
            .max_by_key(|(texts, ..)| precision(texts))
            .map(|(_, template, operation)| (template, operation))
    }

    fn resolved<'d>(&'d self, value: &'d Value) -> &'d Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => self.document.pointer(reference.trim_start_matches('#')).unwrap(),
            None => value,
        }
    }

    fn hold(&self, name: &str, schema: &Value, body: &Value, what: &str) {
        let mut validators = self.validators.lock().unwrap();
        let validator = validators.entry(name.to_owned()).or_insert_with(|| {
            let strict = self.strict(schema);
            Arc::new(jsonschema::options().should_validate_formats(true).build(&strict).unwrap())
        });
        let validator = Arc::clone(validator);
        drop(validators);
        let wrong: Vec<String> =
            validator.iter_errors(body).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(wrong.is_empty(), "{what}\n  is not what the document says: {wrong:#?}");
    }

    /// The schema without references, in the language of JSON Schema, and closed: what it does not name may not be
    /// there.
    fn strict(&self, schema: &Value) -> Value {
        let schema = self.resolved(schema);
        let Some(map) = schema.as_object() else { return schema.clone() };
        let mut out = Map::new();
        for (key, value) in map {
            let value = match (key.as_str(), value) {
                ("properties", Value::Object(all)) => {
                    all.iter().map(|(name, schema)| (name.clone(), self.strict(schema))).collect()
                }
                ("items" | "additionalProperties", value) => self.strict(value),
                ("anyOf", Value::Array(all)) => all.iter().map(|schema| self.strict(schema)).collect(),
                ("format", Value::String(format)) if format != "date-time" => continue,
                (_, value) => value.clone(),
            };
            out.insert(key.clone(), value);
        }
        if out.remove("nullable").is_some()
            && let Some(Value::String(kind)) = out.get("type").cloned()
        {
            out.insert("type".to_owned(), json!([kind, "null"]));
        }
        // An answer whose keys stand beside the envelope too is open at its top.
        let is_envelope = out.get("properties").is_some_and(|all| all.get("request_id").is_some());
        if out.contains_key("properties") && !out.contains_key("additionalProperties") && !is_envelope {
            out.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
        Value::Object(out)
    }
}

/// Whether a path fits a template, whose `{…}` stand for one part or more.
fn fits(template: &[&str], parts: &[&str]) -> bool {
    match (template.split_first(), parts.split_first()) {
        (None, None) => true,
        (Some((text, rest)), Some((part, tail))) if text.starts_with('{') => {
            fits(rest, tail) || (!part.is_empty() && fits(template, tail))
        }
        (Some((text, rest)), Some((part, tail))) => text == part && fits(rest, tail),
        _ => false,
    }
}
