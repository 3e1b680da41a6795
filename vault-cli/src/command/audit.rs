//! `rotunda audit search`, `rotunda audit status`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use vault_api::audit::{AuditDevice, AuditHealth, AuditSearchResponse};

use super::Session;
use crate::{
    args::audit::AuditSearchArgs,
    client::Request,
    console::{Console, Tone},
    failure::{Exit, Failure},
    input::{self, Ending},
    output,
};

pub(super) async fn search(args: AuditSearchArgs, session: &mut Session) -> Result<Exit, Failure> {
    let mut body = match &args.value {
        // Typed as it is, it would stand in the shell's history.
        Some(source) if source != "-" && !source.starts_with('@') => {
            return Err(Failure::usage("give the value as @FILE, or as - on standard input"));
        }
        Some(source) => {
            input::settings(&[format!("value={source}")], Ending::WithoutNewline, &mut session.console)?
        }
        None => Map::new(),
    };
    let given = [
        ("path", args.path),
        ("principal", args.principal),
        ("operation", args.operation),
        ("outcome", args.outcome),
        ("type", args.kind),
        ("from", args.from),
        ("to", args.to),
        ("limit", args.limit),
        ("cursor", args.cursor),
    ];
    body.extend(given.into_iter().filter_map(|(key, text)| Some((key.to_owned(), Value::from(text?)))));
    let request = Request::post("sys/audit-search").sending(&body)?;
    let answer = session.ask("searching", request).await?;
    let found: AuditSearchResponse = answer.read_data()?;
    session.show(&answer, |_, _| Ok(table(&found)))?;
    Ok(Exit::Done)
}

pub(super) async fn status(session: &mut Session) -> Result<Exit, Failure> {
    let answer = session.ask("looking at the audit devices", Request::get("sys/audit")).await?;
    let devices: BTreeMap<String, AuditDevice> = answer.read_data()?;
    session.show(&answer, |_, console| Ok(devices_table(&devices, console)))?;
    let is_well = |health: &AuditHealth| health.takes_lines && health.findings.unwrap_or(0) == 0;
    Ok(if devices.values().all(|device| is_well(&device.health)) { Exit::Done } else { Exit::Refused })
}

fn devices_table(devices: &BTreeMap<String, AuditDevice>, console: &Console) -> String {
    let rows: Vec<Vec<String>> = devices
        .values()
        .map(|device| {
            let health = &device.health;
            let takes = match (health.takes_lines, health.behind) {
                (false, _) => console.emphasised(Tone::Bad, "no"),
                (true, true) => console.emphasised(Tone::Warn, "behind"),
                (true, false) => console.emphasised(Tone::Good, "yes"),
            };
            vec![
                device.path.trim_end_matches('/').to_owned(),
                device.kind.clone(),
                takes,
                health.failures.to_string(),
                output::optional(health.newest_at.as_deref()),
                as_written(health, console),
            ]
        })
        .collect();
    output::columns(&["DEVICE", "TYPE", "TAKES LINES", "NOT TAKEN", "NEWEST", "AS IT WAS WRITTEN"], &rows)
}

/// What the last check of the chained file has shown; the others are copies.
fn as_written(health: &AuditHealth, console: &Console) -> String {
    match (&health.checked_at, health.findings, health.checked_line) {
        (Some(at), Some(0), Some(line)) => {
            format!("{}, to line {line}, at {at}", console.emphasised(Tone::Good, "yes"))
        }
        (Some(at), Some(findings), _) => {
            format!("{}: {findings} findings at {at}", console.emphasised(Tone::Bad, "no"))
        }
        _ if health.newest_line.is_some() => "not looked at yet".to_owned(),
        _ => "a copy".to_owned(),
    }
}

fn table(found: &AuditSearchResponse) -> String {
    let rows: Vec<Vec<String>> = found.lines.iter().map(|line| row(line)).collect();
    let mut text = output::columns(&["LINE", "TIME", "WHO", "WHAT", "WHERE", "STATUS", "ERROR"], &rows);
    text.push_str(&format!("\n{} lines were looked at", found.looked_at));
    match &found.next {
        Some(cursor) => text.push_str(&format!("; older ones: --cursor {cursor}\n")),
        None => text.push_str(", all that the file has\n"),
    }
    text
}

fn row(line: &str) -> Vec<String> {
    let line: Value = serde_json::from_str(line).unwrap_or_default();
    let at = |pointers: &[&str]| {
        let found = pointers.iter().find_map(|pointer| line.pointer(pointer).and_then(Value::as_str));
        output::optional(found)
    };
    let number = |pointer: &str| output::optional(line.pointer(pointer).map(Value::to_string).as_deref());
    vec![
        number("/seq"),
        at(&["/time"]),
        at(&["/auth/display_name"]),
        at(&["/request/operation", "/system/event", "/type"]),
        at(&["/request/path", "/system/path"]),
        number("/response/status"),
        at(&["/error"]),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_is_a_row_and_the_end_says_how_to_go_on() {
        let line = json!({
            "seq": 7, "time": "noon", "type": "response", "auth": { "display_name": "ada" },
            "request": { "operation": "update", "path": "accounts/rotate/app" },
            "response": { "status": 502 }, "error": "unreachable"
        });
        let found = AuditSearchResponse {
            lines: vec![line.to_string(), "no line".to_owned()],
            next: Some("12-3".to_owned()),
            looked_at: 9,
            ..AuditSearchResponse::default()
        };
        let text = table(&found);
        for word in ["7", "ada", "update", "accounts/rotate/app", "502", "unreachable", "--cursor 12-3"] {
            assert!(text.contains(word), "{word}: {text}");
        }
    }
}
