"""The loop of a run: ready steps go to workers, finished ones land one after the other, until
nothing is left.

It knows neither git nor clocks. Workers are whatever has a future for a text: threads here,
processes or other machines elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, assert_never

from git_orch.plans.plan import Step
from git_orch.plans.schedule import Schedule


class Finished(NamedTuple):
    """The attempt succeeded; its result may land when its turn comes."""


class Landed(NamedTuple):
    """The result is on the branch."""


class Again(NamedTuple):
    """Another job for the same step is to be done."""

    job: str


class Later(NamedTuple):
    """The result is thrown away, and the step is to be done anew as soon as there is room for it."""


class Verify(NamedTuple):
    """Before the result lands its checks have to run once more, as this job."""

    job: str


class Failed(NamedTuple):
    """The step has failed for good."""


class Sleeps(NamedTuple):
    """The step waits for an event that has not come; somebody looks again later."""


class Asked(NamedTuple):
    """The step waits for the answer of a person."""


class Halted(NamedTuple):
    """The result is on the branch, and the run ends with it."""


class Steps(Protocol):
    """The steps that a loop drives: it makes jobs of steps, and lands their results."""

    def begin(self, step: Step) -> str:
        """The job for a step that starts, for the first time or anew."""
        ...

    def take_end(
        self, step: str, future: Future[str]
    ) -> Finished | Again | Failed | Asked | Sleeps:
        """Take the end of an attempt at a step, and say how to go on."""
        ...

    def awake(self) -> Collection[str]:
        """The steps that sleep no longer: it is time to look again."""
        ...

    def land(self, step: str) -> Landed | Halted | Verify | Later | Failed:
        """Land the result of a step, if it can land."""
        ...

    def land_verified(self, step: str, future: Future[str]) -> Landed | Halted | Later | Failed:
        """Land the result of a step whose checks ran once more, if they passed."""
        ...


class Task(NamedTuple):
    """The task of a future: the attempt at a step, or the checks of its result."""

    step: str
    verifies: bool = False


@dataclass
class Drive:
    """The loop and what runs in it. `most` is how many attempts run at once.

    `submit` starts a job, `wait` blocks until at least one of the futures may have ended and gives
    those that have. Within `held` nothing interrupts: what became of a future is booked once, or
    not at all.
    """

    schedule: Schedule
    steps: Steps
    submit: Callable[[str], Future[str]]
    wait: Callable[[Collection[Future[str]]], Collection[Future[str]]]
    most: int = 1
    held: Callable[[], AbstractContextManager[None]] = nullcontext
    running: dict[Future[str], Task] = field(default_factory=dict)

    def run_to_end(self) -> None:
        """Until each step has landed, failed or is blocked."""
        while self._wake() or self._start() or self.running or self.schedule.sleepers():
            ended = self.wait(self.running)
            with self.held():
                for future in [attempt for attempt in self.running if attempt in ended]:
                    self._take(future, self.running[future])
                    # Only now: after an error inside _take the task must still be here.
                    del self.running[future]
                self._land()

    def _wake(self) -> bool:
        if not self.schedule.sleepers():
            return False
        for step in self.steps.awake():
            self.schedule.wake(step)
        return False

    def _start(self) -> bool:
        attempts = sum(1 for task in self.running.values() if not task.verifies)
        begun = self.schedule.startable_steps(self.most - attempts)
        with self.held():
            for step in begun:
                job = self.steps.begin(step)
                self.schedule.start(step.id)
                self.running[self.submit(job)] = Task(step.id)
        return bool(begun)

    def _take(self, future: Future[str], task: Task) -> None:
        outcome = (self.steps.land_verified if task.verifies else self.steps.take_end)(
            task.step, future
        )
        self._book(task.step, outcome)

    def _land(self) -> None:
        while not self._verifying() and (step := self.schedule.next_landing()) is not None:
            self._book(step, self.steps.land(step))

    def _verifying(self) -> bool:
        return any(task.verifies for task in self.running.values())

    def _book(
        self,
        step: str,
        outcome: Finished | Landed | Halted | Again | Later | Verify | Failed | Asked | Sleeps,
    ) -> None:
        match outcome:
            case Finished():
                self.schedule.finish(step)
            case Landed():
                self.schedule.land(step)
            case Halted():
                self.schedule.land(step)
                self.schedule.stop()
            case Again(job):
                self.schedule.start(step)
                self.running[self.submit(job)] = Task(step)
            case Later():
                self.schedule.wait_again(step)
            case Verify(job):
                self.running[self.submit(job)] = Task(step, verifies=True)
            case Sleeps():
                self.schedule.sleep(step)
            case Failed():
                self.schedule.fail(step)
            case Asked():
                self.schedule.ask(step)
            case _:
                assert_never(outcome)
