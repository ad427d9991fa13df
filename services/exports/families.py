"""What can be exported: for each family its list, what it may be narrowed by, and how one of its things is shown."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar

import orjson

from models.access_codes.access_code import AccessCode, AccessCodeFilter, AccessCodeUse, AccessCodeUseFilter
from models.access_codes.batches import CSV_COLUMNS
from models.access_codes.cells import code_to_cell
from models.base import camel_case, to_json
from models.coupons.coupon import Coupon, CouponFilter
from models.coupons.redemptions import LedgerEntry, RedemptionFilter
from models.exports import Cells, Row
from models.inputs import Input, Text
from models.orders.order import Order
from models.pagination import KeysetOrder
from models.usage.follower import UsageMove
from models.usage.history import UsageMoveFilter
from services.access_codes import repository as access_codes
from services.coupons import repository as coupons
from services.kit.database import Database, Document
from services.kit.pagination import Listing
from services.orders import repository as orders
from services.usage import repository as usage

Wanted = TypeVar("Wanted", bound=Input)
Item = TypeVar("Item")
Find: TypeAlias = Callable[[Database, Wanted, datetime], Awaitable[tuple[Listing[Wanted, Item], Document]]]


@dataclass(frozen=True, slots=True)
class Family(Generic[Wanted, Item]):
    """Things of one kind. `find` makes their list and the query for what a filter leaves of it at an instant.

    `only` are the columns where a row has not all that it could. `projection` leaves out what no item has.
    """

    name: str
    item: type[Item]
    filter: type[Wanted]
    find: Find[Wanted, Item]
    to_row: Callable[[Item], Row] = to_json
    cells: Cells = field(default_factory=dict)
    only: tuple[str, ...] = ()
    projection: Mapping[str, object] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of what a row holds, in order."""
        names = [camel_case(f.name) for f in fields(self.item)]  # type: ignore[arg-type]  # a dataclass
        return self.only or tuple(dict.fromkeys(("_id", *names)))

    def row_of(self, listing: Listing[Wanted, Item], document: Document) -> Row:
        """The row of a document."""
        return {"_id": str(document["_id"]), **self.to_row(listing.from_document(document))}


def _listed(make: Callable[[Database], Listing[Wanted, Item]]) -> Find[Wanted, Item]:
    async def find(database: Database, wanted: Wanted, _: datetime) -> tuple[Listing[Wanted, Item], Document]:
        listing = make(database)
        return listing, listing.query_of(wanted)

    return find


@dataclass(frozen=True, slots=True)
class OfUser(Input):
    """The orders of a user, or all."""

    user_id: Text | None = None


async def _find_codes(
    order: KeysetOrder, database: Database, wanted: AccessCodeFilter, now: datetime
) -> tuple[Listing[AccessCodeFilter, AccessCode], Document]:
    query_of = partial(access_codes.query_of, now=now)
    listing = Listing(database.access_codes, order, query_of, access_codes.ACCESS_CODES.load)
    return listing, await access_codes.query_for(database.access_codes, wanted, now)


def _orders(database: Database) -> Listing[OfUser, Order]:
    return Listing(
        database.orders, orders.NEWEST_FIRST, lambda wanted: orders.orders_of(wanted.user_id), orders.ORDERS.load
    )


def _order_row(order: Order) -> Row:
    """An order in one row: its lines are JSON in a text."""
    shown = to_json(order)
    return shown | {"products": orjson.dumps(shown["products"]).decode()}


_CODE_CELLS: Cells = {"code": code_to_cell}
_FAMILIES: list[Family[Any, Any]] = [
    Family(
        "coupons",
        Coupon,
        CouponFilter,
        _listed(lambda at: Listing(at.coupons, coupons.NEWEST_FIRST, coupons.query_of, coupons.COUPONS.load)),
        projection=coupons.ENTITY_ALONE,
    ),
    Family("redemptions", LedgerEntry, RedemptionFilter, _listed(coupons.redemptions)),
    Family(
        "access-codes",
        AccessCode,
        AccessCodeFilter,
        partial(_find_codes, access_codes.NEWEST_FIRST),
        cells=_CODE_CELLS,
        projection=access_codes.ENTITY_ALONE,
    ),
    Family("access-code-uses", AccessCodeUse, AccessCodeUseFilter, _listed(access_codes.uses), cells=_CODE_CELLS),
    Family("usage-moves", UsageMove, UsageMoveFilter, _listed(usage.moves)),
    Family("orders", Order, OfUser, _listed(_orders), _order_row),
]
FAMILIES: Mapping[str, Family[Any, Any]] = {family.name: family for family in _FAMILIES}
"""By the names under which they are asked for."""

ACCESS_CODES_TO_IMPORT = Family(
    "codes",
    AccessCode,
    AccessCodeFilter,
    partial(_find_codes, KeysetOrder("oldest", ("createdAt",), descending=False)),
    cells=_CODE_CELLS,
    only=CSV_COLUMNS,
    projection=access_codes.ENTITY_ALONE,
)
"""What `tessera codes export` writes: the oldest first, with the columns alone that an import takes."""
