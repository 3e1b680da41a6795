//! What becomes of spans that no collector takes, and of files that cannot be used.

use std::path::PathBuf;

use axum::Router;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use vault_core::entropy::SeededEntropy;
use vault_core::trace::{Kind, SpanId, TraceId};

use super::export::BATCH_MAX;
use super::*;

/// No headers.
const EMPTY: &[(&str, &str)] = &[];

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

fn exported(metrics: &Metrics) -> usize {
    let text = metrics.text().unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("rotunda_trace_spans_exported_total "));
    line.unwrap().parse().unwrap()
}

/// A status, headers, and how many spans were not wanted.
type Answer = (u16, &'static [(&'static str, &'static str)], u64);

/// A collector that answers with each of these once, and then with the last; its address, and the spans of each request.
async fn answering(answers: &'static [Answer]) -> (String, Arc<Mutex<Vec<(usize, tokio::time::Instant)>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let answer = move |body: axum::body::Bytes| async move {
        let request = ExportTraceServiceRequest::decode(body).unwrap();
        let spans = request.resource_spans[0].scope_spans[0].spans.len();
        let mut seen = seen.lock().unwrap();
        let (status, headers, rejected_spans) = *answers.get(seen.len()).or(answers.last()).unwrap();
        seen.push((spans, tokio::time::Instant::now()));
        let said = ExportTracePartialSuccess {
            rejected_spans: i64::try_from(rejected_spans).unwrap(),
            ..ExportTracePartialSuccess::default()
        };
        let body = ExportTraceServiceResponse { partial_success: Some(said) }.encode_to_vec();
        let mut answer = axum::http::Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        answer.body(axum::body::Body::from(body)).unwrap()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let router = Router::new().route("/v1/traces", post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, asked)
}

/// How many spans each request had.
fn sizes(asked: &Mutex<Vec<(usize, tokio::time::Instant)>>) -> Vec<usize> {
    asked.lock().unwrap().iter().map(|(spans, _)| *spans).collect()
}

/// Waits until `is_so`, for a minute at most.
async fn until(is_so: impl Fn() -> bool) {
    for _ in 0..6_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never was");
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
    const ANSWERS: [&[Answer]; 3] =
        [&[(400, EMPTY, 0)], &[(307, &[("location", "/v1/traces")], 0)], &[(500, EMPTY, 0)]];
    for status in ANSWERS {
        let (metrics, (url, asked)) = (Metrics::new(), answering(status).await);
        let tracer = tracer(&url, &metrics);
        tracer.start();
        tracer.record(span());
        tracer.record(span());
        tracer.finish().await;
        assert_eq!((&*sizes(&asked), &*dropped(&metrics, "refused")), (&[2][..], "2"), "{status:?}");
    }
}

#[tokio::test]
async fn what_a_collector_may_take_later_is_sent_again_and_what_it_does_not_want_is_counted() {
    const ANSWERS: &[Answer] =
        &[(429, EMPTY, 0), (502, EMPTY, 0), (504, EMPTY, 0), (200, EMPTY, 3), (200, EMPTY, 0)];
    let (metrics, (url, asked)) = (Metrics::new(), answering(ANSWERS).await);
    let tracer = tracer(&url, &metrics);
    for _ in 0..BATCH_MAX + 4 {
        tracer.record(span());
    }
    tracer.start();
    until(|| asked.lock().unwrap().len() == 5).await;
    tracer.finish().await;
    assert_eq!(sizes(&asked), [BATCH_MAX, BATCH_MAX, BATCH_MAX, BATCH_MAX, 4]);
    assert_eq!((dropped(&metrics, "refused"), exported(&metrics)), ("3".to_owned(), BATCH_MAX + 1));
}

#[tokio::test]
async fn a_collector_is_asked_again_when_it_wants_to_be() {
    let (metrics, (url, asked)) =
        (Metrics::new(), answering(&[(503, &[("retry-after", "3")], 0), (200, EMPTY, 0)]).await);
    let tracer = tracer(&url, &metrics);
    tracer.start();
    tracer.record(span());
    until(|| asked.lock().unwrap().len() == 2).await;
    // By the times at which it was asked, however late this looks.
    let [first, second] = asked.lock().unwrap().iter().map(|(_, at)| *at).collect::<Vec<_>>()[..] else {
        panic!("not twice")
    };
    assert!(
        second.duration_since(first) > Duration::from_millis(2_900),
        "{:?}",
        second.duration_since(first)
    );
    tracer.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_given_up_after_five_minutes() {
    let metrics = Metrics::new();
    // Nobody listens on the port of TCP's multiplexer.
    let tracer = tracer("http://127.0.0.1:1/v1/traces", &metrics);
    let began = tokio::time::Instant::now();
    tracer.start();
    tracer.record(span());
    for _ in 0..400 {
        if dropped(&metrics, "unreachable") == "1" {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let took = began.elapsed();
    assert!((Duration::from_mins(4)..=Duration::from_secs(302)).contains(&took), "{took:?}");
}

#[tokio::test]
async fn the_end_waits_for_no_collector_that_hangs_and_counts_what_it_has_not_taken() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let metrics = Metrics::new();
    let tracer = tracer(&format!("http://{}/v1/traces", listener.local_addr().unwrap()), &metrics);
    for _ in 0..BATCH_MAX + 1 {
        tracer.record(span());
    }
    tracer.start();
    let _held = listener.accept().await.unwrap();
    tracer.record(span());
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    tracer.finish().await;
    assert!(began.elapsed() < FINISH_MAX * 2, "{:?}", began.elapsed());
    assert_eq!(dropped(&metrics, "unreachable"), (BATCH_MAX + 2).to_string());
}

#[tokio::test]
async fn a_task_of_its_own_knows_the_caller_if_that_is_recorded() {
    let (metrics, (url, _)) = (Metrics::new(), answering(&[(200, EMPTY, 0)]).await);
    let tracer = tracer(&url, &metrics);
    let asked = async |header: &str| {
        let work = async { tokio::spawn(Tracer::carried(async { Tracer::caller() })).await.unwrap() };
        tracer.asked_by(Caller::parse(header), Box::pin(work)).await.map(|place| place.span.to_string())
    };
    let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0";
    assert_eq!(asked(&format!("{header}1")).await.as_deref(), Some("00f067aa0ba902b7"));
    assert_eq!(asked(&format!("{header}0")).await, None);
    assert_eq!(asked("").await, None);
}

#[tokio::test]
async fn the_end_waits_for_no_collector_that_is_busy() {
    let (metrics, (url, asked)) = (Metrics::new(), answering(&[(503, EMPTY, 0)]).await);
    let tracer = tracer(&url, &metrics);
    tracer.start();
    tracer.record(span());
    tracer.finish().await;
    assert!(!asked.lock().unwrap().is_empty());
    assert_eq!(dropped(&metrics, "unreachable"), "1");
    // A second end is no harm, and what comes after it is lost, which is counted.
    tracer.finish().await;
    tracer.record(span());
    assert_eq!((&*dropped(&metrics, "unreachable"), &*dropped(&metrics, "queue_full")), ("2", "0"));
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
    let ours = file("ours", "Content-Type: text/plain\n");
    assert!(refused(Telemetry { headers_file: Some(ours), ..of() }).contains("line 1"));
    let error = refused(Telemetry { headers_file: Some(folder.path().join("none")), ..of() });
    assert!(error.contains("cannot read"), "{error}");
    let error = refused(Telemetry { ca_file: Some(file("ca.pem", "no certificate")), ..of() });
    assert!(error.contains("has no certificate"), "{error}");
    let good = file("good", "x-scope: 7\n\nauthorization: Bearer a:b\n");
    assert!(Tracer::new(Some(&Telemetry { headers_file: Some(good), ..of() }), &metrics, &entropy).is_ok());
}
