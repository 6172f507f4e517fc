"""The hosts that commands of a step asked for: written down for `git orch audit`, and told where a step
fails for want of one.
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Iterable

from git_orch import checkpoints
from git_orch.flow.attempt.job import Job
from git_orch.flow.attempt.site import Site
from git_orch.plans import hosts, ids, redact
from git_orch.plans.hosts import Visit
from git_orch.plans.missing import Missing
from git_orch.sandbox import keeping

TOOL = "network"  # in `git orch audit`
_VERDICTS = {"allowed": "done", "denied": "refused", "failed": "failed"}  # the words of an audit
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


def write_down(job: Job, site: Site, visits: Iterable[Visit]) -> None:
    """Add the visits to a local file beside the traces, which only its owner reads."""
    about = {"plan": job.plan_id, "run": job.run, "step": job.step_id, "attempt": job.attempt}
    now = datetime.datetime.now(datetime.UTC).isoformat()
    entries = [
        {
            "time": now,
            **about,
            "event": "used",
            "turn": 0,
            "tool": TOOL,
            "input": {
                "host": redact.redacted(visit.target, site.secrets),
                "times": visit.times,
                "why": visit.why,
            },
            "verdict": _VERDICTS[visit.verdict],
        }
        for visit in visits
    ]
    trace = site.trace_path(job.plan_id, job.attempt)
    if not entries or trace is None:
        return
    data = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries).encode()
    path = trace.with_name(f"{job.attempt}-{TOOL}.jsonl")
    with keeping.unnecessary(keeping.VISITS), checkpoints.around("write trace", path):
        file = os.open(path, _FLAGS, 0o600)
        try:
            while data:
                data = data[os.write(file, data) :]
        finally:
            os.close(file)


def hint(job: Job, visits: Iterable[Visit], lacked: Missing | None = None) -> str | None:
    """The command that gives a step what it lacked: a host, or what its output speaks of."""
    lacking: dict[str, list[str]] = {"network": [], "private": []}
    visits = tuple(visits)
    for visit in visits:
        if visit.lacks:
            lacking[visit.lacks].append(hosts.one_spelling(visit.target))
    edit = f"git orch edit {ids.short(job.plan_id)}  # step {job.number}"
    if lacking["network"]:
        asked = () if isinstance(job.network, bool) else job.network
        listed = ", ".join(dict.fromkeys([*asked, *lacking["network"]]))
        return f"{edit}: network: [{listed}]"
    if lacking["private"]:
        host = hosts.parse(lacking["private"][0])
        return f"git config --global --add orch.privateHosts {host.name}:{host.port}"
    if lacked is Missing.NETWORK and job.step.network and not job.network:
        return f"git orch approve {ids.short(job.plan_id)} --network {job.number}"
    if lacked is Missing.NETWORK and job.network:
        ignored = not visits and job.network is not True
        why = "a program that does not use HTTPS_PROXY reaches none of its hosts"
        return f"{edit}: {why}" if ignored else None
    return lacked.hint if lacked is not None else None
