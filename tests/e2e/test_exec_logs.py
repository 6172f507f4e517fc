"""Execution logs and checklists as files, as a user writes and reads them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import Here, data
from test_docs import replace

from git_orch import checkpoints

TITLE = "Add user authentication"


@pytest.fixture
def spec(here: Here) -> str:
    """The ID of a spec that waits for a person."""
    here("plan", TITLE, "--ready")
    here("orchestrate", "--offline")
    return here("show", "--field", "spec_id").out.strip()


def files(here: Here, folder: str) -> list[Path]:
    """The exported files of a kind."""
    return sorted((here.repo.path / "ai_docs" / folder).iterdir())


def test_each_exec_has_a_log_and_notes_of_a_person_come_back(here: Here, spec: str) -> None:
    """S2-070, S2-071, S2-073 to S2-076 and S2-116."""
    here("exec", spec.lower(), expect=9)
    here("exec", expect=9)
    here("note", "--blocker", "The database is down.")
    here("docs")
    first, second = files(here, "exec_logs")
    assert first.name.startswith(f"{spec}-exec-")
    assert "- The database" not in second.read_text()
    assert "The database is down." in second.read_text()
    replace(first, "## Decisions\n\nNone.\n", "## Decisions\n\n- We use cookies.\n")

    assert "notes" in here("docs").out

    assert f"spec: {spec}\n" in first.read_text()
    assert "We use cookies. (" in first.read_text()
    assert "We use cookies." not in second.read_text()
    assert "decision: We use cookies." in here("log").out
    assert "up to date" in here("docs").out
    assert here.repo.git("status", "--porcelain") == ""


def test_a_note_leaves_the_log_with_an_undo_also_beside_another_plan(here: Here, spec: str) -> None:
    """A plan among several is read without its events, which the files of logs need."""
    here("exec", expect=9)
    here("plan", "Something else", "--draft")
    here("note", spec, "Nobody is here.")
    here("docs")
    log = files(here, "exec_logs")[0]
    assert "Nobody is here." in log.read_text()

    here("undo", spec)
    here("docs")
    assert "Nobody is here." not in log.read_text()
    assert "Nobody is here." not in here("show", spec).out


def test_a_note_that_a_killed_exchange_took_is_taken_once(here: Here, spec: str) -> None:
    here("exec", expect=9)
    here("docs")
    (log,) = files(here, "exec_logs")
    replace(log, "## Decisions\n\nNone.\n", "## Decisions\n\n- We use cookies.\n  Always.\n")

    def die(moment: checkpoints.Moment, deed: str, about: object) -> None:
        if deed == "write file" and str(about) == str(log):
            raise KeyboardInterrupt

    checkpoints.observe(die)
    try:
        here("docs", expect=130)
    finally:
        checkpoints.observe(None)
    assert "- We use cookies." in log.read_text()
    here("docs")

    assert here("log").out.count("We use cookies.") == 1
    assert log.read_text().count("We use cookies. (") == 1


def test_ticks_and_tasks_of_a_report_are_those_of_the_checklist(here: Here, spec: str) -> None:
    """S2-021, S2-063 and S2-066: and those of the checklist come into the file."""
    here("docs")
    (report,) = files(here, "scout_reports")
    assert report.name == f"{spec}-scout.md"
    replace(report, "- [ ] Test", "- [x] Test")
    replace(report, "## Validation", "- [ ] Ask Bob\n\n## Validation")
    replace(report, f"Document: {TITLE}", "Document all")

    assert "ticks, tasks" in here("docs").out

    said = here("scout", "--tick", "1").out
    assert said.count("[x]") == 2
    assert "Ask Bob" in said
    assert f"- [x] Implement: {TITLE} <!-- s1 -->" in report.read_text()
    assert "- [ ] Document all <!-- s3 -->" in report.read_text()
    assert "2 of 5 tasks done" in report.read_text()
    assert f"2. [x] Test: {TITLE}" in files(here, "specs")[0].read_text()
    assert "up to date" in here("docs").out


@pytest.mark.parametrize("keep", ["file", "plan"])
def test_an_edit_that_a_checkout_brought_waits_for_its_reader(
    here: Here, spec: str, keep: str
) -> None:
    """In a checklist and in a log."""
    here("exec", expect=9)
    here("docs")
    report, log = files(here, "scout_reports")[0], files(here, "exec_logs")[0]
    here.repo.git("add", "-f", "ai_docs")
    replace(report, "- [ ] Test", "- [x] Test")
    replace(log, "## Blockers\n\nNone.\n", "## Blockers\n\n- Theirs\n")

    said = here("docs", expect=7).err

    assert "'ticks'" in said
    assert "'notes'" in said
    assert "[x]" not in here("scout").out
    here("docs", "--keep", keep)
    assert ("[x]" in here("scout").out) is (keep == "file")
    assert ("Theirs" in here("log").out) is (keep == "file")
    assert report.with_name(f"{report.name}.orig").exists() is (keep == "plan")
    here("docs")


def test_a_deleted_line_takes_a_task_off_until_it_is_there_again(here: Here, spec: str) -> None:
    here("docs")
    (report,) = files(here, "scout_reports")
    before = report.read_bytes()
    replace(report, f"- [ ] Test: {TITLE} <!-- s2 -->\n", "")

    assert "(s2)" not in here("scout").out

    report.write_bytes(before)
    assert "(s2)" in here("scout").out
    assert "4 tasks done" in report.read_text()


@pytest.mark.parametrize("typed", ["SPEC-19990101-XXXXXXXXXX", "../plans/x", "*"])
def test_an_exec_of_no_spec_leaves_nothing(here: Here, spec: str, typed: str) -> None:
    """S2-072."""
    here("docs")
    here("exec", typed, expect=5)
    here("docs")
    assert not (here.repo.path / "ai_docs" / "exec_logs").exists()


def test_no_report_and_no_log_leave_the_worktree(here: Here, spec: str, tmp_path: Path) -> None:
    here("docs")
    here("exec", spec, expect=9)
    outside = tmp_path / "outside"
    outside.mkdir()
    shutil.rmtree(here.repo.path / "ai_docs" / "exec_logs")
    (here.repo.path / "ai_docs" / "exec_logs").symlink_to(outside)
    (report,) = files(here, "scout_reports")
    report.unlink()
    report.symlink_to(outside / "x.md")

    here("docs", expect=3)
    (here.repo.path / "ai_docs" / "exec_logs").unlink()
    said = here("docs", expect=1).err

    assert "is a link" in said
    assert [*outside.iterdir()] == []


def test_exec_names_its_log_and_show_prints_the_last_one(here: Here, spec: str) -> None:
    """S2-070, S2-075 and S2-152: without a directory of documents there is no file."""
    here("show", spec, "--latest-log", expect=5)
    outputs = [here("exec", expect=9).out for _ in range(2)]
    assert all(f"Execution log created: {spec}-exec-" in said for said in outputs)
    name = outputs[-1].partition("created: ")[2].split()[0].removesuffix(".md")

    logs = data(here("show", spec, "--json").out)["exec_logs"]
    shown = here("show", spec).out

    assert [log["id"] in shown for log in logs] == [True, True]
    assert [log["status"] for log in logs] == ["waiting", "waiting"]
    assert here("show", spec[:-3], "--latest-log").out.startswith(f"---\nid: {name}\n")
    assert not (here.repo.path / "ai_docs").exists()


def test_exec_and_scout_keep_exported_files_up_to_date(
    here: Here, spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S2-060, S2-061, S2-066, S2-070 and S2-115: in the user's own directory."""
    monkeypatch.setenv("OTK_ARTIFACT_ROOT", "notes/docs")
    here("docs")
    said = here("exec", expect=9).out
    path = said.partition("Execution log created: ")[2].split()[0]
    assert path.startswith(f"notes/docs/exec_logs/{spec}-exec-")
    assert "status: waiting" in (here.repo.path / path).read_text()
    report = here.repo.path / "notes" / "docs" / "scout_reports" / f"{spec}-scout.md"
    replace(report, "- [ ] Test", "- [x] Test")
    file = here.repo.path / "notes" / "docs" / "specs" / f"{spec}.md"
    replace(file, f"3. [ ] Document: {TITLE}", "3. [ ] Write the manual")

    said = here("scout").out

    assert f"Report: {report.relative_to(here.repo.path)}\n" in said
    assert f"Test: {TITLE}  (s2)  by" in said
    assert "Write the manual" in said
    assert "- [x] Test" in report.read_text()
    assert "Write the manual <!-- s3 -->" in report.read_text()


def test_a_scout_leaves_the_files_of_others_and_archives_no_plan(here: Here, spec: str) -> None:
    """Also where the file of its plan has another name, or none."""
    here("docs")
    (file,) = files(here, "specs")
    file = file.rename(file.with_name("mine.md"))
    file.with_name("broken.md").write_text("---\n[\n---\n")
    assert here("scout", "--tick", "2").err == ""
    assert "2. [x]" in file.read_text()
    files(here, "plans")[0].unlink()
    here("scout")
    assert here("ls").out.strip()
