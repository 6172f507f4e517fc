"""Two users of one group who work in one repository. An ordinary user is both of them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import forking
import users

from git_orch.repo import localfiles
from git_orch.repo.local import runs
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import discover

GROUP = users.STRANGER + 10  # a group that nobody is in
UMASK = 0o077  # so that what others may do is what git and git-orch decided


class Member:
    """One of them, with a home of their own."""

    def __init__(self, user: int, directory: Path, label: str) -> None:
        self.user, self.name = user, str(user)
        self.group = GROUP if user != os.geteuid() else os.getegid()
        self._whose = {"user": user, "group": self.group, "umask": UMASK}
        self.home, self.repository = directory / label, directory / "repository"
        self.home.mkdir(mode=0o700)
        config = self.home / ".gitconfig"
        config.write_text(
            f"[user]\n\tname = {label}\n\temail = {label}@example.com\n[safe]\n\tdirectory = *\n"
            "[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n[orch]\n\tsandbox = none\n"
        )
        for path in (self.home, config):
            os.chown(path, user, self.group)

    def variables(self) -> dict[str, str]:
        places = {"XDG_STATE_HOME": "s", "XDG_CACHE_HOME": "c", "XDG_CONFIG_HOME": "k"}
        own = {name: str(self.home / place) for name, place in places.items()}
        return {**os.environ, **own, "HOME": str(self.home)}

    def orch(
        self, *words: str, expect: int = 0, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """git-orch, run to its end by this user."""
        place, variables = str(self.repository), self.variables()
        done = forking.forks(variables).run(words, place, variables, stdin, self._whose)
        assert done.returncode == expect, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def git(self, *words: str, cwd: Path | None = None) -> str:
        """Output of git, run by this user."""
        chosen = {"user": self.user, "group": self.group, "extra_groups": []}
        other = chosen if self.user != os.geteuid() else {}
        done = subprocess.run(
            ["git", *words],
            cwd=cwd or self.repository,
            env=self.variables(),
            umask=UMASK,
            capture_output=True,
            text=True,
            check=False,
            **other,  # type: ignore[call-overload]
        )
        assert done.returncode == 0, f"git {words}: {done.stdout}{done.stderr}"
        return str(done.stdout)

    @contextmanager
    def at_work(self, plan: str) -> Iterator[None]:
        """A process of this user that runs the plan, and is killed in the end."""
        begun, begin = os.pipe()
        child = os.fork()
        if not child:
            forking.become(self._whose)
            place = PlanPlace(discover(self.repository, self.variables()), plan)
            with localfiles.lock(place):
                runs.record_start(place)
                os.write(begin, b"!")
                signal.pause()
        os.close(begin)
        try:
            assert os.read(begun, 1) == b"!"
            yield
        finally:
            os.close(begun)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def pair(directory: Path, sharing: str) -> Iterator[tuple[Member, Member]]:
    """Both, with a repository of one commit that the first of them made to be shared."""
    directory.chmod(0o755)
    other = users.STRANGER if os.geteuid() == 0 else os.geteuid()
    first = Member(other, directory, "ada")
    second = Member(other + 1 if os.geteuid() == 0 else other, directory, "bob")
    place = first.repository
    place.mkdir()
    os.chown(place, first.user, first.group)
    place.chmod(0o2770)
    first.git("init", "--quiet", f"--shared={sharing}")
    first.git("commit", "--quiet", "--allow-empty", "-m", "begin")
    yield first, second
