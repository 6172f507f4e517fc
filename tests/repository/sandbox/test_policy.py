"""The command policy: what each kind of command line is decided to be, and what the answer says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import places
import pytest
from conftest import Here, Repo, data

from git_orch.plans.plan import Command
from git_orch.sandbox.capabilities import Capabilities, CommandInfo
from git_orch.sandbox.policy import decision, whitelist
from git_orch.sandbox.policy.decision import Policy
from git_orch.sandbox.policy.verdict import Verdict

_DATA = places.DATA
_CORPUS = [
    json.loads(line) for line in (_DATA / "hostile_commands.jsonl").read_text("utf-8").splitlines()
]
_TOOLS = (
    "bash",
    "cargo",
    "git",
    "go",
    "make",
    "node",
    "npm",
    "pytest",
    "python3",
    "rg",
    "curl",
    "docker",
)


def machine(*names: str) -> Capabilities:
    """A machine with these programs beside what every machine has."""
    return Capabilities(
        tuple(CommandInfo(name, available=True) for name in names), (), "Linux", "x86_64", "/"
    )


FULL = whitelist.of(machine(*_TOOLS))


def decided(text: str, known: whitelist.Whitelist = FULL, root: str = "") -> Verdict:
    return decision.decide(Command(shell=text), known, root)


# -- the corpus ------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", _CORPUS, ids=[row["command"][:40] for row in _CORPUS])
def test_a_line_of_the_corpus_is_decided_as_expected(row: dict[str, str]) -> None:
    """A20."""
    verdict = decided(row["command"])

    assert (verdict.decision, row["why"]) == (row["expect"], row["why"])


@pytest.mark.parametrize("row", _CORPUS, ids=[row["command"][:40] for row in _CORPUS])
def test_a_refusal_says_which_part_and_what_to_do_instead(row: dict[str, str]) -> None:
    """A20: code, span, reason and hint; the span is where it says it is."""
    verdict = decided(row["command"])

    if verdict.decision == "allow":
        assert verdict == Verdict("allow")
    else:
        assert verdict.code
        assert verdict.reason
        assert verdict.hint
        assert verdict.span is not None
        assert row["command"][verdict.span.start : verdict.span.end] == verdict.span.text != ""


@pytest.mark.parametrize("row", _CORPUS, ids=[row["command"][:40] for row in _CORPUS])
def test_without_a_sandbox_only_what_is_allowed_runs(row: dict[str, str]) -> None:
    """A20: sandbox-only becomes a refusal when no sandbox is active."""
    command = Command(shell=row["command"])

    bare, boxed = (
        Policy(FULL, "", sandboxed=sandboxed).refusal(command) for sandboxed in (False, True)
    )

    assert (bare is None) == (row["expect"] == "allow")
    assert boxed is None or (boxed.code in TAUGHT and row["expect"] == "deny")
    assert bare is None or (bare.code == "NEEDS_SANDBOX") == (row["expect"] == "sandbox-only")
    assert boxed is not None or decided(row["command"]).code not in TAUGHT


# In the sandbox, only what it does not answer better by itself is refused.
TAUGHT = {"NOT_ALLOWED", "PATH_GIT_CONTROL", "SECRET_FILE", "NETWORK", "PRIVILEGE"}

TYPICAL = [
    "mypy src", "npx tsc --noEmit", "perl -pi -e 's/a/b/' x.txt", "sqlite3 db.sqlite .tables",
    "export FOO=1; pytest -q", "source .venv/bin/activate && pytest", ". ./env.sh; make",
    "env FOO=1 pytest", "env", "f() { ls; }; f", "curl localhost:8000", "eval \"$(cat x)\"",
    "curl -s http://127.0.0.1:5000/health -o out.json", "alias ll=ls; ll",
    "python3 -m http.server 8000 & sleep 1; curl -sf http://localhost:8000/", "trap 'rm -f x' EXIT; touch x",
    "PYTHONPATH=src LD_LIBRARY_PATH=lib ./run", "bash -c 'ls | wc -l'", "for f in *; do $f --version; done",
    "cat /etc/os-release", "echo x > /tmp/o && cat /tmp/o", "ls -la ~", "git diff --ext-diff",
    "cat <<EOF > x.py\nprint(\"$HOME\")\nEOF", "diff <(ls a) <(ls b)", "unset PAGER; git log -1",
]  # fmt: skip
POINTLESS = {
    "git commit -am x": "NOT_ALLOWED", "sudo apt-get install -y jq": "PRIVILEGE",
    "curl -s https://example.com": "NETWORK", "curl localhost https://example.com": "NETWORK",
    "curl $HOST": "NETWORK", "export A=1; cat .env": "SECRET_FILE", "rm -rf .git": "PATH_GIT_CONTROL",
    "env ssh host": "NETWORK",
}  # fmt: skip


@pytest.mark.parametrize("text", TYPICAL)
def test_what_the_sandbox_holds_runs_in_it(text: str) -> None:
    programs = whitelist.Whitelist(reachable=lambda _name: True)
    command = Command(shell=text)
    assert Policy(programs, "/w", sandboxed=True).refusal(command) is None


@pytest.mark.parametrize(("text", "code"), POINTLESS.items())
def test_what_cannot_work_in_the_sandbox_is_answered_with_what_to_do_instead(
    text: str, code: str
) -> None:
    programs = whitelist.Whitelist(reachable=lambda _name: True)
    command = Command(shell=text)
    refused = Policy(programs, "/w", sandboxed=True).refusal(command)
    assert refused is not None
    assert (refused.code, bool(refused.hint)) == (code, True)


def test_a_program_that_is_not_on_the_path_of_commands_is_refused() -> None:
    """S1-052."""
    refused = Policy(whitelist.Whitelist(), "/w", sandboxed=True).refusal(Command(("nonesuch",)))
    assert refused is not None
    assert refused.code == "NOT_ALLOWED"


# -- decisions -------------------------------------------------------------------------------------

_COMMANDS: dict[str, list[str]] = json.loads((_DATA / "commands.json").read_text("utf-8"))
_DENIED = {**_COMMANDS}
_ALLOWED = _DENIED.pop("allow")
_SANDBOXED = _DENIED.pop("sandbox-only")
_DENIED["TOO_LONG"] += ["echo " + "a" * 20_000, "time " * 3000 + "ls", "ls" + "|ls" * 2000]


@pytest.mark.parametrize("text", _ALLOWED)
def test_a_harmless_command_is_allowed(text: str) -> None:
    """S1-045, S1-053, S1-057, S1-064."""
    assert decided(text) == Verdict("allow")


@pytest.mark.parametrize("text", _SANDBOXED)
def test_a_command_that_may_do_anything_runs_in_the_sandbox_only(text: str) -> None:
    """S1-054, S1-056, S1-062, S1-067."""
    assert decided(text).decision == "sandbox-only"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        pytest.param(code, text, id=f"{code}-{text[:40]!a}")
        for code, texts in _DENIED.items()
        for text in texts
    ],
)
def test_a_command_is_denied_for_its_reason(code: str, text: str) -> None:
    """S1-055 to S1-065."""
    verdict = decided(text)

    assert (verdict.decision, verdict.code) == ("deny", code)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("sudo ls", "blocked pattern: sudo"),
        ("nonesuch", "command not in whitelist: nonesuch"),
        ("cat ../x", "path traversal not allowed: ../x"),
        ("git push", "git subcommand not allowed: push"),
    ],
)
def test_a_reason_names_the_rule_and_the_subject(text: str, reason: str) -> None:
    """S1-066."""
    assert decided(text).reason == reason


def test_a_refused_commit_is_told_to_just_edit() -> None:
    assert (
        decided("git commit -am x").hint == "git-orch commits after the step: just edit the files"
    )


def test_background_work_has_a_code_of_its_own() -> None:
    assert decided("sleep 1 &").code == "BACKGROUND"


def test_of_two_equally_bad_parts_the_first_is_named() -> None:
    verdict = decided("ls; echo $(curl x); wget y")

    assert verdict.span == ("curl", 11, 15)


def test_a_span_counts_characters() -> None:
    text = "echo 'éé'; curl x"

    verdict = decided(text)

    assert verdict.span is not None
    assert text[verdict.span.start : verdict.span.end] == "curl"


# -- the whitelist ---------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [(), ("git",), ("go",), ("git", "go")], ids=str)
def test_the_whitelist_changes_with_what_the_machine_has(names: tuple[str, ...]) -> None:
    """S1-046, S1-048, S1-051."""
    known = whitelist.of(machine(*names))

    found = {
        text for text in ("git log", "go version", "ls") if decided(text, known).decision == "allow"
    }

    assert found == {"ls", *(f"{name} {'log' if name == 'git' else 'version'}" for name in names)}


def test_the_base_is_there_on_a_bare_machine() -> None:
    """S1-045, S1-049."""
    known = whitelist.of(machine()).document()

    assert set(known) >= {"ls", "cat", "grep", "find", "head", "tail", "wc", "echo", "pwd", "date"}
    assert set(known.values()) == {True}


def test_a_dependency_of_the_plan_runs_in_the_sandbox() -> None:
    assert decided("mypy .").code == "NOT_ALLOWED"
    assert decided("mypy .", whitelist.of(machine(), ["mypy"])).decision == "sandbox-only"


@pytest.mark.parametrize("name", ["curl", "sudo", "eval", "setsid"])
def test_neither_the_machine_nor_a_plan_brings_a_refused_program_in(name: str) -> None:
    known = whitelist.of(machine(name), [name])

    assert name not in known.names
    assert decided(f"{name} x", known).decision == "deny"


def test_a_step_with_the_network_may_download_in_the_sandbox() -> None:
    known = whitelist.of(machine(), network=True)

    assert decided("curl https://example.com", known).decision == "sandbox-only"
    assert decided("nc x 1", known).code == "NETWORK"


# -- argv and the tree -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("ls", "-la"), "allow"),
        (("echo", "$(curl x)", "; rm -rf /", "`id`"), "allow"),
        (("cat", "a b", "*", "it's"), "allow"),
        (("cat", "~"), "allow"),
        (("cat", "../x"), "deny"),
        (("curl", "x"), "deny"),
        (("bash", "-c", "curl x"), "deny"),
        (("bash", "-c", "echo x"), "sandbox-only"),
        (("rm", "x"), "sandbox-only"),
        (("git", "-c", "a=b", "log"), "deny"),
        (("ls", "a\rb"), "deny"),
        ((), "deny"),
        (("",), "deny"),
    ],
)
def test_the_words_of_an_argv_are_taken_as_they_are(argv: tuple[str, ...], expected: str) -> None:
    assert decision.decide(Command(argv=argv), FULL).decision == expected


@pytest.mark.parametrize(
    "argv", [("cat", "a b", "../x"), ("cat", "it's", "../x y"), ("ls", "a\rb"), ("l s",), ("",)]
)
def test_the_span_of_an_argv_counts_in_the_text_that_people_read(argv: tuple[str, ...]) -> None:
    command = Command(argv=argv)

    span = decision.decide(command, FULL).span

    assert span is not None
    assert command.text()[span.start : span.end] == span.text != ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat /home/u/tree/a", "allow"),
        ("cd /home/u/tree && ls", "allow"),
        ("ls /home/u/tree", "allow"),
        ("/home/u/tree/run.sh", "sandbox-only"),
        ("cat /home/u/tree/../x", "deny"),
        ("cat /home/u/tree2/x", "deny"),
        ("cat /home/u/tree/.git/config", "deny"),
        ("cat /home/u", "deny"),
    ],
)
def test_absolute_names_below_the_root_are_inside(text: str, expected: str) -> None:
    assert decided(text, root="/home/u/tree").decision == expected


# -- here-documents --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat <<'EOF' > notes.txt\n$(rm -rf /) `id` \\ ' \"\nEOF", "allow"),
        ("cat > notes.txt <<'EOF'\ntext\nEOF\nls", "allow"),
        ("cat <<EOF\nhello $x, 5 $ each\nEOF", "allow"),
        ("cat <<-EOF\n\ttext\n\tEOF", "allow"),
        ("python3 - <<'EOF'\nprint(1)\nEOF", "sandbox-only"),
        ("cat <<'EOF'\ntext\nEOF\ncurl x", "deny"),
        ("cat <<'EOF' && curl x\ntext\nEOF", "deny"),
        ("cat <<EOF\n`id`\nEOF", "deny"),
        ("cat <<EOF\n\\EOF\nEOF", "deny"),
        ("bash <<'EOF'\nls\nEOF", "deny"),
        ("cat <<'A' <<'B'\na\nA\nb\nB", "deny"),
        ("cat <<'EOF'\nno end", "deny"),
    ],
)
def test_the_text_of_a_here_document_is_data(text: str, expected: str) -> None:
    assert decided(text).decision == expected


# -- the command -----------------------------------------------------------------------------------


def test_the_command_ends_with_zero_for_allow_and_three_for_the_others(here: Here) -> None:
    assert here("allow", "--", "ls -la").out == "allow\n"
    assert here("allow", "--", "rm x", expect=3).out == "sandbox-only\n"
    assert here("allow", "--", "cat ../x", expect=3).out == "deny\n"
    assert here("allow", "--", "", expect=3).out == "deny\n"
    assert here("allow", "--", "   ", expect=3).out == "deny\n"


def test_the_command_says_what_is_wrong_and_what_to_do(here: Here) -> None:
    said = here("allow", "--", "ls; git push", expect=3).err

    assert said == (
        "part: push (characters 8 to 12)\n"
        "error: git subcommand not allowed: push [NETWORK]\n"
        "hint: work with the files of the repository; people push and fetch\n"
    )


def test_several_words_are_an_argv(here: Here) -> None:
    assert here("allow", "--", "echo", "$(curl x)").out == "allow\n"


def test_the_command_prints_json(here: Here) -> None:
    assert data(here("allow", "--json", "--", "ls ../x", expect=3).out) == {
        "command": "ls ../x",
        "decision": "deny",
        "code": "PATH_OUTSIDE",
        "span": {"text": "../x", "start": 3, "end": 7},
        "reason": "path traversal not allowed: ../x",
        "hint": "name files of the worktree, relative to its root",
        "sandbox": True,
    }
    assert data(here("allow", "--json", "--", "git push", expect=3).out)["sandbox"] is False
    assert data(here("allow", "--json", "--", "ls").out)["code"] is None


def test_the_list_holds_what_was_found(here: Here) -> None:
    listed = data(here("allow", "--list", "--json").out)

    assert listed["git"] is True
    assert "curl" not in listed
    assert here("allow", "--list").out.splitlines() == list(listed)


def test_a_file_of_the_repository_by_its_whole_name_is_inside(here: Here) -> None:
    assert here("allow", "--", f"cat {here.repo.path}/README.md").out == "allow\n"


@pytest.mark.parametrize("words", [[], ["--list", "--", "ls"]], ids=str)
def test_neither_a_command_nor_a_list_is_a_usage_error(here: Here, words: list[str]) -> None:
    assert "error: give either a command or --list" in here("allow", *words, expect=2).err


def test_the_command_works_outside_of_a_repository_and_without_a_path(
    repo: Repo, tmp_path: Path
) -> None:
    """S1-045, S1-046: with nothing on PATH only the base is left."""
    empty, shims = tmp_path / "empty", tmp_path / "shims"
    empty.mkdir()
    shims.mkdir()
    python = shutil.which("python3")
    assert python is not None
    (shims / "python3").symlink_to(python)

    assert repo.orch("allow", "--", "ls -la", cwd=empty, env={"PATH": ""}).stdout == "allow\n"
    assert (
        repo.orch("allow", "--", "python3 -V", cwd=empty, env={"PATH": ""}, expect=3).stdout
        == "deny\n"
    )
    assert (
        repo.orch("allow", "--", "python3 -V", cwd=empty, env={"PATH": str(shims)}).stdout
        == "allow\n"
    )


# -- plans -----------------------------------------------------------------------------------------


def test_check_names_the_commands_of_a_plan_that_the_policy_denies(here: Here) -> None:
    steps = [
        {
            "title": "Download",
            "run": "curl https://example.com",
            "checks": [{"command": "cat .env"}, {"command": "cat ../x"}],
        },
        {"title": "Set", "argv": ["sudo", "ls"]},
    ]
    plan = here.plan({"title": "Run", "steps": steps})

    found = data(here("check", plan, "--json").out)

    named = {(each["field"], each["code"], each["level"]) for each in found}
    assert named >= {
        ("steps[0].run", "network", "warning"),
        ("steps[0].checks[0].command", "secret-file", "warning"),
        ("steps[1].argv", "privilege", "warning"),
    }
    assert not any(field == "steps[0].checks[1].command" for field, _, _ in named)


def test_check_says_nothing_of_a_download_that_asks_for_the_network(here: Here) -> None:
    step = {"title": "Download", "run": "curl https://example.com", "network": True}
    plan = here.plan({"title": "Run", "steps": [step]})

    assert "network" not in {each["code"] for each in data(here("check", plan, "--json").out)}
