"""The agent programs that can do a step, by the names that plans and settings have for them.

A choice is `git-orch` (its own loop with a model), the NAME of a known program, `acp:COMMAND` for a
program that speaks the Agent Client Protocol, or `command:COMMAND` for one that takes the prompt on
its standard input. Only a name may stand in a plan: a command is a choice of the user's.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from git_orch.plans.plan import Step

OWN = "git-orch"  # the choice of git-orch's own loop
PROMPT, DIRECTORY, MODEL = "{prompt}", "{directory}", "{model}"

_WITH = " with "  # between a choice and the keys that it gets

Way = Literal["acp", "command"]
_WAYS: tuple[Way, ...] = ("acp", "command")
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Program(NamedTuple):
    """An agent program. `keys` are the variables that its provider takes a key from (None: it works
    with any provider), `variables` what it gets besides. `model` names the variable for a model.
    """

    name: str
    way: Way
    argv: tuple[str, ...]
    keys: frozenset[str] | None = None
    variables: Mapping[str, str] = _NOTHING
    model: str | None = None

    def text(self) -> str:
        """The choice as people write it."""
        return f"{self.way}:{shlex.join(self.argv)}"


# It asks before each command and each change, keeps nothing, and loads nothing by itself; without a
# title it makes no second request beside the step's own.
_OPENCODE = {
    "OPENCODE_PERMISSION": '{"*":"ask","read":"allow","glob":"allow","grep":"allow","list":"allow",'
    '"todowrite":"allow","todoread":"allow","edit":"ask","bash":"ask","webfetch":"ask",'
    '"websearch":"deny","task":"ask","question":"deny","external_directory":"ask"}',
    "OPENCODE_CONFIG_CONTENT": '{"share":"disabled","autoupdate":false,"snapshot":false,'
    '"agent":{"title":{"disable":true}},"experimental":{"continue_loop_on_deny":true}}',
    "OPENCODE_DISABLE_PROJECT_CONFIG": "1",
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
    "OPENCODE_DISABLE_SHARE": "1",
    "OPENCODE_PURE": "1",
}
_CLAUDE_KEYS = frozenset(
    {
        "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_BASE_URL",
    }
)  # fmt: skip
# The sandbox is ours: IS_SANDBOX lets it work as root.
_CLAUDE = {
    "IS_SANDBOX": "1",
    "DISABLE_AUTOUPDATER": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
}
_OPENAI_KEYS = frozenset({"OPENAI_API_KEY", "CODEX_API_KEY", "OPENAI_BASE_URL"})
_GOOGLE_KEYS = frozenset({"GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL"})
_GITHUB_KEYS = frozenset({"COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"})
_QWEN_KEYS = frozenset({"OPENAI_API_KEY", "OPENAI_BASE_URL", "DASHSCOPE_API_KEY"})

# By name: the programs that speak the protocol.
PROGRAMS: Mapping[str, Program] = MappingProxyType(
    {
        program.name: program
        for program in (
            Program(
                "claude-code",
                "acp",
                ("claude-agent-acp",),
                _CLAUDE_KEYS,
                _CLAUDE,
                "ANTHROPIC_MODEL",
            ),
            Program("codex", "acp", ("codex-acp",), _OPENAI_KEYS),
            Program("gemini", "acp", ("gemini", "--acp"), _GOOGLE_KEYS, model="GEMINI_MODEL"),
            Program("opencode", "acp", ("opencode", "acp"), None, _OPENCODE),
            Program("cline", "acp", ("cline", "--acp"), None),
            Program("copilot", "acp", ("copilot", "--acp"), _GITHUB_KEYS, model="COPILOT_MODEL"),
            Program("qwen", "acp", ("qwen", "--acp"), _QWEN_KEYS, model="OPENAI_MODEL"),
            Program("cursor", "acp", ("cursor-agent", "acp"), frozenset({"CURSOR_API_KEY"})),
        )
    }
)

# By the name of the program alone: command lines that ask nobody. Ours is the sandbox around them,
# so that theirs is off: one of them would leave commands out without a word. The prompt is their
# standard input, unless it has a place of its own.
COMMANDS: Mapping[str, Program] = MappingProxyType(
    {
        program.name: program
        for program in (
            Program(
                "claude",
                "command",
                (
                    "claude", "-p", "--bare", "--output-format", "stream-json", "--verbose",
                    "--no-session-persistence", "--permission-mode", "acceptEdits",
                    "--permission-prompts", "none", "--strict-mcp-config", "--setting-sources", "",
                ),
                _CLAUDE_KEYS,
                _CLAUDE,
                "ANTHROPIC_MODEL",
            ),
            Program(
                "codex",
                "command",
                (
                    "codex", "exec", "--json", "--ephemeral", "--skip-git-repo-check",
                    "--ignore-user-config", "--ignore-rules", "--color", "never",
                    "-s", "danger-full-access", "-C", DIRECTORY, "-",
                ),
                _OPENAI_KEYS,
            ),
            Program(
                "gemini",
                "command",
                ("gemini", "-p", PROMPT, "-o", "stream-json", "--approval-mode", "yolo", "--skip-trust"),
                _GOOGLE_KEYS,
                model="GEMINI_MODEL",
            ),
            Program(
                "opencode",
                "command",
                (
                    "opencode", "run", "--pure", "--format", "json", "--auto",
                    "--dir", DIRECTORY, PROMPT,
                ),
                None,
                _OPENCODE,
            ),
            Program(
                "copilot",
                "command",
                (
                    "copilot", "-p", PROMPT, "-C", DIRECTORY, "--allow-all-tools", "--no-ask-user",
                    "--output-format", "json", "--no-auto-update", "--disable-builtin-mcps",
                ),
                _GITHUB_KEYS,
                model="COPILOT_MODEL",
            ),
            Program(
                "qwen",
                "command",
                ("qwen", PROMPT, "--bare", "-o", "stream-json", "--approval-mode", "yolo"),
                _QWEN_KEYS,
                model="OPENAI_MODEL",
            ),
            Program(
                "cline",
                "command",
                ("cline", "--json", "--auto-approve", "true", "-c", DIRECTORY, PROMPT),
            ),
            Program(
                "aider",
                "command",
                (
                    "aider", "--message", PROMPT, "--yes-always", "--no-auto-commits",
                    "--no-dirty-commits", "--no-git", "--no-check-update", "--analytics-disable",
                    "--no-show-release-notes", "--no-stream", "--no-pretty", "--no-detect-urls",
                    "--no-suggest-shell-commands",
                ),
            ),
        )
    }
)  # fmt: skip


def of_step(step: Step, usual: str) -> str:
    """The choice for a step, where `usual` is that of steps which name none; "" where git-orch does
    it, or a person.
    """
    if step.kind != "agent":
        return ""
    choice = step.agent or usual
    return "" if choice == OWN else choice


def keys(program: Program, named: Iterable[str]) -> tuple[str, ...]:
    """Those of the variables that a user names which the program gets: of its own provider."""
    return tuple(name for name in named if program.keys is None or name in program.keys)


def grant(choice: str, named: Iterable[str]) -> str | None:
    """What an approval says of a choice that gets keys; None where it gets none. Raises ValueError."""
    chosen = program(choice)
    given = keys(chosen, named) if chosen is not None else ()
    return f"{choice}{_WITH}{', '.join(given)}" if given else None


def options(grants: Iterable[str], steps: Iterable[Step]) -> list[str]:
    """The options of `git orch approve` that give the same again: a choice that the plan makes needs
    none.
    """
    named = {step.agent for step in steps}
    choices = [grant.rpartition(_WITH)[0] for grant in grants]
    return [f"--agent {shlex.quote(choice)}" for choice in choices if choice not in named]


def grants_needed(steps: Iterable[Step], usual: str, named: Sequence[str]) -> dict[str, list[str]]:
    """What an approval has to say of the agent programs that do these steps, each with the steps'
    IDs. Raises ValueError.
    """
    needed: dict[str, list[str]] = {}
    for step in steps:
        choice = of_step(step, usual)
        said = grant(choice, named) if choice else None
        if said is not None:
            needed.setdefault(said, []).append(step.id)
    return needed


def is_name(choice: str) -> bool:
    """Whether a plan may name this choice."""
    return choice == OWN or choice in PROGRAMS


def program(choice: str) -> Program | None:
    """The program of a choice; None for git-orch's own loop. Raises ValueError, which says what is
    wrong.
    """
    if choice in ("", OWN):
        return None
    named = PROGRAMS.get(choice)
    if named is not None:
        return named
    way, colon, command = choice.partition(":")
    if not colon or way not in _WAYS:
        names = ", ".join([OWN, *PROGRAMS])
        raise ValueError(f"it can be {names}, acp:COMMAND or command:COMMAND")
    words = _words(command)
    name = words[0].rpartition("/")[2]
    alone = len(words) == 1
    if way == "acp":
        return _of_command(name, "acp", words)
    if alone and words[0] in COMMANDS:
        return COMMANDS[words[0]]
    return _of_command(name, "command", words)


def _words(command: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(command))
    except ValueError as unclosed:
        raise ValueError(f"its command cannot be read: {str(unclosed).lower()}") from unclosed
    if not words or not words[0]:
        raise ValueError("it has no command")
    return words


def _of_command(name: str, way: Way, words: tuple[str, ...]) -> Program:
    """The program that a person typed; what is known of one of this name counts."""
    named = next(
        (
            candidate
            for candidate in (*PROGRAMS.values(), *COMMANDS.values())
            if candidate.argv[0] == name
        ),
        None,
    )
    if named is None:
        return Program(name, way, words)
    shown = named.name if way == "acp" else name
    return Program(shown, way, words, named.keys, named.variables, named.model)
