//! Who a campaign is about: what is meant by a name, and what they still have.

use vault_core::account::Account;
use vault_core::campaign::Campaign;
use vault_core::consumer::Who;
use vault_core::identity::{Origin, Token, TokenDigest, TokenState, keys};
use vault_core::knower::Named;
use vault_core::mount::Kind;

use super::{CampaignError, CampaignService};
use crate::barrier::LoadError;
use crate::service::token::TokenServiceError;

/// What a principal still has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrincipalFacts {
    /// The accessors of its live tokens.
    pub tokens: Vec<String>,
    /// The ids of the leases that they hold.
    pub leases: Vec<String>,
    /// Whether they were ended.
    pub revoked: bool,
}

impl CampaignService {
    /// Whom `text` names: an entity by its id, a login by `<mount>/<name>`, a token by its accessor, or anybody by the
    /// name for people. A token that a login has made stands for that login.
    ///
    /// # Errors
    /// [`CampaignError`] by cause.
    pub fn named(&self, text: &str) -> Result<Named, CampaignError> {
        let text = text.trim().trim_matches('/');
        if text.is_empty() {
            return Err(CampaignError::Invalid(
                "say who: an entity id, a login such as auth/userpass/alice, an accessor, or a display name"
                    .to_owned(),
            ));
        }
        let mut named = Named {
            text: text.to_owned(),
            entity: Some(text.to_owned()),
            accessor: Some(text.to_owned()),
            name: Some(text.to_owned()),
            login: None,
        };
        let table = self.inner.mounts.table();
        if let Some((mount, name)) = table.find(text).filter(|(_, name)| !name.is_empty()) {
            // As the routes of these mounts do: a name is the same in upper and lower case.
            let principal = match mount.kind {
                Kind::Userpass | Kind::Approle => name.to_lowercase(),
                _ => name.to_owned(),
            };
            named.login = Some(Origin { mount: mount.id, principal });
        }
        match self.inner.tokens.look_up_accessor(text, self.inner.engine.now()) {
            Ok((_, token)) => {
                if let Some(origin) = token.origin() {
                    named.login = Some(origin.clone());
                }
                if !token.entity_id().is_empty() {
                    named.entity = Some(token.entity_id().to_owned());
                }
            }
            Err(TokenServiceError::UnknownAccessor) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(named)
    }

    /// What whoever is `named` still has; ended first, but for the asker's own token, if that is asked for.
    ///
    /// # Errors
    /// [`CampaignError`] by cause.
    pub async fn access(
        &self,
        named: &Named,
        asker: &TokenDigest,
        revoke: bool,
    ) -> Result<PrincipalFacts, CampaignError> {
        let (mut facts, mut ending) =
            (PrincipalFacts { revoked: revoke, ..PrincipalFacts::default() }, Vec::new());
        let mut after: Option<Vec<u8>> = None;
        let (barrier, now) = (self.inner.engine.barrier(), self.inner.engine.now());
        loop {
            let page = barrier.list_each::<Token>(&[], after.as_deref(), PAGE)?;
            let full = page.len() == PAGE;
            after = page.last().map(|(name, _)| name.clone());
            for (name, loaded) in page {
                let token = match loaded {
                    Ok(loaded) => loaded.value,
                    Err(error) if error.is_damage() => continue,
                    Err(error) => return Err(error.into()),
                };
                let Some(digest) = TokenDigest::from_slice(&name) else { continue };
                if token.state(now) == TokenState::Live && means(named, &token) {
                    facts.tokens.push(token.accessor().as_str().to_owned());
                    facts.leases.extend(self.leases(&digest)?);
                    ending.push(digest);
                }
            }
            if !full {
                break;
            }
            tokio::task::yield_now().await;
        }
        if revoke {
            for digest in ending.iter().filter(|digest| *digest != asker) {
                match self.inner.tokens.revoke(digest).await {
                    Ok(()) => {}
                    // It is refused from now on; what it holds is given back in the background.
                    Err(TokenServiceError::Watcher(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(facts)
    }

    fn leases(&self, digest: &TokenDigest) -> Result<Vec<String>, LoadError> {
        let prefix = keys::leases(digest);
        let names = self.inner.engine.barrier().names_below(prefix.table, &prefix.name)?;
        // Those of users that are made for a lease begin with NUL.
        Ok(names.into_iter().map(|name| name.trim_start_matches('\0').to_owned()).collect())
    }

    /// Whether whom the campaign is about holds the account on a lease.
    pub(super) fn holds(&self, campaign: &Campaign, account: Option<&Account>) -> Result<bool, LoadError> {
        let Some(named) = &campaign.selection.known_by else { return Ok(false) };
        let Some(lease) = account.and_then(|account| account.lending.holder.as_ref()) else {
            return Ok(false);
        };
        let digest = data_encoding::HEXLOWER.decode(lease.borrower.token.as_bytes()).unwrap_or_default();
        let token = match self.inner.engine.barrier().load::<Token>(digest) {
            Err(error) if error.is_damage() => None,
            found => found?,
        };
        Ok(match token {
            Some(token) => means(named, &token.value),
            None => {
                let borrower = &lease.borrower;
                named.means(&Who::Entity(borrower.id.clone()), &borrower.accessor, &borrower.name)
            }
        })
    }
}

fn means(named: &Named, token: &Token) -> bool {
    let who = match (token.entity_id(), token.origin()) {
        ("", None) => Who::Token,
        ("", Some(origin)) => Who::Login(origin.clone()),
        (entity, _) => Who::Entity(entity.to_owned()),
    };
    named.means(&who, token.accessor().as_str(), token.display_name())
}

/// Records read at a time.
const PAGE: usize = 500;
