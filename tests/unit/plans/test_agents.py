"""The choices of an agent program."""

from __future__ import annotations

import pytest

from git_orch.plans import agents
from git_orch.plans.plan import Step

STEP = Step("s1", "Do", "agent", prompt="do")


@pytest.mark.parametrize("choice", ["", agents.OWN])
def test_git_orch_is_a_choice_without_a_program(choice: str) -> None:
    assert agents.program(choice) is None


@pytest.mark.parametrize("name", sorted(agents.PROGRAMS))
def test_a_name_is_a_program_that_speaks_the_protocol(name: str) -> None:
    program = agents.program(name)
    assert program is not None
    assert (program.name, program.way) == (name, "acp")
    assert agents.is_name(name)


def test_a_command_of_the_user_keeps_what_is_known_of_its_program() -> None:
    program = agents.program("acp:/opt/x/claude-agent-acp --debug")
    assert program is not None
    assert program.argv == ("/opt/x/claude-agent-acp", "--debug")
    assert program.keys == agents.PROGRAMS["claude-code"].keys
    other = agents.program("acp:mine 'a b'")
    assert other is not None
    assert (other.argv, other.keys, other.text()) == (("mine", "a b"), None, "acp:mine 'a b'")


def test_a_name_alone_is_a_tested_command_line_and_more_words_are_the_users_own() -> None:
    tested, own = agents.program("command:codex"), agents.program("command:codex exec -")
    assert tested is agents.COMMANDS["codex"]
    assert own is not None
    assert own.argv == ("codex", "exec", "-")


@pytest.mark.parametrize("choice", ["nobody", "acp:", "command:  ", "acp:'", "http://x", "acp:''"])
def test_a_choice_that_cannot_be_is_refused(choice: str) -> None:
    with pytest.raises(ValueError, match=r"it can be|it has no command|cannot be read"):
        agents.program(choice)


def test_a_plan_names_no_command() -> None:
    assert not any(map(agents.is_name, ["acp:opencode", "command:claude", "sh", ""]))


def test_the_agent_of_a_step_counts_more_than_the_usual_one() -> None:
    assert agents.of_step(STEP, "codex") == "codex"
    assert agents.of_step(STEP._replace(agent="gemini"), "codex") == "gemini"
    assert agents.of_step(STEP._replace(agent=agents.OWN), "codex") == ""
    assert agents.of_step(STEP._replace(kind="run"), "codex") == ""


def test_an_approval_says_which_keys_an_agent_gets() -> None:
    named = ["OPENAI_API_KEY", "GEMINI_API_KEY"]
    assert agents.grant("codex", named) == "codex with OPENAI_API_KEY"
    assert agents.grant("opencode", named) == "opencode with OPENAI_API_KEY, GEMINI_API_KEY"
    assert agents.grant("cursor", named) is None
    assert agents.grant(agents.OWN, named) is None
    assert agents.grant("opencode", []) is None


def test_the_options_that_approve_again_name_what_the_plan_does_not() -> None:
    grants = ["codex with OPENAI_API_KEY", "acp:my agent with A, B"]
    steps = [STEP._replace(agent="codex")]
    assert agents.options(grants, steps) == ["--agent 'acp:my agent'"]
