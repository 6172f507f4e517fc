"""What a snapshot may bring in: every refusal, and where a symbolic link may lead."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from git_orch.plans import redact
from git_orch.repo.worktree import gate
from git_orch.repo.worktree.gate import Change, Contents, Directory, GateRefused

FILE, PROGRAM, LINK, LINKED_REPOSITORY, NOTHING = (
    "100644",
    "100755",
    "120000",
    gate.GITLINK,
    "000000",
)
NO_OBJECT = "0" * 40
TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
OTHER_TOKEN = "ghp_ABCDEFGHIJ0123456789abcdefghij543210"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\n-----END OPENSSH PRIVATE KEY-----"
VALUE = "correct horse battery staple"


class Blobs:
    """Contents that are nowhere but in memory."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}
        self.directories: dict[str, Directory] = {}

    def add(self, data: bytes) -> str:
        oid = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        self.data[oid] = data
        return oid

    @property
    def contents(self) -> Contents:
        return Contents(self._sizes, self._read, lambda _: self.directories)

    def _sizes(self, oids: Sequence[str]) -> Mapping[str, int]:
        return {oid: len(self.data[oid]) for oid in oids if oid in self.data}

    def _read(self, oids: Sequence[str]) -> Mapping[str, bytes]:
        return {oid: self.data[oid] for oid in oids if oid in self.data}

    def change(
        self,
        path: str,
        new: bytes | None = b"x\n",
        old: bytes | None = None,
        mode: str = FILE,
        old_mode: str = FILE,
    ) -> Change:
        """A changed path; None stands for a file that is not there."""
        return Change(
            "D" if new is None else "A" if old is None else "M",
            path,
            NOTHING if new is None else mode,
            NO_OBJECT if new is None else self.add(new),
            NOTHING if old is None else old_mode,
            NO_OBJECT if old is None else self.add(old),
        )


@pytest.fixture
def blobs() -> Blobs:
    return Blobs()


def codes(blobs: Blobs, *changes: Change, secrets: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Code and path of all that is found against the changes."""
    try:
        gate.inspect(changes, blobs.contents, secrets)
    except GateRefused as refused:
        return [(each.code, each.path) for each in refused.findings]
    return []


def test_ordinary_files_pass(blobs: Blobs) -> None:
    changes = [
        blobs.change("a"),
        blobs.change("d/é \n", b"\xff\0"),
        blobs.change("gone", None, b"x\n"),
    ]
    assert gate.inspect(changes, blobs.contents, [VALUE]) == ()


@pytest.mark.parametrize(("most", "found"), [(2, [("TOO_MANY_FILES", "a")]), (3, [])])
def test_files_are_counted(
    blobs: Blobs, monkeypatch: pytest.MonkeyPatch, most: int, found: object
) -> None:
    monkeypatch.setattr(gate, "MOST_FILES", most)
    assert (
        codes(blobs, blobs.change("a"), blobs.change("b"), blobs.change("c", None, b"x")) == found
    )


@pytest.mark.parametrize(("largest", "found"), [(4, [("FILE_TOO_LARGE", "b")]), (5, [])])
def test_a_file_has_a_largest_size(
    blobs: Blobs, monkeypatch: pytest.MonkeyPatch, largest: int, found: object
) -> None:
    monkeypatch.setattr(gate, "LARGEST_FILE", largest)
    assert codes(blobs, blobs.change("a", b"1234"), blobs.change("b", b"12345")) == found


def test_what_is_too_large_is_not_read(blobs: Blobs) -> None:
    """With the limits as they are."""
    large = [blobs.change("a", b"a"), blobs.change("b", b"b")]
    sizes = {large[0].oid: gate.LARGEST_FILE, large[1].oid: gate.LARGEST_FILE + 1}

    def unread(oids: Sequence[str]) -> Mapping[str, bytes]:
        raise AssertionError(oids)

    with pytest.raises(GateRefused) as refused:
        gate.inspect(large, Contents(lambda _: sizes, unread, lambda _: {}), ())
    assert [each.path for each in refused.value.findings] == ["b"]


@pytest.mark.parametrize(("largest", "found"), [(10, [("STEP_TOO_LARGE", "b")]), (11, [])])
def test_all_files_together_have_a_largest_size(
    blobs: Blobs, monkeypatch: pytest.MonkeyPatch, largest: int, found: object
) -> None:
    """What is deleted or replaced does not count."""
    monkeypatch.setattr(gate, "LARGEST_STEP", largest)
    changes = [
        blobs.change("a", b"1234", b"old" * 9),
        blobs.change("b", b"1234567"),
        blobs.change("c", None, b"x" * 9),
    ]
    assert codes(blobs, *changes) == found


@pytest.mark.parametrize(
    "path",
    [".git/config", "sub/.git/hooks/x", ".GIT/config", "git~1/config", "d/GIT~2", ".git./x", ".git /x", ".g\u200cit/x",
     "\ufeff.git/x", ".git::$INDEX_ALLOCATION/x", "a\\.git\\config", "d/.git"],
)  # fmt: skip
def test_what_some_file_system_takes_for_the_control_directory_is_refused(
    blobs: Blobs, path: str
) -> None:
    """A03"""
    assert codes(blobs, blobs.change(path), blobs.change(".github/x")) == [
        ("PATH_GIT_CONTROL", path)
    ]


def test_a_name_like_that_may_go(blobs: Blobs) -> None:
    assert codes(blobs, blobs.change("git~1", None, b"x")) == []


def test_a_new_repository_in_the_tree_is_refused(blobs: Blobs) -> None:
    added = Change("A", "sub", LINKED_REPOSITORY, "1" * 40, NOTHING, NO_OBJECT)
    instead_of_a_file = Change("T", "lib", LINKED_REPOSITORY, "2" * 40, FILE, blobs.add(b"x"))
    assert codes(blobs, added, instead_of_a_file) == [("GITLINK", "sub"), ("GITLINK", "lib")]


def test_a_submodule_moves_only_to_the_commit_that_its_step_names(blobs: Blobs) -> None:
    commits = ("1" * 40, "2" * 40)
    moves = [Change("M", path, gate.GITLINK, commits[0], gate.GITLINK, "3" * 40) for path in "abc"]
    with pytest.raises(GateRefused) as refused:
        gate.inspect(moves, blobs.contents, (), {"a": commits[0], "b": commits[1]})
    found = [(each.code, each.path) for each in refused.value.findings]
    assert found == [("SUBMODULE_MOVED", "b"), ("SUBMODULE_MOVED", "c")]


def test_a_submodule_of_the_base_may_move_or_go(blobs: Blobs) -> None:
    moved = Change("M", "sub", LINKED_REPOSITORY, "1" * 40, LINKED_REPOSITORY, "2" * 40)
    gone = Change("D", "old", NOTHING, NO_OBJECT, LINKED_REPOSITORY, "3" * 40)
    assert codes(blobs, moved, gone) == []


def test_a_directory_that_becomes_a_repository_is_refused_whichever_part_comes_last(
    blobs: Blobs,
) -> None:
    whole = {"HEAD": False, "objects": True, "refs": True}
    for name, path in (("HEAD", "d/HEAD"), ("objects", "d/objects/x"), ("refs", "d/refs/x")):
        before = {other: whole[other] for other in whole if other != name}
        blobs.directories["d"] = Directory(before, whole)
        assert codes(blobs, blobs.change(path)) == [("REPOSITORY", "d")]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("d/objects/x", []),
        ("d/refs/x", []),
        ("d/config", [("REPOSITORY", "d/config")]),
        ("d/Config", [("REPOSITORY", "d/Config")]),
        ("d/config.worktree", [("REPOSITORY", "d/config.worktree")]),
        ("d/hooks/post-checkout", [("REPOSITORY", "d/hooks/post-checkout")]),
        ("d/commondir", [("REPOSITORY", "d/commondir")]),
        ("d/more/config", []),
        ("de/config", []),
    ],
)
def test_of_a_repository_in_the_base_only_what_runs_programs_is_refused(
    blobs: Blobs, path: str, found: object
) -> None:
    """Projects have bare repositories for their tests."""
    whole = {"HEAD": False, "objects": True, "refs": True, "config": False}
    blobs.directories["d"] = Directory(whole, whole)
    assert codes(blobs, blobs.change(path, b"new", b"old")) == found
    assert codes(blobs, blobs.change(path, None, b"old")) == []


# -- symbolic links --------------------------------------------------------------------------------

INSIDE = [
    ("l", b"a"), ("l", b"a/b/c"), ("l", b"."), ("l", b"./a"), ("d/l", b".."), ("d/l", b"../a"),
    ("d/l", b"./../a"), ("d/e/l", b"../../a"), ("d/e/l", b"..//../a/"), ("l", b"a//b"),
    ("l", b"..."), ("l", b"..a"), ("l", b"\xff\xfe"), ("l", b"with space\nand line"), ("l", b"~/x"),
    ("l", b"gone"), ("d/l", b"../.github"),
]  # fmt: skip
OUTSIDE = [
    ("l", b""), ("l", b"/"), ("l", b"/etc/passwd"), ("l", b"//x"), ("l", b".."), ("l", b"../x"),
    ("l", b"./../x"), ("l", b".//../x"), ("d/l", b"../.."), ("d/l", b"../../x"),
    ("d/e/l", b"../../../x"), ("l", b"a/.."), ("l", b"a/../../x"), ("d/l", b"../a/../.."),
    ("l", b"a/../b"), ("l", b".git"), ("l", b".git/hooks"), ("d/l", b"../.git/config"),
    ("l", b".GIT/config"), ("l", b"git~1"), ("d/l", b"..//.git."), ("l", b"a/.git"),
    ("l", b"a/./.git/hooks"), ("l", b".g\xe2\x80\x8cit"), ("l", b"..\0"), ("l", b"..\0/x"),
    ("l", b".git\0"), ("d/l", b"../..\0/a"), ("l", b"\0"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "target"), INSIDE)
def test_a_link_inside_the_tree_passes(blobs: Blobs, path: str, target: bytes) -> None:
    assert codes(blobs, blobs.change(path, target, mode=LINK)) == []


@pytest.mark.parametrize(("path", "target"), OUTSIDE)
def test_a_link_that_may_lead_out_is_refused(blobs: Blobs, path: str, target: bytes) -> None:
    """A08; git ends a target at its first NUL when it makes the link."""
    assert codes(blobs, blobs.change(path, target, mode=LINK)) == [("SYMLINK_OUTSIDE", path)]


def test_a_file_that_becomes_a_link_is_judged_as_one(blobs: Blobs) -> None:
    assert codes(blobs, blobs.change("a", b"/etc", b"text", mode=LINK)) == [
        ("SYMLINK_OUTSIDE", "a")
    ]


_NAMES = st.sampled_from(["a", "b", "c", "d"])
_PATHS = st.lists(_NAMES, min_size=1, max_size=4)
_PIECES = st.sampled_from(["a", "b", "c", "d", ".", "..", "..", "", "...", "x\0y", "..\0", "\0"])
_TARGETS = st.lists(_PIECES, max_size=6).map("/".join)


@settings(max_examples=max(500, settings().max_examples))
@given(st.lists(_PATHS, max_size=4), st.lists(st.tuples(_PATHS, _TARGETS), min_size=1, max_size=8))
@example([], [(["a"], "a//a")])
def test_no_link_of_a_tree_that_passes_leads_out_whatever_the_others_are(
    directories: list[list[str]], links: list[tuple[list[str], str]]
) -> None:
    """However they lead to each other; git ends a target at its first NUL."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(os.path.realpath(place)) / "one" / "two" / "root"
        root.mkdir(parents=True)
        made = _built(root, directories, links)
        for path in made:
            # There Python says what the rest of the target is, from the root on.
            if _goes_round(path):
                continue
            assert Path(os.path.realpath(path)).is_relative_to(root), {
                str(each): os.readlink(each) for each in made
            }
            assert _kernel(path) is None or Path(_kernel(path) or "").is_relative_to(root)


def _goes_round(path: Path) -> bool:
    try:
        path.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def _built(
    root: Path, directories: list[list[str]], links: list[tuple[list[str], str]]
) -> list[Path]:
    """The tree as git would check it out: a path has real directories above it, and one thing at
    its end.
    """
    real, made = {root}, []
    for names in directories:
        _directory(root, names, real)
    for names, target in links:
        path = root.joinpath(*names)
        written = target.partition("\0")[0]
        if gate.leaves_tree("/".join(names), target.encode()) or not written:
            continue
        if _directory(root, names[:-1], real) and not os.path.lexists(path):
            path.symlink_to(written)
            made.append(path)
    return made


def _directory(root: Path, names: list[str], real: set[Path]) -> bool:
    """Make a directory and those above it, unless a link is in the way."""
    for number in range(1, len(names) + 1):
        path = root.joinpath(*names[:number])
        if path not in real and os.path.lexists(path):
            return False
        path.mkdir(exist_ok=True)
        real.add(path)
    return True


def _kernel(path: Path) -> str | None:
    """Where the system itself ends up; None where nothing is, or links go in circles."""
    try:
        descriptor = os.open(path, os.O_PATH)
    except OSError:
        return None
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


# -- secrets ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        f"k = {VALUE}\n".encode(),
        TOKEN.encode(),
        b"\xff\0" + TOKEN.encode() + b"\0",
        b"-----BEGIN PRIVATE KEY-----\nx",
    ],
    ids=["known value", "shape", "in a binary file", "private key"],
)
def test_a_secret_is_refused(blobs: Blobs, data: bytes) -> None:
    assert codes(blobs, blobs.change("a", data), blobs.change("b"), secrets=[VALUE]) == [
        ("SECRET", "a")
    ]


@pytest.mark.parametrize("secret", [VALUE, TOKEN, KEY])
def test_a_secret_is_refused_and_one_that_was_there_before_is_not(
    blobs: Blobs, secret: str
) -> None:
    old, new = f"{secret}\n".encode(), f"# more\n{secret}\n".encode()
    assert codes(blobs, blobs.change("a", new), secrets=[VALUE]) == [("SECRET", "a")]
    assert codes(blobs, blobs.change("a", new, old), secrets=[VALUE]) == []


@pytest.mark.parametrize(("old", "new"), [(TOKEN, VALUE), (VALUE, TOKEN), (TOKEN, OTHER_TOKEN)])
def test_one_secret_in_the_base_does_not_let_another_in(blobs: Blobs, old: str, new: str) -> None:
    change = blobs.change("a", f"{old}\n{new}\n".encode(), f"{old}\n".encode())
    assert codes(blobs, change, secrets=[VALUE]) == [("SECRET", "a")]


def test_a_secret_in_another_file_of_the_base_does_not_help(blobs: Blobs) -> None:
    moved = [blobs.change("a", None, TOKEN.encode()), blobs.change("b", TOKEN.encode())]
    assert codes(blobs, *moved) == [("SECRET", "b")]


def test_a_file_that_is_too_large_to_search_is_not_read(
    blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "SEARCHED", len(TOKEN))
    large, small = blobs.change("a", f"{TOKEN} ".encode()), blobs.change("b", TOKEN.encode())
    assert codes(blobs, large, small) == [("SECRET", "b")]


def test_every_file_is_searched_however_many_portions_that_takes(
    blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "SEARCHED", 60)
    changes = [blobs.change(f"f{number}", f"{number} {TOKEN}".encode()) for number in range(5)]
    assert codes(blobs, *changes) == [("SECRET", f"f{number}") for number in range(5)]


def test_a_secret_is_refused_as_the_target_of_a_link_and_as_a_name_too(blobs: Blobs) -> None:
    assert codes(blobs, blobs.change("l", TOKEN.encode(), mode=LINK)) == [("SECRET", "l")]
    assert codes(blobs, blobs.change(f"d/{TOKEN}")) == [("SECRET", f"d/{TOKEN}")]
    assert codes(blobs, blobs.change(f"d/{TOKEN}", b"new", b"old")) == []


def test_a_key_that_is_cut_off_in_the_base_does_not_keep_the_file_from_being_edited(
    blobs: Blobs,
) -> None:
    start = "-----BEGIN PRIVATE KEY-----\n" + "x" * 300
    change = blobs.change("a", f"{start} and much more".encode(), f"{start} and more".encode())
    assert codes(blobs, change) == []


# -- what is told ----------------------------------------------------------------------------------


def test_the_refusal_names_some_files_and_the_number_of_others_and_no_secret(blobs: Blobs) -> None:
    changes = [blobs.change(f"f{number}", TOKEN.encode()) for number in range(gate._SHOWN + 2)]
    with pytest.raises(GateRefused) as refused:
        gate.inspect(changes, blobs.contents, ())
    fingerprint = redact.fingerprint(TOKEN)
    assert str(refused.value).startswith(
        "the result is refused: 'f0' holds what looks like a key or a secret in line 1; 'f1' "
    )
    command = f"git config --global --add orch.allowSecret {fingerprint}"
    assert refused.value.allowing == (
        f"if line 1 of 'f0' is no secret (fingerprint {fingerprint}): {command}"
    )
    assert str(refused.value).endswith("; and 2 more")
    assert TOKEN not in str(refused.value)


def test_files_that_run_code_are_given_back(blobs: Blobs) -> None:
    changes = [
        blobs.change("README.md"), blobs.change(".husky/pre-commit"),
        blobs.change("src/CONFTEST.py"), blobs.change("Makefile", None, b"all:\n"),
    ]  # fmt: skip
    assert gate.inspect(changes, blobs.contents, ()) == (
        ".husky/pre-commit",
        "src/CONFTEST.py",
        "Makefile",
    )


@pytest.mark.parametrize(
    ("mode", "old_mode", "found"),
    [(PROGRAM, FILE, ("tool",)), (PROGRAM, PROGRAM, ()), (FILE, PROGRAM, ())],
)
def test_a_file_made_executable_runs_code(
    blobs: Blobs, mode: str, old_mode: str, found: tuple[str, ...]
) -> None:
    change = blobs.change("tool", b"new", b"old", mode=mode, old_mode=old_mode)
    assert gate.inspect([change], blobs.contents, ()) == found


@pytest.mark.parametrize(
    ("new", "old", "named"),
    [
        (b'{"scripts": {"test": "evil"}}', b'{"scripts": {"test": "jest"}}', True),
        (b'{"scripts": {"test": "jest"}}', None, True),
        (None, b'{"scripts": {"test": "jest"}}', True),
        (b'{"scripts": {"test": "jest"}, "version": "2"}', b'{"scripts": {"test": "jest"}}', False),
        (b'{"version": "2"}', b'{"version": "1"}', False),
        (b"not JSON", b'{"version": "1"}', True),
    ],
)
@pytest.mark.parametrize("path", ["package.json", "a/b/package.json", "a/Package.JSON"])
def test_a_package_json_is_named_when_what_runs_from_it_changed(
    blobs: Blobs, path: str, new: bytes | None, old: bytes | None, *, named: bool
) -> None:
    found = gate.inspect([blobs.change(path, new, old)], blobs.contents, ())
    assert found == ((path,) if named else ())
