"""Three versions of one value: the last one that both sides knew, and what each made of it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
MOST_LINES = 2000  # beyond that difflib takes too long, and both sides have changed it


class Sides(NamedTuple, Generic[T]):
    """A value in the last export, in the file and in the plan; no `base` where nothing was exported
    here.
    """

    base: T | None
    file: T
    plan: T


class Clash(Exception):
    """Both sides changed the same."""


def value(sides: Sides[T]) -> T:
    """The value of the side that changed it. Raises Clash where both did."""
    if sides.plan in (sides.file, sides.base):
        return sides.file
    if sides.base == sides.file:
        return sides.plan
    raise Clash


def lines(sides: Sides[str]) -> str:
    """A text in which each side changed other lines. Raises Clash."""
    try:
        return value(sides)
    except Clash:
        if sides.base is None:
            raise
    base = sides.base.splitlines(keepends=True)
    file = sides.file.splitlines(keepends=True)
    plan = sides.plan.splitlines(keepends=True)
    if max(map(len, (base, file, plan))) > MOST_LINES:
        raise Clash
    changes = sorted([*_changes(base, file), *_changes(base, plan)])
    merged: list[str] = []
    at = 0
    for start, end, new in _without_twins(changes):
        if start < at:
            raise Clash
        merged += [*base[at:start], *new]
        at = end
    return "".join([*merged, *base[at:]])


_Change = tuple[int, int, tuple[str, ...]]


def _changes(base: Sequence[str], other: Sequence[str]) -> list[_Change]:
    matcher = difflib.SequenceMatcher(None, base, other, autojunk=False)
    return [
        (start, end, tuple(other[first:last]))
        for kind, start, end, first, last in matcher.get_opcodes()
        if kind != "equal"
    ]


def _without_twins(changes: Sequence[_Change]) -> list[_Change]:
    """Changes in order; what both sides changed alike counts once. Raises Clash for two texts at
    one place.
    """
    kept: list[_Change] = []
    for change in changes:
        if kept and kept[-1] == change:
            continue
        if kept and (kept[-1][0] == change[0] or change[0] < kept[-1][1]):
            raise Clash
        kept.append(change)
    return kept


def fields(sides: Sides[dict[str, object]]) -> dict[str, object]:
    """Fields of which each side changed others. Raises Clash."""
    base = sides.base or {}
    merged: dict[str, object] = {}
    for name in dict.fromkeys((*sides.file, *sides.plan)):
        kept = value(Sides(base.get(name), sides.file.get(name), sides.plan.get(name)))
        if kept is not None:
            merged[name] = kept
    return merged


def entries(sides: Sides[list[tuple[str, T]]], merge: Callable[[Sides[T]], T]) -> list[T]:
    """A list whose entries have names: each side may change, add and remove some. Raises Clash."""
    base, file, plan = dict(sides.base or ()), dict(sides.file), dict(sides.plan)
    merged: dict[str, T] = {}
    for name in order([*base], [*file], [*plan]):
        if name in file and name in plan:
            merged[name] = merge(Sides(base.get(name), file[name], plan[name]))
            continue
        left = file.get(name, plan.get(name))
        if left is None:
            continue
        if name not in base:
            merged[name] = left
        elif left != base[name]:
            raise Clash  # one side changed what the other removed
    return [*merged.values()]


def order(base: Sequence[str], file: Sequence[str], plan: Sequence[str]) -> list[str]:
    """All names in the order of the side that changed it; what only the other one has comes after
    the name that it follows there.
    """
    first, second = (plan, file) if file == base else (file, plan)
    both = set(first) & set(second)
    orders = [[name for name in names if name in both] for names in (base, first, second)]
    if orders[1] != orders[2] and orders[0] not in (orders[1], orders[2]):
        raise Clash
    every = [*first]
    for at, name in enumerate(second):
        if name not in every:
            every.insert(every.index(second[at - 1]) + 1 if at else 0, name)
    return every
