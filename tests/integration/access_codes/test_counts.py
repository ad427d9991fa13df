"""The counts of access codes are exact at any moment, and so are lists narrowed by expiry."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.access_codes.access_code import (
    ActivateAccessCode,
    DeactivateAccessCode,
    DeleteAccessCode,
    RedeemAccessCode,
)
from models.access_codes.batches import ImportAccessCode
from models.audit import AuditFamily
from models.errors import NotFound, RuleViolation
from models.principal import SYSTEM
from services.access_codes.totals import AccessCodeCounts
from services.kit.rate_limit import RateLimitPermit
from services.migrations.runner import migrate
from services.mongo_uri import database_name
from services.registry import Services
from tests.integration.access_codes.support import brute_force_stats, stored_codes
from tests.support.api import MONGO_DRIVER

NOW = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
# Edges of hours, days, months, years and of a leap year, and the moment itself.
MOMENTS = [
    NOW,
    *(NOW + timedelta(milliseconds=step) for step in (-1, 1)),
    *(datetime(2026, 3, 1, tzinfo=UTC) + timedelta(milliseconds=step) for step in (-1, 0, 1)),
    *(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=step) for step in (-1, 0)),
    datetime(2026, 3, 1, 1, tzinfo=UTC),
    datetime(2024, 2, 29, 23, 59, 59, 999000, tzinfo=UTC),
    datetime(1999, 12, 31, 23, tzinfo=UTC),
    datetime(2125, 12, 31, tzinfo=UTC),
]
instants = st.sampled_from(MOMENTS) | st.integers(-90 * 86_400_000, 60 * 86_400_000).map(
    lambda milliseconds: NOW + timedelta(milliseconds=milliseconds)
)
BATCHES = (None, "spring", "17/3")
actions = st.lists(
    st.tuples(st.sampled_from(["redeem", "deactivate", "activate", "delete"]), st.integers(0, 7), st.integers(0, 3)),
    max_size=15,
)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def prepared(runner: asyncio.Runner, database_uri: str) -> Iterator["Prepared"]:
    """The verbs over an empty database, with a clock that can be set."""
    clock = Clock()
    services = Services.open(
        mongo_uri=database_uri, database_name=database_name(database_uri), mongo_driver=MONGO_DRIVER, clock=clock
    )
    runner.run(migrate(services.database))
    yield Prepared(services, clock)
    runner.run(services.close())


@settings(max_examples=40, deadline=None)
@given(
    expiries=st.lists(st.tuples(instants, st.integers(1, 2)), min_size=1, max_size=8),
    actions=actions,
    asked=st.lists(instants, min_size=1, max_size=3),
)
def test_counts_equal_a_count_one_by_one_at_any_moment(
    runner: asyncio.Runner,
    prepared: "Prepared",
    expiries: list[tuple[datetime, int]],
    actions: list[tuple[str, int, int]],
    asked: list[datetime],
) -> None:
    runner.run(prepared.compare(expiries, actions, asked))


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class Prepared:
    def __init__(self, services: Services, clock: Clock) -> None:
        self._services = services
        self._codes = services.access_codes
        self._clock = clock
        self._counts = AccessCodeCounts(services.database)

    async def compare(
        self, expiries: list[tuple[datetime, int]], actions: list[tuple[str, int, int]], asked: list[datetime]
    ) -> None:
        self._clock.now = NOW
        for code in await stored_codes(self._services):
            await self._codes.delete(SYSTEM, DeleteAccessCode(code.code))
        rows = [
            (n, ImportAccessCode(f"CODE0{n}", uses, at, batch=BATCHES[n % 3])) for n, (at, uses) in enumerate(expiries)
        ]
        await self._services.access_code_batches.import_rows(SYSTEM, rows)
        for what, number, user in actions:
            with suppress(RuleViolation, NotFound):
                await self._act(what, f"CODE0{number}", user)
        for now in (NOW, *asked):
            await self._compare_at(now)

    async def _act(self, what: str, code: str, user: int) -> None:
        match what:
            case "redeem":
                await self._codes.redeem(RateLimitPermit(SYSTEM), RedeemAccessCode(code, f"user{user}"))
            case "delete":
                await self._codes.delete(SYSTEM, DeleteAccessCode(code))
            case "activate":
                await self._codes.activate(SYSTEM, ActivateAccessCode(code))
            case _:
                await self._codes.deactivate(SYSTEM, DeactivateAccessCode(code))

    async def _compare_at(self, now: datetime) -> None:
        self._clock.now = now
        stats = await self._codes.stats(SYSTEM)
        assert {
            "total": stats.total,
            "active": stats.active,
            "expired": stats.expired,
            "fully_used": stats.fully_used,
            "total_usages": stats.total_usages,
        } == await brute_force_stats(self._services.database, now)
        every = await stored_codes(self._services)
        for batch in BATCHES:
            census = await self._counts.read(now, batch)
            codes = [code for code in every if batch in (None, code.batch)]
            assert (census.total, census.usages) == (len(codes), sum(code.used_count for code in codes))
            assert (census.full, census.usable) == (
                sum(code.is_full for code in codes),
                sum(code.is_open and not code.is_expired(now) for code in codes),
            )
            for active, expired in product((None, True, False), repeat=2):
                wanted = [c for c in codes if active in (None, c.active) and expired in (None, c.is_expired(now))]
                assert census.of(active=active, expired=expired) == len(wanted)
        audit = await self._services.audit.audit(SYSTEM, [AuditFamily.ACCESS_CODES])
        assert audit.drifts == ()
