//! What a webhook may be set to, and what to mend where it may not.

use std::time::Duration;

use vault_core::webhook::event::EventKind;
use vault_core::webhook::format::Format;
use vault_core::webhook::mail::RECEIVERS_MAX;
use vault_core::webhook::rate::RATE_MAX;
use vault_core::webhook::{Webhook, sign};

use super::{WebhookError, address, mail, send};

/// Whether the settings of a webhook fit each other.
///
/// # Errors
/// [`WebhookError::Invalid`] with what to mend.
pub(super) fn check(webhook: &Webhook) -> Result<(), WebhookError> {
    use vault_core::webhook::{ATTEMPTS_MAX, PATTERNS_MAX, RETRY_CAP_MAX, TIMEOUT_MAX};
    let wrong = |sentence: &str| Err(WebhookError::Invalid(sentence.to_owned()));
    check_address(webhook)?;
    if !sign::is_secret(&webhook.secret) {
        return wrong(SECRET_FORM);
    }
    if webhook.tls_ca.as_deref().is_some_and(|pem| send::authorities(pem).is_none()) {
        return wrong("tls_ca holds no certificate in PEM form");
    }
    if webhook.accounts.len() > PATTERNS_MAX || webhook.accounts.iter().any(|pattern| pattern.len() > 255) {
        return wrong("accounts are at most 64 patterns of at most 255 bytes");
    }
    if webhook.timeout < Duration::from_millis(100) || webhook.timeout > TIMEOUT_MAX {
        return wrong("timeout must be between 100ms and 60s");
    }
    if webhook.max_attempts == 0 || webhook.max_attempts > ATTEMPTS_MAX {
        return wrong("max_attempts must be between 1 and 100");
    }
    let (base, cap) = (webhook.retry_base, webhook.retry_cap);
    if base < Duration::from_millis(100) || base > cap || cap > RETRY_CAP_MAX {
        return wrong("retry_base must be at least 100ms and not above retry_cap, which is at most 24h");
    }
    if webhook.rate_limit > RATE_MAX {
        return wrong("rate_limit is messages a minute, at most 6000; 0 for no limit");
    }
    check_format(webhook).and_then(|()| check_escalation(webhook))
}

fn check_address(webhook: &Webhook) -> Result<(), WebhookError> {
    let wrong = |sentence: &str| Err(WebhookError::Invalid(sentence.to_owned()));
    let Some(mail) = &webhook.mail else {
        if webhook.format == Format::Mail {
            return wrong("format=mail needs mail_from and mail_to");
        }
        address::checked(&webhook.url, webhook.allow_http)?;
        return Ok(());
    };
    if webhook.format != Format::Mail {
        return wrong("mail_from, mail_to, username and password are for format=mail only; set them empty");
    }
    let server = address::checked_mail(&webhook.url)?;
    if let Err(sentence) = mail::check(mail) {
        return wrong(sentence);
    }
    if mail.to.len() > RECEIVERS_MAX {
        return wrong("mail_to is at most 20 addresses");
    }
    let username = mail.username.as_deref();
    let is_odd = |text: &str| text.len() > 255 || text.chars().any(char::is_control);
    let password = mail.password.as_ref().map(|password| password.password.expose());
    if username.is_some() != password.is_some() {
        return wrong("username and password go together");
    }
    if username.is_some_and(is_odd) || password.is_some_and(is_odd) {
        return wrong("username and password are at most 255 bytes, without control characters");
    }
    if password.is_some() && webhook.allow_http && !server.tls_at_once {
        return wrong(
            "a password is never sent in plain text: leave allow_http out, or username and password",
        );
    }
    Ok(())
}

fn check_format(webhook: &Webhook) -> Result<(), WebhookError> {
    let wrong = |sentence: &str| Err(WebhookError::Invalid(sentence.to_owned()));
    match (&webhook.routing_key, webhook.format) {
        (None, Format::Pagerduty) => {
            return wrong("format=pagerduty needs the routing_key of its integration");
        }
        (Some(routing), Format::Pagerduty) => {
            let key = routing.key.expose();
            if key.is_empty() || key.len() > 128 || !key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return wrong("routing_key is letters and digits, at most 128");
            }
        }
        (Some(_), _) => return wrong("routing_key is for format=pagerduty only; set it empty"),
        (None, _) => {}
    }
    if webhook.events.iter().any(|kind| !webhook.format.takes(*kind)) {
        return wrong(
            "a pager takes incident events only: incident.opened, incident.acknowledged, incident.escalated, incident.closed",
        );
    }
    Ok(())
}

fn check_escalation(webhook: &Webhook) -> Result<(), WebhookError> {
    use vault_core::webhook::{ESCALATE_MAX, ESCALATE_MIN};
    let wrong = |sentence: &str| Err(WebhookError::Invalid(sentence.to_owned()));
    let is_fit =
        |span: Option<Duration>| span.is_none_or(|span| span >= ESCALATE_MIN && span <= ESCALATE_MAX);
    if !is_fit(webhook.escalate_after) || !is_fit(webhook.escalate_repeat) {
        return wrong("escalate_after and escalate_repeat must be between 1m and 30d");
    }
    if webhook.escalate_after.is_none()
        && (webhook.escalate_repeat.is_some() || webhook.events.contains(&EventKind::Escalated))
    {
        return wrong("escalate_repeat and incident.escalated need escalate_after, such as 15m");
    }
    Ok(())
}

/// What a signing secret looks like.
pub(super) const SECRET_FORM: &str =
    "secret must be whsec_ and the base64 of 24 to 64 bytes; or leave it out and the vault makes one";
