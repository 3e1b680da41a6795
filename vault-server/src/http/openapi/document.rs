//! Puts the document together.

mod reply;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use vault_core::mount::{Class, Kind, Mount, MountTable};

use super::about::About;
use super::errors;
use super::operation_id::{OperationIds, type_name};
use super::shape::{Field, Shape, insert, object};
use crate::VERSION;
use crate::http::error::ApiError;
use crate::http::fields::Fields;
use crate::http::route::{Operation, Route, Table};
use crate::http::router::Router;

/// What whoever asks for the document may choose.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Whether mounts are named by a parameter.
    generic_mount_paths: bool,
    /// What every operation's name ends in.
    context: String,
}

impl Wish {
    /// Reads it from the parameters.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] by cause.
    pub fn of(fields: &Fields) -> Result<Self, ApiError> {
        let context = fields.bounded_text("context", CONTEXT_BYTES_MAX)?.unwrap_or_default();
        if !context.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {
            return Err(ApiError::invalid("'context' is letters, digits, '_' and '-'"));
        }
        Ok(Self { generic_mount_paths: fields.flag("generic_mount_paths")?.unwrap_or(false), context })
    }
}

/// The whole document: every path below those places that `sees` says yes to.
pub(in crate::http) fn document(
    router: &Router,
    mounts: &MountTable,
    wish: &Wish,
    sees: &dyn Fn(&str) -> bool,
) -> Value {
    let mut draft = Draft {
        ids: OperationIds::new(&wish.context),
        paths: BTreeMap::new(),
        schemas: Map::from_iter([
            ("Error".to_owned(), errors::schema()),
            ("WrapInfo".to_owned(), reply::wrap_info()),
            ("Auth".to_owned(), reply::auth()),
        ]),
    };
    draft.add(router.built_in(), &|route| Place::built_in(route.pattern).filter(|place| sees(&place.before)));
    let all = [Class::Secret, Class::Auth].into_iter().flat_map(|class| mounts.of(class));
    for mount in all.filter(|mount| sees(&mount.path.to_string())) {
        if let Some(table) = router.table(mount) {
            let place = Place::mounted(mount, wish);
            draft.add(table, &|_| Some(place.clone()));
        }
    }
    draft.finish()
}

/// Where lines are.
#[derive(Clone)]
struct Place {
    /// What stands before their patterns, with a slash at its end.
    before: String,
    /// The word for it in names of operations.
    engine: String,
    tag: &'static str,
    /// The parameter that stands for the mount's path, when there is one.
    mount: Option<Value>,
}

impl Place {
    /// What is built in has its whole path in its patterns.
    fn built_in(pattern: &str) -> Option<Self> {
        let depth = if pattern.starts_with("auth/") { 2 } else { 1 };
        let path: Vec<&str> = pattern.split('/').take(depth).collect();
        let engine = (*path.last()?).to_owned();
        let tag = match path.first().copied() {
            Some("sys") => "system",
            Some("auth") => "auth",
            Some("cubbyhole") => "secrets",
            _ => "rotation",
        };
        Some(Self { before: format!("{}/", path.join("/")), engine, tag, mount: None })
    }

    fn mounted(mount: &Mount, wish: &Wish) -> Self {
        let (class, tag) = match mount.kind.class() {
            Class::Auth => ("auth/", "auth"),
            Class::Secret => ("", "secrets"),
        };
        let engine = match mount.kind {
            Kind::Kv => format!("kv-v{}", mount.kv_version()),
            kind => kind.as_str().to_owned(),
        };
        let path = mount.path.to_string();
        if !wish.generic_mount_paths {
            return Self { before: path, engine, tag, mount: None };
        }
        let bare = path.strip_prefix(class).unwrap_or(&path).trim_matches('/');
        let name = format!("{}_mount_path", bare.replace(|c: char| !c.is_ascii_alphanumeric(), "_"));
        let before = format!("{class}{{{name}}}/");
        let mount = json!({
            "name": name,
            "in": "path",
            "required": true,
            "description": "Where the engine is mounted.",
            "schema": { "type": "string", "default": bare },
        });
        Self { before, engine, tag, mount: Some(mount) }
    }

    /// The path of a pattern, as templates of OpenAPI write it.
    fn path(&self, pattern: &str) -> String {
        let below = pattern.strip_prefix(&self.before).unwrap_or(pattern);
        let whole = if self.before.trim_end_matches('/') == pattern {
            pattern.to_owned()
        } else {
            format!("{}{below}", self.before)
        };
        format!("/{}", whole.replace("...>", "}").replace('<', "{").replace('>', "}"))
    }

    /// The pattern without what the engine's name says already.
    fn below<'p>(&self, pattern: &'p str) -> &'p str {
        let bare = self.before.trim_end_matches('/');
        pattern.strip_prefix(bare).map_or(pattern, |rest| rest.trim_start_matches('/'))
    }
}

/// One line with what is told of it, and where it is.
struct Line<'a> {
    route: &'a Route,
    about: &'a About,
    place: Place,
}

/// The document so far.
struct Draft {
    ids: OperationIds,
    /// For each path: its operations, by method.
    paths: BTreeMap<String, PathItem>,
    schemas: Map<String, Value>,
}

#[derive(Default)]
struct PathItem {
    parameters: Vec<Value>,
    operations: Map<String, Value>,
    sudo: Vec<bool>,
    tokenless: Vec<bool>,
    creates: bool,
}

impl Draft {
    /// Adds the lines of a table, where they are.
    fn add(&mut self, table: &Table, place_of: &dyn Fn(&Route) -> Option<Place>) {
        // By what is shown: several lines are one operation when a GET may list, too.
        let mut by_path: BTreeMap<(String, &str), Vec<Line<'_>>> = BTreeMap::new();
        for route in table.routes() {
            let Some(place) = place_of(route) else { continue };
            for about in route.abouts.iter().filter(|about| !about.is_hidden) {
                let key = (place.path(about.shown), method(about.operation));
                by_path.entry(key).or_default().push(Line { route, about, place: place.clone() });
            }
        }
        for ((path, method), mut lines) in by_path {
            lines.sort_by_key(|line| line.about.operation);
            self.operation(path, method, &lines);
        }
    }

    fn operation(&mut self, path: String, method: &str, lines: &[Line<'_>]) {
        let Some(Line { route, about, place }) = lines.first() else { return };
        let id = self.ids.name(&place.engine, about.operation, place.below(about.shown));
        let mut operation = json!({ "summary": about.summary, "operationId": id, "tags": [place.tag] });
        let named = captured(about.shown);
        let mut parameters = Vec::new();
        match about.operation {
            Operation::Write | Operation::Patch => {
                if let Some(body) = self.body(&id, about, &named) {
                    insert(&mut operation, "requestBody", body);
                }
            }
            Operation::Read | Operation::List | Operation::Delete => {
                parameters.extend(queries(lines.iter().map(|line| line.about), &named));
            }
        }
        parameters.extend(about.headers.iter().map(|field| parameter(field, "header", field.is_required)));
        if !parameters.is_empty() {
            insert(&mut operation, "parameters", Value::from(parameters));
        }
        let lines: Vec<(&Route, &About)> = lines.iter().map(|line| (line.route, line.about)).collect();
        insert(&mut operation, "responses", reply::responses(&type_name(&id), &lines, &mut self.schemas));
        if !route.needs_token() {
            insert(&mut operation, "security", json!([]));
        }
        let item = self.paths.entry(path).or_default();
        if item.parameters.is_empty() {
            item.parameters.extend(named.iter().map(|name| path_parameter(name, about)));
            item.parameters.extend(place.mount.clone());
        }
        item.sudo.push(route.needs_sudo());
        item.tokenless.push(!route.needs_token());
        item.creates |= route.can_create();
        if route.needs_sudo() {
            insert(&mut operation, "x-vault-sudo", Value::Bool(true));
        }
        item.operations.insert(method.to_owned(), operation);
    }

    fn body(&mut self, id: &str, about: &About, named: &[&str]) -> Option<Value> {
        let fields: Vec<&Field> = about.parameters().filter(|field| !named.contains(&field.name)).collect();
        if fields.is_empty() && !about.is_open {
            return None;
        }
        let mut schema = object(fields.iter().copied());
        if about.is_open {
            insert(&mut schema, "additionalProperties", Value::Bool(true));
        }
        let name = format!("{}Request", type_name(id));
        let content_type = match about.operation {
            Operation::Patch => "application/merge-patch+json",
            _ => "application/json",
        };
        self.schemas.insert(name.clone(), schema);
        Some(json!({
            "required": fields.iter().any(|field| field.is_required),
            "content": { content_type: { "schema": { "$ref": format!("#/components/schemas/{name}") } } },
        }))
    }

    fn finish(self) -> Value {
        let paths: Map<String, Value> =
            self.paths.into_iter().map(|(path, item)| (path, item.finish())).collect();
        json!({
            "openapi": "3.0.2",
            "info": {
                "title": "Rotunda API",
                "description": "Vault's HTTP interface, and accounts whose credentials are rotated. All paths are \
                                below `/v1/`. PUT is the same as POST, and LIST the same as GET with `list=true`. \
                                With the header `X-Vault-Wrap-TTL` an answer is put away, and `wrap_info` says where.",
                "version": VERSION,
                "license": { "name": "MIT OR Apache-2.0" },
            },
            "servers": [{ "url": "/v1" }],
            "security": [{ "token": [] }, { "bearer": [] }],
            "paths": paths,
            "components": {
                "schemas": self.schemas,
                "responses": errors::responses(),
                "securitySchemes": {
                    "token": { "type": "apiKey", "in": "header", "name": "X-Vault-Token" },
                    "bearer": { "type": "http", "scheme": "bearer" },
                },
            },
        })
    }
}

impl PathItem {
    fn finish(self) -> Value {
        let mut item = self.operations;
        if !self.parameters.is_empty() {
            item.insert("parameters".to_owned(), Value::from(self.parameters));
        }
        for (name, holds) in [
            ("x-vault-sudo", self.sudo.iter().all(|sudo| *sudo)),
            ("x-vault-unauthenticated", self.tokenless.iter().all(|tokenless| *tokenless)),
            ("x-vault-createSupported", self.creates),
        ] {
            if holds {
                item.insert(name.to_owned(), Value::Bool(true));
            }
        }
        Value::Object(item)
    }
}

/// The names of the parts of a pattern that may be anything.
fn captured(pattern: &str) -> Vec<&str> {
    pattern
        .split('/')
        .filter_map(|part| part.strip_prefix('<'))
        .map(|part| part.trim_matches(['.', '>']))
        .collect()
}

fn method(operation: Operation) -> &'static str {
    match operation {
        Operation::Read | Operation::List => "get",
        Operation::Write => "post",
        Operation::Patch => "patch",
        Operation::Delete => "delete",
    }
}

/// The parameters of a GET or DELETE; of a GET that may list, those of both.
fn queries<'a>(abouts: impl Iterator<Item = &'a About> + Clone, named: &[&str]) -> Vec<Value> {
    let mut seen: Vec<&str> = Vec::new();
    let mut all = Vec::new();
    for field in abouts.clone().flat_map(About::parameters) {
        if !named.contains(&field.name) && !seen.contains(&field.name) {
            seen.push(field.name);
            all.push(parameter(field, "query", field.is_required));
        }
    }
    let lists = abouts.clone().any(|about| about.operation == Operation::List);
    let reads = abouts.clone().any(|about| about.operation == Operation::Read);
    if lists {
        let (about, shape): (&str, Shape) = if reads {
            ("Lists what is below, if `true`.", Shape::Word(&["true", "false"]))
        } else {
            ("Must be `true`.", Shape::Word(&["true"]))
        };
        let field = Field { name: "list", shape, about, is_required: !reads };
        all.push(parameter(&field, "query", field.is_required));
    }
    all
}

fn parameter(field: &Field, place: &str, is_required: bool) -> Value {
    let mut parameter = json!({ "name": field.name, "in": place, "schema": field.shape.schema() });
    if !field.about.is_empty() {
        insert(&mut parameter, "description", Value::from(field.about));
    }
    if is_required {
        insert(&mut parameter, "required", Value::Bool(true));
    }
    parameter
}

/// A part of the path: as the line describes it, or else by what such a part mostly is.
fn path_parameter(name: &str, about: &About) -> Value {
    if let Some(field) = about.parameters().find(|field| field.name == name) {
        return parameter(field, "path", true);
    }
    let (about, shape) = match name {
        "path" | "prefix" => ("Where it is; may hold slashes.", Shape::Text),
        "id" => ("Which.", Shape::Text),
        _ => ("Its name.", Shape::Form("^[^/]+$")),
    };
    json!({ "name": name, "in": "path", "required": true, "schema": shape.schema(), "description": about })
}

const CONTEXT_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests;
