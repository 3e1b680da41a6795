//! The answers of one operation.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::http::openapi::about::{About, Reply};
use crate::http::openapi::errors;
use crate::http::openapi::shape::{Field, Shape, insert, object};
use crate::http::openapi::words::{Count, Flag, List, OrNull, Secret, Text, Texts, Time, may, must};
use crate::http::route::Route;

/// The `responses` of an operation. What answers of success look like goes to `schemas` under `name`.
pub(super) fn responses(name: &str, lines: &[(&Route, &About)], schemas: &mut Map<String, Value>) -> Value {
    // By status and content type; nothing for no body.
    let mut found: BTreeMap<u16, BTreeMap<&str, Vec<Value>>> = BTreeMap::new();
    for (route, about) in lines {
        // What may come with any status may come with that of an error, too.
        let any = about.others.iter().filter(|(status, _)| *status == 0);
        let any = any.flat_map(|(_, reply)| {
            errors::statuses(route, &[]).into_iter().map(move |status| (status, reply))
        });
        let usual = usual_statuses(&about.reply).iter().map(|status| (*status, &about.reply));
        for (status, reply) in
            usual.chain(about.others.iter().map(|(status, reply)| (*status, reply))).chain(any)
        {
            let contents = found.entry(status).or_default();
            if let Some((content_type, schema)) = content(reply, status) {
                let all = contents.entry(content_type).or_default();
                if !all.contains(&schema) {
                    all.push(schema);
                }
            }
        }
    }
    let mut failures: Vec<u16> =
        lines.iter().flat_map(|(route, about)| errors::statuses(route, about.errors)).collect();
    failures.sort_unstable();
    failures.dedup();
    let mut out = Map::new();
    for status in &failures {
        out.insert(status.to_string(), errors::response(*status));
    }
    for (status, contents) in found {
        let key = if status == 0 { "default".to_owned() } else { status.to_string() };
        let mut response = json!({ "description": description(status) });
        let mut content = Map::new();
        for (content_type, mut all) in contents {
            if failures.contains(&status) {
                all.push(json!({ "$ref": errors::ERROR }));
            }
            let schema = if all.len() == 1 { all.remove(0) } else { json!({ "anyOf": all }) };
            let schema = if content_type == JSON { kept(name, status, schema, schemas) } else { schema };
            content.insert(content_type.to_owned(), json!({ "schema": schema }));
        }
        if !content.is_empty() {
            insert(&mut response, "content", Value::Object(content));
        }
        out.insert(key, response);
    }
    Value::Object(out)
}

/// Puts a schema among the named ones, and gives a reference to it.
fn kept(name: &str, status: u16, schema: Value, schemas: &mut Map<String, Value>) -> Value {
    let plain = format!("{name}Response");
    let name = match schemas.get(&plain) {
        Some(same) if *same != schema => format!("{name}Response{status}"),
        _ => plain,
    };
    let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
    schemas.insert(name, schema);
    reference
}

fn usual_statuses(reply: &Reply) -> &'static [u16] {
    match reply {
        Reply::Nothing => &[204],
        Reply::Quiet => &[200, 204],
        Reply::Started => &[202],
        _ => &[200],
    }
}

fn description(status: u16) -> &'static str {
    match status {
        202 => "Begun; it goes on.",
        204 => "Done.",
        404 => "Nothing is there, or not any more.",
        _ => "OK",
    }
}

/// The content type and schema of an answer; `None` for no body.
fn content(reply: &Reply, status: u16) -> Option<(&'static str, Value)> {
    let null = json!({ "type": "object", "nullable": true });
    let schema = match reply {
        Reply::Nothing => return None,
        Reply::Quiet if status == 204 => return None,
        Reply::Typed(content_type) => return Some((content_type, json!({ "type": "string" }))),
        Reply::Raw(shape) => shape.schema(),
        Reply::Quiet | Reply::Started | Reply::Bare => envelope(null.clone(), null),
        Reply::Data(shape) | Reply::Top(shape) => envelope(shape.schema(), null),
        Reply::Keys => envelope(
            object([must("keys", List(&Text), "Names; those of folders end in a slash.")].iter()),
            null,
        ),
        Reply::Auth => envelope(null, json!({ "$ref": "#/components/schemas/Auth" })),
        Reply::Whole => envelope(json!({}), json!({})),
        Reply::Wrapped => {
            let mut schema = envelope(null.clone(), null);
            if let Some(properties) = schema.get_mut("properties") {
                insert(properties, "wrap_info", json!({ "$ref": "#/components/schemas/WrapInfo" }));
            }
            schema
        }
    };
    Some((JSON, schema))
}

/// Vault's envelope.
fn envelope(data: Value, auth: Value) -> Value {
    let mut schema = object(ENVELOPE.iter());
    if let Some(properties) = schema.get_mut("properties") {
        insert(properties, "data", data);
        insert(properties, "auth", auth);
    }
    schema
}

/// `wrap_info` of an answer that was put away.
pub(super) fn wrap_info() -> Value {
    object(WRAP_INFO.iter())
}

/// `auth` of an answer that carries a token.
pub(super) fn auth() -> Value {
    object(AUTH.iter())
}

const NULL: Shape = OrNull(&Shape::Open(&[]));
const ENVELOPE: &[Field] = &[
    must("request_id", Text, "Names the request in the audit file."),
    must("lease_id", Text, "Empty without a lease."),
    must("renewable", Flag, "Whether the lease can be renewed."),
    must("lease_duration", Count, "Seconds the lease lasts."),
    must("data", NULL, ""),
    must("wrap_info", NULL, "Where the answer was put, when it was asked to be."),
    must("warnings", OrNull(&List(&Text)), "What should be known about it."),
    must("auth", NULL, ""),
];
const WRAP_INFO: &[Field] = &[
    must("token", Secret, "Opens it, once."),
    must("accessor", Text, "Names the token without being it."),
    must("ttl", Count, "Seconds in which it can be opened."),
    must("creation_time", Time, "When it was made."),
    must("creation_path", Text, "What was asked for that is inside."),
    may("wrapped_accessor", Text, "The accessor of a token inside."),
];
const AUTH: &[Field] = &[
    must("client_token", Secret, "The token."),
    must("accessor", Text, "Names the token without being it; empty for a batch token."),
    must("policies", List(&Text), "Its policies, sorted."),
    must("token_policies", List(&Text), "The same."),
    may("identity_policies", List(&Text), "Always none."),
    must("metadata", OrNull(&Texts), "What is known about who logged in."),
    must("lease_duration", Count, "Seconds it lives unless renewed; 0 is without limit."),
    must("renewable", Flag, "Whether it can be renewed."),
    must("entity_id", Text, "Empty."),
    must("token_type", Shape::Word(&["service", "batch"]), "Its kind."),
    must("orphan", Flag, "Whether it outlives the token that made it."),
    must("mfa_requirement", NULL, "Always null."),
    must("num_uses", Count, "Requests it may make; 0 is without limit."),
];
const JSON: &str = "application/json";
