"""Commit messages of plan branches: the claims in them, and how git-orch keeps the text of others
from making claims.

A claim is a line `Orch-Step: PLAN/STEP@ATTEMPT` anywhere in a message: after a squash one commit
carries several. Earlier versions wrote `Orch-Plan`, `Orch-Step`, `Orch-Attempt` triples of lines.
Trailer lines begin in column one, so indented text can never be one.
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from git_orch.plans import sentences

if TYPE_CHECKING:
    from collections.abc import Iterable

PLAN, STEP, ATTEMPT = "Orch-Plan", "Orch-Step", "Orch-Attempt"
BASE, COST = "Orch-Base", "Orch-Cost"
MODEL, REVIEWER, AGENT = "Orch-Model", "Orch-Reviewer", "Orch-Agent"
REQUIREMENT = "Orch-Req"

_WHOLE_CLAIM = re.compile(r"([^\s/@]+)/([^\s/@]+)@([^\s/@]+)")
_USD = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) USD")
_TRAILER = re.compile(r"(Orch-[A-Za-z]+):(.*)")
# Lines that git-orch, or a person, answers for: no text of others says them.
_LOOKS_LIKE_TRAILER = re.compile(
    r"^(?=Orch-|This reverts commit |(?:Tested|Reviewed|FAILED|Needs review|[\w-]+-by)\s*:)",
    re.IGNORECASE | re.MULTILINE,
)
_REVERT = re.compile(r"^This reverts commit ([0-9a-f]{7,64})\b", re.MULTILINE)
_SUBJECT_LENGTH = 72  # what `git log --oneline` and forges show whole
UNBORN = "unborn"  # Orch-Base of a plan that was made before the first commit


class Trailer(NamedTuple):
    """A trailer line of a commit message: `name: value`."""

    name: str
    value: str


class Claim(NamedTuple):
    """The claim of a commit that it is this attempt at this step of this plan."""

    plan: str
    step: str
    attempt: str

    def trailer(self) -> Trailer:
        """The line that makes the claim."""
        return Trailer(STEP, f"{self.plan}/{self.step}@{self.attempt}")


class Message(NamedTuple):
    """The claims of a commit's message, what they have cost in USD, as written, and the models
    that were paid.
    Only a cover commit has `cover_of` and `base`.
    """

    claims: tuple[Claim, ...] = ()
    cover_of: str | None = None
    base: str | None = None
    reverts: tuple[str, ...] = ()
    costs: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


def read(message: str) -> Message:
    """The claims of a commit message; an incomplete claim does not count."""
    claims: list[Claim] = []
    plan: str | None = None
    step: str | None = None
    cover: str | None = None
    base: str | None = None
    costs, models = list[str](), dict[str, None]()
    for line in message.splitlines():
        trailer = _TRAILER.fullmatch(line)
        if trailer is None:
            continue
        name, value = trailer[1], trailer[2].strip(" \t")
        if name == PLAN:
            plan, step = value, None
        elif name == STEP and (whole := _WHOLE_CLAIM.fullmatch(value)) is not None:
            claims.append(Claim(*whole.groups()))
            step = None
        elif name == STEP:
            step = value
        elif name == ATTEMPT and plan is not None and step is not None:
            claims.append(Claim(plan, step, value))
            step = None
        elif name == BASE and plan is not None:
            cover, base = plan, value
        elif name == COST and (amount := _USD.fullmatch(value)) is not None:
            costs.append(amount[1])
        elif name in (MODEL, REVIEWER) and value:
            models[value] = None
    reverts = tuple(_REVERT.findall(message))
    return Message(tuple(claims), cover, base, reverts, tuple(costs), tuple(models))


Attribution = Literal["none", "assisted-by", "co-authored-by", "generated-by"]
ATTRIBUTIONS: tuple[Attribution, ...] = get_args(Attribution)


def attribution(form: Attribution, models: Iterable[str]) -> list[Trailer]:
    """The trailers that name models as authors, in one of the forms that projects ask for.

    The kernel's coding-assistants.rst writes `Assisted-by: AGENT:MODEL`; `Co-authored-by` needs an
    address, and Anthropic's is the one that forges know.
    """
    match form:
        case "none":
            return []
        case "co-authored-by":
            return [Trailer("Co-authored-by", _with_address(model)) for model in models]
        case _:
            return [Trailer(form.capitalize(), f"git-orch:{model}") for model in models]


def _with_address(model: str) -> str:
    host = "anthropic.com" if model.startswith("claude") else "git-orch.invalid"  # RFC 2606
    return f"{model} <noreply@{host}>"


def quote(text: str) -> str:
    """Text of others without control characters, its lines that look like our trailers indented by
    four columns.
    """
    without_controls = "".join(
        character for character in text if character in "\n\t" or character.isprintable()
    )
    return _LOOKS_LIKE_TRAILER.sub("    ", without_controls)


def whole_subject(title: str) -> str:
    """The title on one line, as its author wrote it."""
    return quote(" ".join(quote(title).split()))


def subject(title: str, length: int = _SUBJECT_LENGTH) -> str:
    """One line of at most `length` characters."""
    line = whole_subject(title)
    short = line if len(line) <= length else line[: length - 3].rstrip() + "..."
    return quote(short)


def paragraph(text: str) -> str:
    """Text of others filled to lines of 72 columns; its own line breaks stay."""
    filled = "\n".join(
        textwrap.fill(line, width=_SUBJECT_LENGTH, break_long_words=False, break_on_hyphens=False)
        for line in excerpt(text).splitlines()
    )
    return quote(filled)  # last, since filling moves words to the start of lines


def excerpt(text: str, lines: int = 60) -> str:
    """At most that many lines of `text`, and the number of the others: a commit message is for
    people.
    """
    all_lines = text.strip().splitlines()
    if len(all_lines) <= lines:
        return "\n".join(all_lines)
    rest = sentences.count(len(all_lines) - lines, "more line")
    return "\n".join([*all_lines[:lines], f"[{rest}]"])


def one_line(text: str) -> str:
    """`text` as one line of at most 200 characters."""
    return subject(text, length=200).strip()
