"""One of several processes that append to logs at once: `appending.py REPOSITORY BACKEND COUNT
PLAN...`.

Waits for a byte on standard input, so that all of them begin together; prints the ID of every event
it has stored.
"""

from __future__ import annotations

import sys
from pathlib import Path

from git_orch.repo import identity
from git_orch.repo.log import log
from git_orch.repo.objects import objects
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import discover


def main() -> None:
    """Append COUNT events to each PLAN."""
    path, count, *plans = sys.argv[1:]
    repository = discover(Path(path))
    database = objects.opened(repository)
    person = identity.of_user(repository)
    writers = [log.LogWriter(PlanPlace(repository, plan), database, person) for plan in plans]
    sys.stdin.read(1)
    for _ in range(int(count)):
        for writer in writers:
            event = writer.event("attempt.started", step="s1", attempt="a")
            writer.append([(None, event)])
            sys.stdout.write(f"{event.id}\n")
    database.close()


if __name__ == "__main__":
    main()
