"""Options that the user chose for a run."""

from __future__ import annotations

from dataclasses import dataclass

ALL_TOOLS = frozenset({"read", "write", "command"})


@dataclass(frozen=True, slots=True)
class Options:
    """Options that the user chose for this run. `tools` narrows what a model may use; `model` is
    the default model's name.

    `max_usd` and `max_step_usd` are what the plan and each step may cost, all runs together,
    instead of what was approved or set; 0 is no limit. `chosen` are step IDs (None: all), `left_out`
    those that somebody named to be left out or that need one of these. `retries` is None where
    nobody asked, `backoff` is in seconds. `remarks` are paragraphs for the models of the steps
    (None: what the log has counts).
    """

    model: str
    tools: frozenset[str] = ALL_TOOLS
    max_usd: float | None = None
    max_step_usd: float | None = None
    chosen: frozenset[str] | None = None
    left_out: frozenset[str] = frozenset()
    jobs: int = 1
    keep_going: bool = False
    retries: int | None = None
    backoff: float = 0.0
    retry_model: str | None = None
    strict: bool = False
    roll_back: bool = False
    use_cache: bool = True
    check_tip: bool = True
    in_place: bool = False
    remarks: tuple[str, ...] | None = None
