"""The policy against real bash: of many random lines, none that it allows runs a program that it
does not know.

Each allowed line is run by a bash of its own, started as the launcher starts it, in a directory and
with a PATH where every program of the whitelist does nothing and one more, `evil`, leaves a mark.
What a line left in the background is waited for: it holds the output open.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from git_orch.plans.plan import Command
from git_orch.sandbox.policy import decision, whitelist
from git_orch.sandbox.policy.whitelist import Whitelist

SOAK = os.environ.get("GIT_ORCH_SOAK") == "1"
LINES = 1_000_000 if SOAK else 40_000
ACCEPTED = 10_000 if SOAK else 400
SEED = random.SystemRandom().getrandbits(32) if SOAK else 20261121
WHITELIST = Whitelist(whitelist.BASE | {"git", "rg", "jq"})

# What bash and a grammar of it may take for different things.
_NAMES = (
    "ls", "cat", "echo", "true", "false", ":", "grep", "sort", "printf", "test", "[", "evil",
    "evil", "evil", "evil", "./evil", "time", "!", "git", "find", "cd", "if", "then",
)  # fmt: skip
_GLUE = (
    ";", "&", "&&", "||", "|", "|&", "\n", "(", ")", "{", "}", "[", "]", "[[", "]]", "((", "))",
    "!", "#", "'", '"', "`", "$(", ")", "$((", "))", "${x}", "${x:-", "}", "$x", "$'", '$"', "\\",
    "\\;", "\\\n", ">", ">>", "<", "<<", "<<<", "<(", ">(", ">&", "&>", ">|", "<>", "{fd}>", "2>",
    "2>&1", "<<E", "<<'E'", "\nE\n", "<<-E", "=", "+=", "x=", "PATH=", "a[0]=", "a[$(evil)]", "~",
    "*", "?", "{a,evil}", ",", "..", "@(", "+(", "do", "done", "then", "fi", "in", "esac", "case",
    "for", "select", "while", "until", "else", "function", "coproc", "time", "exec", "eval", ".",
    "-", "--", "-c", "-v", "-exec", "\t\t\r", "\x0c", "\xa0", "\u2028", "é",
)  # fmt: skip
_PIECES = (
    "'a;evil'", '"a | evil"', "# evil", "a#evil", "$'a\\'; evil'", "$'\\\\'", '"$(evil)"',
    '"`evil`"', "`evil`", "$(evil)", "$(echo evil)", "<(evil)", '"<(evil)"', ">(evil)",
    "${x:-$(evil)}", "${x@P}", "$((a[$(evil)]))", "[[ -v a[$(evil)] ]]", "a\\\nevil", "\\\nevil",
    "\nevil", "\n evil\n", "<<E\n$(evil)\nE\n", "<<'E'\nevil\nE\n", "<<E\nE\nevil\n",
    "<<-E\n\tevil\n\tE\n", "<<'E' | evil\nE\n", "> f evil", ">f\\\nevil", "2>f evil", "{evil,x}",
    "e{v,v}il", "ev''il", 'ev""il', "\\evil", "x=evil", "x=1 evil", "x=$(evil)", "alias a=evil",
    "f() { evil; }", "f()(evil)", "! evil", "time -p evil", "coproc evil",
    "case a in a) evil;; esac", "for x in evil; do $x; done", "for x in a; do evil; done",
    "if evil; then :; fi", "while evil; do :; done", "{ evil; }", "(evil)", "((evil))",
    "[ -f evil ]", "[ a ] || evil", "&evil", ";evil", "|evil", "||evil", "&&evil", "evil&",
    "command evil", "env evil", "timeout 1 evil", "nice evil", "env -S 'evil'",
    "printf -v 'a[$(evil)]' x", "test -v 'a[$(evil)]'", "read 'a[$(evil)]'", "bash -c evil",
    "find . -exec evil \\;", "xargs evil", "git -c alias.x='!evil' x", "evil() { :; }", "$x",
    '"$x"', "$1", "$@", "~evil", "a=(evil)", "a+=evil", "${x#evil}", "${x%%evil}", "@(evil)", "*",
    "?", "[a-z]", "evil#", "#", "'", '"', "\\", "$", "`", "!", "!!", "{", "}", "(", ")", "<", ">",
    "&",
)  # fmt: skip
_LINES = (
    "echo {0} | cat", "ls {0}; pwd", "cat {0} && echo {1}", "if true; then echo {0}; fi",
    "for x in {0}; do echo {1}; done", "echo \"{0}\" '{1}'", "(ls {0})", "{{ echo {0}; }}",
    "echo $(ls {0})", "echo `ls {0}`", "cat <<'E' {0}\n{1}\nE", "cat <<E\n{0}\nE",
    "cat - <<E\n{0}\nE", "cat - <<'E' {0}\n{1}\nE", "x=1; echo $(({0}))", "ls > f {0}",
    "grep {0} f # {1}", "test {0} && ls", "[ {0} = {1} ] || ls", "[[ {0} == {1} ]] && ls",
    "x={0}; echo {1}", "LC_ALL={0} ls", "! ls {0}", "time ls {0}", "env LC_ALL=C ls {0}",
    "while false; do {0}; done", "printf {0} {1}", "{0}", "echo {0}\n{1}", "find . -name {0}",
    "git log {0}", "cat <<< {0}", "echo $'{0}'", "echo {0}#{1}", "echo {0}{1}", "cat f{0} 2>&1",
    "echo '{0}' {1}",
)  # fmt: skip


def line(chance: random.Random) -> str:
    """Most lines are soup; the others are something sensible with soup, or a change of one
    character, in it.
    """
    if chance.random() < 0.7:
        return "".join(
            chance.choice(_ALL) + chance.choice(_BETWEEN) for _ in range(chance.randint(1, 8))
        )
    made = chance.choice(_LINES).format(_piece(chance), _piece(chance))
    if chance.random() < 0.8:
        at = chance.randint(0, len(made))
        made = made[:at] + chance.choice(_ALL) + made[at + chance.randint(0, 2) :]
    return made


_ALL = (*_NAMES, *_GLUE, *_PIECES)
_BETWEEN = ("", " ", " ", "\n", "\t", ";")


def _piece(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.2:
        return chance.choice(
            ("a", "evil", "'evil'", '"evil"', "-n", "a/b", '"a $x"', "'; evil'", "a=evil", "é")
        )
    return (
        chance.choice(_PIECES) if kind < 0.8 else chance.choice(_NAMES) + " " + chance.choice(_ALL)
    )


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A directory with the harmless programs, and `evil` both there and where the lines run."""
    for name in ("bin", "work", "marks"):
        (tmp_path / name).mkdir()
    evil = f"#!/bin/bash\n: > {tmp_path}/marks/$$.$RANDOM\n"
    for place in (tmp_path / "bin" / "evil", tmp_path / "work" / "evil"):
        place.write_text(evil)
        place.chmod(0o755)
    harmless = shutil.which("true")
    assert harmless is not None
    for name in WHITELIST.names - {"."}:
        (tmp_path / "bin" / name).symlink_to(harmless)
    return tmp_path


# The limit ends a loop without an end; each line has a process, a shell and a directory that is
# there.
_DRIVER = """
cd "$1/work" || exit 9
while IFS= read -r -d '' line; do
    (ulimit -t 2; exec "$BASH" --noprofile --norc -c "$line" < /dev/null 2> /dev/null)
    run=$((run + 1))
done < "$1/lines"
echo "ran $run"
"""


def marked(trap: Path, lines: list[str]) -> list[str]:
    """The lines of those that ran `evil`."""
    bash = shutil.which("bash")
    assert bash is not None
    (trap / "lines").write_bytes(b"".join(each.encode() + b"\0" for each in lines))
    done = subprocess.run(
        [bash, "--noprofile", "--norc", "-c", _DRIVER, "driver", str(trap)],
        env={"PATH": str(trap / "bin"), "LC_ALL": "C.UTF-8"}, stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    assert done.stdout.endswith(f"ran {len(lines)}\n".encode()), done.stdout[-200:]
    marks = list((trap / "marks").iterdir())
    for mark in marks:
        mark.unlink()
    if not marks or len(lines) == 1:
        return lines if marks else []
    half = len(lines) // 2
    return marked(trap, lines[:half]) + marked(trap, lines[half:])


def _is_allowed(each: str) -> bool:
    return decision.decide(Command(shell=each), WHITELIST).decision == "allow"


def test_no_line_that_is_allowed_runs_a_program_that_is_not(trap: Path) -> None:
    chance = random.Random(SEED)
    lines = [line(chance) for _ in range(LINES)]

    allowed = [each for each in dict.fromkeys(lines) if _is_allowed(each)]
    escaped = marked(trap, allowed)

    assert escaped == [], f"seed {SEED}"
    assert len(allowed) >= ACCEPTED, f"seed {SEED}"
    assert sum("evil" in each for each in allowed) >= ACCEPTED // 2, f"seed {SEED}"


def test_the_trap_catches_what_it_is_for(trap: Path) -> None:
    bad = [
        "evil",
        "x=1 evil",
        "echo `evil`",
        "(evil) & :",
        "./evil",
        ". evil",
        "cat <<E\n$(evil)\nE",
        "time evil",
    ]

    assert marked(trap, ["ls", *bad, "echo evil", "true 'evil'"]) == bad


@given(st.text(max_size=200))
@example("$(" * 5000)
@example("(" * 19_000)
@example("a&&" * 6000)
@example("{" * 19_000)
@example('"${x:-' * 900)
@example("if " * 6000)
@example("time " * 3900 + "ls")
@example("env " * 4000 + "ls")
@example("bash -c 'bash -c \"bash -c ls\"'")
@example("\ud800")
def test_every_text_gets_a_decision(text: str) -> None:
    for command in (
        Command(shell=text),
        Command(argv=(text,)),
        Command(argv=("ls", text)),
        Command(argv=()),
    ):
        verdict = decision.decide(command, WHITELIST)

        assert (verdict.decision == "allow") == (verdict.code is None)
