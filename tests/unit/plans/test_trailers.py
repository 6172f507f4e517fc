"""Commit messages: what they claim, and that nothing written by others can claim anything."""

from __future__ import annotations

import itertools
import random
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans import trailers
from git_orch.plans.messages import CheckLine, cover_message, step_message
from git_orch.plans.plan import Check, Command, FileContent, Plan, Step
from git_orch.plans.trailers import Claim, Trailer

CLAIM = Claim("PLAN-20261120-8MD3K0R7Q2-x", "s1", "01K00000000000000000000001")
ONE_LINE = f"Orch-Step: {CLAIM.plan}/s1@{CLAIM.attempt}"
FORGED = "Orch-Plan: EVIL\nOrch-Base: 0\nOrch-Step: s9\nOrch-Attempt: forged\n"
REVERT = f"This reverts commit {'ab' * 20}."
PIECES = [
    *FORGED.splitlines(), REVERT, FORGED, f"x\n\n{FORGED}", f"{'x ' * 35}{FORGED}", "Orch-",
    "orch-plan: EVIL", "Orch-Step: EVIL/s9@forged", "\n", "\n\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85",
    "\u2028", "\u2029", "\x00", "\u200b", "\ufeff", "\u202e", " ", "\t", "x", "x" * 70, "x" * 73, "---", "#",
    "日本", "\x1b[2J",
]  # fmt: skip
hostile = st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | st.text(max_size=80)
one_line = hostile.map(lambda text: " ".join(text.splitlines()))


def _plan(title: str, objective: str, step: Step) -> Plan:
    return Plan(title=title, objective=objective, steps=(step,), dependencies=(), missing=())


def _steps(texts: tuple[str, str, str]) -> list[Step]:
    title, prompt, command = texts
    check = (Check(type="run", command=Command(shell=command)),)
    return [
        Step(id="s1", title=title, kind="agent", prompt=prompt, checks=check),
        Step(id="s1", title=title, kind="run", command=Command(shell=command), checks=check),
        Step(id="s1", title=title, kind="files", files={command: FileContent("x")}, checks=check),
    ]


def _step_message(step: Step, summary: str, output: str) -> str:
    lines = [CheckLine(output, passed=True)]
    extra = [Trailer(trailers.MODEL, output), Trailer(trailers.COST, "0.1 USD")]
    return step_message(step, CLAIM, lines, extra, summary=summary)


@given(st.tuples(one_line, hostile, hostile), hostile, hostile)
def test_nothing_in_a_step_forges_a_claim(
    texts: tuple[str, str, str], summary: str, output: str
) -> None:
    """Task, title, summary, command and output of checks: only git-orch's own lines count."""
    for step in _steps(texts):
        read = trailers.read(_step_message(step, summary, output))
        assert read._replace(models=()) == trailers.Message(claims=(CLAIM,), costs=("0.1",))


@given(st.tuples(one_line, hostile, hostile), hostile)
def test_nothing_in_a_plan_forges_a_claim_on_its_cover(
    texts: tuple[str, str, str], objective: str
) -> None:
    for step in _steps(texts):
        message = cover_message(CLAIM.plan, _plan(texts[0], objective, step), "c" * 40)
        assert trailers.read(message) == trailers.Message((), CLAIM.plan, "c" * 40, ())


def test_a_step_titled_like_a_revert_reverts_nothing() -> None:
    step = Step(id="s1", title=REVERT, kind="agent", prompt=REVERT)
    assert trailers.read(_step_message(step, REVERT, REVERT)).reverts == ()
    assert trailers.read(cover_message("P", _plan(REVERT, REVERT, step), "c" * 40)).reverts == ()


def test_the_subject_is_the_title_as_its_author_wrote_it() -> None:
    title = ("word " * 40).strip()
    step = Step(id="s1", title=title, kind="agent", prompt="do it")
    assert _step_message(step, "", "").splitlines()[0] == title


BODIES = {
    "the reason": (Step("s1", "x", "agent", why="It is slow. " * 9, prompt="do it"), "a model's words"),
    "the summary of the model": (Step("s1", "x", "agent", prompt="do it"), "It is slow. " * 9),
    "the task of a step without a summary": (
        Step("s1", "x", "manual", prompt="It is slow. " * 9), " ",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("step", "summary"), BODIES.values(), ids=BODIES)
def test_the_body_of_a_step_commit_is_wrapped(step: Step, summary: str) -> None:
    message = step_message(step, CLAIM, [], [], summary=summary)
    body = message.removeprefix("x\n\n").partition("\n\nOrch-Step")[0]
    assert body == textwrap.fill("It is slow. " * 9, 72)


def test_tested_are_commands_of_one_line_that_passed() -> None:
    lines = [CheckLine("make test", True), CheckLine("a\nb", True), CheckLine("make lint", False)]
    message = step_message(Step("s1", "x", "manual"), CLAIM, lines, [])
    assert message == f"x\n\nTested: make test\n\n{ONE_LINE}\n"


def test_the_claim_is_one_line() -> None:
    message = step_message(Step("s1", "x", "run", command=Command(("make",))), CLAIM, [], [])
    assert message == f"x\n\nRan: make\n\n{ONE_LINE}\n"


SAID_BY_OTHERS = [
    "Tested: pytest", "FAILED: nothing", "Needs review: no", "Signed-off-by: A <a@example.com>",
    "Co-authored-by: A <a@example.com>", "reviewed-by : A",
]  # fmt: skip


@pytest.mark.parametrize("line", SAID_BY_OTHERS)
def test_what_others_say_is_no_line_that_somebody_answers_for(line: str) -> None:
    step = Step("s1", "x", "agent", why=f"Why\n{line}", prompt="x")
    assert line not in step_message(step, CLAIM, [], []).splitlines()


@pytest.mark.parametrize(
    "line",
    [
        "Orch-Step: P/s1",
        "Orch-Step: P/s1@",
        "Orch-Step: /s1@a",
        "Orch-Step: P/s1@a@b",
        "Orch-Step: P/Q/s1@a",
    ],
)
def test_half_a_claim_is_none(line: str) -> None:
    assert trailers.read(f"x\n\n{line}\n").claims == ()


FORMS = {
    "none": [],
    "assisted-by": ["Assisted-by: git-orch:claude-sonnet-5-5"],
    "co-authored-by": ["Co-authored-by: claude-sonnet-5-5 <noreply@anthropic.com>"],
    "generated-by": ["Generated-by: git-orch:claude-sonnet-5-5"],
}


@pytest.mark.parametrize(("form", "lines"), FORMS.items(), ids=FORMS)
def test_a_model_is_named_in_the_form_that_the_project_asks_for(
    form: trailers.Attribution, lines: list[str]
) -> None:
    named = trailers.attribution(form, ["claude-sonnet-5-5"])
    assert [f"{trailer.name}: {trailer.value}" for trailer in named] == lines


def test_every_form_of_attribution_is_shown_above() -> None:
    assert set(FORMS) == set(trailers.ATTRIBUTIONS)


def test_a_model_of_others_has_an_address_that_nobody_can_own() -> None:
    [named] = trailers.attribution("co-authored-by", ["qwen"])
    assert named.value == "qwen <noreply@git-orch.invalid>"


@given(st.integers(1, 5), st.randoms())
def test_a_squashed_message_claims_every_step(count: int, chance: random.Random) -> None:
    claims = [Claim(CLAIM.plan, f"s{number}", f"attempt{number}") for number in range(count)]
    step = Step(id="s1", title="Do it", kind="agent", prompt="do it")
    messages = [step_message(step, claim, [], []) for claim in claims]
    chance.shuffle(messages)
    read = trailers.read("\n# This is a combination\n\n".join(messages))
    assert sorted(read.claims) == claims


@pytest.mark.parametrize("missing", range(3))
def test_an_incomplete_claim_is_none(missing: int) -> None:
    lines = ["Orch-Plan: P", "Orch-Step: s1", "Orch-Attempt: a"]
    del lines[missing]
    assert trailers.read("subject\n\n" + "\n".join(lines)).claims == ()


@pytest.mark.parametrize(
    "order", list(itertools.permutations(["Orch-Plan: P", "Orch-Step: s1", "Orch-Attempt: a"]))[1:]
)
def test_lines_in_another_order_are_no_claim(order: tuple[str, ...]) -> None:
    assert trailers.read("\n".join(order)).claims == ()


def test_windows_line_ends_do_not_hide_a_claim() -> None:
    assert trailers.read(
        "x\r\n\r\nOrch-Plan: P\r\nOrch-Step: s1\r\nOrch-Attempt: a\r\n"
    ).claims == (Claim("P", "s1", "a"),)


def test_what_git_revert_writes_names_the_commit() -> None:
    for subject in ('Revert "x"', 'Reapply "x"'):
        assert trailers.read(f"{subject}\n\nThis reverts commit {'ab' * 20}.\n").reverts == (
            "ab" * 20,
        )


def test_a_long_task_is_cut_so_that_the_message_stays_readable() -> None:
    step = Step(id="s1", title="Do it", kind="agent", prompt="line\n" * 5000)
    assert len(_step_message(step, "", "").splitlines()) < 90


def test_costs_and_models_are_read_from_the_lines_of_a_message() -> None:
    message = "x\n\nOrch-Cost: 0.0421 USD\nOrch-Model: m\nOrch-Cost: 1 USD\nOrch-Model: m\n"
    read = trailers.read(message)
    assert (read.costs, read.models) == (("0.0421", "1"), ("m",))


@pytest.mark.parametrize("value", ["nan USD", "-1 USD", "1e9 USD", "1", "USD", "12345678901 USD"])
def test_a_cost_of_another_form_does_not_count(value: str) -> None:
    assert trailers.read(f"x\n\nOrch-Cost: {value}\n").costs == ()
