"""The mapper: what goes through a document comes back as it was, and an update makes one document of another."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from bson import CodecOptions, Decimal128, ObjectId, decode, encode
from hypothesis import given
from hypothesis import strategies as st

from models.base import Id
from models.coupons.coupon import Coupon, CouponRole
from services.coupons.repository import COUPONS
from services.kit.mapping import Derived, Mapper


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Part:
    """It has a field that follows from another."""

    part_number: int
    is_spare: bool = field(init=False)
    unit_price: Decimal

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_spare", self.part_number > 0)


@dataclass(frozen=True, slots=True)
class Thing:
    """A field of every kind that entities have."""

    id: Id
    owner_id: Id | None
    name: str
    colour: Colour
    active: bool
    times_used: int
    price: Decimal
    parts: tuple[Part, ...]
    made_at: datetime
    gone_at: datetime | None = None
    remark: str | None = None


THINGS = Mapper(
    Thing, derived=[Derived(frozenset({"name"}), lambda thing: {"nameKey": thing.name.lower()})], optional=["remark"]
)
AWARE = CodecOptions[dict[str, Any]](tz_aware=True, tzinfo=UTC)

identifiers = st.binary(min_size=12, max_size=12).map(lambda raw: str(ObjectId(raw)))
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
numbers = st.integers(-(2**31), 2**31)
prices = st.integers(-(10**9), 10**9).map(lambda hundredths: Decimal(hundredths).scaleb(-2))
instants = st.integers(0, 4 * 10**12).map(lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms))
things = st.builds(
    Thing,
    id=identifiers,
    owner_id=identifiers | st.none(),
    name=texts,
    colour=st.sampled_from(Colour),
    active=st.booleans(),
    times_used=numbers,
    price=prices,
    parts=st.lists(st.builds(Part, numbers, prices), max_size=3).map(tuple),
    made_at=instants,
    gone_at=instants | st.none(),
    remark=texts | st.none(),
)
coupons = st.builds(
    Coupon,
    id=identifiers,
    coupon_code=texts,
    twitter_id=texts,
    username=texts,
    followers=numbers,
    points=numbers,
    times_used=numbers,
    role=st.sampled_from(CouponRole),
    active=st.booleans(),
    created_at=instants,
    updated_at=instants,
    last_used_at=instants | st.none(),
)


def through_mongodb(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document as the driver would give it back."""
    return decode(encode(document), AWARE)


def updated(document: dict[str, Any], update: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The document after an update."""
    assert update.keys() <= {"$set", "$unset", "$inc"}
    kept = {name: value for name, value in document.items() if name not in update.get("$unset", {})}
    added = {name: document[name] + number for name, number in update.get("$inc", {}).items()}
    return kept | dict(update.get("$set", {})) | added


@given(things)
def test_an_entity_comes_back_as_it_was(thing: Thing) -> None:
    assert THINGS.load(through_mongodb(THINGS.dump(thing))) == thing


@given(coupons)
def test_a_coupon_comes_back_as_it_was(coupon: Coupon) -> None:
    assert COUPONS.load(through_mongodb(COUPONS.dump(coupon))) == coupon


@given(things, things)
def test_an_update_makes_one_document_of_another(before: Thing, after: Thing) -> None:
    update = THINGS.update(before, after, {"times_used"})
    assert updated(THINGS.dump(before), update) == THINGS.dump(after)


@given(things)
def test_what_is_the_same_is_not_written(thing: Thing) -> None:
    assert THINGS.update(thing, thing, {"times_used"}) == {}


def test_a_document_has_the_names_and_kinds_of_mongodb() -> None:
    identifier, now = ObjectId(), datetime.now(UTC)
    parts = (Part(7, Decimal(2)),)
    thing = Thing(str(identifier), None, "Lamp", Colour.RED, True, 1, Decimal("1.50"), parts, now)
    assert THINGS.dump(thing) == {
        "_id": identifier,
        "ownerId": None,
        "name": "Lamp",
        "nameKey": "lamp",
        "colour": "red",
        "active": True,
        "timesUsed": 1,
        "price": Decimal128("1.50"),
        "parts": [{"partNumber": 7, "isSpare": True, "unitPrice": Decimal128("2")}],
        "madeAt": now,
        "goneAt": None,
    }


@pytest.mark.parametrize("missing", [f.name for f in fields(Thing) if f.name in ("name", "colour", "price")])
def test_a_field_without_a_default_must_be_there(missing: str) -> None:
    thing = Thing(str(ObjectId()), None, "x", Colour.BLUE, False, 0, Decimal(0), (), datetime.now(UTC))
    document = THINGS.dump(thing)
    del document[missing]
    with pytest.raises(KeyError):
        THINGS.load(document)


@given(things)
def test_a_document_of_an_earlier_form_is_read_as_one_of_today(thing: Thing) -> None:
    def with_remark(read: Thing, document: Mapping[str, Any]) -> Thing:
        return read if "remark" in document else replace(read, remark=document["note"])

    earlier = THINGS.dump(replace(thing, remark=None)) | {"note": "old"}
    assert Mapper(Thing, upgrade=with_remark).load(through_mongodb(earlier)) == replace(thing, remark="old")
