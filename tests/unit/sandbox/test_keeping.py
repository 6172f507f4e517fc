"""What is kept for people to look at later, where the system refuses that."""

from __future__ import annotations

import errno

import pytest

from git_orch import errors, notices
from git_orch.sandbox import keeping

NO_ROOM = OSError(errno.ENOSPC, "No space left on device", "/disk/trace")


@pytest.fixture
def heard() -> list[tuple[str, str]]:
    """What is said."""
    said: list[tuple[str, str]] = []
    notices.listen(lambda level, text: said.append((level, text)))
    return said


@pytest.mark.parametrize(
    ("failed", "why"),
    [
        (NO_ROOM, "'/disk/trace': no space left on device"),
        (errors.disk_full("writing 'x'"), "the disk is full (writing 'x')"),
        (errors.Refused("'x' does not count: it is a symbolic link", "mv"), "'x' does not count"),
    ],
    ids=["system", "disk", "not ours"],
)
def test_what_cannot_be_kept_is_a_warning_once(
    heard: list[tuple[str, str]], failed: Exception, why: str
) -> None:
    """S1-146."""
    for _ in range(2):
        with keeping.unnecessary("the audit"):
            raise failed
    [(level, text)] = heard
    assert level == "warning"
    assert text.startswith(f"the audit cannot be kept: {why}")


def test_what_else_goes_wrong_there_is_no_warning(heard: list[tuple[str, str]]) -> None:
    with pytest.raises(errors.Interrupted), keeping.unnecessary("the audit"):
        raise errors.Interrupted(2, "git orch status")
    assert heard == []
