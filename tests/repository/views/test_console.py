"""The one way text reaches a terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from conftest import Repo

from git_orch.plans import invisible
from git_orch.views import console
from git_orch.views.console import Styled


def on_terminal(repo: Repo, *args: str, env: Mapping[str, str | None] | None = None) -> bytes:
    """What git-orch writes to a terminal that is its standard input, output and error."""
    ours, theirs = pty.openpty()
    variables = {**os.environ, "TERM": "xterm", "GIT_PAGER": "cat", **(env or {})}
    child = subprocess.Popen(
        [sys.executable, "-m", "git_orch", *args], cwd=repo.path,
        env={name: value for name, value in variables.items() if value is not None}, stdin=theirs, stdout=theirs,
        stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    said = b""
    try:
        while chunk := os.read(ours, 65536):
            said += chunk
    except OSError:
        pass  # Linux says EIO when the last one has closed the terminal
    finally:
        os.close(ours)
        child.wait()
    return said


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain é 漢 \N{GRINNING FACE}\n\tnext", "plain é 漢 \N{GRINNING FACE}\n\tnext"),
        ("\x1b[31m\x1b]0;x\x07", r"\x1b[31m\x1b]0;x\x07"),
        ("\x9b31m\x90\x85\x7f\x00\r\x08", r"\x9b31m\x90\x85\x7f\x00\x0d\x08"),
        ("a\u202eb\u2066c\u200bd\ufeff\u2028", r"a\u202eb\u2066c\u200bd\ufeff\u2028"),
        ("\udcff\ud800", r"\udcff\ud800"),
        ("\U000e0041\xad", r"\U000e0041\u00ad"),
    ],
    ids=["text", "escape", "control", "bidirectional", "surrogate", "tag"],
)
def test_what_a_terminal_would_obey_or_hide_is_written_as_an_escape(text: str, seen: str) -> None:
    assert invisible.escaped(text) == seen


def test_every_character_but_newline_and_tab_is_printable_afterwards() -> None:
    everything = "".join(
        map(chr, [*range(0x3000), *range(0xD7F0, 0xE010), *range(0xFFF0, 0x10000), 0xE0001])
    )
    shown = invisible.escaped(everything)
    hidden = {character for character in shown if not character.isprintable()} - {"\n", "\t"}
    spaces = {character for character in hidden if character.isspace()}
    unassigned = {character for character in hidden - spaces if not character.isascii()}
    assert hidden == spaces | unassigned
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff]", shown
    )


def test_a_failure_is_two_lines_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    console.failure("step 1 failed:\nhint: curl evil | sh\rx", "git orch show\nerror: fake")
    said = capsys.readouterr().err
    assert (
        said
        == "error: step 1 failed: hint: curl evil | sh\\x0dx\nhint: git orch show error: fake\n"
    )


def test_styles_are_for_terminals_without_no_color(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """S1-020: ANSI only on a terminal."""
    console.out(Styled("word", "red"), " \x1b[32m")
    assert capsys.readouterr().out == "word \\x1b[32m\n"
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        for no_color, term in (("", "xterm"), ("1", "xterm"), ("", "dumb")):
            monkeypatch.setenv("NO_COLOR", no_color)
            monkeypatch.setenv("TERM", term)
            console.out(Styled("wo\x1brd", "red"))
        wanted = b"\x1b[31mwo\\x1brd\x1b[0m\r\n" + b"wo\\x1brd\r\n" * 2
        seen = b""
        while len(seen) < len(wanted):  # a terminal gives what it has, not what was written
            seen += os.read(ours, 1000)
        assert seen == wanted
    os.close(ours)


def test_a_stream_that_cannot_hold_a_character_gets_an_escape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "out").open("w", encoding="ascii") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        console.out("é\N{GRINNING FACE}")
    assert (tmp_path / "out").read_text() == "\\xe9\\U0001f600\n"


def test_a_closed_output_is_an_error_and_a_closed_diagnosis_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    console.err("nobody hears this")
    with pytest.raises(OSError, match="standard output is closed"):
        console.out("nobody sees this")


def test_nothing_others_wrote_reaches_a_terminal_as_a_sequence(repo: Repo) -> None:
    """S1-019, S1-020: titles, commands, output, file names, errors; neither on a terminal nor in
    what is stored.
    """
    evil = "\x1b]0;PWN\x07\x1b[31mRED\x9b5n\u202e"
    octal = "".join(f"\\{byte:03o}" for byte in evil.encode())
    steps = [
        {"title": "Print EVIL", "run": f"touch \"$(printf '{octal}')\"; printf '{octal}' > a.txt",
         "checks": [{"command": f"printf '{octal}'; touch \"$(printf '{octal}x')\""}]},
        {"title": "Fail EVIL", "depends_on": [1],
         "run": f"true EVIL\ntouch b.txt\nprintf '{octal}\\nhint: evil\\n'; exit 1"},
    ]  # fmt: skip
    plan = repo.plan(
        {"title": "Title EVIL", "objective": "Aim EVIL", "shell": "plain", "steps": steps}
    )
    log = repo.git("notes", f"--ref=orch/{plan}", "show", f"orch/{plan}").replace(
        "EVIL", json.dumps(evil)[1:-1]
    )
    repo.git("notes", f"--ref=orch/{plan}", "add", "-f", "-F", "-", f"orch/{plan}", stdin=log)
    said = on_terminal(repo, "approve", plan)
    said += on_terminal(repo, "exec", plan)
    assert b"\nhint: evil" not in said
    for command in (
        "status",
        "show",
        "show --attempts",
        "log",
        "diff",
        "diff --stat",
        "show --json",
        "show --yaml",
    ):
        said += on_terminal(repo, *command.split(), plan)
    for arguments in (["ls"], ["show", evil], [evil], ["plan", "--from", evil]):
        said += on_terminal(repo, *arguments)
    assert b"PWN" in said
    ours = re.compile(rb"\x1b\[(?:[0-9]{1,2})?m")
    assert b"\x1b" in said
    assert b"\x1b" not in ours.sub(b"", said)
    assert b"\x1b[31mRED" not in said
    assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1a\x7f]|\xc2[\x80-\x9f]|\xe2\x80\xae", said)
    stored = repo.git(
        "log", "--format=%B", f"orch/{plan}", f"refs/notes/orch/{plan}", f"refs/orch/kept/{plan}"
    )
    stored += repo.git("log", "-p", "--format=", f"refs/notes/orch/{plan}")
    assert "\x1b" not in stored


@pytest.mark.parametrize("command", ["show", "ls", "status", "show --attempts"])
def test_colour_is_for_terminals_only(repo: Repo, command: str) -> None:
    """S1-020: plain when piped, styled on a terminal, plain there with NO_COLOR."""
    repo.plan({"title": "T", "steps": [{"title": "A", "run": "true"}]})
    repo.orch("exec")
    name = [] if command == "ls" else [repo.orch("ls").stdout.split()[0]]
    assert "\x1b" not in repo.orch(*command.split(), *name).stdout
    assert b"\x1b[" in on_terminal(repo, *command.split(), *name)
    assert b"\x1b" not in on_terminal(repo, *command.split(), *name, env={"NO_COLOR": "1"})


# -- the user's configuration ----------------------------------------------------------------------


@pytest.fixture
def shown(repo: Repo) -> Repo:
    """A repository with a plan, whose colours anybody would see."""
    repo.plan({"title": "A", "steps": [{"title": "Write a", "files": {"a": "1\n" * 9}}]})
    return repo


@pytest.mark.parametrize(
    ("value", "terminal", "pipe"),
    [
        ("never", False, False),
        ("false", False, False),
        ("auto", True, False),
        ("always", True, True),
    ],
)
def test_colours_follow_the_users_git(
    shown: Repo, value: str, *, terminal: bool, pipe: bool
) -> None:
    shown.git("config", "--global", "color.ui", value)
    said = on_terminal(shown, "show", "--tasks", env={"GIT_PAGER": "cat"})
    assert (b"\x1b[" in said) == terminal
    assert ("\x1b[" in shown.orch("show", "--tasks").stdout) == pipe


def test_no_color_outvotes_git(shown: Repo) -> None:
    shown.git("config", "--global", "color.ui", "always")
    assert "\x1b[" not in shown.orch("show", env={"NO_COLOR": "1"}).stdout


PAGERS = {
    "GIT_PAGER": ({"GIT_PAGER": "sed s/^/@/", "PAGER": "false"}, None, True),
    "core.pager": ({"PAGER": "false", "GIT_PAGER": None}, "sed s/^/@/ | cat", True),
    "PAGER": ({"PAGER": "sed s/^/@/", "GIT_PAGER": None}, None, True),
    "an empty one": ({"GIT_PAGER": "", "PAGER": "sed s/^/@/"}, None, False),
    "cat": ({"GIT_PAGER": "cat"}, "sed s/^/@/", False),
}


@pytest.mark.parametrize(("env", "own", "paged"), PAGERS.values(), ids=PAGERS)
def test_long_output_goes_through_the_users_pager(
    shown: Repo, env: dict[str, str | None], own: str | None, *, paged: bool
) -> None:
    if own is not None:
        shown.git("config", "--global", "core.pager", own)
    shown.git("config", "core.pager", "touch ran-the-pager-of-the-repository; cat")
    said = on_terminal(shown, "show", "--tasks", env=env)
    assert (b"@" in said.partition(b"step 1")[0]) == paged
    assert b"Write a" in said
    assert not (shown.path / "ran-the-pager-of-the-repository").exists()


def test_tasks_show_the_head_of_a_file_and_full_the_whole(shown: Repo) -> None:
    head, whole = (shown.orch("show", "--tasks", *more).stdout for more in ((), ("--full",)))
    assert "  write  a  (9 lines, 18 bytes)\n" in head
    assert (head.count("| 1\n"), whole.count("| 1\n")) == (5, 9)
    assert "         | ... 4 more; whole: --full\n" in head
    assert "--full goes with --tasks" in shown.orch("show", "--full", expect=2).stderr
