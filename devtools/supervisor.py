"""Keeps parts running: starts them, starts a dead one again with backoff, and stops all in reverse order."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from devtools.embedded import ChildProcess, EmbeddedError

POLL_SECONDS = 0.25
FIRST_BACKOFF = 1.0
LONGEST_BACKOFF = 30.0
# A part that ran this long was well: its next death is a first one.
STEADY_SECONDS = 60.0


class Part(Protocol):
    """Something that runs as a child process. `start` blocks until it is ready or raises `EmbeddedError`."""

    name: str

    def start(self) -> object: ...

    def stop(self) -> None: ...

    @property
    def child(self) -> ChildProcess: ...

    @property
    def uri(self) -> str:
        """Where the others find it; when it changes, those that depend on it are started anew."""


class Supervisor:
    """Starts and watches parts; `say` gets the name of a part and one line for whatever happens to it."""

    def __init__(self, say: Callable[[str, str], None]) -> None:
        self._say = say
        self._starts: dict[str, asyncio.Future[object]] = {}
        self._parts: list[Part] = []
        self._watchers: list[asyncio.Task[None]] = []
        self._renewed: set[str] = set()

    async def start(self, part: Part, dependents: Sequence[Part] = ()) -> None:
        """Start `part` and watch it from now on. Raises `EmbeddedError` if it does not start this first time."""
        self._parts.append(part)
        await self._start(part)
        self._watchers.append(asyncio.create_task(self._watch(part, dependents)))

    async def renew(self, part: Part) -> None:
        """End `part` and let its watcher start it anew, with what its environment is by then."""
        self._renewed.add(part.name)
        await asyncio.to_thread(part.stop)

    async def stop(self) -> None:
        """Stop watching, then stop every part, the last one first. Parts that are just starting are caught too."""
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        for part in reversed(self._parts):
            await asyncio.to_thread(part.stop)
            # A thread cannot be cancelled: what it starts after the stop is stopped again.
            while (start := self._starts.get(part.name)) and not start.done():
                await asyncio.wait([start], timeout=POLL_SECONDS)
                await asyncio.to_thread(part.stop)
            self._say(part.name, "stopped")
        # A start that was cut short has nothing more to tell.
        await asyncio.gather(*self._starts.values(), return_exceptions=True)

    async def _start(self, part: Part) -> None:
        begun = time.monotonic()
        start = asyncio.get_running_loop().run_in_executor(None, part.start)
        self._starts[part.name] = start
        await asyncio.shield(start)
        self._say(part.name, f"ready in {time.monotonic() - begun:.1f} s  {part.uri}".rstrip())

    async def _watch(self, part: Part, dependents: Sequence[Part]) -> None:
        backoff = FIRST_BACKOFF
        while True:
            since, uri = time.monotonic(), part.uri
            while part.child.running:  # noqa: ASYNC110  # no event tells of another process's end everywhere
                await asyncio.sleep(POLL_SECONDS)
            if time.monotonic() - since > STEADY_SECONDS:
                backoff = FIRST_BACKOFF
            backoff = await self._start_again(part, backoff)
            if part.uri != uri:
                for dependent in dependents:
                    await self.renew(dependent)

    async def _start_again(self, part: Part, backoff: float) -> float:
        """Start a part that ended, as often as it takes; returns the backoff of its next death."""
        reason = f"ended with code {part.child.exit_code}; its last lines:\n{part.child.last_lines()}"
        while True:
            if part.name in self._renewed:
                self._renewed.discard(part.name)
            else:
                self._say(part.name, f"{reason}\n    starting it again in {backoff:g} s")
                await asyncio.sleep(backoff)
                backoff = min(2 * backoff, LONGEST_BACKOFF)
            try:
                await self._start(part)
            except EmbeddedError as fault:
                reason = str(fault)
            else:
                return backoff
