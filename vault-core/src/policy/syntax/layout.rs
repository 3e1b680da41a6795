//! The line breaks that today's HCL asks for and Vault's does not.
//!
//! Vault reads HCL 1, where `path "a" {` and `capabilities = ["read"] }` may stand on two lines, and two
//! blocks on one. HCL 2 wants each brace of a block and each setting on a line of its own. Only white space
//! (and the commas that HCL 1 allows between settings) is changed, outside strings and comments.

/// `text` with those line breaks; `None` when it holds a heredoc, whose lines must stay as they are, or
/// something that never ends.
pub(super) fn relaid(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len() + text.len() / 8 + 16);
    let mut rest = text;
    // What is open: a block, whose layout is mended, or a value, which may break its lines as it likes.
    let mut open: Vec<Bracket> = Vec::new();
    let mut value = Value::None;
    while let Some(c) = rest.chars().next() {
        let in_value = matches!(open.last(), Some(Bracket::Value));
        let length = match c {
            '"' => string_length(rest)?,
            '#' => line_length(rest),
            '/' if rest.starts_with("//") => line_length(rest),
            '/' if rest.starts_with("/*") => rest.find("*/")? + 2,
            '<' if rest.starts_with("<<") => return None,
            c if word(c) => rest.find(|c| !word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at_checked(length)?;
        rest = after;
        if !in_value && value == Value::Complete && !c.is_whitespace() && !matches!(c, '}' | '#' | '/') {
            out.push('\n');
            value = Value::None;
            if c == ',' {
                continue;
            }
        }
        match c {
            '{' if !in_value && value == Value::None => {
                open.push(Bracket::Block);
                out.push_str("{\n");
                continue;
            }
            '}' if matches!(open.last(), Some(Bracket::Block)) => {
                open.pop();
                value = Value::None;
                out.push_str("\n}\n");
                continue;
            }
            '{' | '[' | '(' => open.push(Bracket::Value),
            '}' | ']' | ')' => drop(open.pop()),
            _ => {}
        }
        out.push_str(token);
        let ends_value = !c.is_whitespace() && !matches!(open.last(), Some(Bracket::Value));
        value = match value {
            _ if in_value && !ends_value => value,
            Value::None if c == '=' => Value::Awaited,
            Value::Awaited if ends_value => Value::Complete,
            Value::Complete if c == '\n' => Value::None,
            value => value,
        };
    }
    Some(out)
}

#[derive(Clone, Copy)]
enum Bracket {
    Block,
    Value,
}

/// Where a setting stands.
#[derive(Clone, Copy, PartialEq)]
enum Value {
    None,
    Awaited,
    Complete,
}

fn word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

fn line_length(text: &str) -> usize {
    text.find('\n').unwrap_or(text.len())
}

fn string_length(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some(at + 1),
            '\\' => drop(chars.next()),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::relaid;
    use crate::policy::Policy;

    /// Each reads as the same two rules, in whatever layout.
    #[test]
    fn layouts_that_vault_reads_are_read() {
        let want = Policy::parse(
            "p",
            "path \"a/{x}\" {\n  capabilities = [\"read\", \"list\"]\n  min_wrapping_ttl = \"1s\"\n}\npath \"b\" {\n  policy = \"write\"\n}\n",
        )
        .unwrap();
        for text in [
            "path \"a/{x}\" {\ncapabilities = [\"read\", \"list\"]\nmin_wrapping_ttl = \"1s\" }\npath \"b\" {\n policy = \"write\" }",
            "path \"a/{x}\" { capabilities = [\"read\", \"list\"] min_wrapping_ttl = \"1s\" } path \"b\" { policy = \"write\" }",
            "path \"a/{x}\" { capabilities = [\"read\", \"list\"], min_wrapping_ttl = \"1s\" } path \"b\" { policy = \"write\" }",
            "path \"a/{x}\" { # one } {\ncapabilities = [\n\"read\",\n\"list\"\n] /* two } */ min_wrapping_ttl = \"1s\"\n}\npath \"b\" { policy = \"write\" // three\n}",
            "path \"a/{x}\" { capabilities = [\"read\", \"list\"]\nmin_wrapping_ttl = \"1s\"}path \"b\"{policy=\"write\"}",
        ] {
            let policy = Policy::parse("p", text)
                .unwrap_or_else(|error| panic!("{error}\n{text}\n{:?}", relaid(text)));
            assert_eq!(policy.rule_count(), want.rule_count(), "{text}");
            for (path, operation) in [("a/{x}", "read"), ("a/{x}", "update"), ("b", "update"), ("b", "read")]
            {
                let operation = match operation {
                    "read" => crate::policy::Operation::Read,
                    _ => crate::policy::Operation::Update,
                };
                let decide = |policy: &Policy| {
                    crate::policy::Acl::new([policy]).decide(path, operation, None).is_allowed()
                };
                assert_eq!(decide(&policy), decide(&want), "{text}: {operation} {path}");
            }
        }
    }

    #[test]
    fn parameters_in_objects_and_blocks_survive_the_layout() {
        let text = "path \"a\" { capabilities = [\"update\"] allowed_parameters = { \"x\" = [\"1\", \"2\"], \"*\" = [] } required_parameters = [\"x\"] }";
        let policy = Policy::parse("p", text).unwrap();
        assert_eq!(policy.rule_count(), 1);
        assert_eq!(policy.text(), text);
    }
}
