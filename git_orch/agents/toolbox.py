"""The work of the tools: every answer to the model, also that of a failed call, is a Result."""

from __future__ import annotations

import contextlib
import itertools
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from git_orch.agents import edits, exchange, pages, tool_definitions
from git_orch.plans import document, paths, plan, sentences
from git_orch.plans.hosts import Network
from git_orch.sandbox import files, private
from git_orch.sandbox.process.outcome import Outcome, timeout

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from git_orch.sandbox.policy.decision import Policy
    from git_orch.sandbox.policy.verdict import Verdict as Judgement

Verdict = Literal["done", "failed", "timeout", "refused", "invalid"]
End = Literal["done", "gave-up", "asked"]

_LARGEST_FILE = 10 * 1024 * 1024  # bytes; as much as a command may write
_SEARCH_SECONDS = 60
_LISTED = 500
_OUTPUT = re.compile(r"output:([1-9][0-9]{0,8})")
_REFUSALS = (paths.PATH_INVALID, paths.PATH_OUTSIDE, paths.PATH_GIT_CONTROL)


class Commands(Protocol):
    """A runner of commands: the sandbox's launcher, or a recording of one."""

    def run(
        self,
        command: plan.Command,
        *,
        worktree: Path,
        timeout: float,
        output_path: Path | None = None,
        stop: threading.Event | None = None,
        network: Network = False,
    ) -> Outcome:
        """Run a command to its end, and return its outcome."""


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to one tool call. Only commands have an `exit`. A call that `ends` the conversation
    has a `summary`: of the work, or the reason or the question.
    """

    text: str
    verdict: Verdict = "done"
    exit: int | None = None
    seconds: float = 0.0
    summary: str | None = None
    ends: End | None = None

    @property
    def is_error(self) -> bool:
        """Whether the answer says that the call failed."""
        return self.verdict != "done"


@dataclass(frozen=True, slots=True)
class Place:
    """The site of the tools' work: the worktree of a step, and a private directory outside it for
    whole outputs, if there can be one.

    `policy` judges commands before they run; without one they all run. With `network` commands have
    the network, or reach the hosts listed there. Commands see the worktree at `tops`; where it is,
    if there are none. The file tools write nothing in the directories `closed`.
    """

    worktree: Path
    outputs: Path | None
    commands: Commands
    policy: Policy | None = None
    network: Network = False
    tops: tuple[Path, ...] = ()
    closed: tuple[str, ...] = ()

    def relative(self, path: str) -> str:
        """A path from the top of the worktree, where it is an absolute one below that, as commands
        print it; others as they are.
        """
        names = paths.parts(path)
        for top in self.tops or (self.worktree,):
            above = top.parts[1:]
            if path.startswith("/") and names[: len(above)] == above:
                below = "/".join(names[len(above) :])
                return f"{below}/" if below and path.endswith(("/", "/.")) else below or "."
        return path


class Toolbox:
    """The tools of one attempt: those that the permissions `allowed` cover.

    `written` are the paths that the file tools have written; None once a command ran, which may have
    written anything. Where the model `may_ask`, a question ends the conversation.
    """

    written: set[str] | None

    def __init__(
        self,
        place: Place,
        allowed: frozenset[tool_definitions.Permission],
        *,
        may_ask: bool = True,
    ) -> None:
        self._place = place
        self._allowed = allowed
        self._may_ask = may_ask
        self._tree = files.Tree(place.worktree, place.closed)
        self._numbers = itertools.count(1)
        self.written = set()
        self._verbs: Mapping[
            str, Callable[[Mapping[str, object], threading.Event | None], Result]
        ] = {
            "bash": self._bash,
            "read_file": self._read_file,
            "write_file": self._write_file,
            "edit_file": self._edit_file,
            "search": self._search,
            "step_done": self._step_done,
            "step_failed": self._step_failed,
            "ask": self._ask,
        }

    def definitions(self) -> tuple[exchange.Block, ...]:
        """The definitions of the tools, for the request to the model."""
        return tool_definitions.definitions(self._allowed, may_ask=self._may_ask)

    def result(self, call: exchange.ToolCall, stop: threading.Event | None = None) -> Result:
        """Run a tool. Whatever the model sent gives a result. Raises only exchange.Stopped."""
        offer = tool_definitions.OFFERS.get(call.name)
        if offer is None:
            return Result(
                f"there is no tool '{call.name}'; the tools are {', '.join(self._names())}",
                "invalid",
            )
        if not offer.needs <= self._allowed:
            missing = " and ".join(sorted(offer.needs - self._allowed))
            return Result(
                f"tool '{call.name}' needs permission to {missing}, which this run does not have",
                "refused",
            )
        begun = time.monotonic()
        try:
            return self._verbs[call.name](offer.arguments(call.input), stop)
        except document.BadDocument as error:
            return Result(str(error), "invalid")
        except files.PathRefused as error:
            verdict: Verdict = "refused" if error.code in _REFUSALS else "failed"
            return Result(f"{error.cause}; {error.hint}", verdict, seconds=time.monotonic() - begun)

    def _write(self, path: str, data: bytes, *, executable: bool | None = None) -> None:
        if self.written is not None:
            self.written.add(path)
        self._tree.write(path, data, executable=executable)

    def _names(self) -> list[str]:
        return [str(definition["name"]) for definition in self.definitions()]

    # -- commands ----------------------------------------------------------------------------------

    def _bash(self, fields: Mapping[str, object], stop: threading.Event | None) -> Result:
        if not document.text(fields, "reason").strip():
            raise document.BadDocument(
                "argument 'reason' of bash is empty: say what the command is for"
            )
        seconds = _within(
            fields, "timeout", tool_definitions.COMMAND_SECONDS, tool_definitions.LONGEST_COMMAND
        )
        # As models know their shell from elsewhere: they see the output, and look at it themselves.
        command = plan.Command(shell=document.text(fields, "command"), plain=True)
        refusal = self._place.policy.refusal(command) if self._place.policy is not None else None
        if refusal is not None:
            return Result(_refusal_text(refusal), "refused")
        self.written = None
        number = next(self._numbers)
        outputs = self._place.outputs
        output = outputs / f"{number}.txt" if outputs is not None else None
        if outputs is not None:
            with contextlib.suppress(OSError):  # whoever writes to it says why it cannot
                private.make_directory(outputs)
        outcome = self._run(command, seconds, output, stop)
        end = _end(outcome, seconds)
        if outcome.reason != "timeout":
            end += f" after {outcome.seconds:.1f} s"
        shown = pages.short_lines(outcome.excerpt(tool_definitions.SHOWN_OUTPUT))
        text = f"[{end}]\n{shown}"
        if (
            outcome.output_path is not None
            and max(outcome.total, len(shown)) > tool_definitions.SHOWN_OUTPUT
        ):
            text += f"\n[{end}; the whole output: read_file 'output:{number}']"
        return Result(text, _verdict(outcome), outcome.status, outcome.seconds)

    def _run(
        self,
        command: plan.Command,
        seconds: float,
        output: Path | None,
        stop: threading.Event | None,
    ) -> Outcome:
        outcome = self._place.commands.run(
            command,
            worktree=self._place.worktree,
            timeout=seconds,
            output_path=output,
            stop=stop,
            network=self._place.network,
        )
        if outcome.reason == "stopped":
            raise exchange.Stopped
        return outcome

    def _search(self, fields: Mapping[str, object], stop: threading.Event | None) -> Result:
        pattern = document.text(fields, "pattern")
        name = document.optional_text(fields, "files")
        path = self._place.relative(document.optional_text(fields, "path") or ".")
        if not _is_root(path) and self._tree.kind(path) not in ("file", "directory"):
            return Result(f"there is no file or directory {sentences.quoted(path)}", "failed")
        include = [] if name is None else [f"--include={name}"]
        place = "." if _is_root(path) else f"./{path}"
        argv = ("grep", "-rnIE", "--exclude-dir=.git", *include, "-e", pattern, "--", place)
        outcome = self._run(plan.Command(argv=argv), _SEARCH_SECONDS, None, stop)
        if outcome.reason == "timeout" or (
            outcome.reason == "exited" and outcome.status not in (0, 1)
        ):
            shown = pages.short_lines(outcome.excerpt(tool_definitions.SHOWN_OUTPUT))
            return Result(f"the search failed: {shown}", "failed", outcome.status, outcome.seconds)
        lines = pages.short_lines(outcome.excerpt(tool_definitions.SHOWN_OUTPUT)).splitlines()
        most = tool_definitions.SEARCH_LINES
        text = "\n".join(line.removeprefix("./") for line in lines[:most]) or "no line matches"
        if len(lines) > most or outcome.total > tool_definitions.SHOWN_OUTPUT:
            text += "\n[PARTIAL: more lines match; search for less, or in fewer files]"
        return Result(text, seconds=outcome.seconds)

    # -- files -------------------------------------------------------------------------------------

    def _read_file(self, fields: Mapping[str, object], stop: threading.Event | None) -> Result:
        path = self._place.relative(document.text(fields, "path"))
        first = _within(fields, "offset", 1, None)
        count = min(
            _within(fields, "limit", tool_definitions.READ_LINES, None), tool_definitions.READ_LINES
        )
        output = _OUTPUT.fullmatch(path)
        if output is None and (_is_root(path) or self._tree.kind(path) == "directory"):
            return self._listing("" if _is_root(path) else path, stop)
        if output is not None:
            if self._place.outputs is None:
                return Result("the outputs of commands are not kept", "failed")
            data = files.Tree(self._place.outputs).read(f"{output[1]}.txt", _LARGEST_FILE)
        else:
            data = self._tree.read(path, _LARGEST_FILE)
        if pages.is_binary(data) and output is None:
            return Result(
                f"{sentences.quoted(path)} is a binary file of {len(data):,} bytes", "failed"
            )
        lines = edits.bodies(
            data.decode("utf-8", "backslashreplace").removeprefix(pages.BYTE_ORDER_MARK)
        )
        if not lines:
            return Result(f"{sentences.quoted(path)} is empty")
        if first > len(lines):
            return Result(
                f"{sentences.quoted(path)} has only {sentences.count(len(lines), 'line')}", "failed"
            )
        return Result(pages.page(path, lines, first, count))

    def _listing(self, prefix: str, stop: threading.Event | None) -> Result:
        stopped = stop.is_set if stop is not None else None
        names = list(itertools.islice(self._tree.listing(prefix, stopped), _LISTED + 1))
        if stopped is not None and stopped():
            raise exchange.Stopped
        if not names:
            return Result("no files")
        text = "\n".join(names[:_LISTED])
        if len(names) > _LISTED:
            text += f"\n[PARTIAL: more than {_LISTED} files; name a directory]"
        return Result(text)

    def _write_file(self, fields: Mapping[str, object], _: threading.Event | None) -> Result:
        path = self._place.relative(document.text(fields, "path"))
        content = document.text(fields, "content")
        executable = fields.get("executable")
        if executable is not None and not isinstance(executable, bool):
            raise document.BadDocument("executable: expected true or false")
        existed = self._tree.kind(path) != "absent"
        data = (
            pages.content_like(self._tree.read(path, _LARGEST_FILE), content)
            if existed
            else content.encode()
        )
        self._write(path, data, executable=executable)
        return Result(
            f"{'replaced' if existed else 'created'} {sentences.quoted(path)}, "
            f"{sentences.count(len(edits.bodies(content)), 'line')}"
        )

    def _edit_file(self, fields: Mapping[str, object], stop: threading.Event | None) -> Result:
        path = self._place.relative(document.text(fields, "path"))
        items = document.sequence(fields, "edits")
        orders = [_edit(item, number) for number, item in enumerate(items, start=1)]
        if not orders:
            raise document.BadDocument("edits: expected at least one edit")
        if len(orders) > tool_definitions.MOST_EDITS:
            raise document.BadDocument(
                f"edits: expected at most {tool_definitions.MOST_EDITS} edits in one call"
            )
        data = self._tree.read(path, _LARGEST_FILE)
        if pages.is_binary(data):
            return Result(f"{sentences.quoted(path)} is a binary file", "failed")
        # With surrogateescape bytes that are not UTF-8 stay as they are.
        before = data.decode("utf-8", "surrogateescape")
        edited = _apply_edits(before.removeprefix(pages.BYTE_ORDER_MARK), orders, stop)
        count = len(orders) - edited.missed
        if count:
            mark = pages.BYTE_ORDER_MARK if before.startswith(pages.BYTE_ORDER_MARK) else ""
            self._write(path, (mark + edited.text).encode("utf-8", "surrogateescape"))
        headline = f"{count} of {len(orders)} edits made in {sentences.quoted(path)}"
        return Result("\n".join([headline, *edited.notes]), "failed" if edited.missed else "done")

    # -- end ---------------------------------------------------------------------------------------

    def _step_done(self, fields: Mapping[str, object], _: threading.Event | None) -> Result:
        summary = document.text(fields, "summary").strip()
        if not summary:
            raise document.BadDocument(
                "argument 'summary' of step_done is empty: say what you changed and why"
            )
        return Result("the checks of the step run now", summary=summary, ends="done")

    def _step_failed(self, fields: Mapping[str, object], _: threading.Event | None) -> Result:
        reason = document.text(fields, "reason").strip()
        if not reason:
            raise document.BadDocument(
                "argument 'reason' of step_failed is empty: say what stands in the way"
            )
        return Result("the step has failed", summary=reason, ends="gave-up")

    def _ask(self, fields: Mapping[str, object], _: threading.Event | None) -> Result:
        question = document.text(fields, "question").strip()
        if not question:
            raise document.BadDocument("argument 'question' of ask is empty: say what to decide")
        if not self._may_ask:
            return Result("nobody can answer here: decide, or call step_failed", "refused")
        return Result("the person is asked", summary=question, ends="asked")


def _within(fields: Mapping[str, object], name: str, default: int, most: int | None) -> int:
    number = document.optional_integer(fields, name)
    if number is None:
        return default
    if number < 1 or (most is not None and number > most):
        raise document.BadDocument(
            f"{name}: expected a number from 1" + ("" if most is None else f" to {most}")
        )
    return number


def _refusal_text(refusal: Judgement) -> str:
    """The refusal for the model: the rule, the part of the command that broke it, and a remedy."""
    span = refusal.span
    part = (
        f"\npart: {span.text} (characters {span.start} to {span.end})" if span is not None else ""
    )
    return f"not run, {refusal.code}: {refusal.reason}{part}\nhint: {refusal.hint}"


def _verdict(outcome: Outcome) -> Verdict:
    if outcome.reason == "timeout":
        return "timeout"
    return "done" if outcome.reason == "exited" and outcome.status == 0 else "failed"


def _end(outcome: Outcome, limit: int) -> str:
    match outcome.reason:
        case "timeout":
            return timeout(limit)
        case "output-limit":
            return f"stopped: more than {_LARGEST_FILE:,} bytes of output"
        case "memory-limit":
            return "stopped: it used more memory than a command may"
        case "process-limit":
            return "stopped: it had more processes than a command may"
        case "disk-limit":
            return "stopped: it wrote more to the worktree than a command may"
        case _ if outcome.status < 0:
            return f"killed by signal {-outcome.status}"
        case _:
            return f"exit {outcome.status}"


def _is_root(path: str) -> bool:
    return path in ("", ".", "./")


def _edit(item: object, number: int) -> edits.Edit:
    fields = document.mapping(item, f"edits[{number}]")
    return edits.Edit(document.text(fields, "old"), document.text(fields, "new"))


class _Edited(NamedTuple):
    """The text after all possible edits, a note for every edit, and the number of missed ones."""

    text: str
    notes: list[str]
    missed: int


_DIFFERENCE = {
    "exact": "",
    "blanks": " (trailing blanks differed)",
    "indent": " (indentation differed)",
}


def _apply_edits(text: str, orders: list[edits.Edit], stop: threading.Event | None) -> _Edited:
    """Raises exchange.Stopped."""
    notes: list[str] = []
    missed = 0
    for number, edit in enumerate(orders, start=1):
        if stop is not None and stop.is_set():
            raise exchange.Stopped
        match edits.apply(text, edit):
            case edits.Missed(why):
                missed += 1
                notes.append(f"edit {number} not made: {why}")
            case edits.Applied(changed, how):
                text = changed
                notes.append(f"edit {number} made{_DIFFERENCE[how]}")
    return _Edited(text, notes, missed)
