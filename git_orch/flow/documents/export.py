"""Plans, specs, checklists and execution logs as files that people read and edit."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Protocol

from git_orch import errors
from git_orch.flow.documents.directory import Directory, Exchange, Outcome, Problem
from git_orch.flow.documents.log_files import LogFiles
from git_orch.flow.documents.plan_files import PlanFiles
from git_orch.flow.documents.report_file import ReportFile
from git_orch.plans import ids
from git_orch.plans.documents import front_matter, names
from git_orch.plans.history.status import Status


def exchange(work: Exchange, statuses: Iterable[Status]) -> Outcome:
    """Read what people changed, then write what the plans say, for each of these plans, which have
    all events of their logs; whoever calls it holds the directory (`directory.alone`). Raises
    Refused.
    """
    directory = Directory(work)
    plans, specs = directory.scan(names.PLANS), directory.scan(names.SPECS)
    for status in statuses:
        if status.archived is not None:
            name = ids.short(status.id)
            directory.outcome.notes.append(
                f"'{name}' is archived and its files wait: git orch archive --undo {name}"
            )
        else:
            _exchange(directory, PlanFiles(directory, status, plans, specs), archives=True)
    return directory.outcome


def exchange_one(work: Exchange, status: Status) -> Outcome:
    """Exchange the files of one plan, without a look at the files of others; a deleted file
    archives nothing. Raises Refused.
    """
    directory = Directory(work)
    plans, specs = (directory.scan(folder, status.id) for folder in (names.PLANS, names.SPECS))
    if status.archived is None:
        _exchange(directory, PlanFiles(directory, status, plans, specs), archives=False)
    return directory.outcome


def write_logs(work: Exchange, status: Status) -> Outcome:
    """Write the execution logs of a plan; what people added to them is read another time. Raises
    Refused.
    """
    directory = Directory(work)
    logs = LogFiles(directory)
    with _told(directory, status, logs):
        logs.write(status)
    return directory.outcome


def _exchange(directory: Directory, plan: PlanFiles, *, archives: bool) -> None:
    """Exchange all files of one plan: what people changed in one of them is in all of them then."""
    report, logs = ReportFile(directory, plan.status.id), LogFiles(directory)
    for files in (report, logs):
        with _told(directory, plan.status, files):
            plan.status = files.take(plan.status)
    with _told(directory, plan.status, plan):
        plan.exchange(archives=archives)
    if plan.status.archived is None:
        for files in (report, logs):
            with _told(directory, plan.status, files):
                files.write(plan.status)


class _Files(Protocol):
    @property
    def shown(self) -> str: ...


@contextlib.contextmanager
def _told(directory: Directory, status: Status, files: _Files) -> Iterator[None]:
    """Tell what keeps files from being read or written."""
    outcome = directory.outcome
    try:
        yield
    except errors.Busy as busy:
        outcome.notes.append(f"{busy.cause}: the files of '{ids.short(status.id)}' wait")
    except front_matter.Malformed as wrong:
        outcome.problems.append(Problem(files.shown, wrong.line, wrong.problem))
    except (errors.Refused, errors.UsageError) as refused:
        problem = Problem(files.shown, 1, f"{refused.cause} ({refused.hint})")
        outcome.problems.append(problem)
