"""Attacks on the whole of git-orch, as root and as an ordinary user: what commands and models try
in `git orch exec`.

The names begin with the numbers of the attacks. A19 (approval tampering) is in test_approving.py,
A20 (the corpus of command lines) in test_policy.py and test_command_policy.py. Of A12, a command whose
starting thread ends is in test_process.py::test_a_command_survives_the_end_of_other_threads.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import conftest
import payloads
import pytest
import users
import victims
from model_server import status, tool, turn
from victims import CANARY, Ran, Victim

Answer = dict[str, Any]


def bash(name: str, **more: object) -> Answer:
    """The call that runs a script of the project."""
    return tool("bash", command=f"bash attack/{name}", reason="attack", **more)


# -- git control data: A01, A02, A04, A05 ----------------------------------------------------------


class Planted(NamedTuple):
    """What was tried from one of the user's worktrees, and what it left."""

    found: Victim
    tried: str
    ran: Ran
    plan: str
    before: dict[str, bytes]
    after: dict[str, bytes]


@pytest.fixture(params=[(user, where) for user in users.USERS for where in ("main checkout", "linked worktree")],
                ids=lambda each: f"{users.name(each[0])}, {each[1]}", scope="module")  # fmt: skip
def planted(request: pytest.FixtureRequest) -> Iterator[Planted]:
    """The plan is made and run in the user's main checkout, or in a linked worktree while there is
    no hooks/.
    """
    user, where = request.param
    with victims.victim(user) as found:
        victims.commit(
            found,
            {**payloads.TOOLS, "README.md": "a\n", ".gitattributes": "*.md diff=x\n"},
            executable=True,
        )
        victims.link(found)
        settings = "".join(
            f"git config '{name}' '{value}'\n" for name, value in payloads.TRUSTED.items()
        )
        found.does("bash", "-c", settings, cwd=found.repo)
        cwd = found.repo
        if where == "linked worktree":
            found.does("rm", "-rf", str(found.repo / ".git/hooks"))
            cwd = found.linked
        before = found.control()
        plan = found.plan(
            {"run": payloads.planting(found)},
            {"run": payloads.rewriting(found)},
            {"run": "true"},
            cwd=cwd,
        )
        ran = found.orch("exec", plan, cwd=cwd)
        if where == "main checkout":
            for command in (
                ["verify", plan],
                ["rollback", plan, "--to-step", "1"],
                ["exec", plan],
                ["diff", plan],
            ):
                found.orch(*command)
        yield Planted(found, found.outputs()[0].read_text(), ran, plan, before, found.control())


def test_a01_a02_nothing_of_git_can_be_written_by_a_command(planted: Planted) -> None:
    tried = planted.tried.splitlines()
    assert [line for line in tried if line.startswith("DONE")] == []
    assert sum(line.startswith("refused") for line in tried) == payloads.planting(
        planted.found
    ).count("try ")


def test_a01_a02_configuration_hooks_and_attributes_are_what_they_were(planted: Planted) -> None:
    assert planted.after == planted.before


def test_a01_a02_a04_a05_nothing_planted_runs_on_the_host(planted: Planted) -> None:
    assert not planted.found.mark.exists()
    assert not (planted.found.repo / "MARK").exists()


def test_a01_refs_are_what_git_orch_made_of_them(planted: Planted) -> None:
    names = planted.found.git("for-each-ref", "--format=%(refname)").split()
    assert [name for name in names if "planted" in name or name.startswith("refs/stash")] == []


def test_a04_changed_files_that_git_executes_are_told(planted: Planted) -> None:
    told = planted.ran.said.decode()
    assert "these files are executable or run by tools" in told
    assert ".husky/pre-commit" in told


def test_a04_a05_the_change_itself_lands(planted: Planted) -> None:
    landed = planted.found.git("show", f"orch/{planted.plan}:.husky/pre-commit")
    assert str(planted.found.mark) in landed


# -- a model with tools, and its commands: A03, A06 to A11, A13, A15, A16, A18 ---------------------


class Met(NamedTuple):
    """A model that has tried everything, and what it was answered."""

    found: Victim
    answers: dict[str, Answer]
    doors: victims.Doors
    knocked: list[str]
    audit: list[dict[str, Any]]

    def text(self, name: str) -> str:
        """The answer to a call."""
        return str(self.answers[name]["content"])

    def audited(self, verb: str, path: str) -> float:
        """How long a call took, in seconds."""
        asked = (f"{verb}_file", path)
        return max(
            float(call["seconds"])
            for call in self.audit
            if (call["tool"], call["input"].get("path")) == asked
        )


@pytest.fixture(scope="module", params=users.USERS, ids=users.name)
def met(request: pytest.FixtureRequest) -> Iterator[Met]:
    """One agent step that makes every call, in a project whose links lead out."""
    with ExitStack() as stack:
        found = stack.enter_context(victims.victim(request.param))
        doors = victims.Doors(found, stack)
        victims.commit(
            found, {f"attack/{name}": text for name, text in payloads.scripts(found, doors).items()}
        )
        links = {
            "k": f"{found.home}/.ssh/id_rsa",
            "d": "/",
            "e": "/proc/self/environ",
            "z": "/dev/zero",
            "o": "../../..",
        }
        for name, target in links.items():
            found.does("ln", "-s", target, name, cwd=found.repo)
        victims.commit(found, {"tracked": "text\n", "sub/file": "x\n"})
        calls = {"special": bash("special"), "hard-link": bash("hard-link")}
        for path in (*payloads.CONTROL, *payloads.OUTSIDE, *payloads.LINKS, "w/x", "tracked"):
            read = tool("read_file", path=path)
            write = tool("write_file", path=path, content="evil")
            edit = tool("edit_file", path=path, edits=[{"old": "t", "new": "evil"}])
            calls |= {f"read {path}": read, f"write {path}": write, f"edit {path}": edit}
        calls |= {
            f"search {path}": tool("search", pattern=f"{CANARY}|root:", path=path)
            for path in (*payloads.LINKS, "w")
        }
        calls |= {
            f"write {path}": tool("write_file", path=path, content="words\n")
            for path in payloads.ORDINARY
        }
        calls |= {
            f"edit {path}": tool("edit_file", path=path, edits=[{"old": "words", "new": "text"}])
            for path in payloads.ORDINARY
        }
        calls |= {f"read {path}": tool("read_file", path=path) for path in payloads.ORDINARY}
        calls |= {
            f"search {path}": tool("search", pattern="text", path=path)
            for path in payloads.ORDINARY
        }
        names = ("tidy", "secrets", "environment", "network", "daemon", "escape", "disk")
        done = turn(tool("step_done", summary="Done."))
        answers, _ = found.model({**calls, **{name: bash(name) for name in names}}, done)
        audit = conftest.data(found.orch("audit", "--json").said)
        yield Met(found, answers, doors, doors.knocked(), audit)


@pytest.mark.parametrize("verb", ["write", "edit", "read"])
@pytest.mark.parametrize("path", payloads.CONTROL, ids=ascii)
def test_a03_no_spelling_of_gits_directory_is_touched(met: Met, verb: str, path: str) -> None:
    answer = met.answers[f"{verb} {path}"]
    assert answer.get("is_error")
    assert "belongs to git" in answer["content"]


def test_a03_every_one_is_refused_in_the_audit_and_makes_no_file(met: Met) -> None:
    verdicts = {
        call["verdict"] for call in met.audit if call["input"].get("path") in payloads.CONTROL
    }
    assert verdicts == {"refused"}
    names = met.found.git("log", "--all", "--name-only", "--format=").lower()
    assert re.search(r"git~1|\.g.*it|index_allocation", names) is None


@pytest.mark.parametrize("verb", ["write", "edit", "read"])
@pytest.mark.parametrize("path", payloads.OUTSIDE, ids=lambda path: ascii(path)[:20])
def test_a06_a_bad_path_is_an_answer(met: Met, verb: str, path: str) -> None:
    answer = met.answers[f"{verb} {path}"]
    if (verb, path) in (("read", ""), ("read", "."), ("read", "sub")):
        assert CANARY not in answer["content"]  # a list of files
    else:
        assert answer.get("is_error")
        assert "root:" not in answer["content"]


@pytest.mark.parametrize("path", payloads.ORDINARY)
def test_a06_an_odd_name_is_an_ordinary_file(met: Met, path: str) -> None:
    assert "text" in met.text(f"read {path}")
    assert met.text(f"search {path}").endswith("1:text")
    assert met.found.git("show", f"{branch(met.found)}:{path}") == "text\n"


def branch(found: Victim) -> str:
    """The branch of the only plan."""
    return found.git("for-each-ref", "--format=%(refname)", "refs/heads/orch").split()[-1]


@pytest.mark.parametrize("verb", ["write", "edit", "read"])
@pytest.mark.parametrize("path", payloads.LINKS)
def test_a07_a08_links_out_and_special_files_are_refused(met: Met, verb: str, path: str) -> None:
    answer = met.answers[f"{verb} {path}"]
    assert answer.get("is_error")
    assert met.audited(verb, path) < 1


@pytest.mark.parametrize("path", [*payloads.LINKS, "w"])
def test_a07_a_search_finds_nothing_behind_them(met: Met, path: str) -> None:
    assert not re.search(f"{CANARY}-|root:x", met.text(f"search {path}"))


@pytest.mark.parametrize("call", ["write w/x", "edit tracked", "write tracked", "read tracked"])
def test_a08_a_link_made_by_a_command_leads_nowhere(met: Met, call: str) -> None:
    assert met.answers[call].get("is_error")


def test_a08_what_is_outside_is_unchanged(met: Met) -> None:
    assert sorted(path.name for path in met.found.outside.iterdir()) == ["file"]
    assert not (met.found.home / ".bashrc").exists()


def test_a08_no_hard_link_to_gits_files_can_be_made(met: Met) -> None:
    assert met.text("hard-link").count("refused:") == 2


def test_a09_no_file_of_the_home_or_of_the_system_is_read(met: Met) -> None:
    told = dict(re.findall(r"(found|errors|shadow) (\d+)", met.text("secrets")))
    assert (told["found"], told["shadow"]) == ("0", "0")
    assert int(told["errors"]) > len(victims.HOME_SECRETS)


def test_a10_no_key_is_in_any_environment_or_command_line(met: Met) -> None:
    assert "found 0, paths" in met.text("environment")
    assert "paths 0" not in met.text("environment")


def test_a10_no_process_outside_is_seen(met: Met) -> None:
    [seen] = re.findall(r"processes:(.*)", met.text("environment"))
    assert 0 < len(seen.split()) < 5


def test_a11_nothing_outside_is_reached(met: Met) -> None:
    assert "DONE" not in met.text("network")
    assert met.text("network").count("refused") == 7
    assert met.knocked == []
    assert {request.path for request in met.found.server.requests} == {"/v1/messages"}


def test_a11_loopback_inside_of_a_command_works(met: Met) -> None:
    assert "own inside" in met.text("network")


def test_a13_a_daemon_does_not_outlive_its_command(met: Met) -> None:
    assert met.answers["daemon"].get("is_error") is None
    assert met.text("daemon").splitlines()[1:] == ["done"]
    assert victims.running(met.found.word) == []


def test_a15_the_model_is_shown_visible_replacements(met: Met) -> None:
    shown = met.text("escape").split("\n", 1)[1]
    assert [character for character in shown if not character.isprintable()] == []
    assert "\\x1b[2J" in shown
    assert "\\xff" in shown


def test_a15_raw_bytes_are_in_a_private_file(met: Met) -> None:
    files = list((met.found.repo / ".git/orch/output").glob("*/*.txt"))
    [raw] = [path for path in files if b"a\xffb\0c\xed\xa0\x80d\re\x1b[2J" in path.read_bytes()]
    assert raw.stat().st_mode & 0o777 == 0o600


def test_a15_a_terminal_gets_no_escape(met: Met) -> None:
    said = b"".join(met.found.said).decode()
    assert {character for character in said if not character.isprintable()} == {"\n"}


def test_a18_temporary_places_are_bounded_and_others_closed(met: Met) -> None:
    told = met.text("disk")
    assert "DONE" not in told
    assert [
        told.count(each) for each in ("No space left", "Read-only file system", "File size limit")
    ] == [4, 4, 2]


def test_a18_nothing_is_left_on_the_host(met: Met) -> None:
    assert [
        path
        for path in map(Path, ("/tmp/fill", "/dev/shm/fill", "/fill", "/run/fill"))
        if path.exists()
    ] == []


def test_a07_a09_a10_no_secret_is_kept_said_or_sent(met: Met) -> None:
    kept = met.found.everything_kept().replace(f"{CANARY}|root:".encode(), b"")
    for word in (b"CANARY0", b"CANARY1", b"CANARY2", b"CANARY3", b"CANARY-."):
        assert word not in kept


# -- what would use up the machine, wait for a person or outlive git-orch: A12, A14, A16, A17, A18 -

MB = 1 << 20
LIMITS = {"processes": 60, "memory": 300 * MB, "growth": 30 * MB, "new_files": 1000}


class Pressed(NamedTuple):
    """What became of commands that would have gone on for ever."""

    found: Victim
    answers: dict[str, Answer]
    survivors: list[int]
    other: int | None  # the status of another process of the user
    ran: Ran

    def text(self, name: str) -> str:
        """The answer to a call."""
        return str(self.answers[name]["content"])


@pytest.fixture(scope="module", params=users.USERS, ids=users.name)
def pressed(request: pytest.FixtureRequest) -> Iterator[Pressed]:
    """One agent step under low limits, to whose answers the provider says no, and repeats the key."""
    with victims.victim(request.param) as found:
        tree = payloads.TREE.replace("WORD", found.word)
        hogs = {
            name: f"exec -a {found.word} python3 -c {shlex.quote(text)}"
            for name, text in payloads.HOGS.items()
        }
        lines = {
            "tree": tree,
            **payloads.FLOODS,
            **hogs,
            **payloads.FILLERS,
            "clean": "rm -rf many *.bin",
        }
        victims.commit(found, {f"attack/{name}": text for name, text in lines.items()})
        calls = {name: bash(name, **({"timeout": 1} if name == "tree" else {})) for name in lines}
        said = f"invalid x-api-key {victims.SECRETS['ANTHROPIC_API_KEY']}"
        refused = turn(faults=[status(401, "authentication_error", said)])
        with subprocess.Popen([*users.as_user(found.user), "sleep", "300"]) as other:
            answers, ran = found.model(calls, refused, expect=8, limits=LIMITS)
            survivors, running = victims.running(found.word), other.poll()
            other.kill()
        yield Pressed(found, answers, survivors, running, ran)


def test_a12_a_command_is_stopped_at_its_time_limit(pressed: Pressed) -> None:
    assert "timeout after 1s" in pressed.text("tree")


def test_a12_a17_nothing_that_a_command_started_is_left(pressed: Pressed) -> None:
    assert pressed.survivors == []


@pytest.mark.parametrize("flood", payloads.FLOODS)
def test_a14_a_flood_is_stopped_and_its_head_and_tail_are_shown(
    pressed: Pressed, flood: str
) -> None:
    told = pressed.text(flood)
    assert "stopped: more than 10,485,760 bytes of output" in told
    assert re.search(r"\[\.\.\. [0-9,]+ of [0-9,]{10,} bytes left out \.\.\.\]", told)
    assert len(told) < 20_000


def test_a14_files_and_memory_of_git_orch_are_bounded(pressed: Pressed) -> None:
    files = [path for path in (pressed.found.repo / ".git/orch").rglob("*") if path.is_file()]
    assert max(path.stat().st_size for path in files) == 10 * MB
    assert sum(path.stat().st_size for path in files if "traces" in path.parts) < MB
    assert pressed.ran.used < 320  # MiB; its libraries take up to 200, the floods are gigabytes


def test_a17_a_fork_bomb_is_stopped(pressed: Pressed) -> None:
    assert "BlockingIOError" in pressed.text(
        "bomb"
    ) or "more processes than a command may" in pressed.text("bomb")


def test_a17_a_memory_hog_is_ended_and_the_limit_named(pressed: Pressed) -> None:
    assert "more memory than a command may" in pressed.text("hog")
    assert "had all" not in pressed.text("hog")


def test_a17_other_processes_of_the_user_go_on(pressed: Pressed) -> None:
    assert pressed.other is None


@pytest.mark.parametrize("filler", payloads.FILLERS)
def test_a18_a_worktree_that_grows_too_much_is_stopped_and_the_limit_named(
    pressed: Pressed, filler: str
) -> None:
    assert "wrote more to the worktree than a command may" in pressed.text(filler)


def test_a10_a_provider_that_repeats_the_key_does_not_get_it_shown(pressed: Pressed) -> None:
    assert b"invalid x-api-key" in pressed.ran.said
    assert b"CANARY0" not in pressed.found.everything_kept()


class Sent(NamedTuple):
    """What run steps did that fail, wait or do not end."""

    found: Victim
    waited: str
    terminal: bytes
    killed: bool
    shown: list[Ran]
    linked: Ran


@pytest.fixture(scope="module", params=users.USERS, ids=users.name)
def sent(request: pytest.FixtureRequest) -> Iterator[Sent]:
    """Plans of run steps, one with a terminal that git-orch can talk to."""
    with victims.victim(request.param) as found:
        victims.commit(found, {"README": "text\n"})
        name = "$'\\e]0;title\\a'"
        landing = f"{payloads.ESCAPES} | tee {name} > text"
        escaping = f"{payloads.ESCAPES}; git -c color.ui=always log -1; exit 3"
        with victims.terminal() as terminal:
            plan = found.plan(
                {"run": payloads.WAITING, "timeout": 30}, {"run": landing}, {"run": escaping}
            )
            shown = [found.orch("exec", plan, expect=1, terminal=terminal.inner)]
            typed = terminal.arrived()
        shown += [found.orch("show", plan, "--attempts"), found.orch("log", "--all", plan)]
        with (
            victims.terminal() as terminal,
            found.start("diff", plan, output=terminal.inner) as differing,
        ):
            differing.wait()
            shown.append(Ran(differing.returncode, terminal.arrived().replace(b"\r\n", b"\n"), 0))
        waited = found.outputs()[0].read_text()
        with found.start(
            "exec", found.plan({"run": payloads.TREE.replace("WORD", found.word)})
        ) as started:
            assert victims.until(lambda: len(victims.sleeping(found.word)) == 7)
            started.kill()
        killed = victims.until(lambda: not victims.running(found.word))
        linked = found.orch("exec", found.plan({"run": payloads.LINKING}), expect=1)
        yield Sent(found, waited, typed, killed, shown, linked)


@pytest.mark.parametrize("name", payloads.TOLD)
def test_a16_nothing_waits_for_a_person(sent: Sent, name: str) -> None:
    assert f"{name} ended\n" in sent.waited


def test_a16_nobody_types_or_is_asked_at_the_terminal(sent: Sent) -> None:
    assert sent.terminal == b""
    assert "DONE" not in sent.waited


def test_a12_nothing_outlives_git_orch_that_is_killed(sent: Sent) -> None:
    assert sent.killed


def test_a15_what_commands_printed_and_wrote_is_shown_without_escapes(sent: Sent) -> None:
    told = b"".join(ran.said for ran in sent.shown)
    assert [rb"\x1b[2J" in ran.said for ran in sent.shown] == [True] * 4
    assert {character for character in told.decode() if not character.isprintable()} == {"\n"}


@pytest.mark.parametrize("name", payloads.LINKS_OUT)
def test_a08_a_link_that_leaves_the_tree_does_not_land(sent: Sent, name: str) -> None:
    assert f"'{name}' is a symbolic link out of the tree" in sent.linked.said.decode()
    assert name not in sent.found.git("log", "--all", "--name-only", "--format=").split()
