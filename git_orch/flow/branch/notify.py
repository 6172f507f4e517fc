"""The user's own program (orch.notify), which hears of changes: a line for people, as its argument.

Nothing waits for it longer than some seconds, and what it does decides nothing. The log of a plan
has its changes, and a local file the last one that the program has heard of: what a killed command
did not tell, the next one tells.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import NamedTuple

from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import Note, Reporter
from git_orch.plans import ids, one_line, sentences
from git_orch.plans.documents import names
from git_orch.plans.history import bells
from git_orch.repo import settings
from git_orch.repo.local import rung
from git_orch.repo.log import log as store
from git_orch.repo.repository import Repository
from git_orch.sandbox.process import tools

_SECONDS = 3.0  # of all tries
_TRIES = 3


def of_specs(repository: Repository, titles: Mapping[str, str], reporter: Reporter) -> None:
    """Tell of the new specs of plans, whose titles stand by their IDs; a note says where that
    failed.
    """
    command = settings.of_user(repository).notify
    if command is None or not titles:
        return
    plan, title = next(iter(titles.items()))
    text = f"{names.spec_id(plan)} created: {title}"
    if len(titles) > 1:
        text = f"{sentences.count(len(titles), 'spec')} created: {names.spec_id(plan)} and others"
    end = time.monotonic() + _SECONDS
    _tell(command, _Message(text, plan, "created"), reporter, end)


def of_changes(plan: OpenPlan) -> None:
    """Tell of the changes of a plan since this was done last. The first time it tells of nothing:
    what lies before is known.
    """
    repository = plan.repository
    command = settings.of_own_scopes(repository, "orch.notify").get("orch.notify", [None])[-1]
    if not command:
        return
    after, latest = rung.last(plan.place), plan.log.log.greatest()
    if after is not None and latest is not None and after < latest:
        clone = store.clone_id(repository)
        end = time.monotonic() + _SECONDS
        for bell in bells.bells(plan.log.log.events, clone, after, plan.status()):
            text = f"{ids.short(plan.id)}: {bell.text}"
            _tell(command, _Message(text, plan.id, bell.change), plan.reporter, end)
            rung.record(plan.place, bell.event)
    if latest is not None and latest != after:
        rung.record(plan.place, latest)


class _Message(NamedTuple):
    """What the program is told: a text, and the plan and the change that it is about."""

    text: str
    plan: str
    change: str


def _tell(command: str, message: _Message, reporter: Reporter, end: float) -> None:
    line = one_line.of(message.text)
    variables = {
        **os.environ,
        "GIT_ORCH_MESSAGE": line,
        "GIT_ORCH_PLAN": message.plan,
        "GIT_ORCH_EVENT": message.change,
    }
    problem = _run(["sh", "-c", f'{command} "$@"', "sh", line], variables, end)
    if problem is not None:
        reporter.emit(Note(f"the command of 'orch.notify' {problem}"))


def _run(argv: list[str], variables: Mapping[str, str], end: float) -> str | None:
    """What went wrong in the last try; None where one went well. What hangs is not tried again."""
    problem = None
    for _ in range(_TRIES):
        left = end - time.monotonic()
        if left <= 0:
            return problem
        try:
            done = tools.capture(argv, env=variables, cwd="/", timeout=left)
        except TimeoutError:
            return f"did not end within {_SECONDS:g} s"
        except OSError as failed:
            return f"did not start: {failed.strerror}"
        if done.status == 0:
            return None
        problem = f"ended with {done.status}, {_TRIES} times"
    return problem
