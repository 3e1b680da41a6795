//! One attempt by mail: a conversation with an SMTP server, and what came of it.
//!
//! Where `smtp://` is asked for, STARTTLS is demanded, unless plain text was allowed in words; nothing falls back to plain
//! by itself, and a password is never sent so. The name is looked up here, and the connection is made to an
//! address that was checked.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, SinglePart};
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use rustls::RootCertStore;
use vault_core::clock::Timestamp;
use vault_core::webhook::mail::{Letter, Mail};
use vault_core::webhook::{Delivery, FailureClass, Webhook};

use super::address::{LookupError, MailServer, checked_mail, lookup};
use super::send::{Answered, REST_MAX, roots};

/// Who sends the mail of a webhook, as it is configured now.
pub(super) struct Mailer {
    server: MailServer,
    /// `None`: in plain text, which was allowed in words.
    tls: Option<TlsParameters>,
    from: Mailbox,
    to: Vec<Mailbox>,
    hello: ClientId,
    login_refused: AtomicBool,
}

/// Why an address of a webhook is none, in words that say what to mend.
pub(super) fn check(mail: &Mail) -> Result<(), &'static str> {
    if mail.from.parse::<Mailbox>().is_err() {
        return Err("mail_from must be an address, such as rotunda@example.org");
    }
    if mail.to.is_empty() || mail.to.iter().any(|to| to.parse::<Mailbox>().is_err()) {
        return Err("mail_to must be addresses, such as oncall@example.org");
    }
    Ok(())
}

impl Mailer {
    /// For `webhook`; `None` when its settings cannot be used.
    pub(super) fn of(webhook: &Webhook) -> Option<Self> {
        let mail = webhook.mail.as_ref()?;
        let server = checked_mail(&webhook.url).ok()?;
        let from: Mailbox = mail.from.parse().ok()?;
        let to = mail.to.iter().map(|to| to.parse().ok()).collect::<Option<Vec<Mailbox>>>()?;
        let is_plain = webhook.allow_http && !server.tls_at_once;
        let tls = if is_plain { None } else { Some(parameters(webhook, &server.host)?) };
        let hello = ClientId::Domain(from.email.domain().to_owned());
        Some(Self { server, tls, from, to, hello, login_refused: AtomicBool::new(false) })
    }

    /// The letter for a delivery.
    pub(super) fn letter(
        &self,
        delivery: &Delivery,
        webhook: &Webhook,
        first: Option<vault_core::id::EventId>,
    ) -> Option<Letter> {
        Letter::of(delivery, webhook.id, self.from.email.domain(), first)
    }

    /// Sends a letter about what happened at `at`, and tells what the server said.
    pub(super) async fn send(&self, webhook: &Webhook, letter: Letter, at: Timestamp) -> Answered {
        let Some(message) = self.message(letter, at) else {
            return Answered::failed(FailureClass::Settings);
        };
        let answered = match tokio::time::timeout(webhook.timeout, self.talk(webhook, &message)).await {
            Ok((answered, connection)) => {
                // What was said is said: how the conversation ends does not matter.
                if let Some(mut connection) = connection {
                    let _ = tokio::time::timeout(REST_MAX, connection.quit()).await;
                }
                answered
            }
            Err(_) => Answered::failed(FailureClass::Timeout),
        };
        self.login_refused.store(answered.failure == Some(FailureClass::Login), Ordering::Relaxed);
        answered
    }

    /// Whether the last login was refused.
    pub(super) fn is_login_refused(&self) -> bool {
        self.login_refused.load(Ordering::Relaxed)
    }

    fn message(&self, letter: Letter, at: Timestamp) -> Option<Message> {
        let millis = u64::try_from(at.as_millis()).unwrap_or(0);
        let mut builder = Message::builder()
            .from(self.from.clone())
            .subject(letter.subject)
            .date(std::time::UNIX_EPOCH + Duration::from_millis(millis))
            .message_id(Some(letter.id))
            .header(AutoSubmitted)
            .user_agent(concat!("rotunda/", env!("CARGO_PKG_VERSION")).to_owned());
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        if let Some(first) = letter.answers {
            builder = builder.in_reply_to(first.clone()).references(first);
        }
        let part = SinglePart::builder().header(ContentType::TEXT_PLAIN).body(letter.text);
        builder.singlepart(part).ok()
    }

    /// What the server says to a message, and the connection, where there is one.
    async fn talk(&self, webhook: &Webhook, message: &Message) -> (Answered, Option<AsyncSmtpConnection>) {
        let mut connection = match self.connect(webhook.timeout).await {
            Ok(connection) => connection,
            Err(failed) => return (failed, None),
        };
        // One of which TLS has failed is not to be spoken to any more.
        if let Err(failed) = self.secure(&mut connection).await {
            return (failed, None);
        }
        match converse(&mut connection, webhook, message).await {
            Ok(said) => (said, Some(connection)),
            Err(failed) => (failed, None),
        }
    }

    /// Has the connection go on under TLS, where it does not from the first byte.
    async fn secure(&self, connection: &mut AsyncSmtpConnection) -> Result<(), Answered> {
        if !self.server.tls_at_once
            && let Some(tls) = &self.tls
        {
            if !connection.can_starttls() {
                return Err(Answered::failed(FailureClass::Tls));
            }
            connection.starttls(tls.clone(), &self.hello).await.map_err(|error| answered(&error))?;
        }
        Ok(())
    }

    /// A connection to the first address that takes one.
    async fn connect(&self, timeout: Duration) -> Result<AsyncSmtpConnection, Answered> {
        let addresses = lookup(&self.server.host, self.server.port).await.map_err(|error| {
            Answered::failed(match error {
                LookupError::Unresolved => FailureClass::Unresolved,
                LookupError::OnlyRefused => FailureClass::AddressRefused,
            })
        })?;
        let mut last = Answered::failed(FailureClass::Unresolved);
        // One that does not answer leaves time for the others.
        let each = timeout / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
        for address in addresses {
            match tokio::time::timeout(each, self.connect_to(address)).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error)) => last = answered(&error),
                Err(_) => last = Answered::failed(FailureClass::Timeout),
            }
        }
        Err(last)
    }

    async fn connect_to(
        &self,
        address: SocketAddr,
    ) -> Result<AsyncSmtpConnection, lettre::transport::smtp::Error> {
        let tls = self.tls.clone().filter(|_| self.server.tls_at_once);
        AsyncSmtpConnection::connect_tokio1(address, None, &self.hello, tls, None).await
    }
}

/// Logs in, where that is configured, and sends the message.
async fn converse(
    connection: &mut AsyncSmtpConnection,
    webhook: &Webhook,
    message: &Message,
) -> Result<Answered, Answered> {
    if let Some((user, password)) = credentials(webhook) {
        // Wiped are the vault's own copies; the library's are only freed.
        let credentials = Credentials::new(user.to_owned(), password.to_owned());
        let login = connection.auth(DEFAULT_MECHANISMS, &credentials).await;
        login.map_err(|error| refused_login(&error))?;
    }
    let sent = connection.send(message.envelope(), &message.formatted()).await;
    let status = u16::from(sent.map_err(|error| answered(&error))?.code());
    // Whatever asks for more has not taken it.
    let failure = Some(FailureClass::Failed).filter(|_| !(200..300).contains(&status));
    Ok(Answered { status: Some(status), failure })
}

/// User and password of a webhook, where it has both.
fn credentials(webhook: &Webhook) -> Option<(&str, &str)> {
    let mail = webhook.mail.as_ref()?;
    Some((mail.username.as_deref()?, mail.password.as_ref()?.password.expose()))
}

/// TLS with the authorities of the webhook, or of the system.
fn parameters(webhook: &Webhook, host: &str) -> Option<TlsParameters> {
    let mut builder = TlsParameters::builder(host.to_owned()).certificate_store(CertificateStore::None);
    for one in roots(webhook)? {
        // The library refuses all for one that it cannot read.
        if RootCertStore::empty().add(one.clone()).is_ok() {
            builder = builder.add_root_certificate(Certificate::from_der(one.to_vec()).ok()?);
        }
    }
    builder.build_rustls().ok()
}

/// What an error of the conversation means.
fn answered(error: &lettre::transport::smtp::Error) -> Answered {
    if let Some(code) = error.status() {
        let status = u16::from(code);
        let failure = if error.is_permanent() { FailureClass::Refused } else { FailureClass::Failed };
        return Answered { status: Some(status), failure: Some(failure) };
    }
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if inner.is::<rustls::Error>() {
            return Answered::failed(FailureClass::Tls);
        }
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            if io.get_ref().is_some_and(|held| held.is::<rustls::Error>()) {
                return Answered::failed(FailureClass::Tls);
            }
            return Answered::failed(of_io(io.kind()));
        }
        cause = inner.source();
    }
    Answered::failed(if error.is_tls() { FailureClass::Tls } else { FailureClass::Broken })
}

const fn of_io(kind: std::io::ErrorKind) -> FailureClass {
    use std::io::ErrorKind::{
        AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable, PermissionDenied, TimedOut,
    };
    match kind {
        TimedOut => FailureClass::Timeout,
        AddrNotAvailable | ConnectionRefused | HostUnreachable | NetworkUnreachable | PermissionDenied => {
            FailureClass::Unreachable
        }
        _ => FailureClass::Broken,
    }
}

/// A login that was refused for good, or for which there is no way, is not tried again: that locks accounts.
fn refused_login(error: &lettre::transport::smtp::Error) -> Answered {
    let told = answered(error);
    if error.is_permanent() || error.is_client() {
        return Answered { failure: Some(FailureClass::Login), ..told };
    }
    told
}

/// Says to programs that answer mail that nobody wrote this (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailer() -> Mailer {
        Mailer {
            server: checked_mail("smtp://mail.example").unwrap(),
            tls: None,
            from: "Rotunda <rotunda@example.org>".parse().unwrap(),
            to: vec!["a@example.org".parse().unwrap(), "b@example.org".parse().unwrap()],
            hello: ClientId::Domain("example.org".to_owned()),
            login_refused: AtomicBool::new(false),
        }
    }

    fn formatted(subject: &str, text: &str) -> String {
        let (id, answers) = ("<1.2@example.org>".to_owned(), Some("<0.2@example.org>".to_owned()));
        let letter = Letter { subject: subject.to_owned(), text: text.to_owned(), id, answers };
        let message = mailer().message(letter, Timestamp::from_secs(1_795_363_200)).unwrap();
        String::from_utf8(message.formatted()).unwrap()
    }

    #[test]
    fn a_mail_has_the_headers_that_programs_ask_for() {
        let mail = formatted("db/app: drift", "one\ntwo\n");
        for line in [
            "From: Rotunda <rotunda@example.org>",
            "To: a@example.org, b@example.org",
            "Subject: db/app: drift",
            "Message-ID: <1.2@example.org>",
            "In-Reply-To: <0.2@example.org>",
            "References: <0.2@example.org>",
            "Auto-Submitted: auto-generated",
            "Date: Sun, 22 Nov 2026 16:00:00 +0000",
            "Content-Type: text/plain; charset=utf-8",
        ] {
            assert!(mail.lines().any(|one| one == line), "{line}\n{mail}");
        }
    }

    #[test]
    fn no_subject_and_no_text_make_a_header() {
        for evil in [
            "x\r\nBcc: all@example.org",
            "x\nBcc: all@example.org",
            "x\rBcc: all@example.org",
            "ü\r\n\r\nBcc: a",
        ] {
            let mail = formatted(evil, "Bcc: this is text\r\n.\r\n");
            let (head, _) = mail.split_once("\r\n\r\n").unwrap();
            assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{mail}");
        }
    }

    #[test]
    fn addresses_are_addresses() {
        let mail = |from: &str, to: &[&str]| Mail {
            from: from.to_owned(),
            to: to.iter().map(|to| (*to).to_owned()).collect(),
            username: None,
            password: None,
        };
        assert_eq!(check(&mail("Rotunda <r@example.org>", &["a@example.org"])), Ok(()));
        for (from, to, says) in [
            ("", &["a@example.org"][..], "mail_from"),
            ("r@example.org\r\nBcc: x@example.org", &["a@example.org"][..], "mail_from"),
            ("r@example.org", &[][..], "mail_to"),
            ("r@example.org", &["a@example.org", "nobody"][..], "mail_to"),
            ("r@example.org", &["a@example.org\nDATA"][..], "mail_to"),
        ] {
            assert!(check(&mail(from, to)).unwrap_err().contains(says), "{from:?} {to:?}");
        }
    }
}
