"""The caches and the configuration of the user's tools, as far as commands may see them.

A cache is seen where the tool looks for it; where a variable of the user's says that it is
elsewhere, there, and commands get the variable. No directory here holds credentials: those lie
beside it. A file of configuration is shown if nothing in it looks like a secret.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from git_orch.sandbox import configuration
from git_orch.sandbox.walls.view import Share


class _Cache(NamedTuple):
    """The cache of a tool, below the home directory. A variable of `variables` names the directory
    that its part of the path is below. With `reads` the tool can use a cache that it cannot write;
    what is `fixed` no step has to change.
    """

    tool: str
    below_home: str
    variables: tuple[tuple[str, str], ...] = ()
    reads: bool = False
    fixed: bool = False


_CACHES = (
    _Cache("go", ".cache/go-build", (("GOCACHE", ""),)),
    _Cache("go", "go/pkg/mod", (("GOMODCACHE", ""), ("GOPATH", "pkg/mod")), reads=True),
    _Cache("cargo", ".cargo/registry", (("CARGO_HOME", "registry"),), reads=True),
    _Cache("cargo", ".cargo/git", (("CARGO_HOME", "git"),), reads=True),
    _Cache("rustup", ".rustup", (("RUSTUP_HOME", ""),), reads=True, fixed=True),
    _Cache("npm", ".npm/_cacache", (("npm_config_cache", "_cacache"), ("NPM_CONFIG_CACHE", "_cacache"))),
    _Cache("node-gyp", ".cache/node-gyp"),
    _Cache("pnpm", ".local/share/pnpm/store"),
    _Cache("pnpm", ".cache/pnpm"),
    _Cache("yarn", ".cache/yarn", (("YARN_CACHE_FOLDER", ""),)),
    _Cache("yarn", ".yarn/berry", (("YARN_GLOBAL_FOLDER", ""),)),
    _Cache("corepack", ".cache/node/corepack", (("COREPACK_HOME", ""),)),
    _Cache("bun", ".bun/install/cache", (("BUN_INSTALL_CACHE_DIR", ""), ("BUN_INSTALL", "install/cache"))),
    _Cache("deno", ".cache/deno", (("DENO_DIR", ""),)),
    _Cache("pip", ".cache/pip", (("PIP_CACHE_DIR", ""),)),
    _Cache("uv", ".cache/uv", (("UV_CACHE_DIR", ""),)),
    _Cache("poetry", ".cache/pypoetry", (("POETRY_CACHE_DIR", ""),), reads=True),
    _Cache("pipenv", ".local/share/virtualenvs", (("WORKON_HOME", ""),), reads=True),
    _Cache("hatch", ".local/share/hatch/env", reads=True),
    _Cache("pre-commit", ".cache/pre-commit", (("PRE_COMMIT_HOME", ""),)),
    _Cache("maven", ".m2/repository", reads=True),
    _Cache("maven", ".m2/wrapper", reads=True),
    _Cache("gradle", ".gradle/caches", (("GRADLE_USER_HOME", "caches"),)),
    _Cache("gradle", ".gradle/wrapper", (("GRADLE_USER_HOME", "wrapper"),)),
    _Cache("sbt", ".ivy2/cache"),
    _Cache("coursier", ".cache/coursier", (("COURSIER_CACHE", ""),)),
    _Cache("bundler", ".bundle/cache"),
    _Cache("gem", ".local/share/gem", reads=True),
    _Cache("gem", ".gem/ruby", reads=True),
    _Cache("composer", ".cache/composer", (("COMPOSER_CACHE_DIR", ""), ("COMPOSER_HOME", "cache"))),
    _Cache("nuget", ".nuget/packages", (("NUGET_PACKAGES", ""),), reads=True),
    _Cache("hex", ".hex/packages", (("HEX_HOME", "packages"),), reads=True),
    _Cache("hex", ".hex/cache.ets", (("HEX_HOME", "cache.ets"),), reads=True),
    _Cache("mix", ".mix/elixir", reads=True),
    _Cache("mix", ".mix/archives", reads=True),
    _Cache("dart", ".pub-cache", (("PUB_CACHE", ""),)),
    _Cache("ccache", ".cache/ccache", (("CCACHE_DIR", ""),)),
    _Cache("sccache", ".cache/sccache", (("SCCACHE_DIR", ""),)),
    _Cache("zig", ".cache/zig", (("ZIG_GLOBAL_CACHE_DIR", ""),)),
    _Cache("playwright", ".cache/ms-playwright", (("PLAYWRIGHT_BROWSERS_PATH", ""),), reads=True, fixed=True),
)  # fmt: skip

# Tools that put what they build into their cache, not what they fetch: much, and wanted again.
_FILLED = frozenset({"go", "gradle", "ccache", "sccache", "zig"})
# Variables of the user's that have a say in where these are.
VARIABLES = frozenset(name for cache in _CACHES for name, _ in cache.variables)

_CONFIGURATION = (
    ".cargo/config.toml", ".cargo/config", ".config/go/env", ".npmrc", ".yarnrc", ".yarnrc.yml",
    ".config/pnpm/rc", ".bunfig.toml", ".config/pip/pip.conf", ".pip/pip.conf", ".config/uv/uv.toml",
    ".config/pypoetry/config.toml", ".condarc", ".m2/settings.xml", ".mavenrc",
    ".gradle/gradle.properties", ".gradle/init.gradle", ".bundle/config", ".gemrc",
    ".config/composer/config.json", ".nuget/NuGet/NuGet.Config", ".mix/config.exs",
)  # fmt: skip


class Tools(NamedTuple):
    """The files of the user's tools that commands see: caches, files of configuration, and
    variables that say where these are. `hidden` are files of configuration that hold a secret, or
    may.
    """

    caches: tuple[Share, ...] = ()
    shown: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    variables: Mapping[str, str] = {}


def find(home: str, source: Mapping[str, str], secrets: Sequence[str]) -> Tools:
    """What there is for the user with this home directory, whose variables are `source`."""
    caches: list[Share] = []
    variables: dict[str, str] = {}
    settings = {**_go_settings(home), **source}
    for cache in _CACHES:
        place, variable = _place_of(cache, home, settings)
        origin = place
        if variable is None and cache.below_home.startswith(".cache/"):
            below = cache.below_home.removeprefix(".cache/")
            origin = os.path.join(
                _absolute(source.get("XDG_CACHE_HOME")) or f"{home}/.cache", below
            )
        if not os.path.exists(origin) or _is_wide(origin, home):
            continue
        real = os.path.realpath(origin)
        caches.append(
            Share(
                cache.tool,
                real,
                place,
                cache=not cache.reads,
                fixed=cache.fixed,
                lasting=cache.tool in _FILLED,
            )
        )
        if variable is not None:
            variables[variable] = settings[variable]
    files = [path for name in _CONFIGURATION if os.path.isfile(path := os.path.join(home, name))]
    hidden = tuple(path for path in files if configuration.holds_secret(path, secrets))
    shown = tuple(path for path in files if path not in hidden)
    return Tools(tuple(caches), shown, hidden, variables)


def _place_of(cache: _Cache, home: str, settings: Mapping[str, str]) -> tuple[str, str | None]:
    """Where the tool has its cache, and the variable that says so."""
    for variable, below in cache.variables:
        chosen = _absolute(settings.get(variable, "").split(os.pathsep)[0])
        if chosen is not None:
            return os.path.normpath(os.path.join(chosen, below)), variable
    return os.path.join(home, cache.below_home), None


def _absolute(path: str | None) -> str | None:
    return path if path and os.path.isabs(path) else None


def _is_wide(path: str, home: str) -> bool:
    """Whether the home directory lies below it: a variable may name anything."""
    real = os.path.realpath(path)
    return os.path.realpath(home).startswith(f"{real.rstrip(os.sep)}{os.sep}") or real == home


def _go_settings(home: str) -> dict[str, str]:
    """The places that `go env -w` has written down."""
    text = configuration.text(os.path.join(home, ".config/go/env")) or ""
    pairs = (line.partition("=")[::2] for line in text.splitlines())
    return {name: value for name, value in pairs if name in ("GOPATH", "GOCACHE", "GOMODCACHE")}
