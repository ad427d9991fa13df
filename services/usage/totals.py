"""What is counted of usage: the moves of its ledger by the hour."""

from models.usage.follower import UsageMove
from services.kit.database import Document
from services.kit.hourly.totals import HourlySource


def part_of(field: str, identifier: str) -> str:
    """Returns the name of the part of a series that is one coupon's or one campaign's."""
    return f"{field}/{identifier}"


def _part(field: str) -> Document:
    """The same, or null where a row is not of that kind."""
    return {"$concat": [part_of(field, ""), {"$toString": f"${field}"}]}


MOVES = HourlySource(
    "usage",
    "usageledger",
    "at",
    {"count": 1, "added": {"$max": ["$amount", 0]}, "removed": {"$max": [{"$subtract": [0, "$amount"]}, 0]}},
    part={"$ifNull": [_part("couponId"), _part("campaignId")]},
)


def part_of_move(move: UsageMove) -> str | None:
    """Returns the part of the series that a move counts for."""
    if move.coupon_id is not None:
        return part_of("couponId", move.coupon_id)
    return None if move.campaign_id is None else part_of("campaignId", move.campaign_id)


def counted(move: UsageMove) -> dict[str, int]:
    """Returns what a move counts for."""
    return {"count": 1, "added": max(move.amount, 0), "removed": max(-move.amount, 0)}
