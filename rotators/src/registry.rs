//! Which rotator serves which kind of target.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use vault_core::rotation::port::Rotator;

use crate::aws::AwsRotator;
use crate::http::HttpRotator;
use crate::ldap::LdapRotator;
use crate::mysql::MysqlRotator;
use crate::plugin::{Host, PluginRotator, Registration};
use crate::postgres::PostgresRotator;
use crate::rabbitmq::RabbitRotator;
use crate::redis::RedisRotator;
use crate::ssh::SshRotator;

/// The rotators of a process, by kind.
#[derive(Clone, Default)]
pub struct Registry {
    built_in: BTreeMap<&'static str, Arc<dyn Rotator>>,
    plugins: Option<Arc<Host>>,
}

impl Registry {
    /// The rotators that ship with the product.
    #[must_use]
    pub fn shipped() -> Self {
        Self::default()
            .with(Arc::new(AwsRotator::new()))
            .with(Arc::new(HttpRotator::new()))
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
        self.built_in.insert(rotator.kind(), rotator);
        self
    }

    /// Lets plugins run, where and how `host` says.
    #[must_use]
    pub fn with_plugins(mut self, host: Host) -> Self {
        self.plugins = Some(Arc::new(host));
        self
    }

    /// The rotator of this kind that is built in.
    #[must_use]
    pub fn find(&self, kind: &str) -> Option<Arc<dyn Rotator>> {
        self.built_in.get(kind).map(Arc::clone)
    }

    /// The rotator that a registered plugin is; `None` where no plugins run.
    #[must_use]
    pub fn plugin(&self, registration: Registration) -> Option<PluginRotator> {
        self.plugins.as_ref().map(|host| PluginRotator::new(Arc::clone(host), registration))
    }

    /// The kinds there are, in order.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.built_in.keys().copied()
    }
}

/// The registered plugin that a target's kind of rotator names: `plugin:<name>`. The prefix is always there, so that
/// no rotator that is built in later takes a plugin's targets over.
#[must_use]
pub fn plugin_name(kind: &str) -> Option<&str> {
    kind.strip_prefix("plugin:")
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.built_in.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_is_found_by_its_name() {
        let registry = Registry::shipped();
        const KINDS: [&str; 8] = ["aws", "http", "ldap", "mysql", "postgresql", "rabbitmq", "redis", "ssh"];
        for kind in KINDS {
            assert_eq!(registry.find(kind).map(|rotator| rotator.kind()), Some(kind));
        }
        assert!(registry.find("oracle").is_none());
        assert_eq!(registry.kinds().collect::<Vec<_>>(), KINDS);
    }
}
