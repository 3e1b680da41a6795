//! What becomes of spans that no collector takes, and of files that cannot be used.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use vault_core::entropy::SeededEntropy;
use vault_core::trace::{Kind, SpanId, TraceId};

use super::*;

fn span() -> Span {
    let place = Place { trace: TraceId::from_bytes([1; 16]), span: SpanId::from_bytes([2; 8]).unwrap() };
    Span {
        place,
        parent: None,
        name: "rotation",
        kind: Kind::Internal,
        began: 1,
        ended: 2,
        failed: None,
        attributes: Vec::new(),
        moments: Vec::new(),
        links: Vec::new(),
    }
}

fn telemetry(url: &str) -> Telemetry {
    Telemetry {
        url: url.parse().unwrap(),
        headers_file: None,
        ca_file: None,
        service_name: "rotunda".to_owned(),
    }
}

fn tracer(url: &str, metrics: &Metrics) -> Tracer {
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(1));
    Tracer::new(Some(&telemetry(url)), metrics, &entropy).unwrap()
}

fn dropped(metrics: &Metrics, reason: &str) -> String {
    let (text, series) =
        (metrics.text().unwrap(), format!("rotunda_trace_spans_dropped_total{{reason=\"{reason}\"}} "));
    text.lines().find_map(|line| line.strip_prefix(&series)).unwrap().to_owned()
}

/// A collector that answers everything with `status`; its address, and how often it was asked.
async fn collector(status: StatusCode) -> (String, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let answer = move || async move {
        count.fetch_add(1, Ordering::SeqCst);
        status
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let router = Router::new().route("/v1/traces", post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, asked)
}

#[tokio::test]
async fn without_a_collector_nothing_is_wanted_and_nothing_lost() {
    let (metrics, entropy): (_, Arc<dyn Entropy>) = (Metrics::new(), Arc::new(SeededEntropy::new(1)));
    let tracer = Tracer::new(None, &metrics, &entropy).unwrap();
    assert!(!tracer.is_on());
    tracer.record(span());
    tracer.finish().await;
    assert_eq!(dropped(&metrics, "queue_full"), "0");
}

#[tokio::test]
async fn what_does_not_fit_is_dropped_and_counted_and_nobody_waits() {
    let metrics = Metrics::new();
    let tracer = tracer("http://127.0.0.1:9/v1/traces", &metrics);
    for _ in 0..QUEUE_MAX + 3 {
        tracer.record(span());
    }
    assert_eq!(dropped(&metrics, "queue_full"), "3");
}

#[tokio::test]
async fn what_a_collector_refuses_is_not_sent_again() {
    let (metrics, (url, asked)) = (Metrics::new(), collector(StatusCode::BAD_REQUEST).await);
    let tracer = tracer(&url, &metrics);
    tracer.start();
    tracer.record(span());
    tracer.record(span());
    tracer.finish().await;
    assert_eq!((asked.load(Ordering::SeqCst), &*dropped(&metrics, "refused")), (1, "2"));
}

#[tokio::test]
async fn the_end_waits_for_no_collector_that_is_busy() {
    let (metrics, (url, asked)) = (Metrics::new(), collector(StatusCode::SERVICE_UNAVAILABLE).await);
    let tracer = tracer(&url, &metrics);
    tracer.start();
    tracer.record(span());
    tracer.finish().await;
    assert!(asked.load(Ordering::SeqCst) >= 1);
    assert_eq!(dropped(&metrics, "unreachable"), "1");
    // A second end is no harm, and what comes after it is lost, which is counted.
    tracer.finish().await;
    tracer.record(span());
    assert_eq!(dropped(&metrics, "queue_full"), "1");
}

#[test]
fn files_that_cannot_be_used_are_named_and_what_is_in_them_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| -> PathBuf {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file
    };
    let (metrics, entropy): (_, Arc<dyn Entropy>) = (Metrics::new(), Arc::new(SeededEntropy::new(1)));
    let refused = |config: Telemetry| {
        let Err(error) = Tracer::new(Some(&config), &metrics, &entropy) else { panic!("it was taken") };
        error.to_string()
    };
    let of = || telemetry("https://collector.example/v1/traces");
    let headers = file("headers", "# tenant\nx-scope: 7\nauthorization Bearer hunter2\n");
    let error = refused(Telemetry { headers_file: Some(headers), ..of() });
    assert!(error.contains("line 3") && !error.contains("hunter2"), "{error}");
    let error = refused(Telemetry { headers_file: Some(folder.path().join("none")), ..of() });
    assert!(error.contains("cannot read"), "{error}");
    let error = refused(Telemetry { ca_file: Some(file("ca.pem", "no certificate")), ..of() });
    assert!(error.contains("has no certificate"), "{error}");
    let good = file("good", "x-scope: 7\n\nauthorization: Bearer a:b\n");
    assert!(Tracer::new(Some(&Telemetry { headers_file: Some(good), ..of() }), &metrics, &entropy).is_ok());
}
