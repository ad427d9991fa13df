"""Live changes: one MongoDB change stream for a collection in each process, fanned out to whoever listens there.

A listener learns only that something changed, and asks the verb again, so that nobody is shown what they may not
see; and however many changes come while a listener is busy, it looks once. A slow or vanished client costs nothing.
"""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Hashable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import Context
from typing import TypeVar

from pymongo.errors import ConnectionFailure, OperationFailure

from models.errors import ServiceUnavailable
from services.kit.database import ChangeStream, Collection, Document, watch

log = logging.getLogger("tessera.changes")

Event = Document
Seen = TypeVar("Seen")
Look = Callable[["Listener"], Awaitable[tuple[Seen, float | None]]]
"""What a listener sees now, and in how many seconds it may change without any write (None: never)."""

OPENS_WITHIN = 10.0
AWAITS_MILLISECONDS = 500
"""How long the server waits for a change before it returns that there is none; a stream that is left ends by then."""
PAUSE = 0.25
"""Seconds before a broken stream is opened anew, at first; it doubles up to ten seconds."""
MOST_CHANGED = 1_000
SHORTEST_INTERVAL = 0.1


class Listener:
    """Who waits for changes of some keys. `changed` are the ids of the documents since the last `clear`, at most 1000;
    it is empty after a gap in the stream, where anything may have changed.
    """

    def __init__(self, feed: "ChangeFeed", keys: Iterable[Hashable]) -> None:
        self.changed: set[object] = set()
        self._raised = asyncio.Event()
        self._feed = feed
        self._keys = set(keys)

    @property
    def keys(self) -> frozenset[Hashable]:
        return frozenset(self._keys)

    def clear(self) -> None:
        """From here on changes are new. To be called before looking, never after."""
        self._raised.clear()
        self.changed = set()

    def also(self, key: Hashable) -> bool:
        """Listens to one more key; returns whether it is new: a look from before may have missed its changes."""
        is_new = key not in self._keys
        if is_new:
            self._keys.add(key)
            self._feed.join(self, (key,))
        return is_new

    async def wait(self, seconds: float | None = None) -> None:
        """Until something changed since `clear`, or so many seconds have passed."""
        try:
            await asyncio.wait_for(self._raised.wait(), seconds)
        except TimeoutError:
            pass

    def notify(self, identifier: object = None) -> None:
        if identifier is not None and len(self.changed) < MOST_CHANGED:
            self.changed.add(identifier)
        self._raised.set()


class ChangeFeed:
    """The changes of one collection. The stream opens with the first listener and closes after the last.

    `keys_of` names the keys that an event concerns. An event is the change stream's own: it has `documentKey`, and
    `fullDocument` where the document is new, or always with `look_up`, which costs a read for each update.
    """

    def __init__(
        self, collection: Collection, keys_of: Callable[[Event], Iterable[Hashable]], *, look_up: bool = False
    ) -> None:
        self._collection = collection
        self._keys_of = keys_of
        self._full_document = "updateLookup" if look_up else None
        self._listeners: dict[Hashable, set[Listener]] = {}
        self._task: asyncio.Task[None] | None = None
        self._live = asyncio.Event()
        self._closed = False

    @property
    def is_open(self) -> bool:
        return self._task is not None

    @property
    def is_closed(self) -> bool:
        return self._closed

    @asynccontextmanager
    async def listen(self, keys: Iterable[Hashable]) -> AsyncIterator[Listener]:
        """A listener that misses no change from here on. Raises `ServiceUnavailable` where no stream can be opened."""
        listener = Listener(self, keys)
        self.join(listener, listener.keys)
        try:
            if self._task is None and not self._closed:
                self._task = asyncio.get_running_loop().create_task(self._run(), context=Context())
            try:
                await asyncio.wait_for(self._live.wait(), OPENS_WITHIN)
            except TimeoutError:
                raise ServiceUnavailable() from None
            yield listener
        finally:
            for key in listener.keys:
                self._listeners[key].discard(listener)
                if not self._listeners[key]:
                    del self._listeners[key]

    def join(self, listener: Listener, keys: Iterable[Hashable]) -> None:
        for key in keys:
            self._listeners.setdefault(key, set()).add(listener)

    async def follow(self, keys: Iterable[Hashable], look: Look[Seen]) -> AsyncGenerator[Seen, None]:
        """What `look` sees: at once, then whenever it is another, at most ten times a second."""
        async with self.listen(keys) as listener:
            last: list[Seen] = []
            while not self._closed:
                listener.clear()
                seen, changes_in = await look(listener)
                if last != [seen]:
                    last = [seen]
                    yield seen
                    await asyncio.sleep(SHORTEST_INTERVAL)
                await listener.wait(changes_in)

    async def close(self) -> None:
        """Ends the stream and all that follow it."""
        self._closed = True
        self._notify_all()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        """Keeps a stream open while anyone listens, and resumes it where it broke.

        What cannot be resumed may have missed changes: then every listener is notified. Nothing is awaited after the
        last look at the listeners, so that none joins a stream that has just ended.
        """
        token: Mapping[str, object] | None = None
        pause = PAUSE
        was_live = False
        while self._listeners and not self._closed:
            try:
                async with self._watch(token) as stream:
                    self._live.set()
                    if was_live and token is None:
                        self._notify_all()
                    was_live, pause = True, PAUSE
                    while self._listeners and not self._closed:
                        self._notify(await stream.try_next())
                        token = stream.resume_token
                    self._live.clear()
            except Exception as fault:  # Whatever it was, those who listen would wait for ever.
                log.warning("the change stream of %s broke: %s", self._collection.name, type(fault).__name__)
                if not isinstance(fault, ConnectionFailure):
                    token = None  # The server does not resume from there; its log may not reach back so far.
                self._live.clear()
                await asyncio.sleep(pause * random.uniform(0.5, 1))
                pause = min(10.0, 2 * pause)
        self._task = None

    def _watch(self, token: object) -> AbstractAsyncContextManager[ChangeStream]:
        # What was updated is not needed: only whose document it was.
        return watch(
            self._collection,
            [{"$unset": "updateDescription"}],
            full_document=self._full_document,
            resume_after=token,
            max_await_time_ms=AWAITS_MILLISECONDS,
        )

    def _notify(self, event: Event | None) -> None:
        if event is None:
            return
        if event["operationType"] == "invalidate":
            raise OperationFailure("the collection is no more")
        if "documentKey" not in event:
            return
        identifier = event["documentKey"]["_id"]
        for key in self._keys_of(event):
            for listener in self._listeners.get(key, ()):
                listener.notify(identifier)

    def _notify_all(self) -> None:
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.changed = set()
                listener.notify()
