"""Files of the tree that a check's command runs or loads: scripts, what they source, the settings and
plugins of test runners, modules whose name hides another's.

A step that changes one of them may have passed its checks because of that. No list of names decides
it alone: what counts is what this very command loads, as far as its text and the files that it names
tell.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from git_orch.plans import paths

_DEEPEST = 6  # scripts that run scripts
_MOST_COMMANDS = 2_000  # commands that are looked at for one check
_MOST_LINKS = 40

Names = tuple[str, ...]


class Tree(Protocol):
    """The files that a check sees."""

    def text(self, path: str) -> str | None:
        """The text of a file; None where there is none."""
        ...

    def link(self, path: str) -> str | None:
        """The target of a symbolic link; None for anything else."""
        ...


class NoTree:
    """A tree of which nothing is known."""

    def text(self, _path: str) -> str | None:
        """Nothing."""
        return None

    def link(self, _path: str) -> str | None:
        """Nothing."""
        return None


class Loads(NamedTuple):
    """What a command loads: `ran` are the files that it runs or that decide what runs, `anywhere`
    the names of files that it loads from whatever directory, `below` directories of which it loads
    everything, `hiding` files that would be loaded in the place of a module of somebody else's.
    """

    ran: frozenset[Names] = frozenset()
    anywhere: frozenset[str] = frozenset()
    below: frozenset[Names] = frozenset()
    hiding: frozenset[Names] = frozenset()

    def hides(self, path: str) -> bool:
        """Whether a file of this name would be loaded in the place of another module."""
        return paths.parts(path) in self.hiding

    def include(self, path: str) -> bool:
        """Whether a change of this path, a file or a link on the way to one, changes what runs."""
        names = paths.parts(path)
        if not names:
            return False
        if names in self.ran or names in self.hiding or names[-1] in self.anywhere:
            return True
        if any(names[: len(place)] == place for place in self.below):
            return True
        return any(place[: len(names)] == names for place in (*self.ran, *self.below))


# -- what programs load ----------------------------------------------------------------------------

# A line has programs, a colon, and the names of files that they load from whatever directory; `@`
# begins the name of another line, whose files they load as well.
_TABLE = """
pytest py.test @pytest: conftest.py pytest.ini .pytest.ini pyproject.toml tox.ini setup.cfg
tox nox hatch coverage: @pytest noxfile.py setup.py hatch.toml .coveragerc
unittest: __init__.py
nose2: unittest.cfg nose2.cfg
mypy: mypy.ini .mypy.ini pyproject.toml setup.cfg
ruff: ruff.toml .ruff.toml pyproject.toml
flake8: .flake8 tox.ini setup.cfg
pylint: .pylintrc pylintrc pyproject.toml
pyright: pyrightconfig.json pyproject.toml
pip build: setup.py setup.cfg pyproject.toml
npm npx yarn pnpm bun bunx node deno tsx ts-node @js: package.json .npmrc .yarnrc .yarnrc.yml
jest vitest mocha ava tap playwright karma cypress wdio: @js
@js: .pnpmfile.cjs bunfig.toml tsconfig.json .swcrc .taprc .nycrc .babelrc .babelrc.js .babelrc.json
@js: .mocharc.js .mocharc.cjs .mocharc.json .mocharc.yml .mocharc.yaml karma.conf.js
eslint biome prettier tsc: package.json tsconfig.json eslint.config.js eslint.config.mjs .eslintrc
eslint biome prettier tsc: .eslintrc.js .eslintrc.json biome.json .prettierrc
go: go.mod go.work modules.txt
cargo: Cargo.toml build.rs rust-toolchain rust-toolchain.toml nextest.toml
gradle gradlew: build.gradle build.gradle.kts settings.gradle settings.gradle.kts gradlew
gradle gradlew: gradle.properties gradle-wrapper.properties gradle-wrapper.jar
mvn mvnw: pom.xml settings.xml extensions.xml maven.config jvm.config
rspec rake bundle ruby minitest rails: .rspec spec_helper.rb rails_helper.rb test_helper.rb
rspec rake bundle ruby minitest rails: Rakefile Gemfile .rubocop.yml
phpunit composer pest php: phpunit.xml phpunit.xml.dist composer.json
cmake ctest: CMakeLists.txt CTestTestfile.cmake CMakePresets.json
meson ninja: meson.build meson_options.txt build.ninja
bazel: BUILD BUILD.bazel WORKSPACE MODULE.bazel .bazelrc
just: justfile Justfile .justfile
task: Taskfile.yml Taskfile.yaml
pre-commit: .pre-commit-config.yaml
mix: mix.exs test_helper.exs
dotnet: Directory.Build.props Directory.Build.targets global.json
swift: Package.swift
sbt: build.sbt plugins.sbt build.properties
dune: dune dune-project
"""
# Runners whose settings may be written in several languages.
_CONFIGURED = ["jest", "vitest", "vite", "babel", "playwright", "ava", "cypress", "wdio"]
_ENDINGS = ["js", "cjs", "mjs", "ts", "mts", "json"]


def _table() -> dict[str, frozenset[str]]:
    """By program, the names of files that it loads from whatever directory."""
    files: dict[str, set[str]] = {
        "@js": {f"{name}.config.{ending}" for name in _CONFIGURED for ending in _ENDINGS}
    }
    for row in _TABLE.split("\n"):
        programs, _, named = row.partition(":")
        for program in programs.split():
            files.setdefault(program, set()).update(named.split())
    every = dict[str, frozenset[str]]()
    for program, names in files.items():
        groups = [files[name] for name in names if name.startswith("@")]
        every[program] = frozenset(names.union(*groups))
    return every


_LOADED = _table()
_NO_FILES = frozenset[str]()
_MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
_PLACES = {
    "cargo": ".cargo",
    "go": "vendor",
    "mvn": ".mvn",
    "mvnw": ".mvn",
    "npm": "node_modules",
    "npx": "node_modules",
}
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "bats"})
_PYTHON = re.compile(r"(?:python|pypy)[\d.]*")
_INTERPRETERS = frozenset(
    ("node", "deno", "bun", "ruby", "perl", "php", "lua", "Rscript", "tsx", "ts-node", "awk", "sed")
)
# What runs another command.
_WRAPPERS = frozenset(
    ("env", "exec", "command", "time", "nice", "timeout", "nohup", "stdbuf", "setsid", "xvfb-run",
     "uv", "uvx", "poetry", "pipenv", "pdm", "rye", "hatch", "npx", "bunx", "bundle", "run", "!",
     "if", "then", "while", "do", "else", "builtin", "sudo")
)  # fmt: skip
_DURATION = re.compile(r"[\d.]+[smhd]?")
_MAKES = frozenset({"make", "gmake", "bmake"})
_ENDS = re.compile(r"&&|\|\||[;|&\n(){}]")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_SHEBANG = re.compile(r"#!\s*(\S+)(?:[ \t]+(\S+))?")
_INCLUDE = re.compile(r"^(?:-?s?include)[ \t]+(.+)$", re.MULTILINE)
_SCRIPT = re.compile(r'"((?:pre|post)?[\w:.-]+)"\s*:\s*"((?:[^"\\]|\\.)*)"')


def loaded(command: str, tree: Tree) -> Loads:
    """The files of the tree that a check's command line runs or loads."""
    search = _Search(tree)
    search.line(command, (), 0)
    return Loads(
        frozenset(search.ran),
        frozenset(search.anywhere),
        frozenset(search.below),
        frozenset(search.hiding),
    )


class _Search:
    """What was found so far."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.ran: set[Names] = set()
        self.anywhere: set[str] = set()
        self.below: set[Names] = set()
        self.hiding: set[Names] = set()
        self._left = _MOST_COMMANDS

    def line(self, text: str, place: Names, depth: int) -> None:
        """What a command line loads that runs in the directory `place`."""
        if depth > _DEEPEST:
            return
        for words in _commands(text):
            self._left -= 1
            if self._left < 0:
                return
            if words[0] in ("cd", "pushd") and len(words) > 1:
                place = _joined(place, words[1])
            else:
                self._command(words, place, depth)

    def _command(self, words: Sequence[str], place: Names, depth: int) -> None:
        words = _bare(words)
        if not words:
            return
        first, rest = words[0], words[1:]
        name = first.rpartition("/")[2]
        if "/" in first:
            self._script(first, place, depth)
        self._program(name, place)
        if name in (".", "source"):
            self._scripts(rest[:1], place, depth)
        elif name in _SHELLS:
            self._shell(rest, place, depth)
        elif _PYTHON.fullmatch(name):
            self._python(rest, place, depth)
        elif name in _INTERPRETERS:
            self._scripts([word for word in rest if not word.startswith("-")], place, depth)
        elif name in _MAKES:
            self._make(rest, place, depth)
        elif name in ("npm", "yarn", "pnpm", "bun"):
            self._package(_joined(place, _value(rest, ("--prefix", "-C", "--cwd")) or "."), depth)
        elif name in ("pytest", "py.test"):
            self._pytest(rest, place)

    def _program(self, name: str, place: Names) -> None:
        """The files that a program of this name loads."""
        self.anywhere |= _LOADED.get(name, _NO_FILES)
        if name in _PLACES:
            self.below.add((*place, _PLACES[name]))

    def _scripts(self, named: Sequence[str], place: Names, depth: int) -> None:
        for word in named:
            self._script(word, place, depth)

    def _script(self, word: str, place: Names, depth: int) -> None:
        """A file that is run or sourced, and what it loads itself, as far as its text tells."""
        names = _joined(place, word)
        if not names or names in self.ran:
            return
        names = self._follow(names)
        text = self._tree.text("/".join(names))
        if text is None:
            return
        shebang = _SHEBANG.match(text)
        program = ""
        if shebang is not None:
            program = (shebang[2] or "") if shebang[1].endswith("/env") else shebang[1]
            program = program.rpartition("/")[2]
        if _PYTHON.fullmatch(program) or names[-1].endswith(".py"):
            self._hidden_modules(names[:-1])
        elif program in _MAKES:
            self._makefile(names, place, depth)
        elif program in ("", *_SHELLS):
            self.line(text, place, depth + 1)

    def _follow(self, names: Names) -> Names:
        """Where a path leads, through links; each of them decides what runs."""
        self.ran.add(names)
        for _ in range(_MOST_LINKS):
            for length in range(1, len(names) + 1):
                target = self._tree.link("/".join(names[:length]))
                if target is not None:
                    self.ran.add(names[:length])
                    names = (*_joined(names[: length - 1], target), *names[length:])
                    self.ran.add(names)
                    break
            else:
                return names
        return names

    def _shell(self, words: Sequence[str], place: Names, depth: int) -> None:
        for at, word in enumerate(words):
            if word.startswith("-") and not word.startswith("--") and "c" in word:
                self._scripts_of_text(words[at + 1 : at + 2], place, depth)
                return
            if not word.startswith("-"):
                self._script(word, place, depth)
                return

    def _scripts_of_text(self, texts: Sequence[str], place: Names, depth: int) -> None:
        for text in texts:
            self.line(text, place, depth + 1)

    def _python(self, words: Sequence[str], place: Names, depth: int) -> None:
        for at, word in enumerate(words):
            if word == "-m" and at + 1 < len(words):
                self._module(words[at + 1], words[at + 2 :], place, depth)
                return
            if word == "-c":
                self._hidden_modules(place)
                return
            if not word.startswith("-"):
                self._hidden_modules(_joined(place, word)[:-1])
                self._script(word, place, depth)
                return

    def _module(self, module: str, words: Sequence[str], place: Names, depth: int) -> None:
        """`python -m` looks in the present directory first: a file of that name there hides the
        module that is meant.
        """
        top = module.partition(".")[0]
        if top in sys.stdlib_module_names or top in _LOADED or top.replace("_", "-") in _LOADED:
            self.hiding |= {(*place, f"{top}.py"), (*place, top, "__init__.py")}
        self._hidden_modules(place)
        self._program(top, place)
        if top == "pytest":
            self._pytest(words, place)
        elif top in ("coverage", "trace", "cProfile", "pdb"):
            left = [word for word in words if word not in ("run", "-a", "--branch", "-p")]
            if depth < _DEEPEST:
                self._python(left, place, depth + 1)

    def _pytest(self, words: Sequence[str], place: Names) -> None:
        for at, word in enumerate(words):
            if word == "-p" and at + 1 < len(words):
                *packages, last = words[at + 1].split(".")
                self.ran.add((*place, *packages, f"{last}.py"))
            elif word in ("-c", "--config-file") and at + 1 < len(words):
                self.ran.add(_joined(place, words[at + 1]))

    def _hidden_modules(self, place: Names) -> None:
        """Files beside a Python program whose names are those of Python's own modules."""
        for name in (*sys.stdlib_module_names, "sitecustomize", "usercustomize", "pytest"):
            self.hiding |= {(*place, f"{name}.py"), (*place, name, "__init__.py")}

    def _make(self, words: Sequence[str], place: Names, depth: int) -> None:
        place = _joined(place, _value(words, ("-C", "--directory")) or ".")
        named = _value(words, ("-f", "--file", "--makefile"))
        for name in (named,) if named is not None else _MAKEFILES:
            self._makefile(_joined(place, name), place, depth)

    def _makefile(self, names: Names, place: Names, depth: int) -> None:
        names = self._follow(names)
        text = self._tree.text("/".join(names))
        if text is None or depth > _DEEPEST:
            return
        for included in _INCLUDE.findall(text):
            for word in included.split():
                self._makefile(_joined(place, word), place, depth + 1)
        for line in text.splitlines():
            if line.startswith("\t"):
                self.line(line.lstrip("\t@-+").replace("$(MAKE)", "make"), place, depth + 1)

    def _package(self, place: Names, depth: int) -> None:
        """The scripts of a package.json."""
        names = (*place, "package.json")
        self.ran.add(names)
        for _, script in _SCRIPT.findall(self._tree.text("/".join(names)) or ""):
            if depth < _DEEPEST:
                self.line(script.replace('\\"', '"'), place, depth + 2)


def _commands(text: str) -> Iterator[list[str]]:
    """The simple commands of a command line, word by word. A quoted word stays whole where the
    quotes close in it.
    """
    lexer = shlex.shlex(text.replace("\\\n", " "), posix=True, punctuation_chars=";|&()\n")
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    words: list[str] = []
    try:
        for word in lexer:
            if word and not word.strip(";|&()\n{}"):
                if words:
                    yield words
                words = []
            else:
                words.append(word)
    except ValueError:  # a quote that nothing closes: the words themselves are all there is
        for part in _ENDS.split(text):
            if part.split():
                yield part.split()
        return
    if words:
        yield words


def _bare(words: Sequence[str]) -> Sequence[str]:
    """A command without assignments and programs that only run it."""
    at = 0
    while at < len(words):
        word = words[at]
        if _ASSIGNMENT.fullmatch(word):
            at += 1
        elif word in _WRAPPERS and at + 1 < len(words):
            at += 1
            while at < len(words) and (words[at][:1] == "-" or _DURATION.fullmatch(words[at])):
                at += 1
        else:
            break
    return words[at:]


def _value(words: Sequence[str], options: Sequence[str]) -> str | None:
    """The value of one of these options."""
    for at, word in enumerate(words):
        for option in options:
            if word == option and at + 1 < len(words):
                return words[at + 1]
            if word.startswith(f"{option}="):
                return word[len(option) + 1 :]
            if not option.startswith("--") and word.startswith(option) and len(word) > len(option):
                return word[len(option) :]
    return None


def _joined(place: Names, word: str) -> Names:
    """A path as seen from a directory, from the top of the tree; the empty one for what leads out."""
    if word.startswith(("/", "~", "$")):
        return ()
    names = list(place)
    for name in word.split("/"):
        if name == "..":
            if not names:
                return ()
            names.pop()
        elif name not in ("", "."):
            names.append(name)
    return tuple(names)
