"""The definitions in files, those first that a task has to do with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from git_orch.plans.repo_map import files, words
from git_orch.plans.repo_map.files import File, Survey, Symbol
from git_orch.plans.repo_map.words import Words

_MOST_MEMBERS = 24  # of one class
_MOST_SYMBOLS = 40  # of one file
_FEW = 6  # of a file that has no room for all
_MOST_OF_ROOM = 0.25  # for one file
_LONGEST_NAME = 80
_MISSES = 12  # files without room, after which nothing more is tried


def outline(survey: Survey, scores: Mapping[str, float], task: Words, room: int) -> str:
    """The symbols of the files with the highest scores, in at most `room` bytes of UTF-8."""
    ranked = sorted(
        (file for file in survey.files if file.symbols), key=lambda file: _order(file, scores)
    )
    blocks: list[tuple[str, str]] = []
    left, misses = room, 0
    for file in ranked:
        brief = files.is_test(file.path) and not task.about_tests
        for most in (_FEW,) if brief else (_MOST_SYMBOLS, _FEW):
            block = _block(file, task, most)
            fair = left if most == _FEW else min(left, int(room * _MOST_OF_ROOM))
            if len(block.encode()) + 1 <= fair:
                blocks.append((file.path, block))
                left -= len(block.encode()) + 1
                break
        else:
            misses += 1
        if misses == _MISSES:
            break
    return "\n".join(block for _, block in sorted(blocks))


def _order(file: File, scores: Mapping[str, float]) -> tuple[float, bool, int, int, str]:
    """The highest score first; among equals what is no test, stands high up and defines much."""
    depth = file.path.count("/")
    return (
        -scores.get(file.path, 0.0),
        files.is_test(file.path),
        depth,
        -len(file.symbols),
        file.path,
    )


def _block(file: File, task: Words, most: int) -> str:
    """The symbols of a file: one line for each class with its members, one for all that stands
    outside of classes.
    """
    chosen = _chosen(file.symbols, task, most)
    lines = [f"{file.path}:"]
    owners = {symbol.name: symbol for symbol in file.symbols if _is_owner(symbol, file.symbols)}
    for name, owner in owners.items():
        members = [symbol for symbol in chosen if symbol.owner == name]
        if owner in chosen or members:
            named = ", ".join(_named(member) for member in members[:_MOST_MEMBERS])
            lines.append(
                f"  {owner.line} {owner.kind} {_cut(name)}" + (f": {named}" if named else "")
            )
    free = [
        symbol for symbol in chosen if symbol.owner not in owners and symbol not in owners.values()
    ]
    for kind in dict.fromkeys(symbol.kind for symbol in free):
        named = ", ".join(_named(symbol) for symbol in free if symbol.kind == kind)
        lines.append(f"  {kind} {named}")
    rest = len(file.symbols) - len(chosen)
    return "\n".join(lines) + (f"\n  and {rest} more" if rest > 0 else "")


def _is_owner(symbol: Symbol, every: Sequence[Symbol]) -> bool:
    return symbol.kind == "class" or any(other.owner == symbol.name for other in every)


def _chosen(symbols: Sequence[Symbol], task: Words, most: int) -> Sequence[Symbol]:
    """At most so many symbols: those that have most to do with the task, in the order of the file;
    what stands alone goes before members, and what is private last.
    """
    if len(symbols) <= most:
        return symbols

    def order(at: int) -> tuple[float, bool, bool, int]:
        symbol = symbols[at]
        worth = words.weight(symbol.name, task)
        return (-worth, bool(symbol.owner), symbol.name.startswith("_"), at)

    best = sorted(range(len(symbols)), key=order)[:most]
    return [symbols[at] for at in sorted(best)]


def _named(symbol: Symbol) -> str:
    return f"{_cut(symbol.name)}:{symbol.line}"


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..."
