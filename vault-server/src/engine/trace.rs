//! Hands in the spans of rotations, where anybody wants them.

use vault_core::account::Account;
use vault_core::account::plan::{HistoryKind, Plan};
use vault_core::clock::Timestamp;
use vault_core::rotation::event::Event;
use vault_core::rotation::trace::{self, Call};
use vault_core::trace::SpanId;

use super::Engine;
use crate::barrier::Transaction;
use crate::telemetry::trace::Tracer;

impl Engine {
    /// Tells of a call for a rotation: its answer, and the plan that was made of it.
    pub(super) fn trace_step(&self, before: &Account, call: Call, answer: (&Event, Option<&Plan>)) {
        if self.inner.tracer.is_on() {
            let (kind, id) = (self.kind_of(&before.target), SpanId::random(self.entropy()));
            let span = trace::step(before, call, answer, kind, id);
            span.into_iter().for_each(|span| self.inner.tracer.record(span));
        }
    }

    /// Tells of the rotation that a committed plan ends.
    pub(super) fn trace_end(&self, before: &Account, plan: &Plan) {
        if self.inner.tracer.is_on() {
            let span = trace::ended(before, plan, self.kind_of(&plan.account.target), self.now());
            span.into_iter().for_each(|span| self.inner.tracer.record(span));
        }
    }

    /// Tells of the rotation of an account that is not managed any more, once `batch` is committed.
    pub(crate) fn trace_removed(&self, batch: &mut Transaction, account: &Account) {
        let tracer = self.inner.tracer.clone();
        if tracer.is_on() {
            let span = trace::overtaken(account, None, self.kind_of(&account.target), self.now());
            if let Some(span) = span {
                batch.once_committed(move || tracer.record(span));
            }
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
