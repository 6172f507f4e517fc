"""`python -m benchmarks [a b c d e f g h] [--quick] [--markdown]`: all groups, or those named."""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence

from benchmarks import agents, catalogs, confined, documents, files, measure, runs, scratch, startup
from benchmarks.measure import Row, Table

_GROUPS: dict[str, Callable[..., Table]] = {
    "a": startup.table,
    "b": files.table,
    "c": catalogs.table,
    "d": agents.cold,
    "e": agents.warm,
    "f": confined.table,
    "g": runs.table,
    "h": documents.table,
}
_HEAD = Row("", "git-orch", "beside", "ratio", "aim", "met")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "groups", nargs="*", choices=[*_GROUPS, []], help="a b c d e f g h; all when none is named"
    )
    parser.add_argument(
        "--quick", action="store_true", help="fewer rounds, and without the largest repository"
    )
    parser.add_argument(
        "--markdown", action="store_true", help="print the tables as the README has them"
    )
    chosen = parser.parse_args()
    print("\n".join(machine()), flush=True)
    show = _markdown if chosen.markdown else _plain
    for name in chosen.groups or _GROUPS:
        with scratch.opened() as place:
            found = _GROUPS[name](place, quick=chosen.quick)
        print("\n" + "\n".join(show(found)), flush=True)
    print(f"\nload average at the end: {measure.load():.2f}")


def machine() -> list[str]:
    """What was measured on, and a warning when the machine had other work."""
    git = subprocess.run(
        ["git", "--version"], capture_output=True, text=True, check=True
    ).stdout.strip()
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    lines = [
        f"{now}: {os.cpu_count()} cores, {system}, {git}, Python {platform.python_version()}",
        f"load average at the start: {measure.load():.2f}",
    ]
    if measure.load() > measure.QUIET:
        lines.append(
            f"warning: the load is above {measure.QUIET}: read ratios only, best those of the least times"
        )
    return [
        *lines,
        "Times: the median, and in brackets the least, of runs that took turns. Ratios: of both.",
    ]


def _plain(table: Table) -> list[str]:
    rows = [_HEAD, *table.rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return [table.title, *("  " + line for line in lines), *("  " + note for note in table.notes)]


def _markdown(table: Table) -> list[str]:
    return [
        f"**{table.title}**",
        "",
        _cells(_HEAD),
        _cells(["---"] * len(_HEAD)),
        *(_cells(row) for row in table.rows),
        "",
        *(f"{note}  " for note in table.notes),
    ]


def _cells(row: Sequence[str]) -> str:
    return "| " + " | ".join(row) + " |"


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
