"""What is counted of coupons: the totals of their statistics."""

from typing import TYPE_CHECKING

from services.kit.counters import Counters
from services.kit.database import Database, aggregate

if TYPE_CHECKING:
    from services.kit.database import Session

FAMILY = "coupons"


class CouponCounts:
    """The totals as they are kept and as the coupons make them."""

    def __init__(self, database: Database) -> None:
        self._coupons = database.coupons
        self._totals = Counters(database, FAMILY)

    async def kept(self, session: "Session") -> dict[str, int]:
        return await self._totals.read(session)

    async def counted(self, session: "Session") -> dict[str, int]:
        is_creator = {"$eq": ["$role", "creator"]}
        totals = {
            "_id": None,
            "total": {"$sum": 1},
            "creators": {"$sum": {"$cond": [is_creator, 1, 0]}},
            "users": {"$sum": {"$cond": [is_creator, 0, 1]}},
            "redeemed": {"$sum": "$timesUsed"},
        }
        found = [row async for row in aggregate(self._coupons, [{"$group": totals}], session=session)]
        return {name: number for name, number in found[0].items() if name != "_id"} if found else {}

    async def recount(self, session: "Session") -> None:
        """Count all coupons anew, in place of what was counted."""
        await self._totals.clear(session)
        await self._totals.add(session, await self.counted(session))
