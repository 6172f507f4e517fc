"""Plans as Markdown files, as a user writes and reads them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import Here, Repo, data

from git_orch import checkpoints

TITLE = "Add user authentication"


def exported(repo: Repo, *options: str, title: str = TITLE) -> tuple[str, Path]:
    """An idea and its file; gives the plan's ID as well."""
    said = repo.orch("plan", title, *(options or ("--draft",))).stdout
    plan = said.partition("Created: ")[2].split()[0]
    repo.orch("docs")
    return plan, repo.path / "ai_docs" / "plans" / f"{plan}.md"


def spec_of(repo: Repo, plan: str) -> Path:
    """The file of a plan's spec."""
    return repo.path / "ai_docs" / "specs" / f"SPEC-{plan.removeprefix('PLAN-')}.md"


def replace(file: Path, old: str, new: str) -> None:
    """Edit a file, byte for byte."""
    said = file.read_bytes()
    assert old.encode() in said
    file.write_bytes(said.replace(old.encode(), new.encode()))


def test_an_edited_file_becomes_events_and_git_sees_no_file(repo: Repo) -> None:
    """S2-019, S2-049, S2-053, S2-116 and S2-168."""
    plan, file = exported(repo)
    replace(file, f"title: {TITLE}", "title: Add logins  # shorter")
    replace(file, "status: draft", "status: ready")
    replace(file, "- [ ] Implement", "- [ ] Do the form\n- [ ] Implement")
    before = file.read_bytes()

    said = repo.orch("docs").stdout

    shown = repo.status(plan)
    assert (shown["title"], shown["state"]) == ("Add logins", "READY")
    assert "Do the form" in shown["body"]
    assert "title, body, status" in said
    assert file.read_bytes() == before
    assert repo.git("status", "--porcelain") == ""


def test_what_a_person_added_stays_when_the_plan_changes(repo: Repo) -> None:
    """S2-042, S2-043 and S2-044: in a renamed file with a byte order mark and CRLF."""
    plan, file = exported(repo)
    said = file.read_text().replace("spec_id:", "spec_id:   # none\nzeta: [1, 2]")
    mine = file.with_name("auth.md")
    mine.write_bytes(b"\xef\xbb\xbf" + said.replace("\n", "\r\n").encode())
    file.unlink()
    before = mine.read_bytes()

    repo.orch("ready", plan)
    repo.orch("docs")

    assert mine.read_bytes() == before.replace(b"status: draft", b"status: ready")
    assert not file.exists()


def test_an_edited_spec_changes_the_steps(repo: Repo) -> None:
    """S2-020, S2-060: and what the plan changed meanwhile stays."""
    plan, file = exported(repo, "--ready")
    repo.orch("orchestrate", "--offline")
    repo.orch("docs")
    spec = spec_of(repo, plan)
    replace(spec, "1. [ ] Implement", "1. [ ] Write")
    replace(spec, "## Acceptance", "4. [ ] Tell\n\n   Tell all.\n\n## Acceptance")
    replace(file, "owner: ", "owner: Bob, of ")
    text = repo.orch("show", plan, "--yaml").stdout.replace('title: "Test', 'title: "Try')
    repo.orch("edit", plan, "--from", "-", stdin=text)

    repo.orch("docs")

    steps = [(step["title"], step["kind"]) for step in repo.status(plan)["steps"]]
    assert steps[0][0] == f"Write: {TITLE}"
    assert steps[1][0] == f"Try: {TITLE}"
    assert steps[3] == ("Tell", "manual")
    assert repo.status(plan)["owner"].startswith("Bob, of ")


def test_a_tick_in_a_spec_is_a_tick_of_the_checklist_and_back(repo: Repo) -> None:
    plan, _ = exported(repo, "--ready")
    repo.orch("orchestrate", "--offline")
    repo.orch("docs")
    spec = spec_of(repo, plan)
    replace(spec, "1. [ ] ", "1. [x] ")
    replace(spec, f"- [ ] {TITLE}", f"- [X] {TITLE}")
    replace(spec, "## Acceptance", "4. [x] Tell\n\n   Tell all.\n\n## Acceptance")

    said = repo.orch("docs").stdout

    items = data(repo.orch("scout", "--json", plan).stdout)["items"]
    ticked = {item["text"] for item in items if item["ticked"]}
    assert "steps, ticks" in said
    assert ticked == {f"Implement: {TITLE}", "Tell", f"{TITLE} works as the plan says"}
    assert len([item for item in items if item["by"]]) == 3
    repo.orch("scout", plan, "--untick", "s1")
    repo.orch("docs")
    assert f"1. [ ] Implement: {TITLE}" in spec.read_text()


def test_a_tick_in_a_plan_without_a_text_of_its_own_is_a_tick_of_the_checklist(repo: Repo) -> None:
    plan, file = exported(repo, "--ready")
    repo.orch("orchestrate", "--offline")
    repo.orch("docs")
    replace(file, "- [ ] Implement", "- [x] Implement")

    said = repo.orch("docs").stdout

    shown = data(repo.orch("show", "--json", plan).stdout)
    items = data(repo.orch("scout", "--json", plan).stdout)["items"]
    assert f"read: {plan.split('-')[2][:4]}: ticks" in said
    assert shown["body"] is None
    assert [item["id"] for item in items if item["ticked"]] == ["s1"]


def test_a_deleted_spec_is_written_again_and_told(repo: Repo) -> None:
    """S2-120: what it says is the plan's, so nothing is lost."""
    plan, _ = exported(repo, "--ready")
    repo.orch("orchestrate", "--offline")
    repo.orch("docs")
    spec = spec_of(repo, plan)
    spec.unlink()

    said = repo.orch("docs").stderr

    assert f"{spec.relative_to(repo.path)} was gone, and is written again" in said
    assert spec.exists()


def test_a_field_that_both_sides_changed_stays_on_both(repo: Repo) -> None:
    plan, file = exported(repo, "--ready")
    repo.orch("orchestrate", "--offline")
    repo.orch("docs")
    replace(file, f"title: {TITLE}", "title: Mine")
    text = repo.orch("show", plan, "--yaml").stdout
    repo.orch("edit", plan, "--from", "-", stdin=text.replace(f"title: {TITLE}", "title: Theirs"))
    before = file.read_bytes()

    said = repo.orch("docs", expect=7).stderr

    assert "'title'" in said
    assert f"git orch docs {repo.handle(plan)} --keep file" in said
    assert (file.read_bytes(), repo.status(plan)["title"]) == (before, "Theirs")
    repo.orch("docs", "--keep", "plan")
    assert b"title: Theirs" in file.read_bytes()
    assert file.with_name(f"{file.name}.orig").read_bytes() == before


def test_what_a_file_said_takes_no_older_files_place(repo: Repo) -> None:
    """And the command names the file that has it."""
    _, file = exported(repo)
    replace(file, f"title: {TITLE}", "title: Mine")
    shutil.rmtree(repo.path / ".git" / "orch" / "documents")
    old, kept = (file.with_name(f"{file.name}.orig{number}") for number in ("", "1"))
    old.write_text("of yesterday\n")
    before = file.read_bytes()

    said = repo.orch("docs", "--keep", "plan").stderr

    assert (old.read_text(), kept.read_bytes()) == ("of yesterday\n", before)
    assert str(kept.relative_to(repo.path)) in said


def test_two_exchanges_at_once_put_no_plan_away(here: Here) -> None:
    """What one has written since the other looked does not look like a deleted file to that one."""
    exported(here.repo, title="Old")
    plans = [here("plan", title, "--draft", "--json").out for title in ("One", "Two")]
    second: list[str] = []

    def look(moment: checkpoints.Moment, deed: str, about: object) -> None:
        if deed == "write file" and str(about).endswith(".md") and not second:
            second.append(here.repo.orch("docs", expect=6).stderr)

    checkpoints.observe(look)
    try:
        said = here("docs").out
    finally:
        checkpoints.observe(None)

    assert "at work in 'ai_docs'" in second[0]
    assert "archived" not in said
    assert len(here("ls").out.splitlines()) == 1 + len(plans)
    here("docs")


def test_keep_takes_the_side_of_the_file(repo: Repo) -> None:
    plan, file = exported(repo)
    replace(file, "status: draft", "status: ready")
    shutil.rmtree(repo.path / ".git" / "orch" / "documents")

    repo.orch("docs", expect=7)
    repo.orch("docs", plan, "--keep", "file")

    assert repo.status(plan)["state"] == "READY"


def test_an_edit_that_a_checkout_brought_is_a_conflict(repo: Repo) -> None:
    """Anybody may have written it, and what a user edits counts as approved here."""
    plan, file = exported(repo)
    replace(file, f"title: {TITLE}", "title: Theirs")
    repo.git("add", "-f", str(file))

    said = repo.orch("docs", expect=7).stderr

    assert "git tracks the file, which changes 'title'" in said
    assert repo.status(plan)["title"] == TITLE
    repo.orch("docs", plan, "--keep", "file")
    assert repo.status(plan)["title"] == "Theirs"


def test_a_deleted_file_archives_and_a_deleted_directory_does_not(repo: Repo) -> None:
    """S2-119: what comes back is written again."""
    plan, file = exported(repo)
    shutil.rmtree(repo.path / "ai_docs")
    repo.orch("docs")
    assert file.exists()
    file.unlink()

    said = repo.orch("docs").stdout

    assert "is archived: its file was deleted" in said
    assert plan not in repo.orch("ls").stdout
    repo.orch("archive", "--undo", plan)
    repo.orch("docs")
    assert file.exists()


def test_a_file_that_cannot_be_read_stops_no_other(repo: Repo) -> None:
    """S2-046: and its plan stays."""
    _, broken = exported(repo, title="One")
    plan, file = exported(repo, title="Two")
    replace(broken, "owner:", "\towner:")
    replace(file, "status: draft", "status: ready")

    said = repo.orch("docs", expect=1).stderr

    assert f"{broken.relative_to(repo.path)}:4: " in said
    assert repo.status(plan)["state"] == "READY"
    assert len(repo.orch("ls").stdout.splitlines()) == 2


def test_a_problem_names_the_file_that_has_it(repo: Repo) -> None:
    plan, file = exported(repo, "--ready")
    repo.orch("orchestrate", "--offline")
    repo.orch("docs")
    spec = spec_of(repo, plan)
    good = spec.read_text()
    replace(file, f"title: {TITLE}", f"title: [{TITLE}]")
    assert f"{file.relative_to(repo.path)}:3: " in repo.orch("docs", expect=1).stderr
    replace(file, f"title: [{TITLE}]", f"title: {TITLE}")
    before, last, after = good.rpartition("kind: manual")
    spec.write_text(f"{before}kind: magic{after}")
    line = before[: before.rindex("3. [ ] ")].count("\n") + 1
    assert f"{spec.relative_to(repo.path)}:{line}: " in repo.orch("docs", expect=1).stderr
    spec.write_text(before + last.replace("kind", ":kind") + after)
    assert f"{spec.relative_to(repo.path)}:{line}: " in repo.orch("docs", expect=1).stderr
    owner = repo.status(plan)["owner"]
    replace(file, f"owner: {owner}", 'owner: "a\\nb"')

    spec.write_text(good)
    said = repo.orch("docs", expect=1).stderr

    assert f"{file.relative_to(repo.path)}:1: the owner (its file) must be one line" in said


def test_a_file_that_changes_nothing_is_told_as_no_edit(repo: Repo) -> None:
    """An idea without a text has the usual one."""
    _, file = exported(repo)
    file.write_bytes(b"")

    said = repo.orch("docs").stdout

    assert "read: " not in said
    assert "Updated: " in said


def test_an_archived_plan_is_told_with_the_way_back(repo: Repo) -> None:
    plan, _ = exported(repo)
    repo.orch("archive", plan)

    said = repo.orch("docs", plan).stderr

    assert f"git orch archive --undo {repo.handle(plan)}" in said


def test_an_exclude_file_that_is_a_link_is_the_users_to_write(repo: Repo, tmp_path: Path) -> None:
    exclude = repo.path / ".git" / "info" / "exclude"
    exclude.parent.mkdir(exist_ok=True)
    exclude.unlink(missing_ok=True)
    mine = tmp_path / "mine"
    mine.write_text("*.o\n")
    exclude.symlink_to(mine)

    hint = repo.orch("docs", expect=3).stderr.partition("hint: ")[2]

    assert mine.read_text() == "*.o\n"
    subprocess.run(["sh", "-c", hint], check=True)
    repo.orch("docs")
    assert mine.read_text() == "*.o\n/ai_docs/\n"


def test_files_of_others_stay(repo: Repo) -> None:
    folder = repo.path / "ai_docs" / "plans"
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("mine\n")
    (repo.path / "secret").write_text("id: x\n")
    (folder / "link.md").symlink_to(repo.path / "secret")

    repo.orch("docs", expect=1)

    assert (folder / "README.md").read_text() == "mine\n"
    assert (folder / "link.md").is_symlink()


@pytest.mark.parametrize("place", ["../out", ".git/x", ".", "/tmp", "a/.GIT", "linked"])
def test_no_document_leaves_the_worktree(repo: Repo, place: str) -> None:
    (repo.path / "linked").symlink_to(repo.path.parent)
    repo.orch("plan", TITLE, "--draft")

    repo.orch("docs", "--out", place, expect=3)

    assert not list(repo.path.parent.rglob("PLAN-*.md"))


@pytest.mark.parametrize("way", ["variable", "setting"])
def test_the_directory_is_the_users_choice(
    repo: Repo, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """S2-115; the repository's own setting does not count."""
    repo.git("config", "orch.docsDir", "theirs")
    if way == "variable":
        monkeypatch.setenv("OTK_ARTIFACT_ROOT", "my folder!")
    else:
        repo.git("config", "--global", "orch.docsDir", "my folder!")
    repo.orch("plan", TITLE, "--draft")

    repo.orch("docs")

    assert len(list((repo.path / "my folder!" / "plans").iterdir())) == 1
    assert not (repo.path / "theirs").exists()
    assert repo.git("status", "--porcelain") == ""
