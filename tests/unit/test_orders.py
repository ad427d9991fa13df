"""The rules and effects of orders, in tables: who is refused first, what changes and what is told of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from models.errors import DomainError, Forbidden, InvalidInput, Unauthenticated, UnsupportedMediaType
from models.inputs import parse
from models.orders.commands import (
    Asked,
    ChangeOrder,
    ListOrders,
    OrderChange,
    ProductUnits,
    RefundOrder,
    RefundProduct,
    UpdateOrder,
)
from models.orders.effects import change_order, place_order
from models.orders.order import (
    NotEnoughQuantity,
    Order,
    OrderAlreadyRefunded,
    OrderNotFound,
    OrderNotPending,
    OrderPartlyRefunded,
    ProductAlreadyRefunded,
    ProductNotFound,
    QuantityNotPositive,
)
from models.orders.updates import ContradictsRefunds
from models.payment import PaidProduct, Payment
from models.principal import SYSTEM, ActingKey, Principal, Role
from models.sent import RefusedCommand, read_sent

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
ID = "c" * 24
LINES = (PaidProduct("tea", 3, Decimal("19.90"), "s1"), PaidProduct("cup", 2, Decimal(10)))
PAYMENT = Payment("paid", "ada", "checkout", "basket", LINES, "1 Long Street", Decimal("79.70"), "0042")
ADA, GRACE, NOBODY = Principal(user_id="ada"), Principal(user_id="grace"), Principal()
OF_VIEWER, OF_SUPPORT = (Principal(key=ActingKey("a", role)) for role in (Role.VIEWER, Role.SUPPORT))
PLACED = place_order(PAYMENT, identifier=ID, at=NOW)
NEW = PLACED.order
MALFORMED = RefusedCommand(UnsupportedMediaType())


def refunded(*units: tuple[str, int]) -> Order:
    """The new order, of which these units of these products are refunded."""
    order = NEW
    for product_id, quantity in units:
        order = changed(order, units_of(product_id, quantity), SYSTEM).order
    return order


def units_of(product_id: str, quantity: int) -> RefundProduct:
    return RefundProduct(ID, ProductUnits(product_id, quantity))


def update(**changes: Any) -> UpdateOrder:
    return UpdateOrder(ID, OrderChange(**changes))


def changed(order: Order | None, change: ChangeOrder, caller: Principal = ADA) -> Any:
    return change_order(order, Asked(caller, change), at=LATER)


ALL = refunded(("tea", 3), ("cup", 2))
SOME = refunded(("tea", 1))
TEA = refunded(("tea", 3))
SHIPPED = replace(NEW, status="Shipped")


@pytest.mark.parametrize(
    ("order", "change", "caller", "refusal"),
    [
        # Whose it is comes first, then what was sent, then whether it is there, then the rules.
        (NEW, UpdateOrder(ID, MALFORMED), NOBODY, Unauthenticated),
        (NEW, UpdateOrder(ID, MALFORMED), GRACE, Forbidden),
        (ALL, RefundProduct(ID, MALFORMED), GRACE, Forbidden),
        (ALL, RefundOrder(ID), GRACE, Forbidden),
        (None, UpdateOrder(ID, MALFORMED), GRACE, UnsupportedMediaType),
        (None, RefundProduct(ID, MALFORMED), GRACE, UnsupportedMediaType),
        (ALL, RefundProduct(ID, MALFORMED), ADA, UnsupportedMediaType),
        (None, update(), GRACE, OrderNotFound),
        (None, RefundOrder(ID), GRACE, OrderNotFound),
        (None, units_of("tea", 0), SYSTEM, OrderNotFound),
        # An admin needs the role for what they do with another's.
        (NEW, update(address="There"), OF_SUPPORT, Forbidden),
        (NEW, RefundOrder(ID), OF_VIEWER, Forbidden),
        (NEW, RefundProduct(ID, MALFORMED), OF_VIEWER, Forbidden),
        (ALL, RefundOrder(ID), OF_SUPPORT, OrderAlreadyRefunded),
        # Of an update: what only admins may change, ids, nothing at all, refunds, and the status.
        (SHIPPED, update(status="Sent", user_id="grace"), ADA, Forbidden),
        (SHIPPED, update(address="There", user_id="grace"), ADA, InvalidInput),
        (SHIPPED, update(), ADA, InvalidInput),
        (SOME, update(total_price=Decimal(1)), SYSTEM, ContradictsRefunds),
        (SOME, update(refunded=True), SYSTEM, ContradictsRefunds),
        (SHIPPED, update(address="There"), ADA, OrderNotPending),
        # Of a refund.
        (ALL, RefundOrder(ID), ADA, OrderAlreadyRefunded),
        (SOME, RefundOrder(ID), ADA, OrderPartlyRefunded),
        (ALL, units_of("pot", 0), ADA, OrderAlreadyRefunded),
        (TEA, units_of("pot", 0), ADA, ProductNotFound),
        (TEA, units_of("tea", 0), ADA, ProductAlreadyRefunded),
        (SOME, units_of("tea", 0), ADA, QuantityNotPositive),
        (SOME, units_of("tea", 3), ADA, NotEnoughQuantity),
    ],
)
def test_the_first_rule_that_is_broken_says_why(
    order: Order | None, change: ChangeOrder, caller: Principal, refusal: type[DomainError]
) -> None:
    with pytest.raises(refusal) as raised:
        changed(order, change, caller)
    assert type(raised.value) is refusal


def test_a_payment_places_a_pending_order_and_tells_three_topics_in_order() -> None:
    assert (NEW.id, NEW.payment_id, NEW.status, NEW.refunded, NEW.has_refunds) == (ID, "paid", "Pending", False, False)
    assert (NEW.created_at, NEW.updated_at, NEW.copy) == (NOW, NOW, None)
    assert [(line.product_id, line.seller_id, line.remaining) for line in NEW.products] == [
        ("tea", "s1", 3),
        ("cup", None, 2),
    ]
    line = {"productId": "tea", "quantity": 3, "price": 19.9, "isRefunded": False, "refundedQuantity": 0}
    created, cleared, done = PLACED.events
    assert (created.topic, created.value["products"][0]) == ("orderService-orderCreated", line | {"sellerId": "s1"})
    assert (cleared.topic, cleared.value) == (
        "orderService-basketClear",
        {"basketId": "basket", "userId": "ada", "setUsage": True},
    )
    assert (done.topic, done.value) == (
        "orderService-orderCreated-checkoutActive",
        {"checkout": {"_id": "checkout", "isActive": False}},
    )
    assert {event.key for event in PLACED.events} == {ID}


@pytest.mark.parametrize(
    ("order", "change", "caller", "fields"),
    [
        (NEW, update(address="There", is_gift=True), ADA, {"address": "There", "is_gift": True}),
        (NEW, update(address="There", user_id="ada", id=ID), ADA, {"address": "There"}),
        (SHIPPED, update(address="There"), SYSTEM, {"address": "There"}),
        (SHIPPED, update(status="Lost"), SYSTEM, {"status": "Lost"}),
        (NEW, update(total_price=Decimal(1)), SYSTEM, {"total_price": Decimal(1)}),
        (NEW, update(address=NEW.address), ADA, {}),
    ],
)
def test_an_update_changes_what_it_names_and_the_instant_and_tells_nobody(
    order: Order, change: ChangeOrder, caller: Principal, fields: dict[str, Any]
) -> None:
    done = changed(order, change, caller)
    assert done.order == replace(order, **fields, updated_at=LATER)
    assert done.events == ()


@pytest.mark.parametrize(
    ("order", "change", "units", "whole", "told"),
    [
        (NEW, RefundOrder(ID), (3, 2), True, {"refunded": True, "totalPrice": 79.7, "paymentId": "paid"}),
        (NEW, units_of("tea", 2), (2, 0), False, {"productId": "tea", "price": 39.8}),
        (SOME, units_of("tea", 2), (3, 0), False, {"productId": "tea", "price": 39.8}),
        (TEA, units_of("cup", 2), (3, 2), True, {"productId": "cup", "price": 20}),
    ],
)
def test_a_refund_tells_what_is_paid_back_and_which_units_return(
    order: Order, change: ChangeOrder, units: Sequence[int], whole: bool, told: dict[str, Any]
) -> None:
    done = changed(order, change)
    assert [line.refunded_quantity for line in done.order.products] == [*units]
    assert [line.is_refunded for line in done.order.products] == [number > 0 for number in units]
    assert (done.order.refunded, done.order.updated_at) == (whole, LATER)
    paid, returned = done.events
    if isinstance(change, RefundOrder):
        assert [line["refundedQuantity"] for line in returned.value["products"]] == [*units]
    else:
        told = told | {"cardNumber": 42, "paymentId": "paid"}
        moved = sum(units) - sum(line.refunded_quantity for line in order.products)
        assert returned.value == {"productId": told["productId"], "refundedQuantity": moved}
    assert paid.value == told


def test_what_was_sent_is_a_command_or_the_refusal_that_it_has_earned() -> None:
    assert read_sent(parse, ListOrders, {"userId": " ada "}) == ListOrders("ada")
    refused = read_sent(parse, ListOrders, {"userId": 5, "x": 1})
    assert isinstance(refused, RefusedCommand)
    assert [fault.path for fault in refused.refusal.faults] == ["x", "userId"]  # type: ignore[attr-defined]
