"""A scripted server of the Messages API on loopback: what tests and benchmarks put in the place of
a model.

A script is a list of turns. A turn is served to the first request it matches; its faults come
first, one for each HTTP request, and the turn stays until its reply was served. Requests that the
real service would not accept are answered with 400, so a wrong conversation fails a test.
Stand-alone: `python tests/model_server.py --script FILE` prints its URL and serves until its
standard input is closed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self, cast

import pytest

Document = dict[str, Any]  # plain JSON, as it comes and goes
_ids = itertools.count(1)

KEY = "sk-ant-test-0123456789abcdef"

# -- what to say -----------------------------------------------------------------------------------


def text(words: str) -> Document:
    """A text block."""
    return {"type": "text", "text": words}


def thinking(words: str) -> Document:
    """A signed thinking block."""
    return {"type": "thinking", "thinking": words, "signature": f"signature-{next(_ids)}"}


def tool(name: str, **arguments: object) -> Document:
    """A tool_use block with an ID of its own."""
    return {"type": "tool_use", "id": f"toolu_{next(_ids):04}", "name": name, "input": arguments}


@dataclass
class Fault:
    """What goes wrong with one HTTP request.

    `kind`: status, drop, reset (before a response); json, empty, html (a bad 200); cut, cut-reset,
    eof, stall, error, bad-sse (after so many `events` of the stream); hang (no response until the
    server closes).
    """

    kind: str
    status: int = 500
    type: str = "api_error"
    message: str = "something went wrong"
    code: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    events: int = 0


def status(
    number: int, kind: str = "api_error", message: str = "something went wrong", **more: Any
) -> Fault:
    """An error response; `more` are fields of Fault."""
    return Fault("status", status=number, type=kind, message=message, **more)


Reply = Document | Callable[[Document], Document]


@dataclass
class Turn:
    """A reply, the requests it is for, what goes wrong before it, and how often it is served (None:
    for ever).
    """

    reply: Reply
    match: Document = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    repeat: int | None = 1

    def accepts(self, request: Recorded) -> bool:
        """Whether the request has the model, the headers, and the text anywhere that `match` asks
        for.
        """
        if "model" in self.match and request.body.get("model") != self.match["model"]:
            return False
        headers = self.match.get("header", {})
        if any(request.headers.get(name.lower()) != value for name, value in headers.items()):
            return False
        return self.match.get("contains", "") in json.dumps(request.body, ensure_ascii=False)


def message(
    *blocks: Document, stop_reason: str | None = None, model: str | None = None, **more: Any
) -> Document:
    """A whole reply; its stop reason follows from the blocks unless it is given. `more`: usage and
    others.
    """
    uses_tools = any(block["type"] == "tool_use" for block in blocks)
    return {
        "content": list(blocks),
        "stop_reason": stop_reason or ("tool_use" if uses_tools else "end_turn"),
        **({"model": model} if model else {}),
        **more,
    }


def turn(
    *blocks: Document,
    match: Document | None = None,
    faults: list[Fault] | None = None,
    repeat: int | None = 1,
    **more: Any,
) -> Turn:
    """A turn that replies with these blocks; `more` goes to `message`."""
    return Turn(message(*blocks, **more), match or {}, list(faults or []), repeat)


# -- what the real service would say ---------------------------------------------------------------


def objection(body: Document) -> str | None:
    """Why the service would answer 400, None when it would not. Only rules that a conversation of
    ours might break.
    """
    gone = {"temperature", "top_p", "top_k"} & body.keys()
    if gone:
        return f"{min(gone)}: not supported"
    if body.get("tool_choice", {}).get("type") in ("any", "tool"):
        return "tool_choice: forced tool use is not supported"
    conversation = body.get("messages", [])
    if not conversation or conversation[0]["role"] != "user":
        return "messages: the first must be of the user"
    blocks = [block for item in conversation for block in _content(item)] + _content(
        {"content": body.get("system", [])}
    )
    if sum("cache_control" in block for block in [*blocks, *body.get("tools", [])]) > 4:
        return "cache_control: at most 4 blocks"
    bad = next((found for block in blocks if (found := _bad_block(block))), None)
    return (
        bad
        or _pairing(conversation)
        or _open_schema(body.get("output_config", {}).get("format", {}).get("schema"))
    )


def _bad_block(block: Document) -> str | None:
    if block.get("type") == "text" and not block.get("text"):
        return "text: content blocks must be non-empty"
    if block.get("type") == "thinking" and ("cache_control" in block or not block.get("signature")):
        return "thinking: must be sent back unchanged"
    return None


def _content(item: Document) -> list[Document]:
    content = item["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _pairing(conversation: list[Document]) -> str | None:
    asked: list[str] = []
    for item in conversation:
        answered = [
            block["tool_use_id"] for block in _content(item) if block.get("type") == "tool_result"
        ]
        if item["role"] == "user" and answered != asked:
            return f"messages: tool_use ids {asked} must be answered by the next message, found {answered}"
        asked = [block["id"] for block in _content(item) if block.get("type") == "tool_use"]
    return "messages: the conversation ends with an unanswered tool_use" if asked else None


def _open_schema(schema: Any) -> str | None:
    if isinstance(schema, list):
        return next((found for item in schema if (found := _open_schema(item))), None)
    if not isinstance(schema, dict):
        return None
    if schema.get("type") == "object" and (
        schema.get("additionalProperties") is not False
        or set(schema["required"]) != set(schema["properties"])
    ):
        return (
            "output_config.format.schema: objects must be closed and all their properties required"
        )
    unsupported = {
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "pattern",
        "maxItems",
    } & schema.keys()
    if unsupported and "properties" not in schema:
        return f"output_config.format.schema: {min(unsupported)} is not supported"
    return _open_schema(list(schema.values()))


# -- server ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recorded:
    """A request as it arrived; header names are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: Document

    @property
    def messages(self) -> list[Document]:
        """The conversation."""
        return list(self.body["messages"])

    @property
    def system(self) -> str:
        """The system prompt."""
        return "".join(
            block["text"] for block in _content({"content": self.body.get("system", [])})
        )

    def said(self) -> str:
        """All text of the last message, the contents of tool results included."""
        return "\n".join(
            str(block.get("text") or block.get("content") or "")
            for block in _content(self.messages[-1])
        )


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    script: ModelServer


class ModelServer:
    """The server; `requests` holds what arrived, `default` replies when no turn of the script does."""

    def __init__(self, *turns: Turn, default: Callable[[Document], Document] | None = None) -> None:
        self.turns = list(turns)
        self.default = default
        self.count_fault: Fault | None = None  # what goes wrong with each request to count tokens
        self.look_fault: Fault | None = None  # what goes wrong with each look at a model
        self.offers = ["claude-sonnet-5-5"]  # the models of the list
        self.looks: list[str] = []  # the models that somebody has looked at
        self.requests: list[Recorded] = []
        self.arrived = threading.Event()
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._server = _Listener(("127.0.0.1", 0), _Handler)
        self._server.script = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    @property
    def url(self) -> str:
        """What ANTHROPIC_BASE_URL is set to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def script(self, *turns: Turn) -> None:
        """Add turns."""
        self.turns.extend(turns)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def calls(self) -> list[Recorded]:
        """The requests for a reply."""
        return [request for request in self.requests if request.path == "/v1/messages"]

    def answer(self, request: Recorded) -> Document | Fault:
        """What the script says to a request, which is recorded."""
        with self._lock:
            self.requests.append(request)
            found = next((item for item in self.turns if item.accepts(request)), None)
            if found is not None and found.faults:
                return found.faults.pop(0)
            refused = objection(request.body)
            if refused is not None:
                return status(400, "invalid_request_error", refused)
            if found is None and self.default is None:
                return status(
                    400, "invalid_request_error", "the script has no turn for this request"
                )
            if found is not None and found.repeat is not None:
                found.repeat -= 1
                if found.repeat <= 0:
                    self.turns.remove(found)
        reply = self.default if found is None else found.reply
        return reply(request.body) if callable(reply) else dict(reply or {})


def _whole(reply: Document, body: Document) -> Document:
    usage = {
        "input_tokens": 100,
        "output_tokens": 20,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
    }
    return {
        "id": f"msg_{next(_ids):04}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "stop_sequence": None,
        **reply,
        "usage": {**usage, **reply.get("usage", {})},
    }


def events(reply: Document) -> list[tuple[str, Document]]:
    """The events of a stream, as the service sends them."""
    opening = {
        **reply,
        "content": [],
        "stop_reason": None,
        "usage": {**reply["usage"], "output_tokens": 1},
    }
    found: list[tuple[str, Document]] = [("message_start", {"message": opening})]
    for index, block in enumerate(reply["content"]):
        start, deltas = _pieces(block)
        found.append(("content_block_start", {"index": index, "content_block": start}))
        found += [("content_block_delta", {"index": index, "delta": delta}) for delta in deltas]
        found.append(("content_block_stop", {"index": index}))
    ending = {"stop_reason": reply["stop_reason"], "stop_sequence": reply["stop_sequence"]}
    ending |= {"stop_details": reply["stop_details"]} if "stop_details" in reply else {}
    found.append(("message_delta", {"delta": ending, "usage": reply["usage"]}))
    return [*found, ("message_stop", {})]


def _pieces(block: Document) -> tuple[Document, list[Document]]:
    if block["type"] == "text":
        words = block["text"]
        half = len(words) // 2
        parts = [words[:half], words[half:]] if half else [words]
        return {"type": "text", "text": ""}, [
            {"type": "text_delta", "text": part} for part in parts
        ]
    if block["type"] == "tool_use":
        raw = block.get("raw") or json.dumps(block["input"])
        parts = [raw[:7], raw[7:]] if raw[7:] else [raw]
        shown = {name: value for name, value in block.items() if name != "raw"}
        return {**shown, "input": {}}, [
            {"type": "input_json_delta", "partial_json": part} for part in parts
        ]
    if block["type"] == "thinking":
        return {"type": "thinking", "thinking": "", "signature": ""}, [
            {"type": "thinking_delta", "thinking": block["thinking"]},
            {"type": "signature_delta", "signature": block["signature"]},
        ]
    return block, []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one write for a response

    @property
    def script(self) -> ModelServer:
        """The server that knows what to answer."""
        return cast("_Listener", self.server).script

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        name = self.path.partition("?")[0].removeprefix("/v1/models").strip("/")
        self.script.looks.append(name)
        if self.script.look_fault is not None:
            self._fault(self.script.look_fault, {})
            return
        listed = [name] if name else self.script.offers
        models = [{"id": one, "type": "model", "display_name": one.title()} for one in listed]
        ids = {"first_id": listed[:1], "last_id": listed[-1:]}
        self._json(200, models[0] if name else {"data": models, "has_more": False, **ids})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Recorded(self.path.partition("?")[0], headers, body)
        if request.path.endswith("/count_tokens"):
            self.script.requests.append(request)
            if self.script.count_fault is not None:
                self._fault(self.script.count_fault, body)
                return
            self._json(200, {"input_tokens": len(json.dumps(body)) // 4})
            return
        answer = self.script.answer(request)
        self.script.arrived.set()
        if isinstance(answer, Fault):
            self._fault(answer, body)
        elif body.get("stream"):
            self._stream(events(_whole(answer, body)))
        else:
            self._json(200, _whole(answer, body))

    def _json(
        self, code: int, document: Document, headers: Mapping[str, str] | None = None
    ) -> None:
        self._whole_response(code, "application/json", json.dumps(document), headers)

    def _whole_response(
        self, code: int, kind: str, body: str, headers: Mapping[str, str] | None = None
    ) -> None:
        content = body.encode()
        self.send_response(code)
        for name, value in {
            "content-type": kind,
            "request-id": f"req_{next(_ids):04}",
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def _stream(self, items: list[tuple[str, Document]], *, ends: bool = True) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("request-id", f"req_{next(_ids):04}")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for name, data in items:
            self._chunk(f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n")
        if ends:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _chunk(self, words: str) -> None:
        data = words.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _fault(self, fault: Fault, body: Document) -> None:
        if fault.kind == "status":
            details = {"details": {"error_code": fault.code}} if fault.code else {}
            error = {"type": fault.type, "message": fault.message, **details}
            if fault.body is not None:
                self._whole_response(fault.status, "text/html", fault.body, fault.headers)
            else:
                self._json(fault.status, {"type": "error", "error": error}, fault.headers)
        elif fault.kind in ("json", "empty", "html"):
            kind = "text/html" if fault.kind == "html" else "application/json"
            self._whole_response(
                200, kind, {"json": '{"id": ', "empty": "", "html": "<html>hi</html>"}[fault.kind]
            )
        elif fault.kind == "hang":
            self.script.closing.wait()
            self.close_connection = True
        elif fault.kind in ("drop", "reset"):
            self._hang_up(reset=fault.kind == "reset")
        else:
            self._stream_fault(fault, body)

    def _stream_fault(self, fault: Fault, body: Document) -> None:
        whole = _whole(
            message(text("the reply that is never finished"), tool("read_file", path="a", limit=3)),
            body,
        )
        ends = fault.kind in ("eof", "error", "bad-sse")
        items = events(whole)[: fault.events]
        if fault.kind == "error":
            items.append(("error", {"error": {"type": fault.type, "message": fault.message}}))
        self._stream(items, ends=ends and fault.kind != "bad-sse")
        if fault.kind == "bad-sse":
            self._chunk("event: content_block_delta\ndata: {not json\n\n")
            self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()
        if fault.kind == "stall":
            self.script.closing.wait()
        if not ends:
            self._hang_up(reset=fault.kind == "cut-reset")

    def _hang_up(self, *, reset: bool) -> None:
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        else:
            self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:  # the connection was closed on purpose
            self.rfile.close()


@pytest.fixture
def model_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """A server that this process and its children take for the Messages API."""
    with ModelServer() as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        yield server


def read_script(path: Path) -> list[Turn]:
    """The turns of a JSON file: a list of {match, faults, reply, repeat}, only `reply` being
    required.
    """
    return [
        Turn(
            message(*item["reply"].pop("content"), **item["reply"]),
            item.get("match", {}),
            [Fault(**fault) for fault in item.get("faults", [])],
            item.get("repeat", 1),
        )
        for item in json.loads(path.read_text())
    ]


def main() -> None:
    """Serve a script until standard input is closed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--script", type=Path, required=True)
    with ModelServer(*read_script(parser.parse_args().script)) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
