"""The man pages say what the program does: commands, options, exit codes, events, and nothing that
is out of date.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import places
import pytest
from conftest import Repo, data, writing

import git_orch
from git_orch import errors
from git_orch.agents import tool_definitions
from git_orch.cli import schema, table
from git_orch.plans.file import fields
from git_orch.plans.history import replay
from git_orch.repo import settings
from git_orch.templates import render

_TOP = places.TOP
_MAN = _TOP / "man"
_COMMANDS = [name for name in table.COMMANDS if name != "help"]
_PAGES = sorted(_MAN.glob("*.[15]"))
_SOURCES = sorted(_MAN.glob("*.scd"))
# What scdoc writes after a heading and before a table; it shows nothing.
_HARMLESS = "skipping paragraph macro"


def rendered(page: Path) -> str:
    """The page as a wide terminal shows it, without its bold and underlined letters."""
    shown = subprocess.run(
        ["mandoc", "-T", "utf8", "-O", "width=200", page],
        capture_output=True,
        text=True,
        check=True,
    )
    return re.sub(".\b", "", shown.stdout)


def section(text: str, heading: str) -> str:
    """What stands under a heading of a source."""
    return text.partition(f"\n# {heading}\n")[2].partition("\n# ")[0]


def page_of(source: Path) -> Path:
    """The page a source makes: its first line has the name and the section."""
    name, number = re.match(r"([\w-]+)\(([15])\)", source.read_text()).groups()  # type: ignore[union-attr]  # always so
    return _MAN / f"{name}.{number}"


def options(command: click.Command) -> Iterator[str]:
    """Every option string of a command and of those below it."""
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield from (*parameter.opts, *parameter.secondary_opts)
    if isinstance(command, click.Group):
        for below in command.commands.values():
            yield below.name or ""
            yield from options(below)


def loaded(name: str) -> click.Command:
    return table.load(name)


# -- the pages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", _COMMANDS)
def test_every_option_of_a_command_is_on_its_page(name: str) -> None:
    [source] = [each for each in _SOURCES if page_of(each).name == f"git-orch-{name}.1"]
    listed = section(source.read_text(), "OPTIONS")

    described = set(re.findall(r"\*(--?[\w-]+)\*", listed))

    assert described == {"-h", "--help", *options(loaded(name))}


@pytest.mark.parametrize("name", _COMMANDS)
def test_every_option_of_a_command_is_in_its_synopsis(name: str) -> None:
    text = rendered(_MAN / f"git-orch-{name}.1")
    synopsis = text.partition("SYNOPSIS")[2].partition("DESCRIPTION")[0]
    if "[OPTIONS]" in synopsis:
        return

    named = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", synopsis))

    for parameter in loaded(name).params:
        if isinstance(parameter, click.Option):
            assert named & set(parameter.opts)


def test_every_command_is_on_the_overview() -> None:
    listed = section((_MAN / "git-orch.scd").read_text(), "COMMANDS")

    assert re.findall(r"^\*git-orch-([\w-]+)\*\(1\)$", listed, re.MULTILINE) == _COMMANDS


def test_the_options_of_the_program_are_on_the_overview() -> None:
    text = section((_MAN / "git-orch.scd").read_text(), "OPTIONS")

    assert {"-h", "--help", "--version"} <= set(re.findall(r"\*(--?[\w-]+)\*", text))


@pytest.mark.parametrize("source", _SOURCES, ids=lambda path: path.stem)
def test_a_page_has_the_sections_of_a_git_page(source: Path) -> None:
    headings = re.findall(r"^# (.*)$", source.read_text(), re.MULTILINE)

    wanted = ["NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "OPTIONS", "EXIT STATUS", "SEE ALSO"]
    if page_of(source).suffix == ".5":
        wanted = ["NAME", "DESCRIPTION", "EXAMPLES", "VERSION", "EVENTS", "USER ACTS", "SEE ALSO"]
    assert [heading for heading in headings if heading in wanted] == wanted


@pytest.mark.parametrize("source", _SOURCES, ids=lambda path: path.stem)
def test_a_page_shows_an_example_on_its_first_two_screens(source: Path) -> None:
    """A reader of a terminal with 24 lines sees it before the options, after one key."""
    done = subprocess.run(
        ["mandoc", "-T", "utf8", "-O", "width=80", page_of(source)],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = re.sub(".\b", "", done.stdout).splitlines()

    first = min(number for number, line in enumerate(lines) if line.lstrip().startswith("$ "))

    assert first < 48


@pytest.mark.parametrize("page", _PAGES, ids=lambda path: path.name)
def test_a_page_has_no_markup_that_mandoc_warns_of(page: Path) -> None:
    done = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True, check=False
    )

    assert [line for line in done.stdout.splitlines() if _HARMLESS not in line] == []


@pytest.mark.parametrize("page", _PAGES, ids=lambda path: path.name)
def test_man_shows_a_page(page: Path) -> None:
    variables = {**os.environ, "MANPAGER": "cat", "MANWIDTH": "80"}
    done = subprocess.run(
        ["man", "-l", page], capture_output=True, text=True, check=False, env=variables
    )

    assert done.returncode == 0
    assert page.stem in done.stdout


@pytest.mark.parametrize("source", _SOURCES, ids=lambda path: path.stem)
def test_a_page_is_what_scdoc_makes_of_its_source(source: Path) -> None:
    assert shutil.which("scdoc"), "apt-get install scdoc"
    page = page_of(source).read_text()
    date = re.search(r'^\.TH "[\w-]+" "[15]" "([\d-]+)"', page, re.MULTILINE)
    assert date is not None
    epoch = subprocess.run(
        ["date", "-u", "-d", date[1], "+%s"], capture_output=True, text=True, check=True
    ).stdout
    variables = {**os.environ, "SOURCE_DATE_EPOCH": epoch.strip()}

    made = subprocess.run(
        ["scdoc"],
        input=source.read_text(),
        capture_output=True,
        text=True,
        check=True,
        env=variables,
    )

    assert made.stdout == page, "make man"


def test_every_page_has_a_source() -> None:
    assert sorted(page_of(source) for source in _SOURCES) == _PAGES


@pytest.mark.parametrize("source", _SOURCES, ids=lambda path: path.stem)
def test_a_page_names_the_version_it_is_for(source: Path) -> None:
    assert f'"git-orch {git_orch.__version__}"' in source.read_text().splitlines()[0]


@pytest.mark.parametrize("source", _SOURCES, ids=lambda path: path.stem)
def test_a_page_refers_only_to_pages_that_are_there(source: Path) -> None:
    named = re.findall(r"\*(git-orch[\w-]*)\*\(([15])\)", source.read_text())

    assert [
        f"{name}.{number}" for name, number in named if not (_MAN / f"{name}.{number}").exists()
    ] == []


def test_the_wheel_installs_every_page() -> None:
    build = tomllib.loads((_TOP / "pyproject.toml").read_text())["tool"]["hatch"]["build"][
        "targets"
    ]["wheel"]

    installed = {
        name: place for name, place in build["shared-data"].items() if name.startswith("man/")
    }

    assert installed == {
        f"man/{page.name}": f"share/man/man{page.suffix[1:]}/{page.name}" for page in _PAGES
    }


# -- what they say ---------------------------------------------------------------------------------


def _classes(root: type[errors.OrchError]) -> Iterator[type[errors.OrchError]]:
    for each in root.__subclasses__():
        yield each
        yield from _classes(each)


def test_the_exit_codes_on_the_overview_are_those_of_the_program() -> None:
    listed = section((_MAN / "git-orch.scd").read_text(), "EXIT STATUS")

    codes = {int(code) for code in re.findall(r"^\|  (\d+)$", listed, re.MULTILINE)}

    assert codes == {0, 70, 130, 141, 143, *(each.exit_code for each in _classes(errors.OrchError))}


def test_help_names_the_same_exit_codes_as_the_overview(repo: Repo) -> None:
    told = repo.orch("help", "exit-codes").stdout
    listed = section((_MAN / "git-orch.scd").read_text(), "EXIT STATUS")

    codes = re.findall(r"^\|  (\d+)$", listed, re.MULTILINE)

    assert {*re.findall(r"^(\d+) ", told, re.MULTILINE), *re.findall(r"; (\d+) ", told)} == set(
        codes
    )


def test_every_setting_is_on_the_overview() -> None:
    listed = section((_MAN / "git-orch.scd").read_text(), "CONFIGURATION")

    assert set(re.findall(r"^\*orch\.(\w+)\*$", listed, re.MULTILINE)) == set(
        settings.Settings.__annotations__
    )


@pytest.mark.parametrize(
    "model", [fields.PlanModel, fields.StepModel, fields.CheckModel, fields.FileModel]
)
def test_every_field_of_a_plan_file_is_on_the_page_of_plan(model: type[fields.PlanModel]) -> None:
    text = section((_MAN / "git-orch-plan.scd").read_text(), "PLAN FILES")

    assert set(model.model_fields) <= set(re.findall(r"\*(\w+)\*", text))


def test_the_plan_file_on_the_page_of_plan_is_one(repo: Repo) -> None:
    text = section((_MAN / "git-orch-plan.scd").read_text(), "PLAN FILES")

    made = repo.orch("plan", "--from", "-", stdin=text.split("```")[1])

    assert "   3 steps   " in made.stdout


def test_every_schema_is_on_the_page_of_schema() -> None:
    text = section((_MAN / "git-orch-schema.scd").read_text(), "DESCRIPTION")

    assert re.findall(r"^_([\w-]+)_$", text, re.MULTILINE) == list(schema._NAMES)


def test_every_tool_is_on_the_page_of_tools() -> None:
    text = section((_MAN / "git-orch-tools.scd").read_text(), "DESCRIPTION")

    assert set(re.findall(r"(?<!\w)_([a-z_]+)_(?!\w)", text)) >= set(tool_definitions.OFFERS)


def test_every_template_is_on_the_page_of_template() -> None:
    text = section((_MAN / "git-orch-template.scd").read_text(), "DESCRIPTION")

    assert re.findall(r"^_([\w-]+)_$", text, re.MULTILINE) == render.names()


# -- the log ---------------------------------------------------------------------------------------


def _documented() -> dict[str, set[str]]:
    """The fields of each event, as git-orch-log(5) lists them."""
    listed = section((_MAN / "git-orch-log.scd").read_text(), "EVENTS")
    blocks = re.split(r"^\*([a-z]+\.[a-z-]+)\*$", listed, flags=re.MULTILINE)
    return {
        name: set(re.findall(r"(?<![\w*])_([a-z_]+)\??_(?![\w*])", text))
        for name, text in zip(blocks[1::2], blocks[2::2], strict=True)
    }


def test_the_events_of_the_format_are_those_the_program_writes_or_reads() -> None:
    written = {
        name
        for file in (_TOP / "git_orch").rglob("*.py")
        for name in re.findall(r'(?:event|spool)\(\s*"([a-z]+\.[a-z-]+)"', file.read_text())
    }

    assert set(_documented()) == written | set(replay.REPLAYS)


def test_every_field_of_a_real_log_is_in_the_format(repo: Repo) -> None:
    documented = _documented()
    plan = repo.plan(writing("a.txt", "b.txt"), "--base", "main")
    repo.commit({"c.txt": "c\n"})  # the base moves on: the plan follows
    repo.orch("exec")
    repo.orch("rollback", plan, "--to-step", "1")
    repo.orch("rollback", plan, "--undo")
    repo.orch("rollback", plan)
    edited = repo.orch("show", plan, "--yaml").stdout.replace("test -f b.txt", "exit 1")
    repo.orch("edit", plan, "--from", "-", stdin=edited)
    repo.orch("exec", plan, expect=1)
    repo.orch("verify", plan, "--step", "1", "--record")
    tip = repo.git("commit-tree", "-p", f"orch/{plan}", "-m", "mine", f"orch/{plan}^{{tree}}")
    repo.git("update-ref", f"refs/heads/orch/{plan}", tip)
    repo.orch("exec", plan, expect=1)

    events = data(repo.orch("log", plan, "--json").stdout)

    seen = {event["event"] for event in events}
    assert seen >= {
        "plan.rebased",
        "plan.revised",
        "plan.restored",
        "attempt.failed",
        "step.verified",
        "branch.noticed",
    }
    for event in events:
        every = {"id", "event", "clone", "actor"}
        assert set(event) - every <= documented[event["event"]], event["event"]


def test_a_log_of_a_newer_version_is_shown_and_never_written(repo: Repo) -> None:
    """The format: an older program shows a newer log as far as it understands it and never writes
    to it.
    """
    plan = repo.plan(writing("a.txt"))
    ref, cover = f"refs/notes/orch/{plan}", repo.git("rev-parse", f"orch/{plan}")
    line = '{"id":"7ZZZZZZZZZZZZZZZZZZZZZZZZZ","event":"plan.frozen","clone":"0","v":2}'
    repo.git("notes", f"--ref={ref}", "append", "-m", line, cover)
    before = repo.git("rev-parse", ref)

    shown = repo.orch("show", plan)
    refused = repo.orch("exec", plan, expect=128)

    assert "Write files" in shown.stdout
    assert "newer git-orch (format 2" in refused.stderr
    assert "hint: pip install --upgrade git-orch" in refused.stderr
    assert repo.git("rev-parse", ref) == before


def test_git_reads_the_log_as_the_page_says(repo: Repo) -> None:
    plan = repo.plan(writing("a.txt"))

    shown = repo.git("notes", f"--ref=orch/{plan}", "show", f"orch/{plan}")

    assert '"event":"plan.created"' in shown.splitlines()[0]
