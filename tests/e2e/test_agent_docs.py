"""The skill file for agents: its form, its places, and the road that it tells of."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest
import yaml
from conftest import Here, data

from git_orch.cli import table
from git_orch.flow.documents import agent_docs

SKILL = agent_docs.text()


def test_the_front_matter_has_the_name_of_its_directory_and_a_description() -> None:
    """S2-080: any other field fails the reference validator."""
    _, front, _ = SKILL.split("---\n", 2)
    fields = yaml.safe_load(front)

    assert fields.keys() == {"name", "description"}
    assert {fields["name"]} == {Path(place).parent.name for place in agent_docs.PLACES}
    assert 0 < len(fields["description"]) <= 1024


def test_the_skill_has_at_most_1500_tokens() -> None:
    """A token of English and commands has three characters or more."""
    assert len(SKILL) <= 3 * 1500


def test_every_command_of_the_skill_is_there() -> None:
    named = set(re.findall(r"git orch ([a-z-]+)", SKILL.partition("\n# ")[2]))

    assert named <= set(table.COMMANDS)
    assert {"plan", "exec", "done", "land"} <= named


def test_the_plan_of_the_skill_leads_to_landed_steps(here: Here, tmp_path: Path) -> None:
    """S2-077."""
    file = tmp_path / "plan.yaml"
    block = SKILL.partition("    title: Greet")[2].partition("\n\n")[0]
    file.write_text(textwrap.dedent(f"    title: Greet{block}\n"))
    plan = here("plan", "--from", str(file)).out.split()[0]
    assert "no findings" in here("check", plan).out

    told = here("exec", plan, expect=9).err
    place = Path(told.partition("Work in ")[2].partition(", then")[0])
    (place / "greet.sh").write_text('echo "hello, $1"\n')
    here("done", plan)
    here("exec", plan, expect=9)
    (place / "README.md").write_text("greet.sh\n")

    assert "git orch land" in here("done", plan).out
    here("land", plan)
    assert here.repo.git("show", "HEAD:greet.sh") == 'echo "hello, $1"'


def test_nothing_is_written_unless_asked(here: Here) -> None:
    assert here("agent-docs").out == SKILL
    assert here.repo.git("status", "--porcelain") == ""


def test_an_installed_skill_is_renewed_and_somebody_elses_stays(here: Here) -> None:
    first, second = (here.repo.path / place for place in agent_docs.PLACES)
    assert here("agent-docs", "--install").out.count("wrote: ") == 2
    assert here("agent-docs", "--install").out.count("up to date: ") == 2
    second.write_text(second.read_text().replace("A plan is", "A PLAN is"))
    changed = second.read_text()
    first.unlink()

    said = here("agent-docs", "--install", expect=3)

    assert f"wrote: {agent_docs.PLACES[0]}" in said.out
    assert f"left alone, it is not git-orch's: {agent_docs.PLACES[1]}" in said.out
    assert second.read_text() == changed


@pytest.mark.parametrize("name", [".claude", ".claude/skills/git-orch/SKILL.md"])
def test_no_link_is_followed(here: Here, tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = here.repo.path / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(elsewhere if name == ".claude" else elsewhere / "x")

    places = here("agent-docs", "--install", "--json", expect=3).out

    assert '"kept"' in places
    assert list(elsewhere.iterdir()) == []
    assert [one["fate"] for one in data(places)] == ["wrote", "kept"]
