"""Files of orchestrator-toolkit are read as that tool wrote them (S2-039 to S2-048)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans.documents import boxes, otk_files, otk_spec
from git_orch.plans.documents.front_matter import Malformed

FILE = "plans/PLAN-20251014-01K7A2-jwt.md"
SAMPLE = """---
id: PLAN-20251014-01K7A2-jwt
title: Add JWT authentication with OAuth 2.0 support
owner: YourName
created: 2025-10-14T01:23:45Z
status: ready          # draft|ready|in-spec|executing|done
spec_id: ""            # filled after orchestrate creates SPEC
---

## Objective
"""
CREATED = 1760405025000


def head(**values: str) -> str:
    """A file with these lines at its head."""
    rows = {"id": "T-0001", "title": "T", "status": "new"} | values
    return "---\n" + "".join(f"{key}: {value}\n" for key, value in rows.items()) + "---\nbody\n"


def read(text: str) -> otk_files.Artefact:
    artefact = otk_files.artefact(FILE, text)
    assert artefact is not None
    return artefact


def test_the_sample_of_its_readme_is_read() -> None:
    """S2-039."""
    got = read(SAMPLE)

    assert got.id == "PLAN-20251014-01K7A2-jwt"
    assert (got.owner, got.created, got.status, got.spec) == ("YourName", CREATED, "ready", "")
    assert got.body == "\n## Objective\n"


@pytest.mark.parametrize("spec", ['""', "''", "null", "~", "", "  # none"])
def test_an_empty_spec_id_is_none(spec: str) -> None:
    """S2-041: also where another line is no YAML."""
    assert read(head(spec_id=spec)).spec == ""
    assert read(head(spec_id=spec, title="PLAN for: x")).spec == ""


@pytest.mark.parametrize(
    "title",
    ["PLAN for: search", "[WIP] search", "it's", "a 'b' c", '"quoted" words', "*bold*", "@me",
     "status: done", "spec_id: SPEC-1", "50% off", "- [ ] x", "C# and F#", "{x}", "`a`", "!",
     "Fix bug #12", "!important x",
     "&a b", "# 1"],
)  # fmt: skip
def test_a_title_is_what_stands_on_its_line(title: str) -> None:
    """S2-045 and S2-048: that tool wrote titles without quotes."""
    got = read(head(title=title, owner="Ann"))

    assert (got.title, got.owner, got.status) == (title, "Ann", "new")


def test_byte_order_mark_line_ends_and_order_do_not_matter() -> None:
    """S2-040 and S2-042."""
    rows = ["status: ready  ", "title: a: b", "id: T-7", "zeta: 1"]
    got = read("\ufeff---\r\n" + "\r\n".join(rows) + "\r\n---\r\none\r\n")

    assert (got.id, got.title, got.status, got.body) == ("T-7", "a: b", "ready", "one\r\n")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("---\nid: T-1\ntitle: x\n", 1),
        (head(id="../../x"), 2),
        (head(id="a/b"), 2),
        (head(id="x" * 130), 2),
        (head(id=".."), 2),
        (head(title=""), 3),
        (head(title='""'), 3),
        (head(title="x" * 201), 3),
        (head(created="yesterday"), 5),
        (head(created="1601-01-01"), 5),
        (head(title="a\nstatus: done"), 5),
        (head(title="a: b\nstatus: done"), 5),
        (head(title="[\n\tx"), 4),
        (head(owner='"a\\nb"'), 5),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, line: int) -> None:
    """S2-046 and S2-069."""
    with pytest.raises(Malformed) as wrong:
        otk_files.artefact("tasks/x.md", text)
    assert wrong.value.line == line


def test_a_file_without_a_head_is_none() -> None:
    assert otk_files.artefact("plans/README.md", "# Plans\n") is None


def test_blanks_without_end_are_read_in_time() -> None:
    """S2-047: a line of blanks is looked at once."""
    blanks = " \t" * 100_000
    artefact = read(
        f"---\nid: T-1\ntitle: a: b\nx: {blanks[:9000]}z\n---\n# {blanks}x\n# x{blanks}y\n"
    )

    spec = otk_spec.read(artefact.body)
    assert (spec.steps, boxes.read(artefact.body)) == ((), [])


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    for whole in (text, f"---\n{text}", f"---\n{text}\n---\n"):
        try:
            otk_files.artefact("plans/x.md", whole)
            otk_files.report("exec_logs/x.md", whole)
        except Malformed:
            continue
