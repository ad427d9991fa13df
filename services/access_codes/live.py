"""Access codes as they change, for those who watch one."""

from collections.abc import AsyncGenerator, Callable
from datetime import datetime

from models.access_codes.access_code import AccessCode
from models.access_codes.public import public_availability
from models.availability import PublicAvailability
from models.values.codes import kept_forms
from services.kit.batching import Coalescer
from services.kit.change_streams import ChangeFeed, Event, Listener
from services.kit.database import Database


class LiveCodes:
    """Follows codes by one change stream for all who listen in this process; they share their look-ups."""

    def __init__(self, database: Database, by_code: Coalescer[str, AccessCode], clock: Callable[[], datetime]) -> None:
        self._feed = ChangeFeed(database.access_codes, _keys_of_event)
        self._by_code = by_code
        self._clock = clock

    def follow(self, typed: str) -> AsyncGenerator[PublicAvailability | None, None]:
        """Returns what is left of a code, as it was typed: at once, then on every change, at most ten times a second.

        None while there is none, or none that is public. A code that expires changes, though nobody writes it.
        """

        async def look(listener: Listener) -> tuple[PublicAvailability | None, float | None]:
            found = await self._by_code.load(typed)
            # A code that is not there yet is heard of by its letters, later by its id.
            if found is not None and listener.also(found.id):
                found = await self._by_code.load(typed)
            now = self._clock()
            expires_in = None if found is None or found.is_expired(now) else (found.expires_at - now).total_seconds()
            return public_availability(found, now), expires_in

        return self._feed.follow(kept_forms(typed), look)

    async def close(self) -> None:
        """Ends the stream and all that follow it."""
        await self._feed.close()


def _keys_of_event(event: Event) -> list[str]:
    """The id, which every change has, and the letters of a new one."""
    new = event.get("fullDocument") or {}
    return [str(event["documentKey"]["_id"]), *([new["code"]] if "code" in new else [])]
