"""What is counted of coupons: the totals of their statistics, and their redemptions by the hour."""

from typing import TYPE_CHECKING

from typing_extensions import override

from services.kit.counters import Counts
from services.kit.database import Database, aggregate
from services.kit.hourly.totals import HourlySource

if TYPE_CHECKING:
    from services.kit.database import Session

FAMILY = "coupons"
REDEMPTIONS = HourlySource(
    "redemptions",
    "redemptions",
    "redeemedAt",
    {"count": 1, "newUsers": {"$cond": [{"$eq": ["$newUser", True]}, 1, 0]}, "points": "$points"},
    part="$role",
)


class CouponCounts(Counts):
    """The totals as they are kept and as the coupons make them."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, FAMILY, database.coupons, "total")

    @override
    async def counted(self, session: "Session") -> dict[str, int]:
        is_creator = {"$eq": ["$role", "creator"]}
        totals = {
            "_id": None,
            "total": {"$sum": 1},
            "creators": {"$sum": {"$cond": [is_creator, 1, 0]}},
            "users": {"$sum": {"$cond": [is_creator, 0, 1]}},
            "redeemed": {"$sum": "$timesUsed"},
        }
        found = [row async for row in aggregate(self._rows, [{"$group": totals}], session=session)]
        return {name: number for name, number in found[0].items() if name != "_id"} if found else {}
