"""Records the trace that `make demo` replays, with scripted replies: no model wrote them.

`python tests/support/demo_trace.py` writes it again, which a change of the prompts makes necessary.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import places
from model_server import ModelServer, tool, turn

PLAN = places.TOP / "tests/data/demo_agent.yaml"
TRACE = places.TOP / "tests/data/scripted.trace.jsonl"
HELLO = "echo 'Hello, world.'\n"
_NEW = 'echo "Hello, ${1:-world}."\n'
_LABEL = {"event": "label", "span_id": "", "text": "scripted: no model wrote these replies"}


def record(path: Path) -> None:
    """Write the trace to a file."""
    with ModelServer() as server, tempfile.TemporaryDirectory() as directory:
        server.script(
            turn(tool("read_file", path="hello.sh")),
            turn(tool("write_file", path="hello.sh", content=_NEW)),
            turn(tool("step_done", summary="hello.sh greets its first argument.")),
        )
        home = Path(directory)
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": directory,
            "ANTHROPIC_API_KEY": "scripted",
            "ANTHROPIC_BASE_URL": server.url,
        }

        def run(*command: str) -> str:
            return subprocess.run(
                command,
                cwd=home / "r",
                env=environment,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            ).stdout

        (home / "r").mkdir()
        run("git", "init", "-q", "-b", "main")
        for name in ("name", "email"):
            run("git", "config", f"user.{name}", "demo")
        (home / "r/hello.sh").write_text(HELLO)
        run("git", "add", ".")
        run("git", "commit", "-qm", "hello")
        run("git", "orch", "plan", "--from", os.fspath(PLAN))
        run("git", "orch", "exec", "--record")
        path.write_text(json.dumps(_LABEL) + "\n" + run("git", "orch", "trace", "--raw"))


if __name__ == "__main__":
    record(TRACE)
