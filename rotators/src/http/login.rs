//! A fresh login as a credential.

use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Login, Probe};

use super::api::{Answer, Api, Failure};
use super::config::Config;
use super::template::Values;
use super::{classify, say};

/// A fresh login, and what the API told in its answer.
pub(super) async fn try_login(config: &Config, login: &Login) -> (Probe, Option<Answer>) {
    let description = &config.service.login;
    let api = match Api::new(config).await {
        Ok(api) => api,
        Err(fault) => return (Probe::Inconclusive(fault), None),
    };
    let token = match api.token(&description.by, login) {
        Ok(token) => token,
        Err(fault) => return (Probe::Inconclusive(fault), None),
    };
    let password = Some(&login.password);
    let values = Values { username: &login.username, password, ..Values::default() };
    match api.send(&description.ask, &token, &values).await {
        Ok(answer) => {
            let Answer { status, body, .. } = &answer;
            (classify::login(description, &login.username, *status, body, config.place()), Some(answer))
        }
        Err(Failure::Unsent(fault)) => (Probe::Inconclusive(fault), None),
        Err(Failure::Silent) => {
            let what = "the login got no answer that could be used";
            (Probe::Inconclusive(say(config, FaultClass::Unreachable, what)), None)
        }
    }
}
