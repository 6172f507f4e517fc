"""A file that a person asked for: whole or not there, and over no other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from git_orch import checkpoints, errors
from git_orch.repo import asked_file


@pytest.fixture
def borders() -> Iterator[None]:
    """Looks at borders end with the test."""
    yield
    checkpoints.observe(None)


def test_a_file_has_the_mode_that_the_umask_gives(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        asked_file.write(tmp_path / "page", b"text", over=False)
    finally:
        os.umask(before)
    assert (tmp_path / "page").read_bytes() == b"text"
    assert (tmp_path / "page").stat().st_mode & 0o777 == 0o640


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("mine")
    (tmp_path / "page-2.html").write_text("mine, too")
    with pytest.raises(errors.Refused) as refused:
        asked_file.write(tmp_path / "page.html", b"text", over=False)
    assert refused.value.hint == f"git orch report -o {tmp_path}/page-3.html"
    assert (tmp_path / "page.html").read_text() == "mine"


@pytest.mark.usefixtures("borders")
def test_a_file_that_comes_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "page"

    def somebody(moment: str, _deed: str, _about: object, /) -> None:
        path.write_text(moment)

    checkpoints.observe(somebody)
    with pytest.raises(errors.Refused):
        asked_file.write(path, b"text", over=False)
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["page"]


@pytest.mark.usefixtures("borders")
def test_nothing_is_there_before_all_is(tmp_path: Path) -> None:
    path = tmp_path / "page"
    seen: list[tuple[str, bool]] = []
    checkpoints.observe(lambda moment, _deed, _about: seen.append((moment, path.exists())))
    asked_file.write(path, b"text", over=False)
    assert ("before", False) in seen
    assert seen[-1] == ("after", True)
    assert os.listdir(tmp_path) == ["page"]


def test_with_leave_a_file_is_replaced_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "page"
    path.write_text("old")
    path.chmod(0o604)
    asked_file.write(path, b"new", over=True)
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o604


def test_a_link_is_replaced_and_not_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("of others")
    (tmp_path / "page").symlink_to("other")
    with pytest.raises(errors.Refused):
        asked_file.write(tmp_path / "page", b"new", over=False)
    asked_file.write(tmp_path / "page", b"new", over=True)
    assert (tmp_path / "other").read_text() == "of others"
    assert (tmp_path / "page").read_text() == "new"


@pytest.mark.parametrize("name", ["missing/page", ".", "file/page"])
def test_a_place_for_no_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.UsageError):
        asked_file.write(tmp_path / name, b"text", over=True)


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(errors.Refused):
        asked_file.write(tmp_path / "pipe", b"text", over=True)
