"""What a refspec or a glob of git's configuration does to the refs of plans: pure judgement."""

from __future__ import annotations

import fnmatch
from typing import NamedTuple

OURS = ("refs/notes/orch/", "refs/heads/orch/", "refs/orch/")
_LOGS = "refs/notes/orch/"


class Refspec(NamedTuple):
    """A refspec of a fetch or a push; `forced` has a plus, `excluded` a caret."""

    source: str
    target: str
    forced: bool = False
    excluded: bool = False


def read(text: str) -> Refspec:
    """The refspec that git reads."""
    if text.startswith("^"):
        return Refspec(text[1:], "", excluded=True)
    source, _, target = text.removeprefix("+").partition(":")
    return Refspec(source, target, forced=text.startswith("+"))


def written_over(refspec: str, others: tuple[str, ...] = ()) -> str | None:
    """The first place of git-orch's refs that a fetch by this refspec may write; None where it
    writes none of them. The `others` of the same remote may exclude refs.
    """
    spec = read(refspec)
    if spec.excluded or not spec.target:
        return None
    excluded = [read(other).source for other in others if read(other).excluded]
    for place in OURS:
        source = _source_of(spec, place)
        if source is not None and not any(_covers(without, source) for without in excluded):
            return place
    return None


def _source_of(spec: Refspec, place: str) -> str | None:
    """Which refs of the remote the refspec writes below a place, as a pattern; None for none."""
    target_start, star, _ = spec.target.partition("*")
    source_start = spec.source.partition("*")[0]
    if not star:
        return spec.source if spec.target.startswith(place) else None
    if place.startswith(target_start):
        return f"{source_start}{place[len(target_start) :]}*"
    return f"{source_start}*" if target_start.startswith(place) else None


def _covers(pattern: str, source: str) -> bool:
    """Whether a pattern with at most one star takes in all that another one does."""
    start, star, _ = pattern.partition("*")
    return source.startswith(start) if star else source == pattern


def moved_away(refspec: str, remote: str) -> str:
    """A refspec that fetches the same refs to where git-orch keeps those of remotes, or the usual
    one where it fetches everything.
    """
    spec = read(refspec)
    if spec.source.partition("*")[0] in ("refs/", ""):
        return f"+refs/heads/*:refs/remotes/{remote}/*"
    below = spec.source.removeprefix("refs/")
    return f"+{spec.source}:refs/orch-remotes/{remote}/{below}"


def takes_logs(value: str) -> bool:
    """Whether a value of notes.displayRef or notes.rewriteRef takes in logs of plans."""
    if any(sign in value for sign in "*?["):
        whole = value if value.startswith("refs/") else f"refs/{value}"
        return fnmatch.fnmatchcase(f"{_LOGS}archive", whole) or fnmatch.fnmatchcase(
            f"{_LOGS}PLAN-20261121-0NG7F5ZAWN-greet", whole
        )
    return value.startswith(_LOGS)


def is_glob(value: str) -> bool:
    """Whether a value names refs by a pattern."""
    return any(sign in value for sign in "*?[")
