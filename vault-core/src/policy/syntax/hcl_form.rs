//! Policies written in HCL: `path "a/b" { capabilities = ["read"] }`.

use hcl::expr::{Expression, ObjectKey};
use hcl::structure::{Block, BlockLabel, Body, Structure};
use serde_json::{Map, Number, Value};

use super::{Stanza, layout};
use crate::policy::document::PolicyError;
use crate::policy::rule::RuleProblem;

/// Reads all blocks.
pub(super) fn read(text: &str) -> Result<Vec<Stanza>, PolicyError> {
    let body = match (hcl::parse(text), layout::relaid(text)) {
        (Ok(body), _) => body,
        // A mistake is told where it stands in the text as it was written.
        (Err(error), Some(relaid)) => hcl::parse(&relaid).map_err(|_| syntax_error(error))?,
        (Err(error), None) => return Err(syntax_error(error)),
    };
    let mut stanzas = Vec::new();
    for structure in body.into_inner() {
        match structure {
            Structure::Block(block) if block.identifier() == "path" => stanzas.push(stanza(block)?),
            Structure::Attribute(name) if name.key() == "name" => {}
            Structure::Attribute(other) if other.key() == "path" => return Err(PolicyError::PathForm),
            Structure::Attribute(other) => {
                return Err(PolicyError::TopLevelKey { key: other.key().to_owned() });
            }
            Structure::Block(other) => {
                return Err(PolicyError::TopLevelKey { key: other.identifier().to_owned() });
            }
        }
    }
    Ok(stanzas)
}

fn syntax_error(error: hcl::Error) -> PolicyError {
    match error {
        hcl::Error::Parse(error) => {
            let at = error.location();
            PolicyError::Hcl { line: at.line(), column: at.column(), problem: error.message().to_owned() }
        }
        other => PolicyError::Hcl { line: 1, column: 1, problem: other.to_string() },
    }
}

fn stanza(block: Block) -> Result<Stanza, PolicyError> {
    let [BlockLabel::String(path)] = block.labels() else { return Err(PolicyError::PathForm) };
    let path = path.clone();
    match settings(block.body) {
        Ok(settings) => Ok(Stanza { path, settings }),
        Err(problem) => Err(PolicyError::Rule { path, problem }),
    }
}

fn settings(body: Body) -> Result<Map<String, Value>, RuleProblem> {
    let mut out = Map::new();
    for structure in body.into_inner() {
        let (key, value) = match structure {
            Structure::Attribute(attribute) => {
                let key = attribute.key().to_owned();
                let value = literal(&key, attribute.expr)?;
                (key, value)
            }
            // `allowed_parameters { … }` without the equals sign, as old policies have it.
            Structure::Block(block) if block.labels().is_empty() => {
                let key = block.identifier().to_owned();
                (key, Value::Object(settings(block.body)?))
            }
            Structure::Block(block) => return Err(RuleProblem::Key(block.identifier().to_owned())),
        };
        insert(&mut out, key, value)?;
    }
    Ok(out)
}

fn insert(map: &mut Map<String, Value>, key: String, value: Value) -> Result<(), RuleProblem> {
    if map.contains_key(&key) {
        return Err(RuleProblem::Twice(key));
    }
    map.insert(key, value);
    Ok(())
}

/// A value that needs no evaluation; `key` is the setting that it belongs to.
fn literal(key: &str, expression: Expression) -> Result<Value, RuleProblem> {
    let not_literal =
        || RuleProblem::Form { key: key.to_owned(), form: "written out, without references or templates" };
    match expression {
        Expression::Null => Ok(Value::Null),
        Expression::Bool(truth) => Ok(Value::Bool(truth)),
        Expression::Number(number) => {
            serde_json::from_str::<Number>(&number.to_string()).map(Value::Number).map_err(|_| not_literal())
        }
        Expression::String(text) => Ok(Value::String(text)),
        Expression::Array(items) => {
            items.into_iter().map(|item| literal(key, item)).collect::<Result<_, _>>().map(Value::Array)
        }
        Expression::Object(entries) => {
            let mut out = Map::new();
            for (name, value) in entries {
                let name = match name {
                    ObjectKey::Identifier(name) => name.to_string(),
                    ObjectKey::Expression(Expression::String(name)) => name,
                    _ => return Err(not_literal()),
                };
                insert(&mut out, name, literal(key, value)?)?;
            }
            Ok(Value::Object(out))
        }
        _ => Err(not_literal()),
    }
}
