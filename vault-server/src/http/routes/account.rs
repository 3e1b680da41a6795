//! `accounts/…`: configure, read, rotate, check out, check in, look.

mod listing;

use serde_json::json;
use vault_api::account::{AccountState, AccountStatus, Credential};
use vault_api::checkout::{CheckInResponse, CheckOutResponse, HeldFacts, LeaseEnd};
use vault_api::incident::FailureFacts;
use vault_api::rotation::RotationOutcome;
use vault_core::account::{Settings, Subject};
use vault_core::identity::TokenKind;
use vault_core::lease::LeaseState;
use vault_core::path::Name;
use vault_core::policy::Capability;
use vault_core::schedule::RotationPolicySpec;
use vault_core::target::lockout::Held;

pub(super) use self::listing::list_status;
use crate::app::App;
use crate::http::answer::{Answer, Renewable};
use crate::http::context::{Context, Request};
use crate::http::error::ApiError;
use crate::http::routes::hand_over::{answered, confirmed};
use crate::service::account::{
    AccountError, Adoption, CheckIn, CheckOut, CheckedOut, Configure, Disposal, Rotated,
};

pub(super) fn exists(app: &App, request: &Request) -> Result<bool, ApiError> {
    Ok(app.accounts.exists(&request.account_path("path")?)?)
}

pub(super) async fn configure(context: Context) -> Result<Answer, ApiError> {
    let path = context.request.account_path("path")?;
    let fields = context.fields();
    // What a later write leaves out stays as it is; an empty text, or zero, takes a setting away.
    let stored = context.app.accounts.config(&path)?;
    let (target, username) = match &stored {
        Some(account) => (
            name(fields.text("target")?)?.unwrap_or_else(|| account.target.clone()),
            fields.text("username")?.unwrap_or_else(|| account.username.clone()),
        ),
        None => (Name::parse(&fields.required_text("target")?)?, fields.required_text("username")?),
    };
    let kept = stored.map(|account| account.settings).unwrap_or_default();
    let given = |field: &str| fields.value(field).is_some_and(|value| !value.is_null());
    if kept.own_rotation.is_some() && given("rotation_policy") {
        return Err(ApiError::invalid(
            "the account belongs to a static role, which says when it rotates; change it there",
        ));
    }
    let settings = Settings {
        rotation_policy: name(fields.text("rotation_policy")?)?
            .or_else(|| kept.rotation_policy.filter(|_| !given("rotation_policy"))),
        password_policy: name(fields.text("password_policy")?)?
            .or_else(|| kept.password_policy.filter(|_| !given("password_policy"))),
        own_rotation: kept.own_rotation,
        alternate_username: fields
            .text("alternate_username")?
            .filter(|name| !name.is_empty())
            .or_else(|| kept.alternate_username.filter(|_| !given("alternate_username"))),
        ttl: fields.duration("ttl")?.or_else(|| kept.ttl.filter(|_| !given("ttl"))),
        max_ttl: fields.duration("max_ttl")?.or_else(|| kept.max_ttl.filter(|_| !given("max_ttl"))),
        heartbeat: fields.heartbeat("heartbeat")?.unwrap_or(kept.heartbeat),
        team: fields.team("team")?.unwrap_or(kept.team),
    };
    let password = fields.secret("password")?.filter(|password| !password.expose().is_empty());
    let request = Configure { target, username, password, settings, adoption: Adoption::AtOnce };
    let status = context.app.accounts.configure(&path, request, &context.caller.principal).await?;
    let failure = status.failure.class.clone().zip(status.failure.detail.clone());
    let answer = Answer::of(&shown(&context, status)?)?;
    Ok(match failure {
        Some((class, detail)) => {
            answer.warn(format!("the account is configured, but not in order: {class}: {detail}"))
        }
        None => answer,
    })
}

pub(super) async fn read_config(context: Context) -> Result<Answer, ApiError> {
    let path = context.request.account_path("path")?;
    let status = context.app.accounts.status(&path)?;
    let account = context.app.accounts.config(&path)?.ok_or(ApiError::NotFound)?;
    let origin = account.origin.as_ref();
    let own = account.settings.own_rotation.map(RotationPolicySpec::from).unwrap_or_default();
    let seconds = |span: Option<std::time::Duration>| span.map(|span| span.as_secs());
    Ok(Answer::data(json!({
        "target": status.target,
        "username": status.username,
        "alternate_username": status.alternate_username,
        "rotation_policy": status.rotation_policy,
        "password_policy": status.password_policy,
        "max_ttl": status.max_ttl,
        "heartbeat": account.settings.heartbeat.map(vault_core::schedule::span::format),
        "team": account.settings.team,
        "rotation_period": seconds(own.rotation_period),
        "rotation_schedule": own.rotation_schedule,
        "rotation_window": seconds(own.rotation_window),
        "belongs_to": origin.map(|origin| format!("static role {} of a database mount", origin.name)),
        "released": origin.map(|origin| origin.released),
    })))
}

pub(super) async fn delete(context: Context) -> Result<Answer, ApiError> {
    let path = context.request.account_path("path")?;
    let fields = context.fields();
    let disposal = match fields.text("disposal")?.as_deref() {
        Some("rotate-and-forget") => Disposal::RotateAndForget,
        Some("hand-over") => Disposal::HandOver(confirmed(fields)?),
        Some(_) | None => {
            return Err(ApiError::invalid(
                "say what becomes of the password that the target still accepts: disposal=rotate-and-forget \
                 (rotate once more, and nobody knows it) or disposal=hand-over (it is given to you)",
            ));
        }
    };
    if !context.app.accounts.exists(&path)? {
        return Ok(Answer::nothing());
    }
    let handed =
        context.app.accounts.remove(&path, disposal, context.caller.principal.display_name()).await?;
    answered(&context, &Subject::Account(path), handed).await
}

pub(super) async fn list(context: Context) -> Result<Answer, ApiError> {
    let prefix = context.request.captures.get("prefix").cloned().unwrap_or_default();
    Answer::keys(context.app.accounts.list(&prefix)?)
}

pub(super) async fn credential(context: Context) -> Result<Answer, ApiError> {
    let path = context.request.account_path("path")?;
    let found = context.app.accounts.credential(&path, &context.caller.principal).await?;
    let ttl = found.next_rotation.map_or(0, |next| next.since(context.now()).as_secs());
    let answer = Answer::of(&Credential {
        username: found.username,
        password: found.password.expose().to_owned().into(),
        version: found.version,
        last_rotation: found.last_rotation.map(|at| at.to_rfc3339()),
        next_rotation: found.next_rotation.map(|at| at.to_rfc3339()),
        ttl,
    })?;
    Ok(found.warnings.into_iter().fold(answer, Answer::warn))
}

pub(super) async fn check_out(context: Context) -> Result<Answer, ApiError> {
    let request = asked(&context)?;
    let path = context.request.account_path("path")?;
    let out = context.app.accounts.check_out(&path, &request, &context.caller.principal).await?;
    let duration = out.lease.expires_at.since(out.lease.issued_at);
    let answer = Answer::of(&handed_out(&out))?;
    let capped = request.ttl.is_some_and(|ttl| ttl > duration);
    let answer = answer.with_lease(out.lease.id, duration, Renewable::Yes);
    Ok(if capped { answer.warn("the TTL was capped by the account's max_ttl") } else { answer })
}

/// What a check-out of an account or of a pool asks for.
pub(super) fn asked(context: &Context) -> Result<CheckOut, ApiError> {
    // Nothing is stored of a batch token by which its lease could end with it.
    if context.caller.token.kind() == TokenKind::Batch {
        return Err(ApiError::invalid("batch tokens cannot hold a lease: use a service token"));
    }
    let fields = context.fields();
    Ok(CheckOut {
        ttl: fields.duration("ttl")?,
        reason: fields.bounded_text("reason", REMARK_BYTES_MAX)?,
        ticket: fields.bounded_text("ticket", REMARK_BYTES_MAX)?,
        wait: fields.duration("wait")?,
        gone: context.request.hang_up(),
    })
}

/// What was handed out, as it is answered.
pub(super) fn handed_out(out: &CheckedOut) -> CheckOutResponse {
    CheckOutResponse {
        username: out.login.username.clone(),
        password: out.login.password.expose().to_owned().into(),
        version: out.lease.version,
        generation: out.lease.generation,
        expires_at: out.lease.expires_at.to_rfc3339(),
    }
}

pub(super) async fn check_in(context: Context) -> Result<Answer, ApiError> {
    let path = context.request.account_path("path")?;
    let fields = context.fields();
    let request = CheckIn {
        lease_id: fields.text("lease_id")?.filter(|id| !id.is_empty()),
        force: fields.flag("force")?.unwrap_or(false),
    };
    let may_force = request.force
        && context.app.policies.acl(context.caller.token.policies())?.is_sudo(&context.request.path);
    let lease = context.app.accounts.check_in(&path, &request, &context.caller.principal, may_force).await?;
    let status = context.app.accounts.status(&path)?;
    let closed = lease.state == LeaseState::Closed;
    let answer = Answer::of(&CheckInResponse {
        lease_id: lease.id,
        state: if closed { LeaseEnd::Closed } else { LeaseEnd::Revoking },
        version: closed.then_some(status.version),
        incident: if closed { None } else { status.failure.incident.clone() },
    })?;
    Ok(if closed {
        answer
    } else {
        let goes_on = match status.state {
            AccountState::Parked => {
                "nothing is tried before somebody has mended that and says so: see its incident"
            }
            _ => "it is tried again until it is",
        };
        answer.warn(format!(
            "the lease is ending, but the target has not been seen to refuse the password yet{}; {goes_on}",
            status.failure.class.map_or(String::new(), |class| format!(" ({class})"))
        ))
    })
}

pub(super) async fn rotate(context: Context) -> Result<Answer, ApiError> {
    let path = context.request.account_path("path")?;
    let force = context.fields().flag("force")?.unwrap_or(false);
    if force && !context.app.policies.acl(context.caller.token.policies())?.is_sudo(&context.request.path) {
        return Err(ApiError::Forbidden("force=true needs the sudo capability on this path".to_owned()));
    }
    let outcome = context.app.accounts.rotate(&path, force, context.caller.principal.display_name()).await?;
    rotated("rotated", &outcome, context.app.accounts.status(&path)?)
}

pub(super) async fn reconcile(context: Context) -> Result<Answer, ApiError> {
    let path = context.request.account_path("path")?;
    let outcome = context.app.accounts.reconcile(&path, context.caller.principal.display_name()).await?;
    rotated("in_sync", &outcome, context.app.accounts.status(&path)?)
}

pub(super) async fn verify(context: Context) -> Result<Answer, ApiError> {
    let path = context.request.account_path("path")?;
    let version = context.app.accounts.verify(&path).await?;
    rotated("verified", &Rotated::Done { version }, context.app.accounts.status(&path)?)
}

pub(super) async fn status(context: Context) -> Result<Answer, ApiError> {
    let path = context.request.account_path("path")?;
    let mut status = context.app.accounts.status(&path)?;
    if let Some(id) = context.app.pools.of_account(&path)? {
        let mount = context.app.mounts.table().with_id(id.mount).cloned();
        status.pool = mount.map(|mount| super::pool::path_of(&mount, &id));
    }
    status.consumers = match super::consumer::summary(&context, &path) {
        // Its receipts are damaged, which the log tells: how it stands is told all the same.
        Err(ApiError::Internal) => None,
        summary => summary?,
    };
    Answer::of(&shown(&context, status)?)
}

pub(super) async fn history(context: Context) -> Result<Answer, ApiError> {
    Answer::of(&context.app.accounts.history(&context.request.account_path("path")?)?)
}

/// The answer to a request that changed or looked at a credential on its target.
pub(super) fn rotated(word: &str, outcome: &Rotated, status: AccountStatus) -> Result<Answer, ApiError> {
    let (outcome, version, running) = match outcome {
        Rotated::Done { version } => (word, *version, false),
        Rotated::Running => ("running", status.version, true),
    };
    let failure = if running { status.failure } else { FailureFacts::default() };
    let answer = Answer::of(&RotationOutcome {
        outcome: outcome.to_owned(),
        version,
        state: status.state.word().to_owned(),
        failure,
    })?;
    Ok(if running {
        answer
            .with_status(axum::http::StatusCode::ACCEPTED)
            .warn("the rotation goes on; its status tells how it ends")
    } else {
        answer
    })
}

/// The status as the caller may see it. Whoever knows a lease's id can renew it, so it is shown only to its
/// holder and to who may revoke it.
pub(super) fn shown(context: &Context, mut status: AccountStatus) -> Result<AccountStatus, ApiError> {
    let Some(holder) = &mut status.holder else { return Ok(status) };
    let Some(id) = &holder.lease_id else { return Ok(status) };
    let lease = context.app.leases.open(id)?;
    holder.own = lease.is_some_and(|lease| lease.borrower.id == context.caller.principal.id());
    if !holder.own {
        let acl = context.app.policies.acl(context.caller.token.policies())?;
        let may = acl.capabilities(REVOKE);
        if !may.iter().any(|may| matches!(may, Capability::Root | Capability::Update)) {
            holder.lease_id = None;
        }
    }
    Ok(status)
}

fn name(text: Option<String>) -> Result<Option<Name>, ApiError> {
    Ok(text.filter(|text| !text.is_empty()).map(|text| Name::parse(&text)).transpose()?)
}

/// Longest reason or ticket: it is written into the account, its lease, its history and the audit trail.
const REMARK_BYTES_MAX: usize = 1024;

impl From<AccountError> for ApiError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::NotFound => Self::NotFound,
            AccountError::Invalid(text) => Self::Invalid(text),
            AccountError::NotHolder(text) => Self::Forbidden(text),
            AccountError::State(text) => Self::conflict(text),
            AccountError::Busy(text) => Self::Unavailable(text),
            AccountError::Held { message, lease, place, own } => {
                let facts = HeldFacts {
                    holder: lease.as_ref().map_or(String::new(), |lease| lease.borrower.name.clone()),
                    expires_at: lease.as_ref().map(|lease| lease.expires_at.to_rfc3339()),
                    place: place.map(|place| place as u64),
                    lease_id: lease.filter(|_| own).map(|lease| lease.id),
                };
                Self::Conflict { message, data: serde_json::to_value(facts).unwrap_or_default() }
            }
            AccountError::Target { fault, status } => {
                let facts = json!({
                    "state": status.state.word(),
                    "version": status.version,
                    "incident": status.failure.incident,
                    "attempts": status.failure.attempts,
                    "next_attempt": status.failure.next_attempt,
                });
                Self::Target { fault, data: facts }
            }
            AccountError::Act(error) => error.into(),
            AccountError::Dynamic(error) => error.into(),
            AccountError::Load(error) => error.into(),
            AccountError::Commit(error) => error.into(),
        }
    }
}

impl From<crate::engine::ActError> for ApiError {
    fn from(error: crate::engine::ActError) -> Self {
        use crate::engine::ActError;
        match error {
            ActError::NotFound => Self::NotFound,
            ActError::Plan(error) => error.into(),
            ActError::HeldBack(held) => held_back(&held),
        }
    }
}

impl From<crate::engine::commit::PlanError> for ApiError {
    fn from(error: crate::engine::commit::PlanError) -> Self {
        use crate::engine::commit::PlanError;
        match error {
            PlanError::BorrowerGone => Self::InvalidToken,
            PlanError::NothingToKeep => Self::Internal,
            PlanError::Load(error) => error.into(),
            PlanError::Commit(error) => error.into(),
        }
    }
}

/// What is told of a call that could lock the account on its target.
fn held_back(held: &Held) -> ApiError {
    ApiError::Conflict {
        message: format!("{held}; nothing was changed"),
        data: json!({
            "held_until": held.until.to_rfc3339(),
            "refused": held.refused,
            "lockout_threshold": held.lockout.threshold,
            "lockout_window": vault_core::schedule::span::format(held.lockout.window),
        }),
    }
}

/// The path whose right to update is the right to end anybody's lease.
const REVOKE: &str = "sys/leases/revoke";
