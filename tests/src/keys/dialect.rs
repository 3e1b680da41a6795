//! Who is asked what, in the words of each API.

use axum::http::Method;
use serde_json::{Value, json};

use super::state::{Account, Keys};
use super::{Asked, Told, pairs};

/// What the server answers; `None` when there is nothing at this path.
pub(super) fn answer(keys: &mut Keys, asked: &Asked) -> Option<Told> {
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["api", "v4", rest @ ..] => gitlab(keys, asked, rest),
        ["api", rest @ ..] => grafana(keys, asked, rest),
        ["realms", _, "protocol", "openid-connect", "token"] => Some(token(keys, asked)),
        ["admin", "realms", _, rest @ ..] => keycloak(keys, asked, rest),
        _ => None,
    }
}

fn grafana(keys: &mut Keys, asked: &Asked, path: &[&str]) -> Option<Told> {
    let Some(manages) = keys.key(asked.bearer.as_deref().unwrap_or_default()).map(|(me, _)| me.manages)
    else {
        return Some(Told::new(401, json!({ "message": "Invalid API key" })));
    };
    if (&asked.method, path) == (&Method::GET, &["org"]) {
        return Some(Told::new(200, json!({ "id": 1, "name": "Main Org." })));
    }
    if !manages {
        return Some(Told::new(403, json!({ "message": "You'll need additional permissions" })));
    }
    Some(match (&asked.method, path) {
        (&Method::GET, ["serviceaccounts", "search"]) => {
            let wanted = asked.value("query");
            let shown = |account: &Account| {
                json!({
                    "id": account.id, "name": account.name, "login": format!("sa-{}", account.name), "orgId": 1,
                    "isDisabled": account.disabled, "role": account.role, "tokens": account.keys.len(),
                })
            };
            let found: Vec<Value> =
                keys.accounts.iter().filter(|account| account.name.contains(&wanted)).map(shown).collect();
            Told::new(200, json!({ "totalCount": found.len(), "serviceAccounts": found, "page": 1 }))
        }
        (&Method::GET, ["serviceaccounts", id, "tokens"]) => {
            let account = by_id(keys, id)?;
            let live = account.keys.iter().filter(|key| !key.revoked);
            Told::new(200, live.map(|key| key.shown(account)).collect())
        }
        (&Method::POST, ["serviceaccounts", id, "tokens"]) => {
            let id = by_id(keys, id)?.id;
            let key = keys.make_key(id, &asked.field("name")?, None)?;
            Told::new(200, json!({ "id": key.id, "name": key.label, "key": key.secret }))
        }
        (&Method::DELETE, ["serviceaccounts", id, "tokens", key]) => {
            let account = by_id(keys, id)?.id;
            revoke(keys, account, key)?;
            Told::new(200, json!({ "message": "Service account token deleted" }))
        }
        _ => return None,
    })
}

fn gitlab(keys: &mut Keys, asked: &Asked, path: &[&str]) -> Option<Told> {
    let Some((me, key)) = keys.key(asked.private_token.as_deref().unwrap_or_default()) else {
        return Some(Told::new(401, json!({ "message": "401 Unauthorized" })));
    };
    if (&asked.method, path) == (&Method::GET, &["personal_access_tokens", "self"]) {
        return Some(Told::new(200, key.shown(me)));
    }
    if !me.manages {
        return Some(Told::new(403, json!({ "message": "403 Forbidden" })));
    }
    Some(match (&asked.method, path) {
        (&Method::GET, ["metadata"]) => Told::new(200, json!({ "version": "17.9.0-test" })),
        (&Method::GET, ["users"]) => {
            let wanted = asked.value("username");
            let found = keys.accounts.iter().filter(|account| account.name == wanted);
            Told::new(200, found.map(user).collect())
        }
        (&Method::GET, ["users", id]) => Told::new(200, user(by_id(keys, id)?)),
        (&Method::GET, ["users", id, "memberships"]) => {
            let account = by_id(keys, id)?;
            Told::new(200, json!([{ "source_name": account.role, "access_level": 30 }]))
        }
        (&Method::POST, ["users", id, "personal_access_tokens"]) => {
            let id = by_id(keys, id)?.id;
            let until = asked.field("expires_at").filter(|day| day.len() == 10);
            if until.is_none() || !asked.json().get("scopes").is_some_and(Value::is_array) {
                return Some(Told::new(400, json!({ "error": "scopes is invalid" })));
            }
            let key = keys.make_key(id, &asked.field("name")?, until)?;
            let mut told = key.shown(by_id(keys, &id.to_string())?);
            told.as_object_mut()?.insert("token".to_owned(), Value::String(key.secret));
            Told::new(201, told)
        }
        (&Method::GET, ["personal_access_tokens"]) => {
            let account = by_id(keys, &asked.value("user_id"))?;
            page(account, asked)
        }
        (&Method::DELETE, ["personal_access_tokens", key]) => {
            let owner = keys
                .accounts
                .iter()
                .find(|account| account.keys.iter().any(|one| one.id.to_string() == *key));
            let owner = owner?.id;
            revoke(keys, owner, key)?;
            Told::new(204, Value::Null)
        }
        _ => return None,
    })
}

/// Two keys a page, so that every list has several; revoked ones are told, too.
fn page(account: &Account, asked: &Asked) -> Told {
    let number: usize = asked.value("page").parse().unwrap_or(1);
    let items = account.keys.iter().skip((number - 1) * PAGE_ITEMS).take(PAGE_ITEMS);
    let mut told = Told::new(200, items.map(|key| key.shown(account)).collect());
    if number * PAGE_ITEMS < account.keys.len() {
        told.link = Some(format!(
            "</api/v4/personal_access_tokens?user_id={}&page=1>; rel=\"first\", \
             </api/v4/personal_access_tokens?user_id={}&page={}>; rel=\"next\"",
            account.id,
            account.id,
            number + 1
        ));
    }
    told
}

fn user(account: &Account) -> Value {
    let state = if account.disabled { "blocked" } else { "active" };
    json!({
        "id": account.id, "username": account.name, "state": state, "is_admin": account.manages,
        "external": false, "can_create_group": true,
    })
}

fn token(keys: &mut Keys, asked: &Asked) -> Told {
    let fields = pairs(&String::from_utf8_lossy(&asked.body));
    let field = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let (Some("password"), Some(_)) = (field("grant_type"), field("client_id")) else {
        return Told::new(401, json!({ "error": "unauthorized_client" }));
    };
    match keys.log_in(field("username").unwrap_or_default(), field("password").unwrap_or_default()) {
        Ok(token) => Told::new(200, json!({ "access_token": token, "token_type": "Bearer" })),
        Err(what @ "Account disabled") => {
            Told::new(400, json!({ "error": "invalid_grant", "error_description": what }))
        }
        Err(what) => Told::new(401, json!({ "error": "invalid_grant", "error_description": what })),
    }
}

fn keycloak(keys: &mut Keys, asked: &Asked, path: &[&str]) -> Option<Told> {
    let me = keys.logins.get(asked.bearer.as_deref().unwrap_or_default());
    let Some(me) = me.and_then(|name| keys.accounts.iter().find(|account| account.name == *name)) else {
        return Some(Told::new(401, json!({ "error": "HTTP 401 Unauthorized" })));
    };
    if !me.manages {
        return Some(Told::new(403, json!({ "error": "HTTP 403 Forbidden" })));
    }
    Some(match (&asked.method, path) {
        (&Method::GET, []) => Told::new(200, json!({ "realm": "staff", "enabled": true })),
        (&Method::GET, ["users"]) => {
            let wanted = asked.value("username");
            let found = keys.accounts.iter().filter(|account| account.name == wanted);
            let shown = |account: &Account| json!({ "id": account.id.to_string(), "username": account.name, "enabled": !account.disabled });
            Told::new(200, found.map(shown).collect())
        }
        (&Method::GET, ["users", id, "role-mappings", "realm"]) => {
            Told::new(200, json!([{ "id": "r1", "name": by_id(keys, id)?.role }]))
        }
        (&Method::GET, ["users", id, "groups"]) => {
            by_id(keys, id)?;
            Told::new(200, json!([{ "id": "g1", "path": "/staff" }]))
        }
        (&Method::PUT, ["users", id, "reset-password"]) => {
            let id = by_id(keys, id)?.id;
            let value = asked.field("value")?;
            if keys.refused_text.as_ref().is_some_and(|text| value.contains(text.as_str())) {
                return Some(Told::new(400, json!({ "error": "invalidPasswordMinLengthMessage" })));
            }
            keys.accounts.iter_mut().find(|account| account.id == id)?.password = value;
            Told::new(204, Value::Null)
        }
        (&Method::GET, ["users", id, "sessions"]) => {
            Told::new(200, (0..by_id(keys, id)?.sessions).map(|number| json!({ "id": number })).collect())
        }
        (&Method::POST, ["users", id, "logout"]) => {
            let name = by_id(keys, id)?.name.clone();
            keys.logins.retain(|_, whose| *whose != name);
            keys.accounts.iter_mut().find(|account| account.name == name)?.sessions = 0;
            Told::new(204, Value::Null)
        }
        _ => return None,
    })
}

fn by_id<'a>(keys: &'a Keys, id: &str) -> Option<&'a Account> {
    keys.accounts.iter().find(|account| account.id.to_string() == id)
}

fn revoke(keys: &mut Keys, account: u64, key: &str) -> Option<()> {
    let account = keys.accounts.iter_mut().find(|found| found.id == account)?;
    let key = account.keys.iter_mut().find(|one| one.id.to_string() == key && !one.revoked)?;
    key.revoked = true;
    Some(())
}

impl Asked {
    fn value(&self, name: &str) -> String {
        let found = self.query.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// A text of the body.
    fn field(&self, name: &str) -> Option<String> {
        Some(self.json().get(name)?.as_str()?.to_owned())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

const PAGE_ITEMS: usize = 2;
