//! `sys/webhooks/…`: who is told of what happens to credentials, and what became of each message.

use std::collections::BTreeSet;
use std::time::Duration;

use vault_api::Sensitive;
use vault_api::webhook::{DeliveryInfo, DeliveryList, SecretRotated, WebhookInfo, WebhookWritten};
use vault_core::id::EventId;
use vault_core::incident::severity::Severity;
use vault_core::secret::SecretString;
use vault_core::webhook::event::EventKind;
use vault_core::webhook::format::Format;
use vault_core::webhook::mail::{Mail, Password};
use vault_core::webhook::sign::message_id;
use vault_core::webhook::{DeliveryState, FailureClass, OVERLAP_DEFAULT, OVERLAP_MAX, RoutingKey, Webhook};

use crate::app::App;
use crate::http::answer::Answer;
use crate::http::context::{Context, Request};
use crate::http::error::ApiError;
use crate::http::fields::Fields;
use crate::service::webhook::{SHOWN_MAX, Shown, WebhookError};

pub(in crate::http::routes) fn exists(app: &App, request: &Request) -> Result<bool, ApiError> {
    Ok(app.webhooks.find(&request.name("name")?)?.is_some())
}

pub(in crate::http::routes) async fn list(context: Context) -> Result<Answer, ApiError> {
    Answer::keys(context.app.webhooks.names()?)
}

pub(in crate::http::routes) async fn read(context: Context) -> Result<Answer, ApiError> {
    let found = context.app.webhooks.find(&context.request.name("name")?)?;
    let webhook = found.ok_or(ApiError::NotFound)?.value;
    let counts = context.app.webhooks.counts(webhook.id).await?;
    let former = webhook.former.filter(|former| context.now() < former.until);
    let seconds = |span: Duration| span.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX);
    Answer::of(&WebhookInfo {
        id: webhook.id.to_string(),
        url: webhook.url,
        events: webhook.events.iter().map(|kind| kind.word().to_owned()).collect(),
        accounts: webhook.accounts,
        disabled: webhook.disabled,
        allow_http: webhook.allow_http,
        tls_ca: webhook.tls_ca,
        timeout: seconds(webhook.timeout),
        max_attempts: webhook.max_attempts,
        retry_base: seconds(webhook.retry_base),
        retry_cap: seconds(webhook.retry_cap),
        format: webhook.format.word().to_owned(),
        min_severity: webhook.min_severity.map(|severity| severity.as_str().to_owned()),
        escalate_after: webhook.escalate_after.map(seconds),
        escalate_repeat: webhook.escalate_repeat.map(seconds),
        rate_limit: webhook.rate_limit,
        mail_from: webhook.mail.as_ref().map(|mail| mail.from.clone()),
        mail_to: webhook.mail.as_ref().map(|mail| mail.to.clone()).unwrap_or_default(),
        username: webhook.mail.and_then(|mail| mail.username),
        former_secret_until: former.map(|former| former.until.to_rfc3339()),
        created: webhook.created_at.to_rfc3339(),
        pending: counts.pending,
        delivered: counts.delivered,
        dead: counts.dead,
        summed: counts.summed,
    })
}

pub(in crate::http::routes) async fn write(context: Context) -> Result<Answer, ApiError> {
    let name = context.request.name("name")?;
    let wishes = Wishes::of(context.fields())?;
    let written = context.app.webhooks.write(&name, |webhook| wishes.apply(webhook)).await?;
    let secret = written.secret.map(|secret| shown_once(&secret));
    Answer::of(&WebhookWritten { id: written.id.to_string(), secret })
}

pub(in crate::http::routes) async fn delete(context: Context) -> Result<Answer, ApiError> {
    context.app.webhooks.remove(&context.request.name("name")?).await?;
    Ok(Answer::nothing())
}

pub(in crate::http::routes) async fn rotate_secret(context: Context) -> Result<Answer, ApiError> {
    let name = context.request.name("name")?;
    let fields = context.fields();
    let given = fields.secret("secret")?.filter(|given| !given.expose().is_empty());
    // "0s" is an answer here: the old one signs no more.
    let overlap = match fields.text("overlap")?.filter(|text| !text.is_empty()) {
        None => OVERLAP_DEFAULT,
        Some(_) => fields.duration("overlap")?.unwrap_or_default(),
    };
    if overlap > OVERLAP_MAX {
        return Err(ApiError::invalid("overlap must be at most 30d"));
    }
    let (secret, until) = context.app.webhooks.rotate_secret(&name, given.as_ref(), overlap).await?;
    let secret = secret.as_ref().map(shown_once);
    Answer::of(&SecretRotated { secret, former_secret_until: until.to_rfc3339() })
}

pub(in crate::http::routes) async fn test(context: Context) -> Result<Answer, ApiError> {
    let shown = context.app.webhooks.test(&context.request.name("name")?).await?;
    let answer = Answer::of(&info(&shown, Body::Shown))?;
    Ok(match shown.delivery.state {
        DeliveryState::Delivered => answer,
        _ => answer.warn("the receiver has not taken the message"),
    })
}

pub(in crate::http::routes) async fn deliveries(context: Context) -> Result<Answer, ApiError> {
    let name = context.request.name("name")?;
    let fields = context.fields();
    let state = match fields.text("state")?.as_deref() {
        None | Some("") => None,
        Some(word) => Some(
            DeliveryState::parse(word)
                .ok_or_else(|| ApiError::invalid("state is pending, delivered, dead or summed"))?,
        ),
    };
    let limit =
        fields.count("limit")?.map_or(SHOWN_DEFAULT, |limit| usize::try_from(limit).unwrap_or(SHOWN_MAX));
    let found = context.app.webhooks.deliveries(&name, state, limit.min(SHOWN_MAX)).await?;
    Answer::of(&DeliveryList { deliveries: found.iter().map(|shown| info(shown, Body::Left)).collect() })
}

pub(in crate::http::routes) async fn delivery(context: Context) -> Result<Answer, ApiError> {
    let found = context.app.webhooks.delivery(&context.request.name("name")?, event(&context)?)?;
    Answer::of(&info(&found, Body::Shown))
}

pub(in crate::http::routes) async fn retry(context: Context) -> Result<Answer, ApiError> {
    let found = context.app.webhooks.retry(&context.request.name("name")?, event(&context)?).await?;
    Answer::of(&info(&found, Body::Left))
}

fn event(context: &Context) -> Result<EventId, ApiError> {
    EventId::parse(context.request.part("id")?).ok_or(ApiError::NotFound)
}

fn shown_once(secret: &SecretString) -> Sensitive<String> {
    secret.expose().to_owned().into()
}

/// What a request wants changed.
struct Wishes {
    url: Option<String>,
    events: Option<BTreeSet<EventKind>>,
    accounts: Option<Vec<String>>,
    disabled: Option<bool>,
    allow_http: Option<bool>,
    tls_ca: Option<String>,
    timeout: Option<Duration>,
    max_attempts: Option<u64>,
    retry_base: Option<Duration>,
    retry_cap: Option<Duration>,
    secret: Option<SecretString>,
    format: Option<Format>,
    routing_key: Option<SecretString>,
    /// What was said, and was it empty: nothing more.
    min_severity: Option<Option<Severity>>,
    escalate_after: Option<Option<Duration>>,
    escalate_repeat: Option<Option<Duration>>,
    rate_limit: Option<u64>,
    mail_from: Option<String>,
    mail_to: Option<Vec<String>>,
    username: Option<String>,
    password: Option<SecretString>,
}

impl Wishes {
    fn of(fields: &Fields) -> Result<Self, ApiError> {
        let kind = |word: &String| {
            EventKind::parse(word).ok_or_else(|| {
                let all: Vec<&str> = EventKind::ALL.into_iter().map(EventKind::word).collect();
                ApiError::invalid(format!("events are of {}", all.join(", ")))
            })
        };
        let events = fields.comma_list("events")?;
        Ok(Self {
            url: fields.text("url")?,
            events: events.map(|words| words.iter().map(kind).collect()).transpose()?,
            accounts: fields.comma_list("accounts")?,
            disabled: fields.flag("disabled")?,
            allow_http: fields.flag("allow_http")?,
            tls_ca: fields.bounded_text("tls_ca", CA_BYTES_MAX)?,
            timeout: fields.duration("timeout")?,
            max_attempts: fields.count("max_attempts")?,
            retry_base: fields.duration("retry_base")?,
            retry_cap: fields.duration("retry_cap")?,
            secret: fields.secret("secret")?.filter(|secret| !secret.expose().is_empty()),
            format: word(fields, "format", "format is standard, slack, pagerduty or mail", Format::parse)?
                .flatten(),
            routing_key: fields.secret("routing_key")?,
            min_severity: word(
                fields,
                "min_severity",
                "min_severity is warning, error or critical; empty for all",
                Severity::parse,
            )?,
            escalate_after: span(fields, "escalate_after")?,
            escalate_repeat: span(fields, "escalate_repeat")?,
            rate_limit: fields.count("rate_limit")?,
            mail_from: fields.text("mail_from")?,
            mail_to: fields.comma_list("mail_to")?,
            username: fields.text("username")?,
            password: fields.secret("password")?,
        })
    }

    fn apply(&self, webhook: &mut Webhook) -> Result<(), ApiError> {
        let is_new = webhook.url.is_empty();
        self.keeps_secrets(webhook, is_new)?;
        webhook.format = self.format.unwrap_or(webhook.format);
        webhook.url = self.url.clone().unwrap_or_else(|| std::mem::take(&mut webhook.url));
        if webhook.url.is_empty() && webhook.format == Format::Pagerduty {
            PAGERDUTY.clone_into(&mut webhook.url);
        }
        if webhook.url.is_empty() {
            return Err(ApiError::invalid("missing 'url'"));
        }
        match &self.secret {
            Some(_) if !is_new => {
                return Err(ApiError::invalid(
                    "the secret is changed by rotate-secret, so that both sign for a while",
                ));
            }
            Some(secret) => webhook.secret = secret.duplicate(),
            None => {}
        }
        webhook.events = self.events.clone().unwrap_or_else(|| std::mem::take(&mut webhook.events));
        webhook.accounts = self.accounts.clone().unwrap_or_else(|| std::mem::take(&mut webhook.accounts));
        webhook.disabled = self.disabled.unwrap_or(webhook.disabled);
        webhook.allow_http = self.allow_http.unwrap_or(webhook.allow_http);
        if let Some(pem) = &self.tls_ca {
            webhook.tls_ca = Some(pem.clone()).filter(|pem| !pem.is_empty());
        }
        webhook.timeout = self.timeout.unwrap_or(webhook.timeout);
        webhook.retry_base = self.retry_base.unwrap_or(webhook.retry_base);
        webhook.retry_cap = self.retry_cap.unwrap_or(webhook.retry_cap.max(webhook.retry_base));
        if let Some(key) = &self.routing_key {
            let key = Some(key.duplicate()).filter(|key| !key.expose().is_empty());
            webhook.routing_key = key.map(|key| RoutingKey { key });
        }
        self.apply_mail(webhook);
        webhook.min_severity = self.min_severity.unwrap_or(webhook.min_severity);
        webhook.escalate_after = self.escalate_after.unwrap_or(webhook.escalate_after);
        webhook.escalate_repeat = self.escalate_repeat.unwrap_or(webhook.escalate_repeat);
        if let Some(limit) = self.rate_limit {
            webhook.rate_limit = u32::try_from(limit).unwrap_or(u32::MAX);
        }
        if let Some(attempts) = self.max_attempts {
            webhook.max_attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
        }
        Ok(())
    }

    /// What is stored is not shown to an address, or by a trust, that somebody without it names.
    fn keeps_secrets(&self, webhook: &Webhook, is_new: bool) -> Result<(), ApiError> {
        let moves = self.url.as_ref().is_some_and(|url| *url != webhook.url)
            || self.tls_ca.as_ref().is_some_and(|pem| *pem != webhook.tls_ca.clone().unwrap_or_default());
        if is_new || !moves {
            return Ok(());
        }
        let has_password = webhook.mail.as_ref().is_some_and(|mail| mail.password.is_some());
        let missing = match (has_password && self.password.is_none(), &webhook.routing_key, &self.routing_key)
        {
            (true, ..) => "password",
            (_, Some(_), None) => "routing_key",
            _ => return Ok(()),
        };
        Err(ApiError::invalid(format!(
            "give {missing} again when url or tls_ca changes: the stored one is not sent to an address that \
             somebody without it names"
        )))
    }

    /// Changes what is said of mail; where nothing of it is left, there is none.
    fn apply_mail(&self, webhook: &mut Webhook) {
        let none = || Mail { from: String::new(), to: Vec::new(), username: None, password: None };
        let mut mail = webhook.mail.take().unwrap_or_else(none);
        mail.from = self.mail_from.clone().unwrap_or(mail.from);
        mail.to = self.mail_to.clone().unwrap_or(mail.to);
        if let Some(username) = &self.username {
            mail.username = Some(username.clone()).filter(|username| !username.is_empty());
        }
        if let Some(password) = &self.password {
            let password = Some(password.duplicate()).filter(|password| !password.expose().is_empty());
            mail.password = password.map(|password| Password { password });
        }
        let is_empty = mail.from.is_empty() && mail.to.is_empty() && mail.username.is_none();
        webhook.mail = Some(mail).filter(|mail| !is_empty || mail.password.is_some());
    }
}

/// A word that `parse` knows; `Some(None)` where it is empty.
fn word<T>(
    fields: &Fields,
    name: &str,
    wrong: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<Option<T>>, ApiError> {
    match fields.text(name)?.as_deref() {
        None => Ok(None),
        Some("") => Ok(Some(None)),
        Some(text) => parse(text).map(|found| Some(Some(found))).ok_or_else(|| ApiError::invalid(wrong)),
    }
}

/// A time; `Some(None)` where it is empty or 0.
fn span(fields: &Fields, name: &str) -> Result<Option<Option<Duration>>, ApiError> {
    if fields.text(name)?.is_some_and(|text| text.is_empty()) {
        return Ok(Some(None));
    }
    Ok(fields.duration(name)?.map(|span| Some(span).filter(|span| !span.is_zero())))
}

/// Whether what is sent is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    Shown,
    Left,
}

fn info(shown: &Shown, body: Body) -> DeliveryInfo {
    let delivery = &shown.delivery;
    let last = delivery.last.as_ref();
    DeliveryInfo {
        id: delivery.event.to_string(),
        message_id: message_id(delivery.event),
        kind: delivery.kind.word().to_owned(),
        at: delivery.at.to_rfc3339(),
        state: delivery.state.word().to_owned(),
        attempts: delivery.attempts,
        last_attempt: last.map(|last| last.at.to_rfc3339()),
        last_millis: last.map(|last| last.millis),
        last_status: last.and_then(|last| last.status),
        last_error: last.and_then(|last| last.failure).map(|class: FailureClass| class.word().to_owned()),
        next_attempt: shown.next.map(|next| next.to_rfc3339()),
        ended: delivery.ended_at.map(|ended| ended.to_rfc3339()),
        summary: delivery.summary.map(|summary| summary.to_string()),
        body: (body == Body::Shown).then(|| delivery.body.clone()),
    }
}

impl From<WebhookError> for ApiError {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::NotFound => Self::NotFound,
            WebhookError::TooMany => Self::conflict(error.to_string()),
            WebhookError::Load(error) => error.into(),
            WebhookError::Commit(error) => error.into(),
            error => Self::invalid(error.to_string()),
        }
    }
}

/// Where PagerDuty takes events (<https://developer.pagerduty.com/docs/events-api-v2/overview/>).
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";
/// Deliveries that are shown when nothing is said.
const SHOWN_DEFAULT: usize = 100;
/// Longest list of authorities.
const CA_BYTES_MAX: usize = 64 * 1024;
