//! `accounts/watch/…`: told of a new version when it is promoted, by one long poll or as a stream of events.

use std::sync::Arc;
use std::time::Duration;

use vault_api::account::Watched;
use vault_core::policy::{Authorized, Operation as Asked};

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::http::events::{self, CutOff, EventSender};
use crate::service::watch::{Seen, Watch, WatchError, Woken};

pub(super) async fn watch(context: Context) -> Result<Answer, ApiError> {
    let path = context.request.account_path("path")?;
    let known = context.fields().count("version")?;
    let wait = match context.fields().text("wait")?.as_deref() {
        None | Some("") => WAIT_DEFAULT,
        // Elsewhere zero is the same as nothing; here it says not to wait.
        Some(_) => context.fields().duration("wait")?.unwrap_or_default(),
    };
    // Who asks for the next version is there, although the secret is fetched elsewhere.
    if let Some(account) = context.app.accounts.config(&path)? {
        context.app.consumers.heard_of(&account, &context.caller.principal)?;
    }
    let watch = context.app.watches.open(&path, context.caller.principal.token())?;
    match context.request.events {
        Some(asked) => stream(context, watch, asked.last_id.or(known)),
        None => poll(&context, &watch, known, wait).await,
    }
}

async fn poll(
    context: &Context,
    watch: &Watch,
    known: Option<u64>,
    wait: Duration,
) -> Result<Answer, ApiError> {
    let longest = WAIT_MAX.min(context.app.config.request_deadline.saturating_sub(MARGIN));
    let answer = |seen: Seen| {
        let answer = Answer::of(&shown(&seen, known))?;
        let is_capped = wait > longest && known == Some(seen.version);
        Ok(if is_capped {
            answer.warn(format!("the wait was capped at {} s", longest.as_secs()))
        } else {
            answer
        })
    };
    let deadline = tokio::time::sleep(wait.min(longest));
    tokio::pin!(deadline);
    let mut seen = watch.look(&context.authorized)?;
    while known == Some(seen.version) {
        let woken = tokio::select! {
            biased;
            woken = watch.woken() => Some(woken),
            () = &mut deadline => None,
            () = context.request.gone() => return Err(ApiError::Unavailable(GONE.to_owned())),
        };
        match woken {
            Some(Woken::Sealed) => return Err(ApiError::Sealed),
            // The client asks again, and finds another server or none.
            Some(Woken::Stopping) => return answer(seen),
            Some(Woken::Changed) | None => {}
        }
        // The last use of a token is good for the whole request, and the token is gone with it.
        let renewed = if context.is_last_use { None } else { Some(still_allowed(context)?) };
        seen = watch.look(renewed.as_ref().unwrap_or(&context.authorized))?;
        if woken.is_none() {
            break;
        }
    }
    answer(seen)
}

fn stream(context: Context, watch: Watch, known: Option<u64>) -> Result<Answer, ApiError> {
    // Before anything is answered: what cannot be watched is an error, no empty stream.
    let first = watch.look(&context.authorized)?;
    let watch = Arc::new(watch);
    let (sender, body) = events::channel(Arc::clone(&watch));
    let shutdown = context.app.shutdown.clone();
    shutdown.spawn(async move {
        if let Ok(reason) = follow(&context, &watch, &sender, known, first).await {
            // Whoever was cut off cannot be told.
            let _ = sender.event("end", None, &serde_json::json!({ "reason": reason }).to_string());
        }
    });
    Ok(Answer::stream("text/event-stream", body))
}

/// Sends events until there is a reason to end.
async fn follow(
    context: &Context,
    watch: &Watch,
    sender: &EventSender,
    mut known: Option<u64>,
    first: Seen,
) -> Result<&'static str, CutOff> {
    let mut beat = tokio::time::interval(KEEP_ALIVE);
    beat.tick().await;
    sender.greet(RETRY_MS)?;
    let mut seen = first;
    let mut is_beat = false;
    loop {
        if known != Some(seen.version) {
            let Ok(data) = serde_json::to_string(&shown(&seen, known)) else { return Ok("internal_error") };
            sender.event("version", Some(seen.version), &data)?;
            known = Some(seen.version);
            beat.reset();
        } else if is_beat {
            sender.keep_alive()?;
        }
        let woken = tokio::select! {
            biased;
            () = sender.gone() => return Err(CutOff),
            woken = watch.woken() => Some(woken),
            _ = beat.tick() => None,
        };
        is_beat = woken.is_none();
        match woken {
            Some(Woken::Sealed) => return Ok("sealed"),
            Some(Woken::Stopping) => return Ok("stopping"),
            Some(Woken::Changed) | None => {}
        }
        let allowed = match still_allowed(context) {
            Ok(allowed) => allowed,
            Err(error) => return Ok(reason(&error)),
        };
        seen = match watch.look(&allowed) {
            Ok(seen) => seen,
            Err(WatchError::NotFound) => return Ok("account_deleted"),
            Err(error) => return Ok(reason(&ApiError::from(error))),
        };
    }
}

/// Whether the token still lives and its policies still allow what they did at the beginning.
fn still_allowed(context: &Context) -> Result<Authorized, ApiError> {
    let (app, request) = (&context.app, &context.request);
    let now = app.clock.now();
    let caller =
        app.tokens.authenticate(context.caller.plain.expose(), now).map_err(|error| match ApiError::from(
            error,
        ) {
            ApiError::Forbidden(_) => ApiError::InvalidToken,
            other => other,
        })?;
    if !caller.token.may_come_from(request.remote.ip()) {
        return Err(ApiError::InvalidToken);
    }
    let acl = app.policies.acl(caller.token.policies())?;
    let data = (!request.fields.is_empty()).then(|| request.fields.object());
    acl.decide(&request.path, Asked::Read, data).authorize().map_err(|_| ApiError::PermissionDenied)
}

/// The word for why a stream ends, for programs.
fn reason(error: &ApiError) -> &'static str {
    match error {
        ApiError::Sealed => "sealed",
        ApiError::InvalidToken => "token_ended",
        ApiError::PermissionDenied => "not_allowed",
        _ => "internal_error",
    }
}

fn shown(seen: &Seen, known: Option<u64>) -> Watched {
    Watched {
        version: seen.version,
        changed: known != Some(seen.version),
        last_rotation: seen.last_rotation.map(|at| at.to_rfc3339()),
        next_rotation: seen.next_rotation.map(|at| at.to_rfc3339()),
    }
}

impl From<WatchError> for ApiError {
    fn from(error: WatchError) -> Self {
        match error {
            WatchError::NotFound => Self::NotFound,
            WatchError::TooManyOfToken(_) | WatchError::TooMany(_) => Self::TooMany(error.to_string()),
            WatchError::Load(error) => error.into(),
        }
    }
}

/// How long a poll waits when it does not say.
const WAIT_DEFAULT: Duration = Duration::from_secs(30);
/// How long a poll waits at most.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Kept of a request's deadline for what comes after the wait.
const MARGIN: Duration = Duration::from_secs(5);
/// Between two signs of life of a stream; also how soon one ends whose token expired or whose policy changed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// When a browser's client connects again after a stream ended.
const RETRY_MS: u64 = 2000;
const GONE: &str = "the client hung up";
