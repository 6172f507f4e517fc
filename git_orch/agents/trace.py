"""The trace of an attempt: every message, reply and tool call as a JSON line in a file that only
its owner reads.
"""

from __future__ import annotations

import datetime
import json
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Self

from git_orch import checkpoints
from git_orch.agents import reports
from git_orch.plans import redact
from git_orch.sandbox import keeping

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from git_orch.agents import toolbox

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class Trace:
    """Appends to a file of mode 0600, unless the system refuses that; `about` (plan, step,
    attempt, ...) is on every line, `secrets` on none.

    Its `record` is a report for `conversation.converse`.
    """

    def __init__(
        self,
        path: Path | None,
        about: Mapping[str, str],
        *,
        secrets: Iterable[str],
        clock: Callable[[], datetime.datetime] = _now,
    ) -> None:
        self._about = dict(about)
        self._secrets = tuple(secrets)
        self._clock = clock
        self._lock = threading.Lock()
        self._file: int | None = None
        if path is not None:
            with keeping.unnecessary(keeping.CONVERSATION):
                self._file = os.open(path, _FLAGS, 0o600)
                os.fchmod(self._file, 0o600)  # it may have been there

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def record(self, event: reports.Event) -> None:
        """Add a line for a report. A piece of a reply's text gets none: the whole reply follows."""
        match event:
            case reports.Sent(turn, messages):
                self.add("sent", turn=turn, messages=list(messages))
            case reports.Replied(turn, reply):
                self.add(
                    "replied", turn=turn, content=list(reply.content), call=reply.call._asdict()
                )
            case reports.Used(turn, call, result):
                self.add(
                    "used",
                    turn=turn,
                    tool=call.name,
                    tool_use_id=call.id,
                    input=call.input,
                    **_result(result),
                )
            case reports.Waiting(turn, seconds, cause):
                self.add("waiting", turn=turn, seconds=seconds, cause=cause)
            case reports.Text():
                return

    def add(self, event: str, **fields: object) -> None:
        """Add a line."""
        entry = {"time": self._clock().isoformat(), **self._about, "event": event, **fields}
        line = json.dumps(self.clean(entry), ensure_ascii=False) + "\n"
        data = line.encode("utf-8", "backslashreplace")
        with self._lock:
            if self._file is not None and not self._write(self._file, data):
                os.close(self._file)
                self._file = None

    def _write(self, file: int, data: bytes) -> bool:
        with keeping.unnecessary(keeping.CONVERSATION), checkpoints.around("write trace", file):
            while data:
                data = data[os.write(file, data) :]
            return True
        return False

    def clean(self, value: object) -> object:
        """The value without secrets in its texts."""
        return cleaned(value, self._secrets)


def cleaned(value: object, secrets: Sequence[str]) -> object:
    """The value without secrets in its texts, one by one: JSON may spell a secret otherwise."""
    if isinstance(value, str):
        return redact.redacted(value, secrets)
    if isinstance(value, Mapping):
        return {
            str(cleaned(str(name), secrets)): cleaned(item, secrets) for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [cleaned(item, secrets) for item in value]
    return value


def _result(result: toolbox.Result) -> dict[str, object]:
    return {
        "verdict": result.verdict,
        "exit": result.exit,
        "seconds": round(result.seconds, 3),
        "dry_run": False,
        "result": result.text,
    }
