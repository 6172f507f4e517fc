"""Text of a model or a remote: whatever reads it takes time that grows as the text does.

Each reader gets texts of a size at which time that grows with the square of it would take many
seconds of the processor; the kernel ends it after one. A text of a fifth of that is read first: what
takes less time than a square would is not read whole. With GIT_ORCH_SOAK=1 all texts are read whole,
and are longer.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from git_orch import errors
from git_orch.agents import edits, pages, planner, prompts, repetition
from git_orch.agents.exchange import ToolCall
from git_orch.agents.toolbox import Result
from git_orch.plans import (
    codefiles,
    document,
    ids,
    invisible,
    needs_review,
    paths,
    redact,
    selection,
    trailers,
)
from git_orch.plans.document import BadDocument
from git_orch.plans.file import findings, planfile, schema
from git_orch.plans.history import events
from git_orch.plans.plan import Command, Step
from git_orch.repo.objects import raw
from git_orch.repo.worktree import gate
from git_orch.sandbox.policy import decision
from git_orch.sandbox.policy.whitelist import Whitelist

SOAK = os.environ.get("GIT_ORCH_SOAK") == "1"
SIZE = 100_000 if SOAK else 40_000  # characters; a square of it is 1,600,000,000
SECONDS = SIZE * 3e-5  # of the processor for one text; the slowest reader needs a tenth of that
FIRST = 5  # the first text has one in so many characters
MEMORY = 2 << 30

UNITS = (
    *("a", " ", "\t", "\n", "\r", "\r\n", "a ", "a\n", " a\n", '"', "'", "`", "\\", "(", "[", "{"),
    *("{a,", "$(", "${a", "<<a\n", "../", "a/", "1", "1.", "0s ", "é", "\x1b[", ",", "&a ", "*a "),
    *("[[", '{"a":', '\\"', '"\\', "k: ", "- ", "|\n", "!a ", "a.", "a::", "a: ", "--", "_a"),
    *(
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN ",
        "sk-",
        "ghp_",
        "bearer ",
        "bearer a",
        "basic  ",
    ),
    *("authorization", "authorization: a ", "x-api-key: ", "a://", "a+", "a://a@", "a:b@", "Orch-"),
    *(
        "Orch-A: \n",
        "This reverts commit 1234567\n",
        "func ",
        "it ",
        "#[a::",
        "def test",
        "[attr]a ",
    ),
    *("```json\n", "```\n", "\u2028", "a=", "cd ", "-m a.", "\\\n", "#a\n", " #", " \t"),
)
BEGINNINGS = ("Orch-A: a", "authorization: ", "bearer ", "x-api-key:", "{", "[", '"', "- ", "```")


def texts(size: int) -> Iterator[str]:
    """Texts of one piece again and again, with an end that makes a match fail late, and after the
    beginning of something.
    """
    for unit in UNITS:
        many = unit * (size // len(unit))
        yield many
        yield f'{many}"'
        yield f"{many}\x01x\n"
    for beginning in BEGINNINGS:
        for unit in (" ", "a", "\t", "a ", '\\"', "."):
            yield beginning + unit * (size // len(unit)) + "\x01x"


def half_of_it(text: str) -> None:
    """Both kinds of misses, and a piece that is there many times."""
    half = text[: len(text) // 2]
    for old in (half, f"{half}\x02", f"\x02{half}"):
        edits.apply(text, edits.Edit(old, "new"))


STEP = Step("s1", "title", "agent", "do it")
READERS: dict[str, Callable[[str], object]] = {
    "redacted": lambda text: redact.redacted(text, ("a secret",)),
    "secrets": lambda text: redact.secrets_in(text, ("a secret",)),
    "claims": trailers.read,
    "quotation": trailers.quote,
    "subject": trailers.subject,
    "paragraph": trailers.paragraph,
    "path": paths.problem,
    "control directory": paths.is_control_directory,
    "slug": ids.slug,
    "plan": lambda text: ids.matches(text, ["PLAN-20260101-0000000000-a"]),
    "steps": lambda text: selection.numbers(text, 10),
    "terminal": invisible.escaped,
    "manifest": lambda text: codefiles.package_scripts(text.encode()),
    "file name": lambda text: (codefiles.runs_code(text), needs_review.is_test(text)),
    "review": lambda text: needs_review.reasons(
        STEP, [text], [needs_review.Change("tests/test_a.py", "M", "", text)]
    ),
    "JSON": document.decode,
    "plan file": lambda text: planfile.read(text, "plan.yaml"),
    "plan of a model": schema.reply_plan,
    "JSON of a model": planner.json_text,
    "log": lambda text: events.read([text.encode()]),
    "command": lambda text: decision.decide(Command(shell=text), Whitelist()),
    "arguments": lambda text: decision.decide(Command(argv=("ls", text)), Whitelist()),
    "first word": lambda text: findings.first_word(Command(shell=text)),
    "output": pages.short_lines,
    "lines": edits.bodies,
    "line endings": lambda text: edits.with_endings(text, "\r\n"),
    "edit": half_of_it,
    "repetition": lambda text: repetition.Repetition().judge(
        ToolCall("1", "bash", {}), Result(text)
    ),
    "link": lambda text: gate.leaves_tree("a/b", text.encode()),
    "commit": lambda text: raw.commit_object(text.encode()),
    "prompt": lambda text: prompts.quotation("name", text, "delimiter"),
}


@pytest.mark.parametrize("reader", READERS)
def test_no_text_takes_a_reader_longer_than_it_is(reader: str) -> None:
    assert ended_by_itself(lambda: read_all(READERS[reader]))


def read_all(reader: Callable[[str], object]) -> None:
    """Let the reader read all texts."""
    for first, whole in zip(texts(SIZE // FIRST), texts(SIZE), strict=True):
        # Three quarters of what a square takes that takes the whole text to the limit.
        if SOAK or spent(reader, first) > SECONDS / FIRST**2 * 0.75:
            spent(reader, whole)


def spent(reader: Callable[[str], object], text: str) -> float:
    """How long the reader worked on a text, in seconds of the processor. It may refuse it."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    begun = time.process_time()
    with contextlib.suppress(errors.OrchError, BadDocument):
        reader(text)
    return time.process_time() - begun


def ended_by_itself(work: Callable[[], None]) -> bool:
    """Whether another process did the work without an error, within the limits."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.signal(signal.SIGPROF, signal.SIG_DFL)  # nothing that does not listen delays it
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1] == 0
