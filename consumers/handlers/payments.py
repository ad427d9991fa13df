"""A payment that was accepted becomes an order."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from consumers.handler import Handler
from consumers.handlers.payment_service import PaymentService
from models.errors import DomainError
from models.payment import Payment, bare_payment_id, parse_payment
from services.registry import Services

if TYPE_CHECKING:
    from services.kit.database import Session


def payment_accepted(services: Services, payments: PaymentService) -> Handler:
    """One order for each payment; where only its id came, the payment is asked for."""

    def read(raw: object) -> Payment | str:
        return bare_payment_id(raw) or parse_payment(raw)

    async def prepare(payment: Payment | str) -> Payment:
        return await payments.find(payment) if isinstance(payment, str) else payment

    async def create(session: "Session", accepted: Sequence[Payment]) -> list[DomainError | None]:
        await services.orders.create_from_payments(session, accepted)
        return [None] * len(accepted)

    return Handler(read, create, prepare)
