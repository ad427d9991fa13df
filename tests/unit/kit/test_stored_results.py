"""Results come back from MongoDB as they were, under short tags; nothing else is made of what stands there."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import bson
import pytest
from bson.codec_options import CodecOptions
from hypothesis import given
from hypothesis import strategies as st

from models.access_codes.refusals import AccessCodeExpired, CannotActivateExpired
from models.coupons.coupon import Coupon, CouponRole, Redemption
from models.errors import FieldError, InvalidInput, RateLimited
from models.orders.lines import OrderLine
from models.orders.order import Order, OrderNotFound
from models.stored import stored
from services.kit.idempotency.results import from_stored, to_stored

NOW = datetime(2026, 1, 1, tzinfo=UTC)
AWARE: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True, tzinfo=UTC)
PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.binary()
VALUES = st.recursive(
    PLAIN | st.decimals(-(10**13), 10**13, places=2) | st.sampled_from(CouponRole),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def through_mongodb(value: Any) -> Any:
    return through_bson(to_stored(value))


def through_bson(raw: Any) -> Any:
    return from_stored(bson.decode(bson.encode({"value": raw}), AWARE)["value"])


@given(VALUES)
def test_any_value_comes_back_as_it_was(value: Any) -> None:
    back = through_mongodb(value)
    assert back == value
    assert type(back) is type(value)


def test_objects_come_back_with_all_that_is_in_them() -> None:
    coupon = Coupon("1", "AB", "t", "n", 1000, 10, 1, CouponRole.USER, True, NOW, NOW)
    line = OrderLine("p", 1, Decimal("19.90"))
    order = Order("1", "u", "c", "b", "p", (line,), "a", False, "Pending", Decimal("19.90"), False, "0042", NOW, NOW)
    for value in (Redemption(10, 10, coupon), order, [order], (order, 1)):
        assert through_mongodb(value) == value


def test_refusals_come_back_with_all_they_know() -> None:
    refusals = [
        OrderNotFound(),
        CannotActivateExpired(),
        AccessCodeExpired(),
        RateLimited(7),
        InvalidInput([FieldError("a.b", "a.b is required")], "No"),
    ]
    for refusal in refusals:
        back = through_mongodb(refusal)
        assert type(back) is type(refusal)
        assert (str(back), back.data, back.headers) == (str(refusal), refusal.data, refusal.headers)


def test_what_is_stored_knows_no_module_and_no_class() -> None:
    line = OrderLine("p", 1, Decimal("19.90"))
    assert to_stored(line)["object"] == "orderLine"
    assert to_stored(CouponRole.USER) == {"enum": "couponRole", "of": "USER"}
    assert to_stored(OrderNotFound()) == {
        "refusal": "ORDER_NOT_FOUND",
        "status": 404,
        "of": {"message": "Order not Found."},
    }


def test_fields_may_come_and_go_between_storing_and_reading() -> None:
    stored = to_stored(OrderLine("p", 1, Decimal("19.90")))
    stored["of"]["color"] = "red"
    del stored["of"]["seller_id"]
    assert through_bson(stored) == OrderLine("p", 1, Decimal("19.90"))


def test_a_tag_stands_for_one_class() -> None:
    with pytest.raises(ValueError, match="is the tag of"):
        stored("coupon")(type("Another", (), {}))


@dataclass
class Foreign:
    number: int


@pytest.mark.parametrize("value", [object(), Foreign(1), {1, 2}, re.compile("x"), lambda: 1])
def test_what_could_not_come_back_is_not_kept(value: Any) -> None:
    with pytest.raises(TypeError):
        to_stored(value)


@pytest.mark.parametrize(
    "raw",
    [
        {"object": "subprocess:Popen", "of": {"args": "true"}},
        {"object": "Order", "of": {}},
        {"enum": "Decimal", "of": "x"},
        {"refusal": "Exception", "status": 500, "of": {}},
        {"unknown": 1},
    ],
)
def test_nothing_but_results_is_made_of_what_is_stored(raw: Any) -> None:
    with pytest.raises(TypeError):
        from_stored(raw)
