"""File tools of a model: nothing outside the worktree is read, written or waited for."""

from __future__ import annotations

import ctypes
import os
import resource
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from git_orch.plans import paths
from git_orch.sandbox import files

LIMIT = 1 << 20  # bytes
SECRET = b"CANARY"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A worktree with a pointer file `.git`; beside it a secret."""
    worktree = tmp_path / "worktree"
    (worktree / "src").mkdir(parents=True)
    (worktree / ".git").write_text("gitdir: elsewhere\n")
    (worktree / "src/main.py").write_text("print()\n")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(SECRET)
    return worktree


@pytest.fixture
def tree(root: Path) -> files.Tree:
    """The file tools' access to it."""
    return files.Tree(root)


def refusal(call: Callable[[], object]) -> str:
    """The code that a call is refused with."""
    with pytest.raises(files.PathRefused) as refused:
        call()
    assert refused.value.exit_code == 3
    assert refused.value.hint
    return refused.value.code


def snapshot(directory: Path) -> dict[str, bytes | str]:
    """Everything below a directory: contents, and targets of links."""
    return {
        str(path.relative_to(directory)): os.readlink(path)
        if path.is_symlink()
        else path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


# -- reading ---------------------------------------------------------------------------------------


def test_a_file_is_read_as_it_is(tree: files.Tree, root: Path) -> None:
    data = b"\xef\xbb\xbfa\r\nb\0\xff"
    (root / "x").write_bytes(data)
    assert tree.read("x", LIMIT) == data


@pytest.mark.parametrize(
    "path", ["-rf", "--", "a b", " lead", "\u6f22/\u00e4", "deep/er/still", "*", "$HOME"]
)
def test_odd_names_are_ordinary(path: str, tree: files.Tree, root: Path) -> None:
    """A06"""
    tree.write(path, b"data")
    assert tree.read(path, LIMIT) == b"data"
    assert (root / path).read_bytes() == b"data"
    assert path in tree.listing()
    tree.delete(path)
    assert tree.kind(path) == "absent"


BAD = [
    ("../x", paths.PATH_OUTSIDE), ("/etc/passwd", paths.PATH_OUTSIDE),
    ("~/.ssh/id_rsa", paths.PATH_OUTSIDE), ("src/../../outside/secret", paths.PATH_OUTSIDE),
    ("file:///etc/passwd", paths.PATH_OUTSIDE), ("C:\\x", paths.PATH_OUTSIDE),
    ("a\0b", paths.PATH_INVALID), ("a\nb", paths.PATH_INVALID), ("x" * 5000, paths.PATH_INVALID),
    ("", paths.PATH_INVALID), (".", paths.PATH_INVALID), ("\ud800", paths.PATH_INVALID),
    ("src", files.NOT_REGULAR),
]  # fmt: skip


@pytest.mark.parametrize(("path", "code"), BAD, ids=[repr(path[:12]) for path, _ in BAD])
def test_bad_paths_are_refused_by_every_tool(
    path: str, code: str, tree: files.Tree, root: Path
) -> None:
    """A06, S1-136"""
    before = snapshot(root.parent)
    assert refusal(lambda: tree.read(path, LIMIT)) == code
    assert refusal(lambda: tree.write(path, b"x")) == code
    assert refusal(lambda: tree.delete(path)) == code
    assert snapshot(root.parent) == before


CONTROL = [
    ".git", "./.git/config", "sub/.git/hooks/x", ".GIT/config", ".Git/hooks/pre-commit",
    "git~1/config", ".git./config", ".git /config", ".g\u200cit/config",
    ".git::$INDEX_ALLOCATION/x",
]  # fmt: skip


@pytest.mark.parametrize("path", CONTROL)
def test_git_control_data_is_refused_in_every_spelling(
    path: str, tree: files.Tree, root: Path
) -> None:
    """A03, S1-137: one code, no file and no directory made."""
    before = sorted(root.rglob("*"))
    calls: list[Callable[[], object]] = [
        lambda: tree.read(path, LIMIT),
        lambda: tree.write(path, b"x"),
        lambda: tree.delete(path),
        lambda: tree.kind(path),
        lambda: list(tree.listing(path)),
    ]
    assert [refusal(call) for call in calls] == [paths.PATH_GIT_CONTROL] * 5
    assert sorted(root.rglob("*")) == before


def test_a_missing_file_is_not_found(tree: files.Tree) -> None:
    assert refusal(lambda: tree.read("none", LIMIT)) == files.NOT_FOUND
    assert refusal(lambda: tree.read("none/x", LIMIT)) == files.NOT_FOUND
    assert refusal(lambda: tree.delete("none")) == files.NOT_FOUND


def test_a_file_is_no_directory(tree: files.Tree) -> None:
    assert refusal(lambda: tree.read("src/main.py/x", LIMIT)) == files.NOT_REGULAR
    assert refusal(lambda: tree.write("src/main.py/x", b"")) == files.NOT_REGULAR
    assert tree.kind("src/main.py/x") == "absent"


def test_the_limit_is_the_largest_size_that_is_read(tree: files.Tree, root: Path) -> None:
    (root / "x").write_bytes(b"12345")
    assert tree.read("x", 5) == b"12345"
    assert refusal(lambda: tree.read("x", 4)) == files.TOO_LARGE


def test_a_huge_sparse_file_is_refused_by_its_size(tree: files.Tree, root: Path) -> None:
    """A07"""
    with (root / "big").open("wb") as file:
        file.truncate(3 << 30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert refusal(lambda: tree.read("big", LIMIT)) == files.TOO_LARGE
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 * 1024  # KiB


def test_a_fifo_and_a_socket_do_not_hang(tree: files.Tree, root: Path) -> None:
    """A07"""
    os.mkfifo(root / "f")
    assert refusal(lambda: tree.read("f", LIMIT)) == files.NOT_REGULAR
    assert refusal(lambda: tree.write("f", b"x")) == files.NOT_REGULAR
    assert stat.S_ISFIFO((root / "f").lstat().st_mode)


@pytest.mark.parametrize(
    "target",
    [
        "../outside/secret",
        "{outside}/secret",
        "/proc/self/environ",
        "/dev/zero",
        "src/../../outside/secret",
        "/",
    ],
)
def test_links_that_lead_out_are_refused(target: str, tree: files.Tree, root: Path) -> None:
    """A07, A08, S1-136"""
    (root / "link").symlink_to(target.format(outside=root.parent / "outside"))
    before = snapshot(root.parent)
    assert refusal(lambda: tree.read("link", LIMIT)) == paths.PATH_OUTSIDE
    assert refusal(lambda: tree.write("link", b"x")) == paths.PATH_OUTSIDE
    assert snapshot(root.parent) == before


@pytest.mark.parametrize("target", ["../outside", "{outside}", "src/../../outside", "/"])
def test_nothing_is_reached_through_a_directory_link_that_leads_out(
    target: str, tree: files.Tree, root: Path
) -> None:
    """A07, A08"""
    (root / "d").symlink_to(target.format(outside=root.parent / "outside"))
    before = snapshot(root.parent)
    for call in (
        lambda: tree.read("d/secret", LIMIT),
        lambda: tree.write("d/new", b"x"),
        lambda: tree.write("d/new/deep", b"x"),
        lambda: tree.delete("d/secret"),
        lambda: list(tree.listing("d")),
    ):
        assert refusal(call) == paths.PATH_OUTSIDE
    assert snapshot(root.parent) == before


@pytest.mark.parametrize("target", [".git", "src/../.git", ".GIT", "git~1"])
def test_a_link_to_git_control_data_is_refused(target: str, tree: files.Tree, root: Path) -> None:
    (root / "link").symlink_to(target)
    assert refusal(lambda: tree.read("link", LIMIT)) == paths.PATH_GIT_CONTROL
    assert refusal(lambda: tree.write("link", b"x")) == paths.PATH_GIT_CONTROL


def test_links_inside_are_followed(tree: files.Tree, root: Path) -> None:
    (root / "a/b").mkdir(parents=True)
    (root / "a/b/up").symlink_to("../../src/main.py")
    (root / "dir").symlink_to("./a//b/")
    (root / "chain").symlink_to("dir/up")
    assert tree.read("chain", LIMIT) == b"print()\n"
    assert tree.read("dir/up", LIMIT) == b"print()\n"


def test_a_step_up_after_a_link_goes_up_from_where_the_link_led(
    tree: files.Tree, root: Path
) -> None:
    (root / "a/b").mkdir(parents=True)
    (root / "a/x").write_text("right")
    (root / "x").write_text("wrong")
    (root / "down").symlink_to("a/b")
    (root / "link").symlink_to("down/../x")
    assert tree.read("link", LIMIT) == b"right" == (root / "link").read_bytes()


def test_writing_through_a_link_inside_changes_its_target(tree: files.Tree, root: Path) -> None:
    (root / "link").symlink_to("src/main.py")
    tree.write("link", b"new")
    assert (root / "link").is_symlink()
    assert (root / "src/main.py").read_bytes() == b"new"


@pytest.mark.parametrize(("name", "target"), [("loop", "loop"), ("up", "."), ("two", "src/..")])
def test_links_that_name_no_file_are_refused(
    name: str, target: str, tree: files.Tree, root: Path
) -> None:
    (root / name).symlink_to(target)
    assert refusal(lambda: tree.read(name, LIMIT)) == files.NOT_REGULAR


def test_a_file_that_may_not_be_opened_is_refused_without_a_traceback(
    tree: files.Tree, root: Path
) -> None:
    name = "n" * 250
    (root / "link").symlink_to("m" * 300)
    assert refusal(lambda: tree.read("link", LIMIT)) == paths.PATH_INVALID
    tree.write(name, b"x")  # the temporary file's name does not grow with it
    assert tree.read(name, LIMIT) == b"x"


# -- writing ---------------------------------------------------------------------------------------


def test_missing_directories_are_made(tree: files.Tree, root: Path) -> None:
    """S1-138"""
    tree.write("sub/dir/a.txt", b"a")
    assert (root / "sub/dir/a.txt").read_bytes() == b"a"


@pytest.mark.parametrize("mode", [0o644, 0o755, 0o600, 0o711])
def test_the_mode_is_kept(mode: int, tree: files.Tree, root: Path) -> None:
    """S1-139"""
    (root / "src/main.py").chmod(mode)
    tree.write("src/main.py", b"new")
    assert stat.S_IMODE((root / "src/main.py").stat().st_mode) == mode


def test_a_privileged_mode_is_not_kept(tree: files.Tree, root: Path) -> None:
    (root / "src/main.py").chmod(0o4755)
    tree.write("src/main.py", b"new")
    assert stat.S_IMODE((root / "src/main.py").stat().st_mode) == 0o755


@pytest.mark.parametrize(
    ("old", "executable", "new"),
    [(0o644, True, 0o755), (0o600, True, 0o700), (0o755, False, 0o644)],
)
def test_a_file_is_made_executable_or_not(
    old: int,
    executable: bool,  # noqa: FBT001 - test data
    new: int,
    tree: files.Tree,
    root: Path,
) -> None:
    (root / "src/main.py").chmod(old)
    tree.write("src/main.py", b"new", executable=executable)
    assert stat.S_IMODE((root / "src/main.py").stat().st_mode) == new


@pytest.mark.parametrize("executable", [None, False, True])
def test_a_new_file_has_the_mode_of_the_umask(
    executable: bool | None,  # noqa: FBT001 - test data
    tree: files.Tree,
    root: Path,
) -> None:
    (root / "reference").touch()
    expected = stat.S_IMODE((root / "reference").stat().st_mode)
    expected |= (expected & 0o444) >> 2 if executable else 0
    tree.write("new", b"x", executable=executable)
    assert stat.S_IMODE((root / "new").stat().st_mode) == expected


def test_who_reads_the_old_file_keeps_it_whole(tree: files.Tree, root: Path) -> None:
    """S1-139: replaced, not rewritten."""
    with (root / "src/main.py").open("rb") as old:
        tree.write("src/main.py", b"new")
        assert old.read() == b"print()\n"
    assert os.listdir(root / "src") == ["main.py"]


def test_a_hard_link_to_a_file_outside_is_cut_not_written_through(
    tree: files.Tree, root: Path
) -> None:
    """A08"""
    os.link(root.parent / "outside/secret", root / "h")
    tree.write("h", b"x")
    assert (root.parent / "outside/secret").read_bytes() == SECRET


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tree: files.Tree, root: Path
) -> None:
    """S1-139: a full disk, here by the largest size a file may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            tree.write("src/main.py", b"x" * 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert snapshot(root / "src") == {"main.py": b"print()\n"}


def test_a_link_is_deleted_not_its_target(tree: files.Tree, root: Path) -> None:
    (root / "link").symlink_to("../outside/secret")
    tree.delete("link")
    assert not (root / "link").is_symlink()
    assert (root.parent / "outside/secret").exists()


# -- looking ---------------------------------------------------------------------------------------


def test_kinds_are_told_without_following_links(tree: files.Tree, root: Path) -> None:
    (root / "link").symlink_to("src")
    os.mkfifo(root / "fifo")
    kinds = [
        tree.kind(path)
        for path in ("src/main.py", "src", "link", "fifo", "none", "none/x", "link/main.py")
    ]
    assert kinds == ["file", "directory", "link", "other", "absent", "absent", "file"]


def test_the_listing_is_in_the_order_of_git_and_has_regular_files_only(
    tree: files.Tree, root: Path
) -> None:
    """A07"""
    for name in ("src-x", "src.x", "src0", "b/c/d", "a"):
        tree.write(name, b"")
    (root / "link").symlink_to("src")
    (root / "out").symlink_to("/")
    os.mkfifo(root / "fifo")
    (root / "sub/.git").mkdir(parents=True)
    (root / "sub/.git/config").touch()
    (root / "new\nline").touch()
    assert list(tree.listing()) == ["a", "b/c/d", "src-x", "src.x", "src/main.py", "src0"]


@pytest.mark.parametrize("prefix", ["src", "src/", "./src", "src/."])
def test_a_listing_may_begin_at_a_directory(prefix: str, tree: files.Tree) -> None:
    tree.write("other", b"")
    assert list(tree.listing(prefix)) == ["src/main.py"]


@pytest.mark.parametrize("prefix", ["", ".", "./"])
def test_a_listing_of_nothing_else_is_one_of_all(prefix: str, tree: files.Tree) -> None:
    assert list(tree.listing(prefix)) == ["src/main.py"]


@pytest.mark.parametrize(
    ("prefix", "code"),
    [
        ("/", paths.PATH_OUTSIDE),
        ("..", paths.PATH_OUTSIDE),
        ("src/main.py", files.NOT_REGULAR),
        ("none", files.NOT_FOUND),
    ],
)
def test_a_listing_of_what_is_no_directory_is_refused(
    prefix: str, code: str, tree: files.Tree
) -> None:
    assert refusal(lambda: list(tree.listing(prefix))) == code


def test_a_path_longer_than_the_system_takes_ends_the_listing_not_the_program(
    tree: files.Tree, root: Path
) -> None:
    here = os.open(root, os.O_RDONLY)
    for _ in range(25):
        os.mkdir("d" * 200, dir_fd=here)
        inner = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(os.open("bottom", os.O_CREAT, dir_fd=here))
    os.close(here)
    assert list(tree.listing()) == ["src/main.py"]


def test_no_descriptor_is_left_open(tree: files.Tree, root: Path) -> None:
    (root / "link").symlink_to("src/../src/main.py")
    (root / "out").symlink_to("..")
    before = sorted(os.listdir("/proc/self/fd"))
    tree.read("link", LIMIT)
    tree.write("a/b", b"")
    for path in ("out/x", "none/x", "src", "src/main.py/x"):
        refusal(lambda path=path: tree.read(path, LIMIT))  # type: ignore[misc]  # a default in a lambda
    list(tree.listing())
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_a_directory_that_is_swapped_for_a_link_meanwhile_leaks_nothing(
    tree: files.Tree, root: Path
) -> None:
    """A07: the attacker exchanges both atomically, all the time."""
    exchange, at_cwd = 2, -100  # RENAME_EXCHANGE, AT_FDCWD
    (root / "d").mkdir()
    (root / "d/secret").write_bytes(b"mine")
    (root / "evil").symlink_to(root.parent / "outside")
    rename = ctypes.CDLL(None).renameat2
    done = threading.Event()

    def attack() -> None:
        while not done.is_set():
            rename(at_cwd, os.fsencode(root / "d"), at_cwd, os.fsencode(root / "evil"), exchange)

    attacker = threading.Thread(target=attack)
    attacker.start()
    read, refused = set(), 0
    try:
        for number in range(3000):
            try:
                read.add(tree.read("d/secret", LIMIT))
                tree.write(f"d/{number % 7}", b"")
            except files.PathRefused:
                refused += 1
    finally:
        done.set()
        attacker.join()
    assert read == {b"mine"}
    assert refused > 0
    assert os.listdir(root.parent / "outside") == ["secret"]


def test_a_file_that_somebody_makes_at_the_same_time_is_replaced_whole(
    tree: files.Tree, root: Path
) -> None:
    texts = [bytes([letter]) * 50_000 for letter in b"abcd"]
    writers = [threading.Thread(target=tree.write, args=("same/new/file", text)) for text in texts]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert (root / "same/new/file").read_bytes() in texts
    assert os.listdir(root / "same/new") == ["file"]
