"""What an approval is about: its bytes, its digest, and the names of what differs."""

from __future__ import annotations

import json

import jsonschema
import pytest

from git_orch.agents import prompts
from git_orch.plans import approval, plan_document
from git_orch.plans.approval import Approved
from git_orch.plans.document import BadDocument, Document
from git_orch.plans.file import emitter, planfile, schema
from git_orch.plans.file.findings import PlanFileError

PLAN = """
title: Build it
steps:
  - title: Fetch
    run: make fetch
    network: true
  - title: Build
    argv: [make, all]
    depends_on: [1]
    checks:
      - command: make test
        timeout: 30
  - title: Write ünïcode
    files: {a.txt: "a\\n"}
"""


GRANTS = approval.Grants(("s1",), approval.Setup("npm ci", network=True))


def approved(old: str = "", new: str = "", **fields: object) -> Document:
    """What is approved of the plan, with a piece of its text replaced."""
    assert old in PLAN
    plan = planfile.read(PLAN.replace(old, new) if old else PLAN, "plan")
    whole = Approved("PLAN-1", plan, "c" * 40, "refs/heads/main", GRANTS)
    return whole._replace(**fields).document()  # type: ignore[arg-type]


def test_the_canonical_bytes_do_not_depend_on_the_order_of_fields() -> None:
    shuffled = dict(reversed(approved().items()))
    assert approval.canonical(shuffled) == approval.canonical(approved())


def test_the_canonical_bytes_are_compact_utf_8() -> None:
    told = approval.canonical(approved())
    assert b": " not in told
    assert "Write ünïcode".encode() in told
    assert json.loads(told) == approved()


def test_what_was_read_back_has_the_same_digest() -> None:
    again = approval.read(approval.canonical(approved()))
    assert approval.digest(again.document()) == approval.digest(approved())


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("make fetch", "make fetcH", "steps[0].run"),
        ("[make, all]", "[make, alL]", "steps[1].argv"),
        ("timeout: 30", "timeout: 31", "steps[1].checks[0].timeout"),
        ("make test", "make tes", "steps[1].checks[0].command"),
        ("title: Fetch", "title: Fetcx", "steps[0].title"),
        ("title: Build it", "title: Build iT\nobjective: Build it", "title"),
        ('a.txt: "a', 'a.txt: "b', "steps[2].files['a.txt']"),
        ("depends_on: [1]", "depends_on: []", "steps[1].depends_on"),
        ("    network: true\n", "", "steps[0].network"),
    ],
)
def test_every_byte_of_a_plan_counts_and_its_field_is_named(old: str, new: str, field: str) -> None:
    assert approval.differences(approved(), approved(old, new)) == [field]
    assert approval.digest(approved()) != approval.digest(approved(old, new))


@pytest.mark.parametrize(
    ("other", "name"),
    [
        (approved(base="d" * 40), "base"),
        (approved(follows="refs/remotes/evil/x"), "follows"),
        (approved(grants=GRANTS._replace(network=())), "grants.network"),
        (approved(grants=GRANTS._replace(setup=None)), "grants.setup"),
        (approved(grants=GRANTS._replace(in_place=True)), "grants.in_place"),
        (approved(policy=2), "policy"),
        (approved(id="PLAN-2"), "id"),
    ],
)
def test_what_surrounds_a_plan_counts_as_well(other: Document, name: str) -> None:
    assert approval.differences(approved(), other) == [name]


def test_a_step_more_is_named_by_its_place() -> None:
    more = PLAN + "  - title: Run evil\n    run: evil\n"
    longer = Approved(
        "PLAN-1", planfile.read(more, "plan"), "c" * 40, "refs/heads/main", GRANTS
    ).document()
    assert approval.differences(approved(), longer) == ["steps[3]"]


def test_the_same_plan_with_another_grant_is_the_same_text() -> None:
    assert approval.same_text(approved(), approved(grants=approval.NOTHING))
    assert not approval.same_text(approved(), approved("make test", "make evil"))


# -- a step that asks for the network --------------------------------------------------------------


def test_a_stored_step_of_files_cannot_ask_for_the_network() -> None:
    step = {"id": "s1", "title": "x", "kind": "files", "files": {"a": ""}, "network": True}
    with pytest.raises(BadDocument, match="network"):
        plan_document.from_document({"title": "x", "objective": "x", "steps": [step]})


def test_a_stored_wish_for_the_network_is_true_or_false() -> None:
    step = {"id": "s1", "title": "x", "kind": "run", "run": "true", "network": "yes"}
    with pytest.raises(BadDocument, match="true or false"):
        plan_document.from_document({"title": "x", "objective": "x", "steps": [step]})


@pytest.mark.parametrize(
    "step", ["{title: x, files: {a: b}, network: true}", "{title: x, kind: manual, network: true}"]
)
def test_only_steps_that_run_something_may_ask_for_the_network(step: str) -> None:
    with pytest.raises(PlanFileError, match="network: does not belong"):
        planfile.read(f"title: x\nsteps:\n  - {step}\n", "plan")


def test_the_wish_for_the_network_survives_a_plan_file() -> None:
    plan = planfile.read(PLAN, "plan")
    assert [step.network for step in planfile.read(emitter.to_yaml(plan), "again").steps] == [
        True,
        False,
        False,
    ]


def test_a_planning_model_may_ask_for_the_network() -> None:
    step = {"title": "Fetch", "kind": "run", "why": "", "prompt": "", "argv": ["make", "fetch"], "run": "", "paths": [],
            "depends_on": [], "checks": [], "review": "", "network": True}  # fmt: skip
    reply = {"title": "x", "objective": "x", "dependencies": [], "missing": [], "steps": [step]}
    jsonschema.validate(reply, prompts.PLAN_REPLY_SCHEMA)
    assert schema.reply_plan(json.dumps(reply)).steps[0].network


def test_what_is_granted_is_read_back_from_its_bytes() -> None:
    assert approval.read(approval.canonical(approved())).grants == GRANTS
    in_place = approved(grants=approval.Grants(in_place=True))
    assert approval.read(approval.canonical(in_place)).grants == approval.Grants(in_place=True)
