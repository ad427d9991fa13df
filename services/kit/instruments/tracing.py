"""Traces: the steps of a request as spans, each below the one that it is a part of, over processes too.

Off, nothing of OpenTelemetry is loaded and a step costs the look at one variable; so it does for whatever is not
sampled. A span holds what the code or the operator names (routes, verbs, collections, topics, codes) and nothing of
what was sent.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from inspect import iscoroutinefunction
from typing import Literal, ParamSpec, Protocol, TypeAlias, TypeVar, cast

from services.kit.instruments.metrics import outcome_of

Kind: TypeAlias = Literal["server", "internal", "client", "producer", "consumer"]
Attribute: TypeAlias = str | int
Given = ParamSpec("Given")
Result = TypeVar("Result")
Verbs = TypeVar("Verbs")


class Span(Protocol):
    """A step that is sampled and under way."""

    @property
    def live(self) -> bool:
        """Whether it has not ended."""

    @property
    def trace_id(self) -> str:
        """The id of its trace, in hexadecimal."""

    @property
    def traceparent(self) -> str:
        """What lets another process go on below it (W3C Trace Context)."""

    def child(self, name: str, kind: Kind = "internal", links: Sequence["Span"] = (), **about: Attribute) -> "Span":
        """A step below this one, which begins now. Of `about` two underscores stand for a dot."""

    def link(self, others: Sequence["Span"]) -> None:
        """Name others that had the same done, each in a trace of its own."""

    def note(self, name: str | None = None, **about: Attribute) -> None:
        """Say more of it, its right name among that."""

    def end(self, code: str | None = None) -> None:
        """It has ended; `code` is why it was refused or failed."""


class Tracing(Protocol):
    """Begins what has nothing above it in this process."""

    def begin(self, name: str, kind: Kind, traceparent: str | None, **about: Attribute) -> Span | None:
        """The first step here, of the trace that `traceparent` names or of a new one; None where it is not sampled."""

    async def close(self) -> None:
        """Send what has ended and was not sent."""


SPAN: ContextVar[Span | None] = ContextVar("span", default=None)


def current() -> Span | None:
    """The span that is under way here; tasks that outlive their request have none."""
    span = SPAN.get()
    return span if span is not None and span.live else None


def traceparent() -> str | None:
    """By what another process goes on below what is under way here."""
    span = current()
    return None if span is None else span.traceparent


@contextmanager
def within(span: Span | None) -> Iterator[None]:
    """What runs within is below this span, which ends with it; nothing happens for None."""
    if span is None:
        yield
        return
    token = SPAN.set(span)
    try:
        yield
    except BaseException as fault:
        span.end(outcome_of(fault))
        raise
    else:
        span.end()
    finally:
        SPAN.reset(token)


def traced(name: str, verbs: Verbs) -> Verbs:
    """The same verbs, each of which is a step: `name` and the verb's own name are the span's."""
    return cast("Verbs", _Traced(name, verbs))


class _Traced:
    def __init__(self, name: str, verbs: object) -> None:
        self._name = name
        self._verbs = verbs

    def __getattr__(self, attribute: str) -> object:
        found = getattr(self._verbs, attribute)
        if iscoroutinefunction(found):
            found = _as_step(f"{self._name}.{attribute}", found)
            setattr(self, attribute, found)
        return found


def _as_step(name: str, verb: Callable[Given, Awaitable[Result]]) -> Callable[Given, Awaitable[Result]]:
    @wraps(verb)
    async def step(*arguments: Given.args, **named: Given.kwargs) -> Result:
        above = current()
        if above is None:
            return await verb(*arguments, **named)
        with within(above.child(name)):
            return await verb(*arguments, **named)

    return step
