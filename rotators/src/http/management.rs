//! What the management credential asks for: the account, its rights, its credentials.

use serde_json::Value;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{Login, Rights};
use vault_core::secret::SecretString;

use super::api::{Answer, Api, Failure, Token};
use super::classify::{self, Purpose, Verdict};
use super::config::Config;
use super::link;
use super::pointer::{handle_in, lines, name_in};
use super::service::{Ask, Keys, Shown};
use super::template::Values;

/// The management credential, ready to act; where it needs a session, logged in.
pub(super) struct Manager<'a> {
    api: Api<'a>,
    token: Token<'a>,
}

/// What became of a change.
pub(super) enum Changed {
    Done(Answer),
    Not(Fault),
    Unknown(Fault),
}

/// An account that is there.
pub(super) struct Found<'a> {
    pub(super) username: &'a str,
    /// As the API tells it.
    pub(super) body: Value,
    pub(super) id: Option<Value>,
    /// Of the target and this account, in labels.
    pub(super) mark: String,
}

impl Found<'_> {
    /// What stands for it in further requests.
    pub(super) fn values(&self) -> Values<'_> {
        Values { username: self.username, id: self.id.as_ref(), mark: &self.mark, ..Values::default() }
    }
}

/// A credential of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) handle: String,
    pub(super) label: String,
}

impl<'a> Manager<'a> {
    /// # Errors
    /// As a look at the API.
    pub(super) async fn open(config: &'a Config, management: &'a Login) -> Result<Self, Fault> {
        let api = Api::new(config).await?;
        let shown = &config.service.management;
        let Shown::Session { login, token, header, prefix } = shown else {
            let token = api.token(shown, management)?;
            return Ok(Self { api, token });
        };
        let values = Values {
            username: &management.username,
            password: Some(&management.password),
            ..Values::default()
        };
        let opening = Self { api, token: Token::None };
        let mut answer = opening.look(login, Purpose::Session, &values).await?;
        let found = match answer.body.pointer_mut(token) {
            Some(Value::String(text)) => SecretString::new(std::mem::take(text)),
            _ => return Err(opening.unexplained("the login of the management credential brought no token")),
        };
        let token = opening.api.header(header, prefix, &found)?;
        Ok(Self { token, ..opening })
    }

    /// Asks whether the management credential is taken; tells the API's version, if the description says where.
    pub(super) async fn check(&self, management: &Login) -> Result<Option<String>, Fault> {
        let service = &self.api.config.service;
        let values = Values { username: &management.username, ..Values::default() };
        let answer = self.look(&service.check, Purpose::Check, &values).await?;
        let version = service.version.as_ref().and_then(|place| answer.body.pointer(place)).and_then(name_in);
        let plain = |text: String| text.chars().filter(|c| !c.is_control()).take(VERSION_CHARS_MAX).collect();
        Ok(version.map(plain))
    }

    /// # Errors
    /// `account_missing`, or as a look at the API.
    pub(super) async fn account<'u>(&self, username: &'u str) -> Result<Found<'u>, Fault> {
        let description = &self.api.config.service.account;
        let values = Values { username, ..Values::default() };
        let mut answer = self.look(&description.ask, Purpose::Account, &values).await?;
        let body = match &description.among {
            None => answer.body.take(),
            Some((items, name)) => {
                let Some(Value::Array(all)) = answer.body.pointer_mut(items) else {
                    return Err(self.unexplained("the answer has no list where account.items says"));
                };
                all.retain(|item| item.pointer(name).and_then(name_in).as_deref() == Some(username));
                match (all.pop(), all.is_empty()) {
                    (Some(item), true) => item,
                    (None, _) => {
                        return Err(self.fault(FaultClass::AccountMissing, "there is no such account"));
                    }
                    (Some(_), false) => {
                        return Err(self.unexplained("the answer has several accounts of this name"));
                    }
                }
            }
        };
        let id = description.id.as_ref().map(|place| {
            let id = body.pointer(place).filter(|id| handle_in(id).is_some());
            let what = "the account has no id where account.id says, or one that no address can name";
            id.cloned().ok_or_else(|| self.unexplained(what))
        });
        Ok(Found { username, id: id.transpose()?, body, mark: self.api.config.mark(username) })
    }

    /// # Errors
    /// `account_locked`.
    pub(super) fn let_in(&self, account: &Found<'_>) -> Result<(), Fault> {
        let locked = &self.api.config.service.account.locked;
        if locked.iter().any(|condition| condition.holds(None, &account.body)) {
            return Err(self.fault(FaultClass::AccountLocked, "the account is locked or disabled"));
        }
        Ok(())
    }

    pub(super) async fn rights(&self, account: &Found<'_>) -> Result<Rights, Fault> {
        let service = &self.api.config.service;
        let mut all: Vec<String> =
            service.account.rights.iter().flat_map(|place| lines(&account.body, place)).collect();
        for (ask, places) in &service.rights {
            let answer = self.look(ask, Purpose::Rights, &account.values()).await?;
            all.extend(places.iter().flat_map(|place| lines(&answer.body, place)));
        }
        Ok(Rights(all))
    }

    /// Every credential of the account, over all pages.
    pub(super) async fn credentials(&self, keys: &Keys, account: &Found<'_>) -> Result<Vec<Key>, Fault> {
        let list = &keys.list;
        let values = account.values();
        let first = self.api.address(&list.ask, &values)?;
        let at = |number: u32| match &list.page {
            None => first.clone(),
            Some(page) => {
                let sign = if first.contains('?') { '&' } else { '?' };
                format!("{first}{sign}{}={}", page.parameter, page.first.saturating_add(number))
            }
        };
        let (mut all, mut address) = (Vec::new(), at(0));
        for number in 0..PAGES_MAX {
            let asked = self.api.send_to(&address, &list.ask, &self.token, &values).await;
            let answer = self.looked(&list.ask, Purpose::Credentials, asked)?;
            let Some(items) = answer.body.pointer(&list.items).and_then(Value::as_array) else {
                return Err(self.unexplained("the answer has no list where credentials.items says"));
            };
            for item in items.iter().filter(|item| !list.skip.iter().any(|skip| skip.holds(None, item))) {
                let handle = item.pointer(&list.handle).and_then(handle_in).ok_or_else(|| {
                    let what = "a credential has no handle where credentials.handle says, or one that no address can name";
                    self.unexplained(what)
                })?;
                // A credential of a person's may have no label.
                let label = item.pointer(&list.label).and_then(name_in).unwrap_or_default();
                all.push(Key { handle, label });
            }
            address = match (&list.page, &answer.next) {
                (Some(_), _) if items.is_empty() => return Ok(all),
                (Some(_), _) => at(number + 1),
                (None, None) => return Ok(all),
                (None, Some(next)) => link::resolved(&address, next)
                    .ok_or_else(|| self.unexplained("the next page of a list is on another host"))?,
            };
        }
        Err(self.unexplained("the list of the account's credentials has too many pages"))
    }

    /// Deletes a credential; one that is gone already counts as deleted.
    pub(super) async fn delete(&self, keys: &Keys, account: &Found<'_>, handle: &str) -> Changed {
        let values = Values { handle: Some(handle), ..account.values() };
        match self.api.send(&keys.delete, &self.token, &values).await {
            Ok(answer) if keys.gone.iter().any(|gone| gone.holds(Some(answer.status), &answer.body)) => {
                Changed::Done(answer)
            }
            asked => self.changed(&keys.delete, Purpose::Delete, asked),
        }
    }

    /// Deletes these, one after the other, and looks whether they are gone: a 404 may come from elsewhere.
    ///
    /// # Errors
    /// Of the first that is not known to be gone, or of those that are listed all the same.
    pub(super) async fn delete_all(
        &self,
        keys: &Keys,
        account: &Found<'_>,
        all: impl Iterator<Item = &str>,
    ) -> Result<(), Fault> {
        let all: Vec<&str> = all.collect();
        for handle in &all {
            match self.delete(keys, account, handle).await {
                Changed::Done(_) => {}
                Changed::Not(fault) => return Err(fault),
                // A look at the list will tell: it is asked for again.
                Changed::Unknown(fault) => return Err(Fault::new(FaultClass::Unreachable, fault.detail)),
            }
        }
        self.gone(keys, account, &all).await
    }

    /// Whether the list shows none of these any more.
    ///
    /// # Errors
    /// As a look at the API, or `unreachable` when it shows one: a list can lag behind, so that is asked again.
    pub(super) async fn gone(&self, keys: &Keys, account: &Found<'_>, handles: &[&str]) -> Result<(), Fault> {
        if handles.is_empty() {
            return Ok(());
        }
        let left = self.credentials(keys, account).await?;
        if left.iter().any(|key| handles.contains(&key.handle.as_str())) {
            let what = "a credential that was deleted still stands in the list of the account's credentials: if it is dead there, describe that by credentials.skip; if not, look at delete";
            return Err(self.fault(FaultClass::Unreachable, what));
        }
        Ok(())
    }

    /// A request that changes nothing.
    pub(super) async fn look(
        &self,
        ask: &Ask,
        purpose: Purpose,
        values: &Values<'_>,
    ) -> Result<Answer, Fault> {
        self.looked(ask, purpose, self.api.send(ask, &self.token, values).await)
    }

    /// A request that changes something.
    pub(super) async fn change(&self, ask: &Ask, purpose: Purpose, values: &Values<'_>) -> Changed {
        self.changed(ask, purpose, self.api.send(ask, &self.token, values).await)
    }

    fn looked(&self, ask: &Ask, purpose: Purpose, asked: Result<Answer, Failure>) -> Result<Answer, Fault> {
        let answer = asked.map_err(|failure| match failure {
            Failure::Unsent(fault) => fault,
            Failure::Silent => classify::silent(purpose, self.api.place()),
        })?;
        let class = match classify::verdict(ask, purpose, answer.status, &answer.body) {
            Verdict::Done => return Ok(answer),
            Verdict::Refused(class) => Some(class),
            Verdict::Unclear => None,
        };
        Err(classify::look(class, purpose, answer.status, self.api.place()))
    }

    fn changed(&self, ask: &Ask, purpose: Purpose, asked: Result<Answer, Failure>) -> Changed {
        let place = self.api.place();
        let answer = match asked {
            Ok(answer) => answer,
            Err(Failure::Unsent(fault)) => return Changed::Not(fault),
            Err(Failure::Silent) => return Changed::Unknown(classify::doubtful(purpose, None, place)),
        };
        match classify::verdict(ask, purpose, answer.status, &answer.body) {
            Verdict::Done => Changed::Done(answer),
            Verdict::Refused(class) => Changed::Not(classify::said(class, purpose, answer.status, place)),
            Verdict::Unclear => Changed::Unknown(classify::doubtful(purpose, Some(answer.status), place)),
        }
    }

    pub(super) fn unexplained(&self, what: &str) -> Fault {
        self.fault(FaultClass::Preflight, what)
    }

    pub(super) fn fault(&self, class: FaultClass, what: &str) -> Fault {
        Fault::new(class, format!("{}: {what}", self.api.place()))
    }
}

/// More pages than this are an error, not a shorter list.
const PAGES_MAX: u32 = 100;
const VERSION_CHARS_MAX: usize = 60;
