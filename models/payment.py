"""An accepted payment, as the payment service tells of it: what an order is made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from models.errors import InvalidInput
from models.inputs import card, flag, items, money, parse, text, unit_price, whole

MAX_ADDRESS = 2_000


@dataclass(frozen=True, slots=True)
class PaidProduct:
    """A line of a payment; `price` is that of one unit."""

    product_id: str = text("productId")
    quantity: int = whole("quantity", minimum=1)
    price: Decimal = unit_price("price", exact=False)
    seller_id: str | None = text("sellerId", None)


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment whole. Of the card only the last four digits have come this far."""

    id: str = text("_id")
    user_id: str = text("userId")
    checkout_id: str = text("checkoutId")
    basket_id: str = text("basketId")
    products: tuple[PaidProduct, ...] = items("products", PaidProduct, ignore_unknown=True)
    address: str = text("address", maximum=MAX_ADDRESS)
    total_price: Decimal = money("totalPrice", exact=False)
    card_last4: str = card("cardNumber")
    is_gift: bool = flag("isGift", False)


@dataclass(frozen=True, slots=True)
class _PaymentId:
    id: str = text("paymentId")


def parse_payment(raw: Any) -> Payment:
    """Read a payment as it comes from the topic or from the payment service; `paymentId` may stand for `_id`.

    Unknown fields (`cvv`, the card's expiry and all others) are dropped, `totalPrice` is rounded to the cent and prices
    to six decimals, because a payment that was accepted is not refused for a binary fraction. Raises `InvalidInput`
    with every fault and no value.
    """
    payment = _require_object(raw)
    if payment.get("_id") is None:
        payment = {**payment, "_id": payment.get("paymentId")}
    return parse(Payment, payment, ignore_unknown=True)


def bare_payment_id(raw: Any) -> str | None:
    """The id of an event that brings nothing else of its payment, or None where it brings the payment whole."""
    event = _require_object(raw)
    if event.keys() & {"userId", "products", "totalPrice", "cardNumber"}:
        return None
    given = {"paymentId": event.get("paymentId") or event.get("_id")}
    return parse(_PaymentId, given).id


def _require_object(raw: Any) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping):
        raise InvalidInput.of("", "A payment must be a JSON object")
    return raw
