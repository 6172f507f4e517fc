"""The lines of a log that are events of the documented form, each once."""

from __future__ import annotations

from collections.abc import Mapping

from git_orch.plans.document import BadDocument
from git_orch.plans.history import events
from git_orch.plans.history.events import Event
from git_orch.plans.history.replay import Past


def without_damage(plan_id: str, notes: Mapping[str, bytes]) -> tuple[dict[str, bytes], int]:
    """The notes of a plan without damaged lines, and how many lines went.

    Of two lines with one ID the one stays that a reader counts.
    """
    sound = _sound_ids(plan_id, notes)
    kept: dict[str, bytes] = {}
    gone: set[bytes] = set()
    for target, content in notes.items():
        lines = [line for line in content.splitlines() if line.strip()]
        good = [line for line in lines if line in sound]
        gone.update(line for line in lines if line not in sound)
        kept[target] = b"".join(line + b"\n" for line in good)
    return kept, len(gone)


def _sound_ids(plan_id: str, notes: Mapping[str, bytes]) -> frozenset[bytes]:
    """The lines that a reader of the log counts."""
    lines = sorted({line for note in notes.values() for line in note.splitlines() if line.strip()})
    taken: dict[str, tuple[Event, bytes]] = {}
    for line in lines:
        for event in events.read([line]).events:
            taken.setdefault(event.id, (event, line))
    past = Past(f"refs/heads/orch/{plan_id}")
    sound = set[bytes]()
    for _, (event, line) in sorted(taken.items()):
        try:
            past.take(event)
        except BadDocument:
            continue
        sound.add(line)
    return frozenset(sound)
