"""An agent program that speaks the Agent Client Protocol and follows a script: what tests put in the
place of a real one.

`write` makes the program, a file of its own with this code and its script in it: in the sandbox
nothing else of the tests is there. A script is a list of acts; after `again` come those of the next turn.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SCRIPT: list[dict[str, Any]] = []  # `write` puts the script here
_OPTIONS: Any = (("always", "allow_always"), ("once", "allow_once"), ("no", "reject_once"))


def write(directory: Path, name: str, *acts: dict[str, Any]) -> Path:
    """Make a program of that name in a directory."""
    directory.mkdir(exist_ok=True, parents=True)
    program = directory / name
    source = Path(__file__).read_text(encoding="utf-8")
    filled = source.replace("SCRIPT: list[dict[str, Any]] = []", f"SCRIPT = {list(acts)!r}", 1)
    program.write_text(f"#!{sys.executable}\n{filled}", encoding="utf-8")
    program.chmod(0o755)
    return program


class Agent:
    """Does the acts of the script, one after the other, in the turn that the client asks for."""

    def __init__(self, acts: list[dict[str, Any]]) -> None:
        self._acts = list(enumerate(acts, start=1))

    def on_connect(self, connection: Any) -> None:
        """Take the way to the client."""
        self.client = connection

    async def initialize(self, **_given: Any) -> Any:
        """Say who this is."""
        from acp.schema import Implementation, InitializeResponse

        me = Implementation(name="scripted", version="1")
        return InitializeResponse(protocol_version=1, agent_info=me)

    async def new_session(self, cwd: str, **given: Any) -> Any:
        """Remember where to work."""
        from acp.schema import NewSessionResponse

        self.cwd, self.given = cwd, given
        return NewSessionResponse(session_id="s1")

    async def cancel(self, **_given: Any) -> None:
        """Nothing is left to cancel."""

    async def prompt(self, prompt: list[Any], **_given: Any) -> Any:
        """Do the whole script."""
        from acp.schema import PromptResponse, Usage

        self.told = "".join(block.text for block in prompt)
        stop: Any = "end_turn"
        usage = None
        while self._acts:
            number, act = self._acts.pop(0)
            if "again" in act:  # what follows is for another prompt
                break
            if "stop" in act:
                stop = act["stop"]
            elif "tokens" in act:
                inward, outward = act["tokens"]
                usage = Usage(
                    input_tokens=inward, output_tokens=outward, total_tokens=inward + outward
                )
            else:
                await self._do(f"call-{number}", act)
        return PromptResponse(stop_reason=stop, usage=usage)

    async def _do(  # noqa: C901 - one case for each act
        self, call: str, act: dict[str, Any]
    ) -> None:
        import acp

        match act:
            case {"say": words}:
                await self._tell(acp.update_agent_message_text(words))
            case {"pay": usd, **more}:
                await self._pay(usd, more.get("currency", "USD"))
            case {"run": line, **more}:
                if await self._asked(call, "execute", {"command": line}, more):
                    done = subprocess.run(["sh", "-c", line], cwd=self.cwd, check=False)
                    await self._ended(call, failed=done.returncode != 0)
            case {"write": path, "text": text, **more}:
                place = os.path.join(self.cwd, path)
                if await self._asked(call, "edit", {"path": place}, more, place):
                    Path(place).write_text(text, encoding="utf-8")
                    await self._ended(call, failed=False)
            case {"tell": path}:
                told = {"prompt": self.told, "session": self.given}
                Path(self.cwd, path).write_text(json.dumps(told, default=str), encoding="utf-8")
            case {"print": words}:
                print(words, flush=True)  # noqa: T201 - between the messages of the protocol
            case {"complain": words}:
                print(words, file=sys.stderr, flush=True)  # noqa: T201
            case {"hang": seconds}:
                subprocess.Popen(["sleep", seconds], start_new_session=True)
                await asyncio.Event().wait()
            case {"forever": _}:
                await asyncio.Event().wait()
            case {"exit": status}:
                os._exit(status)

    async def _tell(self, update: Any) -> None:
        await self.client.session_update(session_id="s1", update=update)

    async def _pay(self, usd: float, currency: str) -> None:
        from acp.schema import Cost, UsageUpdate

        cost = Cost(amount=usd, currency=currency)
        update = UsageUpdate(session_update="usage_update", used=1, size=2, cost=cost)
        await self._tell(update)

    async def _asked(
        self, call: str, kind: str, given: dict[str, Any], act: dict[str, Any], place: str = ""
    ) -> bool:
        """Begin a tool call; ask for it, unless the script says that the agent does not ask."""
        import acp
        from acp.schema import PermissionOption, ToolCallLocation, ToolCallUpdate

        places = [ToolCallLocation(path=place)] if place else None
        title = act.get("title", call)
        await self._tell(
            acp.start_tool_call(call, title, kind=act.get("kind", kind), raw_input=given,
                                locations=places)
        )  # fmt: skip
        if act.get("asks", True) is False:
            return True
        answer = await self.client.request_permission(
            session_id="s1",
            tool_call=ToolCallUpdate(tool_call_id=call),
            options=[
                PermissionOption(option_id=name, name=name, kind=kind) for name, kind in _OPTIONS
            ],
        )
        chosen = getattr(answer.outcome, "option_id", None)
        if chosen != "once":
            await self._tell(acp.update_tool_call(call, status="failed"))
        return chosen == "once"

    async def _ended(self, call: str, *, failed: bool) -> None:
        import acp

        await self._tell(acp.update_tool_call(call, status="failed" if failed else "completed"))


if __name__ == "__main__":
    from acp import run_agent

    agent: Any = Agent(SCRIPT)
    asyncio.run(run_agent(agent))
