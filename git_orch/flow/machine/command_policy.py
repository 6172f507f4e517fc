"""The command policy for the commands of a plan, and for those that a model asks for in a step."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch.flow.machine import machine
from git_orch.flow.machine.shares import programs_of
from git_orch.plans.file import findings
from git_orch.plans.file.findings import Finding
from git_orch.plans.plan import Plan
from git_orch.sandbox.capabilities import Capabilities
from git_orch.sandbox.walls import environment

if TYPE_CHECKING:
    from git_orch.sandbox.policy.decision import Policy
    from git_orch.sandbox.walls.launcher import Launcher


def denials(plan: Plan, capabilities: Capabilities) -> Iterator[Finding]:
    """The findings for commands of a plan that the policy denies in the sandbox, whatever programs
    there are.
    """
    from git_orch.sandbox.policy import (  # its patterns take 20 ms, which most commands save
        decision,
        whitelist,
    )

    for field, command, network in findings.commands(plan):
        programs = whitelist.of(
            capabilities, plan.dependencies, network=network, reachable=lambda _name: True
        )
        verdict = decision.refused_in_sandbox(command, programs)
        if verdict is not None and verdict.code is not None:
            code = verdict.code.lower().replace("_", "-")
            fix = verdict.hint or "write it another way; ask with 'git orch allow'"
            yield Finding(code, field, str(verdict.reason), fix, "warning")


def policy(
    plan: Plan, worktree: Path, top: Path | None, launcher: Launcher, *, network: bool
) -> Policy:
    """The policy for the commands of a step in `worktree`, which `launcher` starts; programs inside
    `top`, the user's tree, count only where they are shared with commands.
    """
    from git_orch.sandbox.policy import decision, whitelist  # as above

    shared = programs_of(launcher.shares) if launcher.sandboxed else ()
    capabilities = machine.find_present(worktree, top, shared)
    source = environment.without_own_programs(os.environ, () if top is None else (top,))
    path = os.pathsep.join((*shared, *environment.outside(source.get("PATH", ""), top)))

    def is_on_path(name: str) -> bool:
        return environment.program(name, path) is not None

    return decision.Policy(
        whitelist.of(capabilities, plan.dependencies, network=network, reachable=is_on_path),
        str(worktree),
        launcher.sandboxed,
    )
