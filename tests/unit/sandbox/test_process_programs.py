"""Programs for the host are found outside of the repository, whatever PATH says."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from git_orch.sandbox.process import programs, tools


def make_program(directory: Path, name: str = "tool") -> Path:
    """A program that anybody may run."""
    directory.mkdir(parents=True, exist_ok=True)
    made = directory / name
    made.write_text("#!/bin/sh\necho ran\n")
    made.chmod(0o755)
    return made


def git(*args: str, cwd: Path) -> None:
    subprocess.run(["git", *args], cwd=cwd, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a linked worktree beside it; somebody works in a directory of it."""
    top = tmp_path / "repo"
    (top / "src").mkdir(parents=True)
    git("init", "-q", cwd=top)
    git(
        "-c",
        "user.name=a",
        "-c",
        "user.email=a",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "a",
        cwd=top,
    )
    git("worktree", "add", "-q", str(tmp_path / "linked"), cwd=top)
    monkeypatch.chdir(top / "src")
    return top


PLACES = {
    "the top": "repo/bin",
    "the current directory": "repo/src",
    "below the current directory": "repo/src/bin",
    "another worktree": "linked/bin",
    "the git directory": "repo/.git/bin",
    "not the shortest spelling": "repo/../repo/bin",
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("at", ["repo/src", "linked"])
def test_no_program_of_the_repository_is_found(
    checkout: Path, place: str, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    above = checkout.parent
    make_program(above / place)
    host = make_program(above / "host")
    monkeypatch.chdir(above / at)
    path = f"{above / place}{os.pathsep}{host.parent}"
    assert programs.find("tool", path) == str(host)
    assert programs.host_path(path) == str(host.parent)


@pytest.mark.parametrize("entry", ["", ".", "bin", "../src/bin", "./"])
def test_no_entry_that_depends_on_the_directory_counts(checkout: Path, entry: str) -> None:
    make_program(checkout / "src")
    make_program(checkout / "src/bin")
    host = make_program(checkout.parent / "host")
    path = os.pathsep.join([entry, str(host.parent), entry])
    assert programs.find("tool", path) == str(host)
    assert programs.host_path(path) == str(host.parent)


def test_a_link_into_the_repository_is_not_followed(checkout: Path) -> None:
    make_program(checkout / "bin")
    (checkout.parent / "linked-bin").symlink_to(checkout / "bin")
    (checkout.parent / "host").mkdir()
    (checkout.parent / "host/tool").symlink_to(checkout / "bin/tool")
    path = f"{checkout.parent / 'linked-bin'}{os.pathsep}{checkout.parent / 'host'}"
    assert programs.find("tool", path) is None


def test_where_variables_say_that_the_repository_is_counts_as_well(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_program(checkout / "bin")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert programs.find("tool", str(checkout / "bin")) is not None
    monkeypatch.setenv("GIT_DIR", str(checkout / ".git"))
    assert programs.find("tool", str(checkout / "bin")) is None


def test_programs_of_a_home_are_found_by_who_is_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_program(tmp_path / ".local/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PWD", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert programs.find("tool", str(made.parent)) == str(made)


def test_a_tool_starts_what_is_found_and_gives_its_path_on(checkout: Path) -> None:
    make_program(checkout / "bin", "sh")
    path = f"{checkout / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin"
    done = tools.capture(["sh", "-c", "echo $PATH"], env={"PATH": path})
    assert done.stdout.decode().strip() == f"/usr/bin{os.pathsep}/bin"


def test_a_tool_that_only_the_repository_has_is_missing(checkout: Path) -> None:
    made = make_program(checkout / "bin")
    with pytest.raises(FileNotFoundError):
        tools.capture(["tool"], env={"PATH": str(made.parent)})


@pytest.mark.parametrize("place", ["/", "/usr", "/usr/bin"])
def test_programs_of_the_system_are_found_from_where_they_are(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PWD", place)
    monkeypatch.chdir(place)
    assert programs.find("git", "/usr/local/bin:/usr/bin:/bin") is not None


@pytest.mark.parametrize("target", [b"a\0b", b"0"], ids=["a NUL", "endless links"])
def test_whatever_a_git_file_says_programs_are_found(
    target: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".git").write_bytes(b"gitdir: " + target)
    for number in range(1500):
        (tmp_path / f"{number}").symlink_to(f"{number + 1}")
    monkeypatch.chdir(tmp_path)
    assert programs.find("sh", "/bin") == "/bin/sh"
