"""Running a check on a snapshot, and putting back what the check changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch.plans import redact
from git_orch.plans.plan import Check, Command
from git_orch.plans.status import CheckResult
from git_orch.repo import hooks, snapshot
from git_orch.repo.enclosed import Boundary

if TYPE_CHECKING:
    from git_orch.flow.attempt import Site
    from git_orch.sandbox.process import Outcome

_LAST_SIGNAL = 128 + 64  # a sandbox, as a shell, ends with 128 and the number of the signal that killed a command
_OUTPUT_IN_LOG = 2000  # characters; the whole output is in a local file


def run(check: Check, site: Site, output_path: Path, tree: str) -> CheckResult:
    """Run the check in a worktree that holds `tree`; whatever it changed is put back and named in its output."""
    outcome = site.launcher.run(
        check.command,
        worktree=site.worktree.path,
        timeout=check.timeout,
        output_path=output_path,
        stop=site.stop,
    )
    return _result(check, site, outcome, tree)


def run_hook(site: Site, output_path: Path, tree: str) -> CheckResult | None:
    """Run the repository's pre-commit hook as git would, in the sandbox; None when there is none."""
    hook = hooks.found(site.repository, site.worktree.path, "pre-commit")
    if hook is None:
        return None
    check = Check("run", Command(argv=("pre-commit", "hook")))
    shown = replace(site.launcher, readable=(*site.launcher.readable, hook.parent))  # the user's may lie in their home
    enclosure = replace(site.worktree.enclosure, stop=site.stop, boundary=Boundary(shown))
    with enclosure.scratch() as scratch:
        outcome = enclosure.outcome(
            scratch, [str(hook)], writes_files=True, timeout=check.timeout, output_path=output_path
        )
    return _result(check, site, outcome, tree)


def _result(check: Check, site: Site, outcome: Outcome, tree: str) -> CheckResult:
    said = outcome.shown(_OUTPUT_IN_LOG).strip()
    disturbed = snapshot.disturbed(site.worktree, tree)
    if disturbed:
        snapshot.restore(site.worktree, tree)
        said = f"{said}\n[the check changed {', '.join(disturbed[:5])}: put back]".lstrip("\n")
    passed = outcome.reason == "exited" and outcome.status == check.expected_exit
    return CheckResult(
        type=check.type,
        command=redact.redacted(check.command.text(), site.secrets),
        exit=outcome.status,
        passed=passed,
        seconds=outcome.seconds,
        output=redact.redacted(said, site.secrets),
        reason="ok" if passed else ended(outcome, check.timeout, check.expected_exit),
    )


def ended(outcome: Outcome, timeout: float, expected: int = 0) -> str:
    """How a command that was not as expected ended, as the end of a sentence."""
    match outcome.reason:
        case "timeout":
            return f"timed out after {timeout:g} s"
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
            signal = f" (signal {outcome.status - 128})" if 128 < outcome.status <= _LAST_SIGNAL else ""
            return f"exited {outcome.status}{signal}" + (f", expected {expected}" if expected else "")
