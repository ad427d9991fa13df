"""Payments and the orders that are made of them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from models.orders.commands import FindOrder, ProductUnits, RefundProduct
from models.orders.order import Order
from models.payment import parse_payment
from models.principal import SYSTEM
from services.registry import Services
from tests.support.api import unique

CARD_NUMBER = 4_111_111_111_110_042
"""A whole card number, of which `0042` may be kept."""


def payment(**changes: Any) -> dict[str, Any]:
    """A payment whole, as the payment service tells of it: two lines, 79.70 in all."""
    return {
        "_id": unique("payment"),
        "userId": unique("user"),
        "checkoutId": unique("checkout"),
        "basketId": unique("basket"),
        "products": [
            {"productId": "p1", "quantity": 3, "price": 19.9, "sellerId": "s1"},
            {"productId": "p2", "quantity": 2, "price": 10},
        ],
        "address": "1 Long Street",
        "isGift": False,
        "totalPrice": 79.7,
        "cardNumber": CARD_NUMBER,
        "cvv": "987",
        "expiryDate": "12/31",
    } | changes


async def pay(services: Services, payments: Sequence[dict[str, Any]]) -> list[Order]:
    """Accept payments, all in one transaction; answers the orders that are new."""
    parsed = [parse_payment(raw) for raw in payments]
    return await services.database.transaction(lambda session: services.orders.create_from_payments(session, parsed))


async def make_order(services: Services, **changes: Any) -> Order:
    """An order of a payment of its own."""
    (order,) = await pay(services, [payment(**changes)])
    return order


async def read_order(services: Services, order_id: str) -> Order:
    """An order as it is now."""
    return await services.orders.get(SYSTEM, FindOrder(order_id))


async def refund_units(services: Services, order_id: str, product_id: str, quantity: int) -> Order:
    """Refund units of a product; answers the order after it."""
    return await services.orders.refund_product(SYSTEM, RefundProduct(order_id, ProductUnits(product_id, quantity)))


async def events_of(services: Services, key: str) -> list[tuple[str, Any]]:
    """The topic and the value of every event of an aggregate, in the order they will be sent."""
    rows = services.database.outbox.find({"key": key}).sort([("at", 1), ("n", 1)])
    return [(row["topic"], row["value"]) for row in await rows.to_list(None)]


@st.composite
def order_payments(draw: st.DrawFn) -> dict[str, Any]:
    """Any payment of a few lines: prices to the millionth, free lines, a discount, shipping, or nothing paid at all."""
    products: list[dict[str, Any]] = [
        {
            "productId": draw(st.sampled_from("abc")),
            "quantity": draw(st.integers(1, 20)),
            "price": draw(st.decimals(0, 100, places=draw(st.sampled_from((0, 2, 4, 6))))),
        }
        for _ in range(draw(st.integers(1, 5)))
    ]
    whole = sum((line["quantity"] * line["price"] for line in products), Decimal(0))
    total = draw(st.sampled_from((whole, whole + 5, Decimal(0))) | st.decimals(0, max(whole, Decimal(1)), places=2))
    return payment(products=products, totalPrice=total)
