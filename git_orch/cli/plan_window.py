"""A plan as an editor shows it, and the commands behind what a person does there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from git_orch import errors
from git_orch.cli import own_command
from git_orch.cli.own_command import Ended, Typed
from git_orch.plans import approval
from git_orch.plans.document import Document
from git_orch.plans.file import emitter
from git_orch.repo import localfiles
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository, discover

Status = Literal["pending", "in_progress", "completed"]
# The state of a step after an event of its run.
STATES: dict[str, Status] = {
    "step.started": "in_progress",
    "step.landed": "completed",
    "step.failed": "pending",
    "step.asked": "pending",
}
_COMPLETED = ("done", "unverified", "upstream")
_NO_EVENTS = "7" + "Z" * 25  # an event that none is after


class Step(NamedTuple):
    """A step as an entry of an editor's list."""

    title: str
    status: Status


class Offer(NamedTuple):
    """What a person may approve: `approving` is the command that does it."""

    name: str
    digest: str
    text: str
    approving: Typed


class Window:
    """A plan in a directory, by the beginning of its ID; it may not be made yet."""

    def __init__(self, directory: str, name: str) -> None:
        self.directory = directory
        self.name = name
        self.plan: dict[str, Any] = {}
        self._seen: object = None
        self._repository: Repository | None = None

    async def look(self) -> Ended:
        """Read the plan."""
        self._seen = self._signature()
        ended = await self.run(Typed("status", (f"--since={_NO_EVENTS}",), (self.name,)))
        if ended.error is not None:  # an archived one, perhaps
            ended = await self.run(Typed("show", (), (self.name,)))
        data = ended.answer["data"]
        found = data[0] if isinstance(data, list) and data else data
        if ended.error is None and isinstance(found, dict):
            self.plan = found
        return ended

    async def run(self, typed: Typed) -> Ended:
        """Run a command beside the plan."""
        return await own_command.run(self.directory, typed)

    async def ask(self, text: str) -> Ended:
        """Have a model make the plan, or change it; or answer the question of a step."""
        if not self.plan:
            return await self.run(Typed("plan", (f"--id={self.name}",), (text,)))
        if _asks(self.plan):
            return await self.run(Typed("answer", (), (self.name, text)))
        options = (f"--revise={self.plan['id']}", f"--message={text}")
        return await self.run(Typed("plan", options))

    async def offers(self) -> list[Offer] | Ended:
        """What can be approved: the plan, and the plan with the network where its steps ask."""
        offers = list[Offer]()
        for name, grants in (("Run it", ()), ("Run it, with the network", ("--network=all",))):
            ended = await self.run(Typed("approve", ("--dry-run", *grants), (self.name,)))
            data = ended.answer["data"]
            if ended.error is not None or not isinstance(data, dict):
                return offers or ended
            offer = _offer(name, grants, data, self.name)
            if offer.digest in [other.digest for other in offers]:
                break
            offers.append(offer)
        return offers

    def has_changed(self) -> bool:
        """Whether somebody has moved the plan since the last look, or is at work on it."""
        signature = self._signature()
        return signature is not None and signature != self._seen

    def _signature(self) -> object:
        """Changes when the refs of the plan do, or its run begins or goes on."""
        if self._repository is None:
            try:
                self._repository = _discover(self.directory)
            except errors.OrchError:
                return None
        common = self._repository.common_dir
        place = PlanPlace(self._repository, str(self.plan.get("id", self.name)))
        files = (
            common / place.log, common / place.branch, common / "packed-refs",
            common / "reftable" / "tables.list", place.run,
        )  # fmt: skip
        return (localfiles.is_held(place), *(_stamp(str(file)) for file in files))


def command(name: str, plan: str, words: Sequence[str]) -> Typed | None:
    """The command line for what a person typed behind a slash; None for what is no command."""
    first, second = [*words, "", ""][:2]
    match name:
        case "fix":
            return Typed("fix", (), (plan, *words[:1]))
        case "redo" if first:
            return Typed("redo", (), (plan, first))
        case "rollback":
            return Typed("rollback", (f"--to-step={first}",) if first else (), (plan,))
        case "pick" if first:
            return Typed("pick", (f"--onto={second}",) if second else (), (plan, first))
        case "land":
            return Typed("land", (f"--onto={first}",) if first else (), (plan,))
    return None


def steps(plan: Document) -> list[Step]:
    """The steps of a plan that `git orch status --json` printed."""
    listed, now = plan.get("steps"), plan.get("now")
    running = {attempt["step"] for attempt in now} if isinstance(now, list) else set[object]()
    entries = list[Step]()
    for step in listed if isinstance(listed, list) else []:
        done: Status = "completed" if step["state"] in _COMPLETED else "pending"
        entries.append(Step(step["title"], "in_progress" if step["id"] in running else done))
    return entries


def paid(plan: Document) -> tuple[int, float]:
    """The tokens and the USD of all runs of a plan."""
    tokens, listed, usd = 0, plan.get("steps"), plan.get("usd")
    for step in listed if isinstance(listed, list) else []:
        tokens += sum(count for count in step["usage"].values() if isinstance(count, int))
    return tokens, float(usd) if isinstance(usd, (int, float)) else 0.0


def told(plan: Document) -> str:
    """A plan in a few lines."""
    listed = plan.get("steps")
    lines = [
        f"{number}. {step['title']}"
        for number, step in enumerate(listed if isinstance(listed, list) else [], 1)
    ]
    return "\n".join([f"{plan['title']} ({plan['id']}, {plan['state']})", *lines])


def line_of(event: Document) -> str:
    """An event of a run as a line for a person; empty for those that the list of steps shows."""
    match event["event"]:
        case "note" | "progress":
            return str(event["text"])
        case "step.failed":
            return f"step {event['step']} {event['word']}: {event['error']}"
        case "step.asked":
            return f"step {event['step']} asks: {event['question']}"
        case "step.landed":
            return f"step {event['step']} landed as {str(event['commit'])[:10]}"
    return ""


def _asks(plan: Document) -> bool:
    listed = plan.get("steps")
    return isinstance(listed, list) and any(step["state"] == "asked" for step in listed)


def _offer(name: str, grants: Sequence[str], data: Document, plan: str) -> Offer:
    """The offer whose text is read from the very bytes that the digest is of."""
    digest = str(data["digest"])
    document = {key: value for key, value in data.items() if key != "digest"}
    what = approval.read(approval.canonical(document))
    text = emitter.to_yaml(what.plan).rstrip("\n")
    lines = [text, "", f"made on  {what.base or 'an empty repository'}", f"digest   {digest}"]
    approving = Typed("approve", (*grants, f"--digest={digest}"), (plan,))
    return Offer(name, digest, "\n".join(lines), approving)


def _discover(directory: str) -> Repository:
    from pathlib import Path

    return discover(Path(directory))


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
