"""The pure rules of refunds, for any payment and any sequence of refunds and changes."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.errors import DomainError, InvalidInput
from models.orders.commands import ChangedLine, OrderChange, ProductUnits
from models.orders.effects import Changed, place_order, refund_order, refund_product
from models.orders.lines import OrderLine, line_amounts, with_earlier_refunds
from models.orders.order import Order
from models.orders.updates import update_order
from models.payment import parse_payment
from models.principal import SYSTEM
from tests.support.orders import order_payments, payment

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CENT = Decimal("0.01")
PRODUCTS = st.sampled_from(["a", "b", "c"])
PAYMENTS = order_payments()
REFUNDS = st.lists(st.builds(ProductUnits, PRODUCTS, st.integers(-1, 25)), max_size=40)
UNITS = st.none() | st.integers(0, 5)
LINES_SET = st.lists(
    st.builds(ChangedLine, PRODUCTS, st.integers(1, 5), st.decimals(0, 50, places=3), st.none(), UNITS),
    min_size=1,
    max_size=3,
).map(tuple)
CHANGES = st.builds(
    OrderChange,
    status=st.just("Shipped"),
    products=st.none() | LINES_SET,
    total_price=st.none() | st.decimals(0, 100, places=2),
    refunded=st.none() | st.booleans(),
)


def order_of(paid: dict[str, Any]) -> Order:
    return place_order(parse_payment(paid), identifier="0" * 24, at=NOW).order


def price(refund: Changed) -> Decimal:
    """What is announced to be paid back, to the cent."""
    announced = Decimal(str(refund.events[0].value["price"]))
    assert announced == announced.quantize(CENT)
    return announced.quantize(CENT)


def agree(order: Order) -> bool:
    return order.refunded == all(line.refunded_quantity == line.quantity for line in order.products)


def noted(order: Order) -> Decimal:
    return sum((line.refunded_amount for line in order.products), Decimal(0))


@given(PAYMENTS)
def test_lines_amount_to_their_price_or_their_share_of_a_discounted_total(paid: dict[str, Any]) -> None:
    order = order_of(paid)
    amounts = line_amounts(order.products, order.total_price)
    own = [line.price * line.quantity for line in order.products]
    rounded = line_amounts(order.products, Decimal("1e30"))
    assert all(abs(amount - exact) <= CENT / 2 for amount, exact in zip(rounded, own, strict=True))
    assert all(0 <= amount <= most for amount, most in zip(amounts, rounded, strict=True))
    assert sum(amounts) == min(order.total_price, sum(rounded))
    if sum(rounded) > order.total_price:
        shares = [order.total_price * most / sum(rounded) for most in rounded]
        assert all(abs(amount - share) < CENT for amount, share in zip(amounts, shares, strict=True))


@given(PAYMENTS, REFUNDS)
def test_any_parts_add_up_to_the_lines_and_never_pass_what_was_bought_or_paid(
    paid: dict[str, Any], refunds: list[ProductUnits]
) -> None:
    order, announced = order_of(paid), Counter[str]()
    amounts = line_amounts(order.products, order.total_price)
    for wanted in refunds:
        left = sum(line.remaining for line in order.products if line.product_id == wanted.product_id)
        try:
            refund = refund_product(order, wanted, at=NOW)
        except DomainError:
            assert order.refunded or wanted.quantity <= 0 or wanted.quantity > left
            continue
        assert 0 < wanted.quantity <= left
        assert price(refund) >= 0
        order = refund.order
        announced[wanted.product_id] += price(refund)  # type: ignore[assignment]  # a Counter of decimals
        assert agree(order)
        for product, sum_of_it in announced.items():
            assert sum_of_it == sum(line.refunded_amount for line in order.products if line.product_id == product)
    for line, amount in zip(order.products, amounts, strict=True):
        assert 0 <= line.refunded_quantity <= line.quantity
        assert abs(line.refunded_amount - amount * line.refunded_quantity / line.quantity) <= CENT / 2
        assert line.remaining or line.refunded_amount == amount
    assert noted(order) <= order.total_price


@given(PAYMENTS, st.randoms(use_true_random=False))
def test_refunded_in_any_parts_a_line_comes_to_its_amount_and_the_order_ends_refunded(
    paid: dict[str, Any], chance: Random
) -> None:
    order, announced = order_of(paid), Decimal(0)
    while not order.refunded:
        line = chance.choice([line for line in order.products if line.remaining])
        refund = refund_product(order, ProductUnits(line.product_id, chance.randint(1, line.remaining)), at=NOW)
        order, announced = refund.order, announced + price(refund)
    amounts = line_amounts(order.products, order.total_price)
    assert [line.refunded_amount for line in order.products] == amounts
    assert announced == sum(amounts) <= order.total_price


@given(PAYMENTS)
def test_a_whole_refund_leaves_nothing_to_refund(paid: dict[str, Any]) -> None:
    order = refund_order(order_of(paid), at=NOW).order
    assert order.refunded
    assert agree(order)
    assert [line.refunded_amount for line in order.products] == line_amounts(order.products, order.total_price)


@given(PAYMENTS, st.lists(st.builds(ProductUnits, PRODUCTS, st.integers(1, 4)) | CHANGES | st.none(), max_size=30))
def test_whatever_an_admin_changes_in_between_no_more_is_refunded_than_was_paid(
    paid: dict[str, Any], steps: list[ProductUnits | OrderChange | None]
) -> None:
    order, announced = order_of(paid), Decimal(0)
    for step in steps:
        before = order
        try:
            match step:
                case ProductUnits():
                    refund = refund_product(order, step, at=NOW)
                    order, announced = refund.order, announced + price(refund)
                case OrderChange():
                    order = update_order(order, step, SYSTEM, at=NOW)
                case None:
                    order = refund_order(order, at=NOW).order
                    announced += order.total_price
        except DomainError:
            assert order is before
        assert agree(order)
        assert all(0 <= line.refunded_quantity <= line.quantity for line in order.products)
        assert announced <= order.total_price
        assert noted(order) <= order.total_price
        if before.has_refunds:
            as_sold = [(line.product_id, line.quantity, line.price) for line in before.products]
            assert [(line.product_id, line.quantity, line.price) for line in order.products] == as_sold
            assert order.total_price == before.total_price
            assert all(
                after.refunded_quantity >= line.refunded_quantity and after.refunded_amount >= line.refunded_amount
                for after, line in zip(order.products, before.products, strict=True)
            )


@given(PAYMENTS, st.lists(st.integers(0, 20), min_size=5, max_size=5), st.booleans(), REFUNDS)
def test_after_refunds_of_an_earlier_release_what_is_left_never_passes_what_was_paid(
    paid: dict[str, Any], refunded: list[int], flag: bool, refunds: list[ProductUnits]
) -> None:
    new = order_of(paid)
    earlier = [
        replace(line, refunded_quantity=min(units, line.quantity))
        for line, units in zip(new.products, refunded, strict=False)
    ]
    lines, whole = with_earlier_refunds(earlier, new.total_price, flag)
    order = replace(new, products=lines, refunded=whole)
    assert agree(order)
    assert order.refunded == flag or all(line.refunded_quantity == line.quantity for line in earlier)
    already = announced = noted(order)
    for wanted in refunds:
        try:
            refund = refund_product(order, wanted, at=NOW)
        except DomainError:
            continue
        order, announced = refund.order, announced + price(refund)
    assert announced <= max(order.total_price, already)


def test_an_order_without_units_is_refunded_when_it_is_said_to_be() -> None:
    for lines in ((), (OrderLine("a", 0, Decimal(5)),)):
        order = replace(order_of(payment()), products=lines, refunded=False)
        assert with_earlier_refunds(lines, order.total_price, False) == (lines, False)
        assert refund_order(order, at=NOW).order.refunded
        with pytest.raises(InvalidInput):
            update_order(order, OrderChange(refunded=True), SYSTEM, at=NOW)


@pytest.mark.parametrize(
    ("lines", "total", "refunds", "announced"),
    [
        ([("a", 1000, "0.005")], "5", [("a", 1000)], ["5.00"]),
        ([("a", 3, "33.3333")], "100", [("a", 1), ("a", 1), ("a", 1)], ["33.33", "33.34", "33.33"]),
        ([("a", 9, "13.9563")], "125.61", [("a", 4), ("a", 5)], ["55.83", "69.78"]),
        ([("a", 3, "19.9")], "50", [("a", 1), ("a", 1), ("a", 1)], ["16.67", "16.66", "16.67"]),
        ([("a", 3, "19.9")], "65", [("a", 2), ("a", 1)], ["39.80", "19.90"]),
        ([("a", 1, "9"), ("b", 1, "9"), ("c", 1, "9")], "20", [("b", 1), ("c", 1), ("a", 1)], ["6.66", "6.67", "6.67"]),
        ([("a", 2, "10"), ("b", 1, "0")], "15", [("b", 1), ("a", 2)], ["0.00", "15.00"]),
        ([("a", 2, "10"), ("b", 1, "5")], "0", [("a", 1), ("a", 1), ("b", 1)], ["0.00", "0.00", "0.00"]),
        ([("a", 1, "9"), ("b", 1, "5"), ("a", 1, "8")], "22", [("a", 1), ("a", 1), ("b", 1)], ["9.00", "8.00", "5.00"]),
        ([("a", 2, "10"), ("a", 2, "1")], "11", [("a", 3), ("a", 1)], ["10.50", "0.50"]),
        ([("a", 1, "0.004"), ("b", 1, "0.005")], "0.01", [("a", 1), ("b", 1)], ["0.00", "0.01"]),
        ([("a", 2**31 - 1, "999999999.999999")], "9999999999999.99", [("a", 2**31 - 1)], ["9999999999999.99"]),
    ],
)  # fmt: skip
def test_what_units_were_paid(
    lines: list[tuple[str, int, str]], total: str, refunds: list[tuple[str, int]], announced: list[str]
) -> None:
    products = [{"productId": product, "quantity": n, "price": Decimal(price)} for product, n, price in lines]
    order, prices = order_of(payment(products=products, totalPrice=Decimal(total))), []
    for product, units in refunds:
        refund = refund_product(order, ProductUnits(product, units), at=NOW)
        order = refund.order
        prices.append(str(price(refund)))
    assert prices == announced


@given(st.lists(st.builds(OrderLine, PRODUCTS, st.integers(-3, 5), st.decimals(-9, 9, places=2)), max_size=4))
@example([OrderLine("a", 1, Decimal("1E+33")), OrderLine("a", 2**62, Decimal("1E+33"))])
def test_lines_of_other_systems_have_amounts_however_odd_they_are(lines: list[OrderLine]) -> None:
    for total in (Decimal(-1), Decimal(0), Decimal("1.50")):
        assert len(line_amounts(lines, total)) == len(lines)
