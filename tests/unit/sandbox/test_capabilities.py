"""What programs the machine has, found without running anything of the repository."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from git_orch.sandbox import capabilities


class Shims:
    """A PATH with nothing but small programs made by a test; each call of one adds a line to its
    `calls`.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.calls_file = directory.parent / "calls"
        directory.mkdir(exist_ok=True)

    @property
    def path(self) -> str:
        """The PATH."""
        return str(self.directory)

    def add(self, name: str, body: str = "echo version 1.2.3") -> Path:
        """A program that writes its name and directory to the calls, then does what `body` says."""
        file = self.directory / name
        file.write_text(f'#!/bin/sh\necho "{name} $PWD $*" >> {self.calls_file}\n{body}\n')
        file.chmod(0o755)
        return file

    def calls(self) -> list[str]:
        """What was run so far."""
        return self.calls_file.read_text().splitlines() if self.calls_file.exists() else []


@pytest.fixture
def shims(tmp_path: Path) -> Shims:
    """An empty PATH of its own."""
    return Shims(tmp_path / "bin")


def found(shims: Shims, excluded: Path | None = None) -> capabilities.Capabilities:
    """What is discovered on the PATH of a test."""
    return capabilities.discover(shims.path, shims.directory.parent, excluded)


def info(shims: Shims, name: str) -> capabilities.CommandInfo:
    """One discovered command."""
    return next(info for info in found(shims).commands if info.name == name)


def load(shims: Shims, *, refresh: bool = False) -> capabilities.Loaded:
    """Capabilities with a cache beside the shims."""
    root = shims.directory.parent
    return capabilities.load_or_discover(root / "cache", shims.path, root, None, refresh=refresh)


def cache(shims: Shims) -> Path:
    """The cache file."""
    return shims.directory.parent / "cache" / capabilities.CACHE_NAME


def test_only_what_is_on_path_is_available(shims: Shims) -> None:
    """S1-030"""
    shims.add("go")
    shims.add("git")
    assert [info.name for info in found(shims).commands if info.available] == ["git", "go"]


def test_missing_commands_are_no_error(shims: Shims) -> None:
    """S1-035"""
    commands = found(shims).commands
    assert len(commands) == len(capabilities.COMMANDS)
    assert not any(info.available or info.path or info.version for info in commands)


@pytest.mark.parametrize("name", capabilities.COMMANDS)
def test_each_command_is_found_with_its_version(name: str, shims: Shims) -> None:
    """S1-040"""
    file = shims.add(name)
    assert info(shims, name) == capabilities.CommandInfo(
        name, available=True, path=str(file), version="1.2.3"
    )


@pytest.mark.parametrize(
    ("name", "says", "version"),
    [
        ("go", "go version go9.9.9 linux/amd64", "9.9.9"),
        ("git", "git version 2.39.5", "2.39.5"),
        ("python3", "Python 3.11.7", "3.11.7"),
        ("node", "v20.20.2", "20.20.2"),
        ("gcc", "gcc (Debian 12.2.0-14) 12.2.0", "12.2.0"),
        ("jq", "jq-1.6", "1.6"),
        ("docker", "Docker version 28.2.2, build 1", "28.2.2"),
        ("make", "no number at all", None),
    ],
)
def test_the_version_is_the_first_dotted_number(
    name: str, says: str, version: str | None, shims: Shims
) -> None:
    """S1-031"""
    shims.add(name, f"echo '{says}'")
    assert info(shims, name).version == version


@pytest.mark.parametrize(
    "body", ["echo version 4.5.6 >&2", "echo version 4.5.6; exit 3", "echo 4.5.6; kill -9 $$"]
)
def test_a_version_counts_wherever_and_however_it_is_told(body: str, shims: Shims) -> None:
    """S1-042"""
    shims.add("java", body)
    assert info(shims, "java").version == "4.5.6"


@pytest.mark.parametrize(
    "body",
    [
        "/bin/sleep 60",
        "trap '' TERM; while :; do /bin/sleep 1; done",
        "exit 1",
        "kill -9 $$",
        "/usr/bin/yes",
    ],
)
def test_a_bad_probe_leaves_the_version_unknown(body: str, shims: Shims) -> None:
    """S1-041: hanging, crashing, flooding."""
    shims.add("go", body)
    go = info(shims, "go")
    assert (go.available, go.version) == (True, None)


def test_all_probes_run_at_once(shims: Shims, tmp_path: Path) -> None:
    """S1-041: the first waits for what the last says, and all between them hang."""
    os.mkfifo(tmp_path / "fifo")
    first, *hanging, last = capabilities.COMMANDS
    shims.add(first, f"read word < {tmp_path}/fifo; echo $word")
    for name in hanging:
        shims.add(name, "exec /bin/sleep 60")
    shims.add(last, f"echo 7.7.7 > {tmp_path}/fifo")
    versions = {info.name: info.version for info in found(shims).commands}
    assert versions.pop(first) == "7.7.7"
    assert set(versions.values()) == {None}


def test_a_file_that_is_no_program_has_no_version(shims: Shims) -> None:
    (shims.directory / "go").write_bytes(b"\x7fELF broken")
    (shims.directory / "go").chmod(0o755)
    assert (info(shims, "go").available, info(shims, "go").version) == (True, None)


def test_languages_follow_the_commands(shims: Shims) -> None:
    """S1-032"""
    shims.add("go")
    shims.add("python3")
    assert found(shims).languages == ("Go", "Python")
    shims.add("node")
    assert found(shims).languages == ("Go", "Python", "Node")


def test_system_and_directory_are_what_uname_and_pwd_say(shims: Shims, tmp_path: Path) -> None:
    """S1-033"""
    (tmp_path / "link").symlink_to(tmp_path)
    known = capabilities.discover(shims.path, tmp_path / "link", None)
    told = subprocess.run(
        ["uname", "-s", "-m"], capture_output=True, text=True, check=True
    ).stdout.split()
    assert [known.os, known.arch] == told
    assert known.pwd == str(tmp_path.resolve())


def test_the_document_names_every_field(shims: Shims) -> None:
    shims.add("go")
    document = found(shims).document()
    assert document["languages"] == ["Go"]
    assert set(document) == {"os", "arch", "pwd", "languages", "commands"}
    entry = {"name": "go", "available": True, "path": f"{shims.path}/go", "version": "1.2.3"}
    assert entry in document["commands"]  # type: ignore[operator]  # a list under object


# -- nothing of the repository ---------------------------------------------------------------------


def test_probes_run_in_the_root_directory(shims: Shims) -> None:
    """A file of the repository may change what a version probe runs."""
    shims.add("cargo")
    found(shims)
    assert shims.calls() == ["cargo / --version"]


def test_probes_get_no_key(shims: Shims, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "CANARY")
    shims.add("go", 'echo "${ANTHROPIC_API_KEY:+6.6.6}" 1.1.1')
    assert info(shims, "go").version == "1.1.1"


def test_a_program_of_the_repository_is_not_found_through_the_working_directory(
    shims: Shims, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S1-044"""
    shims.add("go")
    monkeypatch.chdir(shims.directory)
    assert not any(
        info.available for info in capabilities.discover("/nowhere", shims.directory, None).commands
    )
    relative = capabilities.discover(".::bin", shims.directory.parent, None)
    assert not any(info.available for info in relative.commands)
    assert shims.calls() == []


def test_a_program_inside_the_repository_is_never_run(shims: Shims, tmp_path: Path) -> None:
    """S1-044: its directory is on PATH, or a link on PATH leads to it."""
    real = shims.add("go")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "go").symlink_to(real)
    known = capabilities.discover(f"{shims.path}:{elsewhere}", tmp_path, shims.directory)
    assert not any(info.available for info in known.commands)
    assert shims.calls() == []


def test_a_program_that_everybody_may_replace_does_not_count(shims: Shims) -> None:
    shims.add("go").chmod(0o777)
    assert not info(shims, "go").available


# -- one command -----------------------------------------------------------------------------------


def test_any_command_can_be_asked_for(shims: Shims) -> None:
    """S1-036"""
    file = shims.add("mytool")
    assert capabilities.find_command("mytool", shims.path, None) == capabilities.CommandInfo(
        "mytool", available=True, path=str(file), version="1.2.3"
    )


@pytest.mark.parametrize("name", ["nonexistent", "", "../bin/go", "/bin/true"])
def test_what_is_not_on_path_is_unavailable(name: str, shims: Shims) -> None:
    """S1-036"""
    shims.add("go")
    assert capabilities.find_command(name, shims.path, None) == capabilities.CommandInfo(
        name, available=False
    )


# -- cache -----------------------------------------------------------------------------------------


def test_the_second_call_runs_nothing_and_knows_the_same(shims: Shims) -> None:
    """S1-034, S1-037"""
    shims.add("go")
    shims.add("git", "echo none")
    first = load(shims)
    calls = shims.calls()
    assert load(shims) == first
    assert shims.calls() == calls
    assert first.warning is None


def test_refresh_asks_again(shims: Shims) -> None:
    """S1-043"""
    shims.add("go")
    load(shims)
    load(shims, refresh=True)
    assert shims.calls() == ["go / version"] * 2


def test_a_replaced_program_is_asked_again(shims: Shims) -> None:
    """S1-043"""
    shims.add("go")
    load(shims)
    (shims.directory / "new").write_text("#!/bin/sh\necho 2.0.0\n")
    (shims.directory / "new").chmod(0o755)
    (shims.directory / "new").rename(shims.directory / "go")
    versions = {info.name: info.version for info in load(shims).capabilities.commands}
    assert versions["go"] == "2.0.0"


def test_a_new_and_a_removed_program_are_noticed(shims: Shims) -> None:
    """S1-043"""
    go = shims.add("go")
    load(shims)
    go.unlink()
    shims.add("node")
    assert load(shims).capabilities.languages == ("Node",)


def test_another_path_is_another_cache(shims: Shims) -> None:
    """S1-043"""
    shims.add("go")
    load(shims)
    other = Shims(shims.directory.parent / "other")
    assert load(other).capabilities.languages == ()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"format": 1',
        b"\xff\xfe",
        b"null",
        b"[" * 100_000,
        b'{"format": 1, "path": "P"}',
    ],
    ids=["empty", "cut", "list", "truncated", "no text", "null", "deep", "fields missing"],
)
def test_a_damaged_cache_is_made_again_with_a_warning(content: bytes, shims: Shims) -> None:
    """S1-038"""
    shims.add("go")
    load(shims)
    cache(shims).write_bytes(content.replace(b'"P"', f'"{shims.path}"'.encode()))
    again = load(shims)
    assert again.capabilities.languages == ("Go",)
    assert again.warning is not None
    assert str(cache(shims)) in again.warning
    assert load(shims).warning is None


def test_a_cache_in_an_older_format_is_made_again(shims: Shims) -> None:
    shims.add("go")
    load(shims)
    cache(shims).write_text('{"format": 0}')
    assert load(shims).warning is None
    assert len(shims.calls()) == 2


def test_a_cache_that_cannot_be_written_is_a_warning(shims: Shims) -> None:
    shims.add("go")
    (shims.directory.parent / "cache").write_text("a file in the way")
    loaded = load(shims)
    assert loaded.capabilities.languages == ("Go",)
    assert loaded.warning is not None


def test_the_cache_directory_is_private(shims: Shims) -> None:
    load(shims)
    assert stat.S_IMODE(cache(shims).parent.stat().st_mode) == 0o700


def test_a_good_cache_needs_no_heavy_import(shims: Shims) -> None:
    load(shims)
    code = (
        "import sys; from pathlib import Path; from git_orch.sandbox import capabilities as c;"
        "c.load_or_discover(Path(sys.argv[1]), sys.argv[2], Path('/'), None);"
        "print([m for m in ('pydantic', 'concurrent.futures', 'ctypes', 'pygit2') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, cache(shims).parent, shims.path],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
