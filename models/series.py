"""Series: buckets of civil time without gaps, and what a series is asked by.

A bucket is an hour, a day, a week or a month of a time zone. What happens is counted by the quarter of an hour, because
every offset from UTC that is in use is a whole number of quarters; where an offset of the past was not, a bucket begins
with the first quarter that begins within it.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, PlainValidator

from models.coupons.coupon import CouponRole
from models.errors import FieldError, InvalidInput
from models.inputs import Choice, Instant, RawId, Text, relay_id
from models.pagination import Period
from models.readers import read_instant

QUARTER = timedelta(minutes=15)
MOST_BUCKETS = 10_000
FIRST_INSTANT = datetime(1970, 1, 1, tzinfo=UTC)
LAST_INSTANT = datetime(3000, 1, 1, tzinfo=UTC)

_NOT_ZONES = frozenset({"localtime", "Factory"})
"""What stands among the zones of some systems and names none."""


class Interval(StrEnum):
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - _NOT_ZONES


def _read_time_zone(raw: object) -> str:
    if not isinstance(raw, str) or raw not in _zones():
        raise ValueError("must be the name of a time zone, such as Europe/Berlin")
    return raw


@dataclass(frozen=True, kw_only=True)
class AskSeries(Period):
    """What every series takes (no slots: others are made from it); without `end` it goes up to now."""

    interval: Choice[Interval]
    start: Annotated[Instant, Field(alias="from")]
    time_zone: Annotated[str, PlainValidator(_read_time_zone)] = "UTC"

    @classmethod
    def judge_together(cls, given: Mapping[str, object], at_fault: Set[str]) -> list[FieldError]:
        """It ends after it began, within the years for which there are time zones."""
        sound = {name: read_instant(given[name]) for name in ("from", "to") if name in given and name not in at_fault}
        faults = [
            FieldError(name, f"{name} must lie in the years 1970 to 2999")
            for name, at in sound.items()
            if not FIRST_INSTANT <= at <= LAST_INSTANT
        ]
        return faults + super().judge_together(given, at_fault)


@dataclass(frozen=True, kw_only=True)
class AskRedemptionSeries(AskSeries):
    """What `redemptionSeries` takes; `role` is that of both coupons."""

    role: Choice[CouponRole] | None = None


@dataclass(frozen=True, kw_only=True)
class AskAccessCodeUseSeries(AskSeries):
    """What `accessCodeUseSeries` takes; `batch` is the name of a batch."""

    batch: Text | None = None


@dataclass(frozen=True, kw_only=True)
class AskUsageSeries(AskSeries):
    """What `usageSeries` takes: at most one of the two."""

    coupon_id: Annotated[RawId, relay_id("Coupon")] | None = None
    campaign_id: RawId | None = None

    @classmethod
    def judge_together(cls, given: Mapping[str, object], at_fault: Set[str]) -> list[FieldError]:
        """It is of one thing or of all."""
        faults = super().judge_together(given, at_fault)
        if {"couponId", "campaignId"} <= given.keys():
            faults.append(FieldError("campaignId", "Give couponId or campaignId, not both"))
        return faults


@dataclass(frozen=True, slots=True)
class Bucket:
    """What was counted from `start` until before `end`, by the names of the numbers; money in cents."""

    start: datetime
    end: datetime
    numbers: Mapping[str, int]


def edges_of(asked: AskSeries, now: datetime) -> list[datetime]:
    """Returns where the buckets of a series begin, and where the last of them ends.

    They are whole: the first is the one that `from` lies in, the last the one that the instant before `to` lies in.
    Raises `InvalidInput` where it would be more than 10,000.
    """
    end = asked.end or max(now, asked.start + QUARTER)
    edges: list[datetime] = []
    for edge in _edges(asked.interval, ZoneInfo(asked.time_zone), asked.start):
        if edge <= asked.start:
            edges = [edge]
        elif edge > edges[-1]:  # A day that a zone has skipped has no instants.
            edges.append(edge)
        if edge >= end:
            return edges
        if len(edges) > MOST_BUCKETS:
            break
    raise InvalidInput.of("interval", f"A series has at most {MOST_BUCKETS:,} buckets; ask for a longer interval")


def _edges(interval: Interval, zone: ZoneInfo, start: datetime) -> Iterator[datetime]:
    """Every edge from one that is not after `start`."""
    if interval is Interval.HOUR:
        yield from _hours(zone, start)
        return
    day = _first_day(interval, start.astimezone(zone).date())
    # The clock may have gone back over midnight, and the date with it.
    day = _first_day(interval, day - timedelta(days=1)) if _beginning(day, zone) > start else day
    while True:
        yield _beginning(day, zone)
        day = _next_day(interval, day)


def _first_day(interval: Interval, day: date) -> date:
    match interval:
        case Interval.WEEK:
            return day - timedelta(days=day.weekday())
        case Interval.MONTH:
            return day.replace(day=1)
    return day


def _next_day(interval: Interval, day: date) -> date:
    match interval:
        case Interval.WEEK:
            return day + timedelta(days=7)
        case Interval.MONTH:
            return (day + timedelta(days=31)).replace(day=1)
    return day + timedelta(days=1)


def _beginning(day: date, zone: ZoneInfo) -> datetime:
    """The first quarter of a civil day: its midnight, or where the clock leaps over it what comes next.

    Where the clock shows it twice it is the first time that it stays that day.
    """
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    edge = _quarter(max(midnight.astimezone(UTC), midnight.replace(fold=1).astimezone(UTC)))
    if edge.astimezone(zone).date() < day:
        edge += QUARTER
    while (edge - QUARTER).astimezone(zone).date() >= day:
        edge -= QUARTER
    return edge


def _hours(zone: ZoneInfo, start: datetime) -> Iterator[datetime]:
    """Every quarter in which the zone's clock has come to another hour, or back to this one."""
    edge = _quarter(start)
    while not _is_new_hour(edge, zone):
        edge -= QUARTER
    while True:
        yield edge
        here, beyond = edge.astimezone(zone), (edge + 4 * QUARTER).astimezone(zone)
        if beyond.utcoffset() == here.utcoffset() and here.minute < 15:
            edge += 4 * QUARTER
            continue
        edge += QUARTER
        while not _is_new_hour(edge, zone):
            edge += QUARTER


def _is_new_hour(edge: datetime, zone: ZoneInfo) -> bool:
    here, before = edge.astimezone(zone), (edge - QUARTER).astimezone(zone)
    return here.hour != before.hour or here.minute < before.minute


def _quarter(instant: datetime) -> datetime:
    return instant.replace(minute=instant.minute // 15 * 15, second=0, microsecond=0)
