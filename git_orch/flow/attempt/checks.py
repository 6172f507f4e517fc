"""Running a check on a snapshot, and putting back what the check changed.

What passed in a clean worktree leaves a receipt, and is not run again on the same tree. Ignored
files that a check leaves (build products) may be what a later check needs: then both are run, or
neither.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans import redact, sentences
from git_orch.plans.history.status import CheckResult
from git_orch.plans.plan import Check, Command
from git_orch.repo import hooks
from git_orch.repo.local.receipts import Book, Receipt
from git_orch.repo.worktree import snapshot
from git_orch.repo.worktree.enclosed import Boundary
from git_orch.sandbox import keeping
from git_orch.sandbox.process.outcome import timeout as timeout_text
from git_orch.sandbox.walls import fingerprint

if TYPE_CHECKING:
    from git_orch.flow.attempt.site import Site
    from git_orch.repo.repository import Repository
    from git_orch.sandbox.process.outcome import Outcome
    from git_orch.sandbox.walls.launcher import Launcher

# A sandbox, as a shell, ends with 128 and the number of the signal that killed a command.
_LAST_SIGNAL = 128 + 64
_OUTPUT_IN_LOG = 2000  # characters; the whole output is in a local file


class Stage(NamedTuple):
    """Where checks run: `enter` gives a site whose worktree is what a checkout of `tree` is, and is
    called when the first of them has to run. `clean` says that nothing is beside the tree,
    `spotless` that somebody looked and saw nothing, whatever the user shares.
    """

    site: Site
    tree: str
    enter: Callable[[], Site]
    clean: bool
    spotless: bool = False


def sequence(checks: Sequence[Check], stage: Stage, attempt: str) -> Iterator[CheckResult]:
    """The results of checks that run one after the other, as they come.

    None is run where receipts know all of them, otherwise those that leave nothing behind are left
    out.
    """
    if not checks:
        return
    site, tree = stage.site, stage.tree
    book = book_of(site.repository, site.launcher, site.path, tree)
    known_ones = known(checks, book) if site.use_cache and stage.clean else None
    if known_ones is not None:
        yield from known_ones
        return
    # What left products here; None: who knows what is here. A check may take away what it has used.
    before: tuple[Check, ...] | None = () if stage.clean or stage.spotless else None
    entered: Site | None = None
    for number, check in enumerate(checks, start=1):
        receipt = _receipt(check, book, before or ()) if site.use_cache else None
        if receipt is not None and not receipt.products:
            yield receipt.result
            continue
        entered = entered or stage.enter()
        site.begin_phase(attempt, f"check {number}", check.command.text())
        result, products = _run(check, entered, site.output_path(attempt, f"check-{number}"), tree)
        if before is not None:
            _written_down(book, check, before, Receipt(result, products))
        before = _after(before, check, products=products)
        yield result


def book_of(repository: Repository, launcher: Launcher, worktree: Path, tree: str) -> Book:
    """The receipts that count for commands which this launcher runs on `tree`; `worktree` need not
    be there.
    """
    return Book(repository, fingerprint.of(launcher, worktree), tree)


def known(checks: Sequence[Check], book: Book) -> list[CheckResult] | None:
    """The results of checks that run one after the other from a clean worktree; None unless all
    have a receipt.
    """
    results: list[CheckResult] = []
    before: tuple[Check, ...] | None = ()
    for check in checks:
        receipt = _receipt(check, book, before or ())
        if receipt is None:
            return None
        results.append(receipt.result)
        before = _after(before, check, products=receipt.products)
    return results


def _receipt(check: Check, book: Book, before: tuple[Check, ...]) -> Receipt | None:
    """The receipt of a check after others or, as that says no less about the tree, on its own.

    What took longer than the check allows has not passed it.
    """
    receipt = book.find(check, before) or (book.find(check) if before else None)
    return receipt if receipt is not None and receipt.result.seconds <= check.timeout else None


def _after(
    before: tuple[Check, ...] | None, check: Check, *, products: bool
) -> tuple[Check, ...] | None:
    if not products:
        return ()
    return (*before, check) if before is not None else None


def _written_down(book: Book, check: Check, before: Sequence[Check], receipt: Receipt) -> None:
    with keeping.unnecessary("receipts of checks"):
        if receipt.result.passed:
            book.put(check, before, receipt, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
        else:
            book.forget(check, before)


def _run(check: Check, site: Site, output_path: Path | None, tree: str) -> tuple[CheckResult, bool]:
    """The result of running it, and whether ignored files or empty directories are there
    afterwards.
    """
    site.worktree.standing.begin()
    outcome = site.launcher.run(
        check.command,
        worktree=site.worktree.path,
        timeout=check.timeout,
        output_path=output_path,
        stop=site.stop,
    )
    return _result(check, site, outcome, tree)


def run_hook(stage: Stage, output_path: Path | None) -> CheckResult | None:
    """Run the repository's pre-commit hook as git would, in the sandbox; None without one."""
    site = stage.enter()
    hook = hooks.find(site.repository, site.worktree.path, "pre-commit")
    if hook is None:
        return None
    check = Check("run", Command(argv=("pre-commit", "hook")))
    # The user's may lie in their home.
    shown = replace(
        site.launcher, readable=(*site.launcher.readable, hook.parent), tools_see_shares=True
    )
    enclosure = replace(site.worktree.enclosure, stop=site.stop, boundary=Boundary(shown))
    site.worktree.standing.begin()
    argv = [str(enclosure.inside(hook))]
    with enclosure.scratch() as scratch:
        outcome = enclosure.outcome(
            scratch, argv, writes_files=True, timeout=check.timeout, output_path=output_path
        )
    return _result(check, site, outcome, stage.tree)[0]


def _result(check: Check, site: Site, outcome: Outcome, tree: str) -> tuple[CheckResult, bool]:
    output = outcome.excerpt(_OUTPUT_IN_LOG).strip()
    look = snapshot.look(site.worktree, tree, alone=True)
    note = _put_back(site, tree, look.disturbed) if look.disturbed else ""
    passed = outcome.reason == "exited" and outcome.status == check.expected_exit
    result = CheckResult(
        type=check.type,
        command=redact.redacted(check.command.text(), site.secrets),
        exit=outcome.status,
        passed=passed,
        seconds=outcome.seconds,
        output=redact.redacted(output, site.secrets),
        reason="ok" if passed else ended(outcome, check.timeout, check.expected_exit),
        note=redact.redacted(note, site.secrets),
    )
    top = site.worktree.path
    absent = [path for path in check.produces if not os.path.lexists(top / path)]
    if passed and absent:
        reason = f"did not make {sentences.quoted(absent[0])}"
        result = result._replace(passed=False, output="", reason=reason, note="")
    return result, not look.spotless


def _put_back(site: Site, tree: str, disturbed: Sequence[str]) -> str:
    """Make the worktree `tree` again, of which `disturbed` paths differ; gives what to tell."""
    snapshot.restore(site.worktree, tree)
    named = sentences.paths(disturbed)
    return f"the check changed {named}: reverted"


def timed_out(result: CheckResult) -> bool:
    """Whether a check took longer than it may."""
    return "timeout after" in result.reason


def ended(outcome: Outcome, timeout: float, expected: int = 0) -> str:
    """The unexpected end of a command, as the end of a sentence."""
    match outcome.reason:
        case "timeout":
            return f"was stopped: {timeout_text(timeout)}"
        case "output-limit":
            return f"was stopped after {outcome.total} bytes of output"
        case "stopped":
            return "was stopped"
        case "memory-limit":
            return "was stopped: it used more memory than a command may"
        case "process-limit":
            return "was stopped: it had more processes than a command may"
        case "disk-limit":
            return "was stopped: it wrote more to the worktree than a command may"
        case "exited":
            if outcome.status < 0:
                return f"was killed by signal {-outcome.status}"
            signal = (
                f" (signal {outcome.status - 128})" if 128 < outcome.status <= _LAST_SIGNAL else ""
            )
            return f"exited {outcome.status}{signal}" + (
                f", expected {expected}" if expected else ""
            )
