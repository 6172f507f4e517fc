"""Cherry-picks in memory give what git's own give, and start nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Repo
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from git_orch import errors
from git_orch.repo import identity
from git_orch.repo.objects import merge_attributes, merges, objects
from git_orch.repo.objects.objects import Database, Objects
from git_orch.repo.objects.raw import Entry
from git_orch.repo.repository import discover


@pytest.fixture
def database(repo: Repo) -> Iterator[Database]:
    with contextlib.closing(objects.opened(discover(repo.path))) as found:
        yield found


def test_a_pick_has_author_and_message_of_the_commit_and_no_signature(
    repo: Repo, database: Objects
) -> None:
    base = repo.git("rev-parse", "HEAD")
    picked = repo.commit({"a.txt": "a\n"}, "add a\n\nbody")
    repo.git("checkout", "-q", base)
    onto = repo.commit({"b.txt": "b\n"}, "add b")
    found = discover(repo.path)
    tree = merges.picked(found, database, picked, onto).tree
    made = identity.of_user(found).commit_again(database, picked, tree, onto)
    assert repo.git("ls-tree", "--name-only", made).split() == ["README.md", "a.txt", "b.txt"]
    form = "--format=%an %ae %at %B"
    assert repo.git("log", "-1", form, made) == repo.git("log", "-1", form, picked)
    assert repo.git("rev-parse", f"{made}^") == onto


def test_a_conflict_names_path_and_kind_and_shows_both_sides(repo: Repo, database: Objects) -> None:
    base = repo.git("rev-parse", "HEAD")
    picked = repo.commit({"README.md": "theirs\n"}, "theirs")
    repo.git("checkout", "-q", base)
    onto = repo.commit({"README.md": "ours\n"}, "ours")
    found = discover(repo.path)
    result = merges.picked(found, database, picked, onto)
    assert [(each.path, each.kind) for each in result.conflicts] == [
        ("README.md", "CONFLICT (contents)")
    ]
    shown = merges.shown(found, result, 2_000)
    assert "ours" in shown
    assert "theirs" in shown
    assert len(merges.shown(found, result, 20)) == 20


def test_a_shown_conflict_ends_with_the_marker_that_ends_it(repo: Repo, database: Objects) -> None:
    above, below = "".join(f"a{n}\n" for n in range(9)), "".join(f"b{n}\n" for n in range(9))
    base = repo.commit({"README.md": f"{above}base\n{below}"}, "base")
    picked = repo.commit({"README.md": f"{above}theirs\n{below}"}, "theirs")
    repo.git("checkout", "-q", base)
    onto = repo.commit({"README.md": f"{above}ours\n{below}"}, "ours")
    found = discover(repo.path)
    lines = merges.shown(found, merges.picked(found, database, picked, onto), 2_000).splitlines()
    assert [line.split()[0] for line in lines if line.startswith(("<", "=", ">"))] == [
        "<<<<<<<",
        "=======",
        ">>>>>>>",
    ]
    assert lines[0].startswith("<<<<<<< ")
    assert lines[-1].startswith(">>>>>>> ")


def test_a_deleted_and_changed_file_conflicts(repo: Repo, database: Objects) -> None:
    base = repo.git("rev-parse", "HEAD")
    picked = repo.commit({"README.md": "changed\n"}, "change")
    repo.git("checkout", "-q", base)
    repo.git("rm", "-q", "README.md")
    repo.git("commit", "-qm", "delete")
    [conflict] = merges.picked(
        discover(repo.path), database, picked, repo.git("rev-parse", "HEAD")
    ).conflicts
    assert conflict.kind == "CONFLICT (modify/delete)"


def test_a_merge_driver_of_the_repository_is_not_started(
    repo: Repo, database: Objects, tmp_path: Path
) -> None:
    repo.commit({".gitattributes": "README.md merge=evil\n"}, "attributes")
    repo.git("config", "--global", "merge.evil.driver", f"touch {tmp_path}/started; false")
    base = repo.git("rev-parse", "HEAD")
    picked = repo.commit({"README.md": "theirs\n"}, "theirs")
    repo.git("checkout", "-q", base)
    onto = repo.commit({"README.md": "ours\n"}, "ours")
    merges.picked(discover(repo.path), database, picked, onto)
    assert not (tmp_path / "started").exists()


class Sides:
    """Two commits that change the same line of a file, on a base with attributes."""

    def __init__(self, repo: Repo, attributes: dict[str, str], path: str) -> None:
        self.repo, self.path = repo, path
        self.base = repo.commit({**attributes, path: "base\n"}, "base")
        self.theirs = repo.commit({path: "base\ntheirs\n"}, "theirs")
        repo.git("checkout", "-q", self.base)
        self.ours = repo.commit({path: "base\nours\n"}, "ours")

    def merged(self, tree: str) -> str:
        """The file in a tree."""
        return self.repo.git("cat-file", "-p", f"{tree}:{self.path}")


ATTRIBUTES = [
    ({".gitattributes": "log.md merge=union\n"}, "log.md"),
    ({".gitattributes": "log.md merge=union\n"}, "docs/log.md"),
    ({"docs/.gitattributes": "log.md merge=union\n"}, "docs/log.md"),
    ({".gitattributes": "[attr]both merge=union\n*.md both\n"}, "docs/deep/log.md"),
]


@pytest.mark.parametrize(("attributes", "path"), ATTRIBUTES)
def test_the_attributes_of_the_tree_count_in_a_pick(
    repo: Repo, database: Objects, attributes: dict[str, str], path: str
) -> None:
    sides = Sides(repo, attributes, path)
    result = merges.picked(discover(repo.path), database, sides.theirs, sides.ours)
    assert result.conflicts == ()
    assert sides.merged(result.tree).split() == ["base", "ours", "theirs"]


@pytest.mark.parametrize(("attributes", "path"), ATTRIBUTES)
def test_the_attributes_of_the_tree_count_in_a_merge(
    repo: Repo, database: Objects, attributes: dict[str, str], path: str
) -> None:
    sides = Sides(repo, attributes, path)
    result = merges.merged(discover(repo.path), database, sides.ours, sides.theirs)
    assert result is not None
    assert (result.conflicts, sides.merged(result.tree).split()) == (
        (),
        ["base", "ours", "theirs"],
    )


def test_the_attributes_of_our_side_count_and_not_those_of_the_files_that_lie_there(
    repo: Repo, database: Objects
) -> None:
    sides = Sides(repo, {".gitattributes": "*.md -merge\n"}, "log.md")
    (repo.path / ".gitattributes").write_text("*.md merge=union\n")
    result = merges.picked(discover(repo.path), database, sides.theirs, sides.ours)
    assert {conflict.path for conflict in result.conflicts} == {"log.md"}


def test_a_driver_of_the_users_that_keeps_our_side_counts(repo: Repo, database: Objects) -> None:
    repo.git("config", "--global", "merge.ours.driver", "true")
    sides = Sides(repo, {".gitattributes": "log.md merge=ours\n"}, "log.md")
    result = merges.picked(discover(repo.path), database, sides.theirs, sides.ours)
    assert (result.conflicts, sides.merged(result.tree)) == ((), "base\nours")


def test_a_driver_of_the_repository_reports_a_conflict(repo: Repo, database: Objects) -> None:
    repo.git("config", "merge.ours.driver", "true")
    sides = Sides(repo, {".gitattributes": "log.md merge=ours\n"}, "log.md")
    [conflict] = merges.picked(discover(repo.path), database, sides.theirs, sides.ours).conflicts
    assert conflict.path == "log.md"


@pytest.mark.parametrize("name", [b"..", b".", b"a/b"])
def test_a_name_in_a_tree_leads_nowhere_when_attributes_are_taken_from_it(
    repo: Repo, database: Objects, name: bytes
) -> None:
    attributes = Entry("100644", b".gitattributes", database.write("blob", b"x merge=union\n"))
    trees = []
    for content in (b"base\n", b"ours\n", b"theirs\n"):
        changed = Entry("100644", b"x", database.write("blob", content))
        inner = objects.write_tree(database, [attributes, changed])
        trees.append(objects.write_tree(database, [Entry("40000", name, inner)]))
    files = dict(merge_attributes._files(database, *trees))
    assert files == {}


def test_a_merge_commit_is_not_picked(repo: Repo, database: Objects) -> None:
    repo.git("switch", "-qc", "side")
    repo.commit({"a.txt": "a\n"}, "a")
    repo.git("switch", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    with pytest.raises(errors.Refused, match="merge commit"):
        merges.picked(
            discover(repo.path),
            database,
            repo.git("rev-parse", "HEAD"),
            repo.git("rev-parse", "HEAD^1"),
        )


_FILES = st.dictionaries(
    st.sampled_from(["a", "b", "d/c"]), st.lists(st.sampled_from("xyz"), max_size=4), max_size=3
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(base=_FILES, ours=_FILES, theirs=_FILES)
def test_a_pick_is_what_git_cherry_pick_gives(
    repo: Repo,
    database: Objects,
    base: dict[str, list[str]],
    ours: dict[str, list[str]],
    theirs: dict[str, list[str]],
) -> None:
    def commit(files: dict[str, list[str]], name: str) -> str:
        repo.git("rm", "-rqf", "--ignore-unmatch", "a", "b", "d")
        repo.write({path: "".join(f"{line}\n" for line in lines) for path, lines in files.items()})
        repo.git("add", "-A")
        repo.git("commit", "-q", "--allow-empty", "-m", name)
        return repo.git("rev-parse", "HEAD")

    repo.git("checkout", "-q", "--detach", "main")
    start = commit(base, "base")
    picked = commit(theirs, "theirs")
    repo.git("checkout", "-q", "--detach", start)
    onto = commit(ours, "ours")
    result = merges.picked(discover(repo.path), database, picked, onto)
    repo.git("cherry-pick", "--allow-empty", "--keep-redundant-commits", picked, expect=None)
    stopped = repo.git("rev-parse", "-q", "--verify", "CHERRY_PICK_HEAD", expect=None) != ""
    assert stopped == bool(result.conflicts)
    if not stopped:
        assert repo.git("rev-parse", "HEAD^{tree}") == result.tree
    else:
        repo.git("cherry-pick", "--abort")


def test_what_a_merge_wrote_stays_whatever_is_collected(repo: Repo, database: Database) -> None:
    repo.commit({"d/lines.txt": "".join(f"{n}\n" for n in range(20))})
    base = repo.git("rev-parse", "HEAD")
    picked = repo.commit({"d/lines.txt": "".join(f"{n or 'first'}\n" for n in range(20))})
    repo.git("checkout", "-q", base)
    onto = repo.commit({"d/lines.txt": "".join(f"{n}\n" for n in range(20)) + "last\n"})
    written = objects.Written(database)
    tree = merges.picked(discover(repo.path), written, picked, onto).tree
    written.flush()
    repo.git("gc", "--quiet", "--prune=now")
    assert repo.git("cat-file", "blob", f"{tree}:d/lines.txt").split()[::19] == ["first", "19"]


def test_sides_that_have_parts_of_a_repository_each_do_not_merge(
    repo: Repo, database: Objects
) -> None:
    """No gate has seen it whole."""
    base = repo.git("rev-parse", "HEAD")
    theirs = repo.commit({"a/d/HEAD": "ref: refs/heads/main\n"}, "theirs")
    repo.git("checkout", "-q", base)
    ours = repo.commit({"a/d/objects/x": "x\n", "a/d/refs/x": "x\n"}, "ours")
    found = discover(repo.path)
    picked = merges.picked(found, database, theirs, ours)
    assert [(one.path, one.kind) for one in picked.conflicts] == [("a/d", merges.REPOSITORY)]
    merged = merges.merged(found, database, ours, theirs)
    assert merged is not None
    assert merged.conflicts == ("a/d",)


def test_a_repository_that_one_side_has_whole_merges(repo: Repo, database: Objects) -> None:
    whole = {"d/HEAD": "ref: refs/heads/main\n", "d/objects/x": "x\n", "d/refs/x": "x\n"}
    base = repo.commit(whole)
    theirs = repo.commit({"d/refs/y": "y\n"})
    repo.git("checkout", "-q", base)
    ours = repo.commit({"d/refs/z": "z\n"})
    assert merges.picked(discover(repo.path), database, theirs, ours).conflicts == ()
