"""Moving a ref: from a known old value only, with a reason in the reflog."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Repo

from git_orch import errors
from git_orch.repo import refs
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects import raw
from git_orch.repo.repository import discover

REF = "refs/heads/orch/PLAN-20260101-0000000000-one"
STAMP = "Ada Tester <ada@example.com> 1700000000 +0000"


def test_a_ref_is_made_where_there_is_none(repo: Repo) -> None:
    repository, head = discover(repo.path), repo.git("rev-parse", "HEAD")
    refs.move(repository, REF, old=None, new=head, reason="orch: create")
    assert refs.value(repository, REF) == head
    assert repo.git("log", "-g", "--format=%gs", REF) == "orch: create"


def test_a_ref_that_is_there_already_is_not_made(repo: Repo) -> None:
    repository, head = discover(repo.path), repo.git("rev-parse", "HEAD")
    refs.move(repository, REF, old=None, new=head, reason="orch: create")
    with pytest.raises(refs.RefMoved):
        refs.move(repository, REF, old=None, new=repo.commit({}), reason="orch: create")
    assert refs.value(repository, REF) == head


def test_a_ref_that_somebody_moved_stays_where_they_put_it(repo: Repo) -> None:
    repository, first = discover(repo.path), repo.git("rev-parse", "HEAD")
    second, third = repo.commit({"a": "a"}), repo.commit({"b": "b"})
    repo.git("update-ref", REF, second)
    with pytest.raises(refs.RefMoved):
        refs.move(repository, REF, old=first, new=third, reason="orch: land")
    assert refs.value(repository, REF) == second


def test_a_ref_that_somebody_deleted_is_not_made_again(repo: Repo) -> None:
    repository, first = discover(repo.path), repo.git("rev-parse", "HEAD")
    with pytest.raises(refs.RefMoved):
        refs.move(repository, REF, old=first, new=repo.commit({}), reason="orch: land")
    assert refs.value(repository, REF) is None


def test_a_locked_ref_is_busy_and_the_lock_is_left_alone(repo: Repo) -> None:
    repository, head = discover(repo.path), repo.git("rev-parse", "HEAD")
    lock = repo.path / ".git" / f"{REF}.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text("")
    with pytest.raises(errors.Busy, match="is locked by another git process") as refused:
        refs.move(repository, REF, old=None, new=head, reason="orch: create")
    assert not isinstance(refused.value, refs.RefMoved)
    assert lock.exists()


def test_a_branch_called_orch_is_named_with_the_command_that_renames_it(repo: Repo) -> None:
    repository, head = discover(repo.path), repo.git("rev-parse", "HEAD")
    repo.git("branch", "orch")
    with pytest.raises(errors.UnfitRepository) as refused:
        refs.move(repository, REF, old=None, new=head, reason="orch: create")
    assert refused.value.hint.startswith("git branch -m orch ")


def test_a_ref_is_not_pointed_at_nothing(repo: Repo) -> None:
    with pytest.raises(refs.Collected):
        refs.move(discover(repo.path), REF, old=None, new="1" * 40, reason="orch: create")


def test_a_ref_gets_what_gc_took_before_it_could_be_named(repo: Repo) -> None:
    repository = discover(repo.path)
    with contextlib.closing(odb.opened(repository)) as database:
        written = odb.Written(database)
        blob = written.write("blob", b"only here\n")
        tree = odb.write_tree(written, [raw.Entry(raw.BLOB_MODE, b"f", blob)])
        commit = odb.write_commit(written, raw.CommitObject(tree, (), STAMP, STAMP, "alone\n"))
        written.flush()
        repo.git("gc", "--quiet", "--prune=now")
        refs.move_to_new(repository, REF, written, old=None, new=commit, reason="orch: create")
    assert repo.git("show", f"{REF}:f") == "only here"
    assert repo.git("fsck", "--strict", "--no-dangling") == ""


def test_refs_of_a_plan_are_found_by_its_id(repo: Repo) -> None:
    repository, head = discover(repo.path), repo.git("rev-parse", "HEAD")
    plan = REF.removeprefix(refs.BRANCHES)
    repo.git("update-ref", refs.LOGS + plan, head)
    assert refs.of_plans(repository) == {plan: refs.PlanRefs(None, head)}
    repo.git("update-ref", refs.BRANCHES + plan, head)
    assert refs.of_plans(repository) == {plan: refs.PlanRefs(head, head)}


def test_the_reflog_has_where_a_ref_has_been_newest_first(repo: Repo) -> None:
    repository, first = discover(repo.path), repo.git("rev-parse", "HEAD")
    second = repo.commit({"a": "a"})
    for old, new in ((None, first), (first, second), (second, first)):
        refs.move(repository, REF, old=old, new=new, reason="orch: land")
    assert refs.reflog(repository, REF) == [first, second, first]


def test_a_ref_without_reflog_has_been_nowhere(repo: Repo) -> None:
    repo.git("update-ref", "refs/orch/kept/x", "HEAD")
    assert refs.reflog(discover(repo.path), "refs/orch/kept/x") == []


def test_a_tag_that_is_called_like_a_ref_is_not_taken_for_it(repo: Repo) -> None:
    repository = discover(repo.path)
    repo.git("tag", REF)
    assert refs.value(repository, REF) is None
    refs.move(repository, REF, old=None, new=repo.commit({"a": "a"}), reason="orch: create")
    assert refs.value(repository, REF) == repo.git("rev-parse", "HEAD")


@pytest.mark.parametrize(
    "name", ["refs/heads/main~0", "refs/heads/main..main", "main", "--all", "refs/heads/\0"]
)
def test_what_is_no_full_name_of_a_ref_has_no_value(repo: Repo, name: str) -> None:
    assert refs.value(discover(repo.path), name) is None


def test_a_symbolic_ref_has_the_value_of_its_branch(repo: Repo) -> None:
    repo.git("symbolic-ref", "refs/heads/alias", "refs/heads/main")
    assert refs.value(discover(repo.path), "refs/heads/alias") == repo.git("rev-parse", "main")


def test_a_failure_of_another_kind_has_the_words_of_git(repo: Repo) -> None:
    head = repo.git("rev-parse", "HEAD")
    with pytest.raises(errors.OrchError, match="bad name") as raised:
        refs.move(discover(repo.path), "refs/heads/a..b", old=None, new=head, reason="orch: test")
    assert not isinstance(raised.value, errors.Busy)
    assert raised.value.exit_code == 128


# -- refs that stand for others --------------------------------------------------------------------

PLAN = "PLAN-20260101-0000000000-one"
OURS = (
    refs.BRANCHES + PLAN, refs.LOGS + PLAN, refs.ARCHIVE, refs.KEPT + PLAN,
    f"{refs.RESULTS}{PLAN}/s1-1",
)  # fmt: skip


def symbolic(repo: Repo, ref: str) -> None:
    """A symbolic ref to a branch of the user's."""
    repo.git("symbolic-ref", ref, "refs/heads/main")


def chained(repo: Repo, ref: str) -> None:
    """A symbolic ref to another one."""
    repo.git("symbolic-ref", "refs/heads/between", "refs/heads/main")
    repo.git("symbolic-ref", ref, "refs/heads/between")


def dangling(repo: Repo, ref: str) -> None:
    """A symbolic ref to a branch that is not there: to write there would make it."""
    repo.git("symbolic-ref", ref, "refs/heads/none")


def _link(repo: Repo, ref: str, target: str) -> None:
    file = repo.path / ".git" / ref
    file.parent.mkdir(parents=True, exist_ok=True)
    file.symlink_to(target)


def linked(repo: Repo, ref: str) -> None:
    """A link that git takes for a symbolic ref."""
    _link(repo, ref, "refs/heads/main")


def linked_by_path(repo: Repo, ref: str) -> None:
    """A link that git does not see as one."""
    _link(repo, ref, "../" * ref.count("/") + "refs/heads/main")


def linked_elsewhere(repo: Repo, ref: str) -> None:
    """A link out of the repository."""
    outside = repo.path.parent / "outside"
    outside.write_text(repo.git("rev-parse", "HEAD") + "\n")
    _link(repo, ref, str(outside))


def linked_directory(repo: Repo, ref: str) -> None:
    """A link in the place of the directory of the ref."""
    outside = repo.path.parent / "outside"
    outside.mkdir()
    (outside / ref.rpartition("/")[2]).write_text(repo.git("rev-parse", "HEAD") + "\n")
    _link(repo, ref.rpartition("/")[0], str(outside))


ALIASES = (
    symbolic, chained, dangling, linked, linked_by_path, linked_elsewhere, linked_directory,
)  # fmt: skip


@pytest.mark.parametrize("alias", ALIASES, ids=lambda alias: alias.__name__)
@pytest.mark.parametrize("ref", OURS)
def test_a_ref_of_ours_that_stands_for_another_is_refused_and_not_followed(
    repo: Repo, ref: str, alias: Callable[[Repo, str], None]
) -> None:
    alias(repo, ref)
    repository, head = discover(repo.path), repo.git("rev-parse", "main")
    commit = repo.git("commit-tree", "-m", "x", "HEAD^{tree}")
    with pytest.raises(refs.Symbolic) as refused:
        refs.value(repository, ref)
    for old in (None, head):
        with pytest.raises(refs.Symbolic):
            refs.move(repository, ref, old=old, new=commit, reason="orch: land")
        with refs.session(repository, "orch: exec"), pytest.raises(refs.Symbolic):
            refs.move(repository, ref, old=old, new=commit, reason="orch: land")
    with pytest.raises(refs.Symbolic):
        refs.delete(repository, ref, old=head, reason="orch: archive")
    assert repo.git("for-each-ref", "--format=%(objectname)", "refs/heads/main") == head
    assert not repo.git("for-each-ref", "refs/heads/none")
    repo.follow(f"hint: {refused.value.hint}")
    assert refs.value(repository, ref) is None
    refs.move(repository, ref, old=None, new=commit, reason="orch: land")
    assert (refs.value(repository, ref), repo.git("rev-parse", "main")) == (commit, head)


@pytest.mark.parametrize("alias", [*ALIASES[:2], *ALIASES[3:]], ids=lambda alias: alias.__name__)
@pytest.mark.parametrize("ref", OURS)
def test_a_list_of_refs_with_one_that_stands_for_another_is_refused(
    repo: Repo, ref: str, alias: Callable[[Repo, str], None]
) -> None:
    alias(repo, ref)
    prefix = next(own for own in (refs.BRANCHES, refs.LOGS, "refs/orch/") if ref.startswith(own))
    with pytest.raises(refs.Symbolic):
        refs.below(discover(repo.path), prefix)


def test_others_may_have_symbolic_refs_beside_ours(repo: Repo) -> None:
    repo.git("symbolic-ref", "refs/heads/orch/latest", "refs/heads/main")
    repo.git("symbolic-ref", "refs/notes/orch/mine", "refs/heads/main")
    assert refs.listing(discover(repo.path)).plans == {}


def test_a_session_writes_no_ref_that_became_symbolic(repo: Repo) -> None:
    """Between the look and the write somebody may be faster: git does not follow either."""
    repo.git("symbolic-ref", REF, "refs/heads/main")
    repository, head = discover(repo.path), repo.git("rev-parse", "main")
    commit = repo.git("commit-tree", "-m", "x", "HEAD^{tree}")
    with refs.session(repository, "orch: exec"):
        repository.sessions[-1].transact(f"update {REF} {commit} {head}")
    assert (repo.git("rev-parse", "main"), repo.git("rev-parse", REF)) == (head, commit)


def test_a_session_asks_anew_where_packed_refs_look_as_those_it_has_read(repo: Repo) -> None:
    """git tells by size, file number and the second whether they are others."""
    repository, first = discover(repo.path), repo.git("rev-parse", "HEAD")
    second, third = repo.commit({"a": "a"}), repo.commit({"b": "b"})
    other = "refs/heads/orch/other"
    repo.git("update-ref", REF, first)
    repo.git("pack-refs", "--all")
    packed = repo.path / ".git/packed-refs"
    with refs.session(repository, "orch: exec"):
        refs.move(repository, other, old=None, new=first, reason="orch: exec")
        with packed.open("r+b") as file:
            text = file.read()
            file.seek(0)
            file.write(text.replace(f"{first} {REF}".encode(), f"{second} {REF}".encode()))
        refs.move(repository, REF, old=second, new=third, reason="orch: exec")
    assert repo.git("rev-parse", REF) == third


def test_a_reflog_that_is_a_link_is_not_written(repo: Repo) -> None:
    outside = repo.path.parent / "profile"
    outside.write_text("mine\n")
    _link(repo, f"logs/{REF}", str(outside))
    repository, head = discover(repo.path), repo.git("rev-parse", "HEAD")
    with pytest.raises(refs.Symbolic) as refused:
        refs.move(repository, REF, old=None, new=head, reason="orch: create")
    assert outside.read_text() == "mine\n"
    repo.follow(f"hint: {refused.value.hint}")
    refs.move(repository, REF, old=None, new=head, reason="orch: create")


@pytest.mark.parametrize("directory", ["refs/heads", "refs/notes", "logs/refs/heads"])
def test_a_directory_above_ours_that_is_a_link_is_not_followed(repo: Repo, directory: str) -> None:
    outside = repo.path.parent / "outside"
    place = repo.path / ".git" / directory
    place.mkdir(parents=True, exist_ok=True)
    place.rename(outside)
    place.symlink_to(outside)
    ref = (refs.LOGS if "notes" in directory else refs.BRANCHES) + PLAN
    head = repo.git("rev-parse", "HEAD")
    (repo.path / ".git" / f"{place.name}.aside").write_text("mine\n")
    branches = repo.git("for-each-ref")
    with pytest.raises(refs.Symbolic) as refused:
        refs.move(discover(repo.path), ref, old=None, new=head, reason="orch: create")
    assert not list(outside.glob("orch/*"))
    repo.follow(f"hint: {refused.value.hint}")
    assert repo.git("for-each-ref") == branches
    assert (repo.path / ".git" / f"{place.name}.aside").read_text() == "mine\n"
    refs.move(discover(repo.path), ref, old=None, new=head, reason="orch: create")
    assert not list(outside.glob("orch/*"))


def test_refs_that_repositories_have_together_are_as_good_as_any(repo: Repo) -> None:
    """As git-new-workdir links them."""
    for name in ("refs", "logs"):
        place = repo.path / ".git" / name
        place.rename(repo.path.parent / name)
        place.symlink_to(repo.path.parent / name)
    repository, head = discover(repo.path), repo.git("rev-parse", "HEAD")
    refs.move(repository, REF, old=None, new=head, reason="orch: create")
    assert refs.below(repository, refs.BRANCHES) == {REF: head}


def _as_git_has_it(repo: Repo, ref: str) -> str | None:
    return repo.git("for-each-ref", "--format=%(objectname)", ref) or None


@pytest.mark.parametrize("form", ["sha1", "sha256"])
def test_the_value_of_a_ref_is_what_git_says_wherever_it_keeps_it(
    tmp_path: Path, form: str
) -> None:
    """In a file of its own, in packed-refs, in both, in neither, and where a directory has its name."""
    repo = Repo(tmp_path / form)
    repo.path.mkdir()
    repo.git("init", "-q", f"--object-format={form}", ".")
    first, second = repo.commit({}), repo.commit({"a": "a"})
    one, two, gone = (f"refs/orch/kept/{name}" for name in ("one", "two", "gone"))
    for ref in (one, two, gone):
        repo.git("update-ref", ref, first)
    repo.git("pack-refs", "--all")
    repo.git("update-ref", two, second)
    repo.git("update-ref", "-d", gone)
    repo.git("update-ref", "refs/orch/kept/new", second)
    repository = discover(repo.path)
    for ref in (
        one,
        two,
        gone,
        "refs/orch/kept/new",
        "refs/orch/kept",
        "refs/orch/kep",
        f"{one}/x",
    ):
        expected = None if ref == "refs/orch/kept" else _as_git_has_it(repo, ref)
        assert refs.value(repository, ref) == expected, ref
    assert refs.value(repository, two) == second


@pytest.mark.parametrize("text", ["", "0" * 40 + "\n", "abc\n", "ref: refs/heads/main\n"])
def test_a_file_that_holds_no_object_id_is_left_to_git(repo: Repo, text: str) -> None:
    repo.write({".git/refs/heads/odd": text})
    done = repo.git("rev-parse", "-q", "--verify", "refs/heads/odd", expect=None)
    assert (refs.value(discover(repo.path), "refs/heads/odd") or "") == done
