"""The status of a plan and its parts: frozen values, as `fold.fold` makes them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans import reasons, trailers
from git_orch.plans.history.events import Log
from git_orch.plans.plan import Plan, Step

if TYPE_CHECKING:
    from git_orch.plans.plan_merge import Clash


class PlanState(enum.Enum):
    """The formal life of a plan."""

    DRAFT = "DRAFT"
    READY = "READY"
    CREATED = "CREATED"
    VALIDATED = "VALIDATED"
    APPROVED = "APPROVED"
    EXECUTING = "EXECUTING"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"
    ROLLED_BACK = "ROLLED_BACK"
    REJECTED = "REJECTED"


class StepState(enum.Enum):
    """The present state of a step."""

    PENDING = "pending"
    SKIPPED = "skipped"
    FAILED = "failed"
    ASKED = "asked"  # its model waits for an answer
    STOPPED = "stopped"  # by a signal, a budget, the provider ...: it goes on from there
    CLAIMED = "claimed"
    REVERTED = "reverted"
    UNVERIFIED = "unverified"
    UPSTREAM = "upstream"
    DONE = "done"


# No commit on the branch claims them.
NOT_DONE = frozenset(
    {
        StepState.PENDING,
        StepState.SKIPPED,
        StepState.FAILED,
        StepState.ASKED,
        StepState.STOPPED,
    }
)
SATISFIED = frozenset({StepState.DONE, StepState.UNVERIFIED, StepState.UPSTREAM})


class Commit(NamedTuple):
    """A commit on a plan branch, with what its message claims and the first line of it."""

    oid: str
    tree: str
    parents: tuple[str, ...]
    message: trailers.Message
    subject: str = ""


class Branch(NamedTuple):
    """The commits of a plan branch from the earliest of this plan to the tip, oldest first.

    `base` is the commit below the earliest one (None: a root commit). `upstream` are steps that the
    base has already. `named` are commits that a revert on the branch names and that are not on it.
    """

    tip: str
    commits: tuple[Commit, ...]
    base: str | None
    upstream: frozenset[str] = frozenset()
    named: tuple[Commit, ...] = ()


class Base(NamedTuple):
    """The base of a plan: `commit` is None in an unborn repository, `ref` None for a detached HEAD.

    `snapshot` says that the commit holds uncommitted files.
    """

    commit: str | None
    ref: str | None
    snapshot: bool = False


class MoveKind(enum.Enum):
    """The purpose of a move of a ref, as its intent in the log says."""

    CREATE = "create"  # a plan's branch, with its cover commit
    EDIT = "edit"  # another cover commit
    LAND = "land"  # a step onto the plan's branch, or a plan onto a branch of the user's
    CHECKPOINT = "checkpoint"  # what was uncommitted in a checkout that steps work in
    ROLLBACK = "rollback"
    DROP = "drop"
    REORDER = "reorder"
    REBASE = "rebase"
    REDO = "redo"
    ADOPT = "adopt"  # of a person's commit as a step
    UNDO = "undo"  # of one of these, or of a landing or a pick; and the undo of an undo
    UNARCHIVE = "unarchive"
    PICK = "pick"  # steps onto a branch of the user's
    OTHER = "other"  # of a later version


class Move(NamedTuple):
    """The intent to move a ref; `old` is None for a creation.

    `seen_before` is how often the log had seen the ref come to `new` when this was intended. With
    `checkout` the files of a worktree were to follow.
    """

    id: str
    clone: str
    ref: str
    old: str | None
    new: str
    why: str
    kind: MoveKind = MoveKind.OTHER
    seen_before: int = 0
    checkout: bool = False


class Landing(NamedTuple):
    """The landing of a plan: `mode` is merge, rebase, squash or ff-only, or `found` when somebody
    merged the plan without git-orch.

    `ref` is the branch, `new` its tip after the landing, `tip` the tip of the plan branch that it
    contains, `commits` the commit on it for every step.
    """

    mode: str
    ref: str
    new: str
    tip: str | None
    commits: Mapping[str, str]

    def branch(self) -> str:
        """The branch's name as people type it."""
        return self.ref.removeprefix("refs/heads/")


class StoredEstimate(NamedTuple):
    """The estimate of a plan in its event: tokens and USD, see `cost.estimate` and
    `cost.expectation`.
    """

    tokens_in: int
    tokens_out: int
    usd: float
    p50: float | None = None
    p90: float | None = None
    samples: int = 0

    def likely(self) -> float:
        """The one number for people, in USD: the median of such plans if there is one, else the
        estimate.
        """
        return self.usd if self.p50 is None else self.p50


class CheckResult(NamedTuple):
    """The end of one check: its duration in `seconds`, and the redacted end of its `output`.

    `note` is what git-orch did about files that the check changed. `since` is the time (UTC) of this
    machine's receipt, which saved another run of the check. Of a review `command` are the criteria,
    `output` the reasons of the `model`; `usd` is what it has cost now.
    """

    type: str
    command: str
    exit: int
    passed: bool
    seconds: float
    output: str
    reason: str = "exited"
    since: str | None = None
    note: str = ""
    model: str | None = None
    usd: float = 0.0

    @property
    def is_review(self) -> bool:
        """Whether a model judged, and no command ran."""
        return self.type == "review"

    @property
    def text(self) -> str:
        """The output, and the note below it."""
        return "\n".join([*filter(None, [self.output]), *self.note_lines()])

    def note_lines(self) -> list[str]:
        """The note as people and models see it, on a line of its own if there is one."""
        return [f"[{self.note}]"] if self.note else []

    @property
    def is_cached(self) -> bool:
        """Whether the check did not run, because it had passed on the same tree before."""
        return self.since is not None


class TipFailure(NamedTuple):
    """A check that fails on the tip of a plan: its command, and the ID of its step."""

    step: str
    command: str


class TipCheck(NamedTuple):
    """The last run of all checks of a plan on its tip, which had this tree then."""

    tree: str
    failed: tuple[TipFailure, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return not self.failed


class Call(NamedTuple):
    """One request to a model: the usage fields verbatim and the price in USD; or what the agent
    program `reported_by` reported of its requests.
    """

    id: str
    purpose: str
    step: str | None
    attempt: str | None
    model: str
    usage: Mapping[str, object]
    usd: float
    seconds: float
    reported_by: str | None = None

    @property
    def is_review(self) -> bool:
        """Whether the model judged a step, and did not work on it."""
        return self.purpose == "review"


class Attempt(NamedTuple):
    """One try at a step. `tree` is the verified tree; a failed attempt has an `error`, a `reason` and
    maybe a kept `commit`; one that asked a `question`, and the `answer` ("": none is needed any
    more). Its model was told `remarks`, paragraphs that a person typed; one that landed has the
    `prompt` that the step had then. `continues` is the attempt whose work it took up.
    """

    id: str
    step: str
    event: str
    outcome: str
    seconds: float
    checks: tuple[CheckResult, ...] = ()
    summary: str = ""
    tree: str | None = None
    commit: str | None = None
    error: str | None = None
    changed: tuple[str, ...] = ()
    review: tuple[str, ...] = ()
    reason: str | None = None
    question: str | None = None
    answer: str | None = None
    remarks: tuple[str, ...] = ()
    prompt: str | None = None
    continues: str | None = None

    @property
    def is_answered(self) -> bool:
        """Whether it asked a question that a person has answered."""
        return self.question is not None and bool(self.answer)


class StepStatus(NamedTuple):
    """A step and its state; `commit` is the one that claims it now."""

    step: Step
    number: int
    state: StepState
    commit: Commit | None = None
    attempt: Attempt | None = None

    @property
    def id(self) -> str:
        """The step's ID."""
        return self.step.id

    @property
    def title(self) -> str:
        """The step's title."""
        return self.step.title

    @property
    def kind(self) -> str:
        """The step's kind."""
        return self.step.kind

    @property
    def changed_since(self) -> bool:
        """Whether its prompt is another one than it was when the step landed."""
        then = self.attempt.prompt if self.attempt is not None else None
        return self.commit is not None and then is not None and then != self.step.prompt

    @property
    def word(self) -> str:
        """The step's state, as people read it."""
        if self.attempt is not None and self.state in (StepState.FAILED, StepState.STOPPED):
            return reasons.word(self.attempt.reason)
        if self.attempt is not None and self.state is StepState.PENDING:
            return "answered" if self.attempt.is_answered else self.state.value
        return self.state.value


class Archiving(NamedTuple):
    """The archiving of a plan by `clone`: the tip of its branch, and the steps that were done."""

    clone: str
    tip: str | None
    done: frozenset[str]
    why: str = ""


class Noted(NamedTuple):
    """What a person noted about a plan, or about one of its steps (an ID); `kind` is note, decision,
    blocker or progress.
    `event` is the ID of its event.
    """

    event: str
    kind: str
    text: str
    step: str | None = None
    who: str = ""


class Comment(NamedTuple):
    """A person's comment on a part of a plan: the anchor `on`, as `plans/documents/comments.py` has
    it, and the `digest` of what that said then. `closed` is why it is not open any more.
    """

    id: str
    on: str
    digest: str
    text: str
    who: str = ""
    closed: str | None = None


class Status(NamedTuple):
    """Everything that log and branch say about a plan.

    `created` is the ID of its first event, `clone` the repository copy that wrote its text,
    `known_tip` the tip of the branch when git-orch saw it last. `state` is `recorded_state` after a
    look at the branch. `accepted` holds (step, attempt) pairs that the log confirms, `verified`
    (step, tree) pairs whose checks passed. `incomplete` says that git could not read a part of the
    log, so that missing events prove nothing; `interrupted` that a signal ended the last run;
    `merged` that the branch is gone, and its last tip is part of the base branch. `skipped` are steps
    that the last run left out on purpose. `first_base` is the commit that the plan was made on;
    `base` follows its branch. `unverified_here` are satisfied steps that this machine has no record
    of, `tip_unverified_here` says that it has none of the tip: a log may come from anybody.
    `rewritten` has the commit that an amend or a rebase made of another one, by the ID of that.
    `remarks` are what a person typed about steps, as paragraphs by step ID. `owner` is the one whom
    the plan belongs to, "" where nobody wrote that down; `noted` is what people noted, oldest first,
    and `comments` are theirs on parts of its text. `old_ids` are those that it and its spec had in
    another tool. `clashes` are fields that two people changed in different ways.
    """

    id: str
    plan: Plan
    state: PlanState
    steps: tuple[StepStatus, ...]
    base: Base
    branch: Branch | None
    created: str
    origin: str
    log: Log
    clone: str
    recorded_state: PlanState
    attempts: tuple[Attempt, ...] = ()
    accepted: frozenset[tuple[str, str]] = frozenset()
    verified: frozenset[tuple[str, str]] = frozenset()
    calls: tuple[Call, ...] = ()
    pending_moves: tuple[Move, ...] = ()
    known_tip: str | None = None
    estimate: StoredEstimate | None = None
    open_run: str | None = None
    run_seconds: float = 0.0
    damaged: int = 0
    incomplete: bool = False
    interrupted: bool = False
    merged: bool = False
    step_ids: frozenset[str] = frozenset()
    skipped: frozenset[str] = frozenset()
    first_base: str | None = None
    landed: Landing | None = None
    archived: Archiving | None = None
    tip_checked: TipCheck | None = None
    unverified_here: frozenset[str] = frozenset()
    tip_unverified_here: bool = False
    remarks: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    owner: str = ""
    old_ids: tuple[str, ...] = ()
    noted: tuple[Noted, ...] = ()
    comments: tuple[Comment, ...] = ()
    clashes: tuple[Clash, ...] = ()
    rewritten: Mapping[str, str] = MappingProxyType({})

    @property
    def is_idea(self) -> bool:
        """Whether the plan is only an idea: it has no steps, and no branch."""
        return self.recorded_state in (PlanState.DRAFT, PlanState.READY)

    @property
    def is_rejected_idea(self) -> bool:
        """Whether the plan was rejected before it had steps."""
        return self.recorded_state is PlanState.REJECTED and not self.plan.steps

    def satisfied_steps(self) -> frozenset[str]:
        """Steps that others may depend on."""
        return frozenset(status.id for status in self.steps if status.state in SATISFIED)

    def own_commits(self) -> tuple[Commit, ...]:
        """The commits on the branch that a person made for no step, oldest first: neither reverts
        nor merges.
        """
        commits = self.branch.commits if self.branch is not None else ()
        return tuple(commit for commit in commits if self._is_own(commit))

    def _is_own(self, commit: Commit) -> bool:
        message = commit.message
        claims = [claim for claim in message.claims if claim.plan == self.id]
        return not (claims or message.reverts or message.cover_of) and len(commit.parents) == 1

    def tip_failures(self) -> tuple[TipFailure, ...]:
        """The checks that failed on the tree of the branch's present tip."""
        return tip_failures(self.branch, self.tip_checked)

    def failed_on_earlier_tip(self) -> bool:
        """Whether checks failed on an earlier tip, and did not run on the present one."""
        if self.tip_checked is None or self.tip_checked.passed:
            return False
        return not self.tip_failures()

    def is_verified_here(self) -> bool:
        """Whether this machine itself has seen the checks of all that is done pass."""
        return not (self.unverified_here or self.tip_unverified_here)

    def usd(self) -> float:
        """The cost of all model calls of this plan, in USD."""
        return sum(call.usd for call in self.calls)

    def is_open(self) -> bool:
        """Whether the plan has work left; a command without an ID means the one open plan."""
        return self.archived is None and self.state not in (PlanState.COMPLETE, PlanState.REJECTED)

    def waits_to_land(self) -> bool:
        """Whether all steps are done and their commits went nowhere yet."""
        return self.state is PlanState.COMPLETE and self.landed is None


def tip_failures(branch: Branch | None, checked: TipCheck | None) -> tuple[TipFailure, ...]:
    """The checks that failed on the tree of the branch's tip; failures on another tree are past."""
    if branch is None or checked is None or not branch.commits:
        return ()
    return checked.failed if branch.commits[-1].tree == checked.tree else ()
