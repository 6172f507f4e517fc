"""An execution log as a Markdown file with front matter."""

from __future__ import annotations

from collections.abc import Sequence

from git_orch.plans import sentences
from git_orch.plans.documents import front_matter, names
from git_orch.plans.documents.execution_log import NOTES, Entry, ExecutionLog, clean, stamp

NOTHING = "None.\n"
_MOST = 500  # entries of one section
_MOST_FAILURES = 40


def fields(log: ExecutionLog, plan_id: str) -> dict[str, str]:
    """The front matter of a log's file."""
    usd = sum(log.costs.values())
    return {
        "id": log.id,
        "spec": names.spec_id(plan_id),
        "plan_id": plan_id,
        "title": log.title,
        "owner": log.owner,
        "started": stamp(log.began),
        "ended": stamp(log.ended) if log.ended is not None else "",
        "status": log.outcome,
        "cost": sentences.usd(usd),
    }


def text(log: ExecutionLog, plan_id: str) -> str:
    """The file of a log."""
    parts = [_section("Implementation", log, log.entries, _MOST)]
    parts.append(_section("Failures", log, log.failures, _MOST_FAILURES))
    for kind, heading in NOTES.items():
        parts.append(_section(heading, log, log.notes.get(kind, ()), _MOST))
    rows = "".join(f"- {name}: {sentences.usd(usd)}\n" for name, usd in log.costs.items())
    parts.append(f"## Cost\n\n{rows or NOTHING}")
    return front_matter.render(fields(log, plan_id)) + "\n" + "\n".join(parts)


def _section(heading: str, log: ExecutionLog, entries: Sequence[Entry], most: int) -> str:
    left = len(entries) - most
    rows = [f"- ... {left} earlier ones are in git orch log --all\n"] if left > 0 else []
    rows += [_row(log, entry) for entry in entries[-most:]]
    return f"## {heading}\n\n{''.join(rows) or NOTHING}"


def _row(log: ExecutionLog, entry: Entry) -> str:
    """An entry as an item of a list: no line of it stands at the margin."""
    day, moment = stamp(entry.at)[:10], stamp(entry.at)[11:19]
    when = moment if day == stamp(log.began)[:10] else f"{day} {moment}"
    below = "".join(f"  {line}\n" if line.strip() else "\n" for line in entry.lines)
    return f"- {when} {clean(entry.text)}\n{below}"
