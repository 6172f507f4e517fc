"""Shared by the commands that make or change plans: arguments, and texts from files."""

from __future__ import annotations

import codecs
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from git_orch import errors
from git_orch.agents import tool_definitions
from git_orch.cli import here
from git_orch.plans import sentences
from git_orch.repo import owners, settings
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.planning.ask import Terms
    from git_orch.plans.document import Document
    from git_orch.repo.repository import Repository

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LARGEST_TASK = 4 * 1024 * 1024  # bytes; what a model can read is far below


NO_TASK = "nothing to plan: give a task, --from or --template"


class Typed(NamedTuple):
    """The options of `git orch plan TASK` as typed."""

    source: str | None
    part: str | None
    template: str | None
    variables: tuple[str, ...]
    base: str | None
    include_dirty: bool
    model: str | None
    max_usd: float | None
    estimate_only: bool
    no_look: bool
    tools: str | None
    again: str | None
    revise: str | None
    remarks: tuple[str, ...]
    wait_limits: float | None
    first_state: str | None
    body: str | None
    owner: str | None
    id: str | None
    progress: bool | None
    quiet: bool
    as_json: bool

    def looks(self) -> bool:
        """Whether the model may read files of the repository. Raises UsageError for a list that
        names no tools.
        """
        allowed = None if self.tools is None else tool_definitions.permissions(self.tools)
        return not self.no_look and (allowed is None or "read" in allowed)

    def longest_wait(self, chosen: settings.Settings) -> float:
        """The seconds to wait for a limit of the provider that resets."""
        return chosen.waitLimits if self.wait_limits is None else self.wait_limits


def owner(repository: Repository, typed: str | None) -> str:
    """Whom a new plan belongs to: the one that was typed, else the first of `owner who`. Raises
    UsageError for what is no name.
    """
    return owners.of_user(repository) if typed is None else owners.required(typed, "--owner")


def terms(repository: Repository, base: str | None) -> Terms:
    """The terms of planning as the settings say, without a limit of money."""
    from git_orch.flow.planning.ask import Terms

    chosen = settings.of_user(repository)
    wait = chosen.waitLimits
    return Terms(chosen.model, chosen, base, _place(repository), look=True, longest_wait=wait)


def terms_of(repository: Repository, given: Typed, base: str | None) -> Terms:
    """The terms of planning as somebody typed them, without a limit of money."""
    usual = terms(repository, base)
    return usual._replace(
        model=given.model or usual.model,
        look=given.looks(),
        longest_wait=given.longest_wait(usual.chosen),
    )


def _place(repository: Repository) -> str:
    """Where in the work tree the user stands; "" at its top, and elsewhere."""
    if repository.top is None:
        return ""
    below = os.path.relpath(os.getcwd(), repository.top)
    return "" if below.split(os.sep)[0] in (os.curdir, os.pardir) else below


def print_asking(given: Typed, terms: Terms, tokens: int, what: str = "making the plan") -> None:
    """Print the estimated cost of a request with so many tokens."""
    from git_orch.flow.model import service
    from git_orch.plans.money import cost

    usage = cost.Usage(input=tokens, output=cost.STEP_TOKENS_OUT)
    price = service.price_table(terms.chosen).price(terms.model)
    usd = cost.usd(usage, price)
    print_estimate(given, what, {"tokens_in": usage.input, "tokens_out": usage.output, "usd": usd})


def print_estimate(given: Typed, what: str, estimate: Document) -> None:
    """Print an estimate."""
    from git_orch.flow.model import estimate as estimating

    if given.as_json:
        here.print_json(estimate)
        return
    console.out(
        f"{what}: {estimate['tokens_in']} tokens in, {estimate['tokens_out']} out, {estimating.estimate_text(estimate)}"
    )


def pairs(variables: tuple[str, ...]) -> dict[str, str]:
    """The values of NAME=VALUE by their names. Raises UsageError."""
    values: dict[str, str] = {}
    for assignment in variables:
        name, equals, value = assignment.partition("=")
        if not equals or name in values:
            problem = "is not NAME=VALUE" if not equals else f"is a second value for '{name}'"
            raise errors.UsageError(
                f"'{assignment}' {problem}", "git orch plan --template NAME --var name=hello"
            )
        values[name] = value
    return values


def input_text(source: str) -> str:
    """The text of a file, or of standard input for `-`. Raises UsageError."""
    return standard_input() if source == "-" else _file(source)


def standard_input() -> str:
    """The text of standard input. Raises UsageError for a terminal."""
    if sys.stdin is None or sys.stdin.isatty():
        raise errors.UsageError(NO_TASK, 'git orch plan "what to do"')
    return text_of(sys.stdin.buffer.read(_LARGEST_TASK + 1), "standard input")


def _file(name: str) -> str:
    try:
        with Path(name).open("rb") as file:
            return text_of(file.read(_LARGEST_TASK + 1), name)
    except OSError as failed:
        raise errors.UsageError(
            f"cannot read {sentences.quoted(name)}: {(failed.strerror or str(failed)).lower()}",
            f"ls -l {shlex.quote(name)}",
        ) from failed


def text_of(data: bytes, name: str) -> str:
    """The text of a file's bytes. Raises UsageError for one that is too large or not in Unicode."""
    if len(data) > _LARGEST_TASK:
        raise errors.UsageError(f"{name} is larger than 4 MiB", "git orch plan -h")
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as wrong:
        raise errors.UsageError(
            f"{name} is not {encoding.upper()} (byte {wrong.start})",
            f"iconv -f {_likely_encoding(data)} -t UTF-8 {shlex.quote(name)}",
        ) from wrong


def _likely_encoding(data: bytes) -> str:
    """What a text that is not UTF-8 may be: every other byte of UTF-16 is zero, mostly."""
    if data[1:2] == b"\0" or data[3:4] == b"\0":
        return "UTF-16LE"
    return "UTF-16BE" if data[:1] == b"\0" else "WINDOWS-1252"
