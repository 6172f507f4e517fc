"""What `git orch doctor` says of exporters of spans."""

from __future__ import annotations

import pytest

from git_orch.flow.machine import doctor

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}


@pytest.mark.parametrize(
    ("variables", "status", "seen"),
    [
        (ENDPOINT, "ok", "spans and metrics go to the exporter 'otlp'"),
        (
            {"OTEL_TRACES_EXPORTER": "console,otlp"},
            "ok",
            "spans and metrics go to the exporter 'console', 'otlp'",
        ),
        (
            {**ENDPOINT, "OTEL_TRACES_EXPORTER": "zipkin"},
            "note",
            "nothing is installed for the exporter 'zipkin'",
        ),
        (
            {**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"},
            "note",
            "nothing is installed for the exporter 'otlp'",
        ),
    ],
)
def test_doctor_says_whether_a_named_exporter_can_work(
    variables: dict[str, str], status: str, seen: str
) -> None:
    [answer] = doctor.telemetry(variables)
    assert (answer.status, answer.seen) == (status, seen)


def test_doctor_is_silent_where_nobody_wants_spans() -> None:
    assert list(doctor.telemetry({})) == []
