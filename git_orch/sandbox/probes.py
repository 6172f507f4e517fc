"""What holds for commands on this machine, found out by trying it: each probe does what a command
must not be able to.

Nothing is tried that would do harm where it works: the targets are files of the probe's own, and a
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
from git_orch.sandbox.walls.launcher import Launcher

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

# Each attempt stands for itself: bash goes on after a redirection that fails. Arguments: a
# directory that is not the worktree, the common git directory, a port, our process ID, files of the
# home directory.
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

Status = Literal["ok", "no", "note"]


class Answer(NamedTuple):
    """What a probe found: whether it holds, what was seen, and where it does not hold what to do."""

    name: str
    status: Status
    seen: str
    hint: str | None = None


class Place(NamedTuple):
    """Where probes run: `worktree` lies in `directory` beside other things, and belongs to the
    repository `common`.
    """

    directory: Path
    worktree: Path
    common: Path

    @property
    def beside(self) -> Path:
        """A file that is not in the worktree."""
        return self.directory / "beside"


class _Host(NamedTuple):
    """What is seen from outside after an attempt."""

    beside: str
    planted: bool
    control: Mapping[str, bytes]
    connected: bool


# -- walls -----------------------------------------------------------------------------------------


def walls(launcher: Launcher, place: Place, home_files: Sequence[Path]) -> list[Answer]:
    """What a command in the sandbox can reach; `home_files` are files that it must not be able to
    read.
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
            str(place.common),
        )
        port = str(listener.getsockname()[1])
        command = Command(argv=(*words, port, str(os.getpid()), *map(str, home_files)))
        tried = dataclasses.replace(launcher, source=source)
        outcome = tried.run(command, worktree=place.worktree, timeout=_SECONDS)
        told = _told(outcome.output)
        after = _Host(
            place.beside.read_text(),
            (place.directory / "planted").exists(),
            _control(place),
            _heard(listener),
        )
    if "end" not in told:
        return [
            Answer(
                "commands",
                "no",
                f"a command does not run: {outcome.shown(300).strip()}",
                _advice(launcher),
            )
        ]
    return [_hinted(each, launcher) for each in _walls(told, before, after, len(home_files))]


def _walls(
    told: Mapping[str, Sequence[str]], before: Mapping[str, bytes], after: _Host, home_files: int
) -> Iterator[Answer]:
    changed = after.beside != _CANARY + "\n" or after.planted or "system" in told
    yield _held(
        "outside",
        not changed,
        "nothing outside of the worktree can be written",
        "files can be written there",
    )
    seen = "beside" in told
    yield _held(
        "beside",
        not seen,
        "other directories cannot be read",
        "files beside the worktree can be read",
    )
    names = ", ".join(
        sorted(
            name
            for name in before.keys() | after.control
            if before.get(name) != after.control.get(name)
        )
    )
    yield _held(
        "git-directory",
        not names,
        "the git directory cannot be written",
        f"a command changed {names}",
    )
    yield _home(told.get("home", ()), home_files)
    reached = after.connected or "network" in told
    others = ", ".join(told.get("interface", ()))
    yield _held(
        "network", not reached and not others, "no way out, no service of this machine",
        "a command reached a port of this machine" if reached else f"a command sees {others}",
    )  # fmt: skip
    yield _processes(told)
    yield _privileges(told)
    yield _system_calls(told)
    yield _held(
        "environment",
        "variable" not in told,
        "made from nothing; no variable of yours",
        "variables are passed on",
    )


def _held(name: str, held: bool, good: str, bad: str) -> Answer:  # noqa: FBT001 - the one thing it is about
    return Answer(name, "ok" if held else "no", good if held else bad)


def _home(readable: Sequence[str], tried: int) -> Answer:
    if not tried:
        return Answer("home", "note", "there is no file in your home directory to try it with")
    return _held(
        "home", not readable, "no file in it can be read", f"'{''.join(readable[:1])}' can be read"
    )


def _processes(told: Mapping[str, Sequence[str]]) -> Answer:
    own = os.readlink("/proc/self/ns/pid") if os.path.exists("/proc/self/ns/pid") else ""
    apart = own not in told.get("pids", ("",)) if own else "signal" not in told
    return _held(
        "processes",
        apart,
        "those of this machine are not there",
        "a command sees processes of this machine",
    )


def _privileges(told: Mapping[str, Sequence[str]]) -> Answer:
    if "CapEff" not in told:
        return Answer("privileges", "note", f"{sys.platform} does not tell")
    sets = {name: bool(set(told[name][0]) - _EMPTY_SET) for name in ("CapEff", "CapPrm", "CapBnd")}
    capabilities = sets["CapEff"] or sets["CapPrm"]
    grow = sets["CapBnd"] or told.get("NoNewPrivs") != ["1"] or "userns" in told
    bad = "a command has capabilities" if capabilities else "a command can get more of them"
    return _held("privileges", not capabilities and not grow, "none, and no way to get any", bad)


def _system_calls(told: Mapping[str, Sequence[str]]) -> Answer:
    """A filter of our own on top of those that we run under ourselves, such as a container's."""
    if "Seccomp" not in told:
        return Answer("seccomp", "note", f"{sys.platform} does not tell")
    filters = told.get("Seccomp_filters")  # from Linux 5.9 on
    active = told["Seccomp"] == ["2"] if filters is None else int(filters[0]) > _own_filters()
    return _held("seccomp", active, "system calls are filtered", "system calls are not filtered")


def _own_filters() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("Seccomp_filters:")), 0)


def _hinted(answer: Answer, launcher: Launcher) -> Answer:
    return answer._replace(hint=_advice(launcher)) if answer.status == "no" else answer


def _advice(launcher: Launcher) -> str:
    return _REPORT if launcher.sandboxed else "git config --global orch.sandbox auto"


def _told(output: bytes) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in output.decode("utf-8", "replace").splitlines():
        name, tab, value = line.partition("\t")
        if tab:
            found.setdefault(name, []).append(value)
    return found


def _control(place: Place) -> dict[str, bytes]:
    """The files through which git could be told to run a program."""
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


def _heard(listener: socket.socket) -> bool:
    try:
        connection, _ = listener.accept()
    except BlockingIOError:
        return False
    connection.close()
    return True


# -- limits ----------------------------------------------------------------------------------------


def process_limit(launcher: Launcher, worktree: Path, most: int = _FEW) -> Answer:
    """Whether a command that starts more than `most` processes is stopped."""
    few = dataclasses.replace(launcher, limits=dataclasses.replace(launcher.limits, processes=most))
    outcome = few.run(Command(argv=("sh", "-c", _FORKS)), worktree=worktree, timeout=_SECONDS)
    started = [int(word) for word in outcome.output.split() if word.isdigit()]
    by_kernel = outcome.reason == "exited" and 0 < max(started, default=0) < _MANY
    limit = f"{launcher.limits.processes} for a command"
    if by_kernel:
        return Answer("process-limit", "ok", f"{limit}; {_KERNEL} ({_way('pids')})")
    if outcome.reason == "process-limit":
        return Answer("process-limit", "ok", f"{limit}; {_LOOKS}")
    return Answer(
        "process-limit",
        "no",
        f"a command started {_MANY} processes where {most} were allowed",
        _REPORT,
    )


def memory_limit(launcher: Launcher, worktree: Path, most: int = _LITTLE) -> Answer:
    """Whether a command that uses more than `most` bytes of memory is stopped."""
    little = dataclasses.replace(launcher, limits=dataclasses.replace(launcher.limits, memory=most))
    hog = Command(argv=("dd", "if=/dev/zero", "of=/dev/null", f"bs={_MUCH}", "count=60"))
    outcome = little.run(hog, worktree=worktree, timeout=_SECONDS)
    if outcome.reason != "memory-limit":
        seen = f"a command used {_MUCH // 1024**2} MiB where {most // 1024**2} were allowed"
        return Answer("memory-limit", "no", seen, _REPORT)
    counted = _KERNEL + " (control group)" if _way("memory") == "control group" else _LOOKS
    return Answer(
        "memory-limit", "ok", f"{launcher.limits.memory / 1024**3:.1f} GiB for a command; {counted}"
    )


def _way(controller: str) -> str:
    held = (
        any(controller in place.controllers for place in cgroup.places())
        if sys.platform == "linux"
        else False
    )
    return "control group" if held else "RLIMIT_NPROC"


# -- keys ------------------------------------------------------------------------------------------


def keys(hidden: Iterable[str] = (_VARIABLE,)) -> Answer:
    """Whether what a process has hidden can be read from the process table by another one of the
    same user.
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
    shown = _CANARY.encode() in read.stdout
    return Answer(
        "keys", "no" if shown else "ok",
        "other processes of yours read the key of a model provider" if shown else "hidden from other processes",
        "run git orch as a user of its own" if shown else None,
    )  # fmt: skip
