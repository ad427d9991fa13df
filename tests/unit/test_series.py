"""Buckets of civil time, and that whatever the interval and the zone they add up to what happened."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import InvalidInput
from models.inputs import parse
from models.series import QUARTER, AskSeries, Interval, edges_of
from services.kit.hourly.totals import ALL, HourlyChanges, HourlySource, buckets_between, day_of, grains_of

NOW = datetime(2026, 11, 30, 19, 40, tzinfo=UTC)
SOURCE = HourlySource("things", "things", "at", {"count": 1, "weight": "$weight"})
ZONES = sorted(available_timezones() - {"localtime", "Factory"})
INSTANTS = st.timedeltas(timedelta(0), timedelta(days=50 * 365)).map(
    lambda since: datetime(1990, 1, 1, tzinfo=UTC) + since
)

EDGES: list[tuple[str, str, str, str, str, list[str]]] = [
    ("a day of 23 hours", "DAY", "Europe/Berlin", "2026-03-29T12Z", "2026-03-29T13Z", ["03-28T23:00", "03-29T22:00"]),
    ("a day of 25 hours", "DAY", "Europe/Berlin", "2026-10-25T12Z", "2026-10-25T13Z", ["10-24T22:00", "10-25T23:00"]),
    (
        "an hour that comes twice is two",
        *("HOUR", "Europe/Berlin", "2026-10-25T00:10Z", "2026-10-25T02:10Z"),
        ["10-25T00:00", "10-25T01:00", "10-25T02:00", "10-25T03:00"],
    ),
    (
        "a clock that goes back by half an hour",
        *("HOUR", "Australia/Lord_Howe", "2026-04-04T14:00Z", "2026-04-04T16:00Z"),
        ["04-04T14:00", "04-04T15:00", "04-04T15:30", "04-04T16:30"],
    ),
    (
        "hours of a zone of half hours",
        *("HOUR", "Asia/Kolkata", "2026-01-01T00:00Z", "2026-01-01T01:00Z"),
        ["12-31T23:30", "01-01T00:30", "01-01T01:30"],
    ),
    ("days of quarters", "DAY", "Asia/Kathmandu", "2026-01-01T00Z", "2026-01-01T01Z", ["12-31T18:15", "01-01T18:15"]),
    (
        "a midnight that is leapt over",
        *("DAY", "America/Sao_Paulo", "2018-11-03T12Z", "2018-11-04T12Z"),
        ["11-03T03:00", "11-04T03:00", "11-05T02:00"],
    ),
    (
        "a midnight that comes twice",
        *("DAY", "America/Havana", "2026-10-31T12Z", "2026-11-01T12Z"),
        ["10-31T04:00", "11-01T04:00", "11-02T05:00"],
    ),
    (
        "a clock that goes back over midnight",
        *("DAY", "America/St_Johns", "2010-11-06T12Z", "2010-11-07T12Z"),
        ["11-06T02:30", "11-07T03:30", "11-08T03:30"],
    ),
    (
        "a day that a zone has skipped",
        *("DAY", "Pacific/Apia", "2011-12-29T00Z", "2011-12-31T00Z"),
        ["12-28T10:00", "12-29T10:00", "12-30T10:00", "12-31T10:00"],
    ),
    ("a week begins on Monday", "WEEK", "UTC", "2026-11-29T23:59Z", "2026-11-30T00Z", ["11-23T00:00", "11-30T00:00"]),
    ("and Monday is within", "WEEK", "UTC", "2026-11-30T00Z", "2026-11-30T01Z", ["11-30T00:00", "12-07T00:00"]),
    (
        "a week over the end of a year, with a change of the clock in none",
        *("WEEK", "America/New_York", "2025-12-31T12Z", "2026-01-06T00Z"),
        ["12-29T05:00", "01-05T05:00", "01-12T05:00"],
    ),
    ("a February of 29 days", "MONTH", "UTC", "2024-02-29T23Z", "2024-02-29T23:59Z", ["02-01T00:00", "03-01T00:00"]),
    (
        "months of any length",
        *("MONTH", "Europe/London", "2026-01-31T00Z", "2026-04-01T00Z"),
        ["01-01T00:00", "02-01T00:00", "03-01T00:00", "03-31T23:00", "04-30T23:00"],
    ),
    ("to is not within", "DAY", "UTC", "2026-01-01T00Z", "2026-01-02T00Z", ["01-01T00:00", "01-02T00:00"]),
    (
        "an offset of the past that was no quarter",
        *("DAY", "Africa/Monrovia", "1970-01-02T12Z", "1970-01-02T13Z"),
        ["01-02T00:45", "01-03T00:45"],
    ),
]


def ask(interval: Interval, start: datetime, end: datetime | None, zone: str = "UTC") -> AskSeries:
    return AskSeries(interval=interval, start=start, end=end, time_zone=zone)


def asked(interval: str, zone: str, start: str, end: str | None) -> AskSeries:
    ends = None if end is None else datetime.fromisoformat(end)
    return ask(Interval[interval], datetime.fromisoformat(start), ends, zone)


@pytest.mark.parametrize(("_", "interval", "zone", "start", "end", "expected"), EDGES, ids=[row[0] for row in EDGES])
def test_edges(_: str, interval: str, zone: str, start: str, end: str, expected: list[str]) -> None:
    found = edges_of(asked(interval, zone, start, end), NOW)
    assert [f"{edge:%m-%dT%H:%M}" for edge in found] == expected


def test_without_an_end_the_bucket_of_now_is_the_last() -> None:
    assert edges_of(asked("HOUR", "UTC", "2026-11-30T18Z", None), NOW)[-1] == datetime(2026, 11, 30, 20, tzinfo=UTC)
    later = edges_of(asked("DAY", "UTC", "2026-12-24T18Z", None), NOW)
    assert later == [datetime(2026, 12, 24, tzinfo=UTC), datetime(2026, 12, 25, tzinfo=UTC)]


def test_ten_thousand_buckets_are_the_most() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    most = ask(Interval.HOUR, start, start + timedelta(hours=10_000))
    assert len(edges_of(most, NOW)) == 10_001
    with pytest.raises(InvalidInput, match="at most 10,000 buckets"):
        edges_of(ask(Interval.HOUR, start, start + timedelta(hours=10_000, seconds=1)), NOW)


@pytest.mark.parametrize("zone", ["", "localtime", "Europe", "../UTC", "/etc/localtime", "europe/berlin\0", "UTC+1", 5])
def test_what_names_no_zone_is_refused(zone: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(AskSeries, {"interval": "day", "from": "2026-01-01", "timeZone": zone})
    assert [fault.path for fault in refused.value.faults] == ["timeZone"]


@given(st.sampled_from(Interval), st.sampled_from(ZONES), INSTANTS, st.timedeltas(QUARTER, timedelta(days=300)))
def test_buckets_have_no_gaps_and_are_those_of_the_calendar(
    interval: Interval, zone: str, start: datetime, span: timedelta
) -> None:
    edges = edges_of(ask(interval, start, start + span, zone), NOW)
    assert edges[0] <= start < edges[1]
    assert edges[-2] < start + span <= edges[-1]
    here = ZoneInfo(zone)
    for edge, following in pairwise(edges):
        assert edge < following
        first, last = (edge.astimezone(here), (following - QUARTER).astimezone(here))
        assert _name(interval, first) == _name(interval, last)


def _name(interval: Interval, at: datetime) -> object:
    """What the instants of a bucket have in common."""
    names: dict[Interval, object] = {
        Interval.HOUR: (at.date(), at.hour),
        Interval.DAY: at.date(),
        Interval.WEEK: at.date() - timedelta(days=at.weekday()),
        Interval.MONTH: date(at.year, at.month, 1),
    }
    return names[interval]


@given(
    st.sampled_from(Interval),
    st.sampled_from(ZONES),
    INSTANTS,
    st.lists(st.tuples(st.timedeltas(timedelta(days=-3), timedelta(days=100)), st.integers(-5, 9)), max_size=40),
)
def test_the_buckets_add_up_to_the_rows(
    interval: Interval, zone: str, start: datetime, rows: list[tuple[timedelta, int]]
) -> None:
    changes = HourlyChanges()
    for after, weight in rows:
        changes.add(SOURCE, start + after, {"count": 1, "weight": weight})
    edges = edges_of(ask(interval, start, start + timedelta(days=60), zone), NOW)
    # As they are read: nothing but the grains that are needed.
    grains, days = grains_of(edges), {}
    for day in {day_of(start + after) for after, _ in rows}:
        fields = changes.of(SOURCE)[day, ALL]
        days[day] = Counter({name: number for name, number in fields.items() if name.partition(".")[2] in grains})
    for (begins, ends), counted in zip(pairwise(edges), buckets_between(SOURCE, days, edges), strict=True):
        within = [weight for after, weight in rows if begins <= start + after < ends]
        assert (counted["count"], counted["weight"]) == (len(within), sum(within))


def test_a_part_counts_in_the_whole_too() -> None:
    changes = HourlyChanges()
    changes.add(SOURCE, NOW, {"count": 1, "weight": 2}, "a")
    changes.add(SOURCE, NOW, {"count": 1, "weight": 0})
    days = changes.of(SOURCE)
    assert {part: (fields["count.d"], fields["weight.h19"]) for (_, part), fields in days.items()} == {
        ALL: (2, 2),
        "a": (1, 2),
    }
