//! Messages by mail, to a real mail server: one thread for each incident, and no loop where a server says no.

use std::time::Duration;

use serde_json::{Value, json};
use vault_tests::mail::{MailServer, PASSWORD, Speech, USER};
use vault_tests::vault::Vault;
use vault_tests::world::World;

fn settings(server: &MailServer) -> Value {
    json!({
        "format": "mail", "url": server.url(), "mail_from": "Rotunda <rotunda@vault.example>",
        "mail_to": "oncall@example.org, Second <second@example.org>", "username": USER, "password": PASSWORD,
        "tls_ca": server.authority().unwrap(), "retry_base": "200ms", "retry_cap": "200ms",
    })
}

async fn write(vault: &Vault, server: &MailServer, more: Value) {
    let mut body = settings(server);
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let written = vault.post("sys/webhooks/post", body).await.unwrap();
    assert!(written.is_success(), "{written:?}");
}

/// What came of a test message.
async fn test(vault: &Vault) -> Value {
    vault.post("sys/webhooks/post/test", json!({})).await.unwrap().data().unwrap().clone()
}

/// Waits until so many messages stand so.
async fn standing(vault: &Vault, state: &str, count: usize) -> Vec<Value> {
    let mut found = Vec::new();
    for _ in 0..1200 {
        let path = format!("sys/webhooks/post/deliveries?state={state}");
        let answer = vault.get(&path).await.unwrap();
        found = answer.data().unwrap()["deliveries"].as_array().unwrap().clone();
        if found.len() == count {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{count} were to be {state}: {found:?}");
}

fn header<'a>(mail: &'a Value, name: &str) -> &'a str {
    mail["headers"][name].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_fails_and_its_mails_are_one_thread_from_the_first_to_the_end() {
    let vault = Vault::start_configured("[ui]\nexternal_url = \"https://vault.example\"\n").await.unwrap();
    let world = World::before(vault, &[]).await.unwrap();
    let server = MailServer::start(Speech::StartTls).unwrap();
    world.adopted("db/app", "app").await.unwrap();
    let events = "incident.opened,incident.acknowledged,incident.closed";
    write(&world.vault, &server, json!({ "events": events })).await;
    world.sql("DROP ROLE \"app\"").await.unwrap();
    assert!(!world.rotate("db/app").await.unwrap().is_success());
    let came = server.expect(1).await.unwrap();
    let (first, text) = (&came[0], came[0]["text"].as_str().unwrap());
    assert_eq!((&first["encrypted"], &first["authenticated"]), (&json!(true), &json!(true)));
    assert_eq!(first["to"], json!(["oncall@example.org", "second@example.org"]));
    assert_eq!((&first["from"], &first["defects"]), (&json!("rotunda@vault.example"), &json!([])));
    assert_eq!(header(first, "subject"), "[rotunda] db/app: account_missing");
    assert_eq!(header(first, "auto-submitted"), "auto-generated");
    assert!(header(first, "in-reply-to").is_empty() && header(first, "references").is_empty());
    let id = world.incidents().await.unwrap()[0]["id"].as_str().unwrap().to_owned();
    let page = format!("Page: https://vault.example/ui/incident/{id}");
    let command = format!("  rotunda incident ack {id}");
    for part in ["Since: ", "Owner: nobody", &page, "What to type:", "  rotunda rotate db/app", &command] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(world.vault.post(&format!("incidents/{id}/ack"), json!({})).await.unwrap().is_success());
    let taken = server.expect(2).await.unwrap()[1].clone();
    world.role("app").await.unwrap();
    assert!(world.rotate("db/app").await.unwrap().is_success());
    let closed = server.expect(3).await.unwrap()[2].clone();
    let root = header(first, "message-id");
    assert!(root.starts_with('<') && root.ends_with("@vault.example>"), "{root}");
    for (mail, begins) in [(&taken, "acknowledged by "), (&closed, "closed: ")] {
        assert_eq!((header(mail, "in-reply-to"), header(mail, "references")), (root, root));
        assert_ne!(header(mail, "message-id"), root);
        assert_eq!(header(mail, "subject"), "Re: [rotunda] db/app: account_missing");
        assert!(mail["text"].as_str().unwrap().starts_with(begins), "{mail}");
    }
    standing(&world.vault, "delivered", 3).await;
    let incident = world.vault.get(&format!("incidents/{id}")).await.unwrap();
    assert!(incident.data().unwrap()["marks"]["t4"].is_string(), "somebody was notified");
    for text in [world.vault.log(), std::fs::read_to_string(world.vault.audit_file()).unwrap()] {
        assert!(!text.contains(PASSWORD), "the password is for nobody's eyes");
    }
    let read = world.vault.get("sys/webhooks/post").await.unwrap().data().unwrap().clone();
    assert_eq!((&read["username"], read.get("password")), (&json!(USER), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_busy_is_asked_again_and_one_that_refuses_is_not() {
    let (world, server) = (World::new().await.unwrap(), MailServer::start(Speech::Smtps).unwrap());
    world.adopted("db/app", "app").await.unwrap();
    write(&world.vault, &server, json!({ "events": "credential.promoted" })).await;
    server.answers(&["451 4.3.0 come back later"]).unwrap();
    assert!(world.rotate("db/app").await.unwrap().is_success());
    let delivered = standing(&world.vault, "delivered", 1).await;
    assert_eq!((&delivered[0]["attempts"], &delivered[0]["last_status"]), (&json!(2), &json!(250)));
    let came = server.came().unwrap();
    assert_eq!((came.len(), header(&came[0], "message-id")), (2, header(&came[1], "message-id")));
    server.answers(&["554 5.7.1 no mail of yours"]).unwrap();
    assert!(world.rotate("db/app").await.unwrap().is_success());
    let dead = standing(&world.vault, "dead", 1).await;
    assert_eq!(
        (&dead[0]["attempts"], &dead[0]["last_status"], &dead[0]["last_error"]),
        (&json!(1), &json!(554), &json!("refused"))
    );
    // A person may have it sent again, under the same id.
    let retry = format!("sys/webhooks/post/deliveries/{}/retry", dead[0]["id"].as_str().unwrap());
    assert!(world.vault.post(&retry, json!({})).await.unwrap().is_success());
    let came = server.expect(4).await.unwrap();
    assert_eq!(header(&came[2], "message-id"), header(&came[3], "message-id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_refused_is_tried_once() {
    let (world, server) = (World::new().await.unwrap(), MailServer::start(Speech::StartTls).unwrap());
    world.adopted("db/app", "app").await.unwrap();
    write(&world.vault, &server, json!({ "events": "credential.promoted", "password": "wrong" })).await;
    assert!(world.rotate("db/app").await.unwrap().is_success());
    let dead = standing(&world.vault, "dead", 1).await;
    assert_eq!(
        (&dead[0]["attempts"], &dead[0]["last_status"], &dead[0]["last_error"]),
        (&json!(1), &json!(535), &json!("login"))
    );
    assert_eq!(server.logins().unwrap(), ["wrong"], "more would lock the user");
    assert_eq!(server.came().unwrap().len(), 0);
    // What is mended is seen by the test button.
    write(&world.vault, &server, json!({})).await;
    let tested = test(&world.vault).await;
    assert_eq!((&tested["state"], &tested["last_status"]), (&json!("delivered"), &json!(250)), "{tested}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_in_plain_text_or_to_a_stranger_unless_a_person_says_so() {
    let vault = Vault::start().await.unwrap();
    for speech in [Speech::StartTls, Speech::Smtps] {
        let (server, other) = (MailServer::start(speech).unwrap(), MailServer::start(speech).unwrap());
        write(&vault, &server, json!({ "tls_ca": other.authority().unwrap() })).await;
        let tested = test(&vault).await;
        assert_eq!((&tested["state"], &tested["last_error"]), (&json!("dead"), &json!("tls")), "{speech:?}");
        assert_eq!((server.logins().unwrap().len(), server.came().unwrap().len()), (0, 0));
        // Of the system's authorities none has signed it either.
        write(&vault, &server, json!({ "tls_ca": "" })).await;
        assert_eq!(test(&vault).await["last_error"], "tls");
    }
    let plain = MailServer::start(Speech::Plain).unwrap();
    write(&vault, &plain, json!({})).await;
    assert_eq!(test(&vault).await["last_error"], "tls", "it has no STARTTLS");
    let mut open = settings(&plain);
    open["allow_http"] = json!(true);
    let refused = vault.post("sys/webhooks/post", open).await.unwrap();
    assert!(!refused.is_success() && refused.errors().contains("never sent in plain text"), "{refused:?}");
    write(&vault, &plain, json!({ "allow_http": true, "username": "", "password": "" })).await;
    assert_eq!(test(&vault).await["state"], "delivered");
    assert_eq!(plain.came().unwrap()[0]["encrypted"], false);
    let gone = plain.url();
    drop(plain);
    let moved = json!({ "url": gone, "allow_http": true });
    assert!(vault.post("sys/webhooks/post", moved).await.unwrap().is_success());
    assert_eq!(test(&vault).await["last_error"], "unreachable");
}
