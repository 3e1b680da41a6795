//! `campaigns/…`: the rotation of many accounts.

use vault_api::campaign::{CampaignAccounts, CampaignList, CampaignStarted, PrincipalAccess};
use vault_core::campaign::selection::Selection;
use vault_core::campaign::{Kind, Leases, Options};
use vault_core::id::CampaignId;
use vault_core::knower::Named;
use vault_core::path::Name;

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::service::campaign::{Ask, view};

pub(super) async fn rotate(context: Context) -> Result<Answer, ApiError> {
    let selection = selection(&context, None)?;
    start(context, Kind::Rotate, selection).await
}

pub(super) async fn respond(context: Context) -> Result<Answer, ApiError> {
    let named = context.fields().text("principal")?.filter(|text| !text.is_empty());
    let named = named.map(|text| context.app.campaigns.named(&text)).transpose()?;
    let selection = selection(&context, named)?;
    start(context, Kind::Respond, selection).await
}

pub(super) async fn offboard(context: Context) -> Result<Answer, ApiError> {
    let named = context.app.campaigns.named(&context.fields().required_text("principal")?)?;
    let selection = selection(&context, Some(named))?;
    start(context, Kind::Offboard, selection).await
}

pub(super) async fn list(context: Context) -> Result<Answer, ApiError> {
    let now = context.now();
    let campaigns = context.app.campaigns.list()?;
    Answer::of(&CampaignList { campaigns: campaigns.iter().map(|one| view::status(one, now)).collect() })
}

pub(super) async fn read(context: Context) -> Result<Answer, ApiError> {
    Answer::of(&view::status(&context.app.campaigns.read(id(&context)?)?, context.now()))
}

pub(super) async fn accounts(context: Context) -> Result<Answer, ApiError> {
    let state = context.fields().text("state")?.filter(|state| !state.is_empty());
    if state.as_deref().is_some_and(|state| !STATES.contains(&state)) {
        return Err(ApiError::invalid(format!("state must be one of: {}", STATES.join(", "))));
    }
    let from = context.fields().count("from")?.unwrap_or(0);
    let limit = context.fields().count("limit")?.map_or(LIMIT, |limit| limit.clamp(1, LIMIT));
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (items, next) = context.app.campaigns.accounts(id(&context)?, state.as_deref(), from, limit)?;
    Answer::of(&CampaignAccounts { accounts: items.iter().map(view::account).collect(), next })
}

pub(super) async fn pause(context: Context) -> Result<Answer, ApiError> {
    let by = context.caller.principal.display_name();
    let campaign = context.app.campaigns.pause(id(&context)?, by).await?;
    Answer::of(&view::status(&campaign, context.now()))
}

pub(super) async fn resume(context: Context) -> Result<Answer, ApiError> {
    let campaign = context.app.campaigns.resume(id(&context)?).await?;
    Answer::of(&view::status(&campaign, context.now()))
}

pub(super) async fn cancel(context: Context) -> Result<Answer, ApiError> {
    let by = context.caller.principal.display_name();
    let campaign = context.app.campaigns.cancel(id(&context)?, by).await?;
    Answer::of(&view::status(&campaign, context.now()))
}

async fn start(context: Context, kind: Kind, selection: Selection) -> Result<Answer, ApiError> {
    let revoke = context.fields().flag("revoke")?.unwrap_or(false);
    let reason = context.fields().bounded_text("reason", REASON_BYTES_MAX)?.filter(|text| !text.is_empty());
    let options = options(&context, kind, &selection)?;
    let ask = Ask { kind, selection, options, reason, revoke };
    let dry_run = context.fields().flag("dry_run")?.unwrap_or(false);
    if revoke && ask.selection.known_by.is_none() {
        return Err(ApiError::invalid("revoke ends the tokens of a principal: say which with principal"));
    }
    // Before anything rotates: whoever still has a token could read what is new.
    let access = match &ask.selection.known_by {
        Some(named) => Some(access(&context, named, revoke && !dry_run).await?),
        None => None,
    };
    let mut warnings = Vec::new();
    if let Some(access) = access.as_ref().filter(|access| !access.revoked && !access.tokens.is_empty()) {
        warnings.push(format!(
            "{} live tokens of theirs can still read what is new; revoke=true ends them first",
            access.tokens.len()
        ));
    }
    let answer = if dry_run {
        let planned = context.app.campaigns.plan(&ask)?;
        if planned.total == 0 {
            warnings.push(nothing(&ask));
        }
        Answer::of(&view::plan(&ask.selection, &planned, access))?
    } else {
        if let Some(named) = &ask.selection.known_by
            && access.as_ref().is_none_or(|access| access.tokens.is_empty())
            && !context.app.campaigns.knows_any(named)?
        {
            return Err(ApiError::invalid(format!(
                "nobody of that name has a token or knows a stored version; check the spelling: {:?}",
                named.text
            )));
        }
        let principal = context.caller.principal.display_name();
        let campaign = context.app.campaigns.start(ask, principal).await?;
        Answer::of(&CampaignStarted { campaign: view::status(&campaign, context.now()), access })?
    };
    Ok(warnings.into_iter().fold(answer, Answer::warn))
}

fn nothing(ask: &Ask) -> String {
    match &ask.selection.known_by {
        Some(named) => {
            format!(
                "nothing that is stored is known to have been given to {:?}; check the spelling",
                named.text
            )
        }
        None => "no account is like that".to_owned(),
    }
}

async fn access(context: &Context, named: &Named, revoke: bool) -> Result<PrincipalAccess, ApiError> {
    let asker = context.caller.principal.token();
    Ok(view::access(context.app.campaigns.access(named, asker, revoke).await?))
}

fn selection(context: &Context, known_by: Option<Named>) -> Result<Selection, ApiError> {
    let fields = context.fields();
    let text = |name: &str| Ok::<_, ApiError>(fields.text(name)?.filter(|text| !text.is_empty()));
    let target = text("target")?.map(|name| Name::parse(&name)).transpose()?;
    if let Some(name) = &target
        && !context.app.targets.exists(name)?
    {
        return Err(ApiError::invalid(format!("there is no target {name}")));
    }
    let selection = Selection {
        target: target.map(|name| name.to_string()),
        filter: fields.bounded_text("filter", FILTER_BYTES_MAX)?.filter(|text| !text.is_empty()),
        older_than: fields.duration("older_than")?,
        known_by,
        management: fields.flag("management")?.unwrap_or(false),
    };
    let is_all = fields.flag("all")?.unwrap_or(false);
    let is_narrow = selection.target.is_some()
        || selection.filter.is_some()
        || selection.older_than.is_some()
        || selection.known_by.is_some();
    if is_all == is_narrow {
        return Err(ApiError::invalid(
            "say which accounts: all=true; or target, filter, older_than or principal, which narrow it down together",
        ));
    }
    Ok(selection)
}

fn options(context: &Context, kind: Kind, selection: &Selection) -> Result<Options, ApiError> {
    let fields = context.fields();
    let small = |name: &str| {
        let count = fields.count(name)?.map(u32::try_from).transpose();
        count.map_err(|_| ApiError::invalid(format!("'{name}' is too large")))
    };
    let (canary, stop_at, leases) = match kind {
        Kind::Rotate => (1, STOP_AT, Leases::Wait),
        Kind::Respond => (0, 100, Leases::Cut),
        Kind::Offboard => (0, 100, Leases::CutOwn),
    };
    let stop_at = fields.count("stop_at")?.map_or(Ok(stop_at), |percent| {
        let percent = u8::try_from(percent).ok().filter(|percent| *percent <= 100);
        percent.ok_or_else(|| ApiError::invalid("'stop_at' is a share in percent: 0 to 100"))
    })?;
    let leases = match fields.text("leases")?.filter(|word| !word.is_empty()) {
        None => leases,
        Some(word) => Leases::parse(&word)
            .filter(|leases| *leases != Leases::CutOwn || selection.known_by.is_some())
            .ok_or_else(|| {
                ApiError::invalid("leases must be wait or cut; or cut-own, where a principal is named")
            })?,
    };
    Ok(Options {
        canary: fields.count("canary")?.unwrap_or(canary),
        pace: small("pace")?.filter(|pace| *pace > 0),
        concurrency: small("concurrency")?.filter(|most| *most > 0),
        stop_at,
        leases,
    })
}

fn id(context: &Context) -> Result<CampaignId, ApiError> {
    CampaignId::parse(context.request.part("id")?).ok_or(ApiError::NotFound)
}

/// How an account of a campaign may stand.
const STATES: [&str; 5] = ["pending", "waiting", "rotated", "failed", "skipped"];
/// Most accounts that one answer lists.
const LIMIT: u64 = 1000;
/// More failures than that in a wave, in percent, pause it unless somebody says otherwise.
const STOP_AT: u8 = 10;
const REASON_BYTES_MAX: usize = 1024;
const FILTER_BYTES_MAX: usize = 512;
