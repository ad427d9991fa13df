"""Whatever an older system stored is imported or set aside, and every list, total and audit goes on afterwards."""

import asyncio
import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from bson import Decimal128, Int64, ObjectId
from bson.datetime_ms import DatetimeMS
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient

from services.migrations.runner import migrate
from services.migrations.set_aside import rows_of
from tests.support.api import ADMIN, Api, running_api, settings_for
from tests.support.uris import with_database

CARD = 4_111_111_111_111_111
SECRET = re.compile(rf"{CARD}|(?<![0-9a-f])987(?![0-9a-f])")
"""A card number, or a security code that is no part of an id or an instant."""
THEN = datetime(2023, 1, 15, tzinfo=UTC)
names = st.sampled_from(["ada", " ada", "ada\u200b", "bob", "e\u0301va", "\u00e9va", "a.b", "$c", "x" * 300])
numbers = st.one_of(
    st.integers(-3, 50),
    st.sampled_from([2.0, 2.5, -0.0, float("nan"), float("inf"), float("-inf"), 2**31, 2**53, Int64(7), True]),
    st.sampled_from([Decimal128("3"), Decimal128("NaN"), Decimal128("1E+6000"), "12", " 12 ", "1e3", "x", "", None]),
)
dates = st.one_of(
    st.sampled_from([THEN, None, "2023-01-15", "2023-01-15T12:00:00Z", " ", "soon", 1673740800000, float("nan")]),
    st.sampled_from([DatetimeMS(8_640_000_000_000_000), DatetimeMS(-8_640_000_000_000_000), DatetimeMS(-1)]),
)
odd = st.sampled_from([None, "", " ", 7, 7.5, True, [], ["ada"], {}, {"$a": 1}, b"x", ObjectId("1" * 24), float("nan")])
flags = st.sampled_from([True, False, "true", "false", "no", 0, 1, None, "maybe"])
ids = st.one_of(st.builds(ObjectId), st.sampled_from(["u1", 5, "a" * 24]))
MISSING = object()


def of(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Documents whose fields are of their kind, now and then odd, now and then missing."""
    maybe = {name: st.one_of(values, values, values, odd, st.just(MISSING)) for name, values in fields.items()}
    documents = st.fixed_dictionaries({"_id": ids, **maybe})
    return documents.map(lambda found: {name: value for name, value in found.items() if value is not MISSING})


lines = of({"productId": names, "quantity": numbers, "price": numbers, "refundedQuantity": numbers}).map(
    lambda line: {name: value for name, value in line.items() if name != "_id"}
)
uses = st.one_of(names, odd, st.fixed_dictionaries({"username": st.one_of(names, odd), "redeemedAt": dates}))
counts = st.dictionaries(names, numbers, max_size=3)
limits = dict.fromkeys(("maxLimitInBasket", "maxTotalLimit", "maxLimitPerCustomer", "totalUsageCount"), numbers)
COLLECTIONS = {
    "coupons": of(
        {"couponCode": st.sampled_from(["ABC1-DEF2", "abc1-def2 ", "XYZ9-XYZ8", "old"]), "twitterId": names}
        | {"username": names, "followers": numbers, "points": numbers, "timesUsed": numbers, "active": flags}
        | {"role": st.sampled_from(["user", "Creator "]), "createdAt": dates, "updatedAt": dates, "lastUsedAt": dates}
    ),
    "accesscodes": of(
        {"code": st.sampled_from(["BETA01", "beta01 ", "OLD\u200b1", "a-b", "2023"]), "description": names}
        | {"maxUses": numbers, "usedCount": numbers, "usedBy": st.lists(uses, max_size=3), "expiresAt": dates}
        | {"active": flags, "createdAt": dates, "createdBy": names}
    ),
    "usagefollowers": of(
        {"campaignId": st.one_of(st.builds(ObjectId), st.sampled_from(["b" * 24, "B" * 24, ObjectId("b" * 24)]))}
        | limits
        | {"userUsageCount": counts, "tempUsageCount": counts, "createdAt": dates}
    ),
    "orders": of(
        {"userId": names, "paymentId": names, "products": st.lists(lines, max_size=2), "totalPrice": numbers}
        | {"cardNumber": st.sampled_from([CARD, float(CARD), str(CARD), None]), "refunded": flags, "status": names}
        | {"cvv": st.just(987), "isGift": flags, "createdAt": dates, "updatedAt": dates}
    ),
}
QUERY = """
{ coupons(first: 3) { edges { cursor } nodes { points timesUsed followers createdAt } totalCount }
  byUses: coupons(first: 3, orderBy: TIMES_USED) { edges { cursor node { id } } }
  couponStats { totalCoupons totalRedeemed mostUsedCoupon { id } }
  accessCodes { edges { cursor } nodes { maxUses usedCount expiresAt usedBy { edges { cursor } } } totalCount }
  accessCodeStats { totalAccessCodes totalUsages }
  usageFollowers { edges { cursor } nodes { totalUsageCount maxTotalLimit } totalCount }
  orders { edges { cursor } nodes { totalPrice cardLast4 products { price quantity } } totalCount }
  audit { driftCount drifts { collection field stored expected } } }
"""
LISTS = ("coupons", "accessCodes", "usageFollowers", "orders")


@settings(
    max_examples=6, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(st.fixed_dictionaries({name: st.lists(documents, max_size=6) for name, documents in COLLECTIONS.items()}))
def test_nothing_odd_stops_the_import_and_nothing_is_lost(mongo_uri: str, stored: dict[str, list[Any]]) -> None:
    asyncio.run(check(with_database(mongo_uri, f"test_{uuid4().hex[:16]}"), stored))


async def check(uri: str, stored: dict[str, list[Any]]) -> None:
    there = {name: {repr(document["_id"]): document for document in documents} for name, documents in stored.items()}
    with MongoClient[dict[str, Any]](uri) as client:
        for name, documents in there.items():
            if documents:
                client.get_default_database()[name].insert_many(documents.values())
    async with running_api(settings_for(uri)) as api:
        database = api.services.database
        try:
            found = await api.data(QUERY, None, ADMIN)
            assert found["audit"] == {"driftCount": 0, "drifts": []}
            aside = await rows_of(database).find().to_list(None)
            for name, shown in zip(("coupons", "accesscodes", "usagefollowers", "orders"), LISTS, strict=True):
                lost = sum(row["collection"] == name and not row["imported"] for row in aside)
                assert found[shown]["totalCount"] + lost == len(there[name])
                assert all(row["reason"] for row in aside)
                for edge in found[shown]["edges"]:
                    after = await api.graphql(f'{{ {shown}(after: "{edge["cursor"]}") {{ totalCount }} }}', None, ADMIN)
                    # A cursor before 1970 is taken back by the reader of cursors, wherever it is.
                    assert "INTERNAL_SERVER_ERROR" not in str(after)
            assert not any(SECRET.search(str(row)) for row in aside)
            await rest_answers(api)
            assert set((await migrate(database)).values()) == {0}
        finally:
            await database.client.drop_database(database.name)


async def rest_answers(api: Api) -> None:
    for path in ("coupons", "stats", "access-codes", "access-code-stats"):
        answer = await api.http.get(f"/admin/{path}", headers=ADMIN)
        assert answer.status_code == 200, answer.text
    for user in ("ada", "bob"):
        assert (await api.http.get(f"/api/order/find/{user}", headers=ADMIN)).status_code == 200
        assert (await api.http.get(f"/api/access-code/user/{user}")).status_code == 200
