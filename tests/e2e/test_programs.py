"""What a step costs that no clock is needed for: programs that are started, and syncs to disk.

The numbers do not depend on the machine. They are those of one more step in a run: a run of few
steps is taken off from one of more.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conftest import Repo

from git_orch.sandbox.process import cgroup

_FEW, _MORE = 2, 6


class Cost(NamedTuple):
    """Programs (execve, those that only wrap another counted as well) and syncs."""

    programs: float
    syncs: float


def one_more(repo: Repo, tmp_path: Path, step: dict[str, Any]) -> Cost:
    """The cost of one more step like this in a run."""
    few, more = (_cost(repo, tmp_path, step, count) for count in (_FEW, _MORE))
    steps = _MORE - _FEW
    return Cost((more.programs - few.programs) / steps, (more.syncs - few.syncs) / steps)


def _cost(repo: Repo, tmp_path: Path, step: dict[str, Any], count: int) -> Cost:
    text = json.dumps(step)
    steps = [json.loads(text.replace("NUMBER", f"{count}-{number}")) for number in range(count)]
    plan = repo.plan({"title": f"Plan {count}", "steps": steps})
    traced = tmp_path / "traced"
    subprocess.run(
        ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=execve,fsync,fdatasync", "-o", str(traced),
         sys.executable, "-m", "git_orch", "exec", "--no-cache", plan],
        cwd=repo.path, check=True, capture_output=True,
    )  # fmt: skip
    lines = traced.read_text("utf-8", "replace")
    return Cost(
        len(re.findall(r"execve(?:\(| resumed>).* = 0$", lines, re.MULTILINE)),
        len(re.findall(r"^\d+ +f(?:data)?sync\(", lines, re.MULTILINE)),
    )


STEPS: dict[str, tuple[dict[str, Any], Cost]] = {
    "files": ({"title": "Write", "files": {"new/NUMBER.txt": "NUMBER\n"}}, Cost(0, 3)),
    "run": ({"title": "Run", "run": "true"}, Cost(3, 3)),
    "run with a check": (
        {"title": "Run", "run": "true", "checks": [{"command": "true"}]},
        Cost(6, 3),
    ),
    "run that writes": ({"title": "Run", "run": "echo NUMBER >> log"}, Cost(15, 4)),
}


@pytest.mark.parametrize(("step", "most"), STEPS.values(), ids=STEPS)
def test_a_step_starts_few_programs_and_syncs_seldom(
    repo: Repo, tmp_path: Path, step: dict[str, Any], most: Cost
) -> None:
    assert_cost(repo, tmp_path, step, most)


# Nothing changes, so that git has nothing to look at: also not where something is shared.
_QUIET = ("run", "run with a check")


@pytest.mark.parametrize("name", _QUIET)
def test_shared_directories_start_no_program(repo: Repo, tmp_path: Path, name: str) -> None:
    repo.commit({".gitignore": "node_modules\n", "package.json": "{}"})
    repo.write({"node_modules/left-pad/index.js": "", "vendor/bundle/ruby/3.1.0/a.rb": ""})
    assert_cost(repo, tmp_path, *STEPS[name])


def assert_cost(repo: Repo, tmp_path: Path, step: dict[str, Any], most: Cost) -> None:
    cost = one_more(repo, tmp_path, step)
    if any(place.version == 2 for place in cgroup.find_places()):  # a shell enters each
        most = most._replace(programs=most.programs * 3 // 2)
    assert cost.programs <= most.programs
    assert cost.syncs <= most.syncs
