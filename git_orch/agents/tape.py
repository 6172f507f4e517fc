"""The tape of a run: each request to a model and each reply, as JSON lines. From a tape another run
is answered without a model: without a network, without a key, for nothing.

A request is found on a tape by its key, the hash of what it says. What differs from run to run is
left out of it: delimiters, which are random; times and durations, and the IDs of commits, which
have a date; the longest reply, which the money that is left decides.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from git_orch import errors
from git_orch.agents import exchange, spans, telemetry
from git_orch.plans import document
from git_orch.plans.document import BadDocument

if TYPE_CHECKING:
    from git_orch.agents.conversation import Model
    from git_orch.agents.trace import Trace

_DELIMITER = re.compile(r"<(/?)([a-z_-]+) [0-9a-f]{16}>")
_VARYING = re.compile(
    r"\b[0-9]+(?:\.[0-9]+)? ?(?:ns|us|ms|s|secs?|seconds?|min|minutes?)\b"
    r"|\b[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}[0-9:.]*)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?\b"
    r"|\b[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?\b"
    r"|\b(?=[a-f]*[0-9])[0-9a-f]{7,64}\b"
)
# What checks printed, as the prompts quote it.
_PRINTED = re.compile(
    r"(?<=\n)<(?P<name>failing|reason|output|diff) (?P<mark>[0-9a-f]{16})>\n"
    r"(?P<text>.*?)\n</(?P=name) (?P=mark)>",
    re.DOTALL,
)
# The steps that have landed so far: beside others that run at the same time, these are not the same
# in each run.
_DONE = re.compile(
    r"Done so far:\n<done (?P<mark>[0-9a-f]{16})>\n(?P<steps>.*?)\n</done (?P=mark)>\n\n", re.DOTALL
)
_COMMAND = "bash"  # the tool whose results hold what a command printed
_SHOWN = 160  # characters of a line that differs
_FREE: Mapping[str, object] = {"input_tokens": 0, "output_tokens": 0}


class About(NamedTuple):
    """The place of a call: the run, the step (None: none) and the attempt that it is for."""

    run: str
    step: str | None
    attempt: str


# The body of a request as it is sent.
Render = Callable[[exchange.Request], Mapping[str, object]]


class Tape(Protocol):
    """Something between a run and its model."""

    def model(self, inner: Model, about: About) -> Model:
        """The model for one attempt; `inner` is the Messages API."""


class _Ears(NamedTuple):
    """The callbacks of `Model.reply`."""

    on_text: Callable[[str], None] | None = None
    on_lost: Callable[[exchange.Call], None] | None = None
    on_wait: Callable[[float, str], None] | None = None
    stop: threading.Event | None = None


class _Heard:
    """A model that another function answers for."""

    def __init__(self, answer: Callable[[exchange.Request, _Ears], exchange.Reply]) -> None:
        self._answer = answer

    def reply(
        self,
        request: exchange.Request,
        *,
        on_text: Callable[[str], None] | None = None,
        on_lost: Callable[[exchange.Call], None] | None = None,
        on_wait: Callable[[float, str], None] | None = None,
        stop: threading.Event | None = None,
    ) -> exchange.Reply:
        """The reply to a request. Raises what the answering raises."""
        return self._answer(request, _Ears(on_text, on_lost, on_wait, stop))


# -- recording -------------------------------------------------------------------------------------


def _span(run: str, attempt: str, turn: int) -> dict[str, str]:
    """The IDs of a call: those of its span, where one is exported."""
    parts = telemetry.carrier().get("traceparent", "").split("-")
    if len(parts) == 4:
        return {"trace_id": parts[1], "span_id": parts[2]}
    return {"trace_id": spans.trace_id(run), "span_id": spans.span_id(attempt, turn)}


class Recorder:
    """Writes down what goes to a model and comes from it, in the file that `opened` gives for a
    run; `rendered` makes the body of a request.
    """

    def __init__(self, opened: Callable[[str], Trace], rendered: Render) -> None:
        self._opened = opened
        self._rendered = rendered
        self._lock = threading.Lock()
        self._traces: dict[str, Trace] = {}
        self._replies: dict[str, int] = defaultdict(int)  # by attempt: each ends a turn

    def close(self) -> None:
        """Close the files."""
        for trace in self._traces.values():
            trace.close()

    def model(self, inner: Model, about: About) -> Model:
        """The model, with its calls written down."""

        def answer(request: exchange.Request, ears: _Ears) -> exchange.Reply:
            with self._lock:
                if about.run not in self._traces:
                    self._traces[about.run] = self._opened(about.run)
                trace = self._traces[about.run]
                turn = self._replies[about.attempt] + 1
            said = trace.clean(self._rendered(request))
            place = {
                **_span(about.run, about.attempt, turn),
                "attempt": about.attempt,
                **({"step": about.step} if about.step else {}),
                "key": key_of(said),
            }
            trace.add("request", **place, request=said)
            try:
                reply = inner.reply(request, **_noted(ears, trace, place)._asdict())
            except errors.OrchError as failed:
                trace.add("failed", **place, error=failed.cause)
                raise
            with self._lock:
                self._replies[about.attempt] += 1
            trace.add("reply", **place, **_reply_fields(reply, trace))
            return reply

        return _Heard(answer)


def _noted(ears: _Ears, trace: Trace, place: Mapping[str, str]) -> _Ears:
    """The callbacks of a call whose lost tries are written down as well."""

    def on_wait(seconds: float, cause: str) -> None:
        trace.add("retry", **place, seconds=seconds, error=cause)
        if ears.on_wait is not None:
            ears.on_wait(seconds, cause)

    return ears._replace(on_wait=on_wait)


def _reply_fields(reply: exchange.Reply, trace: Trace) -> dict[str, object]:
    """What a line says of a reply; `redacted` is there where a tool call held a secret."""
    fields: dict[str, object] = {"content": list(reply.content), "call": reply.call._asdict()}
    if reply.explanation is not None:
        fields["explanation"] = reply.explanation
    if any(trace.clean(call.input) != call.input for call in reply.tool_calls):
        fields["redacted"] = True
    return fields


def key_of(said: object) -> str:
    """The key of a rendered request: the same for all that say the same, apart from what other steps
    have done so far.
    """
    text = "\n".join(lines_of(said, with_done=False))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def lines_of(said: object, *, with_done: bool = True) -> list[str]:
    """A rendered request as lines that two runs have in common."""
    fields = dict(document.mapping(said, "request")) if isinstance(said, Mapping) else {}
    fields.pop("max_tokens", None)
    if isinstance(fields.get("messages"), list):
        fields["messages"] = _steady(document.sequence(fields, "messages"), with_done=with_done)
    text = json.dumps(fields, ensure_ascii=False, sort_keys=True, indent=1)
    return _DELIMITER.sub(r"<\1\2>", text.replace("\\n", "\n")).split("\n")


def _steady(messages: list[object], *, with_done: bool) -> list[object]:
    """The messages with a sign for each time, duration and ID that a command printed: no two runs
    print the same. What a person or a file says stays as it is.
    """
    commands: set[object] = set()
    steady: list[object] = []
    for message in messages:
        fields = document.mapping(message, "message")
        content = fields.get("content")
        if isinstance(content, list):
            found = [document.mapping(block, "content") for block in content]
            commands |= {block.get("id") for block in found if block.get("name") == _COMMAND}
            kept = [_steady_block(block, commands, with_done=with_done) for block in found]
            fields = {**fields, "content": kept}
        steady.append(fields)
    return steady


def _steady_block(
    block: Mapping[str, object], commands: set[object], *, with_done: bool
) -> Mapping[str, object]:
    text, content = block.get("text"), block.get("content")
    if isinstance(text, str):
        text = text if with_done else _DONE.sub("", text)
        return {**block, "text": _PRINTED.sub(_without_varying, text)}
    if isinstance(content, str) and block.get("tool_use_id") in commands:
        return {**block, "content": _VARYING.sub("~", content)}
    return block


def _without_varying(quoted: re.Match[str]) -> str:
    name, mark, text = quoted["name"], quoted["mark"], _VARYING.sub("~", quoted["text"])
    return f"<{name} {mark}>\n{text}\n</{name} {mark}>"


def _done(said: object) -> dict[str, str]:
    """What a rendered request tells of each step that has landed, by the step's title."""
    fields = document.mapping(said, "request") if isinstance(said, Mapping) else {}
    told: dict[str, str] = {}
    for message in document.sequence(fields, "messages")[:1]:
        for block in document.sequence(document.mapping(message, "message"), "content"):
            text = document.mapping(block, "content").get("text")
            found = _DONE.search(text) if isinstance(text, str) else None
            steps = re.split(r"^- ", found["steps"], flags=re.MULTILINE) if found else []
            for step in steps[1:]:
                title, _, rest = step.partition("\n")
                told[title] = told.get(title, "") + rest.strip()
    return told


# -- playing ---------------------------------------------------------------------------------------


class Differs(errors.Refused):
    """A run asks what is not on the tape that it is played from."""


class _Spoken(NamedTuple):
    """A request on a tape, and its reply."""

    key: str
    step: str | None
    request: object
    reply: exchange.Reply
    is_redacted: bool
    done: Mapping[str, str]

    def fits(self, done: Mapping[str, str]) -> bool:
        """Whether nothing that a request tells of other steps contradicts what this one tells."""
        return all(done[title] == told for title, told in self.done.items() if title in done)


class Named(NamedTuple):
    """What people call a tape, and the command that goes on without it."""

    name: str
    again: str


class Reading(NamedTuple):
    """What makes the body of a request, and what takes secrets out of it as the recorder did."""

    rendered: Render
    clean: Callable[[object], object]


class Player:
    """Answers from a tape; each reply on it once."""

    def __init__(self, spoken: Iterable[_Spoken], named: Named, reading: Reading) -> None:
        self._lock = threading.Lock()
        self._left: dict[str, deque[_Spoken]] = defaultdict(deque)
        for one in spoken:
            self._left[one.key].append(one)
        self._name, self._again = named
        self._rendered, self._clean = reading

    def model(self, inner: Model, about: About) -> Model:  # noqa: ARG002  # no model is asked
        """The tape as a model. A request that is not on it raises Differs."""

        def answer(request: exchange.Request, _ears: _Ears) -> exchange.Reply:
            said = self._clean(self._rendered(request))
            with self._lock:
                found = _taken(self._left[key_of(said)], _done(said))
                left = [one for others in self._left.values() for one in others]
            if found is None:
                raise self._differs(said, about, left)
            if found.is_redacted:
                raise Differs(
                    f"a reply in {self._name} held a secret, which is not in it", self._again
                )
            return found.reply

        return _Heard(answer)

    def _differs(self, said: object, about: About, left: list[_Spoken]) -> Differs:
        now = lines_of(said)
        rest = [one for one in left if one.step == about.step] or left
        cause = f"a request is not in {self._name}"
        if not rest:
            return Differs(f"{cause}, which is at its end", self._again)
        then = min((lines_of(one.request) for one in rest), key=lambda old: _far(old, now))
        return Differs("\n".join([cause, *_first_difference(then, now)]), self._again)


def _taken(replies: deque[_Spoken], done: Mapping[str, str]) -> _Spoken | None:
    """The first one that was told the same of other steps, else the first that fits; it is taken
    out.
    """
    same = [one for one in replies if one.done == done]
    fitting = same or [one for one in replies if one.fits(done)]
    if not fitting:
        return None
    replies.remove(fitting[0])
    return fitting[0]


def _far(old: list[str], new: list[str]) -> int:
    """How many lines of two requests are not the same."""
    return len(set(old) ^ set(new))


def _first_difference(old: list[str], new: list[str]) -> Iterator[str]:
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for kind, begin, end, first, last in matcher.get_opcodes():
        if kind != "equal":
            yield from (f"trace: {line.strip()[:_SHOWN]}" for line in old[begin:end][:3])
            yield from (f"now:   {line.strip()[:_SHOWN]}" for line in new[first:last][:3])
            return


def read(lines: Sequence[bytes]) -> Iterator[_Spoken]:
    """The requests on a tape that have a reply; its last line may be cut off. Raises BadDocument for
    lines of another kind.
    """
    asked: dict[str, Mapping[str, object]] = {}
    for number, line in enumerate(lines, start=1):
        try:
            entry = document.parse(line, f"line {number}")
        except BadDocument:
            if number == len(lines) > 1:  # the run was killed
                return
            raise
        event, span = document.text(entry, "event"), document.text(entry, "span_id")
        if event == "request":
            asked[span] = entry
        elif event == "reply" and span in asked:
            request = asked.pop(span).get("request")
            step, is_redacted = document.optional_text(entry, "step"), entry.get("redacted") is True
            yield _Spoken(
                key_of(request), step, request, _reply(entry), is_redacted, _done(request)
            )


def _reply(entry: Mapping[str, object]) -> exchange.Reply:
    call = document.mapping(entry.get("call"), "call")
    blocks = [document.mapping(block, "content") for block in document.sequence(entry, "content")]
    return exchange.Reply(
        tuple(blocks),
        exchange.Call(
            document.text(call, "model"),
            _FREE,
            None,
            0.0,
            document.optional_text(call, "stop_reason"),
        ),
        document.optional_text(entry, "explanation"),
    )
