"""The loop of a run against every order in which workers may answer: it ends, and the branch is
what it should be.

The executor is inline: a job is done at a moment that the test chooses. Time is a count of those
moments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from concurrent.futures import Future
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from git_orch.flow.run.loop import Again, Asked, Drive, Failed, Finished, Landed, Later, Verify
from git_orch.plans.plan import Plan, Step
from git_orch.plans.schedule import Phase, Schedule


@dataclass
class Simulated:
    """Steps whose fate is drawn: a branch is a list of steps, and a result knows how long the
    branch was below it.
    """

    data: st.DataObject
    schedule: Schedule
    most: int
    branch: list[str] = field(default_factory=list)
    verified_on: dict[str, int] = field(default_factory=dict)
    bases: dict[str, int] = field(default_factory=dict)
    tries: Counter[str] = field(default_factory=Counter)
    pending: list[Future[str]] = field(default_factory=list)
    clock: int = 0

    def awake(self) -> Collection[str]:
        """No step sleeps."""
        return ()

    def submit(self, job: str) -> Future[str]:
        """A worker takes the job; when it answers is not said."""
        assert job.startswith(("step ", "verify ")), job
        future: Future[str] = Future()
        self.pending.append(future)
        return future

    def wait(self, running: Collection[Future[str]]) -> Collection[Future[str]]:
        """One moment: some of the workers answer."""
        self.clock += 1
        assert self.clock < 200, "it does not end"
        assert len(self.schedule.in_phase(Phase.RUNNING)) <= self.most
        count = self.data.draw(st.integers(1, len(self.pending)))
        for future in self.data.draw(st.permutations(self.pending))[:count]:
            future.set_result("done")
            self.pending.remove(future)
        return [future for future in running if future.done()]

    def begin(self, step: Step) -> str:
        assert set(step.depends_on) <= set(self.branch)
        return self._job(step.id)

    def _job(self, step: str) -> str:
        self.tries[step] += 1
        self.bases[step] = len(self.branch)
        return f"step {step}"

    def take_end(self, step: str, future: Future[str]) -> Finished | Again | Failed | Asked:
        assert future.done()
        fate = self.data.draw(st.sampled_from(["finished", "finished", "failed", "asked"]))
        if fate == "finished":
            return Finished()
        if fate == "asked":
            return Asked()
        return Again(self._job(step)) if self.tries[step] < 2 else Failed()

    def land(self, step: str) -> Landed | Verify | Later | Failed:
        if self.bases[step] == len(self.branch):
            return self._land(step)
        fate = self.data.draw(st.sampled_from(["same tree", "verify", "conflict"]))
        if fate == "same tree":
            return self._land(step)
        if fate == "verify":
            self.verified_on[step] = len(self.branch)
            return Verify(f"verify {step}")
        return self._anew(step)

    def _anew(self, step: str) -> Later | Failed:
        return Later() if self.tries[step] < 3 else Failed()

    def land_verified(self, step: str, future: Future[str]) -> Landed | Later | Failed:
        assert future.done()
        assert self.verified_on[step] == len(self.branch), (
            "the branch moved on while a result was verified"
        )
        return self._land(step) if self.data.draw(st.booleans()) else self._anew(step)

    def _land(self, step: str) -> Landed:
        self.branch.append(step)
        return Landed()


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    found = []
    for number in range(1, draw(st.integers(1, 7)) + 1):
        needs = draw(st.sets(st.integers(1, number - 1), max_size=2)) if number > 1 else set()
        paths = tuple(draw(st.sets(st.sampled_from(["a", "b"]), max_size=1)))
        found.append(
            Step(
                f"s{number}",
                "Do",
                "run",
                depends_on=tuple(f"s{need}" for need in needs),
                paths=paths,
            )
        )
    return Plan("A plan", "An objective", tuple(found))


@given(plan=plans(), most=st.integers(1, 4), keep_going=st.booleans(), data=st.data())
def test_every_order_of_answers_ends_with_each_step_landed_once_failed_or_blocked(
    *, plan: Plan, most: int, keep_going: bool, data: st.DataObject
) -> None:
    schedule = Schedule(plan, set(), [step.id for step in plan.steps], keep_going=keep_going)
    world = Simulated(data, schedule, most)
    drive = Drive(schedule, world, world.submit, world.wait, most)
    drive.run_to_end()
    assert drive.running == {}
    assert len(set(world.branch)) == len(world.branch)
    assert sorted(world.branch) == sorted(schedule.in_phase(Phase.LANDED))
    failed, blocked = schedule.in_phase(Phase.FAILED, Phase.ASKED), schedule.in_phase(Phase.BLOCKED)
    assert len(world.branch) + len(failed) + len(blocked) == len(plan.steps)
    needs = {step.id: set(step.depends_on) for step in plan.steps}
    for place, step in enumerate(world.branch):
        assert needs[step] <= set(world.branch[:place])
    if keep_going:
        assert all(needs[step] & {*failed, *blocked} for step in blocked)


@dataclass
class Scripted:
    """Workers that answer in a given order; the first result of s2 does not hold on the new base."""

    order: list[str]
    pending: dict[str, Future[str]] = field(default_factory=dict)
    begun_steps: list[str] = field(default_factory=list)
    most_at_once: int = 0

    def awake(self) -> Collection[str]:
        """No step sleeps."""
        return ()

    def submit(self, job: str) -> Future[str]:
        self.pending[job] = Future()
        self.most_at_once = max(
            self.most_at_once, sum(1 for each in self.pending if each.startswith("step "))
        )
        return self.pending[job]

    def wait(self, running: Collection[Future[str]]) -> Collection[Future[str]]:
        future = self.pending.pop(self.order.pop(0))
        future.set_result("done")
        return [each for each in running if each.done()]

    def begin(self, step: Step) -> str:
        self.begun_steps.append(step.id)
        return f"step {step.id}"

    def take_end(self, step: str, future: Future[str]) -> Finished:
        assert future.done(), step
        return Finished()

    def land(self, step: str) -> Landed | Verify:
        return (
            Verify("verify s2") if step == "s2" and self.begun_steps.count("s2") == 1 else Landed()
        )

    def land_verified(self, step: str, future: Future[str]) -> Later:
        assert future.done(), step
        return Later()


def test_a_step_that_is_to_be_done_anew_waits_until_there_is_room_for_it() -> None:
    steps = tuple(Step(f"s{number}", "Do", "run") for number in range(1, 5))
    order = ["step s2", "step s1", "verify s2", "step s3", "step s2", "step s4"]
    schedule = Schedule(
        Plan("A plan", "An objective", steps), set(), [each.id for each in steps], keep_going=True
    )
    world = Scripted(order)
    Drive(schedule, world, world.submit, world.wait, 2).run_to_end()
    assert world.begun_steps == ["s1", "s2", "s3", "s4", "s2"]
    assert (world.most_at_once, schedule.in_phase(Phase.LANDED)) == (2, ["s1", "s2", "s3", "s4"])
