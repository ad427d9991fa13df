"""What is counted of access codes: totals, and how many have expired at the moment of asking.

Every write says what a code was and what it is; the counts move by the difference, in the same transaction.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from typing_extensions import override

from models.access_codes.access_code import AccessCode
from services.access_codes.expiry_counts import Expiring, ExpiryCounts, hour_of
from services.kit.counters import Counts, add_totals, of_part, read_totals, within
from services.kit.database import Database, Document, aggregate
from services.kit.hourly.totals import HourlySource

if TYPE_CHECKING:
    from services.kit.database import Session

Change = tuple[AccessCode | None, AccessCode | None]
"""A code before and after; None where there is none."""

FAMILY = "accessCodes"
USES_BY_HOUR = HourlySource("accessCodeUses", "accesscodeuses", "redeemedAt", {"count": 1}, part="$batch")


@dataclass(frozen=True, slots=True)
class Census:
    """Counts of one moment. `switched_on` are the active ones, `usable` those of them neither expired nor full."""

    total: int
    usages: int
    full: int
    switched_on: int
    expired: int
    expired_switched_on: int
    usable: int

    def of(self, *, active: bool | None, expired: bool | None) -> int:
        """Returns how many codes there are with this switch and this expiry; None leaves one open."""
        every, gone = self.total, self.expired
        if active is not None:
            every, gone = self.switched_on, self.expired_switched_on
            if not active:
                every, gone = self.total - every, self.expired - gone
        if expired is None:
            return every
        return gone if expired else every - gone


class AccessCodeCounts(Counts):
    """Moves and reads the counts of access codes: of all, and of those of each batch."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, FAMILY, database.access_codes, "codes")
        self._expiry = ExpiryCounts(database, FAMILY)

    async def move(self, session: "Session", changes: Iterable[Change], *, times: int = 1) -> None:
        """Follows these changes, each of which befell so many codes alike, within their transaction."""
        totals, expiring = self.moves(changes, times=times)
        await add_totals(self._database, session, totals)
        await self._expiry.add(session, expiring)

    async def move_expiry(self, session: "Session", changes: Iterable[Change]) -> None:
        """Follows these changes in all but the totals, which their unit of work moves with its others."""
        await self._expiry.add(session, self.moves(changes)[1])

    def moves(
        self, changes: Iterable[Change], *, times: int = 1
    ) -> tuple[dict[str, Mapping[str, int]], list[tuple[str, Expiring]]]:
        """Returns how these changes move the totals of each family, and what of it expires when."""
        totals: defaultdict[str, Counter[str]] = defaultdict(Counter)
        expiring: defaultdict[tuple[str, datetime], Counter[str]] = defaultdict(Counter)
        for change in changes:
            for code, sign in zip(change, (-times, times), strict=True):
                if code is not None:
                    classes = dict.fromkeys(_classes_of(code), sign)
                    for family in _families_of(code.batch):
                        totals[family].update(classes, usages=sign * code.used_count)
                        expiring[family, code.expires_at].update(classes)
        doubled = {family: _doubled(family, numbers) for family, numbers in totals.items()}
        return doubled, [(of, Expiring(at, at, moved)) for (of, at), moved in expiring.items()]

    async def read(self, now: datetime, batch: str | None = None) -> Census:
        """Returns the counts of all codes, or of a batch, at this moment."""
        return (await self.read_each(now, (batch,)))[batch]

    async def read_each(self, now: datetime, batches: Sequence[str | None]) -> dict[str | None, Census]:
        """Returns the counts of each of these batches (None: of all codes) at this moment, from one snapshot."""
        families = {family_of(batch): batch for batch in batches}
        async with self._database.snapshot() as session:
            totals = await read_totals(self._database, {"family": {"$in": [*families]}}, session)
            expired = await self._expiry.before(session, now, families)
            for family, batch in families.items():
                # Processes of release 1.0.0 count all codes, and know of no batches.
                if batch is None or not expired[family].is_settled(now):
                    await self._look(session, now, batch, expired[family].numbers)
        return {batch: _census(totals[family], expired[family].numbers) for family, batch in families.items()}

    async def _look(self, session: "Session", now: datetime, batch: str | None, expired: Counter[str]) -> None:
        """Counts what has expired within the hour of a moment one by one."""
        of_batch = {} if batch is None else {"batch": batch}
        this_hour: list[Document] = [
            {"$match": {"expiresAt": {"$gte": hour_of(now), "$lte": now}, **of_batch}},
            {"$group": {"_id": None, **_SUMS}},
        ]
        async for row in aggregate(self._rows, this_hour, session=session):
            expired.update({name: row[name] for name in _CLASSES})

    @override
    async def agree(self) -> bool:
        """Returns whether the totals know all codes, and those of batches all that is counted; in constant time.

        A process of release 1.0.0 counts codes, and not by their batches.
        """
        totals = await self._totals.read()
        by_batch = all(totals.get(name, 0) == totals.get(_by_batch(name), 0) for name in _TOTALS)
        return by_batch and await super().agree()

    @override
    async def kept(self, session: "Session") -> dict[str, int]:
        totals = await read_totals(self._database, within(FAMILY), session)
        return {**_named(totals), **await self._expiry.kept(session)}

    @override
    async def counted(self, session: "Session") -> dict[str, int]:
        totals, hours = await self._count(session)
        return {
            **_named({family: _doubled(family, numbers) for family, numbers in totals.items()}),
            **self._expiry.named(hours),
        }

    @override
    async def recount(self, session: "Session") -> None:
        await self._database.counters.delete_many(within(FAMILY), session=session)
        await self._expiry.clear(session)
        totals, hours = await self._count(session)
        moved = {family: _doubled(family, numbers) for family, numbers in totals.items()}
        await add_totals(self._database, session, moved)
        await self._expiry.add(session, hours)

    async def _count(self, session: "Session") -> tuple[Mapping[str, Counter[str]], list[tuple[str, Expiring]]]:
        """The totals of each family, and what of it expires in each hour."""
        hour = {"$dateTrunc": {"date": "$expiresAt", "unit": "hour"}}
        bounds = {"first": {"$min": "$expiresAt"}, "last": {"$max": "$expiresAt"}}
        by_hour = {"_id": {"hour": hour, "batch": "$batch"}, "usages": {"$sum": "$usedCount"}, **_SUMS, **bounds}
        totals: defaultdict[str, Counter[str]] = defaultdict(Counter)
        hours: list[tuple[str, Expiring]] = []
        async for row in aggregate(self._rows, [{"$group": by_hour}], session=session):
            numbers = {name: row[name] for name in _CLASSES}
            for family in _families_of(row["_id"].get("batch")):
                totals[family].update(numbers, usages=row["usages"])
                hours.append((family, Expiring(row["first"], row["last"], numbers)))
        return totals, hours


def family_of(batch: str | None) -> str:
    """The family of a batch's totals, or of those of all codes."""
    return FAMILY if batch is None else f"{FAMILY}/{batch}"


def _families_of(batch: str | None) -> tuple[str, ...]:
    """The families that a code of a batch, or of none, is counted in."""
    return (FAMILY,) if batch is None else (FAMILY, family_of(batch))


def _by_batch(name: str) -> str:
    return f"{name}ByBatch"


def _doubled(family: str, numbers: Mapping[str, int]) -> Mapping[str, int]:
    """The totals of a family; those of all codes stand twice, so that it shows when only one was moved: see `agree`."""
    return {**numbers, **{_by_batch(name): number for name, number in numbers.items()}} if family == FAMILY else numbers


def _named(totals: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    return {
        f"{name}{of_part(FAMILY, of)}": number for of, numbers in totals.items() for name, number in numbers.items()
    }


def _census(totals: Mapping[str, int], expired: Mapping[str, int]) -> Census:
    return Census(
        total=totals.get("codes", 0),
        usages=totals.get("usages", 0),
        full=totals.get("full", 0),
        switched_on=totals.get("active", 0),
        expired=expired.get("codes", 0),
        expired_switched_on=expired.get("active", 0),
        usable=totals.get("open", 0) - expired.get("open", 0),
    )


# The classes that a code is counted in, as MongoDB and as the model tell them.
_CLASSES: Mapping[str, object] = {
    "codes": True,
    "active": "$active",
    "full": "$full",
    "open": {"$and": ["$active", {"$not": "$full"}]},
}
_TOTALS = ("usages", *_CLASSES)
_SUMS = {name: {"$sum": {"$cond": [condition, 1, 0]}} for name, condition in _CLASSES.items()}


def _classes_of(code: AccessCode) -> list[str]:
    judged = {"codes": True, "active": code.active, "full": code.is_full, "open": code.is_open}
    return [name for name, holds in judged.items() if holds]
