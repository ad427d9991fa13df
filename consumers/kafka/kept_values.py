"""What a dead letter keeps of the values of each topic: what their handler reads, of a card the last four digits."""

from dataclasses import dataclass
from typing import Any

from consumers.kafka.records import read_json, write_json
from models.errors import InvalidInput
from models.values.card_numbers import without_card_secrets
from models.values.kept import (
    Kept,
    Kind,
    each,
    fields,
    keep_card,
    keep_flag,
    keep_id,
    keep_number,
    keep_text,
    one_or_each,
)

_PRODUCT = fields({"productId": keep_id, "quantity": keep_number, "price": keep_number, "sellerId": keep_id})
_PAYMENT = fields(
    {
        "_id": keep_id,
        "paymentId": keep_id,
        "userId": keep_id,
        "checkoutId": keep_id,
        "basketId": keep_id,
        "products": each(_PRODUCT),
        "address": keep_text,
        "isGift": keep_flag,
        "totalPrice": keep_number,
        "cardNumber": keep_card,
    }
)
_LIMITED = one_or_each(
    fields(
        {
            "_id": keep_id,
            "maxLimitInBasket": keep_number,
            "maxTotalLimit": keep_number,
            "maxLimitPerCustomer": keep_number,
        }
    )
)
_BASKET = {"userId": keep_id, "campaignIds": one_or_each(keep_id), "couponId": keep_id}

KINDS: dict[str, Kind] = {
    "payment-service-accept": _PAYMENT,
    "paymentService-payment-service-accept": _PAYMENT,
    **{
        f"{prefix}{what}": _LIMITED
        for prefix in ("campaignService-campaign", "couponService-coupon")
        for what in ("Created", "Updated", "Deleted")
    },
    "couponService-couponRedeemed": fields({"resMsg": fields({"_id": keep_id}), "userId": keep_id}),
    "basketService-setUsage-active": fields({"product": fields(_BASKET), **_BASKET}),
}
"""By the name of the topic, without a prefix."""

NOT_KEPT = b'{"notKept": "Nothing of the value may be kept; the headers tell where the event stands."}'
"""Stands for a value of which nothing is kept."""


@dataclass(frozen=True, slots=True)
class KeptValue:
    """`value` is what is kept, None where nothing is; `whole` where the event can act by it as by its own value."""

    value: bytes | None
    whole: bool


def kind_of(topic: str) -> Kind | None:
    """What is kept of a topic's values; None for a topic that is not consumed. The topic may have a prefix."""
    return next((kind for name, kind in KINDS.items() if topic.endswith(name)), None)


def keep_value(topic: str, value: bytes | None) -> KeptValue:
    """What may be kept of a record's value. No value is kept whole."""
    if value is None:
        return KeptValue(None, whole=True)
    try:
        return keep_item(topic, read_json(value))
    except InvalidInput:
        return KeptValue(None, whole=False)


def keep_item(topic: str, raw: object) -> KeptValue:
    """What may be kept of a JSON value of this topic."""
    kept = keep(topic, raw)
    return KeptValue(None if kept.value is None else write_json(kept.value), kept.whole)


def keep(topic: str, raw: object) -> Kept:
    """The same, as a JSON value."""
    kind = kind_of(topic)
    return Kept(None, whole=False) if kind is None or raw is None else kind(raw)


def sendable(topic: str, raw: object) -> object:
    """What of a JSON value may be sent to a topic, where it does not stay: what may be kept of it, as it was written.

    A text or number that may not be kept is sent without what looks like a card number, so that it stays what it was
    or as faulty as it was. Of a topic that is not consumed all is sent but card numbers, security codes and expiries.
    Raises `InvalidInput` where nothing is left.
    """
    try:
        if kind_of(topic) is None:
            return without_card_secrets(raw)
        kept = keep(topic, raw).value
        if kept is None:
            raise InvalidInput.of("value", f"The value holds nothing of what an event of {topic} brings")
        return _as_written(kept, raw)
    except RecursionError:
        raise InvalidInput.of("value", "The value is nested too deeply") from None


def sendable_value(topic: str, value: bytes | None) -> bytes | None:
    """The same of a record's value, as it may be put back into its topic; raises `InvalidInput`."""
    return None if value is None else write_json(sendable(topic, read_json(value, "The value")))


def _as_written(kept: object, raw: Any, name: str = "") -> object:
    if isinstance(kept, dict):
        return {name: _as_written(inner, raw[name], name) for name, inner in kept.items()}
    if isinstance(kept, list):
        return [_as_written(inner, item, name) for inner, item in zip(kept, raw, strict=True)]
    if name == "cardNumber":
        return kept
    return raw if kept == raw else without_card_secrets(raw, name)
