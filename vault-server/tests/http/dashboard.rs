//! The dashboard as a browser meets it: signing in and out, pages, forms, and what they never do.

mod audit;
mod cost;
mod form;
mod lend;
mod line;
mod live;
mod notification;
mod overview;
mod page;
mod quiet;
mod refused;
mod report;
mod safety;
mod silence;
mod target;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::vault::{Reply, Vault};

/// A browser that is signed in, or not.
pub(crate) struct Browser<'a> {
    pub(crate) vault: &'a Vault,
    pub(crate) cookie: String,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(vault: &'a Vault) -> Self {
        Self { vault, cookie: String::new() }
    }

    /// Signed in by `token`.
    pub(crate) async fn with_token(vault: &'a Vault, token: &str) -> Self {
        let mut browser = Self::new(vault);
        let reply = browser.sign_in(&[("token", token)]).await;
        assert_eq!(reply.status, 303, "{}", reply.text);
        browser
    }

    pub(crate) async fn sign_in(&mut self, fields: &[(&str, &str)]) -> Reply {
        let reply = self.send("/ui/sign-in", fields, &OWN).await;
        if let Some(cookie) = reply.headers.get("set-cookie") {
            self.cookie = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        }
        reply
    }

    pub(crate) async fn get(&self, uri: &str) -> Reply {
        self.vault.raw("GET", uri, &[("cookie", &self.cookie)], "").await
    }

    /// Sends a form as a page of the vault does, with the session's form token.
    pub(crate) async fn post(&self, uri: &str, fields: &[(&str, &str)]) -> Reply {
        let token = self.form_token().await;
        let mut fields = fields.to_vec();
        fields.push(("form_token", &token));
        self.send(uri, &fields, &OWN).await
    }

    pub(crate) async fn send(&self, uri: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Reply {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let pairs: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        let mut all =
            vec![("content-type", "application/x-www-form-urlencoded"), ("cookie", self.cookie.as_str())];
        if !headers.iter().any(|(name, _)| *name == "host") {
            all.push(("host", "vault.example:8200"));
        }
        all.extend_from_slice(headers);
        self.vault.raw("POST", uri, &all, &pairs.join("&")).await
    }

    pub(crate) async fn form_token(&self) -> String {
        let page = self.get("/ui/").await;
        let marked = "name=\"form_token\" value=\"";
        let Some((_, rest)) = page.text.split_once(marked) else { return String::new() };
        rest.split('"').next().unwrap().to_owned()
    }
}

/// What a browser says of a form on a page of the vault: its pages send no referrer, and so no origin.
pub(crate) const OWN: [(&str, &str); 2] = [("sec-fetch-site", "same-origin"), ("origin", "null")];
