"""Lock files and manifests: the files of a tree that say which dependencies it has.

A manifest says more than that. Of package.json and pyproject.toml only what decides about installed
packages counts, so that a new script or a linter's setting is no change of dependencies.
"""

from __future__ import annotations

import fnmatch
import json
import tomllib
from collections.abc import Iterable, Iterator
from typing import Any

_PYTHON = (
    "pyproject.toml", "uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile",
    "Pipfile.lock", "requirements*.txt", "*requirements.txt", "constraints*.txt", "setup.py", "setup.cfg",
    "environment.yml", "environment.yaml", "pixi.toml", "pixi.lock", "tox.ini", "noxfile.py",
    ".python-version",
)  # fmt: skip
_NODE = (
    "package.json", "package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml",
    "pnpm-workspace.yaml", "yarn.lock", ".yarnrc.yml", "bun.lock", "bun.lockb", "bower.json",
)  # fmt: skip
_RUBY = ("Gemfile", "Gemfile.lock", "gems.rb", "gems.locked", "*.gemspec", ".ruby-version")
_OTHERS = (
    "composer.json", "composer.lock", "go.mod", "go.sum", "Cargo.toml", "Cargo.lock", "mix.exs",
    "mix.lock", "Podfile", "Podfile.lock", "cpanfile", "cpanfile.snapshot", "renv.lock",
)  # fmt: skip
EVERYTHING = (*_PYTHON, *_NODE, *_RUBY, *_OTHERS)
_OF_PLACES = {
    "node_modules": _NODE,
    "bower_components": _NODE,
    ".pnpm-store": _NODE,
    ".pnp.cjs": _NODE,
    ".pnp.loader.mjs": _NODE,
    "cache": _NODE,  # of .yarn
    "unplugged": _NODE,
    "install-state.gz": _NODE,
    ".tox": _PYTHON,
    ".nox": _PYTHON,
    ".eggs": _PYTHON,
    "__pypackages__": _PYTHON,
    ".pixi": _PYTHON,
    "bundle": _RUBY,  # of vendor
    ".bundle": _RUBY,
    "vendor": ("composer.json", "composer.lock", "go.mod", "go.sum", "Cargo.toml", "Cargo.lock"),
    "deps": ("mix.exs", "mix.lock"),
    "Pods": ("Podfile", "Podfile.lock"),
    "local": ("cpanfile", "cpanfile.snapshot"),
    "library": ("renv.lock",),
}
_TELLING = (
    (
        _PYTHON,
        frozenset({"pyproject.toml", "requirements.txt", "setup.py", "Pipfile", "uv.lock"}),
    ),
    (_NODE, frozenset({"package.json"})),
    (_RUBY, frozenset({"Gemfile", "gems.rb"})),
)
# Of package.json; of its scripts those that installing runs.
_OF_PACKAGE = (
    "name", "dependencies", "devDependencies", "peerDependencies", "optionalDependencies",
    "bundledDependencies", "bundleDependencies", "peerDependenciesMeta", "dependenciesMeta",
    "workspaces", "overrides", "resolutions", "pnpm", "packageManager", "bin", "engines", "os",
    "cpu",
)  # fmt: skip
_SCRIPTS = ("preinstall", "install", "postinstall", "prepare", "preprepare", "postprepare")
# Of [project] in pyproject.toml.
_TEXTS = (
    "version", "description", "readme", "license", "license-files", "authors", "maintainers",
    "keywords", "classifiers", "urls",
)  # fmt: skip
_TOOLS = (
    "uv", "poetry", "pdm", "hatch", "setuptools", "setuptools_scm", "flit", "maturin", "pixi",
    "rye", "scikit-build", "meson-python", "conda-lock",
)  # fmt: skip


def patterns_of(place: str, *, environment: bool) -> tuple[str, ...]:
    """The names of the files that decide what is in a directory of dependencies; `environment` says
    that it is one of Python.
    """
    return _PYTHON if environment else _OF_PLACES.get(place.rpartition("/")[2], ())


def needed(names: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """The kinds of dependencies that a project with these files at its root has installed in its
    tree, as `patterns_of` gives them.
    """
    listed = frozenset(names)
    for patterns, telling in _TELLING:
        if telling & listed:
            yield patterns


def is_one(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a file of this name is one of those."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def essence(name: str, data: bytes) -> bytes:
    """The part of a file that says which dependencies there are; all of one that cannot be read."""
    plain = data.replace(b"\r\n", b"\n")
    match name.rpartition("/")[2]:
        case "package.json":
            return _of_package(plain)
        case "pyproject.toml":
            return _of_project(plain)
        case _:
            return plain


def _of_package(data: bytes) -> bytes:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return data
    if not isinstance(document, dict):
        return data
    kept = {name: document[name] for name in _OF_PACKAGE if name in document}
    scripts = document.get("scripts")
    if isinstance(scripts, dict):
        kept |= {f"scripts.{name}": scripts[name] for name in _SCRIPTS if name in scripts}
    return _text(kept)


def _of_project(data: bytes) -> bytes:
    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return data
    kept: dict[str, Any] = {}
    for name, value in document.items():
        if name == "project" and isinstance(value, dict):
            kept |= {f"project.{key}": value[key] for key in value if key not in _TEXTS}
        elif name == "tool" and isinstance(value, dict):
            kept |= {f"tool.{key}": value[key] for key in _TOOLS if key in value}
        else:
            kept[name] = value
    return _text(kept)


def _text(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, default=str).encode("utf-8", "surrogatepass")
