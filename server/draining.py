"""The way out: a process that is asked to end serves on for a while, has its live connections go elsewhere, and drains.

A live connection is one that would go on without end: a WebSocket, or an event stream of a subscription.
"""

import asyncio
import random
from asyncio import TimerHandle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

DRAIN = "drain"
"""The name of the `Drain` in the application's state."""
NOTICE = 1 / 3
"""The part of the delay that load balancers have to notice: who is sent away before would be sent here again."""


@dataclass(slots=True, eq=False)
class _Live:
    """A live connection, how it is told to go, and when."""

    tell: Callable[[], None]
    turn: TimerHandle | None = None


class Drain:
    """How far a process is on its way out. `leaving` says that it serves, but wants nobody new."""

    def __init__(self) -> None:
        self.leaving = self.begun = False
        self._live: set[_Live] = set()
        self._noticed = self._ends = 0.0

    def leave(self, delay: float) -> None:
        """Begin to leave: every live connection is told to go within `delay` seconds, one evenly after the other."""
        self._ends = asyncio.get_running_loop().time() + delay
        self._noticed = self._ends - delay * (1 - NOTICE)
        self.leaving = True
        places = list(self._live)
        random.shuffle(places)
        for place, live in enumerate(places):
            self._give_turn(live, (place + random.random()) / len(places))

    def begin(self) -> None:
        """Begin to drain: what is still connected is told at once. May be repeated."""
        self.leaving = self.begun = True
        for live in list(self._live):
            live.tell()

    @contextmanager
    def live(self, tell: Callable[[], None]) -> Iterator[None]:
        """A live connection, as long as this lasts. `tell` is called when it is to go elsewhere, twice perhaps."""
        live = _Live(tell)
        self._live.add(live)
        try:
            if self.begun:
                tell()
            elif self.leaving:
                self._give_turn(live, random.random())
            yield
        finally:
            self._live.discard(live)
            if live.turn is not None:
                live.turn.cancel()

    def _give_turn(self, live: _Live, place: float) -> None:
        """Have it told at this place, from 0 to 1, of the time that is left once load balancers have noticed."""
        loop = asyncio.get_running_loop()
        begin = max(self._noticed, loop.time())
        live.turn = loop.call_at(begin + place * max(0.0, self._ends - begin), live.tell)
