"""Processes: trusted tools, and commands of which nothing survives."""

from __future__ import annotations

import os
import resource
import select
import signal
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from git_orch.sandbox.process import command as process
from git_orch.sandbox.process import family, limits, output, table, tools
from git_orch.sandbox.process.outcome import Outcome

ENV = {"PATH": os.environ["PATH"]}
LONG = 60.0  # seconds; a test that waits this long fails by its reason, not by a clock


def bash(script: str, cwd: Path, bounds: limits.Bounds | None = None) -> Outcome:
    """How a script ended."""
    return process.run(
        ["bash", "-c", script], env=ENV, cwd=cwd, bounds=bounds or limits.Bounds(LONG)
    )


def marker() -> str:
    """A number of seconds to sleep that no other process on this machine sleeps."""
    return f"{3000 + os.getpid()}.{int.from_bytes(os.urandom(6)):015d}"


def sleepers(seconds: str) -> list[int]:
    """The living processes with that marker on their command line."""
    return [
        pid
        for pid, line in table.processes().items()
        if not line.dead and seconds.encode() in table._contents(f"/proc/{pid}/cmdline")
    ]


_others: set[int] = set()  # what tests of other files left in this process


@pytest.fixture(autouse=True)
def own_zombies() -> None:
    """Only what a test leaves itself counts."""
    _others.clear()
    _others.update(zombies())


def zombies() -> list[int]:
    """Children of ours that nobody waited for."""
    dead = {
        pid for pid, line in table.processes().items() if line.dead and line.parent == os.getpid()
    }
    return sorted(dead - _others)


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    """A named pipe: whoever opens it is waited for, and its end tells that all writers are gone."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


def first_line(fifo: Path) -> tuple[int, bytes]:
    """Wait for a writer's line; gives the reading end too."""
    reader = os.open(fifo, os.O_RDONLY)
    return reader, os.read(reader, 100)


def all_writers_gone(reader: int) -> bool:
    """Whether the last process that held the pipe ended (within 20 s, then it never will)."""
    readable, _, _ = select.select([reader], [], [], 20)
    return bool(readable) and os.read(reader, 1) == b""


# -- trusted tools ---------------------------------------------------------------------------------


def test_capture_gives_status_and_both_streams() -> None:
    done = tools.capture(["bash", "-c", "cat; echo bad >&2; exit 3"], env=ENV, stdin=b"in")
    assert done == tools.Finished(3, b"in", b"bad\n")


def test_capture_without_input_gives_the_tool_an_empty_one() -> None:
    assert tools.capture(["cat"], env=ENV).stdout == b""


def test_capture_reports_a_signal_as_a_negative_status() -> None:
    assert tools.capture(["bash", "-c", "kill -9 $$"], env=ENV).status == -9


def test_capture_moves_more_than_a_pipe_holds_in_both_directions() -> None:
    data = os.urandom(1 << 20)
    assert tools.capture(["cat"], env=ENV, stdin=data).stdout == data


def test_capture_survives_a_tool_that_does_not_read_its_input() -> None:
    assert tools.capture(["true"], env=ENV, stdin=b"x" * (1 << 20)).status == 0


def test_capture_lets_a_missing_program_be_seen() -> None:
    with pytest.raises(FileNotFoundError):
        tools.capture(["no-such-program"], env=ENV)


def test_capture_passes_the_descriptors_that_it_is_told() -> None:
    reader, writer = os.pipe()
    try:
        tools.capture(["bash", "-c", f"echo hello >&{writer}"], env=ENV, pass_fds=(writer,))
        assert os.read(reader, 100) == b"hello\n"
    finally:
        os.close(reader)
        os.close(writer)


def test_an_interrupt_of_git_orch_alone_leaves_no_orphan_of_capture(fifo: Path) -> None:
    code = (
        "import os, sys; from git_orch.sandbox.process import tools;"
        "tools.capture(['bash', '-c', 'read x; exec 3>$0; echo ready >&3; sleep 300', sys.argv[1]],"
        "                env=os.environ, stdin=b'go')"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(fifo)], stderr=subprocess.PIPE
    ) as program:
        reader, line = first_line(fifo)
        program.send_signal(signal.SIGINT)
        assert line == b"ready\n"
        assert all_writers_gone(reader)
        os.close(reader)


def test_a_session_answers_requests_until_it_is_closed() -> None:
    with tools.Session(["cat"], env=ENV) as session:
        session.send(b"line\n12345")
        assert (session.read_line(), session.read(5)) == (b"line", b"12345")
    session.close()


@pytest.mark.parametrize("script", ["exit", "printf cut"], ids=["nothing", "half a line"])
def test_a_session_that_ends_raises_at_the_next_line(script: str) -> None:
    with tools.Session(["bash", "-c", script], env=ENV) as session, pytest.raises(EOFError):
        session.read_line()


def test_a_session_that_ends_raises_when_bytes_are_missing() -> None:
    with tools.Session(["printf", "abc"], env=ENV) as session, pytest.raises(EOFError):
        session.read(4)


def test_sending_to_a_session_that_ended_raises() -> None:
    with tools.Session(["true"], env=ENV) as session:
        with pytest.raises(EOFError):
            session.read_line()
        with pytest.raises(EOFError):
            session.send(b"x" * (1 << 20))


@pytest.mark.parametrize("script", ["exec sleep 60", "printf half; exec sleep 60"])
def test_a_session_that_does_not_answer_raises_what_its_patience_says(script: str) -> None:
    patience = tools.Patience(0.1, ValueError("late"))
    with tools.Session(["bash", "-c", script], env=ENV, patience=patience) as session:
        with pytest.raises(ValueError, match="late"):
            session.read_line()
        with pytest.raises(EOFError):
            session.read_line()


def test_an_answer_of_many_chunks_comes_whole() -> None:
    with tools.Session(["cat"], env=ENV, patience=tools.Patience(60, ValueError())) as session:
        for size in (1, 70_000):
            for number in range(3):
                session.send(b"%d\n" % number + b"x" * size + b"\n")
                assert session.read_line() == b"%d" % number
                assert session.read(size + 1) == b"x" * size + b"\n"


def test_closing_a_session_does_not_wait_for_unread_replies() -> None:
    session = tools.Session(["yes"], env=ENV)
    session.read_line()
    session.close()
    assert zombies() == []


# -- commands: output ------------------------------------------------------------------------------


def test_stdout_and_stderr_come_together_in_order(tmp_path: Path) -> None:
    """S1-142: output, exit code and duration are captured."""
    outcome = bash("echo a; echo b >&2; echo c; exit 7", tmp_path)
    assert (outcome.status, outcome.reason, outcome.output, outcome.total) == (
        7,
        "exited",
        b"a\nb\nc\n",
        6,
    )
    assert outcome.seconds > 0


def test_a_command_runs_in_the_directory_it_is_given(tmp_path: Path) -> None:
    assert bash("pwd -P", tmp_path).output.strip() == os.fsencode(tmp_path.resolve())


def test_a_command_that_cannot_start_raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        process.run(["no-such-program"], env=ENV, cwd=tmp_path, bounds=limits.Bounds(LONG))


@pytest.mark.parametrize(
    "flood", ["yes", "head -c 10G /dev/zero", "head -c 200M /dev/zero | tr '\\0' x"]
)
def test_a_flood_is_stopped_at_the_limit(flood: str, tmp_path: Path) -> None:
    """A14: endless, huge, and one long line."""
    path = tmp_path / "output"
    outcome = bash(flood, tmp_path, limits.Bounds(LONG, output_path=path))
    assert outcome.reason == "output-limit"
    assert outcome.total > limits.OUTPUT_LIMIT
    assert len(outcome.output) == 2 * output.HEAD
    assert path.stat().st_size == limits.OUTPUT_LIMIT


def test_a_command_that_ends_above_the_limit_is_reported_as_well(tmp_path: Path) -> None:
    assert (
        bash("echo 123456789", tmp_path, limits.Bounds(LONG, output_limit=5)).reason
        == "output-limit"
    )


def test_output_exactly_at_the_limit_is_fine(tmp_path: Path) -> None:
    assert bash("echo 1234", tmp_path, limits.Bounds(LONG, output_limit=5)).reason == "exited"


FLOODED = """
import os, re, sys
from pathlib import Path
from git_orch.sandbox.process import command, limits

def peak():  # ru_maxrss would have what the tests used that started this
    return int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])

before = peak()
bounds = limits.Bounds(60, output_path=Path("output"), output_limit=int(sys.argv[2]))
outcome = command.run(["bash", "-c", sys.argv[1]], env={"PATH": os.environ["PATH"]}, cwd=Path.cwd(), bounds=bounds)
outcome.excerpt(16_000)
print(outcome.reason, outcome.total, peak() - before)
"""


@pytest.mark.parametrize(
    ("flood", "limit", "reason", "at_least"),
    [
        ("head -c 10G /dev/zero", 200_000_000, "output-limit", 200_000_000),
        ("head -c 200000000 /dev/zero | tr '\\0' x", 1 << 30, "exited", 200_000_000),
    ],
    ids=["endless", "one line"],
)
def test_memory_does_not_grow_with_the_output(
    flood: str, limit: int, reason: str, at_least: int, tmp_path: Path
) -> None:
    """A14: 200 MB of output cost less than 64 MB of memory, in a process that has used none before."""
    done = subprocess.run(
        [sys.executable, "-c", FLOODED, flood, str(limit)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    ended, total, grown_kib = done.stdout.split()
    assert ended == reason
    assert at_least <= int(total) < at_least + 1_000_000
    assert int(grown_kib) < 64 * 1024
    assert (tmp_path / "output").stat().st_size == 200_000_000


def test_the_head_and_the_tail_are_kept(tmp_path: Path) -> None:
    outcome = bash("echo first; head -c 1M /dev/zero; echo last", tmp_path)
    assert outcome.output.startswith(b"first\n")
    assert outcome.output.endswith(b"last\n")


def test_the_file_has_every_byte_and_is_private(tmp_path: Path) -> None:
    """A15: raw bytes are kept as they are."""
    path = tmp_path / "output"
    outcome = bash(
        r"printf '\377\0\355\240\200\033[2J\r'", tmp_path, limits.Bounds(LONG, output_path=path)
    )
    assert path.read_bytes() == b"\xff\0\xed\xa0\x80\x1b[2J\r"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert outcome.output_path == path


def test_an_output_file_is_never_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "victim")
    outcome = bash("echo x", tmp_path, limits.Bounds(LONG, output_path=tmp_path / "link"))
    assert (outcome.output, outcome.output_path) == (b"x\n", None)
    assert not (tmp_path / "victim").exists()


def test_a_command_goes_on_when_its_output_fits_no_file_any_more(tmp_path: Path) -> None:
    """S1-146."""
    path = tmp_path / "output"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    try:
        outcome = bash("head -c 3M /dev/zero", tmp_path, limits.Bounds(LONG, output_path=path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (outcome.status, outcome.total, outcome.output_path) == (0, 3 << 20, None)


HOSTILE = {
    "invalid UTF-8": (b"a\xff\xfeb", "a\\xff\\xfeb"),
    "NUL": (b"a\0b", "a\\x00b"),
    "lone surrogate": (b"a\xed\xa0\x80b", "a\\xed\\xa0\\x80b"),
    "overwriting": (b"bad\rgood", "bad\\x0dgood"),
    "clear screen": (b"\x1b[2J", "\\x1b[2J"),
    "title": (b"\x1b]0;t\x07", "\\x1b]0;t\\x07"),
    "hyperlink": (b"\x1b]8;;http://x\x1b\\", "\\x1b]8;;http://x\\x1b\\"),
    "clipboard": (b"\x1b]52;c;eA==\x07", "\\x1b]52;c;eA==\\x07"),
    "device control": (b"\x1bPq\x1b\\", "\\x1bPq\\x1b\\"),
    "8-bit C1": (b"\x9b2J", "\\x9b2J"),
    "C1 in UTF-8": ("\x9b2J".encode(), "\\x9b2J"),
    "bidirectional": ("a\u202eb".encode(), "a\\u202eb"),
    "soft hyphen": ("a\xadb".encode(), "a\\u00adb"),
    "tag": ("a\U000e0041b".encode(), "a\\U000e0041b"),
    "ordinary": ("tab\t\u00e4\u6f22\r\nend".encode(), "tab\t\u00e4\u6f22\nend"),
}


@pytest.mark.parametrize(("data", "shown"), HOSTILE.values(), ids=HOSTILE)
def test_shown_output_has_visible_replacements(data: bytes, shown: str, tmp_path: Path) -> None:
    """A15: what the model and the terminal get."""
    file = tmp_path / "data"
    file.write_bytes(data)
    assert bash("cat data", tmp_path).excerpt(16_000) == shown


def outcome_of(data: bytes) -> Outcome:
    """An outcome with that output."""
    kept = data if len(data) <= 2 * output.HEAD else data[: output.HEAD] + data[-output.HEAD :]
    return Outcome(0, "exited", kept, len(data), 0.0)


def test_short_output_is_shown_whole() -> None:
    assert outcome_of(b"x" * 16_000).excerpt(16_000) == "x" * 16_000


@pytest.mark.parametrize("size", [16_001, 100_000, 131_072, 131_073, 5_000_000])
def test_long_output_is_shown_by_head_and_tail_with_the_dropped_count(size: int) -> None:
    shown = outcome_of(b"a" * 6_000 + b"x" * (size - 16_000) + b"b" * 10_000).excerpt(16_000)
    head, notice, tail = shown.split("\n")
    assert (head, tail) == ("a" * 6_000, "b" * 10_000)
    assert notice == f"[... {size - 16_000:,} of {size:,} bytes left out ...]"


@pytest.mark.parametrize(
    "byte", [b"\xff", b"\0", b"\x80", "\u6f22".encode(), "\U0001f600".encode()]
)
def test_escapes_and_wide_characters_do_not_exceed_the_limit(byte: bytes) -> None:
    shown = outcome_of(byte * 50_000).excerpt(1_000)
    assert len(shown) < 1_100
    assert "\ufffd" not in shown


def test_the_cut_does_not_split_a_character() -> None:
    assert "\\x" not in outcome_of("\u6f22".encode() * 10_000).excerpt(1_000)


# -- commands: input and terminal ------------------------------------------------------------------


WAITING = {
    "cat": "cat",
    "read": "read x",
    "input()": f"{sys.executable} -c 'input()'",
    "a terminal": "exec 3</dev/tty",
    "cat from a terminal": "cat < /dev/tty",
    "head": "head -c1 /dev/stdin",
    "an editor": "git init -q . && git -c user.name=a -c user.email=a@b commit --allow-empty",
    "a pager": "seq 1000 > README; less README; more README",
    "a key": "ssh-keygen -t ed25519 -f ./key",
    "a key that is there": "touch key key.pub; ssh-keygen -t ed25519 -f ./key",
    "sudo": "sudo -k true",
    "a shell": "bash -i",
}


@pytest.mark.parametrize("script", WAITING.values(), ids=WAITING)
def test_waiting_for_input_ends_at_once(script: str, tmp_path: Path) -> None:
    """A16: end of file or an error, never a hang."""
    assert bash(script, tmp_path).reason == "exited"


def test_a_command_has_no_terminal(tmp_path: Path) -> None:
    """A16: nothing can be typed into the user's terminal."""
    assert bash("exec 3<>/dev/tty", tmp_path).status != 0


# -- commands: nothing survives --------------------------------------------------------------------

VICTIMS = """
sleep {0} &
(sleep {0} & sleep {0}) &
bash -c "trap '' TERM; sleep {0}; sleep {0}" &
setsid sleep {0} &
(setsid bash -c 'sleep {0} & disown' &)
echo started
sleep {0}
"""


def test_a_timeout_ends_the_whole_tree(tmp_path: Path) -> None:
    """A12: child, grandchild, one that ignores TERM, one in its own session, a daemon."""
    seconds = marker()
    outcome = bash(VICTIMS.format(seconds), tmp_path, limits.Bounds(0.5))
    assert outcome.reason == "timeout"
    assert outcome.output.startswith(b"started\n")
    assert sleepers(seconds) == []
    assert zombies() == []


def test_a_pipeline_is_killed_as_a_whole(tmp_path: Path) -> None:
    """S1-141: a timeout is reported as one, with the partial output, and the group is gone."""
    seconds = marker()
    outcome = bash(f"echo partial; sleep {seconds} | cat", tmp_path, limits.Bounds(0.3))
    assert outcome.reason == "timeout"
    assert outcome.output.startswith(b"partial\n")
    assert sleepers(seconds) == []


def test_a_command_has_time_for_its_last_words(tmp_path: Path) -> None:
    script = "trap 'echo bye; exit 0' TERM; echo hello; while :; do sleep 0.01; done"
    outcome = bash(script, tmp_path, limits.Bounds(0.3))
    assert (outcome.reason, outcome.status) == ("timeout", 0)
    assert outcome.output.startswith(b"hello\n")
    assert outcome.output.endswith(b"bye\n")


def test_without_grace_there_are_no_last_words(tmp_path: Path) -> None:
    script = "trap '' TERM; echo hello; while :; do sleep 0.01; done; echo bye"
    assert bash(script, tmp_path, limits.Bounds(0.3, grace=0)).status == -signal.SIGKILL


def test_a_daemon_left_by_a_successful_command_is_ended(tmp_path: Path) -> None:
    """A13: it holds the output, and nobody waits for it."""
    seconds = marker()
    outcome = bash(f"setsid sleep {seconds} & disown; echo done", tmp_path)
    assert (outcome.status, outcome.reason, outcome.output) == (0, "exited", b"done\n")
    assert sleepers(seconds) == []


@pytest.mark.parametrize(
    "daemon",
    [
        "(setsid sleep {0} >/dev/null 2>&1 &)",
        "env -i setsid sleep {0} & disown",
        "(setsid bash -c 'env -i setsid sleep {0} & disown' &)",
        "nohup sleep {0} & disown",
    ],
    ids=["silent", "without environment", "twice", "nohup"],
)
def test_daemons_do_not_hide(daemon: str, tmp_path: Path) -> None:
    seconds = marker()
    assert bash(f"{daemon.format(seconds)}\necho done", tmp_path).reason == "exited"
    assert sleepers(seconds) == []
    assert zombies() == []


def test_a_process_that_forks_and_ends_all_the_time_is_ended(tmp_path: Path) -> None:
    """It has another ID whenever somebody looks."""
    seconds = marker()
    (tmp_path / "hop.py").write_text(
        "import os\nfor _ in range(200000):\n  if os.fork(): os._exit(0)\n"
    )
    assert (
        bash(
            f"{sys.executable} -S hop.py {seconds} & read -t 0.3 < <(sleep 1); echo done", tmp_path
        ).reason
        == "exited"
    )
    assert sleepers(seconds) == []
    assert sleepers(seconds) == []


def test_a_command_that_closed_its_output_is_still_waited_for(tmp_path: Path) -> None:
    outcome = bash("exec >&- 2>&-; sleep 0.2; echo x > proof", tmp_path)
    assert (outcome.reason, outcome.status) == ("exited", 0)
    assert (tmp_path / "proof").exists()


def test_an_event_stops_a_command(tmp_path: Path, fifo: Path) -> None:
    seconds, stop = marker(), threading.Event()
    with ThreadPoolExecutor() as pool:
        running = pool.submit(
            bash, f"echo ready > fifo; sleep {seconds}", tmp_path, limits.Bounds(LONG, stop=stop)
        )
        reader, _ = first_line(fifo)
        os.close(reader)
        stop.set()
        assert running.result().reason == "stopped"
    assert sleepers(seconds) == []


def test_the_end_of_one_command_does_not_touch_another(tmp_path: Path, fifo: Path) -> None:
    """Neither the orphans of a command that still runs, nor our own tools."""
    seconds, other = marker(), marker()
    go = tmp_path / "go"
    os.mkfifo(go)
    script = f"(sleep {seconds} & echo $! > pid); echo ready > fifo; read x < go; kill -0 $(cat pid) && echo intact"
    with ThreadPoolExecutor() as pool, tools.Session(["cat"], env=ENV) as tool:
        running = pool.submit(bash, script, tmp_path)
        reader, _ = first_line(fifo)
        os.close(reader)
        bash(f"setsid sleep {other} & disown", tmp_path)
        assert sleepers(other) == []
        tool.send(b"alive\n")
        assert tool.read_line() == b"alive"
        go.write_text("go\n")
        assert running.result().output == b"intact\n"
    assert sleepers(seconds) == []


def start_daemon(*command: str) -> int:
    """Let one of our tools leave a process in a session of its own."""
    script = 'setsid "$@" >/dev/null 2>&1 & echo $!'
    return int(tools.capture(["bash", "-c", script, "bash", *command], env=ENV).stdout)


def ends_only_now(daemon: int) -> bool:
    """Whether it lives, which it does not after this."""
    line = table.process(daemon)
    table.send([daemon], signal.SIGKILL)
    return line is not None and not line.dead


@pytest.mark.parametrize("program", ["exec sleep 60", 'exec sh "$0"'], ids=["sleeps", "in exec"])
def test_a_daemon_of_a_trusted_tool_is_left_alone(program: str, tmp_path: Path, fifo: Path) -> None:
    """The credential cache or the fsmonitor of the user's git may start while a command runs. While
    it changes its program it has no environment that could tell whose it is.
    """
    script, go = tmp_path / "daemon", tmp_path / "go"
    script.write_text(program)
    os.mkfifo(go)
    with ThreadPoolExecutor() as pool:
        for _ in range(20):
            running = pool.submit(bash, "echo ready > fifo; read x < go", tmp_path)
            reader, _ = first_line(fifo)
            os.close(reader)
            daemon = start_daemon("sh", str(script))
            go.write_text("go\n")
            running.result()
            assert ends_only_now(daemon)


def test_a_tool_that_starts_while_a_command_ends_is_left_alone(tmp_path: Path, fifo: Path) -> None:
    """Before it is git, a process has the environment of ours and no tag."""
    go = tmp_path / "go"
    os.mkfifo(go)
    with ThreadPoolExecutor() as pool:
        running = pool.submit(bash, "echo ready > fifo; read x < go", tmp_path)
        reader, _ = first_line(fifo)
        os.close(reader)
        with tools.Session(["env", "-i", "cat"], env=ENV, terse=True) as tool:
            tool.send(b"ready\n")
            assert tool.read_line() == b"ready"
            go.write_text("go\n")
            running.result()
            tool.send(b"alive\n")
            assert tool.read_line() == b"alive"


def test_many_commands_at_once_keep_their_own_status(tmp_path: Path) -> None:
    script = "(setsid true &); exit {}"
    with ThreadPoolExecutor(8) as pool:
        outcomes = pool.map(lambda number: bash(script.format(number), tmp_path), range(40))
        assert [outcome.status for outcome in outcomes] == list(range(40))
    assert zombies() == []


@pytest.mark.parametrize("prefix", [[], ["bwrap", "--ro-bind", "/", "/", "--unshare-user", "--unshare-pid",
                                         "--die-with-parent"]], ids=["bare", "in a sandbox"])  # fmt: skip
def test_a_command_survives_the_end_of_other_threads(
    prefix: list[str], tmp_path: Path, fifo: Path
) -> None:
    """A12, third variant: what the kernel sends at the death of a parent comes at the death of a
    thread.
    """
    go = tmp_path / "go"
    os.mkfifo(go)
    script = [*prefix, "bash", "-c", "echo ready > fifo; read x < go; echo intact"]
    outcomes: list[Outcome] = []

    def command(argv: list[str]) -> None:
        outcomes.append(process.run(argv, env=ENV, cwd=tmp_path, bounds=limits.Bounds(LONG)))

    long = threading.Thread(target=command, args=(script,))
    long.start()
    os.close(first_line(fifo)[0])
    short = threading.Thread(target=command, args=([*prefix, "true"],))
    short.start()
    short.join()
    go.write_text("go\n")
    long.join()
    assert [outcome.output for outcome in outcomes] == [b"", b"intact\n"]


PROGRAM = """
import os, sys
from pathlib import Path
from git_orch.sandbox.process import command, limits
command.run(["bash", "-c", sys.argv[1]], env=dict(os.environ), cwd=Path(sys.argv[2]), bounds=limits.Bounds(60))
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_commands_die_with_git_orch(number: signal.Signals, tmp_path: Path, fifo: Path) -> None:
    """A12, second variant: also when git-orch gets no chance to end them."""
    script = (
        "exec 3>fifo; sleep 300 & setsid sleep 300 & (setsid bash -c 'trap \"\" TERM; sleep 300 & disown; sleep 300' &)"
        "; echo ready >&3; sleep 300"
    )
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, script, tmp_path], stderr=subprocess.PIPE
    ) as program:
        reader, line = first_line(fifo)
        program.send_signal(number)
        assert line == b"ready\n"
        assert all_writers_gone(reader)
        os.close(reader)


ANOTHER_MEANWHILE = """
import os, sys, threading
from pathlib import Path
from git_orch.sandbox.process import command, limits
def run(*argv):
    command.run(argv, env=dict(os.environ), cwd=Path(sys.argv[2]), bounds=limits.Bounds(60))
threading.Thread(target=run, args=("bash", "-c", sys.argv[1])).start()
Path(sys.argv[2], "fifo").read_bytes()
run("true")  # once another command could start, the first one is on the guard's list
print("listed", flush=True)
"""


def test_a_command_that_dropped_the_environment_dies_with_git_orch(
    tmp_path: Path, fifo: Path
) -> None:
    held = tmp_path / "held"
    os.mkfifo(held)
    script = "exec env -i bash -c 'echo ready > fifo; exec 3>held; echo ready >&3; sleep 300'"
    argv = [sys.executable, "-c", ANOTHER_MEANWHILE, script, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        reader, _ = first_line(held)
        assert program.stdout is not None
        assert program.stdout.readline() == b"listed\n"
        program.kill()
        assert all_writers_gone(reader)
        os.close(reader)


def test_the_guard_does_not_outlive_an_ordinary_end(tmp_path: Path) -> None:
    code = (
        PROGRAM
        + "print(*(p.pid for p in __import__('git_orch').sandbox.process.table.processes().values()"
        + (" if p.parent == os.getpid()))")
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, "true", tmp_path],
        capture_output=True,
        text=True,
        check=True,
    )
    guards = [int(word) for word in done.stdout.split()]
    assert len(guards) == 1
    assert table.process(guards[0]) is None
    assert done.stderr == ""


def test_without_a_process_table_the_group_is_ended(
    tmp_path: Path, fifo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS."""
    with ThreadPoolExecutor() as pool:
        reading = pool.submit(first_line, fifo)
        with monkeypatch.context() as patch:
            patch.setattr(table, "PROC", str(tmp_path / "none"))
            # Here the dead are ours to reap, and look alive without a table.
            patch.setattr(family, "_GIVE_UP", 0.1)
            script = "exec 3>fifo; echo ready >&3; (trap '' TERM; sleep 300) & sleep 300 & echo out"
            ended = bash(script + "; exit 4", tmp_path)
            timed_out = bash(script + "; sleep 300", tmp_path, limits.Bounds(0.3, grace=0.1))
        reader, _ = reading.result()
        while os.read(reader, 100):
            continue
        os.close(reader)
    assert (ended.status, ended.reason, ended.output) == (4, "exited", b"out\n")
    assert timed_out.reason == "timeout"
    assert timed_out.output.startswith(b"out\n")


def test_a_process_name_with_parentheses_is_understood(tmp_path: Path) -> None:
    program = tmp_path / "a) S 1 (b"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([program, "300"]) as child:
        line = table.process(child.pid)
        child.kill()
    assert line is not None
    assert line.parent == os.getpid()


def test_our_own_session_is_never_a_command(tmp_path: Path, fifo: Path) -> None:
    with subprocess.Popen(["sleep", "300"]) as own:
        bash("true", tmp_path)
        assert own.poll() is None
        own.kill()


def test_the_tags_of_tools_and_commands_differ(tmp_path: Path) -> None:
    tagged = bash(f"printf %s ${table.TAG}", tmp_path).output.decode()
    assert tagged
    assert tagged != family.TAGS.trusted
    assert (
        tools.capture(["printenv", table.TAG], env=ENV).stdout.decode().strip()
        == family.TAGS.trusted
    )
