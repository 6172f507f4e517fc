"""A plan's status for people and for programs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import Repo, data, writing

from git_orch.cli import table
from git_orch.plans.history import fold
from git_orch.plans.history.events import Event, Log
from git_orch.plans.history.status import Branch, Commit, Status
from git_orch.plans.money.used_up import UsedUp
from git_orch.plans.trailers import Claim, Message
from git_orch.views import documents, headlines, live, report

PLAN = "PLAN-20261121-0000000000-title"
BASE, COVER, STEP, OTHER = "a" * 40, "c" * 40, "d" * 40, "e" * 40
_STEPS = [
    {
        "id": "s1",
        "title": "First",
        "kind": "run",
        "run": "one\ntwo",
        "checks": [{"type": "run", "command": "c1"}],
    },
    {"id": "s2", "title": "Second", "kind": "run", "run": "two", "depends_on": ["s1"]},
]


def _id(number: int) -> str:
    return f"01KAJ{number:021d}"


def status(
    *events: tuple[str, dict[str, object]], branch: Branch | None = None, steps: object = _STEPS
) -> Status:
    """The status after a plan was created and `events` happened."""
    created: dict[str, object] = {
        "plan": {
            "title": "Title",
            "objective": "Line 1\nLine 2",
            "steps": steps,
            "missing": ["cargo"],
        },
        "base": {"commit": BASE, "ref": "refs/heads/main"},
        "origin": "file",
        "estimate": {"tokens_in": 2000, "tokens_out": 1000, "usd": 0.021},
    }
    happened = [("plan.created", created), *events]
    log = Log(
        tuple(Event(_id(number), name, "me", body) for number, (name, body) in enumerate(happened)),
        damaged=2,
    )
    found = fold.fold(PLAN, log, branch)
    assert found is not None
    return found


def on_branch(*claims: Claim) -> Branch:
    """A plan branch with a cover and, for each claim, a commit."""
    commits = [Commit(COVER, BASE, (BASE,), Message(cover_of=PLAN))]
    commits += [Commit(STEP, OTHER, (COVER,), Message(claims=(claim,))) for claim in claims]
    return Branch(commits[-1].oid, tuple(commits), BASE)


Happened = tuple[str, dict[str, object]]
LANDED: Happened = ("step.landed", {
    "step": "s1", "attempt": "A", "run": "R", "commit": STEP, "tree": OTHER, "seconds": 1.5,
    "checks": [{"type": "run", "command": "c1", "exit": 0, "passed": True, "seconds": 0.1,
                "output": "fine", "reason": "ok"}],
})  # fmt: skip
FAILED: Happened = ("attempt.failed", {
    "step": "s1", "attempt": "B", "run": "R", "seconds": 1, "reason": "failed",
    "error": "exited 1: no\nhint: evil", "checks": [],
})  # fmt: skip
BUDGET: Happened = ("attempt.failed", {
    "step": "s1", "attempt": "B", "run": "R", "seconds": 1, "reason": "budget",
    "error": UsedUp("plan", 0.02, 0.014, 0.0, 0.0155).sentence(), "checks": [],
})  # fmt: skip
ASKED: Happened = ("step.asked", {
    "step": "s1", "attempt": "B", "run": "R", "seconds": 1, "question": "A or B?", "checks": [],
})  # fmt: skip
CLAIM = Claim(PLAN, "s1", "A")


def text(lines: list[headlines.Line]) -> str:
    """Lines as they are read, without their styles."""
    return "\n".join(
        "".join(part if isinstance(part, str) else part.text for part in line) for line in lines
    )


@pytest.mark.parametrize(
    ("found", "running", "word", "following"),
    [
        (status(branch=on_branch()), False, "CREATED", "git orch exec PLAN-20261121-0000000000"),
        (status(branch=on_branch()), True, "running", "git orch wait PLAN-20261121-0000000000"),
        (
            status(("run.started", {"run": "R"}), branch=on_branch()),
            False,
            "INTERRUPTED",
            "git orch exec",
        ),
        (status(), False, "NO BRANCH", f"git branch orch/{PLAN} {BASE}"),
        (
            status(branch=on_branch(CLAIM)),
            False,
            "CREATED",
            "git orch adopt PLAN-20261121-0000000000 1",
        ),
        (
            status(ASKED, branch=on_branch()),
            True,
            "running",
            'next: git orch answer PLAN-20261121-0000000000 "ANSWER"',
        ),
    ],
    ids=["created", "running", "interrupted", "no-branch", "claimed", "asked"],
)
def test_the_state_and_the_next_command_fit_each_other(
    found: Status,
    running: bool,  # noqa: FBT001
    word: str,
    following: str,
) -> None:
    assert report.state_word(found, running=running) == word
    assert following in text([report.next_command(found, running=running)])
    assert f"  {word} " in text([report.headline(found, running=running)])


def test_after_a_stop_at_its_limit_the_next_command_of_a_plan_raises_it() -> None:
    found = status(BUDGET, branch=on_branch())
    assert report.following(found, running=False) == (
        "git orch exec PLAN-20261121-0000000000 --max-usd 0.04"
    )


def test_after_a_redo_that_failed_the_ways_on_are_another_redo_and_an_edit() -> None:
    found = status(LANDED, branch=on_branch(CLAIM))
    ways = [way.partition("  #")[0] for way in report.commands_on(found, [1])]
    assert ways == [f"git orch {word}" for word in ("redo PLAN-20261121-0000000000 1",
                                                   "edit PLAN-20261121-0000000000")]  # fmt: skip


def test_the_details_hold_all_there_is_to_know() -> None:
    shown = text(report.details(status(LANDED, branch=on_branch(CLAIM)), running=False))
    for line in (
        f"{PLAN}  ", "  Line 1\n  Line 2", "base     main at aaaaaaaaaa", f"branch   orch/{PLAN}",
        "cost     $0.00 of an estimated $0.0210", "missing  cargo",
        "  1  done       dddddddddd  First [run]", "       check c1",
        "  2  pending                Second [run] after 1", "2 lines of the log cannot be read",
    ):  # fmt: skip
        assert line in shown


def test_text_of_others_never_begins_a_line() -> None:
    lines = report.step_lines(status(FAILED, branch=on_branch())) + report.attempts(
        status(FAILED, branch=on_branch())
    )
    assert "\n         hint: evil" in text(lines)
    assert not any(line.startswith("hint") for line in text(lines).splitlines())


def test_the_document_sums_usage_and_cost_of_each_step() -> None:
    calls: list[Happened] = [
        ("model.called", {"purpose": "step", "step": "s1", "attempt": "A", "model": "m", "usd": 0.1, "seconds": 1,
                          "usage": {"input_tokens": 10, "output_tokens": 5, "service_tier": "standard", "x": True}}),
        ("model.called", {"purpose": "step", "step": "s1", "attempt": "A", "model": "m", "usd": 0.2, "seconds": 1,
                          "usage": {"input_tokens": 1}}),
        ("model.called", {"purpose": "plan", "model": "m", "usd": 0.4, "seconds": 1, "usage": {"input_tokens": 7}}),
    ]  # fmt: skip
    found = documents.document(status(LANDED, *calls, branch=on_branch(CLAIM)), running=False)
    steps: Any = found["steps"]
    assert (steps[0]["usd"], steps[1]["usd"], found["usd"]) == (0.3, 0, 0.7)
    assert steps[0]["usage"] == {"input_tokens": 11, "output_tokens": 5}
    assert steps[0]["checks"] == [
        {"type": "run", "command": "c1", "expected_exit": 0, "timeout": 900, "exit": 0, "passed": True, "result": "ok",
         "seconds": 0.1, "output": "fine"}
    ]  # fmt: skip
    assert (steps[0]["state"], steps[0]["commit"], steps[1]["state"]) == ("done", STEP, "pending")
    json.dumps(found)


ASKS: Happened = ("step.asked", {
    "step": "s2", "attempt": "B", "run": "R", "seconds": 1, "question": "Which\none?",
})  # fmt: skip


@pytest.mark.parametrize(
    ("happened", "reason"),
    [
        (FAILED, "step 1 failed: exited 1: no"),
        (ASKS, "step 2 asks: Which"),
        (("attempt.failed", FAILED[1] | {"error": "\n"}), "step 1 failed: no reason"),
    ],
    ids=["failed", "asks", "without a reason"],
)
def test_what_stopped_a_plan_is_one_line_beside_others(happened: Happened, reason: str) -> None:
    found = report.summary(status(happened, branch=on_branch()))
    lines = headlines.beside_others(found, running=False, width=0)
    assert text(lines).splitlines()[1] == f"  {reason}"


def test_a_reason_beside_others_has_at_most_160_characters() -> None:
    happened = ("attempt.failed", FAILED[1] | {"error": "long " * 99})
    assert len(report.summary(status(happened, branch=on_branch())).why or "") == 160


def test_no_text_of_others_is_shown_without_an_end() -> None:
    endless = "x" * 300_000
    many = "\n".join("y" * 100 for _ in range(3000))
    steps: list[Any] = [*_STEPS]
    steps[1] = steps[1] | {"title": endless}
    for question in (endless, many):
        asks: Happened = ("step.asked", ASKS[1] | {"question": question})
        found = status(asks, ("plan.approved", {"by": many}), branch=on_branch(), steps=steps)
        whole = report.whole(found)
        for lines in (list(whole.lines), report.details(found, running=False)):
            assert len(text(lines)) < 10_000
            assert " more " in text(lines)
    failed: Happened = ("attempt.failed", FAILED[1] | {"error": endless})
    assert len(text(list(report.whole(status(failed, branch=on_branch())).lines))) < 10_000
    assert (
        len(live.event_line(Event(_id(9), "step.asked", "me", ASKS[1] | {"question": many}))) < 5000
    )


def test_a_plan_that_runs_is_not_said_to_have_failed() -> None:
    found = report.summary(status(FAILED, branch=on_branch()))
    assert len(headlines.beside_others(found, running=True, width=0)) == 1


def test_a_plan_that_asks_has_the_command_that_answers_beside_others() -> None:
    found = report.summary(status(ASKS, branch=on_branch()))
    lines = headlines.beside_others(found, running=False, width=0)
    assert text(lines).splitlines()[2].startswith("next: git orch answer ")


def test_of_long_output_the_last_lines_are_shown_and_all_of_them_with_the_attempts() -> None:
    printed = [f"line {number}" for number in range(1, 16)]
    failed: Happened = (
        "attempt.failed",
        FAILED[1] | {"error": "\n".join(["'make' exited 2", *printed])},
    )
    found = status(failed, branch=on_branch())
    shown = text(report.step_lines(found))
    assert "failed: 'make' exited 2\n         ...\n         line 6\n" in shown
    assert "line 15" in shown
    assert all(
        line in text(report.attempts(found)).splitlines()
        for line in [f"    {line}" for line in printed]
    )


def test_an_attempt_is_shown_with_all_that_its_failed_checks_have_printed() -> None:
    printed = "\n".join(f"line {number}" for number in range(1, 16))
    result = {"type": "run", "command": "c", "exit": 1, "passed": False, "seconds": 0.1, "output": f"{printed}\n",
              "reason": "exited 1"}  # fmt: skip
    found = status(
        (
            "attempt.failed",
            FAILED[1] | {"checks": [{**result, "passed": True, "output": "fine"}, result]},
        ),
        branch=on_branch(),
    )
    shown = text(report.attempts(found))
    assert shown.endswith("".join(f"\n    line {number}" for number in range(1, 16)))
    assert "fine" not in shown


def test_an_attempt_is_shown_with_what_a_person_said_about_it() -> None:
    said: Happened = (
        "attempt.started",
        {"step": "s1", "attempt": "B", "remarks": ["One.", "Two\nlines."]},
    )
    shown = text(report.attempts(status(said, FAILED, branch=on_branch())))
    assert "    a person says: One.\n    a person says: Two\n    lines." in shown


def test_what_has_several_lines_comes_last_in_an_event() -> None:
    event = Event(_id(1), "attempt.failed", "me", {"step": "s1", "error": "one\ntwo", "seconds": 1})
    assert live.event_line(event).endswith("step s1, seconds 1, error one\n    two")


def test_a_time_is_that_of_the_event() -> None:
    assert report.when("01KAJ00000" + "0" * 16) == "2025-11-21T01:20:54Z"


def _with_json() -> list[str]:
    """The commands that give data of their own."""
    return [
        name
        for name in table.COMMANDS
        if any(option.name == "as_json" for option in table.load(name).params)
    ]


_WITHOUT_A_PLAN = frozenset({
    "ls", "caps", "tools", "templates", "config", "doctor", "prune", "orchestrate", "agent-docs", "init",
    "models", "tour",
})  # fmt: skip


@pytest.mark.parametrize("name", _with_json())
def test_json_of_every_command_that_has_it_parses(executed: tuple[Repo, str], name: str) -> None:
    """S1-002: results on standard output, --json on every reading command."""
    repo, plan = executed
    if name in ("exec", "fix"):
        plan = repo.plan(writing("c.txt"))
    if name == "context":
        plan = repo.plan({"title": "Ask", "steps": [{"title": "Ask", "prompt": "Write a poem."}]})
    arguments = ["--from", "-"] if name == "plan" else [plan]
    if name in _WITHOUT_A_PLAN:
        arguments = []
    if name == "owner":
        arguments = ["who"]
    if name == "template":
        arguments = ["ls"]
    if name == "spec":
        arguments = [repo.orch("plan", "Think", "--draft").stdout.split()[1], "--offline"]
    if name == "allow":
        arguments = ["--list"]
    if name == "fix":
        arguments = [plan, "1"]
    if name == "adopt":
        plan = repo.plan({"title": "By hand", "steps": [{"title": "Do", "kind": "manual"}]})
        tip = repo.git("commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "by hand")
        arguments = [plan, "1", tip]
    expect = {"answer": 3, "trace": 5}.get(name, 0)  # nobody asks, nothing was recorded
    typed = json.dumps(writing("b.txt"))
    done = repo.orch(name, *arguments, "--json", stdin=typed, expect=expect)
    assert data(done.stdout) is not None


def test_every_reading_command_has_json() -> None:
    """S1-002."""
    assert {
        "check",
        "status",
        "ls",
        "show",
        "log",
        "cost",
        "caps",
        "tools",
        "config",
        "audit",
    } <= set(_with_json())
