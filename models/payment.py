"""An accepted payment, as the payment service tells of it: what an order is made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from models.errors import FieldError, InvalidInput
from models.inputs import Card, Flag, Input, Items, Positive, RoundedMoney, RoundedUnitPrice, Text, parse
from models.values.texts import clean
from models.verbs import Verb

MAX_ADDRESS = 2_000


@dataclass(frozen=True, slots=True)
class PaidProduct(Input):
    """A line of a payment; `price` is that of one unit."""

    product_id: Text
    quantity: Positive
    price: RoundedUnitPrice
    seller_id: Text | None = None


@dataclass(frozen=True, slots=True)
class Payment(Input):
    """A payment whole. Of the card only the last four digits have come this far."""

    verb: ClassVar = Verb("CREATE_ORDER", "A payment was accepted and became an order.")
    id: Annotated[Text, Field(alias="_id")]
    user_id: Text
    checkout_id: Text
    basket_id: Text
    products: Items[PaidProduct]
    address: Annotated[Text, Field(max_length=MAX_ADDRESS)]
    total_price: RoundedMoney
    card_last4: Annotated[Card, Field(alias="cardNumber")]
    is_gift: Flag = False


@dataclass(frozen=True, slots=True)
class _PaymentId(Input):
    id: Annotated[Text, Field(alias="paymentId")]


def parse_payment(raw: object) -> Payment:
    """Read a payment as it comes from the topic or from the payment service.

    `paymentId` may stand for `_id`, and names the payment where both are there. Unknown fields (`cvv`, the card's
    expiry and all others) are dropped, `totalPrice` is rounded to the cent and prices to six decimals, because a
    payment that was accepted is not refused for a binary fraction. Raises `InvalidInput` with every fault and no value.
    """
    payment = _require_object(raw)
    name = _named_by(payment)
    try:
        return parse(Payment, {**payment, "_id": payment.get(name)}, ignore_unknown=True)
    except InvalidInput as fault:
        raise InvalidInput([_renamed(one, name) for one in fault.faults]) from None


def bare_payment_id(raw: object) -> str | None:
    """The id of an event that brings nothing else of its payment, or None where it brings the payment whole."""
    event = _require_object(raw)
    if is_payment(event):
        return None
    return parse(_PaymentId, {"paymentId": event.get(_named_by(event))}).id


def is_payment(raw: object) -> bool:
    """Whether this is meant to be a payment whole, be it a faulty one."""
    return isinstance(raw, Mapping) and bool(raw.keys() & {"userId", "products", "totalPrice", "cardNumber"})


def names_payment(raw: object, payment_id: str) -> bool:
    """Whether this is an object that names this payment."""
    name = raw.get(_named_by(raw)) if isinstance(raw, Mapping) else None
    return isinstance(name, str) and clean(name) == payment_id


def _named_by(payment: Mapping[str, object]) -> str:
    """The field that names a payment: `paymentId` unless it is missing or blank."""
    given = payment.get("paymentId")
    blank = given is None or (isinstance(given, str) and not clean(given))
    return "_id" if blank and "_id" in payment else "paymentId"


def _renamed(fault: FieldError, name: str) -> FieldError:
    return FieldError(name, fault.message.replace("_id", name, 1)) if fault.path == "_id" else fault


def _require_object(raw: object) -> Mapping[str, object]:
    if not isinstance(raw, Mapping):
        raise InvalidInput.of("", "A payment must be a JSON object")
    return raw
