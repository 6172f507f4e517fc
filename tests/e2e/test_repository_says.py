"""What a copied repository says is not believed: each command, with every setting of the table that
leads to a program, a path or a transport set in the repository.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import opened
import pytest
from conftest import Prepared, Repo, writing

from git_orch.cli.table import COMMANDS
from git_orch.repo import git_settings
from git_orch.repo.git_settings import Care, Kind, Row

SOAK = os.environ.get("GIT_ORCH_SOAK") == "1"
NAMES = list(COMMANDS)
DOCUMENT = json.dumps(writing("new.txt"))
# Words and standard input that take each command as far as it goes: DONE is a plan whose steps are
# done, OPEN one that has not run.
CALLS: dict[str, list[tuple[str, str]]] = {
    "plan": [("--from -", DOCUMENT), ("--from - --include-dirty", DOCUMENT)],
    "exec": [("OPEN", ""), ("OPEN --in-place", ""), ("OPEN --jobs 2 --no-cache", "")],
    "reject": [("--why no OPEN", "")],
    "edit": [("OPEN --from -", DOCUMENT)],
    "rollback": [("--to-step 1 DONE", "")],
    "redo": [("1 DONE", "")],
    "drop": [("2 DONE", "")],
    "reorder": [("2,1 DONE", "")],
    "rebase": [("DONE --onto main", "")],
    "land": [("DONE", ""), ("DONE --ff-only", ""), ("DONE --squash", ""), ("DONE --rebase", "")],
    "pick": [("DONE 1 --onto main", ""), ("DONE 1,2", "")],
    "verify": [("--tip DONE", "")],
    "diff": [("DONE", ""), ("DONE --stat", "")],
    "allow": [("-- ls", "")],
    "hook": [("reference-transaction prepared", "")],
    "cost": [("DONE", ""), ("OPEN", "")],
    **{name: [("", "")] for name in ("ls", "status", "caps", "doctor", "tools", "templates",
                                    "schema", "config", "help")},
}  # fmt: skip
USUAL = [("DONE", ""), ("OPEN", "")]
# Values that git takes for what it knows; the others get a canary.
VALUES = {
    "filter.evil.required": "true", "hook.evil.enabled": "true",
    "hook.evil.event": "reference-transaction", "ssh.variant": "simple",
    "promisor.evil": "true", "fetch.bundleCreationToken": "1", "protocol.evil": "always",
    "protocol.evil.allow": "always", "transfer.bundleURI": "true",
    "transfer.credentialsInUrl": "allow", "remote.origin.promisor": "true",
    "remote.origin.partialclonefilter": "blob:none", "extensions.partialClone": "origin",
    "remote.origin.proxyAuthMethod": "basic", "safe.bareRepository": "all",
}  # fmt: skip
# What has git use the programs, where a command comes that far.
SWITCHES = {
    "merge.verifySignatures": "true", "commit.gpgSign": "true", "log.showSignature": "true",
    "rerere.enabled": "true", "gc.auto": "1", "merge.default": "evil", "status.submoduleSummary": "true",
    "submodule.recurse": "true",
}  # fmt: skip
# One by one in the long form of the tests; these stand for the others in the short one.
ALONE = ("core.excludesFile", "filter.<driver>.clean", "gpg.program")
_LEFT_OUT = (Care.REFUSED, Care.INCLUDED)  # which have tests of their own


def names_of(row: Row) -> list[str]:
    """The settings that stand for a row."""
    real = {
        "alias.*": ["alias.status", "alias.merge", "alias.update-ref"],
        "pager.*": ["pager.status", "pager.log", "pager.diff-tree"],
        "credential.*": ["credential.helper"],
        "http.*": ["http.proxy", "http.cookieFile", "http.sslCAInfo", "http.sslKey"],
        "gpg.<format>.program": ["gpg.evil.program"],
    }
    if row.name in real:
        return real[row.name]
    name = row.name.replace("remote.<name>", "remote.origin").replace("<cmd>", "status")
    return [re.sub(r"<[^>]*>|\*", "evil", name)]


class Trap(NamedTuple):
    """Canaries: programs that leave their names in `mark` where they run outside of the sandbox,
    and files that nobody is to open.
    """

    directory: Path

    @property
    def mark(self) -> Path:
        """Who ran."""
        return self.directory / "mark"

    def value(self, row: Row, name: str) -> str:
        """The value of a row's setting, with its canary."""
        if name in VALUES:
            return VALUES[name]
        canary = self.directory / "canaries" / re.sub(r"[^\w.-]", "_", name)
        canary.parent.mkdir(exist_ok=True)
        canary.write_text(f"#!/bin/sh\necho {name} >> {self.mark}\ncat\n")
        canary.chmod(0o755)
        if row.kind is Kind.TRANSPORT and not name.endswith("insteadOf"):
            return f"ext::{canary}"
        if name.startswith(("alias.", "submodule.")):
            return f"!{canary}"
        return "file:" if name.endswith("insteadOf") else str(canary)

    def settings(self) -> dict[str, str]:
        """All that leads anywhere, each with a canary of its own."""
        rows = [row for row in git_settings.TABLE if row.care not in _LEFT_OUT]
        chosen = [row for row in rows if row.kind is not Kind.REF]
        return {
            name: self.value(row, name)
            for row in chosen
            for name in names_of(row)
            if not name.startswith("hasconfig")
        }

    def watch(self) -> opened.Watch:
        """Watch all canaries."""
        canaries = self.directory / "canaries"
        return opened.Watch(canaries.iterdir() if canaries.is_dir() else ())


def written(settings: dict[str, str]) -> str:
    """The text of a configuration file."""
    lines = []
    for name, value in settings.items():
        section, _, rest = name.partition(".")
        inner, dot, key = rest.rpartition(".")
        lines.append(f'[{section} "{inner}"]' if dot else f"[{section}]")
        lines.append(f'\t{key} = "{value}"')
    return "\n".join(lines) + "\n"


class Scene(NamedTuple):
    """A repository with two plans, one done and one open."""

    repo: Repo
    done: str
    open: str

    def call(self, command: str, words: str, stdin: str) -> int:
        """Run a command; gives its status."""
        names = {"DONE": self.done, "OPEN": self.open}
        arguments = [names.get(word, word) for word in shlex.split(words)]
        return self.repo.orch(command, *arguments, stdin=stdin, expect=None).returncode


Scenes = Callable[[], Scene]


@pytest.fixture
def scenes(tmp_path: Path, prepared: Prepared) -> Scenes:
    """A copy for each call."""

    def build(repo: Repo) -> tuple[str, str]:
        repo.commit({"f.dat": "old\n", "g.dat": "old\n"})
        done = repo.plan(writing("a.txt", "f.dat", chained=False))
        repo.orch("exec", done)
        ran = {"title": "Run", "run": "git log -1; cat *.dat > all.txt",
               "checks": [{"command": "test -f all.txt"}]}  # fmt: skip
        waiting = repo.plan({"title": "Wait", "steps": [*writing("b.txt")["steps"], ran]})
        repo.orch("approve", waiting, "--in-place")
        return done, waiting

    def copy() -> Scene:
        place = tmp_path / f"scene-{len(list(tmp_path.iterdir()))}"
        place.mkdir()
        repo, (done, waiting) = prepared.at(place / "repo", "two plans", build)
        return Scene(repo, done, waiting)

    return copy


def plant(repo: Repo, settings: dict[str, str], how: str) -> None:
    """Have the repository say so."""
    config = repo.path / ".git/config"
    if how == "worktree":
        repo.git("config", "extensions.worktreeConfig", "true")
        config = repo.path / ".git/config.worktree"
    if how == "included":
        with config.open("a") as file:
            file.write("[include]\n\tpath = more\n")
        config = config.with_name("more")
    with config.open("a") as file:
        file.write(written(settings))


def test_every_command_is_called() -> None:
    assert set(CALLS) <= set(NAMES)


@pytest.mark.parametrize("how", ["config", "worktree", "included"])
@pytest.mark.parametrize("command", NAMES)
def test_nothing_that_the_repository_names_runs_or_is_opened(
    scenes: Scenes, tmp_path: Path, command: str, how: str
) -> None:
    """With attributes and switches that make git use it all in two forms, and without in the third."""
    trap = Trap(tmp_path)
    settings = trap.settings()
    watch = trap.watch()
    for words, stdin in CALLS.get(command, USUAL):
        scene = scenes()
        if how == "config":
            attributes = scene.repo.path / ".git/info/attributes"
            attributes.write_text("*.dat filter=evil diff=evil merge=evil\n")
        if command in ("plan", "status"):
            scene.repo.write({"g.dat": "changed\n", "untracked.dat": "x\n"})
        plant(scene.repo, settings | (SWITCHES if how == "worktree" else {}), how)
        scene.call(command, words, stdin)
    assert (watch.close(), trap.mark.exists() and trap.mark.read_text()) == ([], False)


@pytest.mark.parametrize("aliased", ["refs/heads/orch/", "refs/notes/orch/"])
@pytest.mark.parametrize("command", NAMES)
def test_no_command_writes_through_a_ref_that_stands_for_another(
    scenes: Scenes, command: str, aliased: str
) -> None:
    scene = scenes()
    repo = scene.repo
    head = repo.git("rev-parse", "main")
    for plan, target in ((scene.done, "refs/heads/main"), (scene.open, "refs/heads/none")):
        repo.git("symbolic-ref", f"{aliased}{plan}", target)
    for words, stdin in CALLS.get(command, USUAL):
        scene.call(command, words, stdin)
    assert repo.git("rev-parse", "main") == head
    assert not repo.git("for-each-ref", "refs/heads/none")


@pytest.mark.parametrize(
    "row",
    [
        row
        for row in git_settings.TABLE
        if row.name in ALONE or (SOAK and row.care not in _LEFT_OUT)
    ],
    ids=lambda row: row.name,
)
def test_nothing_that_one_setting_names_runs_or_is_opened(
    scenes: Scenes, tmp_path: Path, row: Row
) -> None:
    trap = Trap(tmp_path)
    settings = {name: trap.value(row, name) for name in names_of(row)}
    watch = trap.watch()
    for command in ("exec", "land", "status", "diff", "pick", "rollback", "plan", "verify"):
        for words, stdin in CALLS.get(command, USUAL)[:2]:
            scene = scenes()
            plant(scene.repo, settings, "config")
            scene.call(command, words, stdin)
    assert (watch.close(), trap.mark.exists()) == ([], False)


# -- directories that the repository names ---------------------------------------------------------


@pytest.mark.parametrize("command", ["status", "exec", "plan", "ls"])
def test_a_work_tree_that_only_the_configuration_names_is_refused(
    scenes: Scenes, tmp_path: Path, command: str
) -> None:
    scene = scenes()
    scene.repo.git("config", "core.worktree", str(tmp_path.parent))
    words, stdin = CALLS.get(command, USUAL)[0]
    refused = scene.repo.orch(command, *shlex.split(words), stdin=stdin, expect=3)
    assert f"its files are in '{tmp_path.parent}' (core.worktree)" in refused.stderr
    assert "hint: GIT_WORK_TREE=" in refused.stderr


def test_a_submodule_is_where_its_configuration_says(repo: Repo, tmp_path: Path) -> None:
    allowed = ("-c", "protocol.file.allow=always")
    (tmp_path / "other").mkdir()
    other = Repo(tmp_path / "other")
    other.git("init", "-q")
    other.commit({"f": "x\n"})
    repo.git(*allowed, "submodule", "--quiet", "add", str(other.path), "sub")
    repo.orch("status", cwd=repo.path / "sub")


def test_a_work_tree_that_the_users_environment_names_counts(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    repo.git("config", "core.worktree", str(tmp_path / "files"))
    named = {"GIT_DIR": str(repo.path / ".git"), "GIT_WORK_TREE": str(tmp_path / "files")}
    repo.orch("status", cwd=tmp_path / "files", env=named)


def test_no_landing_writes_into_the_files_of_another_repository(
    scenes: Scenes, tmp_path: Path
) -> None:
    """A worktree's registration, which a copied repository brings along, names any directory."""
    scene = scenes()
    repo = scene.repo
    (tmp_path / "victim").mkdir()
    victim = Repo(tmp_path / "victim")
    victim.git("init", "-q")
    victim.commit({"mine": "mine\n"})
    repo.git("branch", "next")
    registered = repo.path / ".git/worktrees/x"
    registered.mkdir(parents=True)
    for name, text in {"gitdir": f"{victim.path}/.git", "commondir": "../..",
                       "HEAD": "ref: refs/heads/next"}.items():  # fmt: skip
        (registered / name).write_text(text + "\n")
    refused = repo.orch("land", scene.done, "--onto", "next", expect=3)
    assert "which is of another repository" in refused.stderr
    assert sorted(os.listdir(victim.path)) == [".git", "mine"]
    repo.follow(refused.stderr)


def test_a_repository_that_takes_objects_of_another_one_is_refused(
    repo: Repo, tmp_path: Path
) -> None:
    """`commondir`, as worktrees have it, in a git directory that is none's worktree."""
    (tmp_path / "victim").mkdir()
    victim = Repo(tmp_path / "victim")
    victim.git("init", "-q")
    victim.commit({"mine": "mine\n"})
    (repo.path / ".git/commondir").write_text(f"{victim.path}/.git\n")
    refused = repo.orch("status", expect=3)
    assert "is no worktree of that repository" in refused.stderr
    repo.follow(refused.stderr)
    repo.orch("status", env={"GIT_COMMON_DIR": f"{repo.path}/.git"})


def test_no_copy_of_a_file_behind_a_link_gets_where_commands_see_it(
    repo: Repo, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("canary-5501\n")
    (repo.path / ".git/info").mkdir(exist_ok=True)
    (repo.path / ".git/info/sparse-checkout").symlink_to(tmp_path / "secret")
    look = f"grep -rs canar[y]-5501 {repo.path}/.git $PWD && exit 1; true"
    plan = repo.plan({"title": "x", "steps": [{"title": "Look", "run": look}]})
    repo.orch("exec", plan)
    assert repo.step_states(plan) == ["done"]


def test_a_linked_configuration_of_a_worktree_is_named_with_its_remedy(
    repo: Repo, hermetic: Path
) -> None:
    """The sandbox has nothing there, and could not begin."""
    repo.git("config", "extensions.worktreeConfig", "true")
    path, private = repo.path / ".git/config.worktree", hermetic / "dotfiles"
    path.touch()
    path.rename(private)
    path.symlink_to(private)
    plan = repo.plan({"title": "List", "steps": [{"title": "List", "run": "git status > list"}]})
    said = repo.orch("exec", plan, expect=None).stderr
    assert f"'{path}' is a link to '{private}', outside of the repository" in said
    aside = f"{path}.aside"
    hint = f"mv {path} {aside} && cp {aside} {path}"
    assert hint in said
    subprocess.run(["sh", "-c", hint], check=True)
    repo.orch("exec", plan)
