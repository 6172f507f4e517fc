"""The last event of each plan that the user's own program has been told of, in a file for each."""

from __future__ import annotations

from git_orch.repo import localfiles
from git_orch.repo.plan_place import PlanPlace


def last(place: PlanPlace) -> str | None:
    """The ID of that event; None where there is no such file."""
    try:
        text = (place.repository.state_dir / "bells" / place.id).read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return None
    return text.strip()


def record(place: PlanPlace, event: str) -> None:
    """Write down that this event and all before it have been told. Raises UnfitRepository."""
    localfiles.write(place.repository.state_dir / "bells" / place.id, event.encode("ascii"))
