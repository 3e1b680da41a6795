"""A collector of traces for tests: HTTP on a free port of 127.0.0.1, which decodes what comes by OpenTelemetry's own
Python package and keeps it.

    server.py plain|tls FOLDER

FOLDER has server.crt and server.key for tls. Written there: `port`, once it listens; a line of JSON in `spans` for each span;
one in `requests` for each request (path, headers, answer); all bodies in `bodies`. Read there: `answers`, of which the
first line is what the next request is answered with: a status, and after a space how many spans are rejected.
"""

import http.server
import json
import pathlib
import ssl
import sys

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

FOLDER = pathlib.Path(sys.argv[2])


def append(file, value):
    with open(FOLDER / file, "a") as out:
        out.write(json.dumps(value) + "\n")


def plain(attributes):
    """Attributes as names and values; a number comes as text."""
    return {one.key: MessageToDict(one.value).popitem()[1] for one in attributes}


def span(resource, scope, one):
    return {
        "resource": plain(resource.attributes),
        "scope": scope.name,
        "trace": one.trace_id.hex(),
        "span": one.span_id.hex(),
        "parent": one.parent_span_id.hex(),
        "name": one.name,
        "kind": one.SpanKind.Name(one.kind).removeprefix("SPAN_KIND_").lower(),
        "began": one.start_time_unix_nano,
        "ended": one.end_time_unix_nano,
        "attributes": plain(one.attributes),
        "events": [
            {"name": event.name, "at": event.time_unix_nano, "attributes": plain(event.attributes)}
            for event in one.events
        ],
        "links": [{"trace": link.trace_id.hex(), "span": link.span_id.hex()} for link in one.links],
        "failed": one.status.message if one.status.code == one.status.STATUS_CODE_ERROR else None,
    }


def answer():
    file = FOLDER / "answers"
    lines = file.read_text().splitlines() if file.exists() else []
    file.write_text("".join(line + "\n" for line in lines[1:]))
    status, _, rejected = (lines[0] if lines else "200").partition(" ")
    return int(status), int(rejected or 0)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        with open(FOLDER / "bodies", "ab") as out:
            out.write(body)
        status, rejected = answer()
        request = ExportTraceServiceRequest()
        request.ParseFromString(body)
        headers = {name.lower(): value for name, value in self.headers.items()}
        append("requests", {"path": self.path, "headers": headers, "answer": status})
        if status == 200:
            for part in request.resource_spans:
                for scoped in part.scope_spans:
                    for one in scoped.spans:
                        append("spans", span(part.resource, scoped.scope, one))
        response = ExportTraceServiceResponse()
        if rejected:
            response.partial_success.rejected_spans = rejected
        said = response.SerializeToString()
        self.send_response(status)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
if sys.argv[1] == "tls":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(FOLDER / "server.crt", FOLDER / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
(FOLDER / "port").write_text(str(server.server_address[1]))
print("listening", flush=True)
server.serve_forever()
