"""What git-orch believes belongs to the user and is closed to others: its directory in the
repository, and the one outside.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import Repo, writing
from users import PYTHON, USERS, as_user, compiled, directory_of, name

Completed = subprocess.CompletedProcess[str]

OTHER = 31338  # a user ID that nobody has, either


# A directory of root's, for whoever may give nothing away.
OF_ROOT = (
    "/usr/share/common-licenses" if os.path.isdir("/usr/share/common-licenses") else "/usr/lib"
)

# git-orch itself looks in nothing that PYTHONPATH names.
PROGRAM = """
import os, sys
sys.path[:0] = os.environ["CODE"].split(os.pathsep)
from git_orch.cli.main import main
main()
"""


@dataclass
class World:
    """A user with a repository and a home, in a directory that is his."""

    user: int
    place: Path
    foreign: Path | None = None  # has a directory of root's over it

    @property
    def top(self) -> Path:
        return self.place / "repo"

    @property
    def orch_dir(self) -> Path:
        return self.top / ".git/orch"

    @property
    def state(self) -> Path:
        return self.place / "home/.local/state"

    def run(
        self,
        *words: str,
        stdin: str = "",
        user: int | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> Completed:
        """A command of the user's; gives the finished process."""
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.place / "home"),
            "CODE": os.pathsep.join([f"{self.place}/code", *_libraries()]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LC_ALL": "C.UTF-8",
            **(variables or {}),
        }
        argv = [*as_user(self.user if user is None else user), *self._foreign(), *words]
        return subprocess.run(
            argv, cwd=self.top, env=env, input=stdin, capture_output=True, text=True, check=False
        )

    def orch(
        self,
        *words: str,
        stdin: str = "",
        expect: int = 0,
        variables: Mapping[str, str] | None = None,
    ) -> Completed:
        """git-orch as the user."""
        done = self.run(PYTHON, "-c", PROGRAM, *words, stdin=stdin, variables=variables)
        assert done.returncode == expect, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def plan(self) -> str:
        document = json.dumps(writing("a.txt", "b.txt"))
        return str(self.orch("plan", "--from", "-", stdin=document).stdout.split()[0])

    def _foreign(self) -> tuple[str, ...]:
        """What goes in front of a command that is to see a directory of somebody else's."""
        if self.foreign is None:
            return ()
        return ("bwrap", "--dev-bind", "/", "/", "--ro-bind", OF_ROOT, str(self.foreign), "--")

    def give_away(self, path: Path) -> str:
        """Let a directory belong to somebody else; gives the owner."""
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", str(OTHER), path], check=True)
            if self.user != 0:  # an ordinary user cannot even look into what is closed
                path.chmod(0o755)
            return str(OTHER)
        self.foreign = path
        return "nobody"  # as root is called where the kernel knows this user alone

    def mend(self, said: str) -> None:
        """Do what the hint says, as somebody who may."""
        if self.foreign is not None:
            self.foreign = None
            return
        hint = said.rpartition("hint: ")[2].strip().removeprefix("sudo ")
        done = self.run("sh", "-c", hint, user=os.geteuid())
        assert done.returncode == 0, f"{hint}\n{done.stderr}"


def _libraries() -> list[str]:
    """Where the libraries of the tests are."""
    return [place for place in sys.path if place.endswith("site-packages")]


def _may_run(user: int) -> bool:
    """Whether the Python of the system, and the libraries of the tests, run for that user."""
    words = [*as_user(user), PYTHON, "-c", "import click, yaml, pydantic"]
    env = {"PYTHONPATH": os.pathsep.join(_libraries())}
    return subprocess.run(words, cwd="/", env=env, capture_output=True, check=False).returncode == 0


RUNS = [user for user in USERS if _may_run(user)]


@pytest.fixture(params=RUNS, ids=name)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    user = request.param
    with directory_of(user) as place:
        made = World(user, place)
        shutil.copytree(compiled(), place / "code/git_orch")
        for directory in (made.top, place / "home"):
            directory.mkdir()
        if user != os.geteuid():
            for path in (place, made.top, place / "home"):
                os.chown(path, user, user)
        for words in (
            ["init", "-q", "-b", "main"],
            ["config", "--global", "user.name", "Ada"],
            ["config", "--global", "user.email", "ada@example.com"],
            ["config", "--global", "orch.sandbox", "none"],
            ["commit", "-q", "--allow-empty", "-m", "start"],
        ):
            done = made.run("git", *words)
            assert done.returncode == 0, done.stderr
        yield made


Spoil = Callable[[World], object]


def _open(path: Callable[[World], Path], mode: int) -> Spoil:
    return lambda world: path(world).chmod(mode)


def _moved(path: Callable[[World], Path]) -> Spoil:
    """A link in the place of a directory, to where it is now."""

    def spoil(world: World) -> None:
        there, place = world.place / "elsewhere", path(world)
        place.rename(there)
        place.symlink_to(there)

    return spoil


def _orch(world: World) -> Path:
    return world.orch_dir


def _own(world: World) -> Path:
    return world.state / "git-orch"


def _approvals(world: World) -> Path:
    return world.state / "git-orch/approvals"


def _locks(world: World) -> Path:
    path = world.orch_dir / "locks"
    if not path.is_symlink():
        path.mkdir(mode=0o700, exist_ok=True)
        os.chown(path, world.user, -1)
    return path


SPOILT: dict[str, Spoil] = {
    "others write to .git/orch": _open(_orch, 0o777),
    "a group writes to .git/orch": _open(_orch, 0o770),
    "others write to the state": _open(_own, 0o777),
    ".git/orch is a link": _moved(_orch),
    "a directory in .git/orch is a link": _moved(_locks),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_what_others_could_have_written_is_refused_with_what_mends_it(
    world: World, spoil: Spoil
) -> None:
    plan = world.plan()
    spoil(world)
    said = world.orch("exec", plan, expect=3).stderr
    assert "does not count" in said or "nothing in it counts" in said
    world.mend(said)
    world.orch("exec", plan)


@pytest.mark.parametrize("place", [_orch, _own, _approvals, _locks])
def test_what_belongs_to_another_user_is_refused_with_what_mends_it(
    world: World, place: Callable[[World], Path]
) -> None:
    """Root who works in the repository of somebody, or with the home directory of somebody."""
    plan = world.plan()
    owner = world.give_away(place(world))
    said = world.orch("exec", plan, expect=3).stderr
    assert f"belongs to '{owner}'" in said or "no approval on this machine" in said
    if "hint: git orch" not in said:
        world.mend(said)
        world.orch("exec", plan)


def test_commands_that_only_read_believe_nothing_and_go_on(world: World) -> None:
    plan = world.plan()
    world.orch("exec", plan)
    assert "not verified" not in world.orch("ls").stdout
    world.orch_dir.joinpath("summaries").unlink(missing_ok=True)
    (world.state / "git-orch").chmod(0o777)
    for command in ("ls", "status", "show"):
        assert "not verified on this machine" in world.orch(command).stdout


def test_a_directory_that_others_can_only_read_is_closed_to_them(world: World) -> None:
    plan = world.plan()
    world.orch_dir.chmod(0o755)
    world.orch("exec", plan)
    assert world.orch_dir.stat().st_mode & 0o777 == 0o700


def test_a_state_directory_of_ones_own_may_be_behind_a_link_of_ones_own(world: World) -> None:
    there = world.place / "large-disk"
    there.mkdir()
    os.chown(there, world.user, -1)
    link = world.place / "home/state"
    link.symlink_to(there)
    os.chown(link, world.user, -1, follow_symlinks=False)
    variables = {"XDG_STATE_HOME": str(link)}
    document = json.dumps(writing("a.txt"))
    plan = world.orch("plan", "--from", "-", stdin=document, variables=variables).stdout.split()[0]
    world.orch("exec", plan, variables=variables)
    assert (there / "git-orch/approvals").is_dir()


def test_a_state_directory_in_a_place_that_others_write_to_is_refused(world: World) -> None:
    """Somebody could swap it; in a sticky directory, such as /tmp, nobody can."""
    open_to_all = world.place / "open"
    open_to_all.mkdir()
    os.chown(open_to_all, world.user, -1)
    document = json.dumps(writing("a.txt"))
    for mode, status in ((0o777, 3), (0o1777, 0)):
        open_to_all.chmod(mode)
        words, variables = ("plan", "--from", "-"), {"XDG_STATE_HOME": str(open_to_all)}
        done = world.orch(*words, stdin=document, expect=status, variables=variables)
        if status:
            assert f"others can write to '{open_to_all}'" in done.stderr


def test_a_link_of_somebody_else_on_the_way_is_refused(world: World) -> None:
    there = world.place / "there"
    there.mkdir()
    os.chown(there, world.user, -1)
    link = world.place / "swapped"
    link.symlink_to(there)
    given = True
    try:
        os.chown(link, OTHER, -1, follow_symlinks=False)
    except PermissionError:  # an ordinary user's links are his own, and followed
        given = False
    document = json.dumps(writing("a.txt"))
    words, variables = ("plan", "--from", "-"), {"XDG_STATE_HOME": str(link)}
    done = world.orch(*words, stdin=document, expect=3 if given else 0, variables=variables)
    assert (f"'{link}' belongs to '{OTHER}'" in done.stderr) == given


@pytest.mark.parametrize("what", ["locks", "clone", "pool", "spool", "output", "runs", "ledger"])
@pytest.mark.parametrize("target", ["directory", "file"])
def test_no_link_in_a_repository_from_elsewhere_leads_out_of_it(
    world: World, what: str, target: str
) -> None:
    """An unpacked archive brings .git/orch along, and all of it belongs to whoever unpacked it."""
    private = world.place / "private"
    (private / "inner").mkdir(parents=True)
    (private / "letter").write_text("secret\n")
    plan = world.plan()
    path = world.orch_dir / what
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    path.symlink_to(private if target == "directory" else private / "letter")
    for made in (private, private / "inner", private / "letter"):
        os.chown(made, world.user, -1)
    done = world.run(PYTHON, "-c", PROGRAM, "exec", plan)
    assert done.returncode in (0, 3, 128), done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(entry.name for entry in private.rglob("*")) == ["inner", "letter"]
    assert (private / "letter").read_text() == "secret\n"
    assert "secret" not in done.stdout + done.stderr
    assert world.run("git", "grep", "-q", "secret", f"orch/{plan}").returncode == 1


def test_a_receipt_that_somebody_made_does_not_count(repo: Repo) -> None:
    """An unpacked archive may have receipts: nobody else knows the secret that seals them."""
    check = {"command": "test -f missing || ! test -f b"}
    step = {"title": "Make", "run": "echo a > a", "checks": [check]}
    plan = repo.plan({"title": "Check", "steps": [step]})
    repo.orch("exec", plan)
    assert "cached" in repo.orch("verify", plan).stdout
    [receipt] = (repo.path / ".git/orch/receipts").iterdir()
    forged = json.loads(receipt.read_text()) | {"output": "all is well"}
    receipt.write_text(json.dumps(forged))
    assert "cached" not in repo.orch("verify", plan).stdout


def test_receipts_of_a_copy_do_not_count(repo: Repo, tmp_path: Path) -> None:
    check = {"command": "test -f a"}
    step = {"title": "Make", "run": "echo a > a", "checks": [check]}
    plan = repo.plan({"title": "Check", "steps": [step]})
    repo.orch("exec", plan)
    shutil.copytree(repo.path, tmp_path / "copy", symlinks=True)
    copy = Repo(tmp_path / "copy")
    copy.orch("approve", plan)
    assert "cached" not in copy.orch("verify", plan).stdout


def test_a_git_of_somebody_else_holds_no_lock_of_ones_own(world: World, tmp_path: Path) -> None:
    """Where it stands is hidden from an ordinary user, and it could stand in the repository."""
    plan = world.plan()
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    lock = world.top / f".git/refs/notes/orch/{plan}.lock"
    argv = ["git", "-C", str(tmp_path), "cat-file", "--batch"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE):
        lock.touch()
        os.chown(lock, world.user, -1)
        assert "was left by a killed git" in world.orch("exec", plan).stderr
