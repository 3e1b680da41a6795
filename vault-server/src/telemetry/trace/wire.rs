//! Spans as the OpenTelemetry protocol has them: the crate's forms, filled in.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as WireSpan, Status};
use vault_core::trace::{Attribute, Kind, Moment, Place, Span, Value, nanos};

/// All of `spans`, in the name of `service`.
pub(super) fn request(spans: &[Span], service: &str) -> ExportTraceServiceRequest {
    let version = env!("CARGO_PKG_VERSION");
    let about = [("service.name", service.into()), ("service.version", version.into())];
    let scope = InstrumentationScope {
        name: "rotunda".to_owned(),
        version: version.to_owned(),
        ..InstrumentationScope::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource { attributes: attributes(&about), ..Resource::default() }),
            scope_spans: vec![ScopeSpans {
                scope: Some(scope),
                spans: spans.iter().map(span).collect(),
                schema_url: String::new(),
            }],
            schema_url: String::new(),
        }],
    }
}

fn span(span: &Span) -> WireSpan {
    let mut about = attributes(&span.attributes);
    // By OpenTelemetry's conventions of errors the class is an attribute; the status tells that it is one.
    about.extend(span.failed.map(|class| attribute(&("error.type", class.as_str().into()))));
    WireSpan {
        trace_id: span.place.trace.as_bytes().to_vec(),
        span_id: span.place.span.as_bytes().to_vec(),
        parent_span_id: span.parent.map(|parent| parent.as_bytes().to_vec()).unwrap_or_default(),
        flags: SAMPLED,
        name: span.name.to_owned(),
        kind: match span.kind {
            Kind::Internal => SpanKind::Internal,
            Kind::Client => SpanKind::Client,
            Kind::Producer => SpanKind::Producer,
        }
        .into(),
        start_time_unix_nano: span.began,
        end_time_unix_nano: span.ended,
        attributes: about,
        events: span.moments.iter().map(event).collect(),
        links: span.links.iter().map(link).collect(),
        status: span
            .failed
            .map(|class| Status { message: class.as_str().to_owned(), code: StatusCode::Error.into() }),
        ..WireSpan::default()
    }
}

fn event(moment: &Moment) -> Event {
    Event {
        time_unix_nano: nanos(moment.at),
        name: moment.name.clone(),
        attributes: attributes(&moment.attributes),
        dropped_attributes_count: 0,
    }
}

fn link(place: &Place) -> Link {
    Link {
        trace_id: place.trace.as_bytes().to_vec(),
        span_id: place.span.as_bytes().to_vec(),
        flags: SAMPLED,
        ..Link::default()
    }
}

fn attributes(attributes: &[Attribute]) -> Vec<KeyValue> {
    attributes.iter().map(attribute).collect()
}

fn attribute((name, value): &Attribute) -> KeyValue {
    let value = match value {
        Value::Text(text) => Any::StringValue(text.clone()),
        Value::Number(number) => Any::IntValue(*number),
    };
    KeyValue { key: (*name).to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

/// The flag of W3C Trace Context for a trace that is recorded.
const SAMPLED: u32 = 1;
