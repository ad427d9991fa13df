"""What is well with the database and what is not, each with what to do about it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from models.principal import SYSTEM
from services.connection import require_fit, unusable
from services.kit.database import Database
from services.migrations.expected_indexes import all_missing_indexes
from services.migrations.runner import LATEST, recorded_number
from services.migrations.set_aside import counted

if TYPE_CHECKING:
    from services.registry import Services

MOST_APART = timedelta(seconds=5)
"""How far the clocks of this machine and of the database may be apart."""
LONGEST_WAIT = timedelta(minutes=2)
"""For how long an event may wait for Kafka before nobody seems to send any."""
MOST_NAMED = 10


class Level(StrEnum):
    OK = "ok"
    NOTE = "note"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, what was found, and what to do where it is not well."""

    check: str
    level: Level
    message: str
    advice: str = ""


def well(check: str, message: str) -> Finding:
    return Finding(check, Level.OK, message)


def note(check: str, message: str, advice: str) -> Finding:
    return Finding(check, Level.NOTE, message, advice)


def fault(check: str, message: str, advice: str) -> Finding:
    return Finding(check, Level.FAULT, message, advice)


async def examine(services: "Services", *, audit: bool, events: bool) -> AsyncIterator[Finding]:
    """Look at the database, as it is: nothing is written. One that cannot be worked with ends the examination.

    `audit` reads everything; `events` says whether there is a Kafka that events are to go to.
    """
    try:
        await require_fit(services.database)
        yield await _version(services.database)
        yield await _clock(services.database)
        yield await _migrations(services.database)
        yield await _indexes(services.database)
        yield await _set_aside(services.database)
        for one in await _events(services, events=events):
            yield one
        if audit:
            yield await _audit(services)
    except Exception as trouble:
        if (reason := unusable(trouble)) is None:
            raise
        yield fault("mongodb", reason, "mend MONGO_URI or the servers that it names, then ask again")


async def _version(database: Database) -> Finding:
    told = await database.client.admin.command("buildInfo")
    hello = await database.client.admin.command("hello")
    kind = f"replica set {hello['setName']}" if "setName" in hello else "sharded cluster"
    return well("mongodb", f"MongoDB {told['version']}, {kind}, database {database.name}")


async def _clock(database: Database) -> Finding:
    before = datetime.now(UTC)
    hello = await database.client.admin.command("hello")
    after = datetime.now(UTC)
    # A command's answer has instants of UTC without saying so.
    return judge_clocks(before, hello["localTime"].replace(tzinfo=UTC), after)


def judge_clocks(before: datetime, theirs: datetime, after: datetime) -> Finding:
    """Whether what the database said the time was lies near to when it was asked."""
    apart = max(before - theirs, theirs - after, timedelta())
    if apart <= MOST_APART:
        return well("clocks", "this machine and the primary agree")
    seconds = f"{apart.total_seconds():.0f} s"
    return fault("clocks", f"this machine and the primary are {seconds} apart", "keep both in time by NTP")


async def _migrations(database: Database) -> Finding:
    number = await recorded_number(database)
    if number is None:
        return fault("migrations", "none has been done", "run `tessera migrate`")
    if number < LATEST:
        return fault("migrations", f"{number} of {LATEST} are done", "run `tessera migrate`")
    if number > LATEST:
        return note("migrations", f"{number} are done, {LATEST} are known here", "run the newer release that did them")
    return well("migrations", f"all {LATEST} are done")


async def _indexes(database: Database) -> Finding:
    missing = await all_missing_indexes(database)
    if not missing:
        return well("indexes", "all are there")
    named = ", ".join(missing[:MOST_NAMED]) + (" …" if len(missing) > MOST_NAMED else "")
    return fault("indexes", f"{len(missing)} are missing: {named}", "run `tessera migrate`")


async def _set_aside(database: Database) -> Finding:
    number = await counted(database, imported=False)
    if not number:
        return well("older data", "nothing is set aside")
    return note("older data", f"{number} documents are set aside", "`tessera migrate` names them with the reason")


async def _events(services: "Services", *, events: bool) -> list[Finding]:
    backlog, parked = await services.outbox_queue.backlog(), await services.parked.count()
    found = []
    waits = datetime.now(UTC) - backlog.oldest if backlog.oldest is not None else timedelta()
    if events and waits > LONGEST_WAIT:
        since = f"{backlog.unsent} events wait, the oldest for {waits.total_seconds():.0f} s"
        found.append(fault("outbox", since, "see that `tessera consume` runs and reaches Kafka"))
    else:
        found.append(well("outbox", f"{backlog.unsent} events wait"))
    if backlog.parked or parked:
        lying = f"{parked} records and {backlog.parked} events are parked"
        found.append(note("parked", lying, "`tessera parked` shows them, `tessera replay --parked` puts them back"))
    return found


async def _audit(services: "Services") -> Finding:
    report = await services.audit.audit(SYSTEM)
    if report.drift_count:
        drifted = f"{report.drift_count} counters drifted"
        return fault("audit", drifted, "`tessera audit` names them, `tessera audit --repair` mends them")
    return well("audit", f"{sum(report.checked.values())} counters are what their ledgers make them")
