//! Shadow accounts of the fake target: accounts like any other, that may not change others.

use vault_core::rotation::port::{BoxFuture, Job, Outcome};
use vault_core::rotation::provisioner::{Order, Provisioner};
use vault_core::rotation::shadow::{self, Model, ShadowMaker};

use super::FakeTarget;

impl ShadowMaker for FakeTarget {
    fn create<'a>(&'a self, job: Job<'a>, model: Model<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            if let Err(fault) = shadow::check_name(job.username) {
                return Outcome::NotApplied(fault);
            }
            let order = Order { creation: &[], password: model.password, expiration: model.expiration };
            Provisioner::create(self, job, order).await.outcome
        })
    }

    fn remove<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match shadow::check_name(job.username) {
                Ok(()) => Provisioner::remove(self, job, &[]).await,
                Err(fault) => Outcome::NotApplied(fault),
            }
        })
    }
}
