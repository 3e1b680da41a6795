//! Looks at the account and the management key, for people.

use vault_core::rotation::fault::Fault;
use vault_core::rotation::port::{CheckReport, Login};

use super::api::Api;
use super::config::{Config, OtherKeys};
use super::user;

/// Asks who the key is of, and what can be seen with it.
pub(super) async fn report(config: &Config, management: &Login) -> Result<CheckReport, Fault> {
    let api = Api::new(config).await?;
    let identity = user::identity(&api, management).await?;
    let name = user::user_in(&identity)?;
    let found = user::find(&api, management, name).await?;
    let keys = user::keys(&api, management, name).await?.unwrap_or_default();
    let mut passed = vec![
        format!("the management key is of {}", identity.arn),
        format!("{} tells users and their keys", config.iam),
    ];
    if config.sts.encrypted {
        passed.push(format!("{} lets the key in, by TLS", config.sts));
    }
    let mut warnings = Vec::new();
    for key in keys.iter().filter(|key| key.access_key_id != management.username) {
        warnings.push(format!(
            "{name} has another access key, {} ({}): there are two places, so the management key cannot rotate before \
             it is deleted",
            key.access_key_id, key.status
        ));
    }
    if config.other_keys == OtherKeys::Keep {
        warnings.push(
            "other_keys=keep: a user that had a key has none to spare for the next rotation, until that is deleted"
                .to_owned(),
        );
    }
    Ok(CheckReport {
        server: format!("AWS IAM, account {} ({})", identity.account, found.arn),
        passed,
        warnings,
    })
}
