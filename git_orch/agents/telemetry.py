"""Spans and metrics of plans, steps, model calls and tools, for the user's OpenTelemetry collector.

Nothing is imported, recorded or sent unless the environment names an exporter and the extra
`git-orch[otel]` is installed. No text of a prompt, a reply, a file or a command is ever in them,
and whatever goes wrong with them is no matter of the run's.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from git_orch import errors
from git_orch.agents.spans import SIGNALS, Backend, Opened, Span, exporters

Value = TypeVar("Value")

# The variables of W3C Trace Context, which no secret is in.
TRACE_VARIABLES = {"traceparent": "TRACEPARENT", "tracestate": "TRACESTATE"}


@functools.cache
def _backend() -> Backend | None:
    """What makes spans in this process, from the first one on; None where nobody wants any."""
    if not any(exporters(os.environ, signal) for signal in SIGNALS):
        return None
    return _harmless(_start)


def _start() -> Backend:
    from git_orch.agents import otel

    return otel.start(os.environ)


def run(plan: str, run_id: str) -> contextlib.AbstractContextManager[Span]:
    """The span of a run. Its parent is the span in TRACEPARENT, if there is one."""
    return _span(lambda backend: backend.begin_run(name_of(plan), run_id, _parent()))


def _parent() -> dict[str, str]:
    given = os.environ
    return {key: given[name] for key, name in TRACE_VARIABLES.items() if name in given}


def name_of(plan: str) -> str:
    """The ID of a plan without its slug, which is made of the words of a task."""
    return "-".join(plan.split("-")[:3])


def planning(model: str) -> contextlib.AbstractContextManager[Span]:
    """The span of a model that makes a plan. Its parent is that of a run's."""
    return step("planner", "agent", model, _parent())


def step(
    name: str, kind: str, model: str | None, parent: Mapping[str, str]
) -> contextlib.AbstractContextManager[Span]:
    """The span of an attempt at a step, below the one that `carrier` gave."""
    return _span(lambda backend: backend.begin_step(name, kind, model, parent))


def call(model: str) -> contextlib.AbstractContextManager[Span]:
    """The span of a request to a model."""
    return _span(lambda backend: backend.begin_call(model))


def tool(name: str, call_id: str) -> contextlib.AbstractContextManager[Span]:
    """The span of a tool that a model calls."""
    return _span(lambda backend: backend.begin_tool(name, call_id))


def carrier() -> dict[str, str]:
    """The present span as W3C Trace Context, for what works on it elsewhere; {} where there is
    none.
    """
    backend = _backend()
    return (_harmless(backend.carrier) if backend is not None else None) or {}


@contextlib.contextmanager
def _span(begin: Callable[[Backend], Opened]) -> Iterator[Span]:
    span = Span()
    backend = _backend()
    if backend is None:
        yield span
        return
    opened = _harmless(lambda: begin(backend))
    try:
        yield span
    except BaseException as raised:
        span.failed = span.failed or type(raised).__name__
        raise
    finally:
        if opened is not None:
            _harmless(lambda: opened.end(span))


def _harmless(act: Callable[[], Value]) -> Value | None:
    """What `act` gives; None where it fails, whatever the libraries of others raise."""
    try:
        return act()
    except errors.OrchError:  # a signal that came meanwhile
        raise
    except Exception:  # noqa: BLE001 - a span that is missing must not end a run
        return None
