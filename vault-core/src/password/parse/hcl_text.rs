//! A policy as HCL.
//!
//! HCL is a whole language with functions, templates and nesting, of which a policy needs three forms. Its
//! parser recurses, so a text is first admitted by [`plain`]: what passes cannot nest.

use hcl::{Block, Body, Expression, Structure};

use super::{Draft, PasswordPolicyError, RuleDraft};

pub(super) fn read(text: &str) -> Result<Draft, PasswordPolicyError> {
    let text = plain(text).ok_or(PasswordPolicyError::Malformed)?;
    let body: Body = hcl::parse(&text).map_err(|_| PasswordPolicyError::Malformed)?;
    let mut draft = Draft::default();
    for structure in &body {
        match structure {
            Structure::Attribute(attribute) if attribute.key() == "length" => {
                let length = whole(attribute.expr()).ok_or(PasswordPolicyError::Length)?;
                draft.length = Some(length);
            }
            Structure::Block(block) if block.identifier() == "rule" => draft.rules.push(rule(block)?),
            Structure::Attribute(attribute) => {
                return Err(PasswordPolicyError::Unknown(attribute.key().to_owned()));
            }
            Structure::Block(block) => {
                return Err(PasswordPolicyError::Unknown(block.identifier().to_owned()));
            }
        }
    }
    Ok(draft)
}

fn rule(block: &Block) -> Result<RuleDraft, PasswordPolicyError> {
    match block.labels() {
        [label] if label.as_str() == "charset" => {}
        [label, ..] => return Err(PasswordPolicyError::UnknownRule(label.as_str().to_owned())),
        [] => return Err(PasswordPolicyError::UnknownRule(String::new())),
    }
    let mut rule = RuleDraft::default();
    for structure in block.body() {
        let Structure::Attribute(attribute) = structure else { return Err(PasswordPolicyError::Malformed) };
        match (attribute.key(), attribute.expr()) {
            ("charset", Expression::String(charset)) => rule.charset = Some(charset.clone()),
            ("charset", _) => return Err(PasswordPolicyError::Charset),
            ("min-chars" | "min_chars", count) => {
                let count = whole(count).ok_or(PasswordPolicyError::MinChars)?;
                rule.min_chars = Some(count);
            }
            (other, _) => return Err(PasswordPolicyError::Unknown(other.to_owned())),
        }
    }
    Ok(rule)
}

fn whole(expression: &Expression) -> Option<u64> {
    match expression {
        Expression::Number(number) => number.as_u64(),
        _ => None,
    }
}

/// Puts each attribute and each brace on its own line, as today's HCL asks and Vault's does not; `None` when
/// the text has anything but words, whole numbers, quoted strings without templates, `=`, comments, and
/// braces at most two deep: no operators, brackets, heredocs or whatever else a parser descends into.
fn plain(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 64);
    let mut rest = text;
    let mut depth = 0u32;
    let mut is_value = false;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' => string_length(rest)?,
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            c if c.is_ascii_digit() || c == '-' => 1 + run(rest.get(1..)?, |c| c.is_ascii_digit()),
            c if c.is_ascii_alphabetic() => run(rest, |c| c.is_ascii_alphanumeric() || c == '_' || c == '-'),
            '=' | '{' | '}' => 1,
            c if c.is_ascii_whitespace() => 1,
            _ => return None,
        };
        let (token, after) = rest.split_at_checked(length)?;
        rest = after;
        match c {
            '#' | '/' => {}
            '{' => {
                depth += 1;
                out.push_str("{\n");
            }
            '}' => {
                depth = depth.checked_sub(1)?;
                out.push_str("\n}\n");
            }
            _ => out.push_str(token),
        }
        if depth > 2 {
            return None;
        }
        if is_value && !c.is_ascii_whitespace() {
            out.push('\n');
        }
        is_value = c == '=' || (is_value && c.is_ascii_whitespace());
    }
    Some(out)
}

/// How many bytes the quoted string at the start of `text` has; `None` when it never ends or has a template.
fn string_length(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match (c, chars.peek()) {
            ('"', _) => return Some(at + 1),
            ('$' | '%', Some((_, '{'))) => return None,
            ('\\', _) => drop(chars.next()),
            _ => {}
        }
    }
    None
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}
