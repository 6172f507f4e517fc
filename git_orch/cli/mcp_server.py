"""The tools that `git orch mcp` offers: each is a command of git-orch, and gives its answer.

What an agent may do here, a person at the command line may do, but for two things. Nothing is
approved by running it, and no tool grants the network, a setup command or the user's own checkout.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, Field

from git_orch import __version__
from git_orch.cli import own_command, wire
from git_orch.cli.own_command import Ended, Typed

_LONGEST_WAIT = 100.0  # seconds; clients put a call that takes two minutes into the background
_SLICE = 5.0  # seconds between two reports of a wait
_INSTRUCTIONS = """\
git-orch turns a task into a plan, and the plan into commits on a branch of its own: the user's \
checkout is never touched. The way: `plan`, then `approve` without a digest; show the user its \
answer; `approve` with the digest, `exec`, `wait` until its status is not "limit", `land`. Every \
result has `status`, `data`, `diagnostics` and `next`, the commands that lead on. An error has \
`error` and `hint`. Take steps back with `rollback`."""


class Diagnostic(BaseModel):
    """A problem or a remark; `fix` is the command or the change that ends it."""

    level: str
    code: str
    message: str
    fix: str | None


class AnswerData(BaseModel):
    """The answer of a command with --json."""

    schema_: str = Field(alias="schema")
    status: str
    data: Any
    diagnostics: list[Diagnostic]
    next: list[str]


Reply = Annotated[CallToolResult, AnswerData]

Plan = Annotated[str, Field(description="A plan: its ID, the short name of it, or a word of it.")]
Number = Annotated[int | None, Field(ge=1)]


def serve(directory: str) -> None:
    """Serve the repository around a directory until standard input ends."""
    with wire.ended_by_signals():
        make_server(directory).run("stdio")


def make_server(directory: str) -> MCPServer:
    """The server for the repository around a directory."""
    server = MCPServer(
        "git-orch", version=__version__, instructions=_INSTRUCTIONS, log_level="WARNING"
    )
    _add_reading(server, directory)
    _add_planning(server, directory)
    _add_running(server, directory)
    _add_moving(server, directory)
    return server


async def _run(directory: str, typed: Typed) -> CallToolResult:
    return _reply(await own_command.run(directory, typed))


def _reply(ended: Ended, *, fine: Sequence[int] = (0,)) -> CallToolResult:
    content = TextContent(type="text", text=json.dumps(ended.answer, ensure_ascii=False))
    return CallToolResult(
        content=[content],
        structured_content=ended.answer,
        is_error=ended.exit_code not in fine,
    )


def _add_reading(server: MCPServer, directory: str) -> None:
    reads = ToolAnnotations(read_only_hint=True, open_world_hint=False)

    @server.tool(title="Show plans", annotations=reads)
    async def show(
        plan: Annotated[
            str, Field(description="A plan as elsewhere; all open plans if empty.")
        ] = "",
        step: Annotated[Number, Field(description="One step with its commit.")] = None,
    ) -> Reply:
        """Show a plan: its steps with checks, states, commits and cost, and the next command."""
        if not plan:
            return await _run(directory, Typed("status"))
        words = [plan] if step is None else [plan, str(step)]
        return await _run(directory, Typed("show", (), words))

    @server.tool(title="Wait for a run", annotations=reads)
    async def wait(
        plan: Plan,
        context: Context,
        seconds: Annotated[float, Field(ge=0, le=_LONGEST_WAIT)] = _LONGEST_WAIT,
    ) -> Reply:
        """Wait for the end of a plan's run. The status "limit" with the schema "git-orch/error/1"
        says that it still runs: call again. Any other answer has the plan as `show` gives it.
        """
        end = anyio.current_time() + seconds
        while True:
            left = max(0.0, end - anyio.current_time())
            options = ("--timeout", f"{min(_SLICE, left):g}")
            ended = await own_command.run(directory, Typed("wait", options, (plan,)))
            still_runs = ended.answer["status"] == "limit" and ended.error is not None
            if not still_runs or left <= _SLICE:
                return _reply(ended, fine=(0, 4) if still_runs else (0,))
            await context.report_progress(seconds - left, seconds, f"{plan} still runs")


def _add_planning(server: MCPServer, directory: str) -> None:
    adds = ToolAnnotations(read_only_hint=False, destructive_hint=False)

    @server.tool(title="Make a plan", annotations=adds)
    async def plan(
        task: Annotated[str, Field(description="In words: a model makes the steps.")] = "",
        plan_file: Annotated[
            str | dict[str, Any],
            Field(description="A plan file as text, YAML or JSON, or as an object."),
        ] = "",
        template: Annotated[str, Field(description="The name of a template.")] = "",
        variables: Annotated[
            dict[str, str] | None, Field(description="Variables of the template.")
        ] = None,
    ) -> Reply:
        """Make a plan, of exactly one of task, plan_file and template. Nothing runs yet. A plan
        file has a title and steps, each with a title, one of run (a command), files and prompt, and
        checks (commands); `git orch schema` prints all of it.
        """
        options = ["--from=-"] if plan_file else []
        options += [f"--template={template}"] if template else []
        options += [f"--var={name}={value}" for name, value in (variables or {}).items()]
        text = plan_file if isinstance(plan_file, str) else json.dumps(plan_file)
        return await _run(directory, Typed("plan", options, [task] if task else [], text))

    changes = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True)

    @server.tool(title="Approve a plan", annotations=changes)
    async def approve(
        plan: Plan,
        digest: Annotated[
            str, Field(description="The digest of the text that the user has seen.")
        ] = "",
    ) -> Reply:
        """Allow a plan to run on this machine. Without a digest nothing is approved: the answer has
        the text and its digest. Show both to the user, and approve with the digest only when they
        agree. The network, a setup command and the user's own checkout only the user can grant,
        with `git orch approve` in a terminal.
        """
        option = f"--digest={digest}" if digest else "--dry-run"
        return await _run(directory, Typed("approve", (option,), (plan,)))


def _add_running(server: MCPServer, directory: str) -> None:
    changes = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True)

    @server.tool(title="Run a plan", annotations=changes)
    async def exec(  # noqa: A001 - the command's own name
        plan: Plan,
        steps: Annotated[str, Field(description="Run only these steps: 2, or 1,3-5.")] = "",
        jobs: Annotated[int, Field(ge=1, le=63, description="Steps at the same time.")] = 1,
        *,
        keep_going: bool = False,
    ) -> Reply:
        """Run the steps of an approved plan that are not done, in the background: call `wait` next.
        Failed steps run again.
        """
        options = ["--detach", f"--jobs={jobs}"]
        options += [f"--steps={steps}"] if steps else []
        options += ["--keep-going"] if keep_going else []
        return await _run(directory, Typed("exec", options, (plan,)))


def _add_moving(server: MCPServer, directory: str) -> None:
    changes = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=False)

    @server.tool(title="Take back steps", annotations=changes)
    async def rollback(
        plan: Plan,
        to_step: Annotated[
            Number,
            Field(description="Go back to where this step left the branch; null: to the start."),
        ] = None,
        *,
        dry_run: bool = False,
    ) -> Reply:
        """Take steps of a plan back. The command `git orch undo` brings them again."""
        options = [] if to_step is None else [f"--to-step={to_step}"]
        options += ["--dry-run"] if dry_run else []
        return await _run(directory, Typed("rollback", options, (plan,)))

    @server.tool(title="Land a plan", annotations=changes)
    async def land(
        plan: Plan,
        onto: Annotated[
            str,
            Field(description="The branch; by default the one that the plan was made on."),
        ] = "",
        mode: Literal["merge", "rebase", "squash", "ff-only"] | None = None,
        *,
        dry_run: bool = False,
    ) -> Reply:
        """Bring a finished plan to the user's branch, and archive it."""
        options = [f"--onto={onto}"] if onto else []
        options += [] if mode is None else [f"--{mode}"]
        options += ["--dry-run"] if dry_run else []
        return await _run(directory, Typed("land", options, (plan,)))
