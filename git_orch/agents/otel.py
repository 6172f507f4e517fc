"""OpenTelemetry, with its conventions for generative AI: the one module that imports it, inside
functions.

Its libraries send from threads of their own, which end with this process. An invocation never gets a
message, an argument or an error's text, so that no setting of theirs can export one.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import logging
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from git_orch import __version__, errors, notices
from git_orch.agents import spans

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.id_generator import IdGenerator
    from opentelemetry.trace import Tracer
    from opentelemetry.util.genai.handler import TelemetryHandler
    from opentelemetry.util.genai.invocation import (
        GenAIInvocation,
        InferenceInvocation,
        ToolInvocation,
    )

_NAME = "git_orch"
_PROVIDER = "anthropic"
_LONGEST = 1.0  # seconds that a process waits at its end for a collector
_LIBRARY = "opentelemetry"
_OTHER = "_OTHER"  # for a tool that is none of ours: its name is a model's text
# What a detector of the user's choice may add: the command line has the task.
_WITH_COMMAND_LINE = "process.command"
_PACKAGES = {"http/protobuf": "proto.http", "grpc": "proto.grpc"}
_DEFAULT_PROTOCOL = "http/protobuf"


def start(environment: Mapping[str, str]) -> spans.Backend:
    """Begin to export what this process does. Raises ImportError without the extra, and whatever
    its libraries raise.
    """
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.util.genai.handler import TelemetryHandler

    failures = _Failures()
    logger = logging.getLogger(_LIBRARY)
    logger.addHandler(failures)
    logger.propagate = False  # a traceback of a collector's is nothing that a person asked for
    resource = _resource(environment)
    traces: list[int] = []
    tracers = TracerProvider(
        resource=resource, shutdown_on_exit=False, id_generator=_id_generator(traces)
    )
    for processor in _processors(spans.exporters(environment, "TRACES"), environment):
        tracers.add_span_processor(processor)
    meters = _meter_provider(spans.exporters(environment, "METRICS"), environment, resource)
    handler = TelemetryHandler(
        tracer_provider=tracers,
        meter_provider=meters,
        instrumentation_scope_name=_NAME,
        instrumentation_scope_version=__version__,
    )
    backend = _OpenTelemetry(handler, tracers, meters, failures, traces)
    atexit.register(backend.close)
    return backend


class _OpenTelemetry:
    """Makes spans with the libraries' own helper, and ends what sends them."""

    def __init__(
        self,
        handler: TelemetryHandler,
        tracers: TracerProvider,
        meters: MeterProvider,
        failures: _Failures,
        traces: list[int],
    ) -> None:
        self._traces = traces  # the IDs of those that begin next
        self._handler = handler
        self._tracers = tracers
        self._meters = meters
        self._failures = failures
        self._tracer: Tracer = tracers.get_tracer(_NAME, __version__)

    def begin_run(self, plan: str, run: str, parent: Mapping[str, str]) -> spans.Opened:
        """The span of a run. Where it has no parent, its trace has the ID that `git orch trace`
        and `audit` show.
        """
        from opentelemetry.trace import get_current_span

        context = _context(parent)
        if not get_current_span(context).get_span_context().is_valid:
            self._traces.append(int(spans.trace_id(run), 16))
        return _Invocation(self._handler.workflow(plan, context=context))

    def begin_step(
        self, step: str, kind: str, model: str | None, parent: Mapping[str, str]
    ) -> spans.Opened:
        """The span of an attempt: of an agent where a model does the step."""
        context = _context(parent)
        if kind != "agent":
            return _Plain(self._tracer, f"step {step}", context)
        agent = self._handler.invoke_local_agent(
            agent_name=step, request_model=model, context=context
        )
        return _Invocation(agent)

    def begin_call(self, model: str) -> spans.Opened:
        """The span of a request."""
        return _Inference(self._handler.inference(_PROVIDER, request_model=model))

    def begin_tool(self, name: str, call: str) -> spans.Opened:
        """The span of a tool call."""
        from git_orch.agents import tool_definitions

        known = name if name in tool_definitions.OFFERS else _OTHER
        invocation: ToolInvocation = self._handler.tool(known, tool_type="function")
        invocation.tool_call_id = call
        return _Invocation(invocation)

    def carrier(self) -> dict[str, str]:
        """The present span as W3C Trace Context."""
        from opentelemetry.trace.propagation import tracecontext

        carrier: dict[str, str] = {}
        tracecontext.TraceContextTextMapPropagator().inject(carrier)
        return carrier

    def close(self) -> None:
        """Send what is left. Where that takes too long, or something fails, this process ends all
        the same.
        """
        atexit.unregister(self.close)
        with contextlib.suppress(errors.OrchError, KeyboardInterrupt):  # a signal hurries us
            ends: tuple[Callable[[], object], ...] = (self._tracers.shutdown, self._meters.shutdown)
            self._failures.wait_for(ends)


class _Failures(logging.Handler):
    """Hears what the libraries complain about, and waits for them no longer than that."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._over = threading.Event()
        self._closing = False
        self._lost = False

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of a complaint; its text may hold anything. At the end there is no time for
        another try.
        """
        self._lost = self._lost or self._closing or record.levelno >= logging.ERROR
        if self._closing:
            self._over.set()

    def wait_for(self, acts: Iterable[Callable[[], object]]) -> None:
        """Let all of `acts` begin, and wait for them a moment, or until one fails."""
        self._closing = True
        left = list(acts)
        lock = threading.Lock()

        def carry_out(act: Callable[[], object]) -> None:
            with contextlib.suppress(Exception):
                act()
            with lock:
                left.remove(act)
                if not left:
                    self._over.set()

        for act in tuple(left):
            threading.Thread(target=carry_out, args=(act,), daemon=True).start()
        if not self._over.wait(_LONGEST) or self._lost:
            notices.tell("your OpenTelemetry collector did not take all spans and metrics")


class _Invocation:
    """A span of the helper's, with what is known of it at its end."""

    def __init__(self, invocation: GenAIInvocation) -> None:
        self._invocation = invocation

    def end(self, span: spans.Span) -> None:
        """End it. A failure has a kind, never a text."""
        from opentelemetry.util.genai.types import Error

        self._invocation.attributes.update(span.attributes)
        if span.failed is None:
            self._invocation.stop()
        else:
            self._invocation.fail(Error(message=None, type=span.failed))


class _Inference(_Invocation):
    """The span of a request, with the usage of its reply."""

    def __init__(self, invocation: InferenceInvocation) -> None:
        super().__init__(invocation)
        self._request = invocation

    def end(self, span: spans.Span) -> None:
        """End it. By the conventions the tokens of the prompt include those that were cached."""
        answer = span.answer
        if answer is not None:
            usage, request = answer.usage, self._request
            request.response_model_name = answer.model
            request.response_id = answer.id
            request.finish_reasons = [answer.stop_reason] if answer.stop_reason else None
            request.input_tokens = usage.prompt
            request.output_tokens = usage.output
            request.cache_read_input_tokens = usage.cache_read
            request.cache_write_input_tokens = usage.cache_write_5m + usage.cache_write_1h
            span.note(request__id=answer.request_id)
        super().end(span)


class _Plain:
    """The span of a step that no model does."""

    def __init__(self, tracer: Tracer, name: str, context: Context) -> None:
        from opentelemetry import trace
        from opentelemetry.context import attach

        self._span = tracer.start_span(name, context=context)
        self._token = attach(trace.set_span_in_context(self._span, context))

    def end(self, span: spans.Span) -> None:
        """End it, see `_Invocation.end`."""
        from opentelemetry.context import detach
        from opentelemetry.trace.status import Status, StatusCode

        detach(self._token)
        self._span.set_attributes(span.attributes)
        if span.failed is not None:
            self._span.set_attribute("error.type", span.failed)
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


def _context(carrier: Mapping[str, str]) -> Context:
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation import tracecontext

    return tracecontext.TraceContextTextMapPropagator().extract(carrier, context=Context())


def _resource(environment: Mapping[str, str]) -> Resource:
    from opentelemetry.sdk.resources import Resource

    named = environment.get("OTEL_SERVICE_NAME") or "service.name=" in environment.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    own = {"service.version": __version__} | ({} if named else {"service.name": "git-orch"})
    made = Resource.create(own)
    kept = {
        name: value
        for name, value in made.attributes.items()
        if not name.startswith(_WITH_COMMAND_LINE)
    }
    return Resource(kept, made.schema_url)


def _id_generator(traces: list[int]) -> IdGenerator:
    """Gives random IDs, and before those the ones in `traces`."""
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class Generator(RandomIdGenerator):
        def generate_trace_id(self) -> int:
            return traces.pop() if traces else super().generate_trace_id()

    return Generator()


def _processors(names: Iterable[str], environment: Mapping[str, str]) -> Iterator[SpanProcessor]:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

    for name in names:
        package = _package(name, "TRACES", environment)
        if name == "console":  # standard output belongs to the command
            yield BatchSpanProcessor(ConsoleSpanExporter(out=sys.stderr))
        elif package is not None:
            yield BatchSpanProcessor(_loaded(f"{package}.trace_exporter").OTLPSpanExporter())


def _meter_provider(
    names: Iterable[str], environment: Mapping[str, str], resource: Resource
) -> MeterProvider:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import (
        ConsoleMetricExporter,
        PeriodicExportingMetricReader,
    )

    readers = []
    for name in names:
        if name == "console":
            exporter = ConsoleMetricExporter(out=sys.stderr)
            readers.append(PeriodicExportingMetricReader(exporter))
            continue
        package = _package(name, "METRICS", environment)
        if package is not None:
            exporter = _loaded(f"{package}.metric_exporter").OTLPMetricExporter()
            readers.append(PeriodicExportingMetricReader(exporter))
    return MeterProvider(readers, resource=resource, shutdown_on_exit=False)


def _package(name: str, signal: str, environment: Mapping[str, str]) -> str | None:
    """The package of an exporter; None for one that git-orch does not know."""
    asked = environment.get(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL") or environment.get(
        "OTEL_EXPORTER_OTLP_PROTOCOL"
    )
    protocols = {"otlp_proto_http": _DEFAULT_PROTOCOL, "otlp_proto_grpc": "grpc"}
    protocol = asked or _DEFAULT_PROTOCOL if name == "otlp" else protocols.get(name)
    part = _PACKAGES.get(protocol or "")
    return f"{_LIBRARY}.exporter.otlp.{part}" if part is not None else None


def unusable(environment: Mapping[str, str]) -> list[str]:
    """The exporters that the environment asks for, and that no installed library is for."""
    missing = dict[str, None]()
    for signal, module in (("TRACES", "trace_exporter"), ("METRICS", "metric_exporter")):
        for name in spans.exporters(environment, signal):
            package = _package(name, signal, environment)
            own = [f"{package}.{module}"] if name != "console" else []
            needed = [f"{_LIBRARY}.util.genai.handler", *own]
            if not all(_is_installed(library) for library in needed):
                missing[name] = None
    return list(missing)


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of a package around it
        return False


def _loaded(module: str) -> Any:  # of a library that may not be installed
    return importlib.import_module(module)
