"""The one door to the Messages API: the one module that imports anthropic, and its transport
httpx2.

Importing them takes more than a second: only inside functions, and in a thread (`start_import`) as
soon as a command is known to need them. The SDK neither retries nor wraps what happens
after the response's headers, and takes a stream that ends early for a whole one; so its own retries
are off and one layer here covers a try from request to last event.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import email.utils
import functools
import gc
import importlib
import itertools
import math
import queue
import random
import threading
import time
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Self, cast

from git_orch.agents import exchange, limits, retry
from git_orch.plans import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import TracebackType

    import anthropic
    from anthropic.lib.streaming import MessageStream

    from git_orch.agents import prices

_CONNECT = 5.0  # seconds, the SDK's own default
_LOOK = 5.0  # seconds for a look whether there is such a model
_MOST_OFFERS = 10_000  # models of a list
_POLL = 0.1  # seconds until a set stop event is noticed; nothing else waits for it


class Offer(NamedTuple):
    """A model that the service offers, and its name for people."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Patience:
    """The patience with a provider: `timeout` is seconds without a byte (the SDK's own default).

    `wait` takes seconds and says whether to stop; without it a wait lasts until the stop event of
    the call. `jitter` gives numbers from 0 to 1.
    """

    timeout: float = 600.0
    wait: Callable[[float], bool] | None = None
    jitter: Callable[[], float] = random.random
    clock: Callable[[], float] = time.monotonic


@functools.cache  # once in a process
def start_import() -> None:
    """Begin to import the SDK in the background; the first request waits for the rest of it."""
    threading.Thread(target=_import_early, name="import anthropic", daemon=True).start()


def _import_early() -> None:
    """Import the SDK without a look for garbage meanwhile, which takes a seventh of the time: what
    is imported stays, and no later look is at it.
    """
    gc.disable()
    try:
        _sdk()
    finally:
        gc.freeze()
        gc.enable()


def _sdk() -> None:
    importlib.import_module("anthropic.resources.messages")


class MessagesModel:
    """A model behind the Messages API; one for all threads of a run. Close it, or use it in a with
    statement.

    `keys` are ANTHROPIC_API_KEY and ANTHROPIC_AUTH_TOKEN where they are not in the environment any
    more. `secrets` never appear in an error message. With a `breaker` a limit that resets ends the
    request instead of being retried after a pause, and holds back all others.
    """

    def __init__(
        self,
        table: prices.Prices,
        *,
        keys: Mapping[str, str] = MappingProxyType({}),
        secrets: Iterable[str] = (),
        patience: Patience = Patience(),
        breaker: limits.Breaker | None = None,
    ) -> None:
        self._prices = table
        self._keys = keys
        self._secrets = tuple(secrets)
        self._patience = patience
        self._breaker = breaker
        self._lock = threading.Lock()
        self._client: anthropic.Anthropic | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def reply(
        self,
        request: exchange.Request,
        *,
        on_text: Callable[[str], None] | None = None,
        on_lost: Callable[[exchange.Call], None] | None = None,
        on_wait: Callable[[float, str], None] | None = None,
        stop: threading.Event | None = None,
    ) -> exchange.Reply:
        """The reply to a request, with up to six retries.

        `on_text` gets text as it arrives (again from the start after a retry), `on_lost` every
        failed try that the provider billed, `on_wait` the seconds and the cause of a wait. Raises
        UsageError for a model without a price, ProviderFailed, ProviderLimit, exchange.Stopped, and
        limits.Held where there is a breaker.
        """
        stop = stop or threading.Event()
        wait = self._patience.wait or stop.wait
        clock = self._patience.clock
        parameters = exchange.parameters(
            request, adaptive=self._prices.facts(request.model).adaptive_thinking
        )
        started = clock()
        tries = 0
        while True:
            tries += 1
            attempt = _Try(self._connect(request.model), parameters, clock)
            result = self._result(attempt, request.model, on_text, stop)
            if isinstance(result, exchange.Reply):
                return result
            if attempt.lost is not None and on_lost is not None:
                on_lost(attempt.lost)
            if result is None:
                raise exchange.Stopped
            fault = self._redact(result)
            pause = retry.pause(fault, tries, clock() - started, self._patience.jitter())
            if pause is None:
                raise retry.failure(fault, request.model, tries)
            if on_wait is not None:
                on_wait(pause, retry.failure(fault, request.model, 1).cause)
            if wait(pause):
                raise exchange.Stopped

    def _result(
        self,
        attempt: _Try,
        model: str,
        on_text: Callable[[str], None] | None,
        stop: threading.Event,
    ) -> exchange.Reply | retry.Fault | None:
        """The result of one try, see _Try.follow. Raises limits.Held where a limit that resets
        ended it, or keeps it from beginning.
        """
        if self._breaker is None:
            return attempt.follow(on_text, stop)
        with self._breaker.request() as course:
            result = attempt.follow(on_text, stop)
            course.succeeded = isinstance(result, exchange.Reply)
            if isinstance(result, retry.Fault) and retry.resets(result):
                cause = retry.failure(self._redact(result), model, 1).cause
                raise limits.Held(self._breaker.open(result.resets_in or 0.0, cause))
        return result

    def count(self, request: exchange.Request) -> int:
        """The tokens of a request's prompt, as the provider counts them, for free and in one try.

        Raises ProviderFailed, and UsageError for a model without a price.
        """
        adaptive = self._prices.facts(request.model).adaptive_thinking
        parameters = exchange.parameters(request, adaptive=adaptive)
        for name in parameters.keys() - {"model", "system", "messages", "tools"}:
            del parameters[name]
        result = _count_tokens(self._connect(request.model), parameters)
        if isinstance(result, int):
            return result
        raise retry.failure(self._redact(result), request.model, 1)

    def require_key(self, model: str) -> None:
        """Raises KeyRefused where there is no key for a request, neither in a variable nor where
        the SDK looks: its import is waited for in the second case alone. Asks nobody.
        """
        if any(self._keys.values()):
            return
        client = self._connect(model)
        sent = {"authorization", "x-api-key"} & {name.lower() for name in client.default_headers}
        keys = (client.api_key, client.auth_token, getattr(client, "credentials", None))
        if not sent and all(key is None for key in keys):
            raise retry.failure(retry.Fault("credentials", ""), model, 1)

    def require_model(self, model: str) -> None:
        """Ask the service whether it has a model, for free, in one try of a few seconds. Raises
        UnknownModel and KeyRefused.

        Only an answer that can mean nothing else counts: a gateway may lack this part of the API,
        and the first request tells all else, with its retries.
        """
        import anthropic
        import httpx2

        client = self._connect(model)
        try:
            client.models.retrieve(model, timeout=anthropic.Timeout(_LOOK, connect=_CONNECT))
        except anthropic.APIStatusError as error:
            fault = self._redact(_status_fault(error))
            unknown = fault.type == "not_found_error" and model in fault.detail
            refused = fault.type == "authentication_error"
            if (fault.status == 404 and unknown) or (fault.status == 401 and refused):
                raise retry.failure(fault, model, 1) from error
        except (
            anthropic.AnthropicError,
            httpx2.HTTPError,
            httpx2.InvalidURL,
            ValueError,
            TypeError,
        ):
            return

    def offered(self, model: str) -> tuple[Offer, ...]:
        """The models that the service offers, at most _MOST_OFFERS, for free and in one try. Raises
        KeyRefused, which without a key names what `model` needs, and ProviderFailed.
        """
        self.require_key(model)
        import anthropic
        import httpx2

        client = self._connect(model)
        timeout = anthropic.Timeout(_LOOK, connect=_CONNECT)
        try:
            listed = client.models.list(limit=1000, timeout=timeout)
            return tuple(_offers(itertools.islice(listed, _MOST_OFFERS)))
        except (anthropic.AnthropicError, httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise retry.failure(self._redact(_fault(error)), model, 1) from error
        except (ValueError, TypeError, AttributeError) as error:
            fault = retry.Fault("malformed", "there is no list of models in it")
            raise retry.failure(fault, model, 1) from error

    def _connect(self, model: str) -> anthropic.Anthropic:
        _sdk()
        import anthropic

        timeout = anthropic.Timeout(self._patience.timeout, connect=_CONNECT)
        with self._lock:
            if self._client is None:
                try:
                    self._client = anthropic.Anthropic(
                        api_key=self._keys.get("ANTHROPIC_API_KEY"),
                        auth_token=self._keys.get("ANTHROPIC_AUTH_TOKEN"),
                        max_retries=0,
                        open_telemetry=False,
                        timeout=timeout,
                    )
                except anthropic.CredentialsError as error:
                    raise retry.failure(self._redact(_fault(error)), model, 1) from error
            return self._client

    def _redact(self, fault: retry.Fault) -> retry.Fault:
        client = self._client
        tokens = () if client is None else (client.api_key, client.auth_token)
        keys = tuple(token for token in tokens if token)
        return dataclasses.replace(
            fault, detail=redact.redacted(fault.detail, (*self._secrets, *keys))
        )


def _offers(listed: Iterable[object]) -> Iterator[Offer]:
    for model in listed:
        name = getattr(model, "id", None)
        title = getattr(model, "display_name", None)
        if isinstance(name, str) and name:
            yield Offer(name, title if isinstance(title, str) else "")


def _count_tokens(client: anthropic.Anthropic, parameters: dict[str, object]) -> int | retry.Fault:
    import anthropic
    import httpx2

    try:
        # The parameters are plain documents.
        reply: object = client.messages.count_tokens(**parameters)  # type: ignore[arg-type]
    except (anthropic.AnthropicError, httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        return _fault(error)
    except TypeError as error:
        return _without_credentials(error)
    tokens = getattr(reply, "input_tokens", None)  # the SDK takes any text or document for a reply
    if isinstance(tokens, int):
        return tokens
    return retry.Fault("malformed", "there is no count of tokens in it")


def _without_credentials(error: TypeError) -> retry.Fault:
    """The fault for the SDK's "Could not resolve authentication method". Raises any other error
    again.
    """
    if "authentication" not in str(error):
        raise error
    return retry.Fault("credentials", "")


# -- one try ---------------------------------------------------------------------------------------


class _Try:
    """One request. A thread of its own reads its stream, so that a stop need not wait for the
    server.
    """

    def __init__(
        self, client: anthropic.Anthropic, parameters: dict[str, object], clock: Callable[[], float]
    ) -> None:
        self._client = client
        self._parameters = parameters
        self._clock = clock
        self._begun = clock()
        self._news: queue.SimpleQueue[str | exchange.Reply | retry.Fault | BaseException] = (
            queue.SimpleQueue()
        )
        self._abandoned = threading.Event()
        self.lost: exchange.Call | None = None  # the usage of a failed try

    def follow(
        self, on_text: Callable[[str], None] | None, stop: threading.Event
    ) -> exchange.Reply | retry.Fault | None:
        """Read the stream to its end; returns the reply or the fault, None when `stop` was set."""
        threading.Thread(target=self._run, name="model reply", daemon=True).start()
        try:
            while not stop.is_set():
                try:
                    news = self._news.get(timeout=_POLL)
                except queue.Empty:
                    continue
                if isinstance(news, BaseException):
                    raise news
                if not isinstance(news, str):
                    return news
                if on_text is not None:
                    on_text(news)
            return None
        finally:
            self._abandoned.set()

    def _run(self) -> None:
        with _ErrorCarrier(self._news):
            self._news.put(self._result())

    def _result(self) -> exchange.Reply | retry.Fault:
        import anthropic
        import httpx2

        # JSONDecodeError is a ValueError, and so is the SDK's error for unreadable tool input. For
        # an empty stream and for missing fields the SDK raises AssertionError and AttributeError.
        malformed = (ValueError, AssertionError, AttributeError, IndexError)
        try:
            # The parameters are plain documents.
            with self._client.messages.stream(**self._parameters) as stream:  # type: ignore[arg-type]
                return self._read(stream)
        except (anthropic.AnthropicError, httpx2.HTTPError, httpx2.InvalidURL, *malformed) as error:
            return _fault(error)
        except TypeError as error:
            return _without_credentials(error)

    def _read(self, stream: MessageStream[None]) -> exchange.Reply | retry.Fault:
        try:
            for event in stream:
                if event.type == "message_start":
                    self._remember(stream)
                elif event.type == "text":
                    self._news.put(event.text)
                if self._abandoned.is_set():
                    return retry.Fault("cut", "")  # nobody reads it
            reply = _reply(stream, self._clock() - self._begun)
        finally:
            if self.lost is not None:  # the counts have grown since the message began
                self._remember(stream)
        if reply.call.stop_reason is None:
            return retry.Fault("cut", "the stream ended early", request_id=reply.call.request_id)
        return reply

    def _remember(self, stream: MessageStream[None]) -> None:
        self.lost = _call(stream, self._clock() - self._begun)


class _ErrorCarrier(contextlib.AbstractContextManager[None]):
    """Carries an error from inside to the thread that reads the queue, which raises it there."""

    def __init__(
        self, news: queue.SimpleQueue[str | exchange.Reply | retry.Fault | BaseException]
    ) -> None:
        self._news = news

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if error is not None:
            self._news.put(error)
        return True


def _call(stream: MessageStream[None], seconds: float) -> exchange.Call:
    message = stream.current_message_snapshot
    return exchange.Call(
        message.model,
        message.usage.to_dict(mode="json", warnings=False),
        stream.request_id,
        seconds,
        message.stop_reason,
        message.id,
    )


def _reply(stream: MessageStream[None], seconds: float) -> exchange.Reply:
    document = stream.get_final_message().to_dict(mode="json", warnings=False)
    details = document.get("stop_details")
    return exchange.Reply(
        content=tuple(cast("list[exchange.Block]", document["content"])),
        call=_call(stream, seconds),
        explanation=str(details.get("explanation") or details.get("category"))
        if isinstance(details, dict)
        else None,
    )


# -- faults ----------------------------------------------------------------------------------------


def _fault(error: Exception) -> retry.Fault:
    import anthropic
    import httpx2

    if isinstance(error, anthropic.APIStatusError):
        return _status_fault(error)
    # The wrapped error says more than the SDK's own.
    cause = error.__cause__ if isinstance(error, anthropic.APIConnectionError) else None
    kinds: tuple[tuple[retry.Kind, tuple[type[Exception], ...]], ...] = (
        ("credentials", (anthropic.CredentialsError,)),
        ("address", (httpx2.InvalidURL, httpx2.UnsupportedProtocol)),
        ("timeout", (anthropic.APITimeoutError, httpx2.TimeoutException)),
        ("connection", (anthropic.APIConnectionError,)),
        ("cut", (httpx2.HTTPError,)),
    )
    for kind, types in kinds:
        if isinstance(error, types) or (kind == "address" and isinstance(cause, types)):
            return retry.Fault(kind, str(cause or error))
    return retry.Fault("malformed", str(error) or "there is no event of the Messages API in it")


def _status_fault(error: anthropic.APIStatusError) -> retry.Fault:
    headers, now = error.response.headers, time.time()
    retry_after = _retry_after(headers, now)
    return retry.Fault(
        "status",
        error.api_message or error.message,
        status=error.status_code,
        type=error.type,
        code=error.error_code,
        should_retry={"true": True, "false": False}.get(headers.get("x-should-retry", "")),
        retry_after=retry_after,
        resets_in=retry_after if retry_after is not None else _reset(headers, now),
        request_id=error.request_id,
    )


def _retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds in `retry-after-ms` or `retry-after`, a number or a date; None when absent or not
    readable.
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        with contextlib.suppress(KeyError, ValueError):
            return max(0.0, _finite(headers[name]) * unit)
    with contextlib.suppress(KeyError, ValueError):
        moment = email.utils.parsedate_to_datetime(headers["retry-after"]).timestamp()
        return max(0.0, moment - _servers_time(headers, now))
    return None


def _reset(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds until the used-up limits reset, from `anthropic-ratelimit-*-reset`; of all limits
    where no header says which one is used up. None when there are no such headers.
    """
    used_up: list[float] = []
    others: list[float] = []
    for name, value in headers.items():
        limit = name.lower().removesuffix("-reset")
        if limit == name.lower() or not limit.startswith(_LIMIT_HEADERS):
            continue
        with contextlib.suppress(ValueError):
            left = headers.get(f"{limit}-remaining", "").strip()
            (used_up if left == "0" else others).append(_moment(value))
    resets = used_up or others
    return max(0.0, max(resets) - _servers_time(headers, now)) if resets else None


_LIMIT_HEADERS = "anthropic-ratelimit-"
_SKEW = 60.0  # seconds by which a clock may be wrong; the server's dates have whole seconds


def _moment(value: str) -> float:
    """Seconds since 1970 in a number or a date of RFC 3339. Raises ValueError."""
    with contextlib.suppress(ValueError):
        return _finite(value)
    moment = datetime.datetime.fromisoformat(value.strip())
    zone = moment.tzinfo or datetime.UTC
    return moment.replace(tzinfo=zone).timestamp()


def _servers_time(headers: Mapping[str, str], now: float) -> float:
    """The time by which the server's dates are to be read: ours, unless our clock is wrong."""
    with contextlib.suppress(KeyError, ValueError):
        theirs = email.utils.parsedate_to_datetime(headers["date"]).timestamp()
        return theirs if abs(theirs - now) > _SKEW else now
    return now


def _finite(value: str) -> float:
    """The number. Raises ValueError for another text, and for what no time can be."""
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number
