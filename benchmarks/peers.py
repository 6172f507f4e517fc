"""Other agents on PATH (mini is that of mini-swe-agent): one trivial edit with a commit, for the
same server.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from benchmarks.measure import Case
from benchmarks.scratch import FIRST_FILE, Scratch

_MODEL = "anthropic/claude-sonnet-5-5"
# The latter is of its own prompt.
_AIDER, _COMMIT = ("an edit with aider", "concise, one-line Git commit messages")
_MINI, _MINI_AGAIN = "an edit with mini", "the-edit-is-made"

Document = dict[str, object]


def found(scratch: Scratch, variables: Mapping[str, str]) -> tuple[dict[str, Case], list[str]]:
    """A case for each that is installed and does the edit, in a repository that is put back; notes
    on the others.
    """
    leading = {
        **variables,
        "ANTHROPIC_API_BASE": variables["ANTHROPIC_BASE_URL"],
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    quiet = {
        "MSWEA_CONFIGURED": "true",
        "MSWEA_COST_TRACKING": "ignore_errors",
        "MSWEA_SILENT_STARTUP": "1",
    }
    cases: dict[str, Case] = {}
    notes = []
    for name, argv in {"aider": _aider_argv(scratch), "mini": _mini_argv()}.items():
        if shutil.which(name) is None:
            notes.append(f"{name} is not on PATH: not measured.")
            continue
        case = _case(scratch, scratch.repository(f"peer-{name}", 2), argv, leading | quiet)
        try:
            case()
        except (subprocess.CalledProcessError, RuntimeError) as failed:
            notes.append(f"{name} is on PATH and did not do the edit: {failed}.")
        else:
            cases[name] = case
    return cases, notes


def turns(turn: Callable[..., Document]) -> Iterator[Document]:
    """What the server says to them."""
    yield turn([{"type": "text", "text": "Change the file"}], contains=_COMMIT)
    yield turn([{"type": "text", "text": f"{FIRST_FILE}\n```\nchanged\n```\n"}], contains=_AIDER)
    ended = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"
    edit = f"echo changed > {FIRST_FILE} && git commit -qam change && echo {_MINI_AGAIN}"
    yield turn([_bash("toolu_mini_2", ended)], contains=_MINI_AGAIN)
    yield turn([_bash("toolu_mini_1", edit)], contains=_MINI)


def _bash(name: str, command: str) -> Document:
    return {"type": "tool_use", "id": name, "name": "bash", "input": {"command": command}}


def _aider_argv(scratch: Scratch) -> list[str]:
    # The service, and the server like it, refuses a temperature.
    settings = scratch.path / "aider.yml"
    settings.write_text(f"- name: {_MODEL}\n  use_temperature: false\n  edit_format: whole\n")
    plain = (
        "--no-check-update",
        "--analytics-disable",
        "--no-show-model-warnings",
        "--no-stream",
        "--no-pretty",
    )
    return [
        "aider", "--model", _MODEL, "--weak-model", _MODEL, "--edit-format", "whole", "--map-tokens", "0",
        "--yes-always", "--no-gitignore", *plain, "--model-settings-file", str(settings),
        "--message", _AIDER, FIRST_FILE,
    ]  # fmt: skip


def _mini_argv() -> list[str]:
    return ["mini", "-m", _MODEL, "-y", "--exit-immediately", "-t", _MINI]


def _case(
    scratch: Scratch, repository: Path, argv: list[str], variables: Mapping[str, str]
) -> Case:
    first = scratch.run("git", "rev-parse", "HEAD", cwd=repository).decode("ascii").strip()

    def once() -> list[float]:
        scratch.run("git", "reset", "-q", "--hard", first, cwd=repository)
        sample = scratch.seconds(*argv, cwd=repository, variables=variables)
        if (repository / FIRST_FILE).read_text() != "changed\n":
            raise RuntimeError(f"{argv[0]} did not make the edit")
        return sample

    return once
