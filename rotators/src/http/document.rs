//! The description of an API as a person writes it: `docs/rotators/http.md` is its reference.
//!
//! Only the form is looked at here; what the parts mean together is `service`'s.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use vault_core::rotation::fault::FaultClass;

use super::pointer::Condition;

/// The whole description.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) name: String,
    #[serde(default)]
    pub(super) parameters: BTreeMap<String, Option<String>>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) lifetime: Option<String>,
    pub(super) management: Presented,
    pub(super) check: Check,
    pub(super) account: Account,
    #[serde(default)]
    pub(super) rights: Vec<Rights>,
    #[serde(default)]
    pub(super) set: Option<Plain>,
    #[serde(default)]
    pub(super) create: Option<Create>,
    #[serde(default)]
    pub(super) credentials: Option<Credentials>,
    #[serde(default)]
    pub(super) delete: Option<Delete>,
    pub(super) login: Login,
    #[serde(default)]
    pub(super) sessions: Option<Sessions>,
    #[serde(default)]
    pub(super) end_sessions: Option<Plain>,
}

/// How a credential is shown to the API.
#[derive(Debug, Deserialize)]
#[serde(tag = "by", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Presented {
    /// User name and password (RFC 7617).
    Basic {},
    /// As `Authorization: Bearer …` (RFC 6750).
    Bearer {},
    /// In a header of this name, behind this text.
    Header {
        header: String,
        #[serde(default)]
        prefix: String,
    },
    /// A login that yields a token, which is then shown in a header.
    Session {
        login: Box<SessionLogin>,
        #[serde(default)]
        header: Option<String>,
        #[serde(default)]
        prefix: Option<String>,
    },
    /// The request itself holds it, by its placeholders.
    Request {},
}

/// A refusal that has a class of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    #[serde(default)]
    pub(super) status: Option<u16>,
    #[serde(default)]
    pub(super) pointer: Option<String>,
    #[serde(default)]
    pub(super) equals: Option<Value>,
    pub(super) class: FaultClass,
}

/// A request without anything else.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) request: &'a str,
    pub(super) json: Option<&'a Value>,
    pub(super) form: Option<&'a BTreeMap<String, String>>,
    pub(super) ok: &'a [Condition],
    pub(super) errors: &'a [Rule],
}

/// A part that is one request, and what is particular to it. (Flattening would lose the names of unknown fields.)
macro_rules! parts {
    ($($(#[$doc:meta])* $name:ident { $($(#[$attribute:meta])* $field:ident: $kind:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            request: String,
            #[serde(default)]
            json: Option<Value>,
            #[serde(default)]
            form: Option<BTreeMap<String, String>>,
            #[serde(default)]
            ok: Vec<Condition>,
            #[serde(default)]
            errors: Vec<Rule>,
            $($(#[$attribute])* pub(super) $field: $kind,)*
        }

        impl $name {
            pub(super) fn request(&self) -> Request<'_> {
                Request {
                    request: &self.request,
                    json: self.json.as_ref(),
                    form: self.form.as_ref(),
                    ok: &self.ok,
                    errors: &self.errors,
                }
            }
        }
    )*};
}

parts! {
    /// Nothing particular.
    Plain {}
    /// The login of a management credential that yields a token.
    SessionLogin { token: String }
    /// Who am I, asked by the management credential.
    Check { #[serde(default)] version: Option<String> }
    /// The account.
    Account {
        #[serde(default)] items: Option<String>,
        #[serde(default)] name: Option<String>,
        #[serde(default)] id: Option<String>,
        #[serde(default)] rights: Vec<String>,
        #[serde(default)] locked: Vec<Condition>,
    }
    /// More of what it may do.
    Rights { pointers: Vec<String> }
    /// The account's credentials.
    Credentials {
        #[serde(default)] items: String,
        handle: String,
        label: String,
        #[serde(default)] skip: Vec<Condition>,
        #[serde(default)] page: Option<Page>,
    }
    /// One more credential.
    Create {
        handle: String,
        secret: String,
        #[serde(default)] username: Option<String>,
        #[serde(default)] ends_others: bool,
    }
    /// A credential less.
    Delete { #[serde(default)] gone: Vec<Condition> }
    /// A request as the credential itself.
    Login {
        by: Presented,
        #[serde(default)] refused: Vec<Condition>,
        #[serde(default)] locked: Vec<Condition>,
        #[serde(default)] account: Option<String>,
        #[serde(default)] handle: Option<String>,
    }
    /// The account's open sessions.
    Sessions { #[serde(default)] items: String }
}

/// How the next page of a list is asked for, where no link says so.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    pub(super) parameter: String,
    #[serde(default = "one")]
    pub(super) first: u32,
}

fn one() -> u32 {
    1
}
