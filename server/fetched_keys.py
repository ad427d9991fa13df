"""The keys of `JWKS_URL`: fetched, kept, fetched again; the last good set stays while nobody answers."""

import asyncio
import logging
import random
import time
from collections.abc import Callable

import httpx
import orjson

from server.token_keys import KeyFault, KeyRing, read_key_set
from services.kit.tasks import end

log = logging.getLogger("tessera.keys")

ANSWERS_WITHIN = 5.0
"""Seconds in which a key set has to come."""
LARGEST = 262_144
"""Bytes of a key set."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between two fetches for keys that are not there: doubling while they bring nothing new, so that tokens of
made-up keys become no flood of requests.
"""
PATIENCE = 2.5
"""How many seconds a token waits at most for the next such fetch to begin; one that would wait longer is refused."""


class FetchedKeys:
    """One key set, over HTTP: kept current from `start` to `close`."""

    def __init__(self, url: str, every: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.ring = KeyRing()
        """The last good set; empty until the first has come."""
        self.trouble: str | None = "has not been asked"
        """Why the last fetch brought no set: the rest of a sentence about `JWKS_URL`; None where it did."""
        self._url = url
        self._every = every
        self._clock = clock
        self._client = httpx.AsyncClient(timeout=ANSWERS_WITHIN)
        self._body = b""
        self._pause = FIRST_PAUSE
        self._next_look = 0.0
        self._begun = 0
        self._running: list[asyncio.Task[None]] = []
        self._fetching: asyncio.Task[None] | None = None

    @property
    def has_any(self) -> bool:
        """Whether a set has ever come."""
        return bool(self._body)

    @property
    def is_current(self) -> bool:
        """Whether the last fetch brought a set."""
        return self.trouble is None

    def start(self) -> None:
        """Fetch the set now, and again and again."""
        self._running.append(asyncio.get_running_loop().create_task(self._run()))

    async def _run(self) -> None:
        retry = FIRST_PAUSE
        while True:
            self._pause = FIRST_PAUSE
            await asyncio.shield(self._fetch_once())
            wait = self._every if self.is_current else min(retry, self._every)
            retry = FIRST_PAUSE if self.is_current else min(2 * retry, LONGEST_PAUSE)
            await asyncio.sleep(wait * random.uniform(0.9, 1))  # Not all workers at once.

    async def look_again(self) -> None:
        """Fetch the set for a key that is not in it, once for all who ask; returns soon where that was done lately."""
        begun = self._begun
        while self._fetching is None or self._fetching.done():
            wait = self._next_look - self._clock()
            if self._begun > begun or wait > PATIENCE:
                return
            if wait <= 0:
                self._next_look = self._clock() + self._pause
                self._pause = min(2 * self._pause, LONGEST_PAUSE)
                self._fetch_once()
            else:
                await asyncio.sleep(wait)
        await asyncio.shield(self._fetching)

    async def close(self) -> None:
        """End what is under way."""
        for task in (*self._running, *((self._fetching,) if self._fetching else ())):
            await end(task)
        await self._client.aclose()

    def _fetch_once(self) -> "asyncio.Task[None]":
        """The fetch that is under way, else a new one."""
        if self._fetching is None or self._fetching.done():
            self._begun += 1
            self._fetching = asyncio.get_running_loop().create_task(self._fetch())
        return self._fetching

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                body = await self._get()
            if body != self._body:
                self.ring, self._body = KeyRing(read_key_set(orjson.loads(body))), body
                self._pause = FIRST_PAUSE
                log.info("fetched the keys of JWKS_URL")
        except Exception as fault:  # Whatever a set does to its reader, the last good one stays.
            is_news, self.trouble = self.is_current or self._begun == 1, _reason(fault)
            if is_news:
                log.warning("JWKS_URL %s", self.trouble)
        else:
            self.trouble = None

    async def _get(self) -> bytes:
        body = b""
        async with self._client.stream("GET", self._url, headers={"accept": "application/json"}) as answer:
            answer.raise_for_status()
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > LARGEST:
                    raise KeyFault(f"has more than {LARGEST} bytes")
        return body


def _reason(fault: Exception) -> str:
    """The rest of a sentence, without the URL: it may hold a password."""
    match fault:
        case KeyFault():
            return str(fault)
        case httpx.HTTPStatusError(response=answer):
            return f"is answered with {answer.status_code}"
        case httpx.HTTPError() | TimeoutError():
            return f"does not answer: {type(fault).__name__}"
        case _:
            return f"is answered with no JWK Set: {type(fault).__name__}"
