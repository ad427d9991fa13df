"""The pure rules of refunds, for any order and any sequence of refunds."""

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from models.errors import DomainError
from models.order_lines import OrderLine
from models.orders import Order, RefundProduct, refund_order, refund_product

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PRODUCTS = st.sampled_from(["a", "b", "c"])
PRICES = st.decimals(min_value=0, max_value=1_000_000, places=2)
LINES = st.lists(st.builds(OrderLine, PRODUCTS, st.integers(1, 20), PRICES), min_size=1, max_size=5)
REFUNDS = st.lists(st.builds(RefundProduct, PRODUCTS, st.integers(-1, 25)), max_size=40)


def order_of(lines: list[OrderLine]) -> Order:
    return Order("id", "u", "c", "b", "p", tuple(lines), "a", False, "Pending", Decimal(1), False, "0042", NOW, NOW)


def units(order: Order, product_id: str) -> tuple[int, int]:
    lines = [line for line in order.products if line.product_id == product_id]
    return sum(line.refunded_quantity for line in lines), sum(line.quantity for line in lines)


@given(LINES, REFUNDS)
def test_parts_never_pass_what_was_bought_and_the_last_unit_refunds_the_order(
    lines: list[OrderLine], refunds: list[RefundProduct]
) -> None:
    order, paid = order_of(lines), Decimal(0)
    for wanted in refunds:
        before, bought = units(order, wanted.product_id)
        try:
            refund = refund_product(order, wanted)
        except DomainError:
            assert order.refunded or wanted.quantity <= 0 or before + wanted.quantity > bought
            continue
        assert before + wanted.quantity <= bought
        order, paid = refund.order, paid + refund.price
        assert units(order, wanted.product_id) == (before + wanted.quantity, bought)
        assert all(0 <= line.refunded_quantity <= line.quantity for line in order.products)
        assert order.refunded == all(line.refunded_quantity == line.quantity for line in order.products)
    assert paid == sum(line.price * line.refunded_quantity for line in order.products)


@given(LINES, st.randoms())
def test_refunded_unit_by_unit_an_order_costs_what_it_cost_and_ends_refunded(
    lines: list[OrderLine], chance: object
) -> None:
    order = order_of(lines)
    wanted = [RefundProduct(line.product_id, 1) for line in lines for _ in range(line.quantity)]
    chance.shuffle(wanted)  # type: ignore[attr-defined]  # Hypothesis gives a random.Random
    paid = Decimal(0)
    for one in wanted:
        assert not order.refunded
        refund = refund_product(order, one)
        order, paid = refund.order, paid + refund.price
    assert order.refunded
    assert paid == sum(line.price * line.quantity for line in lines)


@given(LINES)
def test_a_whole_refund_leaves_nothing_to_refund(lines: list[OrderLine]) -> None:
    order = refund_order(order_of(lines))
    assert order.refunded
    assert not any(line.remaining for line in order.products)
