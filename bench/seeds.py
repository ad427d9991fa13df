"""Data to measure on: coupons as Tessera writes them, with the search fields, counters and indexes of their own."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from pymongo import MongoClient
from pymongo.collection import Collection

from models.coupons import Coupon, CouponRole
from services.coupon_documents import coupon_to_document

BATCH = 2_000
_MADE = datetime(2025, 1, 1, tzinfo=UTC)
_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def code_of(number: int) -> str:
    """A coupon code that is this number."""
    digits = ""
    for _ in range(8):
        number, place = divmod(number, len(_LETTERS))
        digits = _LETTERS[place] + digits
    return f"{digits[:4]}-{digits[4:]}"


def coupon_documents(count: int) -> Iterator[dict[str, Any]]:
    """`count` coupons: owner `seed<n>`, made a second after each other."""
    for n in range(count):
        made = _MADE + timedelta(seconds=n)
        coupon = Coupon(
            id=str(ObjectId()),
            coupon_code=code_of(n),
            twitter_id=f"seed{n}",
            username=f"{'rare' if n % 1_000 == 0 else 'person'}_{n}",
            followers=1_000 + n * 7_919 % 1_000_000,
            points=0,
            times_used=0,
            role=CouponRole.USER,
            active=True,
            created_at=made,
            updated_at=made,
        )
        yield coupon_to_document(coupon)


def insert(collection: Collection[dict[str, Any]], documents: Iterator[dict[str, Any]]) -> None:
    batch: list[dict[str, Any]] = []
    for document in documents:
        batch.append(document)
        if len(batch) == BATCH:
            collection.insert_many(batch, ordered=False)
            batch = []
    if batch:
        collection.insert_many(batch, ordered=False)


def seed_coupons(uri: str, count: int) -> None:
    """Fill the database of this URI with coupons only, before any server has seen it."""
    with MongoClient[dict[str, Any]](uri) as client:
        database = client.get_default_database()
        database.client.drop_database(database.name)
        insert(database["coupons"], coupon_documents(count))
        # What the peers need of indexes; Tessera makes its own at start-up.
        database["coupons"].create_index("twitterId", unique=True, name="twitterId")
        database["coupons"].create_index("couponCode", unique=True, name="couponCode")
        database["redemptions"].create_index(
            "redeemerTwitterId",
            unique=True,
            name="redeemerTwitterId",
            partialFilterExpression={"redeemerTwitterId": {"$type": "string"}},
        )


def index_for_lists(uri: str) -> None:
    """The index that a list newest first needs, for the peers (the same as Tessera's)."""
    with MongoClient[dict[str, Any]](uri) as client:
        coupons = client.get_default_database()["coupons"]
        coupons.create_index([("createdAt", -1), ("_id", -1)], name="newest")
