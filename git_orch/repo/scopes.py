"""Who said it: a path, a program or a transport in git's configuration counts only from the user's
own scopes, whatever git's own order of precedence is.
"""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, NamedTuple

from git_orch import errors
from git_orch.plans import sentences
from git_orch.repo import git_settings
from git_orch.repo.git_settings import Care

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_OWN = frozenset({"system", "global", "command"})
_WORD = re.compile(rb"[A-Za-z0-9-]+")
_DANGEROUS = git_settings.words()
_LARGEST = 4 * 1024**2  # bytes of a configuration file; git looks at a larger one itself
# Variables that give `git -c` and its kin to git-orch.
_TYPED = ("GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT")
# The settings of the two files that git looks for elsewhere when nobody names them.
USER_FILES = {"core.excludesfile": "ignore", "core.attributesfile": "attributes"}
_ONE_PROGRAM = ("gpg.program", "gpg.openpgp.program")


class Scoped(NamedTuple):
    """A value of git's configuration, with its scope and origin as git prints them; None is a name
    without a value.
    """

    scope: str
    origin: str
    name: str
    value: str | None


class Place(NamedTuple):
    """The place where a git acts: its git directory, the one that all worktrees share, and the work
    tree.
    """

    git_dir: str
    common_dir: str
    top: str | None

    def inside(self) -> tuple[str, ...]:
        """Directories that hold files of the repository: what lies in them may be somebody else's."""
        tops = [self.top] if self.top is not None else []
        if os.path.basename(self.common_dir) == ".git":
            tops.append(os.path.dirname(self.common_dir))
        return (self.git_dir, self.common_dir, *tops, *self._linked())

    def _linked(self) -> Iterator[str]:
        """The linked worktrees."""
        directory = os.path.join(self.common_dir, "worktrees")
        try:
            names = os.listdir(directory)
        except OSError:
            return
        for name in names:
            data = contents(os.path.join(directory, name, "gitdir")) or b""
            named = os.path.join(directory, name, os.fsdecode(data.strip()))
            yield os.path.dirname(os.path.normpath(named))


def place(git_dir: str, top: str | None) -> Place:
    """The place of a git directory."""
    named = contents(os.path.join(git_dir, "commondir")) or b""
    common = os.path.join(git_dir, os.fsdecode(named.strip()))
    return Place(git_dir, os.path.normpath(common), top)


def parse(listed: bytes) -> tuple[Scoped, ...]:
    """The settings that `git config --list --show-scope --show-origin -z` printed."""
    fields = listed.decode("utf-8", "surrogateescape").split("\0")
    items = zip(fields[::3], fields[1::3], fields[2::3], strict=False)
    return tuple(_scoped(*item) for item in items)


def _scoped(scope: str, origin: str, item: str) -> Scoped:
    name, newline, value = item.partition("\n")
    return Scoped(scope, origin, name, value if newline else None)


def is_own(setting: Scoped, inside: Sequence[str], variables: Mapping[str, str]) -> bool:
    """Whether a setting is the user's own: of one of their scopes, and not from a file inside one of
    these directories. Their own file counts also where their home directory is the repository.
    """
    if setting.scope not in _OWN:
        return False
    file = setting.origin.removeprefix("file:")
    if file == setting.origin or file in _global_files(variables):
        return True
    real = os.path.realpath(file)
    return not any(_is_below(real, os.path.realpath(directory)) for directory in inside)


def _is_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _global_files(variables: Mapping[str, str]) -> tuple[str, ...]:
    home = os.path.expanduser("~")
    xdg = variables.get("XDG_CONFIG_HOME") or f"{home}/.config"
    return (variables.get("GIT_CONFIG_GLOBAL", ""), f"{home}/.gitconfig", f"{xdg}/git/config")


# -- what a call has to outvote --------------------------------------------------------------------


class _Memory(NamedTuple):
    """What was asked of git, for as long as the files of the configuration are those they were.

    `included` are files that others of them name, by the git directory.
    """

    listed: dict[object, tuple[Scoped, ...]]
    outvoted: dict[object, Mapping[str, str | None]]
    included: dict[str, tuple[str, ...]]


_memory = _Memory({}, {}, {})


def settings(
    where: Place, variables: Mapping[str, str], list_all: Callable[[], bytes]
) -> tuple[Scoped, ...]:
    """All of git's configuration there, as `list_all` has it printed by git."""
    key = (where.git_dir, _signature(where, variables))
    if key not in _memory.listed:
        listed = parse(list_all())
        _memory.included[where.git_dir] = tuple(_included(where, listed))
        key = (where.git_dir, _signature(where, variables))
        _memory.listed[key] = listed
    return _memory.listed[key]


def outvoted(
    where: Place, variables: Mapping[str, str], list_all: Callable[[], bytes]
) -> Mapping[str, str | None]:
    """The settings by which a call of git has to outvote the repository's, by name: the user's own
    value or what stands for none. git is asked for all there are, where that is needed.

    Raises Refused for a repository that has its refs kept elsewhere.
    """
    key = (where, _signature(where, variables))
    if key not in _memory.outvoted:
        dangerous = _may_be_dangerous(where, variables)
        result = (
            _outvote(where, settings(where, variables, list_all), variables) if dangerous else {}
        )
        key = (where, _signature(where, variables))
        _memory.outvoted[key] = result
    return _memory.outvoted[key]


def _signature(where: Place, variables: Mapping[str, str]) -> tuple[object, ...]:
    """What changes when the configuration does."""
    typed: list[object] = [variables.get(name) for name in _TYPED]
    if "GIT_CONFIG_COUNT" in variables:
        typed += [item for item in variables.items() if item[0].startswith("GIT_CONFIG_")]
    files = (*_repository_files(where), *_shared_files(variables))
    included = _memory.included.get(where.git_dir, ())
    return (tuple(typed), tuple((file, _stamp(file)) for file in (*files, *included)))


def _included(where: Place, settings: Sequence[Scoped]) -> Iterator[str]:
    """The files that decide, beside the usual ones, what these settings are: included ones, whether
    they are there or not, and HEAD where that is a condition.
    """
    for setting in settings:
        section, _, rest = setting.name.partition(".")
        if section.encode("utf-8", "surrogateescape") not in git_settings.INCLUDING:
            continue
        directory = os.path.dirname(setting.origin.removeprefix("file:"))
        yield os.path.join(directory, os.path.expanduser(setting.value or ""))
        if rest.startswith("onbranch:"):
            yield f"{where.git_dir}/HEAD"


def _may_be_dangerous(where: Place, variables: Mapping[str, str]) -> bool:
    """Whether some file has a word that a setting to be outvoted has in it. The words of a setting's
    name stand in its file as they are, whatever else git makes of the file.
    """
    if any(name in variables for name in _TYPED):
        return True
    if any(_has(file, _DANGEROUS) for file in _repository_files(where)):
        return True
    shared = git_settings.INCLUDING | {b"hook"}
    return any(_has(file, shared) for file in _shared_files(variables))


def _shared_files(variables: Mapping[str, str]) -> tuple[str, ...]:
    system = variables.get("GIT_CONFIG_SYSTEM", "/etc/gitconfig")
    return tuple(file for file in (*_global_files(variables), system) if file)


def mentions(where: Place, variables: Mapping[str, str], words: frozenset[bytes]) -> bool:
    """Whether one of these words, in lower case, stands in a file of the configuration, or may be
    typed.
    """
    files = (*_repository_files(where), *_shared_files(variables))
    return any(name in variables for name in _TYPED) or any(_has(file, words) for file in files)


def user_mentions(variables: Mapping[str, str], words: frozenset[bytes]) -> bool:
    """The same, of the files that are the user's own."""
    files = _shared_files(variables)
    return any(name in variables for name in _TYPED) or any(_has(file, words) for file in files)


def _repository_files(where: Place) -> tuple[str, str]:
    return f"{where.common_dir}/config", f"{where.git_dir}/config.worktree"


def _has(file: str, words: frozenset[bytes]) -> bool:
    data = contents(file)
    if data is None:
        return os.path.lexists(file)
    return not words.isdisjoint(_WORD.findall(data.lower()))


def contents(file: str) -> bytes | None:
    """The contents of a plain file; None where there is no such, or a large one."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        data = os.read(descriptor, _LARGEST)
    finally:
        os.close(descriptor)
    return data if len(data) < _LARGEST else None


def _stamp(file: str) -> tuple[int, ...] | None:
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _outvote(
    where: Place, settings: Sequence[Scoped], variables: Mapping[str, str]
) -> Mapping[str, str | None]:
    inside = where.inside()
    own: dict[str, str | None] = {}
    others: dict[str, str | None] = {}
    for setting in settings:
        values = own if is_own(setting, inside, variables) else others
        values[setting.name] = setting.value
    _refuse_elsewhere(others)
    votes = {
        name: own.get(name, _none(name, own, variables))
        for name, value in others.items()
        if git_settings.matches(name, Care.OWN, Care.DRIVER)
        and not (name in own and own[name] == value)
    }
    if not _is_path_of_key(own, others):
        votes.pop("user.signingkey", None)
    for name in git_settings.hooks([*own, *others]):
        votes[f"hook.{name}.enabled"] = "false"
    return votes


def _none(name: str, own: Mapping[str, str | None], variables: Mapping[str, str]) -> str:
    """What stands for a setting that the user does not have."""
    if name in USER_FILES:
        return default_file(name, variables)
    if name in _ONE_PROGRAM:  # two names for one thing
        return next((own[other] or "" for other in _ONE_PROGRAM if own.get(other)), "gpg")
    return git_settings.none(name)


def default_file(name: str, variables: Mapping[str, str]) -> str:
    """The file that git reads where nobody sets this one of USER_FILES."""
    base = variables.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return f"{base}/git/{USER_FILES[name]}"


def _is_path_of_key(own: Mapping[str, str | None], others: Mapping[str, str | None]) -> bool:
    """Whether the repository's user.signingKey names a file: with OpenPGP it is the name of a key
    that the user has, and a key may be written out.
    """
    values = {**own, **others}
    key = values.get("user.signingkey") or ""
    return values.get("gpg.format") == "ssh" and not key.startswith(("key::", "ssh-"))


def _refuse_elsewhere(others: Mapping[str, str | None]) -> None:
    storage = others.get("extensions.refstorage") or ""
    if "://" in storage:
        raise errors.Refused(
            "the repository's own configuration keeps its refs elsewhere: "
            f"{sentences.quoted(storage)}",
            "git config --local --show-origin extensions.refStorage",
        )
