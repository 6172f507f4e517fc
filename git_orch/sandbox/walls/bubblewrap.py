"""The sandbox of Linux: a bubblewrap command line that shows a command its worktree and little
else.

The order of the options matters: later mounts cover earlier ones, and a worktree may lie below the
home directory or /tmp. As root nothing here may be left to file permissions.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shlex
import socket
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from git_orch import errors
from git_orch.plans import sentences
from git_orch.sandbox import configuration, secrecy, trees
from git_orch.sandbox.process import command, limits, programs
from git_orch.sandbox.walls import landlock, seccomp, submodules
from git_orch.sandbox.walls.doors import Doors
from git_orch.sandbox.walls.view import TOOLCHAINS, Confined, Share, View, outermost, share_layers

if TYPE_CHECKING:
    from git_orch.sandbox.network.proxy import Proxy

# How long writes to a share last: an attempt, or a command; None: nothing can be written.
Copy = Literal["attempt", "command"]

OLDEST = (0, 8)  # --disable-userns and --size: Debian 12, Ubuntu 24.04

# Programs and what they read; no /home /root /var /run /srv.
_SYSTEM = ("/usr", "/etc", "/opt", "/nix/store", "/snap", "/gnu/store")
# Links into /usr, or directories of their own.
_IN_USR = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_TMP_BYTES = 512 * 1024**2  # tmpfs without a size may take half of the memory
_SHM_BYTES = 256 * 1024**2
_HOME_BYTES = 256 * 1024**2
_SMALL_BYTES = 1024**2
_EMPTY_BYTES = 4096

_NAMESPACES = (
    "--unshare-user", "--disable-userns", "--unshare-pid", "--unshare-ipc", "--unshare-uts",
    "--unshare-cgroup-try", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
    "--hostname", "sandbox",
)  # fmt: skip

_SOME = "/etc"  # a directory that is not empty
_OWN_TMP = "/tmp"  # noqa: S108 - of the sandbox
_OF_WORKTREE = "config.worktree"  # beside `config`, with extensions.worktreeConfig
_SPARSE = re.compile(
    rb"^(?:\[(?:core|index)\]|"
    rb"[ \t]*(?:sparseCheckout|sparseCheckoutCone|sparse)[ \t]*=[ \t]*(?:true|false))\n",
    re.IGNORECASE | re.MULTILINE,
)
_INSIDE = "inside"
_SCRATCH, _SCRATCH_SECONDS = "overlay-", 3_600  # no probe takes longer
_OVERLAYS = b"overlay-src"  # stands in a bwrap that has the option, from 0.11 on
_PROBE = (
    *("--unshare-net", "--ro-bind", "/", "/"),
    *("--proc", "/proc", "--size", "4096", "--tmpfs", "/tmp"),  # noqa: S108
)


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """bubblewrap at `program`, with a second wall inside where there is one. `instead` says why it
    is the one that came with git-orch, if it is. `copy` says how long writes to shares last.
    """

    program: str
    instead: str | None = None
    copy: Copy | None = None
    wall: landlock.Wall | None = field(default_factory=landlock.find)
    name = "bubblewrap"
    sandboxed = True
    moves = True

    @contextlib.contextmanager
    def confine(self, argv: Sequence[str], view: View) -> Iterator[Confined]:
        """The command line that runs `argv` where `view` is all there is."""
        with contextlib.ExitStack() as stack:
            made = [(path, stack.enter_context(_memory(data))) for path, data in _contents(view)]
            numbers = [number for _, number in made]
            plain = frozenset(share.place for share in view.shares if not self._copies(share))
            shown = arguments(view, made, self.copy, plain)
            channel = None
            if view.proxy is not None:
                channel = stack.enter_context(self._channel(view.proxy))
                numbers.append(channel.descriptor)
            if self.wall is not None:
                argv = (*self.wall.before(*_rights(shown), channel), *argv)
                shown += ["--setenv", landlock.QUIET, "0"]
            options = stack.enter_context(_memory(_null_terminated(shown)))
            opening = [self.program, "--args", str(options)]
            numbers.append(options)
            filtered = seccomp.program()
            if filtered is not None:
                numbers.append(stack.enter_context(_memory(filtered)))
                opening += ["--seccomp", str(numbers[-1])]
            yield Confined((*opening, "--", *argv), tuple(numbers))

    @contextlib.contextmanager
    def _channel(self, proxy: Proxy) -> Iterator[landlock.Channel]:
        """Serve the proxy on a socket that listens inside. Raises Refused where nothing there could
        open one.
        """
        if self.wall is None or not landlock.can_hand_out():
            raise errors.Refused(
                "a list of hosts in 'network' needs perl, on x86_64 or aarch64",
                "install perl where your system has its programs, such as /usr/bin/perl",
            )
        ours, theirs = socket.socketpair()
        with ours, theirs, proxy.serving(ours):
            yield landlock.Channel(theirs.fileno(), proxy.port)

    def _copies(self, share: Share) -> bool:
        """Whether an overlay can show this share: the kernel has none of some file systems."""
        if self.copy is None or share.fixed or not os.path.isdir(share.source):
            return False
        device = os.stat(share.source).st_dev
        return device == os.stat(_SOME).st_dev or _shows(self.program, device, share.source)

    def trouble(self) -> Trouble | None:
        """Why this bubblewrap cannot be used here; None when it can. Starts it once in this
        process.
        """
        return _trouble(self.program)

    def has_overlays(self) -> bool:
        """Whether this bubblewrap knows overlays; the kernel has to know them as well."""
        return _has_overlays(self.program)

    def with_copies(self, directory: Path) -> Bubblewrap:
        """The same, with the longest-lasting kind of writes to shares that works where `directory`
        is. Starts it once or twice in this process.
        """
        return replace(self, copy=_copy(self.program, str(directory)))


class Trouble(NamedTuple):
    """Why a bubblewrap cannot be used."""

    message: str
    too_old: bool = False


@functools.lru_cache
def _trouble(program: str) -> Trouble | None:
    answer = _output_of([program, *_NAMESPACES, *_PROBE, "echo", _INSIDE]).strip()
    if answer == _INSIDE:
        return None
    version = _output_of([program, "--version"])
    number = re.search(r"(\d+)\.(\d+)", version)
    if number is None or (int(number[1]), int(number[2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        present = version.strip() or "not bubblewrap"
        return Trouble(
            f"{sentences.quoted(program)} is {present}: {oldest} or newer is needed", too_old=True
        )
    return Trouble(f"bubblewrap does not work here: {answer or 'it ran nothing'}")


@functools.lru_cache
def _has_overlays(program: str) -> bool:
    try:
        return _OVERLAYS in Path(program).read_bytes()
    except OSError:
        return False


@functools.lru_cache
def _copy(program: str, directory: str) -> Copy | None:
    """The kind of overlay that can be mounted: one whose writes are on the disk of `directory`, or
    in memory.
    """
    if not _has_overlays(program):
        return None
    with _scratch(directory) as (upper, work):
        lasting = ("--overlay-src", _SOME, "--overlay", upper, work, _OWN_TMP)
        if _starts_with(program, lasting):
            return "attempt"
    in_memory = ("--overlay-src", _SOME, "--tmp-overlay", _OWN_TMP)
    return "command" if _starts_with(program, in_memory) else None


@functools.lru_cache
def _shows(program: str, _device: int, source: str) -> bool:
    """Whether an overlay can show what is on this device, of which `source` is a directory."""
    return _starts_with(program, ("--overlay-src", source, "--tmp-overlay", _OWN_TMP))


def _starts_with(program: str, mounts: Sequence[str]) -> bool:
    argv = [program, *_NAMESPACES, *_PROBE, *mounts, "echo", _INSIDE]
    return _output_of(argv).strip() == _INSIDE


@contextlib.contextmanager
def _scratch(directory: str) -> Iterator[tuple[str, str]]:
    """Two empty directories. What a killed process left goes."""
    for left in Path(directory).glob(f"{_SCRATCH}*"):
        with contextlib.suppress(OSError):
            if left.lstat().st_mtime < time.time() - _SCRATCH_SECONDS:
                trees.remove(left)
    made = tempfile.mkdtemp(prefix=_SCRATCH, dir=directory)
    try:
        upper, work = (os.path.join(made, name) for name in ("upper", "work"))
        os.mkdir(upper)
        os.mkdir(work)
        yield upper, work
    finally:
        trees.remove(Path(made))


def _output_of(argv: Sequence[str]) -> str:
    bounds = limits.Bounds(timeout=5, output_limit=64 * 1024)
    try:
        outcome = command.run(argv, env={"PATH": "/usr/bin:/bin"}, cwd=Path("/"), bounds=bounds)
    except OSError as error:
        return f"{argv[0]}: {error.strerror}"
    return outcome.output.decode("utf-8", "replace") or (
        "" if outcome.status == 0 else f"exit {outcome.status}"
    )


@contextlib.contextmanager
def _memory(data: bytes) -> Iterator[int]:
    """A file in memory with `data`, for the child to read from its beginning."""
    descriptor = os.memfd_create("git-orch", 0)
    try:
        os.write(descriptor, data)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


def _contents(view: View) -> Iterator[tuple[Path, bytes]]:
    """Paths inside that have other contents than on the host."""
    for share in view.shares:
        for name in share.hidden:
            yield view.site_map.top / share.place / name, b""
    if view.git is None:
        return
    common, git_dir, inside = view.git.common_dir, _git_dir(view.worktree), view.site_map.inside
    own = git_dir / _OF_WORKTREE
    for path in _of_worktrees(common):
        _refuse_link_out(path, common)
    if (common / "config").is_file():
        yield _behind(common / "config", view), view.git_config
    if own.is_file():
        yield inside(own), b"".join(_SPARSE.findall(own.read_bytes()))
    if view.checkout is None:
        return
    if view.git.alternates:  # those that stand there may be seen from where the file was
        stores = [_quoted(inside(path)) for path in view.git.alternates]
        yield inside(common / "objects" / "info" / "alternates"), b"".join(stores)
    if git_dir != view.worktree / ".git" and _pointer(view):
        yield inside(git_dir / "gitdir"), os.fsencode(view.checkout / ".git") + b"\n"
        yield view.checkout / ".git", b"gitdir: " + os.fsencode(inside(git_dir)) + b"\n"
        yield from submodules.contents(git_dir, view.site_map)


def _of_worktrees(common: Path) -> tuple[Path, ...]:
    """The configuration files of single worktrees, whether they are there or not."""
    return (common / _OF_WORKTREE, *sorted(common.glob(f"worktrees/*/{_OF_WORKTREE}")))


def _refuse_link_out(path: Path, common: Path) -> None:
    """Raises UnfitRepository for the configuration of a worktree that is a link to a file outside of
    the repository: the sandbox has nothing there.
    """
    if path.is_symlink() and not path.resolve().is_relative_to(common.resolve()):
        aside = shlex.quote(trees.free_name(f"{path}.aside"))
        raise errors.UnfitRepository(
            f"{sentences.quoted(path)} is a link to {sentences.quoted(os.readlink(path))},"
            " outside of the repository, and commands cannot read that",
            f"mv {shlex.quote(str(path))} {aside} && cp {aside} {shlex.quote(str(path))}",
        )


def _quoted(path: Path) -> bytes:
    """A line of git's file of alternates: with the escapes of C, where something could end it."""
    name = os.fsencode(path)
    if not (name.startswith((b'"', b"#")) or b"\n" in name):
        return name + b"\n"
    escaped = name.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + escaped + b'"\n'


def _git_dir(worktree: Path) -> Path:
    """The git directory that the `.git` of a worktree names; without such a file, the path of the
    missing file.
    """
    pointer = worktree / ".git"
    if not pointer.is_file():
        return pointer
    named = os.fsdecode(pointer.read_bytes().removeprefix(b"gitdir: ").removesuffix(b"\n"))
    return Path(os.path.normpath(worktree / named))


def _null_terminated(options: Sequence[str]) -> bytes:
    return b"".join(os.fsencode(option) + b"\0" for option in options)


# -- the options -----------------------------------------------------------------------------------


def arguments(
    view: View,
    made: Sequence[tuple[Path, int]],
    copy: Copy | None = None,
    plain: frozenset[str] = frozenset(),
) -> list[str]:
    """All options but the command; `made` are paths inside, and the descriptors of files with what
    they have there, `copy` says how long writes to shares last. The shares at the places `plain` can
    only be read.
    """
    doors = Doors.of_now()
    elsewhere = [share for share in view.shares if os.path.isabs(share.place)]
    here = [share for share in view.shares if share not in elsewhere]
    return [
        *_NAMESPACES,
        *([] if view.network else ["--unshare-net"]),
        *_system(view, doors),
        *_temporary(view),
        *_home(view),
        *_readable(view, doors),
        *_writable(view, doors),
        *_shares(elsewhere, view, copy, plain),
        *_files(view, doors),
        *_shares(here, view, copy, plain),
        *(word for path, number in made for word in ("--ro-bind-data", str(number), str(path))),
        "--chdir", str(view.site_map.top),
        "--remount-ro", "/",
    ]  # fmt: skip


def _rights(options: Sequence[str]) -> tuple[list[str], list[str]]:
    """What a command may read, and what it may change, with these options."""
    readable, writable = set[str](), set[str]()
    ends = ["", "", ""]
    for option, following, third, fourth in zip(
        options, [*options[1:], *ends], [*options[2:], *ends], [*options[3:], *ends], strict=False
    ):
        match option:
            case "--ro-bind" | "--ro-bind-data":
                readable.add(third)
            case "--bind":
                writable.add(third)
            case "--overlay":
                writable.add(fourth)
            case "--tmpfs" | "--tmp-overlay":
                writable.add(following)
            case "--proc":
                readable.add(following)
            case "--remount-ro":
                writable.discard(following)
    writable.discard("/")
    # Below what may be changed a right to read adds nothing, and a command line has an end.
    shown = [path for path in outermost(readable | writable) if path in readable]
    return shown, outermost(writable)


def _bind(how: str, path: Path | str, inside: Path | str | None = None) -> list[str]:
    return [how, str(path), str(path if inside is None else inside)]


def _show(path: Path, view: View, doors: Doors) -> list[str]:
    """Show a place of the user's, without the doors in it."""
    inside = view.site_map.inside
    covered = (str(inside(Path(door))) for door in doors.in_shown(str(path)))
    return [*_bind("--ro-bind", path, inside(path)), *_cover(covered)]


def _cover(doors: Iterable[str]) -> Iterator[str]:
    for door in doors:
        yield from ("--ro-bind", os.devnull, door)


def _system(view: View, doors: Doors) -> Iterator[str]:
    for directory in _SYSTEM:
        if os.path.isdir(directory):
            yield from (*_bind("--ro-bind", directory), *_cover(doors.in_programs(directory)))
    for directory in _IN_USR:
        if os.path.islink(directory):
            yield from ("--symlink", os.readlink(directory), directory)
        elif os.path.isdir(directory):
            yield from (*_bind("--ro-bind", directory), *_cover(doors.in_programs(directory)))
    for path, is_directory in private_settings():
        yield from _hide(path) if is_directory else ("--ro-bind", os.devnull, path)
    yield from (
        "--proc",
        "/proc",
        "--remount-ro",
        "/proc",
        "--size",
        str(_SMALL_BYTES),
        "--tmpfs",
        "/run",
    )
    names = os.path.realpath("/etc/resolv.conf")
    if view.network and names.startswith("/run/") and os.path.isfile(names):
        yield from _bind("--ro-bind", names)


def _hide(directory: str) -> list[str]:
    return [
        "--size",
        str(_EMPTY_BYTES),
        "--perms",
        "0755",
        "--tmpfs",
        directory,
        "--remount-ro",
        directory,
    ]


@functools.cache
def private_settings() -> tuple[tuple[str, bool], ...]:
    """The paths in /etc that are not for everybody to read, and whether each is a directory:
    permissions do not hold root back.
    """
    private = []
    for directory in trees.walk(Path("/etc")):
        for name in (*directory.inner, *directory.others):
            try:
                status = os.stat(name, dir_fd=directory.descriptor, follow_symlinks=False)
            except OSError:
                continue  # removed while we looked
            mode = status.st_mode
            needed = stat.S_IROTH | (stat.S_IXOTH if stat.S_ISDIR(mode) else 0)
            if not stat.S_ISLNK(mode) and mode & needed != needed:
                private.append(("/".join(("/etc", *directory.names, name)), stat.S_ISDIR(mode)))
                if stat.S_ISDIR(mode):
                    directory.inner.remove(name)
    return tuple(private)


def _temporary(view: View) -> list[str]:
    shared, own, kept = "/dev/shm", _OWN_TMP, "/var/tmp"  # noqa: S108 - of the sandbox
    memory = ("--perms", "1777", "--size", str(_TMP_BYTES), "--tmpfs")
    # Nothing can be mounted at a path that goes through a link.
    linked = ("--dir", "/var", "--symlink", f"..{own}", kept)
    return [
        "--dev", "/dev", "--perms", "1777", "--size", str(_SHM_BYTES), "--tmpfs", shared,
        "--remount-ro", "/dev", *memory, own,
        *((*memory, kept) if view.site_map.top.is_relative_to(kept) else linked),
    ]  # fmt: skip


def _home(view: View) -> Iterator[str]:
    yield from ("--perms", "0700", "--size", str(_HOME_BYTES), "--tmpfs", str(view.home))
    # What shows the link itself covers this one.
    if view.link is not None and not _shown_anyway(str(view.link)):
        yield from ("--symlink", str(view.checkout), str(view.link))


def _readable(view: View, doors: Doors) -> Iterator[str]:
    """Caches, where the programs on PATH lie, and what the user's configuration adds."""
    common_dir = view.git.common_dir if view.git is not None else None
    # A Python may be installed in ~/.local, beside the keys of other programs.
    private = (view.home / ".local/share", view.home / ".config")
    protected = (view.home, *private, view.worktree, common_dir, view.checkout)
    # An environment may need an interpreter elsewhere.
    own = (os.path.join(share.source, name) for share in view.shares for name in share.programs)
    top = f"{view.site_map.top}/"  # what is below it is covered later
    places = [
        place
        for place in _program_places(os.pathsep.join((view.path, *own)), protected)
        if not place.startswith(top)
    ]
    shown = [*(str(view.home / name) for name in TOOLCHAINS), *places]
    for path in _mount_points(tuple(filter(os.path.isdir, shown)), protected):
        hidden = (*doors.in_programs(path), *_secrets_in(path))
        yield from (*_bind("--ro-bind", path), *_cover(hidden))
    for chosen in view.readable:
        if os.path.exists(chosen):
            yield from _show(chosen, view, doors)


# Asked for each command of a run, and some milliseconds of following links.
@functools.lru_cache
def _program_places(search_path: str, protected: tuple[Path | None, ...]) -> tuple[str, ...]:
    """The directories that show the programs of a PATH and nothing that is `protected`."""
    places: dict[str, None] = {}  # in order, without repetition
    for directory in search_path.split(os.pathsep):
        places |= dict.fromkeys(_prefixes(directory))
    hidden = [path for path in protected if path is not None]
    return tuple(
        place for place in places if not _shown_anyway(place) and not _too_wide(place, hidden)
    )


# Each mount takes a tenth of a millisecond.
@functools.lru_cache
def _mount_points(paths: tuple[str, ...], protected: tuple[Path | None, ...]) -> tuple[str, ...]:
    """The paths without those that another one shows already. Of a link inside another one the
    target is shown: nothing can be mounted on the link.
    """
    hidden = [path for path in protected if path is not None]
    real = {path: os.path.realpath(path) for path in paths}
    points: dict[str, None] = {}
    for path, target in real.items():
        around = [outer for outer in real if path.startswith(f"{outer}/")]
        if not around:
            points[path] = None
            continue
        shown = any(target == real[outer] + path.removeprefix(outer) for outer in around)
        if not shown and not _shown_anyway(target) and not _too_wide(target, hidden):
            points[target] = None
    return tuple(points)


def _writable(view: View, doors: Doors) -> Iterator[str]:
    for path in view.writable:
        yield from _bind_working("--bind", path, view, doors)


def _bind_working(how: str, path: Path, view: View, doors: Doors) -> Iterator[str]:
    """Show a place whose own sockets and FIFOs go on working."""
    inside = view.site_map.inside
    yield from _bind(how, path, inside(path))
    yield from _cover(str(inside(Path(door))) for door in doors.in_worktree(str(path)))


def _shares(
    shares: Iterable[Share], view: View, copy: Copy | None, plain: frozenset[str]
) -> Iterator[str]:
    for share in shares:
        source, place = share.source, str(view.site_map.top / share.place)
        if copy is None or share.place in plain:
            # A cache that its tool cannot write is of no use.
            yield from () if share.cache else _plain(source, place)
        elif copy == "attempt" and view.writes is not None and share.lasting:
            upper, work = (str(path) for path in share_layers(view.writes, share))
            yield from ("--overlay-src", source, "--overlay", upper, work, place)
        else:
            yield from ("--overlay-src", source, "--tmp-overlay", place)


def _plain(source: str, place: str) -> Iterator[str]:
    """A share that can only be read, without the doors in it: in an overlay a socket is another
    one.
    """
    yield from ("--ro-bind", source, place)
    doors = Doors.of_now().in_programs(source)
    yield from _cover(place + door.removeprefix(source) for door in doors)


def _prefixes(directory: str) -> Iterator[str]:
    """A directory of programs, with the whole of the Python or Conda environment, or version
    manager, that it is of.
    """
    yield directory
    above = os.path.dirname(directory)
    # Of pyenv, rbenv, asdf ...: scripts that start programs beside them.
    if os.path.basename(directory) == "shims":
        yield above
    if _is_environment(above):
        yield above
        installed = os.path.dirname(os.path.dirname(os.path.realpath(f"{directory}/python3")))
        if _has_python(installed):
            yield installed


def _has_python(directory: str) -> bool:
    """Whether a Python is installed there: a link of an environment may lead anywhere."""
    library = ("lib*/python*/os.py", "lib/pypy*/os.py", "lib-python/*/os.py")
    return any(any(Path(directory).glob(pattern)) for pattern in library)


def _secrets_in(directory: str) -> Iterator[str]:
    """The files of configuration in an environment that hold a secret."""
    if _is_environment(directory):
        for name in configuration.secret_files(directory, secrecy.secrets()):
            yield f"{directory}/{name}"


def _is_environment(directory: str) -> bool:
    return os.path.isfile(f"{directory}/pyvenv.cfg") or os.path.isdir(f"{directory}/conda-meta")


def _shown_anyway(path: str) -> bool:
    return any(Path(path).is_relative_to(directory) for directory in (*_SYSTEM, *_IN_USR))


def _too_wide(path: str, protected: Sequence[Path]) -> bool:
    """Whether showing `path` would show a home directory, the worktree's surroundings or the whole
    machine.
    """
    real = os.path.realpath(path)
    return any(
        Path(os.path.realpath(hidden)).is_relative_to(real) or hidden.is_relative_to(path)
        for hidden in protected
    )


def _files(view: View, doors: Doors) -> Iterator[str]:
    """The repository and the worktree; where that has the repository in it, that one last: it covers
    what hides.
    """
    common = view.git.common_dir if view.git is not None else None
    if common is not None and view.site_map.inside(common).is_relative_to(view.site_map.top):
        yield from (*_worktree(view, doors), *_repository(view, doors))
    else:
        yield from (*_repository(view, doors), *_worktree(view, doors))


def _repository(view: View, doors: Doors) -> Iterator[str]:
    """The common git directory, read-only as a whole: a bind of single files falls when somebody
    replaces them.
    """
    if view.git is None:
        return
    common, inside = view.git.common_dir, view.site_map.inside
    yield from _show(common, view, doors)
    for directory in _private_directories(view, common):
        yield from _hide(str(inside(directory)))
    # It has credentials where the other configuration file has them.
    for path in _of_worktrees(common):
        if path.is_file() and path.parent != _git_dir(view.worktree):
            yield from ("--ro-bind", os.devnull, str(inside(path)))
    for alternate in view.git.alternates:
        yield from _show(alternate, view, doors)
    for link, real in view.git.links:
        yield from ("--ro-bind", str(real), str(_behind(link, view)))


def _behind(path: Path, view: View) -> Path:
    """The path inside to which a link leads there; of what is no link its own."""
    inside = view.site_map.inside(path)
    if not path.is_symlink():
        return inside
    return Path(os.path.normpath(inside.parent / os.readlink(path)))


def _private_directories(view: View, common: Path) -> list[Path]:
    """The directories of git-orch, and the submodules of other worktrees, whose configuration may
    have credentials.
    """
    places = [common, *sorted(common.glob("worktrees/*"))]
    modules = [place / "modules" for place in places if place != _git_dir(view.worktree)]
    own = (common / "orch", *sorted(common.glob("orch-*")))
    return [path for path in (*own, *modules) if path.is_dir()]


def _worktree(view: View, doors: Doors) -> Iterator[str]:
    how = "--bind" if view.worktree_writable else "--ro-bind"
    yield from _bind_working(how, view.worktree, view, doors)
    common = view.git.common_dir if view.git is not None else None
    # Where the worktree stands elsewhere, the pointer has contents of its own, see _contents.
    pointer = _pointer(view) if view.checkout is None else []
    for path in dict.fromkeys([*pointer, *view.protected]):
        # Our view of the repository has less in it than the directory.
        if common is None or not path.is_relative_to(common):
            yield from _show(path, view, doors)


def _pointer(view: View) -> list[Path]:
    """The `.git` of the worktree, if it is no link."""
    pointer = view.worktree / ".git"
    is_there = pointer.is_file() or pointer.is_dir()
    return [pointer] if view.git is not None and is_there and not pointer.is_symlink() else []


def find(path: str) -> Bubblewrap | None:
    """The bubblewrap on a PATH of absolute directories."""
    program = programs.find("bwrap", path)
    return Bubblewrap(program) if program is not None else None
