"""The reports of a run as JSON Lines for programs, `git orch exec --stream`."""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import queue
import select
import sys
import threading
import time
from typing import TYPE_CHECKING, assert_never

from git_orch.flow import reports
from git_orch.plans import sifter
from git_orch.sandbox import secrecy
from git_orch.views import answer, console, documents

if TYPE_CHECKING:
    from git_orch.flow.reports import Report, Reporter
    from git_orch.plans.document import Document
    from git_orch.plans.history.status import CheckResult

VERSION = 1
_SCHEMA = f"git-orch/event/{VERSION}"
_LONGEST = 8 * 1024  # characters of one text
_MOST_WAITING = 1000  # lines; then pieces of texts are left out until the reader has caught up


class Stream:
    """Lines on standard output, written by a thread of their own: a slow reader holds no step up,
    and one that goes away ends nothing.
    """

    def __init__(self) -> None:
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._left_out = 0
        self._failed: OSError | None = None
        self._file = _standard_output()
        self._writer = threading.Thread(target=self._write_all, name="events", daemon=True)
        self._writer.start()

    def put(self, event: str, fields: Document) -> None:
        """Write an event as soon as the reader takes it."""
        moment = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))
        head = {
            "schema": _SCHEMA,
            "event": event,
            "time": f"{stamp}.{int(moment * 1000) % 1000:03}Z",
        }
        line = json.dumps({**head, **fields}, ensure_ascii=True).replace("\x7f", "\\u007f")
        self._lines.put(line.encode("ascii") + b"\n")

    def put_piece(self, event: str, number: int | None, text: str) -> None:
        """Write a piece of a text, or leave it out where the reader is far behind."""
        for start in range(0, len(text), _LONGEST):
            piece = text[start : start + _LONGEST]
            if self._lines.qsize() >= _MOST_WAITING:
                self._left_out += len(piece)
            else:
                self.put(event, {"step": number, "text": piece, "left_out": self._left_out})
                self._left_out = 0

    def end(self, exit_code: int, document: Document) -> None:
        """Write the last event, and wait until the reader has all of them or is gone."""
        self.put("end", {"exit": exit_code, "answer": document})
        self._lines.put(None)
        self._writer.join()
        if self._failed is not None and not isinstance(self._failed, BrokenPipeError):
            reason = (self._failed.strerror or str(self._failed)).lower()
            console.err(console.Styled("note: ", "dim"), f"the events are not complete: {reason}")

    def _write_all(self) -> None:
        while (line := self._lines.get()) is not None:
            if self._file is None or self._failed is not None:
                continue
            try:
                _write(self._file, line)
            except OSError as failed:
                self._failed = failed


def _standard_output() -> int | None:
    """A descriptor of our own: Python waits at its end for whoever writes to its streams."""
    with contextlib.suppress(OSError, ValueError):
        return os.dup(sys.stdout.fileno()) if sys.stdout is not None else None
    return None


def _write(descriptor: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            select.select((), (descriptor,), ())


class EventReporter:
    """Writes reports to a stream, and passes them on; called from several threads."""

    def __init__(self, stream: answer.Stream, reporter: Reporter) -> None:
        self._guard = threading.Lock()
        self._stream = stream
        self._reporter = reporter
        self._written: dict[int | None, Pieces] = {}
        self._printed: dict[int | None, Pieces] = {}

    def emit(self, report: Report) -> None:
        """Write one report."""
        with self._guard:
            match report:
                case reports.Wrote(number, text):
                    pieces = self._written.setdefault(number, Pieces())
                    self._stream.put_piece("text", number, pieces.of_text(text))
                case reports.Printed(number, data):
                    pieces = self._printed.setdefault(number, Pieces())
                    self._stream.put_piece("output", number, pieces.of_bytes(data))
                case reports.RunStarted() | reports.Budget():
                    self._stream.put(*_moment(report))
                case reports.Phase() | reports.ModelCalled():
                    self._end_pieces(report.number)
                    self._stream.put(*_moment(report))
                case _:
                    self._end_pieces(getattr(report, "number", None))
                    self._stream.put(*_event(report))
        self._reporter.emit(report)

    def _end_pieces(self, number: int | None) -> None:
        for event, kept in (("text", self._written), ("output", self._printed)):
            if number in kept:
                self._stream.put_piece(event, number, kept.pop(number).rest())


class Pieces:
    """The pieces of one text, redacted."""

    def __init__(self) -> None:
        self._sifter = sifter.Sifter(secrecy.secrets())
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    def of_text(self, piece: str) -> str:
        """What can be shown with this piece."""
        return self._sifter.feed(piece)

    def of_bytes(self, piece: bytes) -> str:
        """What can be shown with this piece of UTF-8."""
        return self._sifter.feed(self._decoder.decode(piece))

    def rest(self) -> str:
        """What is left at the end."""
        return self._sifter.feed(self._decoder.decode(b"", final=True)) + self._sifter.rest()


def _moment(
    report: reports.RunStarted | reports.Budget | reports.Phase | reports.ModelCalled,
) -> tuple[str, Document]:
    match report:
        case reports.RunStarted(plan, title, count, steps):
            listed = [
                {"step": step.number, "title": step.title, "kind": step.kind} for step in steps
            ]
            fields: Document = {"plan": plan, "title": title, "count": count, "steps": listed}
            return "run.started", fields
        case reports.Budget(limit, spent):
            return "budget", {"limit_usd": limit, "spent_usd": round(spent, 9)}
        case reports.Phase(number, name, about):
            return "phase", {"step": number, "name": name, "command": about or None}
        case reports.ModelCalled(number, model, tokens_in, tokens_out, usd):
            tokens: Document = {"input": tokens_in, "output": tokens_out}
            return "model.called", {"step": number, "model": model, "tokens": tokens, "usd": usd}
        case _:
            assert_never(report)


def _event(report: reports.Lasting) -> tuple[str, Document]:
    match report:
        case reports.Note(text):
            return "note", {"text": text}
        case reports.StepStarted(number, count, title, kind):
            return "step.started", {"step": number, "of": count, "title": title, "kind": kind}
        case reports.StepProgress(number, text):
            return "progress", {"step": number, "text": text[:_LONGEST]}
        case reports.StepPrompted(number, model, tools, texts):
            asked: Document = {"model": model, "tools": list(tools), "texts": list(texts)}
            return "prompt", {"step": number, **asked}
        case reports.CheckEnded(number, result):
            return "check.ended", {"step": number, "check": _check(result)}
        case reports.TipChecking(count):
            return "final.checking", {"count": count}
        case reports.StepDone(number):
            return "step.done", {"step": number}
        case reports.StepLanded() | reports.StepNotLanded() | reports.StepAsked():
            return _end_of_step(report)
        case _:
            assert_never(report)


def _end_of_step(
    report: reports.StepLanded | reports.StepNotLanded | reports.StepAsked,
) -> tuple[str, Document]:
    about: Document = {"step": report.number, "title": report.title}
    match report:
        case reports.StepLanded():
            more: Document = {
                "commit": report.commit,
                "files": report.files,
                "seconds": round(report.seconds, 3),
                "usd": round(report.usd, 9),
                "code": list(report.code),
                "review": list(report.review),
            }
            return "step.landed", {**about, **more}
        case reports.StepNotLanded():
            more = {
                "word": report.word,
                "error": report.error,
                "commit": report.commit,
                "again_in": report.pause,
            }
            return "step.failed", {**about, **more}
        case reports.StepAsked():
            return "step.asked", {**about, "question": report.question}
        case _:
            assert_never(report)


def _check(result: CheckResult) -> Document:
    return {
        "type": result.type,
        "command": result.command,
        "passed": result.passed,
        "result": result.reason,
        "exit": result.exit,
        "seconds": round(result.seconds, 3),
        "cached": result.is_cached,
        "output": result.text,
        "usd": round(result.usd, 9),
    }


def schema() -> Document:
    """JSON Schema of one line."""
    text: Document = {"type": "string"}
    maybe_text: Document = {"type": ["string", "null"]}
    number: Document = {"type": "integer", "minimum": 1}
    maybe_number: Document = {"type": ["integer", "null"], "minimum": 1}
    count: Document = {"type": "integer", "minimum": 0}
    amount: Document = {"type": "number", "minimum": 0}
    texts: Document = {"type": "array", "items": text}
    truth: Document = {"type": "boolean"}
    step: Document = {"step": number, "title": text}
    piece: Document = {"step": maybe_number, "text": text, "left_out": count}
    check = documents.object_schema(
        {"type": text, "command": text, "passed": truth, "result": text,
         "exit": {"type": "integer"}, "seconds": amount, "cached": truth, "output": text,
         "usd": amount}
    )  # fmt: skip
    upcoming = documents.object_schema({**step, "kind": text})
    tokens = documents.object_schema({"input": count, "output": count})
    ended = {key: value for key, value in answer.schema().items() if key != "$schema"}
    events: dict[str, Document] = {
        "note": {"text": text},
        "run.started": {"plan": text, "title": text, "count": number,
                        "steps": {"type": "array", "items": upcoming}},
        "budget": {"limit_usd": amount, "spent_usd": amount},
        "step.started": {**step, "of": number, "kind": text},
        "phase": {"step": maybe_number, "name": text, "command": maybe_text},
        "text": piece,
        "output": piece,
        "model.called": {"step": maybe_number, "model": text, "tokens": tokens, "usd": amount},
        "progress": {"step": number, "text": text},
        "prompt": {"step": number, "model": text, "tools": texts, "texts": texts},
        "check.ended": {"step": number, "check": check},
        "final.checking": {"count": number},
        "step.landed": {**step, "commit": text, "files": count, "seconds": amount, "usd": amount,
                        "code": texts, "review": texts},
        "step.failed": {**step, "word": text, "error": text, "commit": maybe_text,
                        "again_in": {"type": ["number", "null"]}},
        "step.asked": {**step, "question": text},
        "end": {"exit": count, "answer": ended},
    }  # fmt: skip
    head: Document = {"schema": {"const": _SCHEMA}, "time": text}
    lines = [
        documents.object_schema({**head, "event": {"const": name}, **fields})
        for name, fields in events.items()
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "a line of git orch exec --stream",
        "oneOf": lines,
    }
