"""Inputs: what each kind of field takes, and the sentence of what it does not."""

from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field
from pydantic.alias_generators import to_camel

import models.access_codes.access_code
import models.access_codes.batches
import models.coupons.coupon
import models.orders.commands
import models.usage.commands  # noqa: F401 - their inputs are found by their base
from models.errors import InvalidInput
from models.inputs import (
    Card,
    Choice,
    Flag,
    Input,
    Instant,
    Items,
    Money,
    NonNegative,
    RawId,
    RawIds,
    RoundedMoney,
    RoundedUnitPrice,
    Text,
    UnitPrice,
    Whole,
    parse,
    parse_query,
    relay_id,
)
from models.values.ids import global_id

ID = "0123456789abcdefABCDEF01"


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"
    BLUE = "blue"


class Nothing(Enum):
    NOTHING = object()


@dataclass(frozen=True, slots=True)
class Line(Input):
    """An object of a list."""

    product_id: Text
    price: UnitPrice


@dataclass(frozen=True, slots=True)
class Everything(Input):
    """A field of each kind."""

    text: Text | None = None
    long: Annotated[Text, Field(max_length=300)] = "long"
    whole: Whole | None = None
    few: Annotated[Whole, Field(ge=1, le=9)] = 5
    flag: Flag = False
    colour: Choice[Colour] | None = None
    instant: Instant | None = None
    money: Money | None = None
    rounded_money: RoundedMoney | None = None
    unit_price: UnitPrice | None = None
    rounded_unit_price: RoundedUnitPrice | None = None
    card_last4: Annotated[Card | None, Field(alias="cardNumber")] = None
    raw_id: Annotated[RawId, relay_id("Coupon")] | None = None
    raw_ids: RawIds = ()
    lines: Items[Line] | None = None
    limit: NonNegative | Nothing | None = Nothing.NOTHING


@pytest.mark.parametrize(
    ("field", "sent", "value"),
    [
        ("text", " caf\u0065\u0301\u200b ", "café"),
        ("text", " \u200b", None),
        ("long", " ", "long"),
        ("long", None, "long"),
        ("long", "x" * 300, "x" * 300),
        ("whole", -(2**31), -(2**31)),
        ("few", None, 5),
        ("flag", True, True),
        ("flag", None, False),
        ("colour", " green ", Colour.GREEN),
        ("colour", Colour.BLUE, Colour.BLUE),
        ("instant", " 2023-01-15T13:00:00.1239+01:00", datetime(2023, 1, 15, 12, 0, 0, 123_000, UTC)),
        ("money", 19.9, Decimal("19.90")),
        ("rounded_money", Decimal("1.005"), Decimal("1.01")),
        ("unit_price", Decimal("0.123456"), Decimal("0.123456")),
        ("rounded_unit_price", Decimal("0.1234567"), Decimal("0.123457")),
        ("card_last4", "4242 4242 4242 0042", "0042"),
        ("raw_id", f" {ID} ", ID.lower()),
        ("raw_id", global_id("Coupon", ID), ID.lower()),
        ("raw_id", "", None),
        ("raw_ids", ID, (ID.lower(),)),
        ("raw_ids", [ID, f" {ID.lower()}"], (ID.lower(),)),
        ("raw_ids", [], ()),
        ("lines", [{"productId": " a ", "price": 1}], (Line("a", Decimal("1.00")),)),
        ("limit", 0, 0),
        ("limit", None, None),
    ],
    ids=ascii,
)
def test_a_kind_takes(field: str, sent: Any, value: Any) -> None:
    name = "cardNumber" if field == "card_last4" else to_camel(field)
    assert getattr(parse(Everything, {name: sent}), field) == value


@pytest.mark.parametrize(
    ("name", "sent", "sentence"),
    [
        ("text", 5, "must be a string"),
        ("text", "x" * 257, "must be at most 256 characters"),
        ("text", "x" * 300 + "\x00", "must not contain a NUL character"),
        ("text", "\x00\ud800", "must not contain a NUL character"),
        ("text", "\ud800", "must not contain half of a character"),
        ("long", "x" * 301, "must be at most 300 characters"),
        ("whole", 1.0, "must be a whole number"),
        ("whole", True, "must be a whole number"),
        ("whole", "", "must be a whole number"),
        ("whole", 2**31, "must be a whole number"),
        ("few", 0, "must be at least 1"),
        ("few", 10, "must be at most 9"),
        ("few", 10**30, "must be a whole number"),
        ("flag", 1, "must be true or false"),
        ("colour", "\ud800", "must be red or green or blue"),
        ("colour", [], "must be red or green or blue"),
        ("instant", "", "must be an instant such as 2023-01-15T12:00:00.000Z"),
        ("money", "1", "must be an amount of money"),
        ("money", Decimal("NaN"), "must be from 0 to 9999999999999.99"),
        ("money", Decimal("1.005"), "must have at most two decimals"),
        ("unitPrice", Decimal("0.1234567"), "must have at most six decimals and fifteen digits"),
        ("cardNumber", " ", "must be a card number"),
        ("rawId", "z" * 24, "must be a valid ObjectId"),
        ("rawId", global_id("Order", ID), "must be a valid ObjectId"),
        ("rawId", "z" * 257, "must be at most 256 characters"),
        ("rawIds", 5, "must be a string or a list of strings"),
        ("rawIds", [5] * 101, "must hold at most 100 items"),
        ("rawIds", ["z", 5], "must be a string"),
        ("rawIds", ["z", " "], "must not hold a blank string"),
        ("rawIds", ["z"], "must be a valid ObjectId"),
        ("lines", [5], "must be a list of objects"),
        ("lines", [], "must hold from 1 to 1000 items"),
        ("limit", -1, "must be at least 0"),
        ("limit", True, "must be a whole number"),
        ("cardLast4", "4242", "is not a known field"),
    ],
    ids=ascii,
)
def test_a_kind_refuses(name: str, sent: Any, sentence: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(Everything, {name: sent})
    assert [(fault.path, fault.message) for fault in refused.value.faults] == [(name, f"{name} {sentence}")]


def test_what_nobody_has_thought_of_is_refused_all_the_same() -> None:
    @dataclass(frozen=True, slots=True)
    class Odd(Input):
        number: Annotated[Whole, Field(multiple_of=2)]

    with pytest.raises(InvalidInput) as refused:
        parse(Odd, {"number": 3})
    assert [fault.message for fault in refused.value.faults] == ["number cannot be read"]


def test_every_fault_is_named_the_unknown_first_then_as_they_are_declared() -> None:
    lines = [{"price": -1, "odd": 1}, {"productId": "a", "price": None}]
    with pytest.raises(InvalidInput) as refused:
        parse(Everything, {"lines": lines, "few": 0, "odd": 1, "text": 5})
    assert [fault.message for fault in refused.value.faults] == [
        "odd is not a known field",
        "text must be a string",
        "few must be at least 1",
        "lines.0.odd is not a known field",
        "lines.0.productId is required",
        "lines.0.price must be from 0 to 9999999999999.99",
        "lines.1.price is required",
    ]


def test_what_is_unknown_can_be_passed_over_at_any_depth() -> None:
    lines = [{"productId": "a", "price": 1, "odd": 1}]
    assert parse(Everything, {"lines": lines, "odd": 1}, ignore_unknown=True).lines == (Line("a", Decimal("1.00")),)


def test_a_query_has_numbers_and_flags_as_texts() -> None:
    query = {"whole": ["-5"], "flag": ["true"], "text": ["5"], "few": [" "], "odd": ["1", "2"]}
    assert parse_query(Everything, query) == Everything(whole=-5, flag=True, text="5")
    with pytest.raises(InvalidInput) as refused:
        parse_query(Everything, {"whole": ["+5"], "flag": ["1"], "text": ["1", "2"]})
    assert [fault.message for fault in refused.value.faults] == [
        "text must be given once",
        "whole must be a whole number",
        "flag must be true or false",
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.floats() | st.text(st.characters(), max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def inputs_of(base: type) -> set[type[Any]]:
    below: list[type] = base.__subclasses__()
    return set(filter(is_dataclass, below)).union(*map(inputs_of, below))


@given(st.data())
def test_no_input_is_at_a_loss_for_a_sentence(data: st.DataObject) -> None:
    ours = {shape for shape in inputs_of(Input) if shape.__module__.startswith("models.")} | {Everything}
    shape = data.draw(st.sampled_from(sorted(ours, key=repr)))
    names = [to_camel(field.name) for field in fields(shape)]
    raw = data.draw(st.dictionaries(st.sampled_from(names), JSON))
    try:
        assert isinstance(parse(shape, raw), shape)
    except InvalidInput as refused:
        told = [fault.message for fault in refused.faults]
        assert not [sentence for sentence in told if "cannot be read" in sentence]
