"""What can be exported: for each family its list, what it may be narrowed by, and how one of its things is shown."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar

from orjson import dumps

from models.access_codes.access_code import AccessCode, AccessCodeFilter, AccessCodeUse, AccessCodeUseFilter
from models.access_codes.batches import CSV_COLUMNS
from models.access_codes.cells import code_to_cell
from models.activity import Activity, ActivityFilter
from models.base import camel_case, to_json
from models.coupons.coupon import Coupon, CouponFilter
from models.coupons.redemptions import LedgerEntry, RedemptionFilter
from models.exports import Cells, Row
from models.inputs import Input
from models.orders.commands import OrderFilter
from models.orders.order import Order
from models.orders.refunds import Refund, RefundFilter
from models.pagination import KeysetOrder
from models.usage.follower import UsageMove
from models.usage.history import UsageMoveFilter
from services.access_codes import repository as access_codes
from services.activity.repository import activity
from services.coupons import repository as coupons
from services.kit.database import Database, Document
from services.kit.pagination import Listing
from services.orders import repository as orders
from services.orders.refunds import Refunds
from services.usage import repository as usage

Wanted = TypeVar("Wanted", bound=Input)
Item = TypeVar("Item")
Find: TypeAlias = Callable[[Database, Wanted, datetime], Awaitable[tuple[Listing[Wanted, Item], Document]]]


@dataclass(frozen=True, slots=True)
class Family(Generic[Wanted, Item]):
    """Things of one kind. `find` makes their list and the query for what a filter leaves of it at an instant.

    `more` are the columns that `to_row` adds to the fields of an item, `only` those of a row that has not all.
    `projection` leaves out what no item has.
    """

    name: str
    item: type[Item]
    filter: type[Wanted]
    find: Find[Wanted, Item]
    to_row: Callable[[Item], Row] = to_json
    cells: Cells = field(default_factory=dict)
    more: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    projection: Mapping[str, object] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of what a row holds, in order."""
        names = [camel_case(f.name) for f in fields(self.item)]  # type: ignore[arg-type]  # a dataclass
        return self.only or tuple(dict.fromkeys(("_id", *names, *self.more)))

    def row_of(self, listing: Listing[Wanted, Item], document: Document) -> Row:
        """The row of a document; what is nested is JSON in a text."""
        shown = self.to_row(listing.from_document(document))
        flat = {name: dumps(value).decode() if isinstance(value, list) else value for name, value in shown.items()}
        return {"_id": str(document["_id"]), **flat}


def _listed(make: Callable[[Database], Listing[Wanted, Item]]) -> Find[Wanted, Item]:
    async def find(database: Database, wanted: Wanted, _: datetime) -> tuple[Listing[Wanted, Item], Document]:
        listing = make(database)
        return listing, listing.query_of(wanted)

    return find


async def _find_codes(
    order: KeysetOrder, database: Database, wanted: AccessCodeFilter, now: datetime
) -> tuple[Listing[AccessCodeFilter, AccessCode], Document]:
    query_of = partial(access_codes.query_of, now=now)
    listing = Listing(database.access_codes, order, query_of, access_codes.ACCESS_CODES.load)
    return listing, await access_codes.query_for(database.access_codes, wanted, now)


def _orders(database: Database) -> Listing[OrderFilter, Order]:
    return Listing(
        database.orders,
        orders.NEWEST_FIRST,
        lambda wanted: orders.orders_query(wanted, wanted.user_id),
        orders.ORDERS.load,
    )


def _activity_row(activity: Activity) -> Row:
    """Who acted and what was acted upon, the first of several, in columns of their own."""
    kind = {"by": activity.by.name, "byKind": activity.by.kind.value}
    thing = activity.object
    return to_json(activity) | kind | {"objectType": thing and thing.type, "objectId": thing and thing.id}


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
    Family("orders", Order, OrderFilter, _listed(_orders)),
    Family("refunds", Refund, RefundFilter, _listed(lambda database: Refunds(database).listing)),
    Family(
        "activity",
        Activity,
        ActivityFilter,
        _listed(activity),
        _activity_row,
        more=("byKind", "objectType", "objectId"),
    ),
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
