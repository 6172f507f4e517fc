"""The tools a model is given: real files, real commands, and an answer to whatever it sends."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from git_orch import errors
from git_orch.agents import exchange, tool_definitions, toolbox
from git_orch.sandbox.walls import launcher

ALL = tool_definitions.PERMISSIONS


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    path = tmp_path / "worktree"
    path.mkdir()
    return path


@pytest.fixture
def place(worktree: Path, tmp_path: Path) -> toolbox.Place:
    return toolbox.Place(
        worktree, tmp_path / "outputs", launcher.Launcher(dict(os.environ), tmp_path / "home")
    )


Use = Callable[..., toolbox.Result]


@pytest.fixture
def use(place: toolbox.Place) -> Use:
    """The result of a tool, with everything permitted."""
    return use_of(place)


def use_of(place: toolbox.Place) -> Use:
    """The result of a tool at a place, with everything permitted."""
    box = toolbox.Toolbox(place, ALL)
    return lambda name, **fields: box.result(exchange.ToolCall("toolu_1", name, fields))


# -- what is permitted -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", set()),
        ("none", set()),
        ("read", {"read"}),
        ("write", {"write"}),
        ("command", {"command"}),
        ("all", ALL),
        ("read,write", {"read", "write"}),
        ("read, command", {"read", "command"}),
        ("all,read", ALL),
    ],
)
def test_a_tool_list_permits_what_it_names(words: str, expected: set[str]) -> None:
    """S1-134."""
    assert tool_definitions.permissions(words) == expected


@pytest.mark.parametrize(
    "words", ["nowrite", "READ", "read,", "none,read", "readwrite", "read write"]
)
def test_a_tool_list_of_other_words_is_a_usage_error(words: str) -> None:
    """S1-134: exact tokens."""
    with pytest.raises(errors.UsageError):
        tool_definitions.permissions(words)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("none", ["step_done", "step_failed", "ask"]),
        ("read", ["read_file", "search", "step_done", "step_failed", "ask"]),
        ("write", ["write_file", "step_done", "step_failed", "ask"]),
        (
            "read,write",
            ["read_file", "write_file", "edit_file", "search", "step_done", "step_failed", "ask"],
        ),
        ("command", ["bash", "step_done", "step_failed", "ask"]),
        (
            "all",
            [
                "bash",
                "read_file",
                "write_file",
                "edit_file",
                "search",
                "step_done",
                "step_failed",
                "ask",
            ],
        ),
    ],
)
def test_only_permitted_tools_are_offered(
    place: toolbox.Place, words: str, expected: list[str]
) -> None:
    box = toolbox.Toolbox(place, tool_definitions.permissions(words))

    assert [definition["name"] for definition in box.definitions()] == expected


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("read_file", {"path": "secret"}),
        ("search", {"pattern": "x"}),
        ("write_file", {"path": "made", "content": "x"}),
        ("edit_file", {"path": "secret", "edits": [{"old": "canary", "new": "x"}]}),
        ("bash", {"command": "touch made", "reason": "to see"}),
    ],
)
def test_nothing_runs_that_is_not_permitted(
    place: toolbox.Place, worktree: Path, name: str, fields: dict[str, object]
) -> None:
    """S1-135: none blocks reading too, even if the model asks for it."""
    (worktree / "secret").write_text("canary")
    box = toolbox.Toolbox(place, tool_definitions.permissions("none"))

    result = box.result(exchange.ToolCall("t", name, fields))

    assert result.verdict == "refused"
    assert "canary" not in result.text
    assert os.listdir(worktree) == ["secret"]
    assert (worktree / "secret").read_text() == "canary"


# -- what a model may send -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "fields", "told"),
    [
        ("bash_command", {}, "there is no tool 'bash_command'; the tools are bash, read_file"),
        ("read_file", {}, "argument 'path' of read_file is missing"),
        ("read_file", {"path": None}, "argument 'path' of read_file is missing"),
        ("read_file", {"path": 7}, "path: expected a string"),
        ("read_file", {"path": "a", "limit": "3"}, "limit: expected a whole number"),
        ("read_file", {"path": "a", "limit": 0}, "limit: expected a number from 1"),
        ("read_file", {"path": "a", "lines": 3}, "read_file has no argument 'lines'"),
        ("read_file", "a", "input: expected an object"),
        ("write_file", {"path": "a", "content": "\ud800"}, "content: "),
        (
            "write_file",
            {"path": "a", "content": "", "executable": "yes"},
            "executable: expected true or false",
        ),
        ("edit_file", {"path": "a", "edits": []}, "expected at least one edit"),
        ("edit_file", {"path": "a", "edits": ["x"]}, "edits[1]: expected an object"),
        ("bash", {"command": "true"}, "argument 'reason' of bash is missing"),
        ("bash", {"command": "true", "reason": " "}, "argument 'reason' of bash is empty"),
        (
            "bash",
            {"command": "true", "reason": "x", "timeout": 601},
            "timeout: expected a number from 1 to 600",
        ),
        ("step_done", {"summary": "  "}, "argument 'summary' of step_done is empty"),
        ("step_failed", {"reason": "  "}, "argument 'reason' of step_failed is empty"),
        ("ask", {"question": "  "}, "argument 'question' of ask is empty"),
    ],
)
def test_a_call_that_is_wrong_is_answered(
    place: toolbox.Place, name: str, fields: object, told: str
) -> None:
    """S1-129, S1-144."""
    result = toolbox.Toolbox(place, ALL).result(exchange.ToolCall("t", name, fields))

    assert result.verdict == "invalid"
    assert result.is_error
    assert told in result.text


# -- commands --------------------------------------------------------------------------------------


def test_a_command_runs_in_the_worktree(use: Use, worktree: Path) -> None:
    """S1-125: bash."""
    result = use("bash", command="echo hi > made; echo out; echo err >&2", reason="to see")

    assert (worktree / "made").read_text() == "hi\n"
    assert result.text.startswith("[exit 0 after ")
    assert result.text.endswith("\nout\nerr\n")
    assert (result.verdict, result.exit) == ("done", 0)


def test_a_command_that_fails_is_an_error_with_its_output(use: Use) -> None:
    result = use("bash", command="echo oops; exit 3", reason="to see")

    assert (result.verdict, result.exit) == ("failed", 3)
    assert "[exit 3 after " in result.text
    assert "oops" in result.text


def test_a_long_output_is_shown_by_head_and_tail_with_its_end_at_both_edges(use: Use) -> None:
    result = use("bash", command="seq 1 100000; exit 4", reason="to see")

    assert result.text.startswith("[exit 4 after ")
    assert "\n1\n2\n3\n" in result.text
    assert "\n99999\n100000\n" in result.text
    assert "bytes left out" in result.text
    assert result.text.endswith("the whole output: read_file 'output:1']")
    assert len(result.text) < 17_000


def test_the_whole_output_can_be_paged(use: Use) -> None:
    use("bash", command="true", reason="the first")
    use("bash", command="seq 1 100000", reason="to see")

    page = use("read_file", path="output:2", offset=50_000, limit=2)

    assert (
        page.text
        == "[output:2: PARTIAL, 50000 to 50001 of 100000 lines, go on with offset 50002]\n50000\t50000\n50001\t50001"
    )


def test_outputs_are_private(use: Use, place: toolbox.Place) -> None:
    use("bash", command="echo hi", reason="to see")

    assert place.outputs is not None
    assert place.outputs.stat().st_mode & 0o777 == 0o700
    assert (place.outputs / "1.txt").stat().st_mode & 0o777 == 0o600


def test_a_command_that_takes_too_long_keeps_what_it_said(use: Use) -> None:
    result = use("bash", command="echo begun; sleep 60", reason="to see", timeout=1)

    assert result.verdict == "timeout"
    assert result.text.startswith("[timeout after 1s]\n")
    assert "begun" in result.text


def test_a_long_line_is_cut(use: Use) -> None:
    result = use(
        "bash", command="head -c 5000 /dev/zero | tr '\\0' x; echo; echo end", reason="to see"
    )

    assert "x" * 1000 + " [... 4,000 more characters]\nend" in result.text


def test_a_stop_ends_a_command(place: toolbox.Place) -> None:
    stop = threading.Event()
    stop.set()

    with pytest.raises(exchange.Stopped):
        toolbox.Toolbox(place, ALL).result(
            exchange.ToolCall("t", "bash", {"command": "sleep 60", "reason": "to see"}), stop
        )


# -- reading ---------------------------------------------------------------------------------------


def test_a_file_is_read_with_numbers(use: Use, worktree: Path) -> None:
    """S1-125: read_file."""
    (worktree / "a.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")

    assert use("read_file", path="a.txt").text == "[a.txt: 2 lines]\n1\tone\n2\ttwo"


def test_a_part_of_a_file_says_partial(use: Use, worktree: Path) -> None:
    (worktree / "a.txt").write_text("".join(f"line {number}\n" for number in range(1, 3001)))

    whole = use("read_file", path="a.txt").text
    assert whole.startswith(
        "[a.txt: PARTIAL, 1 to 2000 of 3000 lines, go on with offset 2001]\n1\tline 1\n"
    )
    assert whole.endswith("\n2000\tline 2000")
    assert use("read_file", path="a.txt", offset=2999).text.startswith(
        "[a.txt: PARTIAL, 2999 to 3000 of 3000 lines]"
    )


def test_a_file_of_long_lines_is_cut_by_characters(use: Use, worktree: Path) -> None:
    (worktree / "a.txt").write_text(("x" * 2000 + "\n") * 100)

    text = use("read_file", path="a.txt").text

    assert "PARTIAL, 1 to 46 of 100 lines" in text
    assert len(text) < 50_000


@pytest.mark.parametrize("path", ["", ".", "src"])
def test_a_directory_is_listed(use: Use, worktree: Path, path: str) -> None:
    (worktree / "src").mkdir()
    (worktree / "src/b.py").write_text("")
    (worktree / "src/a.py").write_text("")

    assert use("read_file", path=path).text == "src/a.py\nsrc/b.py"


@pytest.mark.parametrize(
    ("path", "verdict", "told"),
    [
        ("missing", "failed", "does not exist"),
        ("binary", "failed", "is a binary file of 3 bytes"),
        ("empty", "done", "is empty"),
        ("../outside", "refused", "leads out of the worktree"),
        ("/etc/passwd", "refused", "leads out of the worktree"),
        (".git/config", "refused", "belongs to git"),
        ("output:9", "failed", "does not exist"),
        ("link", "refused", "leads out of the worktree"),
    ],
)
def test_what_cannot_be_read_is_told(
    use: Use, worktree: Path, path: str, verdict: str, told: str
) -> None:
    (worktree / "binary").write_bytes(b"a\0b")
    (worktree / "empty").write_text("")
    (worktree / "link").symlink_to("/etc/passwd")
    (worktree.parent / "outputs").mkdir(exist_ok=True)

    result = use("read_file", path=path)

    assert (result.verdict, told in result.text) == (verdict, True)


def test_lines_end_at_newlines_only_so_that_numbers_agree_with_grep(
    use: Use, worktree: Path
) -> None:
    (worktree / "a.txt").write_text("one\x0cstill\u2028one\ntwo\n")

    assert use("read_file", path="a.txt").text.startswith("[a.txt: 2 lines]")
    assert use("search", pattern="two").text == "a.txt:2:two"


# -- writing ---------------------------------------------------------------------------------------


def test_a_file_is_written_with_its_directories(use: Use, worktree: Path) -> None:
    """S1-125: write_file."""
    result = use("write_file", path="src/new/a.py", content="a = 1\n", executable=True)

    assert result.text == "created 'src/new/a.py', 1 line"
    assert (worktree / "src/new/a.py").read_text() == "a = 1\n"
    assert os.access(worktree / "src/new/a.py", os.X_OK)


def test_line_endings_byte_order_mark_and_mode_of_a_replaced_file_are_kept(
    use: Use, worktree: Path
) -> None:
    (worktree / "a.bat").write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")
    (worktree / "a.bat").chmod(0o755)

    use("write_file", path="a.bat", content="three\nfour")

    assert (worktree / "a.bat").read_bytes() == b"\xef\xbb\xbfthree\r\nfour"
    assert (worktree / "a.bat").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("path", ["../x", ".git/hooks/pre-commit", "link/x", "a/../../x"])
def test_nothing_is_written_elsewhere(use: Use, worktree: Path, path: str) -> None:
    (worktree / "link").symlink_to(worktree.parent)

    result = use("write_file", path=path, content="x")

    assert result.verdict == "refused"
    assert not (worktree.parent / "x").exists()
    assert not (worktree / ".git").exists()


def test_edits_are_made_in_order_and_keep_everything_else(use: Use, worktree: Path) -> None:
    before = b"\xef\xbb\xbfone\r\n\xff two\r\nthree"
    (worktree / "a.txt").write_bytes(before)

    result = use(
        "edit_file",
        path="a.txt",
        edits=[{"old": "one", "new": "1\n1"}, {"old": "1\n1\n", "new": "0\n1\n"}],
    )

    assert result.text == "2 of 2 edits made in 'a.txt'\nedit 1 made\nedit 2 made"
    assert (worktree / "a.txt").read_bytes() == b"\xef\xbb\xbf0\r\n1\r\n\xff two\r\nthree"


def test_edits_that_cannot_be_made_are_named_and_the_others_made(use: Use, worktree: Path) -> None:
    (worktree / "a.txt").write_text("one\n  two\n")

    result = use(
        "edit_file",
        path="a.txt",
        edits=[
            {"old": "zwei", "new": "x"},
            {"old": "two\n", "new": "2\n"},
            {"old": "one", "new": "one"},
        ],
    )

    assert result.verdict == "failed"
    assert result.text.startswith(
        "1 of 3 edits made in 'a.txt'\nedit 1 not made: old is not in the file"
    )
    assert "\nedit 2 made\nedit 3 not made: old and new are the same" in result.text
    assert (worktree / "a.txt").read_text() == "one\n  2\n"


def test_an_edit_that_needed_other_indentation_says_so(use: Use, worktree: Path) -> None:
    (worktree / "a.py").write_text("if a:\n    b()\n    c()\n")

    result = use("edit_file", path="a.py", edits=[{"old": "b()\nc()\n", "new": "d()\n"}])

    assert "edit 1 made (indentation differed)" in result.text
    assert (worktree / "a.py").read_text() == "if a:\n    d()\n"


# -- searching -------------------------------------------------------------------------------------


def test_a_search_names_file_and_line(use: Use, worktree: Path) -> None:
    (worktree / "src").mkdir()
    (worktree / "src/a.py").write_text("x\ndef f():\n")
    (worktree / "b.txt").write_text("def g():\n")
    (worktree / "c.bin").write_bytes(b"def \0")

    assert sorted(use("search", pattern="^def [a-z]").text.splitlines()) == [
        "b.txt:1:def g():",
        "src/a.py:2:def f():",
    ]
    assert use("search", pattern="def", files="*.py").text == "src/a.py:2:def f():"
    assert use("search", pattern="def", path="src").text == "src/a.py:2:def f():"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"pattern": "nowhere"}, "no line matches"),
        ({"pattern": "("}, "the search failed: "),
        ({"pattern": "x", "path": "missing"}, "there is no file or directory 'missing'"),
        ({"pattern": "x", "path": "../"}, "leads out of the worktree"),
        ({"pattern": "--help"}, "no line matches"),
        ({"pattern": "root", "path": "link"}, "there is no file or directory 'link'"),
    ],
)
def test_a_search_that_finds_nothing_says_why(
    use: Use, worktree: Path, fields: dict[str, str], told: str
) -> None:
    (worktree / "link").symlink_to("/etc/passwd")

    assert told in use("search", **fields).text


def test_a_search_with_many_matches_is_partial(use: Use, worktree: Path) -> None:
    (worktree / "a.txt").write_text("x\n" * 1000)

    lines = use("search", pattern="x").text.splitlines()

    assert len(lines) == 201
    assert lines[-1].startswith("[PARTIAL")


def test_step_done_carries_the_summary(use: Use) -> None:
    assert use("step_done", summary=" did it ").summary == "did it"


def test_step_failed_carries_the_reason(use: Use) -> None:
    result = use("step_failed", reason=" no way ")
    assert (result.ends, result.summary) == ("gave-up", "no way")


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("read_file", {"path": "."}),
        ("edit_file", {"path": "a", "edits": [{"old": "x", "new": "y"}]}),
    ],
)
def test_a_stop_ends_long_work_on_files(
    place: toolbox.Place, worktree: Path, name: str, fields: dict[str, object]
) -> None:
    (worktree / "a").write_text("x")
    (worktree / "directory").mkdir()
    stop = threading.Event()
    stop.set()
    box = toolbox.Toolbox(place, ALL)
    with pytest.raises(exchange.Stopped):
        box.result(exchange.ToolCall("t", name, fields), stop)
    assert (worktree / "a").read_text() == "x"


def test_a_call_makes_a_hundred_edits_at_most(use: Use, worktree: Path) -> None:
    (worktree / "a").write_text("x")
    edit = {"old": "x", "new": "y"}
    assert use("edit_file", path="a", edits=[edit] * 101).verdict == "invalid"
    assert (worktree / "a").read_text() == "x"


# -- absolute paths --------------------------------------------------------------------------------


@pytest.mark.parametrize("below", ["src/a.py", "/src//a.py", "./src/a.py"])
@pytest.mark.parametrize("top", [None, "/home/ada/project"])
def test_an_absolute_path_below_the_place_that_commands_see_names_a_file(
    place: toolbox.Place, worktree: Path, top: str | None, below: str
) -> None:
    seen = dataclasses.replace(place, tops=(Path("/elsewhere"), Path(top)) if top else ())
    use = use_of(seen)
    path = f"{top or worktree}/{below}"
    assert use("write_file", path=path, content="x = 1\n").verdict == "done"
    assert (worktree / "src/a.py").read_text() == "x = 1\n"
    assert "x = 1" in use("read_file", path=path).text
    assert use("edit_file", path=path, edits=[{"old": "1", "new": "2"}]).verdict == "done"
    assert use("search", pattern="x", path=path).text == "1:x = 2"
    assert use("read_file", path=str(top or worktree)).text == "src/a.py"
    assert use("search", pattern="x", path=f"{top or worktree}/").text == "src/a.py:1:x = 2"


@pytest.mark.parametrize(
    "path",
    ["/home/ada", "/home/ada/project2/x", "/home/ada/project/../x", "/etc/passwd", "/", "~/x"],
)
def test_an_absolute_path_elsewhere_is_refused(place: toolbox.Place, path: str) -> None:
    use = use_of(dataclasses.replace(place, tops=(Path("/home/ada/project"),)))
    for tool in ("read_file", "write_file"):
        result = use(tool, path=path, **({"content": "x"} if tool == "write_file" else {}))
        assert (result.verdict, "leads out of the worktree" in result.text) == ("refused", True)


def test_the_path_on_the_host_is_elsewhere_where_commands_see_another(
    place: toolbox.Place, worktree: Path
) -> None:
    (worktree / "a").write_text("x")
    use = use_of(dataclasses.replace(place, tops=(Path("/home/ada/project"),)))
    assert use("read_file", path=f"{worktree}/a").verdict == "refused"


def test_a_question_ends_the_conversation(use: Use) -> None:
    result = use("ask", question=" a or b? ")
    assert (result.ends, result.summary) == ("asked", "a or b?")
