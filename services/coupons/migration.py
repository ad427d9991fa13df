"""Indexes and counters of coupons, and the import of coupons that an older system left.

The original system kept points and uses on the coupon alone. A coupon without our search fields is one of those: it
gets them, and ledger rows for the redemptions its numbers tell of, so that the ledger accounts for every point.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from models.coupons.coupon import POINTS_PER_REDEMPTION, CouponRole
from models.inputs import MAX_INT
from models.values.codes import normalize_code
from services.coupons.repository import COUPON_INDEXES, LEDGER_INDEXES, code_field, search_fields
from services.coupons.totals import CouponCounts
from services.kit.database import Database, Document
from services.kit.indexes import ensure_indexes
from services.migrations.legacy_import import Imported, import_all
from services.migrations.legacy_reading import Reading

if TYPE_CHECKING:
    from services.kit.database import Session

MOST_ROWS_EACH = 1_000
"""How many ledger rows a coupon gets for uses of which only the number is known; beyond it the number is kept."""

_REDEEMER = "redeemerTwitterId"
_KNOWN = frozenset(
    {"_id", "couponCode", "twitterId", "username", "followers", "points", "timesUsed", "role", "active", "form"}
    | {"createdAt", "updatedAt", "lastUsedAt", "__v"}
)


async def prepare_coupons(database: Database, *, recount: bool) -> int:
    """Make the indexes and import what an older system left; returns how many coupons that were.

    All coupons are counted anew after it, where there was any or `recount` says so or their total is wrong.
    """
    await ensure_indexes(database.redemptions, LEDGER_INDEXES)
    imported = await import_all(database, CouponImporter(database))
    await ensure_indexes(database.coupons, COUPON_INDEXES)
    await CouponCounts(database).catch_up(recount=recount or imported > 0)
    return imported


class CouponImporter:
    """Gives coupons their search fields, and the ledger rows for the redemptions that their numbers tell of."""

    collection = "coupons"
    unique: tuple[str, ...] = ("twitterId", "couponCode")
    looked_up: tuple[str, ...] = unique

    def __init__(self, database: Database) -> None:
        self._redemptions = database.redemptions

    def convert(self, reading: Reading) -> Imported:
        complete = _complete(reading)
        if "usernameKey" in reading.document:
            return Imported({**reading.document, **complete}, legacy=False)
        reading.drop_unknown(_KNOWN)
        return Imported(complete, legacy=True, rows=[("redemptions", row) for row in _ledger_of(complete)])

    async def settle(
        self, session: "Session", kept: Sequence[Imported], doubles: Sequence[Imported]
    ) -> list[tuple[str, Document]]:
        """Leave out rows of redeemers that the ledger knows, and note on each coupon what no row accounts for.

        A user who redeemed stays one, also where the coupon is set aside.
        """
        own = [row["redeemerTwitterId"] for each in (*kept, *doubles) for _, row in each.rows if _REDEEMER in row]
        known = self._redemptions.find({_REDEEMER: {"$in": own}}, session=session) if own else None
        redeemed = set() if known is None else {row[_REDEEMER] async for row in known}
        for each in kept:
            if each.legacy:
                each.rows = [pair for pair in each.rows if pair[1].get(_REDEEMER) not in redeemed]
                each.document |= _unaccounted(each)
        redeemed.update(row[_REDEEMER] for each in kept for _, row in each.rows if _REDEEMER in row)
        rest = {row[_REDEEMER]: row for each in doubles for _, row in each.rows if _REDEEMER in row}
        for row in rest.values():
            row.pop("redeemerCouponId")
        return [("redemptions", row) for twitter_id, row in rest.items() if twitter_id not in redeemed]


def _complete(reading: Reading) -> Document:
    """What the document holds, in our form and with what it lacks."""
    coupon_code, twitter_id = reading.text("couponCode"), reading.text("twitterId")
    if coupon_code is None:
        raise reading.refuse("couponCode", "is missing")
    if twitter_id is None:
        raise reading.refuse("twitterId", "is missing")
    username = reading.text("username") or twitter_id
    created_at = reading.created_at()
    return {
        "_id": reading.identifier(),
        "couponCode": normalize_code(coupon_code),
        "twitterId": twitter_id,
        "username": username,
        "followers": reading.at_most("followers") or 0,
        "points": reading.whole("points", minimum=-MAX_INT) or 0,
        "timesUsed": reading.count("timesUsed"),
        "role": _role(reading),
        "active": reading.flag("active") is not False,
        "createdAt": created_at,
        "updatedAt": reading.instant("updatedAt") or created_at,
        "lastUsedAt": reading.instant("lastUsedAt"),
        **search_fields(username),
        **code_field(coupon_code),
    }


def _role(reading: Reading) -> str:
    role = (reading.text("role") or CouponRole.USER.value).lower()
    if role not in CouponRole.__members__.values():
        raise reading.refuse("role", "is neither creator nor user")
    return role


def _ledger_of(coupon: Document) -> list[Document]:
    """Rows for the uses of a coupon, and one for its owner's own redemption when the points tell of it."""
    at = coupon["lastUsedAt"] or coupon["updatedAt"]
    row = {"points": POINTS_PER_REDEMPTION, "redeemedAt": at, "takenOver": True}
    uses = [
        {**row, "couponId": coupon["_id"], "couponCode": coupon["couponCode"], "creatorTwitterId": coupon["twitterId"]}
        for _ in range(min(coupon["timesUsed"], MOST_ROWS_EACH))
    ]
    own = {**row, "redeemerTwitterId": coupon["twitterId"], "redeemerCouponId": coupon["_id"]}
    if coupon["points"] - POINTS_PER_REDEMPTION * coupon["timesUsed"] >= POINTS_PER_REDEMPTION:
        uses.append(own)
    return uses


def _unaccounted(imported: Imported) -> dict[str, int]:
    """The points and uses of a coupon that its rows do not account for."""
    coupon = imported.document
    uses = coupon["timesUsed"] - sum("couponId" in row for _, row in imported.rows)
    points = coupon["points"] - POINTS_PER_REDEMPTION * len(imported.rows)
    numbers = {"unaccountedUses": uses, "unaccountedPoints": points}
    return {name: number for name, number in numbers.items() if number}
