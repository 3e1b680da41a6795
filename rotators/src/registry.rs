//! Which rotator serves which kind of target.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use vault_core::rotation::port::Rotator;

use crate::aws::AwsRotator;
use crate::ldap::LdapRotator;
use crate::mysql::MysqlRotator;
use crate::postgres::PostgresRotator;
use crate::rabbitmq::RabbitRotator;
use crate::redis::RedisRotator;
use crate::ssh::SshRotator;

/// The rotators of a process, by kind.
#[derive(Clone, Default)]
pub struct Registry(BTreeMap<&'static str, Arc<dyn Rotator>>);

impl Registry {
    /// The rotators that ship with the product.
    #[must_use]
    pub fn shipped() -> Self {
        Self::default()
            .with(Arc::new(AwsRotator::new()))
            .with(Arc::new(LdapRotator::new()))
            .with(Arc::new(MysqlRotator::new()))
            .with(Arc::new(PostgresRotator::new()))
            .with(Arc::new(RabbitRotator::new()))
            .with(Arc::new(RedisRotator::new()))
            .with(Arc::new(SshRotator::new()))
    }

    /// Adds a rotator; it takes the place of one of the same kind.
    #[must_use]
    pub fn with(mut self, rotator: Arc<dyn Rotator>) -> Self {
        self.0.insert(rotator.kind(), rotator);
        self
    }

    /// The rotator of this kind.
    #[must_use]
    pub fn find(&self, kind: &str) -> Option<Arc<dyn Rotator>> {
        self.0.get(kind).map(Arc::clone)
    }

    /// The kinds there are, in order.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.keys().copied()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_is_found_by_its_name() {
        let registry = Registry::shipped();
        const KINDS: [&str; 7] = ["aws", "ldap", "mysql", "postgresql", "rabbitmq", "redis", "ssh"];
        for kind in KINDS {
            assert_eq!(registry.find(kind).map(|rotator| rotator.kind()), Some(kind));
        }
        assert!(registry.find("oracle").is_none());
        assert_eq!(registry.kinds().collect::<Vec<_>>(), KINDS);
    }
}
