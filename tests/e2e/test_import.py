"""The files of orchestrator-toolkit become plans, as a user types it."""

from __future__ import annotations

import os
from pathlib import Path

from conftest import Repo, data
from test_killed import Driver

PLAN = "PLAN-20251014-01K7A2-jwt"
SPEC = "SPEC-20251014-01K7JE-implementation-for-jwt"
TIME = "2025-10-14T01:23:45Z"


def file(name: str, status: str, **more: str) -> str:
    """A file as that tool wrote it."""
    rows = {"id": name, "title": f"PLAN for: {name}", "owner": "Ann", "created": TIME}
    rows |= {"status": f"{status}   # comment", **more}
    return "---\n" + "".join(f"{key}: {value}\n" for key, value in rows.items()) + "---\n\nText\n"


FILES = {
    "tasks/T-0001.md": file("T-0001", "assigned"),
    "plans/P-0001.md": file("P-0001", "ready", spec_id='""'),
    f"plans/{PLAN}.md": file(PLAN, "in-spec", spec_id=SPEC),
    f"plans/{PLAN}-old.md": file(f"{PLAN}-old", "done"),
    f"specs/{SPEC}.md": file(SPEC, "draft", plan=PLAN)
    + "## Implementation Steps\n1. [x] Install\n2. [ ] Test\n",
    f"exec_logs/{SPEC}-exec-20251014-031237.md": f"---\nspec: {SPEC}\n---\nIt went well\n",
}


def old(repo: Repo, files: dict[str, str]) -> Path:
    """A directory of that tool, beside the repository."""
    place = repo.path.parent / "old docs"
    Repo(place).write(files)
    return place


def contents(place: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def listed(repo: Repo) -> list[tuple[str, str, bool]]:
    """Title, state and whether it is archived, of every plan."""
    plans = data(repo.orch("ls", "--all", "--json").stdout)
    return sorted((plan["title"], plan["state"], plan["archived"]) for plan in plans)


ALL = sorted(
    [
        ("PLAN for: T-0001", "READY", False),
        ("PLAN for: P-0001", "READY", False),
        (f"PLAN for: {PLAN}", "CREATED", False),
        (f"PLAN for: {PLAN}-old", "DRAFT", True),
    ]
)


def test_old_files_become_plans_once(repo: Repo) -> None:
    """S2-159 to S2-162 and S2-165."""
    place = repo.path / "ai_docs"
    Repo(place).write(FILES)
    before = contents(place)
    repo.orch("docs", "--import", "ai_docs")
    again = repo.orch("docs", "--import", "ai_docs").stdout

    assert "nothing is new" in again
    assert listed(repo) == ALL
    assert contents(place) == before
    shown = repo.status(PLAN)
    assert (shown["owner"], shown["created"][:16], shown["status"]) == (
        "Ann",
        "2025-10-14T01:23",
        "in-spec",
    )
    assert shown["old_ids"] == [PLAN, SPEC]
    assert shown["body"] == "\nText\n"
    assert [step["title"] for step in shown["steps"]] == ["Install", "Test"]
    assert shown["notes"][0]["text"].endswith("It went well")
    assert repo.status("SPEC-20251014-01K7JE")["id"] == repo.status(SPEC)["id"] == shown["id"]
    assert repo.status("T-0001")["title"] == "PLAN for: T-0001"
    assert "(was P-0001)" in repo.orch("ls").stdout
    assert "[x]   1  Install" in repo.orch("scout", PLAN).stdout
    assert repo.orch("show", f"{PLAN}-old", "--field", "status").stdout == "done\n"
    assert "created_plans=2" in repo.orch("otk", "orchestrator-once", "--offline").stdout
    assert "created_plans=0" in repo.orch("otk", "orchestrator-once", "--offline").stdout
    repo.orch("docs")
    assert contents(place).items() >= before.items()
    assert "nothing is new; 4" in repo.orch("docs", "--import", "ai_docs").stdout


def test_what_cannot_be_imported_is_named_and_the_rest_is_there(repo: Repo) -> None:
    """S2-046 and S2-069."""
    bad = {
        "plans/PLAN-a.md": "---\nid: ../x\ntitle: A\n---\n",
        "plans/PLAN-b.md": "no head\n",
        "tasks/T-0002.md": file("T-0001", "new"),
        "tasks/T-0003.md": file("T-0003", "new") + "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n"
        "-----END RSA PRIVATE KEY-----\n",
        "tasks/T-0004.md": "x" * (1 << 21),
    }
    place = old(repo, FILES | bad)
    (place / "plans/PLAN-c.md").symlink_to("/etc/hostname")
    (place / "plans/PLAN-d.md").write_bytes(b"\xff")
    (place / "scout_reports").symlink_to("/etc")
    os.mkfifo(place / "plans/PLAN-e.md")

    said = repo.orch("docs", "--import", str(place), expect=1).stderr

    named = {line[len(str(place)) + 1 :].partition(": ")[0] for line in said.splitlines()}
    lines = {f"plans/PLAN-{letter}.md:1" for letter in "bcde"} | {"plans/PLAN-a.md:2"}
    lines |= {f"tasks/T-000{number}.md:1" for number in (2, 3, 4)} | {"scout_reports:1"}
    assert lines <= named
    assert listed(repo) == ALL
    repo.orch("docs", "--import", "nonesuch", expect=5)
    repo.orch("docs", "--import", str(repo.path), expect=5)
    repo.orch("docs", "--import", str(place), "--out", "x", expect=2)


def test_files_in_no_folder_count_by_their_names_and_others_are_named(repo: Repo) -> None:
    place = old(
        repo,
        {
            "T-001.md": file("T-001", "new"),
            "P-001.md": file("P-001", "ready"),
            "README.md": "# Ours\n",
            "plan-b.md": "# What we do when it rains\n",
            "old/T-002.md": file("T-002", "new"),
            "tasks/done/T-003.md": file("T-003", "new"),
            "tasks/T-004.txt": "x",
        },
    )

    done = repo.orch("docs", "--import", str(place))

    assert "imported: T-001 is" in done.stdout
    assert "imported: P-001 is" in done.stdout
    rest = "tasks/T-004.txt, tasks/done/, README.md, plan-b.md, old/"
    assert f"note: not read: {rest}\n" in done.stderr
    again = data(repo.orch("docs", "--import", str(place), "--json").stdout)
    assert (again["present"], again["unread"]) == (["P-001", "T-001"], rest.split(", "))


def test_two_imports_at_once_make_each_plan_once(repo: Repo) -> None:
    place = old(repo, FILES)
    both = [repo.start("docs", "--import", str(place)) for _ in range(2)]

    said = [process.communicate() for process in both]

    assert [process.returncode for process in both] == [0, 0], said
    assert listed(repo) == ALL


def test_an_import_that_was_killed_is_completed(repo: Repo) -> None:
    """At moves of refs in turn: what was there is not made again."""
    place = str(old(repo, {name: text for name, text in FILES.items() if "0001" not in name}))
    driver = Driver()
    whole = driver.run(Repo(_copy(repo, "whole")), "docs", "--import", place, counted=True)
    moves = [at for at, point in enumerate(whole.points) if "move " in point]
    for at in moves[:: max(1, len(moves) // 4)]:
        copy = Repo(_copy(repo, f"killed-{at}"))
        assert driver.run(copy, "docs", "--import", place, point=at).status == -9
        assert driver.run(copy, "docs", "--import", place).status == 0
        assert listed(copy) == [plan for plan in ALL if PLAN in plan[0]]
        assert len(copy.git("for-each-ref", "refs/heads/orch").splitlines()) == 1
    driver.close()


def _copy(repo: Repo, name: str) -> Path:
    place = repo.path.parent / name / "work"
    place.parent.mkdir()
    repo.git("clone", "-q", str(repo.path), str(place))
    return place
