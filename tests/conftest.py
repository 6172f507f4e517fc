"""Shared builders: a hermetic environment and real repositories."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import forking
import pytest
import specs
import unsynced
import users
from hypothesis import HealthCheck, settings

from git_orch import checkpoints
from git_orch.plans import ids
from git_orch.repo import sync
from git_orch.sandbox.shares import caches
from git_orch.sandbox.walls import environment

pytest_plugins = ["model_server"]

Value = TypeVar("Value")

# The end-to-end tests with another git than that on PATH, say a newer one: its path.
OTHER_GIT = os.environ.get("GIT_ORCH_TEST_GIT")
if OTHER_GIT is not None:
    assert os.access(OTHER_GIT, os.X_OK), f"GIT_ORCH_TEST_GIT is no program: {OTHER_GIT}"
    os.environ["PATH"] = f"{Path(OTHER_GIT).absolute().parent}{os.pathsep}{os.environ['PATH']}"

unsynced.import_all()
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # A shell without job control ignores it for `make test &`; what tests start would, too, and
    # never hear a Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "suite",
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.register_profile(
    "soak",
    deadline=None,
    max_examples=2000,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

# Of places; pytest would look at all that it has made for the next one.
_numbers = itertools.count()


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of the test's own, called after it."""
    name = re.sub(r"\W", "_", request.node.name)[:26]
    return tmp_path_factory.mktemp(f"{name}{next(_numbers)}", numbered=False)


def pytest_addoption(parser: pytest.Parser) -> None:
    """--spec chooses the tests of a section of the specification."""
    text = "only the tests of this section of the specification: 2.1, or S1-2.1"
    parser.addoption("--spec", metavar="SECTION", help=text)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark each test with the sections of the specification that it proves."""
    wanted = config.getoption("--spec")
    chosen, others = list[pytest.Item](), list[pytest.Item]()
    for item in items:
        sections = _mark_sections(item)
        asked = wanted is None or any(specs.matches(section, wanted) for section in sections)
        (chosen if asked else others).append(item)
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = chosen


def _mark_sections(item: pytest.Item) -> set[str]:
    if not isinstance(item, pytest.Function):
        return set()
    rows = specs.rows_in(item.function.__doc__) | specs.rows_in(item.module.__doc__)
    sections = specs.sections_of(item.path.relative_to(specs.TESTS).as_posix(), rows)
    for section in sorted(sections):
        item.add_marker(pytest.mark.spec(section))
    item.extra_keyword_matches.update(sections | rows)
    return sections


@pytest.fixture(scope="session", autouse=True)
def nobodys_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What fixtures of a module or of the whole session find, whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        make_hermetic(tmp_path_factory.mktemp("nobody"), patch)
        users.give_name(tmp_path_factory.mktemp("named"), patch)
        yield


@pytest.fixture(autouse=True)
def hermetic(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, no configuration or key of the person who runs the tests, no proxy.
    Returns the home.
    """
    home = tmp_path_factory.mktemp(f"home{next(_numbers)}", numbered=False)
    make_hermetic(home, monkeypatch)
    return home


_FAMILIES = ("GIT_", "ANTHROPIC_", "XDG_", "ORCH_", "OTK_", "PYTHON", "LANG", "LC_")
_OF_MACHINES = ("CI", "GITHUB_ACTOR", "NO_COLOR", "EDITOR", "VISUAL", "PAGER")


def make_hermetic(home: Path, patch: pytest.MonkeyPatch) -> None:
    """Leave nothing in the environment that differs from machine to machine but PATH."""
    for name in list(os.environ):
        if (
            name in (*caches.VARIABLES, *environment.ENVIRONMENTS, *_OF_MACHINES)
            or name.startswith(_FAMILIES)
            or name.lower().endswith("_proxy")
        ):
            patch.delenv(name)
    patch.setenv("HOME", str(home))
    patch.setenv("XDG_STATE_HOME", str(home / ".local/state"))
    patch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
    patch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    patch.setenv("NO_PROXY", "127.0.0.1,localhost")
    patch.setenv("LC_ALL", "C.UTF-8")
    patch.setenv("TZ", "UTC")
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ada Tester\n\temail = ada@example.com\n"
        "[init]\n\tdefaultBranch = main\n[core]\n\teditor = false\n[gc]\n\tauto = 0\n[core]\n\tfsync = none\n"
    )


def data(answer: str | bytes) -> Any:
    """The data in the answer of a command with --json; the rest of its shape is as promised."""
    found = json.loads(answer)
    assert list(found) == ["schema", "status", "data", "diagnostics", "next"]
    return found["data"]


class Repo:
    """A real repository and the few verbs tests use on it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def git(
        self, *args: str, cwd: Path | None = None, expect: int | None = 0, stdin: str | None = None
    ) -> str:
        """Standard output of a git command; `expect` None accepts any status."""
        done = subprocess.run(
            ["git", *args],
            cwd=cwd or self.path,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert expect is None or done.returncode == expect, (
            f"git {args}: {done.returncode}\n{done.stdout}{done.stderr}"
        )
        return done.stdout.strip()

    def write(self, files: dict[str, str]) -> None:
        """Write files in the work tree."""
        for name, text in files.items():
            target = self.path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)

    def commit(
        self, files: dict[str, str], message: str = "change", cwd: Path | None = None
    ) -> str:
        """Write files, commit everything, and give the commit's ID."""
        here = Repo(cwd or self.path)
        here.write(files)
        here.git("add", "-A")
        here.git("commit", "-q", "--allow-empty", "-m", message)
        return here.git("rev-parse", "HEAD")

    def handle(self, plan: str) -> str:
        """The name by which messages call a plan of this repository."""
        listed = self.git(
            "for-each-ref", "--format=%(refname)", "refs/heads/orch", "refs/notes/orch"
        )
        return ids.Handles([plan, *(line.rpartition("/")[2] for line in listed.split())]).of(plan)

    def claimed(self, *arguments: str) -> list[str]:
        """The steps that the commits of a `git log` with these arguments claim, in its order."""
        form = "--format=%(trailers:key=Orch-Step,valueonly,separator=%x20)"
        claims = self.git("log", form, *arguments).split()
        return [claim.partition("@")[0].rpartition("/")[2] for claim in claims]

    def loose(self, oid: str) -> Path:
        """The file of an object; whatever was in packs is in such files afterwards, to be spoilt."""
        objects = self.path / ".git/objects"
        for pack in list((objects / "pack").glob("*.pack")):
            taken = self.path.with_name(pack.name)
            pack.rename(taken)
            pack.with_suffix(".idx").unlink()
            with taken.open("rb") as content:
                subprocess.run(
                    ["git", "unpack-objects", "-q"], cwd=self.path, stdin=content, check=True
                )
            taken.unlink()
        return objects / oid[:2] / oid[2:]

    def start(
        self, *args: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """git-orch as a process that goes on, with pipes."""
        return subprocess.Popen(
            [sys.executable, "-m", "git_orch", *args],
            cwd=cwd or self.path,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def follow(self, said: str) -> None:
        """The command of the last hint in `said`, run as printed, with the installed git-orch on
        PATH.
        """
        hint = said.rpartition("hint: ")[2].strip()
        env = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        done = subprocess.run(
            ["sh", "-c", hint], cwd=self.path, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{hint}\n{done.stdout}{done.stderr}"

    def orch(
        self,
        *args: str,
        stdin: str | None = None,
        expect: int | None = 0,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """git-orch, run to its end in a process of its own; `expect` None accepts any status."""
        directory, variables = str(cwd or self.path), {**os.environ, **(env or {})}
        if forking.fits(variables):
            done = forking.forks(variables).run(args, directory, variables, stdin or "")
        else:
            done = subprocess.run(
                [sys.executable, "-m", "git_orch", *args],
                cwd=directory,
                env=variables,
                input=stdin or "",
                capture_output=True,
                text=True,
                check=False,
            )
        assert "Traceback" not in done.stderr, done.stderr
        assert expect is None or done.returncode == expect, (
            f"{args}: {done.returncode}\n{done.stdout}{done.stderr}"
        )
        return done

    def plan(self, document: object, *args: str) -> str:
        """Make a plan from a document; gives its ID."""
        made = self.orch("plan", "--from", "-", *args, stdin=json.dumps(document))
        return made.stdout.split()[0]

    def status(self, plan: str) -> dict[str, Any]:
        """What `git orch show --json` says."""
        found: dict[str, Any] = data(self.orch("show", plan, "--json").stdout)
        return found

    def step_states(self, plan: str) -> list[str]:
        """The state of each step, in order."""
        return [step["state"] for step in self.status(plan)["steps"]]


def writing(*names: str, chained: bool = True) -> dict[str, Any]:
    """A plan whose steps each write one file with its own name as its content; `chained` makes each
    need the last.
    """
    steps = [
        {
            "title": f"Write {name}",
            "files": {name: f"{name}\n"},
            "checks": [{"command": f"test -f {name}"}],
        }
        | ({"depends_on": [number]} if chained and number else {})
        for number, name in enumerate(names)
    ]
    return {"title": "Write files", "steps": steps}


class Done(NamedTuple):
    """How a command in this process ended."""

    status: int
    out: str
    err: str


class Here:
    """git-orch in this process: quicker where it imports what is slow to import."""

    def __init__(
        self, repo: Repo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.repo = repo
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        monkeypatch.chdir(repo.path)

    def __call__(self, *args: str, stdin: str = "", expect: int | None = 0) -> Done:
        """Run a command; `expect` None accepts any status."""
        from git_orch.cli import main

        self._monkeypatch.setattr(
            sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
        )
        before = dict(os.environ)
        self._monkeypatch.setattr(ids, "_seen", ids.Handles())  # as in a process of its own
        try:
            status = main._status(list(args))
        finally:
            # A process of its own would have taken its hidden keys with it.
            os.environ.update(before)
        out, err = self._capsys.readouterr()
        assert expect is None or status == expect, f"{args}: {status}\n{out}{err}"
        return Done(status, out, err)

    def plan(self, document: object) -> str:
        """Make a plan from a document; gives its ID."""
        return self("plan", "--from", "-", stdin=json.dumps(document)).out.split()[0]

    def show(self, plan: str) -> dict[str, Any]:
        """What `git orch show --json` says."""
        found: dict[str, Any] = data(self("show", plan, "--json").out)
        return found


@pytest.fixture
def unsandboxed(hermetic: Path) -> None:
    """The user's own configuration does without a sandbox: commands reach what is outside of their
    worktree.
    """
    subprocess.run(["git", "config", "--global", "orch.sandbox", "none"], check=True)


@pytest.fixture
def here(repo: Repo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """git-orch in this process, standing in a repository of its own."""
    return Here(repo, monkeypatch, capsys)


@pytest.fixture(scope="session")
def template_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one commit; copying it costs less than making one."""
    path = tmp_path_factory.mktemp("template") / "repo"
    path.mkdir()
    identity = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
    identity |= {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
                 for what, value in (("NAME", "Ada Tester"), ("EMAIL", "ada@example.com"))}  # fmt: skip
    (path / "README.md").write_text("a project\n")
    for args in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "first"]):
        subprocess.run(["git", *args], cwd=path, env=os.environ | identity, check=True)
    for sample in (path / ".git/hooks").glob("*.sample"):
        sample.unlink()
    return path


@pytest.fixture
def repo(tmp_path: Path, template_repository: Path) -> Repo:
    """A repository of its own with one commit on main."""
    path = tmp_path / "repo"
    shutil.copytree(template_repository, path, symlinks=True)
    return Repo(path)


class Syncs:
    """Counts what is synced to disk, and does something just before."""

    def __init__(self) -> None:
        self.count = 0
        self._before: list[Callable[[], object]] = []

    def then(self, act: Callable[[], object]) -> None:
        """Do this once, before the next sync."""
        self._before.append(act)

    def __call__(self, moment: str, deed: str, _about: object, /) -> None:
        """Look at a border."""
        if (moment, deed) != ("before", "sync"):
            return
        self.count += 1
        if self._before:
            self._before.pop()()


@pytest.fixture
def synced() -> Iterator[Syncs]:
    """What this process syncs meanwhile."""
    syncs = Syncs()
    sync.switch(on=True)
    checkpoints.observe(syncs)
    yield syncs
    checkpoints.observe(None)
    sync.switch(on=False)


class Prepared:
    """Repositories that many tests begin with: each is made once, and copied for every test that
    wants it.
    """

    def __init__(self, place: Path, template: Path) -> None:
        self.place = place
        self.template = template
        self.made: dict[str, Any] = {}

    def at(self, path: Path, name: str, build: Callable[[Repo], Value]) -> tuple[Repo, Value]:
        """A copy, at `path`, of the repository that `build` has made, with what it gave; one name
        is one `build`.
        """
        stored, approved = self.place / name / "repo", self.place / name / "approvals"
        if name not in self.made:
            shutil.copytree(self.template, stored, symlinks=True)
            self.made[name] = build(Repo(stored))
            if local_approvals(stored).exists():
                shutil.copytree(local_approvals(stored), approved)
        shutil.copytree(stored, path, symlinks=True, dirs_exist_ok=True)
        if approved.exists():
            shutil.copytree(approved, local_approvals(path))
        return Repo(path), self.made[name]

    def instead(self, repo: Repo, name: str, build: Callable[[Repo], Value]) -> Value:
        """Let such a copy take the place of all that is in a repository."""
        shutil.rmtree(repo.path / ".git")
        for path in repo.path.iterdir():
            path.unlink()
        return self.at(repo.path, name, build)[1]


def local_approvals(path: Path) -> Path:
    """Where git-orch keeps what may be run in the repository there."""
    name = hashlib.sha256(os.fsencode(os.path.realpath(path / ".git"))).hexdigest()[:16]
    return Path(os.environ["XDG_STATE_HOME"]) / "git-orch" / "approvals" / name


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, template_repository: Path) -> Prepared:
    """Repositories that many tests begin with."""
    return Prepared(tmp_path_factory.mktemp("prepared"), template_repository)


@pytest.fixture
def executed(tmp_path: Path, prepared: Prepared) -> tuple[Repo, str]:
    """A repository, and the ID of a plan in it whose one step, which writes a.txt, is done."""

    def build(repo: Repo) -> str:
        plan = repo.plan(writing("a.txt"))
        repo.orch("exec")
        return plan

    return prepared.at(tmp_path / "repo", "executed", build)
