//! What a chat and a pager are sent, and that no name is more than text there.

use super::*;

fn body(kind: &str, data: &Value) -> String {
    json!({ "type": kind, "timestamp": "2026-11-22T16:00:00.000Z", "data": data }).to_string()
}

fn incident() -> Value {
    json!({
        "incident_id": "i-1", "kind": "target", "target": "pg-main", "class": "unreachable", "severity": "error",
        "accounts_total": 12, "opened_at": "2026-11-22T15:59:00.000Z",
    })
}

fn rendered(format: Format, body: &str) -> Value {
    serde_json::from_str(&format.render(body, Some("R0")).unwrap()).unwrap()
}

#[test]
fn a_chat_is_told_in_one_line_and_in_fields() {
    let told = rendered(Format::Slack, &body("incident.opened", &incident()));
    assert_eq!(told["text"], "error: target pg-main unreachable (12 accounts)");
    assert_eq!(told["blocks"][0]["text"]["text"], "*error: target pg-main unreachable (12 accounts)*");
    assert_eq!(told["blocks"][1]["fields"][0]["text"], "*Target*\npg-main");
    assert!(told["blocks"][1]["fields"].as_array().unwrap().len() <= 10);
    assert_eq!(told["blocks"][2]["elements"][0]["text"], "incident.opened · 2026-11-22T16:00:00.000Z");
    let test = rendered(Format::Slack, &body("webhook.test", &json!({ "webhook": "chat" })));
    assert_eq!(test["text"], "a test of the webhook chat");
}

#[test]
fn a_chat_says_whose_it_is_and_has_ten_fields_at_most() {
    let mut data = incident();
    data["team"] = json!("payments");
    let told = rendered(Format::Slack, &body("incident.opened", &data));
    assert_eq!(told["blocks"][1]["fields"][1]["text"], "*Team*\npayments");
    for (name, _) in FACTS {
        data[name] = json!("x");
    }
    let told = rendered(Format::Slack, &body("incident.opened", &data));
    assert_eq!(told["blocks"][1]["fields"].as_array().unwrap().len(), 10, "{told}");
}

#[test]
fn no_name_is_markup_or_a_mention() {
    let data = json!({ "account": "<!channel>&<@U1> @all\n@here", "version": 7 });
    let told = rendered(Format::Slack, &body("credential.promoted", &data));
    let want = "&lt;!channel&gt;&amp;&lt;@\u{200b}U1&gt; @\u{200b}all @\u{200b}here: version 7 is served";
    assert_eq!(told["text"], want);
    assert_eq!(told["blocks"][0]["text"]["text"], format!("*{want}*"));
    let long = json!({ "account": "&".repeat(9000), "target": "<".repeat(9000) });
    let told = rendered(Format::Slack, &body("credential.retired", &long));
    assert!(told["text"].as_str().unwrap().chars().count() <= 3000);
    assert!(told["blocks"][1]["fields"][0]["text"].as_str().unwrap().chars().count() <= 2000);
}

#[test]
fn a_pager_is_triggered_acknowledged_and_resolved_under_one_key() {
    for (kind, action) in [
        ("incident.opened", "trigger"),
        ("incident.escalated", "trigger"),
        ("incident.acknowledged", "acknowledge"),
        ("incident.closed", "resolve"),
    ] {
        let event = rendered(Format::Pagerduty, &body(kind, &incident()));
        assert_eq!(
            (&event["routing_key"], &event["event_action"], &event["dedup_key"]),
            (&json!("R0"), &json!(action), &json!("i-1"))
        );
        assert_eq!(event.get("payload").is_some(), action == "trigger", "{event}");
    }
    let payload = rendered(Format::Pagerduty, &body("incident.opened", &incident()))["payload"].clone();
    assert_eq!(
        payload,
        json!({
            "summary": "error: target pg-main unreachable (12 accounts)", "source": "pg-main", "severity": "error",
            "timestamp": "2026-11-22T16:00:00.000Z", "component": "target pg-main", "group": "pg-main",
            "class": "unreachable", "custom_details": incident(),
        })
    );
    let test = rendered(Format::Pagerduty, &body("webhook.test", &json!({ "webhook": "pd" })));
    assert_eq!(
        (&test["payload"]["severity"], &test["dedup_key"]),
        (&json!("info"), &json!("rotunda test pd"))
    );
}

#[test]
fn who_is_told_gets_to_the_page_by_one_click() {
    let mut data = incident();
    data["url"] = json!("https://v.example/ui/incident/i-1");
    let chat = rendered(Format::Slack, &body("incident.opened", &data));
    assert_eq!(chat["blocks"][2]["text"]["text"], "<https://v.example/ui/incident/i-1|Open in Rotunda>");
    assert_eq!(link("https://v/a|b>c<d&e"), "https://v/a%7Cb%3Ec%3Cd&amp;e");
    let pager = rendered(Format::Pagerduty, &body("incident.opened", &data));
    assert_eq!(pager["client_url"], "https://v.example/ui/incident/i-1");
    assert_eq!(pager["links"][0]["href"], pager["client_url"]);
    let resolved = rendered(Format::Pagerduty, &body("incident.closed", &data));
    assert!(resolved.get("links").is_none() && resolved.get("client_url").is_none());
}

#[test]
fn a_summary_is_one_line_and_at_a_pager_an_alert_of_its_own() {
    let data = json!({
        "webhook": "w", "total": 31, "kinds": { "incident.closed": 1, "incident.opened": 30 },
        "severity": "error", "incidents": ["i-1", "i-2"], "accounts": ["db/app"],
    });
    let want = "error: 31 more messages in a minute: 1 incident.closed, 30 incident.opened";
    let chat = rendered(Format::Slack, &body("webhook.summary", &data));
    assert_eq!(chat["text"], want);
    let fields = chat["blocks"][1]["fields"].to_string();
    assert!(fields.contains("i-1, i-2") && fields.contains("db/app"), "{fields}");
    let pager = rendered(Format::Pagerduty, &body("webhook.summary", &data));
    assert_eq!((&pager["event_action"], &pager["payload"]["summary"]), (&json!("trigger"), &json!(want)));
    assert_eq!(pager["dedup_key"], "rotunda summary w 2026-11-22T16:00:00.000Z");
}

#[test]
fn what_a_shape_has_no_message_for_is_none() {
    let promoted = body("credential.promoted", &json!({ "account": "a", "version": 1 }));
    assert_eq!(Format::Pagerduty.render(&promoted, Some("R0")), None);
    for key in [None, Some("R0\",\"x\":\"")] {
        let opened = body("incident.opened", &incident());
        assert_eq!(Format::Pagerduty.render(&opened, key), None, "no routing key");
    }
    for broken in
        ["", "[]", "{}", r#"{"type":"incident.opened"}"#, r#"{"type":"x","timestamp":"","data":{}}"#]
    {
        assert_eq!(Format::Slack.render(broken, None), None, "{broken}");
        let standard = Format::Standard.render(broken, None).unwrap();
        assert_eq!((standard.as_str(), Format::Mail.render(broken, None)), (broken, None));
    }
    for kind in EventKind::ALL {
        let word = kind.word();
        let is_told = Format::Pagerduty.render(&body(word, &incident()), Some("R0")).is_some();
        assert_eq!(Format::Pagerduty.takes(kind), is_told, "{word}");
        assert!(Format::Slack.takes(kind) && Format::Slack.render(&body(word, &incident()), None).is_some());
    }
}
