"""Which path strings may name a file of a worktree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans import paths

CONTROL = [
    ".git", "./.git/config", "sub/.git/hooks/x", ".GIT/config", ".Git/hooks/pre-commit",
    "git~1/config", "GIT~1", ".git./config", ".git /config", ".git . ./x", ".g\u200cit/config",
    "\ufeff.git/x", ".gi\u200dt", ".git\u00ad/x", ".git::$INDEX_ALLOCATION/x", ".git:stream",
    "sub//.git", "sub/./.git", "a\\.git\\config", "a/b\\.GIT\\x", " .git", ".git/", "x/.git/.",
]  # fmt: skip
OUTSIDE = [
    "../x", "/etc/passwd", "src/../../repo/.git/config", "a/..", "~/.ssh/id_rsa", "~",
    "file:///etc/passwd", "C:\\x", "c:/x", "\\\\host\\share", "//host/x", "https://host/x",
]  # fmt: skip
INVALID = [
    "", ".", "./", "./.", "a/", "a/.", "a\0b", "a\nb", "a\tb", "\x1b[2J", "a\x7f", "a\x9b2J",
    "x" * 4097, "x" * 256, "\u6f22" * 86, "a/" * 2049, "\ud800", "\udcff",
]  # fmt: skip
FINE = [
    "a", "-rf", "--help", "a b", " a", "a ", "src/main.py", "./a", "a//b", "a/./b", ".gitignore",
    ".gitattributes", ".github/workflows/x.yml", ".gitmodules", "git", "git~x", "x.git", ".git2",
    "..a", "a..b", "...", "a:b", "\u6f22", "x" * 255, "~backup", "a~", "C:", "mailto:x", ".git-x/y",
    "git~", "a\\b",
]  # fmt: skip


@pytest.mark.parametrize("path", CONTROL)
def test_every_spelling_of_the_control_directory_is_refused(path: str) -> None:
    """A03, S1-137"""
    expected = paths.PATH_INVALID if path.endswith(("/", "/.")) else paths.PATH_GIT_CONTROL
    assert paths.problem(path) == expected


@pytest.mark.parametrize("path", OUTSIDE)
def test_paths_that_lead_out_are_refused(path: str) -> None:
    """A06, S1-136"""
    assert paths.problem(path) == paths.PATH_OUTSIDE


@pytest.mark.parametrize("path", INVALID, ids=lambda path: repr(path[:12]))
def test_strings_that_are_no_file_name_are_refused(path: str) -> None:
    """A06"""
    assert paths.problem(path) == paths.PATH_INVALID


@pytest.mark.parametrize("path", FINE, ids=lambda path: repr(path[:20]))
def test_ordinary_names_are_accepted(path: str) -> None:
    """A06: also those that look like options."""
    assert paths.problem(path) is None


@given(st.text(max_size=50))
def test_no_string_raises(path: str) -> None:
    assert paths.problem(path) in {
        None,
        paths.PATH_INVALID,
        paths.PATH_OUTSIDE,
        paths.PATH_GIT_CONTROL,
    }


@given(st.lists(st.sampled_from(["..", ".git", "a", ".", "", "\u200c", "/", " "]), max_size=8))
def test_an_accepted_path_has_no_step_up_and_no_control_directory(pieces: list[str]) -> None:
    path = "".join(pieces)
    if paths.problem(path) is None:
        names = path.split("/")
        assert ".." not in names
        assert ".git" not in [name.replace("\u200c", "").rstrip(" .") for name in names]
