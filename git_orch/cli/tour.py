"""git orch tour: walk through a plan in a scratch repository."""

from __future__ import annotations

import os
import select
import sys
from typing import TYPE_CHECKING, NamedTuple

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.views import answer, console

if TYPE_CHECKING:
    from git_orch.flow.machine.scratch import Scratch

_PATIENCE = 15.0  # seconds after which the tour goes on by itself

_PLAN = r"""title: A greeting
steps:
  - title: Write the greeting
    files:
      greet.sh: |
        echo "Hello, ${1:-world}!"
    checks:
      - argv: [sh, greet.sh]
  - title: Record what it says
    run: sh greet.sh Ada > said.txt
    checks:
      - argv: [grep, -qx, "Hello, Ada!", said.txt]
  - title: Write the manual
    files:
      MANUAL: |
        greet.sh prints a greeting.
    checks:
      - argv: [grep, -q, "Usage:", MANUAL]
"""


class Stop(NamedTuple):
    """One command of the tour, what it shows, and the exit code that it ends with."""

    shows: str
    line: str
    exit_code: int = 0


STOPS = (
    Stop(
        "A repository with a plan in a file, and a note that you have not committed.",
        "git init -q . && git add plan.yaml && git commit -qm 'Start' && echo mine > note.txt",
    ),
    Stop(
        "A plan is a branch. Making it runs nothing. A model can write one from a sentence.",
        "git orch plan --from plan.yaml",
    ),
    Stop("Read what would run before it runs.", "git orch show --tasks"),
    Stop(
        "Each step runs in a sandbox and becomes a commit when its checks pass. Step 3"
        " forgets a line.",
        "git orch exec",
        exit_code=1,
    ),
    Stop("Two steps are done. The failed one has not reached the branch.", "git orch status"),
    Stop(
        "fix prints a worktree with the failed work; done checks and commits what you mended.",
        "cd \"$(git orch fix)\" && echo 'Usage: sh greet.sh NAME' >> MANUAL && git orch done",
    ),
    Stop(
        "A rollback moves the branch back. It saves the old tip.", "git orch rollback --to-step 2"
    ),
    Stop("So you can take back the rollback, too.", "git orch undo"),
    Stop("land merges the finished plan into your branch.", "git orch land"),
    Stop(
        "One verified commit a step. Your uncommitted note is as it was.",
        "git log --oneline --graph && git status --short && cat note.txt",
    ),
)


@click.command("tour")
@click.option("--dir", "directory", metavar="DIR", help="Make the scratch repository in DIR.")
@here.json_option
def command(directory: str | None, *, as_json: bool) -> int:
    """Walk through plan, exec, a check that fails, fix, rollback and land in a scratch repository.
    Needs no key and no network, and touches nothing of yours.
    """
    from git_orch.flow.machine import scratch

    place = scratch.made(directory)
    (place.repository / "plan.yaml").write_text(_PLAN, encoding="utf-8")
    if as_json:
        return _recorded(place)
    console.out(f"The tour runs {len(STOPS)} commands in a scratch repository:")
    console.out(f"  {place.repository}")
    try:
        return _walked(place)
    finally:
        console.out("")
        console.out("All that the tour made is in this directory; remove it when you are done:")
        console.out(f"  {place.directory}")


def _walked(place: Scratch) -> int:
    pauses = _on_terminal()
    for number, stop in enumerate(STOPS, 1):
        console.out("")
        console.out(console.Styled(f"{number}/{len(STOPS)} {stop.shows}", "bold"))
        console.out(f"$ {stop.line}")
        sys.stdout.flush()
        _require(stop, place.attend(stop.line))
        pauses = pauses and number < len(STOPS) and _paused()
    console.out("")
    console.out(
        "Next, in a repository of yours: git orch plan --template python-cli --var name=hello"
    )
    console.out('or, with a key of a model: git orch plan "what to do"')
    return 0


def _require(stop: Stop, exit_code: int) -> None:
    if exit_code != stop.exit_code:
        raise errors.StepFailed(
            f"the tour ends early: this command ended with {exit_code}, not {stop.exit_code}",
            "git orch doctor  # tests what the tour needs",
        )


def _recorded(place: Scratch) -> int:
    """Run the commands up to one that ends otherwise than it should, and give what each printed as
    data.
    """
    rows: list[dict[str, object]] = []
    try:
        for stop in STOPS:
            done = place.capture(stop.line)
            rows.append(
                {
                    "shows": stop.shows,
                    "command": stop.line,
                    "exit_code": done.status,
                    "stdout": done.stdout.decode("utf-8", "replace"),
                    "stderr": done.stderr.decode("utf-8", "replace"),
                }
            )
            _require(stop, done.status)
    finally:
        here.print_json(
            {
                "directory": str(place.directory),
                "repository": str(place.repository),
                "commands": rows,
            }
        )
    return 0


def _on_terminal() -> bool:
    streams = (sys.stdin, sys.stdout)
    return answer.current() is None and all(
        stream is not None and stream.isatty() for stream in streams
    )


def _paused() -> bool:
    """Wait for Enter, but not for ever; gives whether to wait again."""
    console.out(console.Styled(f"Enter goes on, and so does waiting {_PATIENCE:.0f} s.", "dim"))
    sys.stdout.flush()
    ready, _, _ = select.select([sys.stdin], [], [], _PATIENCE)
    return not ready or os.read(sys.stdin.fileno(), 1024) != b""
