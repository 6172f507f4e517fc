"""Who wants spans and metrics, by the environment."""

from __future__ import annotations

import pytest

from git_orch.agents import spans

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("environment", "traces", "metrics"),
    [
        ({}, (), ()),
        (ENDPOINT, ("otlp",), ("otlp",)),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, (), ()),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://a"}, ("otlp",), ()),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://a"}, (), ("otlp",)),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, ("otlp",), ()),
        ({"OTEL_TRACES_EXPORTER": "Console, otlp"}, ("console", "otlp"), ()),
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}, (), ("otlp",)),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "TRUE"}, (), ()),
        ({"OTEL_SERVICE_NAME": "ours", "TRACEPARENT": "00-1-1-01"}, (), ()),
    ],
)
def test_an_exporter_is_used_where_the_environment_names_one(
    environment: dict[str, str], traces: tuple[str, ...], metrics: tuple[str, ...]
) -> None:
    assert spans.exporters(environment, "TRACES") == traces
    assert spans.exporters(environment, "METRICS") == metrics
