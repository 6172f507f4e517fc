"""Real agent programs, from npm, against one scripted provider on the loopback: they do the same plan
with the same trees, a command that the policy denies is denied in each, the budget ends each, and
nothing of a killed run lives on.

`python tests/support/real_agents.py DIRECTORY`, see `make test-agents`; DIRECTORY has the programs.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from model_server import KEY, ModelServer, message, text, tool

AGENTS = ("opencode", "claude-code")
# With the words that opencode has for it; the price table of each program knows it.
MODEL = "anthropic/claude-sonnet-4-5"
PLAN = {
    "title": "Hello",
    "objective": "People are greeted.",
    "steps": [
        {
            "title": f"Write {name}",
            "prompt": f"Write {name}.py, which prints {name}.",
            "network": True,
            "checks": [{"command": f"python3 {name}.py"}],
        }
        for name in ("hello", "bye")
    ],
}
# USD: enough for one step of each, and not for both. They report the cost of a turn at its end.
BUDGET = 0.0035
DENIED = "git push origin main; touch pushed"


def follow_script(body: dict[str, Any]) -> dict[str, Any]:
    """The next act of the model: a denied command, then the one that does the step, then words."""
    names = [one["name"] for one in body.get("tools", [])]
    bash = next((name for name in names if name.lower() == "bash"), None)
    if bash is None:  # a request beside the step's own, as for a title
        return message(text("Hello"))
    conversation = json.dumps(body["messages"])
    name = "bye" if "Your step is number 2" in conversation else "hello"
    commands = [DENIED, f"echo 'print(1)' > {name}.py"]
    done = conversation.count('"tool_result"')
    if done < len(commands):
        return message(tool(bash, command=commands[done], description="work"))
    return message(text(f"Wrote {name}.py."))


class Scratch:
    """A repository and a home directory of its own, with a plan that may use the network."""

    def __init__(self, agent: str, where: Path, programs: Path, server: ModelServer) -> None:
        self.path, home = where / "repo", where / "home"
        for directory in (self.path, home):
            directory.mkdir(parents=True)
        settings = home / "opencode.json"
        provider = {"anthropic": {"options": {"baseURL": f"{server.url}/v1"}}}
        settings.write_text(json.dumps({"provider": provider, "model": MODEL}), encoding="utf-8")
        path = os.pathsep.join([str(programs / "node_modules/.bin"), os.environ["PATH"]])
        self.env = {
            "PATH": path, "HOME": str(home), "ANTHROPIC_API_KEY": KEY, "LANG": "C.UTF-8",
            "ANTHROPIC_BASE_URL": server.url, "OPENCODE_CONFIG": str(settings),
        }  # fmt: skip
        for name, value in (
            ("user.name", "Ada"),
            ("user.email", "ada@example.com"),
            ("init.defaultBranch", "main"),
            ("orch.agentKey", "ANTHROPIC_API_KEY ANTHROPIC_BASE_URL"),
            ("orch.environment", "OPENCODE_CONFIG"),
            ("orch.readable", str(settings)),
        ):
            self.run("git", "config", "--global", name, value)
        self.run("git", "init", "--quiet")
        self.run("git", "commit", "--quiet", "--allow-empty", "-m", "first")
        made = self.run("git-orch", "plan", "--from", "-", "--json", given=json.dumps(PLAN))
        self.plan: str = json.loads(made)["data"]["id"]
        self.agent = agent
        self.run("git-orch", "approve", self.plan, "--network", "1-2", "--agent", agent)

    def run(self, *argv: str, given: str = "", expect: int = 0) -> str:
        """The output of a program that ends as expected."""
        done = subprocess.run(argv, cwd=self.path, env=self.env, input=given, text=True,
                              capture_output=True, check=False)  # fmt: skip
        if done.returncode != expect:
            sys.exit(f"{argv}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def exec(self, *options: str, expect: int = 0) -> str:
        """Run the plan."""
        argv = ("git-orch", "exec", self.plan, "--agent", self.agent, *options)
        return self.run(*argv, expect=expect)

    def steps(self) -> list[dict[str, Any]]:
        """The steps of the plan."""
        steps: list[dict[str, Any]] = json.loads(self.run("git-orch", "show", "--json", self.plan))[
            "data"
        ]["steps"]
        return steps


def require(fact: object, what: str) -> None:
    """End with an error where something is not so."""
    if not fact:
        sys.exit(f"real_agents: {what}")


def tree_of(agent: str, where: Path, programs: Path) -> str:
    """The tree of the whole plan; in each step the denied command was denied, and the key is
    nowhere.
    """
    with ModelServer(default=follow_script) as server:
        scratch = Scratch(agent, where, programs, server)
        scratch.exec()
        asked = json.loads(scratch.run("git-orch", "audit", "--json", scratch.plan))["data"]
        verdicts = [(call["step"], call["verdict"]) for call in asked]
        wanted = [(step, verdict) for step in ("s1", "s2") for verdict in ("refused", "done")]
        require(verdicts == wanted, f"{agent}: {verdicts}")
        require(all(step["usd"] > 0 for step in scratch.steps()), f"{agent}: it reports no cost")
        branch = f"orch/{scratch.plan}"
        messages = scratch.run("git", "log", "-2", "--format=%B", branch)
        require(messages.count("Orch-Agent: ") == 2, messages)
        return scratch.run("git", "rev-parse", f"{branch}^{{tree}}").strip()


def require_budget(agent: str, where: Path, programs: Path) -> None:
    """A budget that may be too little for the next step ends the run before it."""
    with ModelServer(default=follow_script) as server:
        scratch = Scratch(agent, where, programs, server)
        scratch.exec("--max-usd", str(BUDGET), "--retries", "0", expect=4)
        spent = sum(step["usd"] for step in scratch.steps())
        require(0 < spent <= BUDGET, f"{agent}: {spent} USD of {BUDGET}")
        scratch.exec("--retries", "0", expect=4)
        again = sum(step["usd"] for step in scratch.steps())
        require(again == spent, f"{agent}: {again} USD, and {spent} before")


def require_end(agent: str, where: Path, programs: Path) -> None:
    """git-orch is killed while the agent waits for a reply: every process of it ends."""
    asked = threading.Event()

    def hold(_body: dict[str, Any]) -> dict[str, Any]:
        asked.set()
        server.closing.wait()
        return message(text("too late"))

    with ModelServer(default=hold) as server:
        scratch = Scratch(agent, where, programs, server)
        run = subprocess.Popen(
            ["git-orch", "exec", scratch.plan, "--agent", agent],
            cwd=scratch.path, env=scratch.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        require(asked.wait(120), f"{agent}: no request")
        run.send_signal(signal.SIGKILL)
        run.wait()
        until = time.monotonic() + 20
        while left := processes_in(where):
            require(time.monotonic() < until, f"{agent}: {left} live on")
            time.sleep(0.05)


def processes_in(where: Path) -> list[str]:
    """The command lines of the processes that have a file of this directory in them."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if os.fsencode(where) in entry.read_bytes() and entry.parent.name != str(os.getpid()):
                found.append((entry.parent / "cmdline").read_text().replace("\0", " ")[:200])
        except OSError:
            continue
    return found


def main(programs: Path) -> None:
    """Run all of it."""
    with tempfile.TemporaryDirectory(prefix="git-orch-agents.") as directory:
        where = Path(directory)
        trees = {agent: tree_of(agent, where / agent, programs) for agent in AGENTS}
        require(len(set(trees.values())) == 1, f"the trees differ: {trees}")
        sys.stdout.write(f"the same trees, and each denied command denied: {trees}\n")
        for agent in AGENTS:
            require_budget(agent, where / f"{agent}-budget", programs)
            sys.stdout.write(f"{agent} ended within its budget\n")
            require_end(agent, where / f"{agent}-end", programs)
            sys.stdout.write(f"{agent} ended with git-orch\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
