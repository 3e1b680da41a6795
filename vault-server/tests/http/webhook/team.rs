//! That messages say whose it is.

use serde_json::json;
use vault_core::rotation::fault::FaultClass;

use super::receiver::Receiver;
use super::{bench, hook, rotate};

#[tokio::test]
async fn messages_say_whose_it_is() {
    let (bench, receiver) = (bench().await, Receiver::start().await);
    bench.configure_target(json!({ "team": "platform" })).await.expect_status(204);
    bench.account("app", "p-1").await;
    bench.account("batch", "p-1").await;
    bench.post("accounts/config/app", json!({ "team": "payments" })).await.expect_status(200);
    hook(&bench, &receiver, json!({ "events": "credential.promoted,incident.opened" })).await;
    rotate(&bench, "app").await;
    rotate(&bench, "batch").await;
    bench.target.break_down(FaultClass::Unreachable);
    bench.post("accounts/rotate/app", json!({})).await.expect_status(502);
    bench.rest().await;
    let came = receiver.expect(3).await;
    let mut told: Vec<(&str, &str)> =
        came.iter().map(|message| (message.kind(), message.body["data"]["team"].as_str().unwrap())).collect();
    told.sort_unstable();
    let want = [
        ("credential.promoted", "payments"),
        ("credential.promoted", "platform"),
        ("incident.opened", "platform"),
    ];
    assert_eq!(told, want);
}
