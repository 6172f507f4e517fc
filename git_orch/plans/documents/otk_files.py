"""The Markdown files of orchestrator-toolkit, versions 1 and 2.

That tool wrote values without quotes and found them by the beginning of a line, so a head that is
no YAML (`title: PLAN for: search`) is read line by line.
"""

from __future__ import annotations

import contextlib
import datetime
import re
from collections.abc import Mapping
from typing import NamedTuple

import yaml

from git_orch.plans import one_line
from git_orch.plans.documents import front_matter, names
from git_orch.plans.documents.front_matter import Malformed

LONGEST_ID = 120  # characters

_ID = re.compile(r"[A-Za-z0-9]+(?:[-_.]+[A-Za-z0-9]+)*")
_LINE = re.compile(r"([A-Za-z_][\w-]*)[ \t]*:(?:[ \t]+(.*))?")
_COMMENT = re.compile(r"(?:^|[ \t])#.*$")
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_LOG_NAME = re.compile(r"(.+)-exec-[0-9]{8}-[0-9]{6}.*", re.IGNORECASE)
_REPORT_NAME = re.compile(r"(.+)-scout", re.IGNORECASE)


class Head(NamedTuple):
    """The values at the head of a file with their lines, and the text below it."""

    values: Mapping[str, str]
    lines: Mapping[str, int]
    body: str

    def text(self, *keys: str) -> str:
        """The value of the first of these keys that has one, on one line."""
        return next((self.values[key].strip() for key in keys if self.values.get(key)), "")

    def line(self, key: str) -> int:
        """The line of a key."""
        return self.lines.get(key, 1)


class Artefact(NamedTuple):
    """A task, a plan or a spec, in `file`. `created` is in milliseconds since 1970. A plan may name
    its `spec` and its `task`, a spec its `plan`.
    """

    file: str
    id: str
    title: str
    owner: str
    created: int | None
    status: str
    body: str
    spec: str = ""
    plan: str = ""
    task: str = ""


class Report(NamedTuple):
    """An execution log or a scout report: the ID of the `spec` that it is about, and its text."""

    file: str
    spec: str
    owner: str
    started: int | None
    status: str
    body: str


def artefact(file: str, text: str) -> Artefact | None:
    """The task, plan or spec in a file; None where it has no head. Raises Malformed."""
    head = read_head(text)
    if head is None:
        return None
    stem = file.rpartition("/")[2].removesuffix(".md")
    return Artefact(
        file,
        _id(head, stem),
        _title(head),
        _owner(head),
        _time(head, "created"),
        head.text("status").lower().replace("_", "-"),
        head.body,
        head.text("spec_id"),
        head.text("plan_id", "plan"),
        head.text("task"),
    )


def is_one(file: str, text: str) -> bool:
    """Whether a file is a task, a plan or a spec of that tool, and none of git-orch."""
    with contextlib.suppress(Malformed):
        read = artefact(file, text)
        return read is not None and not names.is_ours(read.id)
    return False


def report(file: str, text: str) -> Report:
    """The log or report in a file, which may have a head. Raises Malformed."""
    stem = file.rpartition("/")[2].removesuffix(".md")
    head = read_head(text) or Head({}, {}, text)
    named = _LOG_NAME.fullmatch(stem) or _REPORT_NAME.fullmatch(stem)
    spec = head.text("spec", "spec_id", "plan", "plan_id") or (named[1] if named else "")
    started = _time(head, "started" if "started" in head.values else "created")
    return Report(file, spec, _owner(head), started, head.text("status"), head.body)


def read_head(text: str) -> Head | None:
    """The head of a file; None where it has none. Raises Malformed."""
    try:
        front = front_matter.read(text)
        if front is None:
            return None
        values = {key: front.text(key) for key in front.values}
        lines = {key: value.line for key, value in front.values.items()}
        if "title" in values:
            values["title"] = _whole(values["title"], text.split("\n", lines["title"])[-2])
        return Head(values, lines, text[front.body :])
    except Malformed as wrong:
        head = _by_lines(text)
        if head is None:
            raise
        if isinstance(head, Malformed):
            raise head from wrong
        return head


def _by_lines(text: str) -> Head | Malformed | None:
    """The head read line by line; what is wrong where a key stands twice; None where it has other
    lines than `key: value`.
    """
    rows = text.removeprefix("\ufeff").splitlines(keepends=True)
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    length = len(text) - sum(map(len, rows))
    for number, row in enumerate(rows, start=1):
        length += len(row)
        if length > front_matter.LARGEST:
            return None
        if number == 1 or not row.strip() or row.startswith("#"):
            continue
        if row.rstrip() in ("---", "..."):
            return Head(values, lines, text[length:])
        match = _LINE.fullmatch(row.rstrip())
        if match is None:
            return None
        if match[1] in values:
            return Malformed(number, f"'{match[1]}' stands twice")
        value = _value(match[2] or "")
        values[match[1]] = _whole(value, row) if match[1] == "title" else value
        lines[match[1]] = number
    return None


def _whole(value: str, row: str) -> str:
    """The value of a row that no quotes begin: it may have a mark of YAML, such as # or !, in it."""
    match = _LINE.fullmatch(row.strip())
    typed = (match[2] or "") if match is not None else ""
    if typed[:1] in ("'", '"', "|", ">", ""):
        return value
    return value if value and value.startswith(typed) else typed


def _value(text: str) -> str:
    """The value of a line: of one in quotes what stands in them, else all before a comment."""
    if text[:1] in ("'", '"'):
        try:
            read = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506, it makes texts alone
        except yaml.YAMLError:
            read = None
        if isinstance(read, str):
            return read
    value = _COMMENT.sub("", text).strip()
    return "" if value in _NULLS else value


def _id(head: Head, stem: str) -> str:
    """The ID of a file. Raises Malformed for one that could be a path, and for one of many lines."""
    value = head.text("id") or stem.partition("--")[0]
    if len(value) > LONGEST_ID or _ID.fullmatch(value) is None:
        shown = one_line.of(value[:LONGEST_ID])
        raise Malformed(head.line("id"), f"'{shown}' is no ID: letters, digits and '-' make one")
    return value


def _title(head: Head) -> str:
    """The title of a file. Raises Malformed where it has none, or one that is too long."""
    title = " ".join(head.text("title").split())
    problem = one_line.problem(title)
    if problem is None and len(title) > one_line.LONGEST:
        problem = f"is longer than {one_line.LONGEST} characters"
    if problem is not None:
        raise Malformed(head.line("title"), f"the title {problem}")
    return title


def _owner(head: Head) -> str:
    owner = head.text("owner")
    problem = one_line.problem(owner) if owner else None
    if problem is None and len(owner) > one_line.LONGEST:
        problem = f"is longer than {one_line.LONGEST} characters"
    if problem is not None:
        raise Malformed(head.line("owner"), f"the owner {problem}")
    return owner


def _time(head: Head, key: str) -> int | None:
    """A time, in milliseconds since 1970; None where it is missing. Raises Malformed."""
    value = head.text(key)
    if not value:
        return None
    try:
        moment = datetime.datetime.fromisoformat(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
        seconds = moment.timestamp()
    except (ValueError, OverflowError):
        seconds = -1.0
    if seconds < 0:
        shown = one_line.of(value)
        raise Malformed(head.line(key), f"'{shown}' is no time such as 2025-10-14T01:23:45Z")
    return int(seconds * 1000)
