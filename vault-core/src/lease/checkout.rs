//! Decides who may check an account out, and what a renewal gives.

use std::time::Duration;

use super::{Borrower, Lease, LeaseState, Limits};
use crate::account::plan::{Context, HistoryEntry, HistoryKind, Plan};
use crate::account::{Account, Readable};
use crate::clock::Timestamp;
use crate::pool::PoolId;
use crate::rotation::grace;

/// What somebody asks for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The id that the lease would get.
    pub lease_id: String,
    /// Who asks.
    pub borrower: Borrower,
    /// For how long; `None` is the account's default.
    pub ttl: Option<Duration>,
    /// Why.
    pub reason: Option<String>,
    /// The ticket.
    pub ticket: Option<String>,
    /// The pool that is asked, which then says how long renewals last.
    pub pool: Option<PoolId>,
}

/// Why an account is not handed out now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Somebody holds it (or their lease is still being closed).
    Held {
        /// The open lease.
        lease: Box<Lease>,
        /// The asker's place in line, from 1.
        place: usize,
    },
    /// It is free, but others came first.
    InLine {
        /// The asker's place in line, from 1.
        place: usize,
    },
    /// A rotation is between states: ask again when it has an outcome.
    Changing,
    /// The target is known to refuse the stored credential.
    Dead,
    /// No credential has ever been set.
    NotYet,
}

/// A refusal and the record to commit with it: the line is part of the account.
#[derive(Debug)]
pub struct Refused {
    /// The account with the asker in line, when that changed anything.
    pub account: Option<Box<Account>>,
    /// Why.
    pub refusal: Refusal,
}

/// Hands the account out, or says why not.
///
/// # Errors
/// [`Refused`] by cause; its account record is to be committed so that the place in line is kept.
pub fn check_out(
    mut account: Account,
    request: Request,
    limits: Limits,
    ctx: &Context,
) -> Result<Plan, Refused> {
    let before = account.lending.line.clone();
    account.lending.prune_line(ctx.now);
    let (id, name) = (request.borrower.id.clone(), request.borrower.name.clone());
    if let Some(lease) = account.lending.holder.clone() {
        // The holder who asks again does not wait for anybody else.
        let place = if lease.borrower.id == id {
            account.lending.line.len() + 1
        } else {
            account.lending.enqueue(&id, &name, ctx.now)
        };
        let changed = account.lending.line != before;
        return Err(Refused {
            account: changed.then(|| Box::new(account)),
            refusal: Refusal::Held { lease: Box::new(lease), place },
        });
    }
    if account.lending.is_behind(&id) {
        let place = account.lending.enqueue(&id, &name, ctx.now);
        let changed = account.lending.line != before;
        return Err(Refused {
            account: changed.then(|| Box::new(account)),
            refusal: Refusal::InLine { place },
        });
    }
    let refuse = |refusal| Err(Refused { account: None, refusal });
    let version = match account.readable() {
        Readable::NotYet => return refuse(Refusal::NotYet),
        Readable::Refused => return refuse(Refusal::Dead),
        Readable::Changing | Readable::Doubtful(_) => return refuse(Refusal::Changing),
        // A rotation in flight would kill the password under the borrower's hands.
        // While only consumers are waited for, the new version is lent like any other.
        Readable::Yes(_)
            if account.stage.is_active() || (!account.stage.untouched() && grace::of(&account).is_none()) =>
        {
            return refuse(Refusal::Changing);
        }
        Readable::Yes(version) => version,
    };
    account.lending.leave(&id);
    account.lending.generation += 1;
    account.lending.lent_at = Some(ctx.now);
    let max_expires_at = ctx.now.plus(limits.max_ttl);
    let lease = Lease {
        id: request.lease_id,
        subject: account.subject.key(),
        borrower: request.borrower,
        generation: account.lending.generation,
        version,
        issued_at: ctx.now,
        expires_at: ctx.now.plus(request.ttl.unwrap_or(limits.ttl)).min(max_expires_at),
        max_expires_at,
        ttl: request.pool.as_ref().map(|_| limits.ttl),
        pool: request.pool,
        renewed_at: None,
        reason: request.reason,
        ticket: request.ticket,
        state: LeaseState::Active,
        ending: None,
        closing: None,
        closed_at: None,
    };
    account.lending.holder = Some(lease.clone());
    let mut plan = Plan::new(account);
    plan.history.push(history(HistoryKind::CheckedOut, &lease, Some(name), lease.reason.clone(), ctx.now));
    plan.lease = Some(lease);
    Ok(plan)
}

/// Why a lease is not renewed or checked in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stale {
    /// The account is not checked out.
    NotHeld,
    /// Another lease holds it now: the named one is over.
    OtherLease,
    /// The lease is already ending.
    Closing,
}

/// Gives the lease `lease_id` more time, never beyond its maximum.
///
/// # Errors
/// [`Stale`] by cause; nothing changes then.
pub fn renew(
    account: Account,
    lease_id: &str,
    increment: Option<Duration>,
    limits: Limits,
    ctx: &Context,
) -> Result<Plan, Stale> {
    let mut plan = Plan::new(account);
    let Some(lease) = plan.account.lending.holder.as_mut() else { return Err(Stale::NotHeld) };
    if lease.id != lease_id {
        return Err(Stale::OtherLease);
    }
    // What has run out is over, even if the scheduler has not come by yet.
    if lease.state != LeaseState::Active || lease.expires_at <= ctx.now {
        return Err(Stale::Closing);
    }
    lease.expires_at = ctx.now.plus(increment.or(lease.ttl).unwrap_or(limits.ttl)).min(lease.max_expires_at);
    lease.renewed_at = Some(ctx.now);
    let lease = lease.clone();
    plan.history.push(history(
        HistoryKind::Renewed,
        &lease,
        Some(lease.borrower.name.clone()),
        None,
        ctx.now,
    ));
    plan.lease = Some(lease);
    Ok(plan)
}

/// A history line about a lease.
pub(super) fn history(
    kind: HistoryKind,
    lease: &Lease,
    principal: Option<String>,
    detail: Option<String>,
    at: Timestamp,
) -> HistoryEntry {
    HistoryEntry { at, kind, version: Some(lease.version), rotation: None, principal, class: None, detail }
}
