//! The parts of a description, each looked through by itself and told by its name.

use super::sound::{
    RESERVED_HEADERS, conditions, header_name, header_prefix, is_path, lifetime, of_item, place, place_if,
    wrong,
};
use super::{
    Account, Ask, BTreeMap, Body, Condition, Document, FaultClass, HeaderName, HeaderValue, Hole,
    JsonTemplate, Keys, List, Login, Making, Method, Presented, Service, ServiceError, Sessions, Shown,
    Template, TemplateError, document, shown,
};

/// Looks through a document.
pub(super) struct Reader<'a> {
    pub(super) parameters: &'a BTreeMap<String, String>,
    pub(super) document: &'a Document,
}

impl Reader<'_> {
    pub(super) fn service(&self) -> Result<Service, ServiceError> {
        let document = self.document;
        let check = self.ask("check", &document.check.request(), &[Hole::Username])?;
        let rights = document.rights.iter().map(|part| {
            part.pointers.iter().try_for_each(|text| place("rights.pointers", text))?;
            Ok((self.ask("rights", &part.request(), &self.of_account())?, part.pointers.clone()))
        });
        place_if("check.version", document.check.version.as_ref())?;
        if document.name.is_empty() || document.name.chars().any(char::is_control) {
            return Err(wrong("name", "must be the name of the API, for messages"));
        }
        Ok(Service {
            name: shown(&document.name),
            headers: self.headers()?,
            lifetime: document.lifetime.as_deref().map(lifetime).transpose()?,
            management: self.shown("management", &document.management)?,
            check,
            version: document.check.version.clone(),
            account: self.account()?,
            rights: rights.collect::<Result<_, _>>()?,
            making: self.making()?,
            login: self.login()?,
            sessions: self.sessions()?,
        })
    }

    fn headers(&self) -> Result<Vec<(HeaderName, HeaderValue)>, ServiceError> {
        let header = |(name, value): (&String, &String)| {
            let named = header_name("headers", name)?;
            if RESERVED_HEADERS.contains(&named.as_str()) {
                return Err(wrong("headers", &format!("{named} is not set here")));
            }
            let value = HeaderValue::from_str(value)
                .map_err(|_| wrong("headers", &format!("the value of {named} is none of HTTP's")))?;
            Ok((named, value))
        };
        self.document.headers.iter().map(header).collect()
    }

    /// What may stand in a request about an account that was found.
    fn of_account(&self) -> Vec<Hole> {
        let id = self.document.account.id.as_ref().map(|_| Hole::Id);
        [Hole::Username].into_iter().chain(id).collect()
    }

    fn account(&self) -> Result<Account, ServiceError> {
        let part = &self.document.account;
        let among = match (&part.items, &part.name) {
            (None, None) => None,
            (Some(items), Some(name)) => Some((items.clone(), name.clone())),
            _ => {
                return Err(wrong(
                    "account",
                    "items and name belong together: a list, and where the name stands in each of its items",
                ));
            }
        };
        let places = [("account.items", &part.items), ("account.name", &part.name), ("account.id", &part.id)];
        places.into_iter().try_for_each(|(field, text)| place_if(field, text.as_ref()))?;
        part.rights.iter().try_for_each(|text| place("account.rights", text))?;
        of_item("account.locked", &part.locked)?;
        Ok(Account {
            ask: self.ask("account", &part.request(), &[Hole::Username])?,
            among,
            id: part.id.clone(),
            rights: part.rights.clone(),
            locked: part.locked.clone(),
        })
    }

    fn making(&self) -> Result<Making, ServiceError> {
        let document = self.document;
        match (&document.set, &document.create) {
            (Some(set), None) => {
                for (field, there) in
                    [("credentials", document.credentials.is_some()), ("delete", document.delete.is_some())]
                {
                    if there {
                        return Err(wrong(field, "belongs to create; with set there is one credential"));
                    }
                }
                let mut allowed = self.of_account();
                allowed.extend([Hole::Password, Hole::Rotation, Hole::Label]);
                let ask = self.ask("set", &set.request(), &allowed)?;
                if !ask.has(Hole::Password) {
                    return Err(wrong("set", "does not send {{password}}"));
                }
                Ok(Making::Vault(Box::new(ask)))
            }
            (None, Some(create)) => Ok(Making::Target(Box::new(self.keys(create)?))),
            _ => Err(ServiceError::Making),
        }
    }

    fn keys(&self, part: &document::Create) -> Result<Keys, ServiceError> {
        let (Some(list), Some(delete), false) =
            (&self.document.credentials, &self.document.delete, part.ends_others)
        else {
            return Err(ServiceError::Replaces);
        };
        let mut allowed = self.of_account();
        allowed.extend([Hole::Rotation, Hole::Label]);
        if self.document.lifetime.is_some() {
            allowed.extend([Hole::ExpiresDate, Hole::ExpiresAt, Hole::LifetimeSeconds]);
        }
        let create = self.ask("create", &part.request(), &allowed)?;
        if !create.has(Hole::Label) && !create.has(Hole::Rotation) {
            let what = "must send {{label}} (as the name or a note of the credential), so that one whose answer was lost can be found and taken away";
            return Err(wrong("create", what));
        }
        place("create.handle", &part.handle)?;
        place("create.secret", &part.secret)?;
        place_if("create.username", part.username.as_ref())?;
        let mut allowed = self.of_account();
        allowed.push(Hole::Handle);
        let deleted = self.ask("delete", &delete.request(), &allowed)?;
        if !deleted.has(Hole::Handle) {
            return Err(wrong("delete", "does not name the credential by {{handle}}"));
        }
        conditions("delete.gone", &delete.gone)?;
        let gone = Condition { status: Some(404), pointer: None, equals: None };
        Ok(Keys {
            create,
            handle: part.handle.clone(),
            secret: part.secret.clone(),
            username: part.username.clone(),
            list: self.list(list)?,
            delete: deleted,
            gone: if delete.gone.is_empty() { vec![gone] } else { delete.gone.clone() },
        })
    }

    fn list(&self, part: &document::Credentials) -> Result<List, ServiceError> {
        let places = [
            ("credentials.items", &part.items),
            ("credentials.handle", &part.handle),
            ("credentials.label", &part.label),
        ];
        places.into_iter().try_for_each(|(field, text)| place(field, text))?;
        of_item("credentials.skip", &part.skip)?;
        if let Some(page) = &part.page {
            let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
            if page.parameter.is_empty() || !page.parameter.bytes().all(sound) {
                return Err(wrong("credentials.page.parameter", "must be the name of a query parameter"));
            }
        }
        let ask = self.ask("credentials", &part.request(), &self.of_account())?;
        if ask.method != Method::GET {
            return Err(wrong("credentials", "must be a GET request"));
        }
        Ok(List {
            ask,
            items: part.items.clone(),
            handle: part.handle.clone(),
            label: part.label.clone(),
            skip: part.skip.clone(),
            page: part.page.clone(),
        })
    }

    fn login(&self) -> Result<Login, ServiceError> {
        let part = &self.document.login;
        let by = match &part.by {
            Presented::Session { .. } => {
                return Err(wrong(
                    "login.by",
                    "must be basic, bearer, header or request: for a login that yields a token, describe that very login by request",
                ));
            }
            other => self.shown("login.by", other)?,
        };
        let allowed: &[Hole] =
            if by == Shown::Request { &[Hole::Username, Hole::Password] } else { &[Hole::Username] };
        let ask = self.ask("login", &part.request(), allowed)?;
        if by == Shown::Request && !ask.has(Hole::Password) {
            return Err(wrong("login", "does not send {{password}}"));
        }
        if !part.request().errors.is_empty() {
            return Err(wrong("login", "has refused and locked in place of errors"));
        }
        conditions("login.refused", &part.refused)?;
        conditions("login.locked", &part.locked)?;
        place_if("login.account", part.account.as_ref())?;
        let names_of_their_own =
            self.document.create.as_ref().is_some_and(|create| create.username.is_some());
        if part.account.is_some() && names_of_their_own {
            return Err(wrong(
                "login.account",
                "cannot be compared where create.username gives credentials names of their own",
            ));
        }
        place_if("login.handle", part.handle.as_ref())?;
        let refused = Condition { status: Some(401), pointer: None, equals: None };
        Ok(Login {
            ask,
            by,
            refused: if part.refused.is_empty() { vec![refused] } else { part.refused.clone() },
            locked: part.locked.clone(),
            account: part.account.clone(),
            handle: part.handle.clone(),
        })
    }

    fn sessions(&self) -> Result<Option<Sessions>, ServiceError> {
        match (&self.document.sessions, &self.document.end_sessions) {
            (None, None) => Ok(None),
            (Some(list), Some(end)) => {
                place("sessions.items", &list.items)?;
                Ok(Some(Sessions {
                    list: self.ask("sessions", &list.request(), &self.of_account())?,
                    items: list.items.clone(),
                    end: self.ask("end_sessions", &end.request(), &self.of_account())?,
                }))
            }
            _ => Err(wrong("sessions", "sessions (the list) and end_sessions belong together")),
        }
    }

    fn shown(&self, field: &str, presented: &Presented) -> Result<Shown, ServiceError> {
        Ok(match presented {
            Presented::Basic {} => Shown::Basic,
            Presented::Bearer {} => Shown::Header(reqwest::header::AUTHORIZATION, "Bearer ".to_owned()),
            Presented::Header { header, prefix } => {
                Shown::Header(header_name(field, header)?, header_prefix(field, prefix)?)
            }
            Presented::Session { login, header, prefix } => {
                place(&format!("{field}.login.token"), &login.token)?;
                let allowed = [Hole::Username, Hole::Password];
                let ask = self.ask(&format!("{field}.login"), &login.request(), &allowed)?;
                if !ask.has(Hole::Password) {
                    return Err(wrong(&format!("{field}.login"), "does not send {{password}}"));
                }
                Shown::Session {
                    login: Box::new(ask),
                    token: login.token.clone(),
                    header: header_name(field, header.as_deref().unwrap_or("authorization"))?,
                    prefix: header_prefix(field, prefix.as_deref().unwrap_or("Bearer "))?,
                }
            }
            Presented::Request {} if field == "management" => {
                return Err(wrong(field, "must be basic, bearer, header or session"));
            }
            Presented::Request {} => Shown::Request,
        })
    }

    fn ask(&self, field: &str, part: &document::Request<'_>, allowed: &[Hole]) -> Result<Ask, ServiceError> {
        let request = || format!("{field}.request");
        let form =
            "must look like GET /path?query, with the method in capitals and a path below connection_url";
        let (method, path) = part.request.split_once(' ').ok_or_else(|| wrong(&request(), form))?;
        let method = METHODS.iter().find(|known| known.as_str() == method);
        let method = method.ok_or_else(|| wrong(&request(), form))?;
        if !is_path(path) {
            return Err(wrong(&request(), form));
        }
        // An address is written to the logs of whatever it passes.
        let without_password: Vec<Hole> =
            allowed.iter().copied().filter(|hole| *hole != Hole::Password).collect();
        let said = |place: String| move |error: TemplateError| wrong(&place, &error.to_string());
        let path = Template::parse(path, self.parameters, &without_password).map_err(said(request()))?;
        let body = match (part.json, part.form) {
            (None, None) => Body::None,
            (Some(_), Some(_)) => return Err(wrong(field, "has both json and form")),
            (Some(json), None) => Body::Json(
                JsonTemplate::parse(json, self.parameters, allowed).map_err(said(format!("{field}.json")))?,
            ),
            (None, Some(form)) => {
                let fields = form
                    .iter()
                    .map(|(name, text)| Ok((name.clone(), Template::parse(text, self.parameters, allowed)?)));
                let fields: Result<_, TemplateError> = fields.collect();
                Body::Form(fields.map_err(said(format!("{field}.form")))?)
            }
        };
        conditions(&format!("{field}.ok"), part.ok)?;
        let rules = part.errors.iter().map(|rule| {
            let (status, pointer) = (rule.status, rule.pointer.clone());
            let condition = Condition { status, pointer, equals: rule.equals.clone() };
            conditions(&format!("{field}.errors"), std::slice::from_ref(&condition))?;
            if !CLASSES.contains(&rule.class) {
                return Err(wrong(
                    &format!("{field}.errors"),
                    &format!("{} is no class of an answer", rule.class),
                ));
            }
            Ok((condition, rule.class))
        });
        let errors = rules.collect::<Result<_, _>>()?;
        Ok(Ask { method: method.clone(), path, body, ok: part.ok.to_vec(), errors })
    }
}

const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
/// What an answer can mean.
const CLASSES: [FaultClass; 8] = [
    FaultClass::AccountLocked,
    FaultClass::AccountMissing,
    FaultClass::Ambiguous,
    FaultClass::ManagementAuthRefused,
    FaultClass::PermissionDenied,
    FaultClass::PolicyRejected,
    FaultClass::Preflight,
    FaultClass::Unreachable,
];
