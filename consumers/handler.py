"""What a topic's handler is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from services.kit.messages.inbox import Effect


@dataclass(frozen=True, slots=True)
class Handler:
    """What the events of a topic do.

    `read` turns the JSON value into a command (raises `InvalidInput`), `prepare` completes it by what other services
    know, `effect` carries commands out in one transaction. Where `waits` is set, what is not found may be about to be
    created: such an event is tried a few times more. Where `lists` is set a value may be a list, each item of which is
    read and acts by itself.
    """

    read: Callable[[Any], Any]
    effect: Effect[Any]
    prepare: Callable[[Any], Awaitable[Any]] | None = None
    waits: bool = False
    lists: bool = False
