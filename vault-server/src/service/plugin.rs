//! The catalog: which files of the plugin directory may run, pinned by their digest.

pub use rotators::plugin::Registration;
use vault_core::path::Name;
use vault_core::store::key::Table;

use super::account::AccountError;
use crate::barrier::{LoadError, require};
use crate::engine::Engine;

/// Registered plugins. Cheap to clone.
#[derive(Clone)]
pub struct PluginService {
    engine: Engine,
}

impl PluginService {
    /// Those that `engine` runs.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self { engine }
    }

    /// The names, in order.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn list(&self) -> Result<Vec<String>, LoadError> {
        let names = self.engine.barrier().names(Table::Plugin, &[], None, PLUGINS_MAX)?;
        Ok(names.into_iter().filter_map(|name| String::from_utf8(name).ok()).collect())
    }

    /// The kinds of rotators that are built in.
    #[must_use]
    pub fn built_in(&self) -> Vec<&'static str> {
        self.engine.rotator_kinds().collect()
    }

    /// How a plugin is registered.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn read(&self, name: &Name) -> Result<Option<Registration>, LoadError> {
        Ok(self.engine.barrier().load::<Registration>(name.as_str())?.map(|loaded| loaded.value))
    }

    /// Runs the file once, asks it to describe itself, and remembers it under its name. One of that name gives way.
    ///
    /// # Errors
    /// [`AccountError::Invalid`] with what is wrong with the file or with what it says.
    pub async fn register(&self, registration: Registration) -> Result<(), AccountError> {
        registration.check().map_err(AccountError::Invalid)?;
        let name =
            Name::parse(&registration.name).map_err(|error| AccountError::Invalid(error.to_string()))?;
        let before = self.engine.barrier().load::<Registration>(name.as_str())?;
        if before.is_none() && self.list()?.len() >= PLUGINS_MAX {
            return Err(AccountError::State(format!(
                "there are {PLUGINS_MAX} plugins; deregister one first"
            )));
        }
        let Some(plugin) = self.engine.plugin(registration.clone()) else {
            return Err(AccountError::Invalid(
                "no plugins run here: set plugins.directory in the server's configuration".to_owned(),
            ));
        };
        let described = plugin
            .describe()
            .await
            .map_err(|fault| AccountError::Invalid(format!("not registered: {}", fault.detail)))?;
        let registration = Registration { described: Some(described), ..registration };
        let mut batch = self.engine.barrier().transaction()?;
        batch.put(name.as_str(), require(before.as_ref()), &registration);
        Ok(self.engine.barrier().commit(batch).await?)
    }

    /// Forgets a plugin. Forgetting what is not there is no mistake.
    ///
    /// # Errors
    /// [`AccountError`] by cause.
    pub async fn deregister(&self, name: &Name) -> Result<(), AccountError> {
        let Some(loaded) = self.engine.barrier().load::<Registration>(name.as_str())? else { return Ok(()) };
        let mut batch = self.engine.barrier().transaction()?;
        batch.delete::<Registration>(name.as_str(), loaded.revision);
        Ok(self.engine.barrier().commit(batch).await?)
    }
}

/// Far more than anybody has rotators.
const PLUGINS_MAX: usize = 1000;
