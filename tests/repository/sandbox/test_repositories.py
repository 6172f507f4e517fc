"""No command in a directory of the user's makes git there run what it wants: not by the repositories
that are there, in whatever form, and not by new ones.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import places
import pytest
import users
from hypothesis import given, settings
from hypothesis import strategies as st

from git_orch import errors
from git_orch.sandbox import trees
from git_orch.sandbox.walls import git_places, repositories
from git_orch.sandbox.walls.repositories import RepositoriesChanged

HOME = "[user]\n\tname = Ada\n\temail = ada@example.com\n[safe]\n\tdirectory = *\n"


class User:
    """A user whose directory is attacked; see support/keeping.py."""

    def __init__(self, user: int, place: Path) -> None:
        users.give_sandbox(place)
        shutil.copy(places.TESTS / "support/keeping.py", place)
        (place / "home").mkdir()
        (place / "home/.gitconfig").write_text(HOME)
        self.place = place
        self.process = subprocess.Popen(
            [*users.as_user(user), users.PYTHON, "-B", "keeping.py", str(place)],
            cwd=place, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={"PATH": os.environ["PATH"], "HOME": str(place / "home"), "LC_ALL": "C.UTF-8"},
        )  # fmt: skip

    def attacked(self, script: str, *, prepare: str = "", keeps: bool = True) -> dict[str, Any]:
        """What became of it: `changes`, the `text` of the command or the error, whether the
        attacker's program `ran`, whether all is the `same` where it was, and what is `special`.

        The user has run `prepare` before. Without `keeps` nobody looks after repositories.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([script, prepare, keeps]) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


@pytest.fixture(scope="module", params=users.USERS, ids=users.name)
def user(request: pytest.FixtureRequest) -> Iterator[User]:
    with ExitStack() as stack:
        place = stack.enter_context(users.directory_of(request.param))
        stack.callback(cleared, place / "top")
        made = User(request.param, place)
        stack.enter_context(made.process)
        yield made


def cleared(top: Path) -> None:
    """Remove a directory that others could not: deep, or closed to its owner."""
    subprocess.run(["chmod", "-R", "u+rwx", top], check=True)
    subprocess.run(["rm", "-rf", top], check=True)


ARMED = "config core.fsmonitor EVIL"
# The directories of SETUP, and some that attacks make.
WHERE = (".", "nested", "sub", "out", "linked/tree", "bare.git", "newwd", "dangling", "plain",
         "plain/deep", "store", "store/out", "parts", "parts/of", "missing/place", "made")  # fmt: skip
STEPS = (
    "git -C {0} {armed}",
    "mkdir -p {0}; git init -q {0}; git -C {0} {armed}",
    (
        "mkdir -p {0}; git init -q --bare {0}; git -C {0} {armed}; "
        "git -C {0} config core.bare false; git -C {0} config core.worktree .."
    ),
    "mv {0} {1}",
    "mv {0} {0}.old; mkdir -p {0}",
    "cp -a {0} {1}",
    "rm -rf {0}",
    "rm -rf {0}/.git",
    "mv {0}/.git {0}/.old; cp -a {0}/.old {0}/.git; git -C {0} {armed}",
    "ln -s ../{1} {0}/.git",
    "ln -sfn {1} {0}",
    "mkdir -p {0}; echo 'gitdir: ../{1}' > {0}/.git",
    "mkdir -p {0}; echo 'gitdir: ../{1}/.git' > {0}/.git",
    "mkdir -p {0}; echo ../{1} > {0}/commondir; echo 'ref: refs/heads/x' > {0}/HEAD",
    "mkdir -p {0}/objects {0}/refs; echo 'ref: refs/heads/x' > {0}/HEAD; git -C {0} {armed}",
    "printf '[core]\\n\\tfsmonitor = EVIL\\n\\tbare = false\\n\\tworktree = ..\\n' > {0}/config",
    "printf '[core]\\n\\tfsmonitor = EVIL\\n' > {0}/.git/config",
    "mkdir -p {0}/hooks; cp EVIL {0}/hooks/post-index-change",
    "chmod 000 {0}",
    "chmod 500 {0}",
)
attacks = st.lists(
    st.builds(
        lambda step, one, other: step.format(one, other, armed=ARMED),
        st.sampled_from(STEPS), st.sampled_from(WHERE), st.sampled_from(WHERE),
    ),
    min_size=1,
    max_size=6,
)  # fmt: skip


@settings(max_examples=settings().max_examples // 2)
@given(attack=attacks)
def test_whatever_commands_do_to_repositories_runs_nothing_and_does_not_go_unseen(
    user: User, attack: list[str]
) -> None:
    answer = user.attacked("\n".join(attack))
    assert not answer["ran"]
    assert answer["changes"] is not None or answer["same"], answer


# Each of these makes git run a program where nobody looks after repositories.
OWN_TREE = "git config core.bare false; git config core.worktree .."
ATTACKS = {
    "configuration": f"git {ARMED}",
    "configuration of a nested one": f"git -C nested {ARMED}",
    "configuration of a submodule": f"git -C sub {ARMED}",
    "configuration beside the pointer": f"git -C out {ARMED}",
    "configuration that a link leads to": "git config -f parts/of/config core.fsmonitor EVIL",
    "configuration of a worktree": f"git -C linked/tree {ARMED}",
    "configuration of a bare one": f"cd bare.git; git {ARMED}; {OWN_TREE}",
    "pointer rewritten": "git init -q x; git -C x config core.fsmonitor EVIL; echo 'gitdir: ../x/.git' > sub/.git",
    "pointer to nothing": (
        f"mkdir missing; git init -q --separate-git-dir missing/place x; git -C x {ARMED}"
    ),
    "pointer replaced": f"rm -f sub/.git; git init -q sub; git -C sub {ARMED}",
    "directory replaced": f"mv nested n; git init -q nested; git -C nested {ARMED}",
    "directory above replaced": (
        f"mkdir -p x/y; mv nested x/y; mv x z; git init -q x/y/nested; git -C x/y/nested {ARMED}"
    ),
    "what a pointer leads to replaced": (
        "mv store s; mkdir store; git init -q --separate-git-dir store/out x; rm -r x; "
        f"git -C out {ARMED}"
    ),
    "what a link leads to replaced": (
        "mv parts p; cp -a p parts; git config -f parts/of/config core.fsmonitor EVIL"
    ),
    "a new one": f"git init -q x; git -C x {ARMED}",
    "a new one where there were files": f"git init -q plain/deep; git -C plain/deep {ARMED}",
    "a new one that is a link": f"git init -q x; git -C x {ARMED}; ln -s ../x/.git plain/.git",
    "a new one, bare": f"mkdir x; cd x; git init -q --bare .; git {ARMED}; {OWN_TREE}",
    "a new one, with a common directory": (
        f"git init -q x; cd x; git {ARMED}; {OWN_TREE}; "
        "mkdir ../y; echo ../x/.git > ../y/commondir; cp .git/HEAD ../y"
    ),
    "a new one behind a pointer with a NUL": (
        f"git init -q plain/deep; git -C plain/deep {ARMED}; printf 'gitdir: a\\0b' > plain/.git"
    ),
    "a new one behind a pointer to endless links": (
        f"git init -q plain/deep; git -C plain/deep {ARMED}; cd plain; echo 'gitdir: 0' > .git; "
        "/usr/bin/python3 -c 'import os; [os.symlink(str(n + 1), str(n)) for n in range(1500)]'"
    ),
    "a new one where nothing may be written": f"git init -q x; git -C x {ARMED}; chmod 500 x",
}
INSIDE = f"git init -q x; git init -q x/.git/m; git -C x/.git/m {ARMED}"


@pytest.mark.parametrize(
    "attack", [*ATTACKS.values(), INSIDE], ids=[*ATTACKS, "a new one inside of a new one"]
)
def test_an_attack_on_repositories_runs_nothing(user: User, attack: str) -> None:
    answer = user.attacked(attack)
    assert not answer["ran"]
    assert answer["changes"] is not None or answer["same"]


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_it_would_run_something_without_protection(user: User, attack: str) -> None:
    """The test above tests something."""
    assert user.attacked(attack, keeps=False)["ran"]


def test_what_is_new_keeps_its_files_under_another_name(user: User) -> None:
    answer = user.attacked("mkdir d; git init -q d/x; echo mine > d/x/.git/mine")
    assert answer["changes"] == ["d/x/.git"]
    name = re.search(
        r"'d/x/\.git' is new \(git-orch renamed it to '(d/x/git-refused-\w+)'\)", answer["text"]
    )
    assert name is not None
    assert (user.place / "top" / name[1] / "mine").read_text() == "mine\n"


@pytest.mark.parametrize(
    ("script", "change"),
    [
        ("mv nested n", "'n/.git' was moved from another place; 'nested/.git' is gone"),
        ("git init -q --bare x", "'x' has become a repository"),
        ("mkdir x; ln -s nowhere x/.git", "'x/.git' is new"),
        ("mkdir x; touch x/.GIT", "'x/.GIT' is new"),
        ("mkdir -p x/GIT~1", "'x/GIT~1' is new"),
        ("mkdir -p d/.git/d; chmod 0 d/.git", "'d/.git' is new"),
    ],
)
def test_the_failure_says_what_changed(user: User, script: str, change: str) -> None:
    assert change in user.attacked(script)["text"]


@pytest.mark.parametrize(
    "script",
    [
        "git init -q /tmp/x && git -C /tmp/x config a.b c && git clone -q nested /tmp/y",
        "echo new > nested/new; rm a; mkdir objects refs; echo x > .gitignore; echo x > .gitmodules",
        "git -C nested status && git log --oneline",
        "mkdir x; mv plain x; rm -r x",
    ],
)
def test_ordinary_work_beside_repositories_is_none_of_it(user: User, script: str) -> None:
    answer = user.attacked(f"set -e; {script}; echo ok")
    assert (answer["changes"], answer["text"].splitlines()[-1:]) == (None, ["ok"])


# -- special bits ----------------------------------------------------------------------------------


def test_special_bits_that_a_command_sets_do_not_stay(user: User) -> None:
    script = """
    touch x y; chmod 6755 x; chmod 4000 y; mkdir d; chmod 3777 d; cp x d; chmod 6755 d/x; chmod +t .
    mkdir -p e/f; chmod 2755 e; mkdir e/g; ln x e/link; ln -s x sym; mkfifo -m 4644 fifo || true
    """
    answer = user.attacked(script)
    assert answer["changes"] is None
    assert answer["special"] == []
    assert stat.S_IMODE((user.place / "top/x").stat().st_mode) == 0o755


@pytest.mark.parametrize(
    "script",
    [
        "mkdir x x/objects x/refs; echo 'ref: refs/heads/x' > x/HEAD; touch x/y; chmod 4755 x/y x/HEAD",
        "mkdir x; touch x/.git; chmod 4755 x/.git",
        "git init -q x; touch x/.git/y; chmod 6755 x/.git/y x/.git/HEAD; chmod +t x/.git/refs x/.git",
    ],
    ids=["a bare one", "a pointer", "a git directory"],
)
def test_special_bits_in_a_new_repository_do_not_stay(user: User, script: str) -> None:
    answer = user.attacked(script)
    assert answer["changes"] is not None
    assert answer["special"] == []


def test_the_bits_that_the_user_set_stay(user: User) -> None:
    """A directory that is shared with a group gives its bit to what is made in it."""
    prepare = """
    chmod 2775 plain; mkdir plain/sticky; chmod 1777 plain/sticky; touch old; chmod 4755 old
    while find old -newerct '0.1 seconds ago' | grep -q .; do true; done
    """
    answer = user.attacked("touch plain/new; mkdir plain/inner", prepare=prepare)
    assert answer["special"] == ["./old", "./plain", "./plain/inner", "./plain/sticky"]


def test_nothing_becomes_somebody_elses(user: User) -> None:
    """Nobody else is there in the sandbox, and no program gets a capability."""
    bind_ports = "0100000200040000000000000000000000000000"
    capable = f"os.setxattr('x', 'security.capability', bytes.fromhex('{bind_ports}'))"
    script = f"""
    touch x; chown 1 x && echo owner; chgrp 1 x && echo group
    /usr/bin/python3 -c "import os; {capable}" && echo capable
    mknod device c 1 3 && echo device
    true
    """
    said = user.attacked(script)["text"].splitlines()
    assert not {"owner", "group", "capable", "device"}.intersection(said)


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize("where", [".git", "plain/.git", "plain/deep/.Git"])
@pytest.mark.parametrize("target", ["../elsewhere", "nowhere", "nested"])
def test_a_link_is_refused_before_anything_runs(user: User, where: str, target: str) -> None:
    prepare = f"rm -rf .git; ln -s {target} {where}"
    answer = user.attacked("touch ran", prepare=prepare)
    assert f"Refused: '{user.place}/top/{where}' is a link" in answer["text"]
    assert not (user.place / "top/ran").exists()


def test_more_repositories_than_can_be_protected_are_refused(tmp_path: Path) -> None:
    for number in range(git_places.MOST + 1):
        (tmp_path / str(number) / ".git").mkdir(parents=True)
    with pytest.raises(errors.Refused, match=f"has {git_places.MOST + 1} repositories in it"):
        repositories.refuse_unfit(tmp_path)


def test_many_repositories_are_protected(user: User) -> None:
    prepare = (
        "for number in $(seq 300); do mkdir -p many/$number; cp -r nested/.git many/$number; done"
    )
    script = "for number in $(seq 300); do git -C many/$number config a.b c; done; true"
    answer = user.attacked(script, prepare=prepare)
    assert (answer["changes"], answer["same"]) == (None, True)


DEEP = "import os\nfor _ in range(3000): os.mkdir('d'); os.chdir('d')\nos.mkdir('.git')"


def test_a_repository_thousands_of_directories_deep_is_refused(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", DEEP], cwd=tmp_path, check=True)
    with pytest.raises(errors.Refused, match="too deep"):
        repositories.refuse_unfit(tmp_path)
    trees.remove(tmp_path / "d")


def test_a_new_one_thousands_of_directories_deep_is_put_aside(tmp_path: Path) -> None:
    with pytest.raises(RepositoriesChanged) as changed, repositories.kept(tmp_path):
        subprocess.run([sys.executable, "-c", DEEP], cwd=tmp_path, check=True)
    assert [one.path for one in changed.value.changes] == ["d/" * 3000 + ".git"]
    assert not any(".git" in directory.inner for directory in trees.walk(tmp_path))
    trees.remove(tmp_path / "d")


@pytest.mark.parametrize("inside", ["repo/.git", "repo/.git/hooks", "bare", "bare/objects"])
def test_a_directory_inside_of_a_git_directory_is_refused(tmp_path: Path, inside: str) -> None:
    for command in (["init", "-q", "repo"], ["init", "-q", "--bare", "bare"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    with pytest.raises(errors.Refused, match="is inside a git directory"):
        repositories.refuse_unfit(tmp_path / inside)
    (tmp_path / "bare/tree").mkdir()
    (tmp_path / "bare/tree/.git").write_text("gitdir: ../worktrees/tree\n")
    repositories.refuse_unfit(tmp_path / "bare/tree")
