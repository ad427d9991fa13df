"""The lines of an order: what each amounts to, and what its units are refunded at."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from models.base import to_json
from models.stored import stored
from models.values.money import from_integer_cents, times, to_integer_cents


@stored("orderLine")
@dataclass(frozen=True, slots=True)
class OrderLine:
    """A product of an order; `price` is that of one unit, `refunded_amount` what its refunded units came to.

    `is_refunded` says whether some of it is refunded; it follows from the units, and is stored and shown beside them.
    """

    product_id: str
    quantity: int
    price: Decimal
    is_refunded: bool = field(init=False)
    refunded_quantity: int = 0
    refunded_amount: Decimal = Decimal("0.00")
    seller_id: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_refunded", self.refunded_quantity > 0)

    @property
    def remaining(self) -> int:
        """How many units can still be refunded."""
        return self.quantity - self.refunded_quantity


def line_amounts(lines: Sequence[OrderLine], total: Decimal) -> list[Decimal]:
    """What was paid for each line, in cents.

    That is unit price × quantity, or, where the lines come to more than `total` (a discount), the line's share of it.
    Shares are rounded cumulatively: they add up to `total` exactly, and none is more than its line's own amount.
    """
    own = [to_integer_cents(times(line.price, line.quantity)) for line in lines]
    whole, paid = sum(own), max(0, to_integer_cents(total))
    if whole <= paid:
        return [from_integer_cents(cents) for cents in own]
    shares, before, counted = [], 0, 0
    for cents in own:
        counted += cents
        upto = _round_half_up(paid * counted, whole)
        shares.append(from_integer_cents(upto - before))
        before = upto
    return shares


def refund_units(
    lines: Sequence[OrderLine], total: Decimal, units: Sequence[int]
) -> tuple[tuple[OrderLine, ...], Decimal]:
    """The lines with so many more units of each refunded, and what these units were paid.

    A line's refunded units come to its amount × refunded ÷ quantity, rounded to the cent, so any sequence of refunds
    adds up to the amount. Whatever was refunded before, all refunds of an order come to no more than `total`.
    """
    left = total - sum(line.refunded_amount for line in lines)
    after, price = [], Decimal("0.00")
    for line, amount, more in zip(lines, line_amounts(lines, total), units, strict=True):
        refunded = line.refunded_quantity + more
        due = _part(amount, refunded, line.quantity) - line.refunded_amount if more else Decimal("0.00")
        paid = max(Decimal("0.00"), min(due, left))
        left, price = left - paid, price + paid
        after.append(replace(line, refunded_quantity=refunded, refunded_amount=line.refunded_amount + paid))
    return tuple(after), price


def is_every_unit_refunded(lines: Sequence[OrderLine], without_units: bool) -> bool:
    """Whether nothing is left to refund; lines that have no units at all cannot tell, and `without_units` stands."""
    return not any(line.remaining for line in lines) if any(line.quantity for line in lines) else without_units


def with_earlier_refunds(
    lines: Sequence[OrderLine], total: Decimal, refunded: bool
) -> tuple[tuple[OrderLine, ...], bool]:
    """Lines of which it was not noted what their refunds came to, with it, and whether all is refunded.

    They are of release 1.0.0 or older, which refunded units at their price, and a whole order at its total. An order
    that was marked as refunded was refunded whole, whatever its lines said.
    """
    if refunded:
        lines = [replace(line, refunded_quantity=line.quantity) for line in lines]
    whole = is_every_unit_refunded(lines, refunded)
    at_price = [times(line.price, line.refunded_quantity) for line in lines]
    amounts = line_amounts(lines, total) if whole else at_price
    return tuple(replace(line, refunded_amount=a) for line, a in zip(lines, amounts, strict=True)), whole


def lines_to_json(lines: Sequence[OrderLine]) -> list[dict[str, object]]:
    """The lines as REST and events show them: without what their refunds came to."""
    shown = [to_json(line) for line in lines]
    for line in shown:
        del line["refundedAmount"]
    return shown


def _part(amount: Decimal, units: int, of: int) -> Decimal:
    return from_integer_cents(_round_half_up(to_integer_cents(amount) * units, of))


def _round_half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
