"""Probes of the protections of this machine: a probe attempts what a command must not be able to
do.

The attempts are harmless even if they succeed: their targets are files of the probe's own, and a
port on loopback.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from git_orch.plans.plan import Command
from git_orch.sandbox.process import cgroup, tools
from git_orch.sandbox.walls import landlock
from git_orch.sandbox.walls.launcher import Launcher
from git_orch.sandbox.walls.repositories import RepositoriesChanged
from git_orch.sandbox.walls.view import Share

_SECONDS = 20.0  # for one probe; the slowest takes two
_FEW = 40  # processes
_MANY = 200
_LITTLE = 64 * 1024**2  # bytes of memory
_MUCH = 3 * _LITTLE
_LOOKS = "git-orch counts now and then"
_KERNEL = "the kernel counts"
_CANARY = "canary of git orch doctor"
_VARIABLE = "GIT_ORCH_CANARY"
_EMPTY_SET = frozenset("0")  # the digits of a set of no capabilities
_REPORT = "run no plans here, and report it as SECURITY.md says"

# Bash goes on after a redirection that fails, so one attempt does not hang on another. Arguments:
# a directory that is not the worktree, the common git directory, a port, our process ID, files of
# the home directory.
_SCRIPT = """
exec 2>/dev/null
place=$1 common=$2 port=$3 pid=$4
shift 4
say() { printf '%s\\t%s\\n' "$1" "$2"; }
read -r word < "$place/beside" && say beside "$word"
echo changed > "$place/beside"
echo new > "$place/planted"
[ -w /usr ] && say system writable
mkdir "$common/hooks"
echo planted > "$common/hooks/pre-commit"
echo planted >> "$common/config"
git config core.fsmonitor planted
mv .git moved
for file; do [ -r "$file" ] && say home "$file"; done
(: < "/dev/tcp/127.0.0.1/$port") && say network connected
while IFS=: read -r name rest; do
    name=${name//[[:space:]]/}
    [ "$name" = lo ] || [ -z "$rest" ] || say interface "$name"
done < /proc/net/dev
kill -0 "$pid" && say signal reached
say pids "$(readlink /proc/self/ns/pid)"
while IFS=$': \\t' read -r name value; do
    case $name in Cap???|NoNewPrivs|Seccomp*) say "$name" "$value" ;; esac
done < /proc/self/status
unshare --user true && say userns made
for file in /proc/[0-9]*/environ; do
    while IFS= read -r -d '' entry; do
        case $entry in *'canary of git orch doctor'*) say variable seen ;; esac
    done < "$file"
done
say end reached
"""
# Arguments: the path of a socket, and an abstract name. An address has room for 107 bytes.
_CONNECT = """
import os, socket, sys
os.chdir(os.path.dirname(sys.argv[1]))
for path in (os.path.basename(sys.argv[1]), sys.argv[2]):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_UNIX, kind) as client:
            try:
                client.connect(path.replace("@", "\\0", 1))
                print("reached", path, sep="\\t")
            except OSError:
                pass
print("end", "reached", sep="\\t")
"""

_FORKS = f"n=0; while [ $n -lt {_MANY} ]; do sleep 9 & n=$((n+1)); echo $n; done; sleep 2"
_HIDING = """
import os, sys
sys.path.append(sys.argv[1])
from git_orch.sandbox import secrecy
if sys.argv[2:]:
    secrecy.hide(sys.argv[2:])
print(os.getpid(), flush=True)
sys.stdin.readline()
"""

# What stays of it, and where, tells how it was kept.
_MAKES = """
echo tried > inner/.git/config; echo tried > inner/.git/hook
mkdir -p new/.git; cp inner/.git/HEAD new/.git
"""
_WRITES = """
cat shared/old && echo changed 2>/dev/null >shared/old
cat shared/old
"""

Status = Literal["ok", "no", "note"]


class Answer(NamedTuple):
    """The result of a probe: whether the protection works, what the probe saw, and a remedy."""

    name: str
    status: Status
    seen: str
    hint: str | None = None


class Place(NamedTuple):
    """The place where probes run: `worktree` lies in `directory` beside other things, and belongs
    to the repository `common`.
    """

    directory: Path
    worktree: Path
    common: Path

    @property
    def beside(self) -> Path:
        """A file that is not in the worktree."""
        return self.directory / "beside"


class _Host(NamedTuple):
    """The state of the machine after the attempts, seen from outside."""

    beside: str
    planted: bool
    control: Mapping[str, bytes]
    connected: bool


# -- walls -----------------------------------------------------------------------------------------


def probe_walls(launcher: Launcher, place: Place, home_files: Sequence[Path]) -> list[Answer]:
    """Test what a command in the sandbox can reach; `home_files` are files that it must not be able
    to read.
    """
    place.beside.write_text(_CANARY + "\n")
    before = _control(place)
    source = {**launcher.source, _VARIABLE: _CANARY}
    with _listener() as listener:
        words = (
            "bash",
            "--noprofile",
            "--norc",
            "-c",
            _SCRIPT,
            "doctor",
            str(place.directory),
            str(launcher.site_map(place.worktree).inside(place.common)),
        )
        port = str(listener.getsockname()[1])
        command = Command(argv=(*words, port, str(os.getpid()), *map(str, home_files)))
        probe_launcher = dataclasses.replace(launcher, source=source)
        outcome = probe_launcher.run(command, worktree=place.worktree, timeout=_SECONDS)
        report = _parse_report(outcome.output)
        after = _Host(
            place.beside.read_text(),
            (place.directory / "planted").exists(),
            _control(place),
            _has_connection(listener),
        )
    if "end" not in report:
        return [
            Answer(
                "commands",
                "no",
                f"a command does not run: {outcome.excerpt(300).strip()}",
                _advice(launcher),
            )
        ]
    return [
        _with_hint(answer, launcher)
        for answer in _wall_answers(report, before, after, len(home_files))
    ]


def _wall_answers(
    report: Mapping[str, Sequence[str]], before: Mapping[str, bytes], after: _Host, home_files: int
) -> Iterator[Answer]:
    changed = after.beside != _CANARY + "\n" or after.planted or "system" in report
    yield _answer(
        "outside",
        not changed,
        "commands cannot write outside of the worktree",
        "files can be written there",
    )
    seen = "beside" in report
    yield _answer(
        "beside",
        not seen,
        "other directories cannot be read",
        "commands can read files beside the worktree",
    )
    names = ", ".join(_changed_names(before, after.control))
    yield _answer(
        "git-directory",
        not names,
        "commands cannot write the git directory",
        f"a command changed {names}",
    )
    yield _home(report.get("home", ()), home_files)
    reached = after.connected or "network" in report
    others = ", ".join(report.get("interface", ()))
    yield _answer(
        "network", not reached and not others, "no way out, no service of this machine",
        "a command reached a port of this machine" if reached else f"a command sees {others}",
    )  # fmt: skip
    yield _processes(report)
    yield _privileges(report)
    yield _system_calls(report)
    yield _answer(
        "environment",
        "variable" not in report,
        "an empty one; no variable of yours",
        "variables are passed on",
    )


def _changed_names(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[str]:
    return sorted(name for name in before.keys() | after if before.get(name) != after.get(name))


def _answer(name: str, holds: bool, good: str, bad: str) -> Answer:  # noqa: FBT001
    return Answer(name, "ok" if holds else "no", good if holds else bad)


def _home(readable: Sequence[str], tried: int) -> Answer:
    if not tried:
        return Answer("home", "note", "there is no file in your home directory to test with")
    return _answer(
        "home",
        not readable,
        "commands cannot read its files",
        f"'{''.join(readable[:1])}' can be read",
    )


def _processes(report: Mapping[str, Sequence[str]]) -> Answer:
    own = os.readlink("/proc/self/ns/pid") if os.path.exists("/proc/self/ns/pid") else ""
    apart = own not in report.get("pids", ("",)) if own else "signal" not in report
    return _answer(
        "processes",
        apart,
        "those of this machine are not there",
        "a command sees processes of this machine",
    )


def _privileges(report: Mapping[str, Sequence[str]]) -> Answer:
    if "CapEff" not in report:
        return Answer("privileges", "note", f"{sys.platform} does not tell")
    sets = {
        name: bool(set(report[name][0]) - _EMPTY_SET) for name in ("CapEff", "CapPrm", "CapBnd")
    }
    capabilities = sets["CapEff"] or sets["CapPrm"]
    grow = sets["CapBnd"] or report.get("NoNewPrivs") != ["1"] or "userns" in report
    bad = "a command has capabilities" if capabilities else "a command can get more of them"
    return _answer("privileges", not capabilities and not grow, "none, and no way to get any", bad)


def _system_calls(report: Mapping[str, Sequence[str]]) -> Answer:
    """A filter of our own on top of those that we run under ourselves, such as a container's."""
    if "Seccomp" not in report:
        return Answer("seccomp", "note", f"{sys.platform} does not tell")
    filters = report.get("Seccomp_filters")  # from Linux 5.9 on
    active = report["Seccomp"] == ["2"] if filters is None else int(filters[0]) > _own_filters()
    return _answer(
        "seccomp",
        active,
        "a filter of system calls is active",
        "no filter of system calls is active",
    )


def _own_filters() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("Seccomp_filters:")), 0)


def _with_hint(answer: Answer, launcher: Launcher) -> Answer:
    return answer._replace(hint=_advice(launcher)) if answer.status == "no" else answer


def _advice(launcher: Launcher) -> str:
    return _REPORT if launcher.sandboxed else "git config --global orch.sandbox auto"


def _parse_report(output: bytes) -> dict[str, list[str]]:
    report: dict[str, list[str]] = {}
    for line in output.decode("utf-8", "replace").splitlines():
        name, tab, value = line.partition("\t")
        if tab:
            report.setdefault(name, []).append(value)
    return report


def _control(place: Place) -> dict[str, bytes]:
    """The files through which a command could make git run a program, by their names."""
    files = [
        place.common / "config",
        *sorted((place.common / "hooks").glob("*")),
        place.worktree / ".git",
    ]
    return {
        str(file.relative_to(place.directory)): file.read_bytes()
        for file in files
        if file.is_file()
    }


@contextlib.contextmanager
def _listener() -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        yield listener


def _has_connection(listener: socket.socket) -> bool:
    try:
        connection, _ = listener.accept()
    except BlockingIOError:
        return False
    connection.close()
    return True


# -- repositories ----------------------------------------------------------------------------------


def probe_repositories(launcher: Launcher, place: Place) -> Answer:
    """Test whether a command that works where the user goes on with git changes a repository there,
    or leaves a new one.
    """
    inner, new = place.worktree / "inner/.git", place.worktree / "new/.git"
    inner.mkdir(parents=True)
    settings = {"HEAD": "ref: refs/heads/main\n", "config": "[core]\n\tbare = false\n"}
    for name, text in settings.items():
        (inner / name).write_text(text)
    keeping = dataclasses.replace(launcher, keeps_repositories=True)
    with contextlib.suppress(RepositoriesChanged):  # the new one
        keeping.run(Command(shell=_MAKES, plain=True), worktree=place.worktree, timeout=_SECONDS)
    now = {path.name: path.read_text() for path in inner.iterdir() if path.is_file()}
    answer = _answer(
        "repositories",
        now == settings and not new.exists(),
        "commands cannot change a repository in your files, nor leave a new one",
        "a command changes or leaves a repository in your files, and your git runs its programs",
    )
    return _with_hint(answer, launcher)


# -- sockets and the second wall -------------------------------------------------------------------


def probe_sockets(launcher: Launcher, place: Place) -> Answer:
    """Test whether a command reaches a service of this machine by a socket in a directory that it
    may read, or by an abstract one.
    """
    path, abstract = place.common / "doctor.socket", f"git-orch-doctor-{os.getpid()}"
    if sys.platform != "linux":
        return Answer("sockets", "note", f"not tried on {sys.platform}")
    with _unix_listener(path), socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{abstract}")
        listener.listen()
        inside = launcher.site_map(place.worktree).inside(path)
        argv = ("python3", "-I", "-S", "-c", _CONNECT, str(inside), f"@{abstract}")
        outcome = launcher.run(Command(argv=argv), worktree=place.worktree, timeout=_SECONDS)
    report = _parse_report(outcome.output)
    if "end" not in report:
        return Answer("sockets", "note", "commands have no python3 to try it with")
    answer = _answer(
        "sockets",
        "reached" not in report,
        "no socket is open to commands, nor an abstract one",
        f"a command reached '{''.join(report.get('reached', [''])[:1])}'",
    )
    return _with_hint(answer, launcher)


@contextlib.contextmanager
def _unix_listener(path: Path) -> Iterator[None]:
    """A socket with that path, which may be longer than an address."""
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"/proc/self/fd/{directory}/{path.name}")
            listener.listen()
            yield
    finally:
        os.close(directory)
        path.unlink(missing_ok=True)


def probe_second_wall(launcher: Launcher, worktree: Path) -> Answer:
    """Test whether Landlock alone refuses what the mounts of the sandbox allow."""
    wall = landlock.find()
    if wall is None or not launcher.sandboxed:
        return Answer("second-wall", "note", "none: perl is missing, which puts it up")
    programs = [path for path in ("/usr", "/bin", "/lib", "/lib64") if os.path.exists(path)]
    words = wall.telling(programs, [str(launcher.site_map(worktree).top)])
    reading = ("/bin/bash", "-c", "read -r line < /etc/passwd && echo read")
    outcome = launcher.run(Command(argv=(*words, *reading)), worktree=worktree, timeout=_SECONDS)
    version, _, rest = outcome.output.decode("utf-8", "replace").partition("\n")
    if not version.isdigit() or int(version) < landlock.OLDEST_ABI:
        return Answer("second-wall", "note", "none: this kernel has no Landlock, or an old one")
    of_what = "files, signals, abstract sockets"
    if int(version) < landlock.SCOPED_ABI:
        of_what = "files"
    holds = "\nread\n" not in f"\n{rest}"
    answer = _answer(
        "second-wall", holds, f"Landlock {version}: {of_what}", "Landlock refuses nothing"
    )
    return _with_hint(answer, launcher)


# -- limits ----------------------------------------------------------------------------------------


def probe_process_limit(launcher: Launcher, worktree: Path, most: int = _FEW) -> Answer:
    """Test whether a command that starts more than `most` processes is stopped."""
    few = dataclasses.replace(launcher, limits=dataclasses.replace(launcher.limits, processes=most))
    outcome = few.run(Command(argv=("sh", "-c", _FORKS)), worktree=worktree, timeout=_SECONDS)
    started = [int(word) for word in outcome.output.split() if word.isdigit()]
    by_kernel = outcome.reason == "exited" and 0 < max(started, default=0) < _MANY
    limit = f"{launcher.limits.processes} for a command"
    if by_kernel:
        return Answer("process-limit", "ok", f"{limit}; {_KERNEL} ({_way_of_counting('pids')})")
    if outcome.reason == "process-limit":
        return Answer("process-limit", "ok", f"{limit}; {_LOOKS}")
    return Answer(
        "process-limit",
        "no",
        f"a command started {_MANY} processes where {most} were allowed",
        _REPORT,
    )


def probe_memory_limit(launcher: Launcher, worktree: Path, most: int = _LITTLE) -> Answer:
    """Test whether a command that uses more than `most` bytes of memory is stopped."""
    little = dataclasses.replace(launcher, limits=dataclasses.replace(launcher.limits, memory=most))
    hog = Command(argv=("dd", "if=/dev/zero", "of=/dev/null", f"bs={_MUCH}", "count=60"))
    outcome = little.run(hog, worktree=worktree, timeout=_SECONDS)
    if outcome.reason != "memory-limit":
        seen = f"a command used {_MUCH // 1024**2} MiB where {most // 1024**2} were allowed"
        return Answer("memory-limit", "no", seen, _REPORT)
    counted = (
        _KERNEL + " (control group)" if _way_of_counting("memory") == "control group" else _LOOKS
    )
    return Answer(
        "memory-limit", "ok", f"{launcher.limits.memory / 1024**3:.1f} GiB for a command; {counted}"
    )


def _way_of_counting(controller: str) -> str:
    held = (
        any(controller in place.controllers for place in cgroup.find_places())
        if sys.platform == "linux"
        else False
    )
    return "control group" if held else "RLIMIT_NPROC"


# -- keys ------------------------------------------------------------------------------------------


def probe_keys(hidden: Iterable[str] = (_VARIABLE,)) -> Answer:
    """Test whether another process of the same user can read the variables that a process has
    hidden.
    """
    if sys.platform != "linux":
        return Answer(
            "keys",
            "note",
            f"{sys.platform} shows the environment of a process to others of its user",
        )
    package = str(Path(__file__).resolve().parents[2])
    argv = [sys.executable, "-I", "-S", "-c", _HIDING, package, *hidden]
    with tools.Session(argv, env={_VARIABLE: _CANARY}) as session:
        pid = session.read_line().decode()
        read = tools.capture(["cat", f"/proc/{pid}/environ"], env=os.environ)
    if _CANARY.encode() not in read.stdout:
        return Answer("keys", "ok", "hidden from other processes")
    return Answer(
        "keys",
        "no",
        "other processes of yours read the key of a model provider",
        "run git orch as a user of its own",
    )


# -- shared directories ----------------------------------------------------------------------------


def probe_copies(launcher: Launcher, place: Place) -> Answer:
    """Test what becomes of what a command writes to a directory that is shared with it."""
    source = place.directory / "shared"
    source.mkdir()
    (source / "old").write_text("as it was\n")
    sharing = dataclasses.replace(
        launcher,
        shares=(Share("shared", os.path.realpath(source), "shared"),),
        writes=place.directory / "writes",
    )
    command = Command(shell=_WRITES, plain=True)
    seen = [
        sharing.run(command, worktree=place.worktree, timeout=_SECONDS).output.decode(
            "utf-8", "replace"
        )
        for _ in range(2)
    ]
    if (source / "old").read_text() != "as it was\n":
        return Answer("copies", "no", "a command changes shared directories", _advice(launcher))
    match [text.split("\n")[:-1] for text in seen]:
        case ["as it was", "changed"], ["changed", "changed"]:
            return Answer(
                "copies", "ok", "writes to shared directories last as long as the attempt"
            )
        case ["as it was", "changed"], ["as it was", "changed"]:
            lasts = "writes to shared directories last as long as the command"
            return Answer("copies", "note", lasts)
        case ["as it was", "as it was"], _:
            return Answer(
                "copies", "note", f"commands can only read shared directories: {_why(launcher)}"
            )
    return Answer("copies", "note", "no directory is shared with commands here")


def _why(launcher: Launcher) -> str:
    """Why no overlay can be mounted."""
    able = getattr(launcher.sandbox, "has_overlays", None)
    if able is not None and not able():
        return "bubblewrap mounts overlays from 0.11 on"
    return "the kernel mounts no overlay here"
