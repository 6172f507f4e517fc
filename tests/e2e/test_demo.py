"""`make demo`: the whole road as a new user sees it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import places
import pytest
from conftest import Repo

_SCRIPT = places.SUPPORT / "demo.sh"


# As on a machine without bubblewrap: its own is covered, by itself.
_WITHOUT = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", os.devnull, "/usr/bin/bwrap"]


@pytest.fixture(params=[[], _WITHOUT], ids=["as it is", "without bubblewrap"])
def demo(request: pytest.FixtureRequest, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """The demonstration, run with the git-orch of these tests."""
    variables = {
        **os.environ,
        "TMPDIR": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    return subprocess.run(
        [*request.param, "sh", _SCRIPT], env=variables, capture_output=True, text=True, check=False
    )


def test_the_demonstration_does_every_step_in_a_sound_repository(
    demo: subprocess.CompletedProcess[str],
) -> None:
    assert demo.returncode == 0, demo.stderr
    assert "5/5 steps done, 5 in this run" in demo.stdout
    assert "rolled back step 5 (old tip" in demo.stdout
    assert "5/5 steps done, 1 in this run" in demo.stdout
    assert "1/1 steps done, 1 in this run" in demo.stdout
    assert '+echo "Hello, ${1:-world}."' in demo.stdout
    found = re.search(r"The repository is (\S+);", demo.stdout)
    assert found is not None
    repo = Repo(Path(found[1]))
    branch, _ = repo.git(
        "for-each-ref", "--format=%(refname:short)", "refs/heads/orch"
    ).splitlines()

    assert repo.git("fsck", "--strict", "--no-dangling") == ""
    # The project's commit, the cover, five steps.
    assert repo.git("rev-list", "--count", branch) == "7"
    assert repo.git("status", "--porcelain") == ""
