"""A Ctrl-C that comes at a chosen moment."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from git_orch import checkpoints, errors


@contextlib.contextmanager
def at(moment: checkpoints.Moment, deed: str) -> Iterator[None]:
    """What is done inside is interrupted when it first passes that point, and has to pass it."""

    def observer(passed: checkpoints.Moment, done: str, about: object) -> None:
        del about
        if (passed, done) == (moment, deed):
            raise errors.Interrupted(2, "git orch status")

    checkpoints.observe(observer)
    try:
        with pytest.raises(errors.Interrupted):
            yield
    finally:
        checkpoints.observe(None)
