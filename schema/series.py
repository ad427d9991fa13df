"""Series in GraphQL."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

import strawberry

from models import series as models
from models.values.money import from_integer_cents
from schema.scalars import BigInt, describe_enum

describe_enum(
    models.Interval,
    "SeriesInterval",
    "How long a bucket of a series is, by the clock and the calendar of its time zone.",
    {
        models.Interval.HOUR: "From full hour to full hour.",
        models.Interval.DAY: "From midnight to midnight: 23 or 25 hours where the clock changes.",
        models.Interval.WEEK: "From Monday to Monday.",
        models.Interval.MONTH: "From the first of a month to the first of the next.",
    },
)


@strawberry.interface(description="A bucket of a series.")
class SeriesBucket:
    start: datetime = strawberry.field(name="from", description="Where it begins; this instant is within.")
    end: datetime = strawberry.field(name="to", description="Where it ends; this instant is in the next.")
    numbers: strawberry.Private[Mapping[str, int]]

    @classmethod
    def of(cls, bucket: models.Bucket, /) -> Self:
        """Returns what shows a bucket."""
        return cls(start=bucket.start, end=bucket.end, numbers=bucket.numbers)


def _number(name: str, description: str) -> Any:  # what strawberry.field returns stands where a value of any type will
    """A field of a bucket that shows the number of this name."""

    def read(root: SeriesBucket) -> BigInt:
        return BigInt(root.numbers[name])

    return strawberry.field(resolver=read, description=description)


@strawberry.type(description="What was redeemed in a span of time.")
class RedemptionBucket(SeriesBucket):
    count: BigInt = _number("count", "How many coupons were redeemed.")
    new_users: BigInt = _number("newUsers", "How many of the redeemers got their own coupon by it.")
    points: BigInt = _number("points", "How many points each of both sides got.")


@strawberry.type(description="How often access codes were used in a span of time.")
class AccessCodeUseBucket(SeriesBucket):
    count: BigInt = _number("count", "How many uses there were.")


@strawberry.type(description="How usage moved in a span of time.")
class UsageBucket(SeriesBucket):
    count: BigInt = _number("count", "How many moves there were.")
    added: BigInt = _number("added", "How many uses were added.")
    removed: BigInt = _number("removed", "How many uses were given back.")

    @strawberry.field(description="What was added less what was given back.")
    def net(self) -> BigInt:
        return BigInt(self.numbers["added"] - self.numbers["removed"])


@strawberry.type(description="What was ordered in a span of time.")
class OrderBucket(SeriesBucket):
    count: BigInt = _number("count", "How many orders were made.")

    refund_count: BigInt = _number("refunds.count", "How many refunds there were, as `refunds` of an order lists them.")
    refunded_units: BigInt = _number("refunds.units", "How many units of products were refunded.")

    @strawberry.field(description="What the orders that were made come to, by their `totalPrice`.")
    def amount(self) -> Decimal:
        return from_integer_cents(self.numbers["amount"])

    @strawberry.field(description="What was refunded, of orders of any age.")
    def refunded_amount(self) -> Decimal:
        return from_integer_cents(self.numbers["refunds.amount"])
