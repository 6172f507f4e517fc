"""Templates of ideas and specs that the user wrote, as a user types and reads."""

from __future__ import annotations

from pathlib import Path

from conftest import Repo

PLAN = (
    "---\nid: ${ID}\nrisk: high  # ours\n---\n# ${TITLE} (${OWNER})\n\n## Milestones\n\n- [ ] A\n"
)
SPEC = "## Approach\n\nof ${PLAN_ID}\n\n## Implementation Steps\n\n1. [ ] Build ${PLAN_TITLE}\n"
RUNS = f"{SPEC}\n2. [ ] Look\n\n   ```yaml\n   run: touch ran.txt\n   ```\n"


def _write(directory: Path, name: str, text: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text(text)


def test_ideas_and_specs_have_the_texts_of_templates(repo: Repo) -> None:
    """S2-136, S2-137, S2-139, S2-141 and S2-142."""
    home = repo.path / ".claude/templates"
    _write(home, "plan.md", PLAN)
    _write(home, "spec.md", SPEC)
    repo.orch("plan", "Add ${OWNER}", "--ready", "--owner", "Ada")
    repo.orch("orchestrate", "--offline")
    repo.orch("plan", "Mine", "--draft", "--body", "own text\n")

    repo.orch("docs")
    again = repo.orch("docs").stdout

    plans = [file.read_text() for file in (repo.path / "ai_docs/plans").iterdir()]
    [spec] = [file.read_text() for file in (repo.path / "ai_docs/specs").iterdir()]
    [filled] = [text for text in plans if "# Add ${OWNER} (Ada)\n" in text]
    assert "risk: high  # ours\n" in filled
    assert "spec_id: SPEC-" in filled
    assert any(text.endswith("---\nown text\n") for text in plans)
    assert "1. [ ] Build Add ${OWNER}\n" in spec
    assert "of PLAN-2" in spec
    assert "up to date" in again


def test_a_command_of_a_template_from_a_checkout_needs_an_approval(repo: Repo) -> None:
    _write(repo.path / ".claude/templates", "spec.md", RUNS)
    repo.orch("spec", "Theirs", "--offline")

    refused = repo.orch("exec", expect=3).stderr

    assert "has no approval on this machine" in refused


def test_a_command_of_the_users_own_template_needs_none(repo: Repo, tmp_path: Path) -> None:
    _write(tmp_path / "own", "spec.md", RUNS.replace("1. [ ] Build ${PLAN_TITLE}\n", ""))
    repo.git("config", "--global", "orch.templatesDir", str(tmp_path / "own"))
    repo.orch("spec", "Mine", "--offline")

    assert "1/1 step" in repo.orch("exec").stdout


def test_templates_are_written_when_asked_for_and_over_no_file(repo: Repo) -> None:
    """S2-143."""
    home = repo.path / ".claude/templates"
    repo.orch("plan", "One", "--draft")
    assert repo.git("status", "--porcelain") == ""
    _write(home, "plan.md", "mine")

    repo.orch("template", "init")

    assert (home / "plan.md").read_text() == "mine"
    repo.orch("spec", "Two", "--offline")
    assert "Implement: Two" in repo.orch("show", "--tasks").stdout


def test_a_task_of_the_earlier_tool_has_its_own_template(repo: Repo) -> None:
    """S2-138: also beside plan.md."""
    home = repo.path / ".claude/templates"
    _write(home, "plan.md", "a plan\n")
    _write(home, "task.md", "task ${TITLE} of ${ID}\n")

    repo.orch("otk", "task-new", "Fix it")

    assert "task Fix it of PLAN-" in repo.orch("show").stdout
