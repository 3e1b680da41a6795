//! Answers of AWS's IAM and STS: what is read is what was written, whatever it holds.

use rotators::aws::reply;

/// Reads the bytes as what a service sends, and then as what stands in it.
pub fn run(data: &[u8]) {
    if let Some(refused) = reply::refused(data) {
        assert!(!refused.code.is_empty() && refused.code.is_ascii() && !refused.code.contains(' '));
    }
    assert_eq!(reply::identity(data), reply::identity(data), "read twice alike");
    assert_eq!(reply::user(data), reply::user(data));
    assert_eq!(reply::page(data), reply::page(data));
    assert_eq!(reply::last_used(data), reply::last_used(data));
    if let Some((id, secret)) = reply::new_key(data) {
        assert!(!id.is_empty() && !secret.expose().is_empty(), "a key is whole");
    }
    assert!(reply::done(b"<R/>").is_none());
    held(&String::from_utf8_lossy(data));
}

/// A text in its place in an answer.
fn held(text: &str) {
    let is_text =
        |sign: &char| !sign.is_control() && !sign.is_whitespace() && !matches!(sign, '\u{fffe}' | '\u{ffff}');
    let text: String = text.chars().filter(is_text).take(SIGNS_MAX).collect();
    if text.is_empty() {
        return;
    }
    let written = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let key = format!(
        "<R><CreateAccessKeyResult><AccessKey><AccessKeyId>K</AccessKeyId><SecretAccessKey>{written}</SecretAccessKey>\
         </AccessKey></CreateAccessKeyResult></R>"
    );
    let read = reply::new_key(key.as_bytes());
    let is_it = read.is_some_and(|(id, secret)| id == "K" && secret.expose() == text);
    assert!(is_it, "another secret than was written");
    let page = format!(
        "<R><ListUserPoliciesResult><PolicyNames><member>{written}</member><member>x</member></PolicyNames>\
         </ListUserPoliciesResult></R>"
    );
    let names = reply::page(page.as_bytes()).map(|page| page.policy_names.members);
    assert_eq!(names, Some(vec![text, "x".to_owned()]));
}

const SIGNS_MAX: usize = 200;
