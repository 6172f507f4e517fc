"""The breaker that holds back requests while a limit of the provider holds."""

from __future__ import annotations

import threading
import time

import pytest

from git_orch.agents import limits
from git_orch.agents.limits import Breaker, Held


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.time = 1_000_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(3600.0, clock)


def may_begin(breaker: Breaker) -> bool:
    try:
        with breaker.request() as course:
            course.succeeded = True
    except Held:
        return False
    return True


def test_no_request_begins_before_the_limit_resets(breaker: Breaker, clock: Clock) -> None:
    breaker.open(60.0, "too many")
    clock.time += 59.9
    assert not may_begin(breaker)
    clock.time += 0.2
    assert may_begin(breaker)


def test_a_request_that_began_before_the_limit_runs_to_its_end_and_lifts_nothing(
    breaker: Breaker,
) -> None:
    with breaker.request() as course:
        breaker.open(60.0, "too many")
        course.succeeded = True
    assert not may_begin(breaker)


def test_one_request_tries_and_the_others_follow_when_it_succeeds(
    breaker: Breaker, clock: Clock
) -> None:
    breaker.open(60.0, "too many")
    clock.time += 61.0
    with breaker.request() as course:
        assert course.tries
        assert not may_begin(breaker)
        course.succeeded = True
    with breaker.request() as first, breaker.request() as second:
        assert (first.tries, second.tries) == (False, False)


def test_a_request_that_tries_and_fails_in_another_way_lets_another_one_try(
    breaker: Breaker, clock: Clock
) -> None:
    breaker.open(60.0, "too many")
    clock.time += 61.0
    with breaker.request():
        pass
    with breaker.request() as course:
        assert course.tries


def test_a_limit_that_the_trying_request_meets_holds_all_again(
    breaker: Breaker, clock: Clock
) -> None:
    breaker.open(60.0, "too many")
    clock.time += 61.0
    with breaker.request():
        assert breaker.open(60.0, "too many").is_news
    assert not may_begin(breaker)


def test_workers_that_meet_one_limit_tell_of_it_once(breaker: Breaker, clock: Clock) -> None:
    assert breaker.open(60.0, "too many").is_news
    clock.time += 2.0
    later = breaker.open(60.0, "too many")
    assert not later.is_news
    assert later.until == clock.time + 60.0


def test_the_latest_of_two_limits_counts(breaker: Breaker, clock: Clock) -> None:
    until = breaker.open(600.0, "tokens").until
    assert breaker.open(1.0, "requests").until == until


def test_a_wait_is_as_long_as_allowed_from_the_first_time_that_the_limit_was_met(
    breaker: Breaker, clock: Clock
) -> None:
    assert breaker.allows(breaker.open(3000.0, "too many"))
    clock.time += 3001.0
    assert not breaker.allows(breaker.open(1000.0, "too many"))


def test_a_success_begins_the_allowed_wait_anew(breaker: Breaker, clock: Clock) -> None:
    breaker.open(3000.0, "too many")
    clock.time += 3001.0
    assert may_begin(breaker)
    assert breaker.allows(breaker.open(3000.0, "too many"))


def test_a_server_that_says_now_again_and_again_is_asked_ever_more_seldom(
    breaker: Breaker, clock: Clock
) -> None:
    waits = []
    for _ in range(4):
        limit = breaker.open(0.0, "too many")
        waits.append(limit.until - clock.time)
        clock.time = limit.until
    assert waits == pytest.approx([0.2, 0.4, 0.8, 1.6])


def test_a_stop_ends_the_wait(breaker: Breaker) -> None:
    breaker.open(60.0, "too many")
    stop = threading.Event()
    stop.set()
    assert breaker.wait(stop)


def test_a_wait_ends_when_the_limit_has_reset() -> None:
    breaker = Breaker(3600.0)
    breaker.open(0.2, "too many")
    assert not breaker.wait(threading.Event())
    assert may_begin(breaker)


def test_the_moment_of_another_day_has_its_date() -> None:
    now = time.time()
    assert limits.local_time(now).count(":") == 2
    assert "-" not in limits.local_time(now).split()[0]
    assert limits.local_time(now + 2 * 86_400).split()[0].count("-") == 2
