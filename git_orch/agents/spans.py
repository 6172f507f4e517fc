"""What a span is to git-orch: what is known of a deed, and what makes spans of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from git_orch.plans.money.cost import Usage


SIGNALS = ("TRACES", "METRICS")


class Answer(NamedTuple):
    """The facts of a model's reply."""

    model: str
    usage: Usage
    stop_reason: str | None
    request_id: str | None
    id: str | None = None


@dataclass
class Span:
    """A deed that goes on: `failed` is what went wrong, in one word of ours."""

    attributes: dict[str, str | int | float | bool] = field(default_factory=dict)
    failed: str | None = None
    answer: Answer | None = None

    def note(self, **facts: str | float | bool | None) -> None:
        """Remember facts about the deed, by their names below `git_orch.`."""
        for name, value in facts.items():
            if value is not None:
                self.attributes[f"git_orch.{name.replace('__', '.')}"] = value


class Opened(Protocol):
    """A span that a backend has begun."""

    def end(self, span: Span) -> None:
        """End it, with what is known by now."""


class Backend(Protocol):
    """What makes spans: OpenTelemetry."""

    def begin_run(self, plan: str, run: str, parent: Mapping[str, str]) -> Opened: ...

    def begin_step(
        self, step: str, kind: str, model: str | None, parent: Mapping[str, str]
    ) -> Opened: ...

    def begin_call(self, model: str) -> Opened: ...

    def begin_tool(self, name: str, call: str) -> Opened: ...

    def carrier(self) -> dict[str, str]:
        """The present span as W3C Trace Context: traceparent, and tracestate where there is one."""

    def close(self) -> None:
        """Send what is left, for a moment at most."""


def trace_id(run: str) -> str:
    """The ID of a run as a trace of W3C Trace Context: 32 hexadecimal digits."""
    return hashlib.sha256(run.encode()).hexdigest()[:32]


def span_id(attempt: str, turn: int) -> str:
    """The ID of an attempt's request to a model, by the number of its reply from 1: 16 hexadecimal
    digits.
    """
    return hashlib.sha256(f"{attempt}/{turn}".encode()).hexdigest()[:16]


def exporters(environment: Mapping[str, str], signal: str) -> tuple[str, ...]:
    """The names of the exporters that the environment asks for, of TRACES or METRICS."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ()
    named = environment.get(f"OTEL_{signal}_EXPORTER", "")
    names = tuple(name for part in named.split(",") if (name := part.strip().lower()))
    if names:
        return () if "none" in names else names
    places = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    return ("otlp",) if any(environment.get(place, "").strip() for place in places) else ()
