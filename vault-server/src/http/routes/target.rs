//! `targets/…`: configure, check, rotate the management credential, look.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use vault_core::account::Subject;
use vault_core::path::Name;
use vault_core::rotation::port::TargetSpec;
use vault_core::target::lockout::{
    Lockout, THRESHOLD_MAX, THRESHOLD_MIN, WINDOW_DEFAULT, WINDOW_MAX, WINDOW_MIN,
};
use vault_core::target::pace::{EVERY_DEFAULT, Heartbeats, RATE_MAX};
use vault_core::target::{OnDrift, Target};

use crate::app::App;
use crate::http::answer::Answer;
use crate::http::context::{Context, Request};
use crate::http::error::ApiError;
use crate::http::fields::Fields;
use crate::http::routes::hand_over::{answered, confirmed};
use crate::service::account::Rotated;
use crate::service::target::{Configure, Disposal};

pub(super) fn exists(app: &App, request: &Request) -> Result<bool, ApiError> {
    Ok(app.targets.exists(&request.name("name")?)?)
}

pub(super) async fn configure(context: Context) -> Result<Answer, ApiError> {
    let name = context.request.name("name")?;
    let fields = context.fields();
    // What a later write leaves out stays as it is; an empty text takes a setting away.
    let stored = context.app.targets.config(&name)?;
    let or_stored = |field: &str, stored: Option<&String>| match stored {
        Some(stored) => Ok(fields.text(field)?.unwrap_or_else(|| stored.clone())),
        None => fields.required_text(field),
    };
    let (target, rotation_policy) = stored.unzip();
    let spec = target.as_ref().map(|target| &target.spec);
    let mut settings_kept = spec.map_or_else(BTreeMap::new, |spec| spec.settings.clone());
    settings_kept.extend(settings(&context)?);
    settings_kept.retain(|_, value| !value.is_empty());
    let request = Configure {
        rotator: or_stored("rotator", target.as_ref().map(|target| &target.rotator))?,
        username: or_stored("username", target.as_ref().map(|target| &target.username))?,
        password: fields.secret("password")?.filter(|password| !password.expose().is_empty()),
        concurrency: fields.count("max_concurrency")?,
        allowed_usernames: fields.comma_list("allowed_usernames")?,
        rotation_policy: match fields.text("rotation_policy")? {
            None => rotation_policy.flatten(),
            Some(text) => {
                Some(text).filter(|text| !text.is_empty()).map(|text| Name::parse(&text)).transpose()?
            }
        },
        password_policy: match fields.text("password_policy")? {
            None => target.as_ref().and_then(|target| target.password_policy.clone()),
            Some(text) => {
                Some(text).filter(|text| !text.is_empty()).map(|text| Name::parse(&text)).transpose()?
            }
        },
        heartbeats: Some(heartbeats(fields, target.as_ref())?),
        lockout: Some(lockout(fields, target.as_ref())?),
        team: fields.team("team")?,
        on_drift: match fields.text("on_drift")?.filter(|word| !word.is_empty()) {
            None => None,
            Some(word) => Some(
                OnDrift::parse(&word)
                    .ok_or_else(|| ApiError::invalid("on_drift must be park or reconcile"))?,
            ),
        },
        spec: TargetSpec {
            connection_url: or_stored("connection_url", spec.map(|spec| &spec.connection_url))?,
            settings: settings_kept,
        },
    };
    context.app.targets.configure(&name, request, &context.caller.principal).await?;
    Ok(Answer::nothing())
}

/// What a write leaves out stays; an empty text is the default again.
fn heartbeats(fields: &Fields, stored: Option<&Target>) -> Result<Heartbeats, ApiError> {
    let stored = stored.map(|target| target.heartbeats).unwrap_or_default();
    let every = match fields.heartbeat("heartbeat")? {
        None => stored.every,
        Some(every) => every.unwrap_or(EVERY_DEFAULT),
    };
    let rate = match fields.count("heartbeat_rate")? {
        None => stored.rate,
        Some(rate) => {
            u32::try_from(rate).ok().filter(|rate| (1..=RATE_MAX).contains(rate)).ok_or_else(|| {
                ApiError::invalid(format!("heartbeat_rate must be between 1 and {RATE_MAX} in a minute"))
            })?
        }
    };
    Ok(Heartbeats { every, rate })
}

/// What a write leaves out stays; an empty text is the default again.
fn lockout(fields: &Fields, stored: Option<&Target>) -> Result<Lockout, ApiError> {
    let stored = stored.map(|target| target.lockout).unwrap_or_default();
    let threshold = match fields.text("lockout_threshold")?.as_deref().map(str::trim) {
        None => stored.threshold,
        Some("") => 0,
        Some(_) => {
            let asked = fields.count("lockout_threshold")?.and_then(|asked| u32::try_from(asked).ok());
            let fits = |asked: &u32| *asked == 0 || (THRESHOLD_MIN..=THRESHOLD_MAX).contains(asked);
            asked.filter(fits).ok_or_else(|| {
                ApiError::invalid(format!(
                    "lockout_threshold must be between {THRESHOLD_MIN} and {THRESHOLD_MAX} refused logins, or 0 where it is \
                     not known: with {THRESHOLD_MIN} the vault may cause one, with fewer it could not log in at all"
                ))
            })?
        }
    };
    let window = match fields.text("lockout_window")?.as_deref().map(str::trim) {
        None => stored.window,
        Some("") => WINDOW_DEFAULT,
        Some(_) => {
            let asked = fields.duration("lockout_window")?;
            asked.filter(|asked| (WINDOW_MIN..=WINDOW_MAX).contains(asked)).ok_or_else(|| {
                ApiError::invalid(
                    "lockout_window must be between 1s and 90d: how long the target counts a refused login",
                )
            })?
        }
    };
    Ok(Lockout { threshold, window })
}

/// Every parameter that is not one of ours belongs to the rotator, which refuses what it does not know.
fn settings(context: &Context) -> Result<BTreeMap<String, String>, ApiError> {
    let Some(object) = context.fields().object().as_object() else { return Ok(BTreeMap::new()) };
    let mut settings = BTreeMap::new();
    for name in object.keys().filter(|name| !OURS.contains(&name.as_str())) {
        if let Some(text) = context.fields().text(name)? {
            settings.insert(name.clone(), text);
        }
    }
    Ok(settings)
}

pub(super) async fn read(context: Context) -> Result<Answer, ApiError> {
    Answer::of(&context.app.targets.read(&context.request.name("name")?)?)
}

pub(super) async fn list(context: Context) -> Result<Answer, ApiError> {
    Answer::keys(context.app.targets.list()?)
}

pub(super) async fn delete(context: Context) -> Result<Answer, ApiError> {
    let name = context.request.name("name")?;
    let fields = context.fields();
    let disposal = match fields.text("disposal")?.as_deref() {
        None | Some("") => None,
        Some("hand-over") => Some(Disposal::HandOver(confirmed(fields)?)),
        Some("forget") => Some(Disposal::Forget),
        Some(_) => return Err(ApiError::invalid("disposal must be hand-over or forget")),
    };
    let principal = context.caller.principal.display_name();
    let handed = context.app.targets.remove(&name, disposal, principal).await?;
    answered(&context, &Subject::Management(name), handed).await
}

pub(super) async fn check(context: Context) -> Result<Answer, ApiError> {
    Answer::of(&context.app.targets.check(&context.request.name("name")?).await?)
}

pub(super) async fn rotate(context: Context) -> Result<Answer, ApiError> {
    let name = context.request.name("name")?;
    let outcome = context.app.targets.rotate(&name, context.caller.principal.display_name()).await?;
    let status = context.app.targets.status(&name)?;
    let running = outcome == Rotated::Running;
    let data: Value = json!({
        "outcome": if running { "running" } else { "rotated" },
        "version": status.version,
        "state": status.state,
    });
    let answer = Answer::data(data);
    Ok(if running { answer.with_status(axum::http::StatusCode::ACCEPTED) } else { answer })
}

pub(super) async fn status(context: Context) -> Result<Answer, ApiError> {
    Answer::of(&context.app.targets.status(&context.request.name("name")?)?)
}

const OURS: [&str; 15] = [
    "team",
    "lockout_threshold",
    "lockout_window",
    "on_drift",
    "heartbeat",
    "heartbeat_rate",
    "rotator",
    "connection_url",
    "username",
    "password",
    "max_concurrency",
    "rotation_policy",
    "password_policy",
    "allowed_usernames",
    "name",
];
