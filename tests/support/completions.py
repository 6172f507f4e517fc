"""Writes the completions of bash, zsh and fish from the table of commands: `make completion`.

Each file has a part between two marks that this module makes; what stands around it is written by
hand and asks git for plans and steps, so that a TAB starts no Python.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import places

from git_orch.cli import schema, table
from git_orch.plans.phrases import old_words
from git_orch.templates import render

_DIRECTORY = places.TOP / "git_orch/views/completion"
_PART = re.compile(r"(# -- begin: .*?\n).*(# -- end\n)", re.DOTALL)
_TOOLS = ("none", "read", "write", "command", "all")
_METAVARS = {"PLAN": "plan", "FILE": "file", "DIR": "directory", "REF": "ref", "BRANCH": "branch"}
# What click does not know of its own arguments and options, by the command and the name.
_WORDS: Mapping[tuple[str, str], Sequence[str]] = {
    ("plan", "template"): render.names(),
    ("plan", "tools"): _TOOLS,
    ("exec", "tools"): _TOOLS,
    ("tools", "allowed"): _TOOLS,
    ("scout", "group"): ("Development", "Implementation", "Testing", "Validation", "Documentation"),
    ("otk", "arguments"): tuple(old_words._OLD),
    ("schema", "name"): schema._NAMES,
    ("hook", "name"): ("reference-transaction",),
    ("help", "topic"): (*table.COMMANDS, "exit-codes"),
}
_STEPS = {
    ("exec", "dry_run_step"), ("exec", "debug_step"), ("exec", "steps"), ("exec", "skip_steps"), ("exec", "from_step"),
    ("rollback", "to_step"), ("verify", "steps"), ("context", "old"),
}  # fmt: skip


class Values(NamedTuple):
    """The values that a word can have: `kind` is one of _METAVARS, archived, step, text or words."""

    kind: str
    words: Sequence[str] = ()

    def text(self) -> str:
        """The kind, or the words, as the completions have them."""
        return " ".join(self.words) if self.kind == "words" else f":{self.kind}"


class Option(NamedTuple):
    """An option, with the values that follow it; None for a flag."""

    names: Sequence[str]
    help: str
    values: Values | None


class Command(NamedTuple):
    """A command, with its options and the values of its first and second argument."""

    name: str
    help: str
    options: Sequence[Option]
    first: Values | None
    second: Values | None


def commands() -> list[Command]:
    """Every command, in the order of the table."""
    return [_command(name, help_) for name, help_ in table.COMMANDS.items()]


def _command(name: str, help_: str) -> Command:
    loaded = table.load(name)
    below = list(loaded.commands.values()) if isinstance(loaded, click.Group) else []
    options: dict[str, Option] = {}
    for command in (loaded, *below):
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                names = (*parameter.opts, *parameter.secondary_opts)
                options.setdefault(names[0], _option(name, names, parameter))
    first, second = _arguments(name, loaded)
    if isinstance(loaded, click.Group):
        first = Values("words", list(loaded.commands))
    helps = Option(("-h", "--help"), "Print help.", None)
    return Command(name, help_, [*options.values(), helps], first, second)


def _option(command: str, names: Sequence[str], option: click.Option) -> Option:
    is_flag = option.is_flag or option.count
    return Option(names, option.help or "", None if is_flag else _values(command, option))


def _arguments(name: str, command: click.Command) -> tuple[Values | None, Values | None]:
    """The values of the first and of the second argument."""
    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    if name == "owner":
        return _values(name, arguments[0]), None
    if not arguments:
        return None, None
    first, second = arguments[0], arguments[1] if len(arguments) > 1 else None
    metavar = first.metavar or ""
    if metavar.startswith("[PLAN] "):  # all words in one
        is_step = metavar.removeprefix("[PLAN] ").startswith(("STEP", "[STEP"))
        return Values("plan"), Values("step") if is_step else None
    if name == "unarchive":
        return Values("archived"), None
    return _values(name, first), _values(name, second) if second is not None else None


def _values(command: str, parameter: click.Parameter) -> Values:
    named = (command, parameter.name or "")
    if named in _WORDS:
        return Values("words", _WORDS[named])
    if isinstance(parameter.type, click.Choice):
        return Values("words", parameter.type.choices)
    if named in _STEPS or (isinstance(parameter, click.Argument) and named[1] in ("step", "steps")):
        return Values("step")
    if isinstance(parameter, click.Argument) and named[1] == "plan":
        return Values("plan")
    metavar = (parameter.metavar or "").strip("[]")
    return Values(_METAVARS.get(metavar, "text"))


# -- bash ------------------------------------------------------------------------------------------


def bash() -> Iterator[str]:
    """The commands, their long options, and the values of options and arguments."""
    yield f"__git_orch_commands={shlex.quote(' '.join(table.COMMANDS))}"
    yield "\n# The long options of a command."
    yield '__git_orch_options ()\n{\n\tcase "$1" in'
    for command in commands():
        longs = [name for one in command.options for name in one.names if name.startswith("--")]
        yield f'\t{command.name}) REPLY="{" ".join(longs)}" ;;'
    yield '\t*) REPLY="" ;;\n\tesac\n}'
    yield "\n# The values that an option takes: words, or a kind after a colon; nothing for a flag."
    yield '__git_orch_values ()\n{\n\tcase "$1 $2" in'
    for command in commands():
        for text, options in _by_values(command).items():
            names = [name for one in options for name in one.names]
            patterns = "|".join(f'"{command.name} {name}"' for name in names)
            yield f'\t{patterns}) REPLY="{text}" ;;'
    yield '\t*) REPLY="" ;;\n\tesac\n}'
    yield "\n# The values of the first and of the second argument."
    yield '__git_orch_argument ()\n{\n\tcase "$1 $2" in'
    for command in commands():
        for number, values in enumerate((command.first, command.second), start=1):
            if values is not None and values.kind != "text":
                yield f'\t"{command.name} {number}") REPLY="{values.text()}" ;;'
    yield '\t*) REPLY="" ;;\n\tesac\n}'


def _by_values(command: Command) -> dict[str, list[Option]]:
    groups: dict[str, list[Option]] = {}
    for option in command.options:
        if option.values is not None:
            groups.setdefault(option.values.text(), []).append(option)
    return groups


# -- zsh -------------------------------------------------------------------------------------------


def zsh() -> Iterator[str]:
    """The commands with their help, and the specifications of _arguments for each of them."""
    yield "__git_orch_commands=("
    for command in commands():
        yield f"\t{shlex.quote(f'{command.name}:{command.help}')}"
    yield ")\n"
    yield '__git_orch_specifications ()\n{\n\tcase "$1" in'
    for command in commands():
        yield f"\t({command.name})\n\t\tspecifications=("
        for option in command.options:
            for name in option.names:
                yield f"\t\t\t{shlex.quote(_zsh_option(option, name))}"
        for number, values in enumerate((command.first, command.second), start=1):
            if values is not None and values.kind != "text":
                yield f"\t\t\t{shlex.quote(f'{number}:{_zsh_action(values)}')}"
        yield "\t\t) ;;"
    yield "\tesac\n}"


def _zsh_option(option: Option, name: str) -> str:
    others = f"({' '.join(option.names)})" if len(option.names) > 1 else ""
    help_ = re.sub(r"([\[\]:\\])", r"\\\1", option.help)
    if option.values is None:
        return f"{others}{name}[{help_}]"
    equals = "=" if name.startswith("--") else "+"
    return f"{others}{name}{equals}[{help_}]:{_zsh_action(option.values)}"


def _zsh_action(values: Values) -> str:
    if values.kind == "words":
        return f"word:({' '.join(values.words)})"
    actions = {
        "file": "_files",
        "directory": "_files -/",
        "ref": "__git_orch_refs",
        "branch": "__git_orch_branches",
        "plan": "__git_orch_plans",
        "archived": "__git_orch_archived",
        "step": "__git_orch_steps",
        "text": "",
    }
    return f"{values.kind}:{actions[values.kind]}"


# -- fish ------------------------------------------------------------------------------------------


def fish() -> Iterator[str]:
    """A `complete` for each command, each option and each argument."""
    for command in commands():
        described = f"-a {command.name} -d {_fish_text(command.help)}"
        yield f"complete -c git-orch -f -n __git_orch_needs_command {described}"
    for command in commands():
        for option in command.options:
            yield f"complete -c git-orch {_fish_if(command)} {_fish_option(option)}"
        for number, values in enumerate((command.first, command.second), start=1):
            if values is not None and values.kind != "text":
                condition = _fish_if(command, number)
                yield f"complete -c git-orch {condition} {_fish_action(values)}"


def _fish_if(command: Command, number: int | None = None) -> str:
    words = f"__git_orch_at {command.name}" + (f" {number}" if number is not None else "")
    return f"-f -n {_fish_text(words)}"


def _fish_option(option: Option) -> str:
    names = [
        f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names
    ]
    described = f"{' '.join(names)} -d {_fish_text(option.help)}"
    if option.values is None:
        return described
    return f"{described} -x {_fish_action(option.values)}".rstrip()


def _fish_action(values: Values) -> str:
    actions = {
        "file": "__fish_complete_path (commandline -ct)",
        "directory": "__fish_complete_directories (commandline -ct)",
        "ref": "__git_orch_refs",
        "branch": "__git_orch_branches",
        "plan": "__git_orch_plans",
        "archived": "__git_orch_archived",
        "step": "__git_orch_steps",
    }
    if values.kind == "text":
        return ""
    if values.kind == "words":
        return f"-a {_fish_text(' '.join(values.words))}"
    return f"-a {_fish_text(f'({actions[values.kind]})')}"


def _fish_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


# -- the files -------------------------------------------------------------------------------------

FILES = {"git-orch": bash, "_git-orch": zsh, "git-orch.fish": fish}


def path(name: str) -> Path:
    """The file of this name."""
    return _DIRECTORY / name


def made(name: str) -> str:
    """The text that the file should have: what it has, with the part between the marks made new."""
    part = "".join(f"{line}\n" for line in FILES[name]())
    return _PART.sub(lambda marks: f"{marks[1]}{part}{marks[2]}", path(name).read_text("utf-8"))


if __name__ == "__main__":
    for one in FILES:
        path(one).write_text(made(one), "utf-8")
