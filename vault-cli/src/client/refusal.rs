//! From a refusing answer to a sentence, a hint and an exit code.

use serde_json::Value;

use super::Answer;
use crate::failure::{Exit, Failure};

/// Reads why the server refused.
pub(crate) fn failure(answer: &Answer, path: &str, had_token: bool) -> Failure {
    let sentences: Vec<String> = answer.errors().map(plain).collect();
    let said = sentences.join("; ");
    let facts = answer.data();
    let fact = |key: &str| facts.and_then(|facts| facts.get(key)).and_then(Value::as_str);
    let failure = match answer.status() {
        503 if said.to_ascii_lowercase().contains("sealed") => {
            Failure::new(Exit::Sealed, or(&said, "the vault is sealed"))
                .with_hint("unseal it: rotunda operator unseal")
        }
        501 => Failure::new(Exit::Sealed, or(&said, "the vault is not initialised"))
            .with_hint("initialise it: rotunda operator init"),
        409 if fact("holder").is_some() => held(&said, facts),
        400 if said.starts_with("No service accounts available") => Failure::new(Exit::Held, said.as_str())
            .with_hint("each account of the pool is taken or not healthy; --wait 5m waits for one"),
        404 if said.is_empty() => {
            let failure = Failure::new(Exit::Refused, format!("nothing at {path}"));
            // Such as that a path belongs to a mount with versions.
            match answer.warnings().next() {
                Some(warning) => failure.with_hint(warning),
                None => failure,
            }
        }
        403 => Failure::new(Exit::Refused, or(&said, "permission denied")).with_hint(if had_token {
            "the token is unknown or expired, or no policy of it allows this: see rotunda token lookup"
        } else {
            "there is no token: rotunda login, or set VAULT_TOKEN"
        }),
        429 => Failure::new(Exit::Refused, or(&said, "too many requests")).with_hint("try again in a moment"),
        // Facts come from the vault itself; a 502 without them is a proxy's.
        502 if fact("class").is_some() => target_failure(&said, &fact),
        status => {
            Failure::new(Exit::Refused, or(&said, &format!("the server answered {status} without a reason")))
        }
    };
    failure.with_body(answer.body().cloned())
}

fn held(said: &str, facts: Option<&Value>) -> Failure {
    let fact = |key: &str| facts.and_then(|facts| facts.get(key)).filter(|fact| !fact.is_null());
    let text = |key: &str| fact(key).and_then(Value::as_str).unwrap_or("?");
    let sentence = format!("checked out by {} until {}", text("holder"), text("expires_at"));
    let failure = Failure::new(Exit::Held, or(said, &sentence));
    let hint = match (fact("lease_id").and_then(Value::as_str), fact("place")) {
        (Some(lease), _) => format!("you have it yourself: rotunda lease renew {lease}, or rotunda check-in"),
        (None, Some(place)) => format!("your place in line: {place}; --wait 5m waits for it"),
        // No place in line: the request was no check-out, and its sentence says what to do.
        (None, None) => return failure,
    };
    failure.with_hint(hint)
}

fn target_failure<'a>(said: &str, fact: &impl Fn(&str) -> Option<&'a str>) -> Failure {
    let class = fact("class").unwrap_or("unknown");
    let detail = fact("detail").filter(|detail| !said.contains(detail)).map(|detail| format!(": {detail}"));
    let said = or(said, "the target failed");
    // The vault's own sentence begins with the class.
    let tag = if said.starts_with(class) { String::new() } else { format!(" [{class}]") };
    let message = format!("{said}{tag}{}", detail.unwrap_or_default());
    let failure = Failure::new(Exit::RotationFailed, message);
    match (fact("incident"), fact("state")) {
        (Some(incident), Some(state)) => {
            failure.with_hint(format!("state: {state}; see rotunda incident show {incident}"))
        }
        (Some(incident), None) => failure.with_hint(format!("see rotunda incident show {incident}")),
        (None, Some(state)) => failure.with_hint(format!("state: {state}")),
        (None, None) => failure,
    }
}

/// Takes Vault's bullet form apart: `1 error occurred:\n\t* permission denied\n\n`.
fn plain(sentence: &str) -> String {
    let bullets: Vec<&str> =
        sentence.lines().filter_map(|line| line.trim_start().strip_prefix("* ")).collect();
    if bullets.is_empty() { sentence.trim().to_owned() } else { bullets.join("; ") }
}

fn or(said: &str, otherwise: &str) -> String {
    if said.is_empty() { otherwise.to_owned() } else { said.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_its_exit_code_its_sentence_and_what_to_do() {
        let held = r#"{"errors":["db/app is checked out by alice until noon; you are number 2 in line"],
            "data":{"holder":"alice","expires_at":"noon","place":2}}"#;
        let own = r#"{"errors":[],"data":{"holder":"me","expires_at":"noon","lease_id":"l-1"}}"#;
        let lent = r#"{"errors":["alice has it; check it in first"],"data":{"holder":"alice"}}"#;
        let broken = r#"{"errors":["rotation of db/app failed"],
            "data":{"class":"unreachable","detail":"no route","incident":"i-7","state":"backoff"}}"#;
        let classed =
            r#"{"errors":["drift: the target refuses it"],"data":{"class":"drift","incident":"i-7"}}"#;
        for (status, body, code, message, hint) in [
            (503, r#"{"errors":["Vault is sealed"]}"#, 5, "Vault is sealed", "operator unseal"),
            (501, r#"{"errors":[]}"#, 5, "the vault is not initialised", "operator init"),
            (409, held, 3, "number 2 in line", "--wait"),
            (409, own, 3, "checked out by me until noon", "rotunda lease renew l-1"),
            (409, lent, 3, "check it in first", ""),
            (409, r#"{"errors":["stale lease"]}"#, 1, "stale lease", ""),
            (
                400,
                r#"{"errors":["No service accounts available for check-out: x"]}"#,
                3,
                "check-out: x",
                "--wait",
            ),
            (404, r#"{"errors":[]}"#, 1, "nothing at p", ""),
            (404, r#"{"errors":["no handler"]}"#, 1, "no handler", ""),
            (
                403,
                r#"{"errors":["1 error occurred:\n\t* permission denied\n\n"]}"#,
                1,
                "permission denied",
                "token lookup",
            ),
            (502, broken, 4, "rotation of db/app failed [unreachable]: no route", "incident show i-7"),
            (502, classed, 4, "drift: the target refuses it", "incident show i-7"),
            (502, "<html>", 1, "the server answered 502 without a reason", ""),
            (500, r#"{"errors":["internal error"]}"#, 1, "internal error", ""),
            (429, r#"{"errors":[]}"#, 1, "too many requests", "in a moment"),
        ] {
            let failure = failure(&Answer::parse(status, body.as_bytes()).unwrap(), "p", true);
            assert_eq!(failure.exit().code(), code, "{status} {body}");
            assert!(failure.to_string().contains(message), "{status}: {failure}");
            assert!(!failure.to_string().contains("[drift]"), "{failure}");
            assert!(failure.hint().unwrap_or_default().contains(hint), "{status}: {:?}", failure.hint());
            assert_eq!(failure.hint().is_none(), hint.is_empty(), "{status}: {:?}", failure.hint());
        }
    }

    #[test]
    fn a_denial_without_a_token_says_how_to_get_one() {
        let answer = Answer::parse(403, br#"{"errors":["permission denied"]}"#).unwrap();
        assert!(failure(&answer, "p", false).hint().unwrap().contains("rotunda login"));
    }
}
