"""A log is shown and merged as the notes that it is, whatever the attributes of the files say."""

from __future__ import annotations

from conftest import Repo

PLAN = {"title": "A", "steps": [{"title": "A", "files": {"a.x": "a\n"}}]}
ATTRIBUTES = [
    "* merge=union -diff text eol=crlf export-ignore",
    "* binary",
    "* diff=foo merge=foo filter=foo",
    "*.x diff=foo\n* -merge working-tree-encoding=UTF-16",
]
THEIRS = '{"from":"another machine"}'


def test_no_driver_has_a_say_in_a_log(repo: Repo) -> None:
    plan = repo.plan(PLAN)
    ref, notes = f"refs/notes/orch/{plan}", ("notes", f"--ref=orch/{plan}")
    other, cover = "refs/notes/orch-other", repo.git("rev-parse", f"orch/{plan}")
    repo.git("update-ref", other, ref)
    repo.git("notes", f"--ref={other}", "append", "-m", THEIRS, cover)
    repo.orch("exec", plan)
    ours, tip = repo.git(*notes, "show", cover), repo.git("rev-parse", ref)
    shown = repo.git("log", "-1", "--format=%N", f"--notes={ref}", cover)
    for name in ("diff.foo.command", "diff.foo.textconv", "merge.foo.driver", "filter.foo.clean"):
        repo.git("config", name, "echo spoilt; false")
    for lines in ATTRIBUTES:
        repo.git("update-ref", ref, tip)
        for place in (".git/info/attributes", ".gitattributes"):
            (repo.path / place).write_text(f"{lines}\n")
        assert repo.git("log", "-1", "--format=%N", f"--notes={ref}", cover) == shown, lines
        assert repo.git(*notes, "show", cover) == ours, lines
        for strategy in ("union", "cat_sort_uniq"):
            repo.git("update-ref", ref, tip)
            repo.git(*notes, "merge", "--quiet", f"--strategy={strategy}", other)
            merged = repo.git(*notes, "show", cover).splitlines()
            assert {*filter(None, merged)} == {*ours.splitlines(), THEIRS}, lines
        assert repo.step_states(plan) == ["done"], lines
