"""What stands on a terminal while a run goes on (S1-245 to S1-249)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from conftest import Repo, writing
from model_server import Fault, ModelServer, text, turn
from screen import Screen, screen

_ORCH = (sys.executable, "-m", "git_orch")


@contextmanager
def running(repo: Repo, *words: str, **env: str) -> Iterator[Screen]:
    """git-orch on a terminal."""
    with screen(repo.path, [*_ORCH, *words], {"TERM": "xterm-256color", **env}) as made:
        yield made


@pytest.fixture
def waiting(repo: Repo, tmp_path: Path, unsandboxed: None) -> tuple[str, Path]:
    """A plan of two steps side by side, which print and then wait for a line in a file."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    hostile = rf"printf 'one\n\033[2Jtwo\n'; read answer < {fifo}; echo a > a"
    other = f"echo three; read answer < {fifo}; echo b > b"
    steps = [{"title": "Say one and two", "run": hostile}, {"title": "Say three", "run": other}]
    last = {"title": "Come last", "files": {"c": "c\n"}, "depends_on": [1, 2]}
    return repo.plan({"title": "Talk", "steps": [*steps, last]}), fifo


def test_steps_stand_side_by_side_with_what_they_print_until_they_end(
    repo: Repo, waiting: tuple[str, Path]
) -> None:
    """S1-245, S1-247, S1-248."""
    plan, fifo = waiting
    with running(repo, "exec", "-j2", plan) as shown, ExitStack() as held:
        seen = shown.shows("1 Say one and two  runs:", "2 Say three  runs:", "    three")
        assert r"    \x1b[2Jtwo" in seen
        assert "─ 0 of 3 steps done, 0:" in seen
        assert "3 Come last  waits" in seen
        held.enter_context(fifo.open("w")).write("go\ngo\n")
        held.close()
        assert shown.ended() == 0
        left = shown.text()
    assert ("of 3 steps" in left, "  waits" in left) == (False, False), left
    assert left.count("landed") == 3


def test_lines_fit_a_narrower_terminal_and_ctrl_c_leaves_it_as_it_was(
    repo: Repo, waiting: tuple[str, Path]
) -> None:
    plan, _ = waiting
    with running(repo, "exec", plan, NO_COLOR="1") as shown:
        shown.shows(r"\x1b[2Jtwo")
        assert "\x1b[" not in shown.text("-e")
        shown.resize(40)
        shown.shows("\n  1 Say one and two  runs: print…  0:0")
        shown.press("C-c")
        assert shown.ended() == 130
        assert shown.is_sane()
        assert "of 3 steps" not in shown.text()


def test_a_plan_is_seen_while_a_model_writes_it(repo: Repo, model_server: ModelServer) -> None:
    """S1-246: the reply never ends."""
    model_server.script(turn(text("unused"), faults=[Fault("stall", events=3)]))
    with running(repo, "plan", "do it", "--no-look") as shown:
        assert "planning" in shown.shows("    the reply that")
        shown.press("C-c")
        assert shown.ended() == 130


def test_without_a_terminal_there_are_plain_lines_and_no_rich(repo: Repo) -> None:
    """S1-244, S1-249."""
    plan = repo.plan(writing("a"))
    program = (
        "import sys; from git_orch.cli import main\n"
        f"assert main._status(['exec', {plan!r}]) == 0\n"
        "assert 'rich' not in sys.modules, 'imported'"
    )
    env = {**os.environ, "TERM": "xterm-256color"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=repo.path, env=env, capture_output=True, check=True
    )
    assert b"\x1b" not in done.stdout + done.stderr
    assert b"step 1/1 Write a [files]\n" in done.stderr


def test_quiet_prints_no_progress(repo: Repo) -> None:
    plan = repo.plan({"title": "Two", "steps": [{"title": "Two", "run": "exit 2"}]})
    said = repo.orch("exec", "-q", plan, expect=1).stderr
    assert ("step 1/1" in said, "failed 'exit 2' exited 2" in said) == (False, True)


def test_with_progress_a_line_is_in_the_pipe_while_its_command_goes_on(
    repo: Repo, tmp_path: Path, unsandboxed: None
) -> None:
    """S1-244, S1-247, S1-249: and standard output is the same."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    one = {"title": "Say", "run": f"echo I work; read answer < {fifo}; echo a > a"}
    plan = repo.plan({"title": "Talk", "steps": [one]})
    with subprocess.Popen(
        [*_ORCH, "exec", "--progress", plan],
        cwd=repo.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as run:  # fmt: skip
        assert run.stderr is not None
        assert "  | I work\n" in iter(run.stderr.readline, "")
        fifo.write_text("go\n")
        out, err = run.communicate()
    assert "progress: 1 of 1 step, " in err
    assert "progress" not in out
    repo.orch("rollback", plan)
    writer = threading.Thread(target=fifo.write_text, args=("go\n",))
    writer.start()
    plain = repo.orch("exec", plan)
    writer.join()
    assert "I work" not in plain.stderr
    assert re.sub(r"\d+\.\d s", "", plain.stdout) == re.sub(r"\d+\.\d s", "", out)


def test_quiet_and_progress_exclude_each_other(repo: Repo) -> None:
    refused = repo.orch("exec", "--progress", "--quiet", repo.plan(writing("a")), expect=2)
    assert "--progress cannot be used with --quiet" in refused.stderr


def test_without_progress_only_the_result_is_printed(repo: Repo) -> None:
    ran = repo.orch("exec", "--no-progress", repo.plan(writing("a")))
    assert "step 1/1" not in ran.stderr
    assert "1/1 steps done" in ran.stdout
