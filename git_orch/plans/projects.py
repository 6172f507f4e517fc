"""The tools of a project, by the names and texts of its files: the command that installs its
dependencies, and the one that tests it.

The files are anybody's. They choose among the commands that stand here, and put nothing into them.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

# Files whose text decides something; whoever asks has to read no others.
READ = ("package.json", "pyproject.toml", "requirements.txt", "Makefile", "tox.ini", "setup.cfg")
_MOST_PARTS = 5
_PLAIN = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_./-]*")
_NOT_OURS = frozenset({"node_modules", "vendor", "third_party", "examples", "fixtures", "testdata"})
_PYTHON = "python3 -m venv .venv && .venv/bin/python -m pip install"
_MORE_REQUIREMENTS = (
    "requirements-dev.txt",
    "requirements-test.txt",
    "dev-requirements.txt",
    "test-requirements.txt",
    "requirements_dev.txt",
    "requirements/dev.txt",
    "requirements/test.txt",
)
_TESTS = ("test", "tests", "testing", "dev")  # names that projects give to what their tests need


class Part(NamedTuple):
    """Dependencies of a project, or of a directory in it: `file` says which, `command` installs
    them into the worktree. Without one a cache of the user holds them, and `fill` fills it.
    """

    file: str
    command: str | None
    fill: str | None = None


class Project(NamedTuple):
    """The dependencies of a project and the command that tests it, as far as its files say."""

    parts: tuple[Part, ...]
    test: str | None

    @property
    def setup(self) -> str | None:
        """The command line that installs all of it; None where nothing is to be installed."""
        commands = [part.command for part in self.parts if part.command is not None]
        return " && ".join(commands) or None


def look(paths: Iterable[str], texts: Mapping[str, str]) -> Project:
    """The project with these files, of which some have their text."""
    names = frozenset(paths)
    parts = list(_parts("", names, texts))
    kinds = {_kind(part.file) for part in parts}
    for directory in _directories(names):
        inner = frozenset(
            path.removeprefix(directory) for path in names if path.startswith(directory)
        )
        for part in _parts(directory, inner, {}):
            alone = part.command is not None and _has_lock(part.file)
            if alone and _kind(part.file) not in kinds and len(parts) < _MOST_PARTS:
                parts.append(part._replace(command=f"(cd {directory[:-1]} && {part.command})"))
    return Project(tuple(parts), _test(names, texts))


# -- dependencies ----------------------------------------------------------------------------------

_LOCKS = {
    "uv.lock": "python",
    "poetry.lock": "python",
    "pdm.lock": "python",
    "Pipfile.lock": "python",
    "package-lock.json": "node",
    "npm-shrinkwrap.json": "node",
    "pnpm-lock.yaml": "node",
    "yarn.lock": "node",
    "bun.lock": "node",
    "bun.lockb": "node",
    "Gemfile.lock": "ruby",
    "composer.lock": "php",
}
_MANIFESTS = {
    "requirements.txt": "python",
    "pyproject.toml": "python",
    "setup.py": "python",
    "package.json": "node",
    "Gemfile": "ruby",
    "composer.json": "php",
}
_INSTALLED = {
    "uv.lock": "uv sync --frozen",
    "poetry.lock": "POETRY_VIRTUALENVS_IN_PROJECT=true poetry install --no-interaction",
    "pdm.lock": "pdm sync",
    "Pipfile.lock": "PIPENV_VENV_IN_PROJECT=1 pipenv sync --dev",
    "package-lock.json": "npm ci",
    "npm-shrinkwrap.json": "npm ci",
    "pnpm-lock.yaml": "pnpm install --frozen-lockfile",
    "bun.lock": "bun install --frozen-lockfile",
    "bun.lockb": "bun install --frozen-lockfile",
    "Gemfile": "bundle config set --local path vendor/bundle && bundle install",
    "composer.json": "composer install --no-interaction",
}
# Caches in the user's home hold what these have: steps see them, and nothing is to be installed.
_CACHED = {
    "go.mod": "go mod download",
    "Cargo.toml": "cargo fetch",
    "pom.xml": "mvn dependency:go-offline",
    "build.gradle": "gradle build",
    "build.gradle.kts": "gradle build",
}


def _kind(file: str) -> str:
    name = file.rpartition("/")[2]
    return _LOCKS.get(name) or _MANIFESTS.get(name) or name


def _has_lock(file: str) -> bool:
    return file.rpartition("/")[2] in _LOCKS


def _directories(names: frozenset[str]) -> list[str]:
    """The directories below the top that have a lock file, with a slash."""
    directories = set()
    for name in names:
        directory, slash, file = name.rpartition("/")
        plain = _PLAIN.fullmatch(directory) and not _NOT_OURS.intersection(directory.split("/"))
        if slash and file in _LOCKS and plain and ".." not in directory:
            directories.add(f"{directory}/")
    return sorted(directories, key=lambda directory: (directory.count("/"), directory))


def _parts(where: str, names: frozenset[str], texts: Mapping[str, str]) -> Iterator[Part]:
    python = _python(names, texts)
    if python is not None:
        yield python._replace(file=where + python.file)
    node = _node(names, texts)
    if node is not None:
        yield node._replace(file=where + node.file)
    for name in ("Gemfile", "composer.json"):
        if name in names:
            lock = {"Gemfile": "Gemfile.lock", "composer.json": "composer.lock"}[name]
            yield Part(where + (lock if lock in names else name), _INSTALLED[name])
    for name, fill in _CACHED.items():
        if name in names:
            yield Part(where + name, None, fill)


def _python(names: frozenset[str], texts: Mapping[str, str]) -> Part | None:
    for lock in ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock"):
        if lock in names:
            return Part(lock, _INSTALLED[lock])
    given = [name for name in ("requirements.txt", *_MORE_REQUIREMENTS) if name in names]
    words = [f"-r {name}" for name in given]
    project = _toml(texts.get("pyproject.toml", ""))
    is_package = "setup.py" in names or "build-system" in project or "project" in project
    if is_package:
        extras = [
            name for name in _TESTS if name in _table(project, "project", "optional-dependencies")
        ]
        words.append(f"-e '.[{','.join(extras)}]'" if extras else "-e .")
        words += [
            f"--group {name}" for name in _TESTS if name in _table(project, "dependency-groups")
        ]
    if not words:
        return None
    file = given[0] if given else ("pyproject.toml" if project else "setup.py")
    return Part(file, f"{_PYTHON} {' '.join(words)}")


def _node(names: frozenset[str], texts: Mapping[str, str]) -> Part | None:
    for lock in (
        "package-lock.json",
        "npm-shrinkwrap.json",
        "pnpm-lock.yaml",
        "bun.lock",
        "bun.lockb",
    ):
        if lock in names:
            return Part(lock, _INSTALLED[lock])
    if "yarn.lock" in names:
        modern = ".yarnrc.yml" in names
        option = "--immutable" if modern else "--frozen-lockfile"
        return Part("yarn.lock", f"yarn install {option}")
    package = _json(texts.get("package.json", ""))
    if "package.json" in names and (package.get("dependencies") or package.get("devDependencies")):
        return Part("package.json", "npm install --no-package-lock")
    return None


# -- tests -----------------------------------------------------------------------------------------


def _test(names: frozenset[str], texts: Mapping[str, str]) -> str | None:
    """The command that tests the project; None where nothing says."""
    candidates = (
        _node_test(names, texts),
        _python_test(names, texts),
        "go test ./..." if "go.mod" in names else None,
        "cargo test" if "Cargo.toml" in names else None,
        _ruby_test(names),
        "vendor/bin/phpunit" if {"phpunit.xml", "phpunit.xml.dist"} & names else None,
        _java_test(names),
        _make_test(texts.get("Makefile", "")),
    )
    return next((candidate for candidate in candidates if candidate is not None), None)


def _node_test(names: frozenset[str], texts: Mapping[str, str]) -> str | None:
    script = _table(_json(texts.get("package.json", "")), "scripts").get("test")
    if not isinstance(script, str) or "no test specified" in script:
        return None
    managers = {
        "pnpm-lock.yaml": "pnpm",
        "yarn.lock": "yarn",
        "bun.lock": "bun run",
        "bun.lockb": "bun run",
    }
    return f"{next((word for lock, word in managers.items() if lock in names), 'npm')} test"


def _python_test(names: frozenset[str], texts: Mapping[str, str]) -> str | None:
    project = _toml(texts.get("pyproject.toml", ""))
    configured = "pytest" in _table(project, "tool") or "[pytest]" in texts.get("tox.ini", "")
    configured = configured or "[tool:pytest]" in texts.get("setup.cfg", "")
    if configured or {"pytest.ini", "conftest.py", "tests/conftest.py"} & names:
        return "pytest"
    if "manage.py" in names:
        return "python3 manage.py test"
    is_python = bool(project) or "setup.py" in names or "requirements.txt" in names
    test_files = re.compile(r"(?:.*/)?test_[^/]*\.py")
    return "pytest" if is_python and any(map(test_files.fullmatch, names)) else None


def _ruby_test(names: frozenset[str]) -> str | None:
    if "Gemfile" not in names:
        return None
    if ".rspec" in names or "spec/spec_helper.rb" in names:
        return "bundle exec rspec"
    return "bundle exec rake test" if "Rakefile" in names else None


def _java_test(names: frozenset[str]) -> str | None:
    if "pom.xml" in names:
        return "./mvnw -q test" if "mvnw" in names else "mvn -q test"
    if {"build.gradle", "build.gradle.kts"} & names:
        return "./gradlew test" if "gradlew" in names else "gradle test"
    return None


def _make_test(makefile: str) -> str | None:
    targets = re.findall(r"^(test|check)\s*:(?!=)", makefile, re.MULTILINE)
    return f"make {targets[0]}" if targets else None


# -- texts -----------------------------------------------------------------------------------------


def _json(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _toml(text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return {}


def _table(value: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """A table inside another; an empty one where it is not there, or is something else."""
    for name in names:
        inner = value.get(name)
        if not isinstance(inner, dict):
            return {}
        value = inner
    return value
