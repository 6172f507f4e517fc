"""Dependencies and caches in the sandbox: seen by commands, who change a copy that is thrown away."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Repo

from git_orch.flow.machine import sandbox, shares
from git_orch.plans.plan import Command
from git_orch.repo import settings
from git_orch.repo.repository import discover
from git_orch.repo.worktree import enclosed, worktrees
from git_orch.sandbox.process import limits
from git_orch.sandbox.walls import bundled, fingerprint, sandboxes
from git_orch.sandbox.walls.bubblewrap import Bubblewrap
from git_orch.sandbox.walls.launcher import Launcher
from git_orch.sandbox.walls.view import Share

PLAN = "PLAN-20261121-0000000000-x"
LONG = 60.0  # seconds


@pytest.fixture
def project(repo: Repo) -> Repo:
    """A checkout with an environment and a package manager's directory, both ignored."""
    repo.commit({".gitignore": ".venv/\nnode_modules/\n.pnp.cjs\n", "package.json": "{}"})
    repo.write(
        {
            ".venv/pyvenv.cfg": "home = /usr/bin\n",
            ".venv/lib/a.py": "a = 1\n",
            "node_modules/left-pad/index.js": "module.exports = 1\n",
            ".pnp.cjs": "pnp\n",
        }
    )
    for program in (".venv/bin/tool", "node_modules/.bin/tool", "node_modules/.bin/other"):
        repo.write({program: f"#!/bin/sh\necho {program}\n"})
        (repo.path / program).chmod(0o755)
    return repo


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


class Inside:
    """A worktree, and commands in it of one attempt."""

    def __init__(self, repo: Repo, *, copies: bool = True) -> None:
        self.repository = discover(repo.path)
        boundary = sandbox.boundary(self.repository)
        self.path = worktrees.made(self.repository, PLAN, boundary, "HEAD").path
        launcher = sandbox.with_shares(boundary.launcher, self.repository)
        if not copies and isinstance(launcher.sandbox, Bubblewrap):
            launcher = replace(launcher, sandbox=replace(launcher.sandbox, copy=None))
        self.launcher = launcher
        self.writes = enclosed.beside(self.path, enclosed.WRITES)

    def says(self, script: str, launcher: Launcher | None = None) -> str:
        """What a script says; it may fail."""
        started = launcher or replace(self.launcher, writes=self.writes)
        command = Command(shell=script)
        outcome = started.run(command, worktree=self.path, timeout=LONG)
        return outcome.output.decode()


def test_a_command_sees_the_dependencies_of_the_checkout(project: Repo) -> None:
    said = Inside(project).says("cat .venv/lib/a.py node_modules/left-pad/index.js .pnp.cjs")
    assert said == "a = 1\nmodule.exports = 1\npnp\n"


def test_an_environment_that_nobody_ignored_yet_is_seen(repo: Repo) -> None:
    repo.write({".venv/pyvenv.cfg": "home = /usr/bin\n", ".venv/bin/tool": "#!/bin/sh\necho it\n"})
    (repo.path / ".venv/bin/tool").chmod(0o755)
    inside = Inside(repo)
    assert inside.says("tool; echo 1 > .venv/more") == "it\n"
    assert not (repo.path / ".venv/more").exists()
    repo.git("add", "-f", ".venv/pyvenv.cfg")
    shares.of.cache_clear()
    assert shares.of(discover(repo.path), settings.of_user(discover(repo.path))).dependencies == ()


def test_a_file_that_nobody_ignored_is_not_seen(repo: Repo) -> None:
    """An empty one would be left in its place, and land."""
    repo.write({"package.json": "{}", ".pnp.cjs": "pnp\n"})
    assert "No such file" in Inside(repo).says("cat .pnp.cjs")


def test_what_a_command_writes_there_is_seen_by_the_next_one_of_the_attempt(project: Repo) -> None:
    inside = Inside(project)
    inside.says(
        "echo new >.venv/new; rm .venv/lib/a.py; echo changed >node_modules/left-pad/index.js"
    )
    said = inside.says("cat .venv/new node_modules/left-pad/index.js; ls .venv/lib")
    assert said == "new\nchanged\n"


def test_what_a_command_writes_there_does_not_reach_the_checkout(project: Repo) -> None:
    inside = Inside(project)
    before = {path: path.read_bytes() for path in project.path.rglob("*") if path.is_file()}
    inside.says("rm -rf node_modules/* .venv/*; echo x >.venv/x; echo x >.pnp.cjs")
    assert {path: path.read_bytes() for path in project.path.rglob("*") if path.is_file()} == before


def test_another_attempt_sees_nothing_of_it(project: Repo) -> None:
    inside = Inside(project)
    inside.says("echo new >.venv/new")
    enclosed.discard(inside.writes)
    assert "No such file" in inside.says("cat .venv/new")


def test_without_a_place_for_copies_they_are_gone_with_the_command(project: Repo) -> None:
    inside = Inside(project)
    assert inside.says("echo new >.venv/new; cat .venv/new", inside.launcher) == "new\n"
    assert "No such file" in inside.says("cat .venv/new", inside.launcher)


def test_where_nothing_can_be_copied_dependencies_can_be_read(project: Repo) -> None:
    inside = Inside(project, copies=False)
    assert inside.says("cat .venv/lib/a.py") == "a = 1\n"
    assert "Read-only file system" in inside.says("echo new >.venv/new")


def test_where_an_overlay_cannot_show_a_disk_it_can_be_read(project: Repo) -> None:
    inside = Inside(project)
    share = Share("data", "/proc/sys/kernel", "data")
    launcher = replace(inside.launcher, shares=(*inside.launcher.shares, share))
    assert inside.says("cat data/ostype .venv/lib/a.py", launcher) == "Linux\na = 1\n"


def test_their_programs_come_first_and_the_environment_before_all(project: Repo) -> None:
    said = Inside(project).says('tool; other; echo "${VIRTUAL_ENV##*/}"')
    assert said == ".venv/bin/tool\nnode_modules/.bin/other\n.venv\n"


def test_a_program_of_theirs_runs_without_a_shell(project: Repo) -> None:
    inside = Inside(project)
    outcome = inside.launcher.run(Command(argv=("other",)), worktree=inside.path, timeout=LONG)
    assert outcome.output == b"node_modules/.bin/other\n"


def test_a_program_of_theirs_runs_by_its_path(project: Repo) -> None:
    inside = Inside(project)
    command = Command(argv=("node_modules/.bin/other",))
    outcome = inside.launcher.run(command, worktree=inside.path, timeout=LONG)
    assert outcome.output == b"node_modules/.bin/other\n"


def test_the_activated_environment_is_the_one_that_commands_work_in(
    project: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write({".git/info/exclude": "other\n", "other/pyvenv.cfg": "", "other/bin/x": ""})
    monkeypatch.setenv("VIRTUAL_ENV", str(project.path / "other"))
    assert Inside(project).says("echo ${VIRTUAL_ENV##*/}") == "other\n"


def test_of_several_environments_without_a_usual_name_none_is_chosen(project: Repo) -> None:
    project.write({".git/info/exclude": "a\nb\n.venv\n", "a/pyvenv.cfg": "", "b/pyvenv.cfg": ""})
    (project.path / ".venv/pyvenv.cfg").unlink()
    assert Inside(project).says('echo "${VIRTUAL_ENV-none}"') == "none\n"


def test_git_sees_nothing_of_them(project: Repo) -> None:
    inside = Inside(project)
    assert inside.says("touch .venv/x; git status --porcelain") == ""


def test_no_link_that_a_command_left_leads_a_mount_elsewhere(project: Repo, tmp_path: Path) -> None:
    project.commit({"web/package.json": "{}"})
    project.write({"web/node_modules/a/index.js": "x"})
    (tmp_path / "elsewhere").mkdir()
    inside = Inside(project)
    inside.says(f"mv web old; ln -s {tmp_path}/elsewhere web")
    assert (
        inside.says("readlink web; ls old") == f"{tmp_path}/elsewhere\nnode_modules\npackage.json\n"
    )
    assert os.listdir(tmp_path / "elsewhere") == []


def test_what_is_written_to_a_copy_in_memory_counts_as_memory(repo: Repo, hermetic: Path) -> None:
    """By the kernel where there is a control group, else by us."""
    write(hermetic / ".npm/_cacache/index", "warm\n")
    inside = Inside(repo)
    bounded = replace(inside.launcher, limits=replace(limits.usual(), memory=100 * 1024**2))
    script = "head -c 300M /dev/zero >~/.npm/_cacache/large; tail -f /dev/null"
    ended = bounded.run(Command(shell=script), worktree=inside.path, timeout=LONG)
    assert ended.reason == "memory-limit"


def test_a_file_with_a_secret_in_an_environment_is_hidden(project: Repo) -> None:
    project.write({".venv/pip.conf": "index-url = https://ada:word@example.com/simple\n"})
    assert Inside(project).says("cat .venv/pip.conf; cat .venv/pyvenv.cfg") == "home = /usr/bin\n"


def test_the_environment_that_is_activated_elsewhere_comes_first(
    project: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    write(elsewhere / "pyvenv.cfg", "home = /usr/bin\n")
    write(elsewhere / "bin/tool", "#!/bin/sh\necho elsewhere\n")
    (elsewhere / "bin/tool").chmod(0o755)
    write(elsewhere / "bin/other", "#!/bin/sh\n")
    monkeypatch.setenv("VIRTUAL_ENV", str(elsewhere))
    monkeypatch.setenv("PATH", f"{elsewhere}/bin{os.pathsep}{os.environ['PATH']}")
    project.git("config", "--global", "orch.share", "-node_modules")
    assert Inside(project).says("tool; echo $VIRTUAL_ENV") == f"elsewhere\n{elsewhere}\n"


def test_the_environment_of_git_orch_does_not_come_before_that_of_the_checkout(
    project: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever works with an installed git-orch has that one activated, for git-orch."""
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    assert Inside(project).says('tool; echo "${VIRTUAL_ENV##*/}"') == ".venv/bin/tool\n.venv\n"


# -- links and what changes ------------------------------------------------------------------------


@pytest.fixture
def keys(hermetic: Path) -> Path:
    """A directory that nobody may see."""
    write(hermetic / ".ssh/keys/id", "a key\n")
    return hermetic / ".ssh/keys"


def test_a_python_that_leads_elsewhere_shows_nothing_there(project: Repo, keys: Path) -> None:
    (project.path / ".venv/bin/python3").symlink_to(keys.parent / "a/b")
    assert "No such file" in Inside(project).says(f"cat {keys}/id")


def test_a_python_of_the_users_own_shows_no_keyring(project: Repo, hermetic: Path) -> None:
    write(hermetic / ".local/lib/python3.11/os.py", "os\n")
    write(hermetic / ".local/bin/python3", "")
    write(hermetic / ".local/share/keyrings/login", "a key\n")
    (project.path / ".venv/bin/python3").symlink_to(hermetic / ".local/bin/python3")
    said = Inside(project).says("cat ~/.local/lib/python3.11/os.py ~/.local/share/keyrings/login")
    assert said.startswith("os\n")
    assert "No such file" in said


@pytest.mark.parametrize("moved", [True, False], ids=["there", "at the checkout"])
def test_a_secret_of_an_environment_is_hidden_wherever_that_is_shown(
    project: Repo, tmp_path: Path, *, moved: bool
) -> None:
    environment = project.path / ".venv"
    write(environment / "pip.conf", "password = hunter2\n")
    project.write({".git/info/exclude": ".venv\n"})
    if moved:
        environment.rename(tmp_path / "env")
        environment.symlink_to(tmp_path / "env")
    inside = Inside(project)
    there = replace(inside.launcher, checkout=None)
    paths = f".venv/pip.conf {os.path.realpath(environment)}/pip.conf"
    assert "hunter2" not in inside.says(f"cat {paths}")
    assert "hunter2" not in inside.says(f"cat {paths}", there)


def test_no_link_shows_the_home_directory(project: Repo, hermetic: Path, keys: Path) -> None:
    write(hermetic / "pyvenv.cfg", "home = /usr/bin\n")
    project.write({".git/info/exclude": "env\n"})
    (project.path / "env").symlink_to(hermetic)
    assert "No such file" in Inside(project).says(f"cat env/.ssh/keys/id {keys}/id")


def test_people_read_where_a_link_leads(project: Repo, hermetic: Path) -> None:
    """Also where there are too many names to print them all."""
    write(hermetic / "envs/shiny/pyvenv.cfg", "home = /usr/bin\n")
    project.write({f"env{number}/pyvenv.cfg": "" for number in range(9)})
    (project.path / "shiny").symlink_to(hermetic / "envs/shiny")
    project.write({".git/info/exclude": "shiny\nenv*\n"})
    repository = discover(project.path)
    text = shares.of(repository, settings.of_user(repository)).text()
    assert "shiny (a link to '~/envs/shiny')" in text


def test_commands_go_on_while_the_user_installs_anew(project: Repo) -> None:
    inside = Inside(project)
    (project.path / "node_modules").rename(project.path / ".git/aside")
    assert inside.says("cat .venv/lib/a.py") == "a = 1\n"


def test_a_share_that_has_become_a_link_shows_nothing(project: Repo, keys: Path) -> None:
    inside = Inside(project)
    (project.path / "node_modules").rename(project.path / ".git/aside")
    (project.path / "node_modules").symlink_to(keys)
    assert "No such file" in inside.says("cat node_modules/id")


def test_a_directory_of_the_checkout_may_be_named_by_its_absolute_path(project: Repo) -> None:
    project.write({".git/info/exclude": "data\n", "data/model": "model\n"})
    project.git("config", "--global", "orch.share", str(project.path / "data"))
    assert Inside(project).says("cat data/model") == "model\n"


def test_a_directory_behind_a_link_is_no_directory_of_the_checkout(
    project: Repo, keys: Path
) -> None:
    project.write({".git/info/exclude": "way\n"})
    (project.path / "way").symlink_to(keys.parent)
    assert seen(project, ["none", "way/keys"]) == set()


# -- caches ----------------------------------------------------------------------------------------


def test_the_caches_of_tools_are_seen_and_written_without_a_trace(
    repo: Repo, hermetic: Path
) -> None:
    cached = hermetic / ".npm/_cacache/index"
    write(cached, "warm\n")
    inside = Inside(repo)
    assert inside.says("cd ~/.npm/_cacache && cat index && echo poisoned >index && cat index") == (
        "warm\npoisoned\n"
    )
    assert cached.read_text() == "warm\n"


def test_what_was_built_lasts_an_attempt_and_what_was_fetched_a_command(
    repo: Repo, hermetic: Path
) -> None:
    write(hermetic / ".cache/go-build/00/x", "x")
    write(hermetic / ".npm/_cacache/index", "x")
    inside = Inside(repo)
    inside.says("echo built >~/.cache/go-build/new; echo fetched >~/.npm/_cacache/new")
    assert (
        inside.says("cat ~/.cache/go-build/new ~/.npm/_cacache/new 2>/dev/null || true")
        == "built\n"
    )


def test_a_toolchain_can_only_be_read(repo: Repo, hermetic: Path) -> None:
    write(hermetic / ".rustup/settings.toml", "default\n")
    said = Inside(repo).says("cat ~/.rustup/settings.toml; echo x >~/.rustup/new || true")
    assert said.startswith("default\n")
    assert "Read-only file system" in said


def test_a_cache_that_has_to_be_written_is_not_shown_where_it_cannot_be(
    repo: Repo, hermetic: Path
) -> None:
    write(hermetic / ".cache/go-build/00/x", "x")
    write(hermetic / "go/pkg/mod/a", "module\n")
    inside = Inside(repo, copies=False)
    assert inside.says("ls ~/.cache/go-build/00 2>/dev/null || cat ~/go/pkg/mod/a") == "module\n"


def test_configuration_of_tools_is_shown_unless_it_holds_a_secret(
    repo: Repo, hermetic: Path
) -> None:
    write(hermetic / ".cargo/config.toml", "[net]\n")
    write(hermetic / ".npmrc", "//r.example.com/:_authToken=word\n")
    assert Inside(repo).says("cat ~/.cargo/config.toml ~/.npmrc 2>/dev/null || true") == "[net]\n"


# -- the user's choice -----------------------------------------------------------------------------


def seen(repo: Repo, values: Iterable[str]) -> set[str]:
    for value in values:
        repo.git("config", "--global", "--add", "orch.share", value)
    repository = discover(repo.path)
    found = shares.of(repository, settings.of_user(repository))
    return {share.name for share in found.all}


CHOICES: dict[str, tuple[list[str], set[str]]] = {
    "none": (["none"], set()),
    "one": (["none", ".venv"], {".venv"}),
    "all but one": (["-node_modules"], {".venv", ".pnp.cjs", "npm"}),
    "all but a tool": (["-npm"], {".venv", ".pnp.cjs", "node_modules"}),
    "an ignored directory": (["none", "data"], {"data"}),
    "a directory that git tracks": (["none", "docs"], set()),
    "a directory that is not there": (["none", "nowhere"], set()),
    "a directory above": (["none", "../x"], set()),
}


@pytest.mark.parametrize(("values", "names"), CHOICES.values(), ids=CHOICES)
def test_the_user_chooses_what_is_shared(
    project: Repo, hermetic: Path, values: list[str], names: set[str]
) -> None:
    write(hermetic / ".npm/_cacache/index", "warm\n")
    project.write({".git/info/exclude": "data\n", "data/model": "x"})
    project.commit({"docs/a": "x"})
    assert seen(project, values) == names


def test_a_directory_elsewhere_is_shared_when_it_is_named(project: Repo, hermetic: Path) -> None:
    write(hermetic / ".cache/models/large", "model\n")
    project.git("config", "--global", "orch.share", "~/.cache/models")
    assert Inside(project).says("cat ~/.cache/models/large") == "model\n"


@pytest.mark.parametrize("path", ["~", "/", "~/.."])
def test_no_choice_shows_the_home_directory(project: Repo, path: str) -> None:
    project.git("config", "--global", "--add", "orch.share", "none")
    assert seen(project, [path]) == set()


def test_the_repository_has_no_say_in_it(project: Repo, hermetic: Path) -> None:
    write(hermetic / ".ssh/id_rsa", "key\n")
    project.git("config", "orch.share", str(hermetic / ".ssh"))
    assert "No such file" in Inside(project).says("cat ~/.ssh/id_rsa")


# -- receipts --------------------------------------------------------------------------------------


def test_another_content_of_an_environment_is_another_machine(project: Repo) -> None:
    inside = Inside(project)
    before = fingerprint.of(inside.launcher, inside.path)
    assert fingerprint.of(inside.launcher, inside.path) == before
    project.write({".venv/lib/python3.11/site-packages/b/__init__.py": ""})
    assert fingerprint.of(inside.launcher, inside.path) != before


def test_another_version_of_a_package_in_a_scope_is_another_machine(project: Repo) -> None:
    project.write({"node_modules/@ada/a/index.js": ""})
    inside = Inside(project)
    before = fingerprint.of(inside.launcher, inside.path)
    (project.path / "node_modules/@ada/a").rename(project.path / "node_modules/@ada/old")
    project.write({"node_modules/@ada/a/index.js": ""})
    assert fingerprint.of(inside.launcher, inside.path) != before


# -- which bubblewrap ------------------------------------------------------------------------------


def of_the_system(directory: Path, *, knows_overlays: bool) -> tuple[str, str]:
    """A PATH with a bwrap that works, and the path of that."""
    came_along = bundled.find()
    assert came_along is not None
    program = directory / "bin/bwrap"
    words = "# overlay-src\n" if knows_overlays else ""
    write(program, f'#!/bin/sh\n{words}exec {came_along.program} "$@"\n')
    program.chmod(0o755)
    return f"{program.parent}{os.pathsep}{os.environ['PATH']}", str(program)


def test_what_a_killed_test_of_overlays_left_is_removed_by_a_later_one(tmp_path: Path) -> None:
    came_along = bundled.find()
    assert came_along is not None
    write(tmp_path / "overlay-old/work/x", "")
    os.utime(tmp_path / "overlay-old", (1, 1))
    (tmp_path / "overlay-of-another").mkdir()
    Bubblewrap(came_along.program).with_copies(tmp_path)
    assert os.listdir(tmp_path) == ["overlay-of-another"]


def test_the_systems_own_bubblewrap_is_taken_where_it_can_copy(tmp_path: Path) -> None:
    path, program = of_the_system(tmp_path, knows_overlays=True)
    chosen = sandboxes.choose("auto", path, tmp_path)
    assert isinstance(chosen, Bubblewrap)
    assert (chosen.program, chosen.instead) == (program, None)


def test_the_one_that_came_along_is_taken_where_the_systems_cannot_copy(tmp_path: Path) -> None:
    path, program = of_the_system(tmp_path, knows_overlays=False)
    chosen = sandboxes.choose("auto", path, tmp_path)
    assert isinstance(chosen, Bubblewrap)
    assert (chosen.program, chosen.instead) != (program, None)
    assert chosen.instead == f"'{program}' cannot mount overlays"


def test_the_systems_own_is_taken_where_nothing_is_to_be_copied(tmp_path: Path) -> None:
    path, program = of_the_system(tmp_path, knows_overlays=False)
    chosen = sandboxes.choose("auto", path)
    assert isinstance(chosen, Bubblewrap)
    assert (chosen.program, chosen.copy) == (program, None)


def test_the_systems_own_is_taken_where_the_other_one_is_not_to_be_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, program = of_the_system(tmp_path, knows_overlays=False)
    monkeypatch.setattr(bundled, "PACKAGE", "no_such_package")
    chosen = sandboxes.choose("auto", path, tmp_path)
    assert isinstance(chosen, Bubblewrap)
    assert (chosen.program, chosen.copy) == (program, None)
