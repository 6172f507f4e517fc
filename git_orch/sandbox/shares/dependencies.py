"""The directories of a checkout that hold its dependencies: by name and by what is in them.

Build outputs (`dist`, `build`, `target`, `.next`, `_build`, `*.egg-info`, extensions built in place)
are none of them: what an old tree was built into could make a check of a new one pass. The metadata
of a package that an environment has by `setup.py develop` is the exception: it lies in the source
tree, is as much a part of that environment as what lies in its `site-packages`, and without it no
entry point of the package is found.

No walk goes through all files: the upper levels are looked at, and the workspaces that package.json,
pnpm-workspace.yaml and lerna.json name.
"""

from __future__ import annotations

import fnmatch
import itertools
import json
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from git_orch.sandbox.walls.view import Share

_LEVELS = 3  # of directories whose entries are looked at
_MOST = 1_000  # directories that are looked at
_MOST_ENTRIES = 100_000  # in these
_MOST_NAMES = 20_000  # that patterns are compared with, or that are looked into
_LONGEST = 256  # characters of a pattern; no name of a file is longer
_LARGEST = 1024**2  # bytes of a file that names workspaces
# Nothing of the project's dependencies is below these, or it is found otherwise.
_CLOSED = frozenset({
    ".git", "node_modules", "target", "build", "dist", "out", ".next", "_build", "__pycache__",
    ".cache", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".idea", ".vscode",
})  # fmt: skip
# From the third level on, an environment has to be called like one.
_LIKE_AN_ENVIRONMENT = re.compile(r"^\.|env|py|conda")
_GLOB = re.compile(r"[*?\[]")


class _Kind(NamedTuple):
    """Dependencies in a directory, or in a file, of a certain name: `inside` are paths of which one
    is in it, `beside` names of which one is beside it. `programs` are patterns of directories in it.
    """

    inside: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()


# By name, or by a path of two names.
_KINDS: dict[str, _Kind] = {
    "node_modules": _Kind(
        (".package-lock.json", ".modules.yaml", ".yarn-integrity", ".yarn-state.yml", ".bin"),
        ("package.json",),
        (".bin",),
    ),
    "bower_components": _Kind(beside=("bower.json",)),
    ".yarn/cache": _Kind(beside=("../yarn.lock",)),
    ".yarn/unplugged": _Kind(beside=("../yarn.lock",)),
    ".yarn/install-state.gz": _Kind(beside=("../yarn.lock",)),
    ".pnp.cjs": _Kind(beside=("package.json",)),
    ".pnp.loader.mjs": _Kind(beside=("package.json",)),
    ".pnpm-store": _Kind(beside=("package.json",)),
    ".tox": _Kind(("*/pyvenv.cfg",)),
    ".nox": _Kind(("*/pyvenv.cfg",)),
    ".eggs": _Kind(("README.txt", "*.egg")),
    "__pypackages__": _Kind(("*/lib",), programs=("*/bin",)),
    ".pixi": _Kind(("envs",), programs=("envs/default/bin",)),
    "vendor/bundle": _Kind(("ruby", "jruby"), programs=("*ruby/*/bin",)),
    ".bundle": _Kind(("config", "ruby", "plugin")),
    "vendor": _Kind(("autoload.php", "modules.txt", "*/.cargo-checksum.json"), programs=("bin",)),
    "deps": _Kind(beside=("mix.exs",)),
    "Pods": _Kind(("Manifest.lock",)),
    "local": _Kind(("lib/perl5",), programs=("bin",)),
    "library": _Kind(beside=("activate.R",)),
}
_ENVIRONMENT = ("pyvenv.cfg", "conda-meta")
# Of a link the target has to be one of these: it may be anywhere.
_MAY_BE_LINKED = ("node_modules",)

_T = TypeVar("_T")
LeftOut = Callable[[Sequence[str]], "frozenset[str]"]


def find(checkout: str, left_out: LeftOut) -> tuple[Share, ...]:
    """The dependencies of a checkout that are no part of its repository; `left_out` tells which of
    some paths these are, and is asked at most once.
    """
    checkout = os.path.realpath(checkout)
    candidates = list(_candidates(checkout))
    if not candidates:
        return ()
    candidates += _developed(checkout, candidates)
    candidates = [share for share in candidates if _is_inside(checkout, share)]
    if not candidates:
        return ()
    apart = left_out([share.place for share in candidates])
    chosen: dict[str, Share] = {}
    for share in sorted(candidates, key=lambda share: (share.place.count("/"), share.place)):
        above = share.place.split("/")[:-1]
        covered = any("/".join(above[:count]) in chosen for count in range(1, len(above) + 1))
        if share.place in apart and not covered:
            chosen[share.place] = share
    return tuple(chosen.values())


def of_directory(checkout: str, place: str) -> Share | None:
    """The share for a directory of the checkout that the user names, whatever is in it."""
    checkout = os.path.realpath(checkout)
    path = os.path.join(checkout, place)
    share = _share(checkout, place, _kind_of(place)) or _plain(path, place)
    return share if share is not None and _is_inside(checkout, share) else None


def of_layer(files: str, place: str) -> Share | None:
    """The share for a path of a layer, whatever is there but a link: a command made it, and may have
    led it anywhere.
    """
    top = os.path.realpath(files)
    path = os.path.join(top, place)
    if os.path.realpath(path) != path or not os.path.exists(path):
        return None
    return _share(top, place, _kind_of(place)) or Share(place, path, place)


def _is_inside(checkout: str, share: Share) -> bool:
    """Whether no link leads out of the checkout on the way to a share. The last name may be a link,
    to what `_share` saw there, unless all of the checkout is there.
    """
    path = os.path.join(checkout, share.place)
    above = os.path.dirname(path)
    if share.source == path:
        return os.path.realpath(path) == path
    return os.path.realpath(above) == above and not f"{checkout}/".startswith(f"{share.source}/")


def _plain(path: str, place: str) -> Share | None:
    return Share(place, path, place) if os.path.isdir(path) and not os.path.islink(path) else None


# -- where to look ---------------------------------------------------------------------------------


def _candidates(checkout: str) -> Iterator[Share]:
    waiting = ["", *_workspaces(checkout)]
    seen = set(waiting)
    entries, names = _Budget(_MOST_ENTRIES), _Budget(_MOST_NAMES)
    for directory in waiting:  # grows while we look
        found = _directories(os.path.join(checkout, directory), directory, entries)
        for name, may_be_entered in names.taken(found):
            place = f"{directory}/{name}" if directory else name
            share = _share(checkout, place, _kind_of(place))
            if share is not None:
                yield share
            elif may_be_entered and place not in seen and place.count("/") + 1 < _LEVELS:
                seen.add(place)
                if len(waiting) < _MOST:
                    waiting.append(place)


class _Budget:
    """The number of things still to look at: a hostile repository may have any number."""

    def __init__(self, left: int) -> None:
        self._left = left

    def taken(self, things: Iterable[_T]) -> Iterator[_T]:
        """The things, as long as there is something left."""
        for thing in things:
            if self._left <= 0:
                return
            self._left -= 1
            yield thing


def _directories(path: str, place: str, budget: _Budget) -> list[tuple[str, bool]]:
    """The names in a directory that may be dependencies, and whether these may be below them: there
    are none below links, and none of ours in another repository.
    """
    is_deep = "/" in place
    names = []
    try:
        with os.scandir(path) as entries:
            for entry in budget.taken(entries):
                if place and entry.name == ".git":
                    return []
                is_one = entry.name in _KINDS or f"{os.path.basename(path)}/{entry.name}" in _KINDS
                is_directory = entry.is_dir(follow_symlinks=False)
                may_be_entered = is_directory and entry.name not in _CLOSED
                # To look into each one of thousands takes its time.
                if is_one or (
                    (is_directory or entry.is_symlink())
                    and not (is_deep and not _LIKE_AN_ENVIRONMENT.search(entry.name))
                ):
                    names.append((entry.name, may_be_entered))
    except OSError:
        return []
    return names


def _kind_of(place: str) -> _Kind | None:
    last_two = "/".join(place.split("/")[-2:])
    return _KINDS.get(last_two) or _KINDS.get(os.path.basename(place))


# -- what is in it ---------------------------------------------------------------------------------


def _share(checkout: str, place: str, kind: _Kind | None) -> Share | None:
    path = os.path.join(checkout, place)
    linked = os.path.islink(path)
    source = os.path.realpath(path) if linked else path
    if any(os.path.exists(os.path.join(source, name)) for name in _ENVIRONMENT):
        return Share(
            place, source, place, _inside(source, ["bin"]), environment=True, linked=linked
        )
    if kind is None or not _is_of(path, source, kind):
        return None
    if linked and not (os.path.basename(place) in _MAY_BE_LINKED and _has(source, kind.inside)):
        return None
    programs = [
        inner for pattern in kind.programs for inner in _matches(source, pattern.split("/"))
    ]
    return Share(place, source, place, _inside(source, programs), linked=linked)


def _inside(source: str, names: Iterable[str]) -> tuple[str, ...]:
    """Those of these paths that no link leads out of a directory."""
    top = os.path.realpath(source)
    real = {name: os.path.realpath(os.path.join(top, name)) for name in names}
    return tuple(name for name, path in real.items() if path.startswith(f"{top}/"))


def _is_of(path: str, source: str, kind: _Kind) -> bool:
    if not os.path.exists(source):
        return False
    above = os.path.dirname(path)
    if _has(source, kind.inside):
        return True
    is_empty = os.path.isdir(source) and not _listed(source)
    return not is_empty and any(
        os.path.exists(os.path.normpath(os.path.join(above, name))) for name in kind.beside
    )


def _has(directory: str, patterns: Sequence[str]) -> bool:
    return any(_matches(directory, pattern.split("/")) for pattern in patterns)


def _matches(directory: str, parts: Sequence[str], budget: _Budget | None = None) -> list[str]:
    """The paths below a directory that match a pattern of so many names, relative to it. No part
    with a wildcard stands for a link.
    """
    budget = budget or _Budget(_MOST_NAMES)
    places = [""]
    for part in parts:
        if len(part) > _LONGEST:
            return []
        fits = re.compile(fnmatch.translate(part)).match
        is_pattern = _GLOB.search(part) is not None
        longer = []
        for place in budget.taken(places):
            around = os.path.join(directory, place)
            names = budget.taken(_no_links(around)) if is_pattern else [part]
            longer += [
                os.path.join(place, name)
                for name in names
                if not is_pattern or fits(name)
                if is_pattern or os.path.exists(os.path.join(around, name))
            ]
        places = longer
    return places


def _no_links(directory: str) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            some = itertools.islice(entries, _MOST_NAMES)
            return sorted(entry.name for entry in some if not entry.is_symlink())
    except OSError:
        return []


def _listed(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []


def _developed(checkout: str, candidates: Sequence[Share]) -> Iterator[Share]:
    """The metadata of packages that an environment has from the checkout by `setup.py develop`."""
    for share in candidates:
        if not share.environment:
            continue
        for link in _matches(share.source, ["lib", "python*", "site-packages", "*.egg-link"]):
            place = _read(os.path.join(share.source, link)).split("\n")[0]
            absolute = os.path.isabs(place) and "\0" not in place
            place = os.path.realpath(place) if absolute else "/"
            inside = os.path.relpath(place, checkout)
            if inside.split("/")[0] == "..":
                continue
            for name in _matches(place, ["*.egg-info"]):
                relative = os.path.normpath(os.path.join(inside, name))
                yield Share(relative, os.path.join(checkout, relative), relative)


# -- workspaces ------------------------------------------------------------------------------------


def _workspaces(checkout: str) -> list[str]:
    """The directories that the root of the checkout names as its workspaces."""
    patterns = [*_of_json(checkout, "package.json"), *_of_json(checkout, "lerna.json")]
    patterns += _of_pnpm(_read(os.path.join(checkout, "pnpm-workspace.yaml")))
    budget = _Budget(_MOST_NAMES)
    workspaces: dict[str, None] = {}
    for pattern in patterns[:_MOST]:
        parts = [part for part in pattern.split("/") if part not in ("", ".")]
        if pattern.startswith("!") or ".." in parts or not parts:
            continue
        # Of `**` one level: what is deeper is a rare thing, and the upper levels are looked at.
        plain = ["*" if part == "**" else part for part in parts]
        for place in _matches(checkout, plain, budget):
            path = os.path.join(checkout, place)
            if len(workspaces) < _MOST and os.path.isdir(path) and os.path.realpath(path) == path:
                workspaces[place] = None
    return list(workspaces)


def _of_pnpm(text: str) -> Iterator[str]:
    """The entries of the list `packages` in the YAML of pnpm."""
    is_open = False
    for line in text.splitlines():
        entry = line.strip()
        if entry.startswith("-"):
            value = entry[1:].strip()
            quote = value[:1]
            value = value[1:].partition(quote)[0] if quote in ("'", '"') else value.split(" #")[0]
            if is_open and value:
                yield value.strip()
        elif entry and not entry.startswith("#"):
            is_open = entry.startswith("packages:")


def _of_json(checkout: str, name: str) -> list[str]:
    try:
        document = json.loads(_read(os.path.join(checkout, name)) or "{}")
    except (ValueError, RecursionError):
        return []
    if not isinstance(document, dict):
        return []
    listed = document.get("workspaces", document.get("packages"))
    if isinstance(listed, dict):
        listed = listed.get("packages")
    return [entry for entry in listed if isinstance(entry, str)] if isinstance(listed, list) else []


def _read(path: str) -> str:
    """The text of a plain file; empty for anything else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    with os.fdopen(descriptor, "rb") as file:
        is_plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return file.read(_LARGEST).decode("utf-8", "replace") if is_plain else ""
