//! Hands in the spans of rotations, where anybody wants them.

use std::time::Duration;

use vault_core::account::Account;
use vault_core::account::plan::{Effect, HistoryKind, Plan};
use vault_core::clock::Timestamp;
use vault_core::rotation::trace::{self, Call};
use vault_core::trace::SpanId;

use super::Engine;
use crate::telemetry::trace::Tracer;

/// A call that is under way.
pub(super) struct Watch {
    effect: Effect,
    began: Timestamp,
    since: tokio::time::Instant,
}

impl Watch {
    /// The call is over.
    pub(super) fn stop(self) -> Call {
        let took: Duration = self.since.elapsed();
        Call { effect: self.effect, began: self.began, took }
    }
}

impl Engine {
    /// Notes that a call begins; `None` where nobody wants to know.
    pub(super) fn watch(&self, effect: Effect) -> Option<Watch> {
        let is_wanted = self.inner.tracer.is_on();
        is_wanted.then(|| Watch { effect, began: self.now(), since: tokio::time::Instant::now() })
    }

    /// Tells of a call for a rotation: `plan` is what was decided of its answer.
    pub(super) fn trace_step(&self, before: &Account, call: Option<Call>, plan: Option<&Plan>) {
        let Some(call) = call else { return };
        let (kind, id) = (self.kind_of(&before.target), SpanId::random(self.entropy()));
        let span = trace::step(before, call, plan, kind, id);
        span.into_iter().for_each(|span| self.inner.tracer.record(span));
    }

    /// Tells of the rotation that a committed plan ends.
    pub(super) fn trace_end(&self, before: &Account, plan: &Plan) {
        if self.inner.tracer.is_on() {
            let span = trace::ended(before, plan, self.kind_of(&plan.account.target));
            span.into_iter().for_each(|span| self.inner.tracer.record(span));
        }
    }

    /// Tells, in the trace of whoever asked, that a committed plan begins a rotation.
    pub(super) fn trace_request(&self, plan: &Plan, now: Timestamp) {
        let begins = plan.history.iter().any(|entry| entry.kind == HistoryKind::Started);
        let Some(caller) = Tracer::caller().filter(|_| begins) else { return };
        let ids = [SpanId::random(self.entropy()), SpanId::random(self.entropy())];
        let spans = trace::requested(plan, self.kind_of(&plan.account.target), now, caller, ids);
        spans.into_iter().flatten().for_each(|span| self.inner.tracer.record(span));
    }
}
