"""An OpenTelemetry collector on the loopback: what a test reads of the spans and metrics that a
process exports.
"""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, cast

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue


@dataclass(frozen=True)
class Span:
    """A span as it arrived; IDs are hexadecimal."""

    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]
    failed: bool
    scope: str


@dataclass
class Received:
    """What has arrived."""

    spans: list[Span] = field(default_factory=list)
    metrics: set[str] = field(default_factory=set)
    resource: dict[str, Any] = field(default_factory=dict)
    bytes: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def named(self, name: str) -> list[Span]:
        """The spans of a name that begins so."""
        return [span for span in self.spans if span.name.startswith(name)]

    def span(self, name: str) -> Span:
        """The one span of a name that begins so."""
        [span] = self.named(name)
        return span


class Collector:
    """The server; with `silent` it takes requests and never answers."""

    def __init__(self, *, silent: bool = False, status: int = 200) -> None:
        self.received = Received()
        self.silent = silent
        self.status = status
        self.closing = threading.Event()
        self._server = _Listener(("127.0.0.1", 0), _Handler)
        self._server.collector = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    @property
    def url(self) -> str:
        """What OTEL_EXPORTER_OTLP_ENDPOINT is set to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        """Read a request."""
        self.received.bytes += body
        self.received.headers |= headers
        if path == "/v1/traces":
            self._take_spans(ExportTraceServiceRequest.FromString(body))
        else:
            self._take_metrics(ExportMetricsServiceRequest.FromString(body))

    def _take_spans(self, request: ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            self.received.resource |= _values(resource.resource.attributes)
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.received.spans.append(
                        Span(
                            span.name,
                            span.trace_id.hex(),
                            span.span_id.hex(),
                            span.parent_span_id.hex(),
                            _values(span.attributes),
                            span.status.code == 2,
                            scope.scope.name,
                        )
                    )

    def _take_metrics(self, request: ExportMetricsServiceRequest) -> None:
        for resource in request.resource_metrics:
            for scope in resource.scope_metrics:
                self.received.metrics |= {metric.name for metric in scope.metrics}


def _values(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair) for pair in pairs}


def _value(pair: KeyValue) -> Any:
    kind = pair.value.WhichOneof("value")
    if kind == "array_value":
        return [
            getattr(item, str(item.WhichOneof("value"))) for item in pair.value.array_value.values
        ]
    return getattr(pair.value, str(kind))


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    collector: Collector


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        collector = cast("_Listener", self.server).collector
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        headers = {name.lower(): value for name, value in self.headers.items()}
        collector.take(self.path, body, headers)
        if collector.silent:
            collector.closing.wait()
            self.close_connection = True
            return
        self.send_response(collector.status)
        self.send_header("content-length", "0")
        self.end_headers()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector that the processes of a test export to."""
    with Collector() as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.url)
        yield server
