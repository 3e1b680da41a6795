//! Who is told what, how it is signed, and when it is tried again.

use super::*;
use crate::entropy::{Entropy, SeededEntropy};
use crate::id::{EventId, IncidentId};
use crate::path::{AccountPath, Name};

const NOW: Timestamp = Timestamp::from_secs(1_000_000);

fn webhook() -> Webhook {
    let entropy = SeededEntropy::new(1);
    Webhook {
        id: WebhookId::generate(NOW, &entropy),
        url: "https://hooks.example/x".to_owned(),
        events: BTreeSet::new(),
        accounts: Vec::new(),
        disabled: false,
        allow_http: false,
        tls_ca: None,
        timeout: TIMEOUT_DEFAULT,
        max_attempts: 3,
        retry_base: Duration::from_secs(5),
        retry_cap: Duration::from_secs(8),
        secret: sign::generate(&entropy),
        former: None,
        created_at: NOW,
        format: Format::Standard,
        routing_key: None,
        min_severity: None,
        escalate_after: None,
        escalate_repeat: None,
        rate_limit: 0,
        mail: None,
    }
}

fn event(subject: Option<Subject>) -> Event {
    let id = EventId::generate(NOW, &SeededEntropy::new(2));
    let mut event = Event::test(id, NOW, "w");
    event.subject = subject;
    event
}

fn account(path: &str) -> Option<Subject> {
    Some(Subject::Account(AccountPath::parse(path).unwrap()))
}

#[test]
fn a_pattern_is_any_text_at_each_star() {
    for (pattern, path, want) in [
        ("db/app", "db/app", true),
        ("db/app", "db/app2", false),
        ("db/*", "db/prod/app", true),
        ("*/app", "db/prod/app", true),
        ("*", "x", true),
        ("db/*/ro*", "db/a/b/rotate/ro", true),
        ("db/*/ro", "db/a/rox", false),
        ("*a*b*c", "aabbcbc", true),
        ("*a*b*d", "aabbcbc", false),
        ("", "x", false),
    ] {
        let hook = Webhook { accounts: vec![pattern.to_owned()], ..webhook() };
        let subscription = Subscription::of("w".to_owned(), &hook).unwrap();
        assert_eq!(subscription.wants(&event(account(path))), want, "{pattern} {path}");
    }
}

#[test]
fn a_webhook_is_told_what_it_asked_for() {
    let management = Some(Subject::Management(Name::parse("pg").unwrap()));
    let all = Subscription::of("w".to_owned(), &webhook()).unwrap();
    assert!(
        all.wants(&event(account("db/app")))
            && all.wants(&event(management.clone()))
            && all.wants(&event(None))
    );
    let some = Webhook { accounts: vec!["*".to_owned()], ..webhook() };
    let some = Subscription::of("w".to_owned(), &some).unwrap();
    assert!(some.wants(&event(account("db/app"))) && !some.wants(&event(management)));
    let promoted = Webhook { events: BTreeSet::from([EventKind::Promoted]), ..webhook() };
    let promoted = Subscription::of("w".to_owned(), &promoted).unwrap();
    assert!(!promoted.wants(&event(None)));
    assert_eq!(Subscription::of("w".to_owned(), &Webhook { disabled: true, ..webhook() }), None);
}

#[test]
fn every_kind_is_read_back_from_its_word() {
    for kind in EventKind::ALL {
        assert_eq!(EventKind::parse(kind.word()), Some(kind));
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
    }
    assert_eq!(EventKind::parse("credential"), None);
}

#[test]
fn a_signature_is_that_of_the_specification() {
    // The example of https://www.standardwebhooks.com: its secret, id, timestamp, body and signature.
    let secret = SecretString::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
    let signed =
        sign::signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
    assert_eq!(signed.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
}

#[test]
fn a_secret_is_base64_of_enough_bytes() {
    assert!(sign::is_secret(&sign::generate(&SeededEntropy::new(7))));
    for text in ["", "whsec_", "whsec_AAAA", "whsec_!!!!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
        assert!(!sign::is_secret(&SecretString::new(text.to_owned())), "{text}");
    }
}

#[test]
fn a_former_secret_signs_beside_the_new_one_for_its_time() {
    let former = Former { secret: sign::generate(&SeededEntropy::new(9)), until: NOW };
    let old = former.secret.duplicate();
    let hook = Webhook { former: Some(former), ..webhook() };
    let before = NOW.minus(Duration::from_secs(1));
    let both = sign::signatures(&hook, "msg_1", before, before, "{}");
    let by = |secret: &SecretString, now: Timestamp| {
        sign::signature(secret, "msg_1", now.as_secs(), "{}").unwrap()
    };
    assert_eq!(both, format!("{} {}", by(&hook.secret, before), by(&old, before)));
    // Its time is over by the vault's clock, whatever the receiver's shows.
    assert_eq!(sign::signatures(&hook, "msg_1", NOW, before, "{}"), by(&hook.secret, before));
    assert!(!format!("{hook:?}").contains("whsec_"), "secrets are not shown");
}

#[test]
fn what_failed_is_tried_again_later_and_given_up_at_last() {
    let attempt = |failure| Attempt { at: NOW, millis: 1, status: None, failure };
    let failed = attempt(Some(FailureClass::Timeout));
    let mut delivery = Delivery::of(&event(None));
    let wait = |at: Option<Timestamp>| at.map(|at| at.since(NOW).as_secs());
    assert_eq!(wait(delivery.attempted(failed, &webhook(), NOW, u64::MAX)), Some(5));
    assert_eq!(wait(delivery.attempted(failed, &webhook(), NOW, u64::MAX)), Some(8));
    assert_eq!(delivery.state, DeliveryState::Pending);
    assert_eq!(delivery.attempted(failed, &webhook(), NOW, 0), None);
    assert_eq!((delivery.state, delivery.attempts, delivery.ended_at), (DeliveryState::Dead, 3, Some(NOW)));
    delivery.revive();
    assert_eq!(delivery.attempted(attempt(None), &webhook(), NOW, 0), None);
    assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Delivered, 1));
    // Who says that it is gone is not asked again.
    let mut delivery = Delivery::of(&event(None));
    assert_eq!(delivery.attempted(attempt(Some(FailureClass::Gone)), &webhook(), NOW, 0), None);
    assert_eq!(delivery.state, DeliveryState::Dead);
    assert!(!delivery.is_stale(NOW) && delivery.is_stale(NOW.plus(Duration::from_secs(30 * 24 * 3600))));
}

/// A delivery as it was stored before anything was kept back.
#[derive(Serialize)]
struct EarlierDelivery {
    event: EventId,
    kind: EventKind,
    at: Timestamp,
    body: String,
    attempts: u32,
    last: Option<Attempt>,
    state: DeliveryState,
    ended_at: Option<Timestamp>,
}

#[test]
fn a_delivery_of_before_sums_is_read() {
    let now = Delivery::of(&event(None));
    let Delivery { event, kind, at, attempts, last, state, ended_at, .. } = now;
    let body = now.body.clone();
    let earlier = EarlierDelivery { event, kind, at, body, attempts, last, state, ended_at };
    let read: Delivery = rmp_serde::from_slice(&rmp_serde::to_vec_named(&earlier).unwrap()).unwrap();
    assert_eq!(read, now);
}

#[test]
fn what_is_kept_back_or_finds_no_room_has_ended_until_a_person_wants_it() {
    let id = EventId::generate(NOW, &SeededEntropy::new(8));
    let mut summed = Delivery::of(&event(None)).summed(id, NOW);
    assert_eq!((summed.state, summed.summary, summed.ended_at), (DeliveryState::Summed, Some(id), Some(NOW)));
    assert!(summed.is_stale(NOW.plus(Duration::from_secs(7 * 24 * 3600))));
    summed.revive();
    assert_eq!((summed.state, summed.summary, summed.by_hand), (DeliveryState::Pending, None, true));
    let over = Delivery::of(&event(None)).overflowed(NOW);
    let failure = over.last.and_then(|last| last.failure);
    assert_eq!((over.state, failure, over.attempts), (DeliveryState::Dead, Some(FailureClass::Overflow), 0));
    for word in ["pending", "delivered", "dead", "summed"] {
        assert_eq!(DeliveryState::parse(word).map(DeliveryState::word), Some(word));
    }
}

#[test]
fn a_status_says_whether_a_message_was_taken() {
    for (status, want) in [
        (200, None),
        (204, None),
        (302, Some(FailureClass::Redirect)),
        (400, Some(FailureClass::Refused)),
        (410, Some(FailureClass::Gone)),
        (500, Some(FailureClass::Failed)),
        (101, Some(FailureClass::Failed)),
    ] {
        assert_eq!(FailureClass::of_status(status), want, "{status}");
    }
}

#[test]
fn the_queue_of_a_webhook_is_in_the_order_of_time() {
    let entropy = SeededEntropy::new(3);
    let (hook, event) = (WebhookId::generate(NOW, &entropy), EventId::generate(NOW, &entropy));
    let key = queue_key(hook, NOW, event);
    assert_eq!(queued(&key), Some((NOW, event)));
    assert!(key < queue_key(hook, NOW.plus(Duration::from_secs(300)), event));
    assert_eq!(queued(b"too short"), None);
}

#[test]
fn a_body_names_the_account_and_holds_no_secret() {
    let entropy: &dyn Entropy = &SeededEntropy::new(5);
    let mut incident = crate::incident::ledger::record(
        None,
        &crate::incident::ledger::LedgerEvent::Fault(crate::incident::ledger::FaultReport {
            incident: IncidentId::generate(NOW, entropy),
            reopened: false,
            at: NOW,
            subject: "a/db/app".to_owned(),
            target: "pg".to_owned(),
            class: crate::rotation::fault::FaultClass::Drift,
            phase: None,
            detail: "some words".to_owned(),
            due_at: NOW,
            started_at: NOW,
            attempts: 1,
            stays_parked: false,
            scope: Default::default(),
            moved_from: None,
        }),
    )
    .unwrap()
    .incident;
    let id = EventId::generate(NOW, entropy);
    let opened = event::of_incident(id, None, &incident, NOW).unwrap();
    let body: serde_json::Value = serde_json::from_str(&opened.body()).unwrap();
    assert_eq!(
        body,
        serde_json::json!({
            "type": "incident.opened", "timestamp": NOW.to_rfc3339(),
            "data": {
                "account": "db/app", "target": "pg", "class": "drift", "severity": "critical",
                "incident_id": incident.id.to_string(), "opened_at": NOW.to_rfc3339(),
            },
        })
    );
    let page = |event: Event| {
        let body: serde_json::Value =
            serde_json::from_str(&event.linked("https://v.example").body()).unwrap();
        body["data"]["url"].as_str().map(str::to_owned)
    };
    assert_eq!(page(opened), Some(format!("https://v.example/ui/incident/{}", incident.id)));
    assert_eq!(page(Event::test(id, NOW, "w")).as_deref(), Some("https://v.example/ui/"));
    let mut promoted = Event::test(id, NOW, "w");
    promoted.kind = EventKind::Promoted;
    assert_eq!(page(promoted), None);
    use crate::incident::IncidentState::{Closed, Open};
    assert_eq!(event::of_incident(id, Some(Open), &incident, NOW), None, "a note is no news");
    incident.state = Closed;
    assert_eq!(event::of_incident(id, Some(Open), &incident, NOW).unwrap().kind, EventKind::Closed);
}

#[test]
fn what_is_not_bad_enough_is_told_once_it_is() {
    use crate::incident::severity::Severity::{Critical, Error, Warning};
    let hook = Webhook { min_severity: Some(Error), ..webhook() };
    let subscription = Subscription::of("w".to_owned(), &hook).unwrap();
    let bad = |severity, before| {
        let mut event = event(account("db/app"));
        (event.severity, event.before) = (severity, before);
        event
    };
    for (severity, before, want) in [
        (None, None, true),
        (Some(Warning), None, false),
        (Some(Error), None, true),
        (Some(Critical), None, true),
        (Some(Error), Some(Warning), true),
        (Some(Critical), Some(Error), false),
    ] {
        assert_eq!(subscription.wants(&bad(severity, before)), want, "{severity:?} {before:?}");
    }
    let any = Subscription::of("w".to_owned(), &webhook()).unwrap();
    assert!(!any.wants(&bad(Some(Critical), Some(Warning))), "who is told of all was told");
}

#[test]
fn that_nobody_takes_an_incident_is_for_whom_it_matters_and_a_pager_hears_of_incidents_only() {
    let of = |kind| {
        let mut event = event(account("db/app"));
        event.kind = kind;
        event
    };
    let subscription = |hook: &Webhook| Subscription::of("w".to_owned(), hook).unwrap();
    assert!(!subscription(&webhook()).wants(&of(EventKind::Escalated)));
    let events = BTreeSet::from([EventKind::Promoted]);
    let impatient = Webhook { escalate_after: Some(Duration::from_secs(900)), events, ..webhook() };
    assert!(subscription(&impatient).wants(&of(EventKind::Escalated)));
    assert!(!subscription(&impatient).wants(&of(EventKind::Opened)));
    let chat = Webhook { format: Format::Slack, ..webhook() };
    assert!(
        subscription(&chat).wants(&of(EventKind::Opened))
            && subscription(&chat).wants(&of(EventKind::Closed))
    );
    assert!(!subscription(&chat).wants(&of(EventKind::Failed)), "unasked it hears of incidents");
    let asked = Webhook { events: BTreeSet::from([EventKind::Failed]), ..chat };
    assert!(subscription(&asked).wants(&of(EventKind::Failed)));
    let pager = Webhook { format: Format::Pagerduty, ..webhook() };
    assert!(subscription(&pager).wants(&of(EventKind::Opened)));
    assert!(!subscription(&pager).wants(&of(EventKind::Promoted)));
}

#[test]
fn a_pager_that_does_not_understand_is_not_asked_again() {
    let attempt = |status, failure| Attempt { at: NOW, millis: 1, status, failure: Some(failure) };
    for (format, status, failure, want) in [
        (Format::Pagerduty, Some(400), FailureClass::Refused, DeliveryState::Dead),
        (Format::Pagerduty, Some(429), FailureClass::Refused, DeliveryState::Pending),
        (Format::Standard, Some(400), FailureClass::Refused, DeliveryState::Pending),
        (Format::Slack, None, FailureClass::Unfit, DeliveryState::Dead),
        (Format::Pagerduty, None, FailureClass::Overtaken, DeliveryState::Dead),
        (Format::Mail, Some(451), FailureClass::Failed, DeliveryState::Pending),
        (Format::Mail, Some(550), FailureClass::Refused, DeliveryState::Dead),
        (Format::Mail, Some(535), FailureClass::Login, DeliveryState::Dead),
        (Format::Mail, None, FailureClass::Login, DeliveryState::Dead),
        (Format::Mail, None, FailureClass::Tls, DeliveryState::Pending),
        (Format::Standard, Some(503), FailureClass::Failed, DeliveryState::Pending),
    ] {
        let hook = Webhook { format, ..webhook() };
        let mut delivery = Delivery::of(&event(None));
        delivery.attempted(attempt(status, failure), &hook, NOW, 0);
        assert_eq!(delivery.state, want, "{format:?} {status:?}");
    }
}

/// A webhook as it was stored before formats.
#[derive(Serialize)]
struct Earlier {
    id: WebhookId,
    url: String,
    events: BTreeSet<EventKind>,
    accounts: Vec<String>,
    disabled: bool,
    allow_http: bool,
    tls_ca: Option<String>,
    timeout: Duration,
    max_attempts: u32,
    retry_base: Duration,
    retry_cap: Duration,
    #[serde(with = "for_sealing")]
    secret: SecretString,
    former: Option<Former>,
    created_at: Timestamp,
}

#[test]
fn a_webhook_of_before_formats_is_read() {
    let now = webhook();
    let earlier = Earlier {
        id: now.id,
        url: now.url,
        events: now.events,
        accounts: now.accounts,
        disabled: now.disabled,
        allow_http: now.allow_http,
        tls_ca: now.tls_ca,
        timeout: now.timeout,
        max_attempts: now.max_attempts,
        retry_base: now.retry_base,
        retry_cap: now.retry_cap,
        secret: now.secret,
        former: now.former,
        created_at: now.created_at,
    };
    let read: Webhook = rmp_serde::from_slice(&rmp_serde::to_vec_named(&earlier).unwrap()).unwrap();
    assert_eq!((read.id, read.format, read.min_severity), (earlier.id, Format::Standard, None));
    assert!(read.escalate_after.is_none() && read.routing_key.is_none());
    assert!(read.mail.is_none());
    assert_eq!(read.rate_limit, 0, "what was promised then is kept: each message");
}
