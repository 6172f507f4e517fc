"""The trace of an attempt: every message, reply and tool call as a JSON line in a file that only
its owner reads.
"""

from __future__ import annotations

import datetime
import json
import os
import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Self

from git_orch import checkpoints
from git_orch.agents import reports
from git_orch.plans import redact

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from git_orch.agents import toolbox


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class Trace:
    """Appends to a file of mode 0600; `about` (plan, step, attempt, ...) is on every line,
    `secrets` on none.

    Its `record` is a report for `conversation.converse`.
    """

    def __init__(
        self,
        path: Path,
        about: Mapping[str, str],
        *,
        secrets: Iterable[str],
        clock: Callable[[], datetime.datetime] = _now,
    ) -> None:
        self._about = dict(about)
        self._secrets = tuple(secrets)
        self._clock = clock
        self._lock = threading.Lock()
        self._file = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        os.fchmod(self._file, 0o600)  # it may have been there

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._file)

    def record(self, event: reports.Event) -> None:
        """Add a line for a report. A piece of a reply's text gets none: the whole reply follows."""
        match event:
            case reports.Sent(turn, messages):
                self._add("sent", turn, messages=list(messages))
            case reports.Replied(turn, reply):
                self._add("replied", turn, content=list(reply.content), call=reply.call._asdict())
            case reports.Used(turn, call, result):
                self._add(
                    "used",
                    turn,
                    tool=call.name,
                    tool_use_id=call.id,
                    input=call.input,
                    **_result(result),
                )
            case reports.Waiting(turn, seconds, cause):
                self._add("waiting", turn, seconds=seconds, cause=cause)
            case reports.Text():
                return

    def _add(self, event: str, turn: int, **fields: object) -> None:
        entry = {
            "time": self._clock().isoformat(),
            **self._about,
            "event": event,
            "turn": turn,
            **fields,
        }
        line = json.dumps(self._clean(entry), ensure_ascii=False) + "\n"
        data = line.encode("utf-8", "backslashreplace")
        with self._lock, checkpoints.around("write trace", self._file):
            while data:
                data = data[os.write(self._file, data) :]

    def _clean(self, value: object) -> object:
        """The value without secrets in its texts, one by one: JSON may spell a secret otherwise."""
        if isinstance(value, str):
            return redact.redacted(value, self._secrets)
        if isinstance(value, Mapping):
            return {str(self._clean(str(name))): self._clean(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._clean(item) for item in value]
        return value


def _result(result: toolbox.Result) -> dict[str, object]:
    return {
        "verdict": result.verdict,
        "exit": result.exit,
        "seconds": round(result.seconds, 3),
        "result": result.text,
    }
