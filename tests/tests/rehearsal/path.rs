//! Faults on the way to the server: another host behind a proxy, TLS, a database that is not there.

use std::sync::Arc;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use vault_tests::postgres::{PostgresServer, url_template};

use crate::bench::{Seed, judged};
use crate::postgres::Stage;

/// A balancer that sends the management role to one server and everybody else to another.
async fn balancer(keeper_at: u16, others_at: u16) -> u16 {
    let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                // The start-up message: its length, the protocol's version, then names and values.
                let length = client.read_u32().await.ok()?;
                let mut message = vec![0; usize::try_from(length).ok()?.checked_sub(4)?];
                client.read_exact(&mut message).await.ok()?;
                let is_keeper = message.windows(6).any(|window| window == b"keeper");
                let port = if is_keeper { keeper_at } else { others_at };
                let mut server = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
                server.write_u32(length).await.ok()?;
                server.write_all(&message).await.ok()?;
                copy_bidirectional(&mut client, &mut server).await.ok()
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_leads_to_another_host_is_red() {
    let stage = Stage::new().await;
    let other = PostgresServer::start().unwrap();
    other
        .admin()
        .await
        .unwrap()
        .batch_execute("CREATE ROLE app LOGIN PASSWORD 'set-by-hand-4711'")
        .await
        .unwrap();
    let port = balancer(stage.server.port(), other.port()).await;
    let more = json!({ "connection_url": url_template(port) });
    let path = stage.account("", more, None).await;
    let report = stage.rehearsed(&path).await;
    // The account has the same password on both, so that only the cycle finds it.
    assert!(report["passed"].to_string().contains("that is served logs in"), "{report:#}");
    judged(&Seed::sql("a proxy serves another host", "", "red", "verify_refused", "as the shadow"), &report);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_address_is_red_before_anything_is_made() {
    let stage = Stage::new().await;
    let path = stage.account("", json!({}), None).await;
    let sound = stage.server.url_template();
    for (name, url, code, word) in [
        ("server without TLS", sound.replace("sslmode=disable", "sslmode=require"), "tls", "TLS"),
        ("database is not there", sound.replace("/postgres?", "/nowhere?"), "preflight", "does not exist"),
        ("port of nobody", url_template(1), "unreachable", "127.0.0.1:1"),
    ] {
        let target = json!({ "connection_url": url, "password": "as-it-was-at-1st" });
        crate::bench::wrote(&stage.vault, "targets/config/pg", target).await;
        judged(&Seed::sql(name, "", "red", code, word), &stage.rehearsed(&path).await);
    }
}
