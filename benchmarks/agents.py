"""(d) and (e) Steps done by a model that answers at once: what git-orch itself takes."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path

from benchmarks import files, measure, peers
from benchmarks.measure import Case, Row, Table
from benchmarks.scratch import FIRST_FILE, Scratch

_SERVER = Path(__file__).resolve().parent.parent / "tests" / "support" / "model_server.py"
_KEY = "sk-ant-bench-0123456789abcdef"
_MODEL = "claude-sonnet-5-5"
_BARE = "a bare request"
_TURNS = 2  # of a step: the edit, and the word that it is done
_STEPS = 10
_MARGIN = 0.060  # seconds that a warm step may take above the floor

Document = dict[str, object]
_numbers = count(1)


def cold(scratch: Scratch, *, quick: bool) -> Table:
    """One step in a new process, beside what importing the SDK takes, and beside other agents that
    are installed.
    """
    repository = scratch.repository("cold", 10)
    rounds = 4 if quick else 10
    with _served(scratch, runs=rounds + 1, steps=1) as variables:

        def once() -> list[float]:
            name = _plan(scratch, repository, 1)
            found = scratch.seconds(
                "git", "orch", "exec", name, cwd=repository, variables=variables
            )
            _refuse_unchanged(scratch, repository, name, 1)
            return found

        cases: dict[str, Case] = {
            "once": once,
            "import": partial(
                scratch.seconds, sys.executable, "-c", "import anthropic", cwd=repository
            ),
        }
        others, notes = peers.found(scratch, variables)
        times = measure.side_by_side(cases | others, rounds)
    rows = [
        measure.compared("one step, beside `import anthropic`", times["once"], times["import"], 1.3)
    ]
    rows += [
        measure.compared(f"one step, beside {name}", times["once"], times[name]) for name in others
    ]
    return Table(
        "(d) one agent step from start to exit, with a model that answers at once", rows, notes
    )


def warm(scratch: Scratch, *, quick: bool) -> Table:
    """The second and later steps of a run, beside the same commit made with git and the same
    requests made bare.
    """
    repository = scratch.repository("warm", 10)
    tree = files.linked(scratch, repository)
    rounds = 3 if quick else 8
    with _served(scratch, runs=2 * (rounds + 1), steps=_STEPS) as variables:

        def steps() -> list[float]:
            name = _plan(scratch, repository, _STEPS)
            found = scratch.laps(
                "git", "orch", "exec", name, cwd=repository, word=b"landed", variables=variables
            )
            _refuse_unchanged(scratch, repository, name, _STEPS)
            return found

        def total() -> list[float]:
            name = _plan(scratch, repository, _STEPS)
            return scratch.seconds("git", "orch", "exec", name, cwd=repository, variables=variables)

        times = measure.side_by_side(
            {
                "steps": steps,
                "total": total,
                "floor": lambda: [
                    sample for _ in range(_STEPS) for sample in files.floor(scratch, tree)
                ],
                "model": lambda: _bare(variables["ANTHROPIC_BASE_URL"], _STEPS),
            },
            rounds,
        )
    alone = times["steps"].less(times["model"])
    rows = [
        Row(f"{_STEPS} steps, start to exit", times["total"].shown()),
        Row("each step, the model included", times["steps"].shown()),
        measure.within(
            "each step without the model, beside the floor at 10 files",
            alone,
            times["floor"],
            _MARGIN,
        ),
    ]
    notes = (
        f"Each step: the time between two landings of one run; {_TURNS} turns and one changed file.",
        f"The model: {_TURNS} bare requests over one connection, {times['model'].shown()}, taken off each step.",
    )
    return Table("(e) agent steps of one run, with a model that answers at once", rows, notes)


def _plan(scratch: Scratch, repository: Path, steps: int) -> str:
    described = [
        {"title": f"Change it, {n}", "kind": "agent", "prompt": f"Change {FIRST_FILE}."}
        for n in range(steps)
    ]
    text = json.dumps({"title": "Change a file", "steps": described}).encode("ascii")
    return (
        scratch.run("git", "orch", "plan", "--from", "-", cwd=repository, stdin=text)
        .decode("ascii")
        .split()[0]
    )


def _refuse_unchanged(scratch: Scratch, repository: Path, plan: str, steps: int) -> None:
    """A script that went astray would be measured as a very quick model. Raises RuntimeError."""
    listed = scratch.run(
        "git", "log", "--format=%h", f"main..orch/{plan}", "--", FIRST_FILE, cwd=repository
    )
    if len(listed.split()) != steps:
        raise RuntimeError(f"{len(listed.split())} of {steps} steps changed the file")


# -- the model -------------------------------------------------------------------------------------


@contextmanager
def _served(scratch: Scratch, runs: int, steps: int) -> Iterator[Mapping[str, str]]:
    """The tests' server with replies for that many runs; gives the variables that lead to it."""
    script = scratch.path / "script.json"
    turns = [_turn([{"type": "text", "text": "Done."}], contains=_BARE), *peers.turns(_turn)]
    script.write_text(json.dumps([*turns, *_edits(runs * steps)]))
    argv = [sys.executable, str(_SERVER), "--script", str(script)]
    with subprocess.Popen(
        argv, env=scratch.variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        address = (server.stdout.readline() if server.stdout is not None else "").strip()
        try:
            yield {
                "ANTHROPIC_BASE_URL": address,
                "ANTHROPIC_API_KEY": _KEY,
                "NO_PROXY": "127.0.0.1",
            }
        finally:
            server.communicate()  # closes its input, which ends it


def _turn(content: list[Document], contains: str | None = None) -> Document:
    """A turn of the script: for ever where it names the requests that it is for, else for one."""
    if contains is None:
        return {"reply": {"content": content}}
    return {"reply": {"content": content}, "match": {"contains": contains}, "repeat": None}


def _edits(steps: int) -> Iterator[Document]:
    for _ in range(steps):
        content = f"change {next(_numbers)}\n"
        yield _turn([_tool("write_file", path=FIRST_FILE, content=content)])
        yield _turn([_tool("step_done", summary="The file is changed.")])


def _tool(name: str, **arguments: object) -> Document:
    return {
        "type": "tool_use",
        "id": f"toolu_{next(_numbers):06}",
        "name": name,
        "input": arguments,
    }


def _bare(address: str, times: int) -> list[float]:
    """How long the requests of one step take with nothing around them, that many times over."""
    place = urllib.parse.urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname or "", place.port)
    body = {
        "model": _MODEL,
        "max_tokens": 100,
        "stream": True,
        "messages": [{"role": "user", "content": _BARE}],
    }
    text = json.dumps(body)

    def ask() -> None:
        for _ in range(_TURNS):
            connection.request("POST", "/v1/messages", text, {"content-type": "application/json"})
            connection.getresponse().read()

    samples = [sample for _ in range(times) for sample in measure.timed(ask)]
    connection.close()
    return samples
