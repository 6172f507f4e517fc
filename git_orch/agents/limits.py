"""Limits of a provider that reset: one breaker holds back the requests of all workers until then.

A request that meets a limit opens the breaker, and no other begins until the limit resets. Then one
request tries; when it succeeds the others follow, when it meets the limit again all wait again.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

_GLANCE = 0.1  # seconds between two looks whether the request that tries has ended
_LONGEST_SLEEP = 5.0  # seconds; a machine that slept has another time when it wakes
_SHORTEST, _LONGEST_FLOOR = 0.1, 60.0  # seconds; a server may say "now" again and again
_SAME = 60.0  # seconds by which a limit may move without being another one


class Limit(NamedTuple):
    """A limit that holds `until` so many seconds since 1970. `is_news` for the first request that
    meets it.
    """

    until: float
    cause: str
    is_news: bool = False

    def moment(self) -> str:
        """When it resets, in local time, rounded up to a second."""
        return local_time(self.until)

    def utc(self) -> str:
        """When it resets, as programs read it."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(math.ceil(self.until)))


def local_time(until: float) -> str:
    """A moment in local time, with its date where that is not today's."""
    local = time.localtime(math.ceil(until))
    today = time.localtime()[:3] == local[:3]
    return time.strftime("%H:%M:%S %Z" if today else "%Y-%m-%d %H:%M:%S %Z", local)


class Held(Exception):
    """A limit holds back the request, or has ended it."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(limit.cause)
        self.limit = limit


@dataclass
class Course:
    """A request under way: whether it tries for all others, and whether it had a reply."""

    tries: bool = False
    succeeded: bool = False


class Breaker:
    """Holds back requests while a limit holds, for at most `longest` seconds from the moment it was
    met; 0 is no wait at all. `now` gives seconds since 1970.
    """

    def __init__(self, longest: float, now: Callable[[], float] = time.time) -> None:
        self.longest = longest
        self.now = now
        self._guard = threading.Lock()
        self._limit: Limit | None = None
        self._met_at = 0.0
        self._times = 0  # that the limit was met without a success between
        self._trying = False

    @contextlib.contextmanager
    def request(self) -> Iterator[Course]:
        """Make one request inside. Raises Held before it where a limit holds."""
        course = self._begin()
        try:
            yield course
        finally:
            self._end(course)

    def _begin(self) -> Course:
        with self._guard:
            if self._limit is None:
                return Course()
            if self._trying or self._limit.until > self.now():
                raise Held(self._limit)
            self._trying = True
            return Course(tries=True)

    def _end(self, course: Course) -> None:
        if not course.tries:
            return  # it began before the limit was met, and says nothing about it
        with self._guard:
            self._trying = False
            if course.succeeded:
                self._limit, self._times = None, 0

    def open(self, seconds: float, cause: str) -> Limit:
        """A request met a limit that resets in so many seconds; gives the limit that holds now."""
        with self._guard:
            now, before = self.now(), self._limit
            if before is None:
                self._met_at = now
            if before is None or before.until <= now:
                self._times += 1
            floor = min(_LONGEST_FLOOR, _SHORTEST * 2.0**self._times)
            until = now + max(seconds, floor)
            is_news = before is None or before.until <= now or until > before.until + _SAME
            if before is not None:
                until = max(until, before.until)
            self._limit = Limit(until, cause)
            return self._limit._replace(is_news=is_news)

    def allows(self, limit: Limit) -> bool:
        """Whether the wait for this limit is as short as the user allows."""
        with self._guard:
            return limit.until - self._met_at <= self.longest

    def wait(self, stop: threading.Event) -> bool:
        """Wait until a request may begin; whether `stop` was set meanwhile."""
        while not stop.is_set():
            with self._guard:
                limit, trying = self._limit, self._trying
            left = limit.until - self.now() if limit is not None else 0.0
            if limit is None or (left <= 0 and not trying) or not self.allows(limit):
                return False
            stop.wait(min(left, _LONGEST_SLEEP) if left > 0 else _GLANCE)
        return True
