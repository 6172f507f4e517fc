"""A plan and its parts: frozen values. `plan_document` reads and writes their stored form."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from git_orch.plans import paths
from git_orch.plans.hosts import Network

if TYPE_CHECKING:
    from git_orch.plans.waits import Wait

StepKind = Literal["agent", "run", "files", "manual", "wait"]
CheckType = Literal["compile", "unit", "integration", "run"]
Shell = Literal["strict", "plain"]

STEP_KINDS: tuple[StepKind, ...] = get_args(StepKind)
CHECK_TYPES: tuple[CheckType, ...] = get_args(CheckType)
SHELLS: tuple[Shell, ...] = get_args(Shell)
NETWORK_KINDS = frozenset(("agent", "run", "wait"))  # steps that may ask for the network
UNTIL_KINDS = frozenset(("agent", "run"))  # steps that may be repeated until a check passes
UNTIL_TIMES = 3  # how often, where nobody says it
MOST_TIMES = 100

CHECK_TIMEOUT = 900  # seconds; builds and test suites are slow, see the man page
AGENT_TIMEOUT = 3_600  # seconds for an agent program whose step names none
RUN_TIMEOUT = 900  # seconds for a `run` step that names none
LONGEST_TIMEOUT = 86_400  # seconds: a day
LONGEST_ARGUMENT = 131_071  # bytes of one argument of a program: MAX_ARG_STRLEN in execve(2)


class Command(NamedTuple):
    """A command line: `argv` runs as it is, `shell` is given to bash. Exactly one is set.

    bash stops at the first command of a `shell` text that fails, unless it is `plain`.
    """

    argv: tuple[str, ...] | None = None
    shell: str | None = None
    plain: bool = False

    def text(self) -> str:
        """The command as people read it."""
        if self.shell is not None:
            return self.shell
        import shlex

        return shlex.join(self.argv or ())


class Check(NamedTuple):
    """A verification command; the check passes when the command exits with `expected_exit` within
    `timeout` seconds, and has made the paths that it `produces`.
    """

    type: CheckType
    command: Command
    expected_exit: int = 0
    timeout: int = CHECK_TIMEOUT
    produces: tuple[str, ...] = ()


class Review(NamedTuple):
    """A check in which a model judges the change of a step by these `criteria`: the `model` named
    here, else the one of whoever runs the plan.
    """

    criteria: str
    model: str | None = None


class FileContent(NamedTuple):
    """The whole text of a file that a `files` step writes; `executable` None keeps the mode of one
    that is there.
    """

    text: str
    executable: bool | None = None


class Pointer(NamedTuple):
    """The commit, by its full ID, to which a `files` step moves a submodule."""

    commit: str


class Step(NamedTuple):
    """One step, and `why` it is done, for its commit. `prompt` belongs to agent (and manual) steps,
    `command` to run steps, `files` to files steps.

    In `files`, None means that the path is deleted, and a Pointer that a submodule moves.
    `depends_on` holds step IDs; a step is `independent` where its author said that it needs none.
    `requirements` holds the IDs of those that the step serves.
    `timeout` is in seconds. `network` says that a run or agent step asks for the network, or for the
    hosts listed there, which only an approval gives; its checks never have it. A run step `produces`
    ignored paths that its checks need. An agent step that `may_be_empty` is done also where it
    changed nothing. `reviews` come after all `checks`. `agent` names the program that
    does an agent step, where the plan says which.
    A step is repeated until the last of its `checks` passes, at most `times`; 0 is for one that is
    not.
    """

    id: str
    title: str
    kind: StepKind
    prompt: str | None = None
    command: Command | None = None
    files: Mapping[str, FileContent | Pointer | None] = MappingProxyType({})
    paths: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    model: str | None = None
    timeout: int | None = None
    network: Network = False
    produces: tuple[str, ...] = ()
    may_be_empty: bool = False
    why: str | None = None
    independent: bool = False
    reviews: tuple[Review, ...] = ()
    requirements: tuple[str, ...] = ()
    agent: str | None = None
    times: int = 0
    wait: Wait | None = None

    @property
    def own_checks(self) -> tuple[Check, ...]:
        """The checks without the one that the step is repeated for."""
        return self.checks[:-1] if self.times else self.checks

    @property
    def until(self) -> Check | None:
        """The check that the step is repeated for."""
        return self.checks[-1] if self.times else None

    @property
    def waits_for_person(self) -> bool:
        """Whether the step passes only when a person says so."""
        is_persons = self.wait is not None and self.wait.what == "person"
        return self.kind == "manual" or is_persons

    @property
    def asks_model(self) -> bool:
        """Whether a model does the step, or judges it."""
        return self.kind == "agent" or bool(self.reviews)

    @property
    def contents(self) -> dict[str, FileContent]:
        """The files that the step writes, by their paths."""
        return {path: to for path, to in self.files.items() if isinstance(to, FileContent)}

    @property
    def pointers(self) -> dict[str, str]:
        """The submodules that the step moves, each with the commit."""
        moves = [(path, to) for path, to in self.files.items() if isinstance(to, Pointer)]
        return {"/".join(paths.parts(path)): to.commit for path, to in moves}

    @property
    def deeds(self) -> list[tuple[str, str]]:
        """The deeds of the step on its files and submodules: a verb, and the path."""
        return [
            ("move", f"{path} to {to.commit}")
            if isinstance(to, Pointer)
            else ("write" if to is not None else "delete", path)
            for path, to in self.files.items()
        ]

    @property
    def verification(self) -> tuple[Check, ...]:
        """The checks as they run on a tree: what the step produces is made there first."""
        if not self.produces or self.command is None:
            return self.checks
        timeout = self.timeout or RUN_TIMEOUT
        making = Check("run", self.command, timeout=timeout, produces=self.produces)
        return (making, *self.checks) if self.checks else ()


class Requirement(NamedTuple):
    """A requirement of a spec. `checks` are the command lines of the checks that prove it (none:
    all checks of the steps that name it), `watch` patterns of the paths whose change puts that in doubt
    (none: what those steps changed).
    """

    id: str
    text: str
    checks: tuple[str, ...] = ()
    watch: tuple[str, ...] = ()


class Spec(NamedTuple):
    """The part of a plan that says how: the `approach`, the `design` behind it, the `criteria` by
    which a person accepts the result, and the `requirements`. Each may be empty.
    """

    approach: str = ""
    design: str = ""
    criteria: tuple[str, ...] = ()
    requirements: tuple[Requirement, ...] = ()


class Plan(NamedTuple):
    """A task in ordered steps. `dependencies` are commands that it needs, `missing` those that its
    author's machine did not have.

    `body` is the idea in Markdown, byte for byte as its author wrote it. A plan that is only an idea
    has no steps yet.
    """

    title: str
    objective: str
    steps: tuple[Step, ...]
    dependencies: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    body: str | None = None
    spec: Spec | None = None

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """The requirements of the spec."""
        return self.spec.requirements if self.spec is not None else ()

    def step(self, step_id: str) -> Step | None:
        """The step with that ID."""
        return next((step for step in self.steps if step.id == step_id), None)

    def position(self, step_id: str) -> int:
        """The number of a step for people: 1 for the first. Raises KeyError for an unknown ID."""
        for number, step in enumerate(self.steps, start=1):
            if step.id == step_id:
                return number
        raise KeyError(step_id)
