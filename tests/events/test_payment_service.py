"""What is asked of the payment service, and what its silence means."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from consumers.handlers.payment_service import FAILURES, Circuit, PaymentNotFound, PaymentService, PaymentServiceAway
from devtools.embedded.ports import free_ports
from models.errors import InvalidInput
from tests.support.api import unique
from tests.support.orders import payment
from tests.support.payment_service import PaymentService as Fake


@asynccontextmanager
async def asking(uri: str | None) -> AsyncIterator[PaymentService]:
    service = PaymentService(uri)
    try:
        yield service
    finally:
        await service.close()


@contextmanager
def answering(payments: Fake, status: int) -> Iterator[None]:
    """Have it answer nothing but this status."""
    payments.status = status
    try:
        yield
    finally:
        payments.status = None


async def test_an_id_with_signs_of_a_path_is_one_segment(payments: Fake) -> None:
    paid = payment(_id=f"{unique()} ?x#y%")
    payments.payments[paid["_id"]] = paid
    async with asking(payments.uri) as service:
        assert (await service.find(paid["_id"])).user_id == paid["userId"]


async def test_an_unknown_payment_and_another_payment_are_refused(payments: Fake) -> None:
    asked = unique("asked")
    async with asking(payments.uri) as service:
        with pytest.raises(PaymentNotFound):
            await service.find(asked)
        payments.payments[asked] = payment()
        with pytest.raises(InvalidInput, match="another payment"):
            await service.find(asked)
        payments.payments[asked] = {"_id": asked}
        with pytest.raises(InvalidInput):
            await service.find(asked)


async def test_without_payment_uri_an_id_alone_is_refused() -> None:
    async with asking(None) as service:
        with pytest.raises(InvalidInput, match="PAYMENT_URI"):
            await service.find("p")


@pytest.mark.parametrize("status", [401, 403, 429, 500, 502, 503])
async def test_what_may_pass_is_no_answer(payments: Fake, status: int) -> None:
    async with asking(payments.uri) as service:
        with answering(payments, status), pytest.raises(PaymentServiceAway):
            await service.find("p")


async def test_after_some_failures_it_is_let_alone_for_a_while(payments: Fake) -> None:
    async with asking(payments.uri) as service:
        before = payments.asked
        with answering(payments, 503):
            for _ in range(3 * FAILURES):
                with pytest.raises(PaymentServiceAway):
                    await service.find("p")
        # A few more than it takes: of those that come later one may try in between.
        assert FAILURES <= payments.asked - before <= FAILURES + 2


async def test_nobody_listening_is_no_answer() -> None:
    async with asking(f"http://127.0.0.1:{free_ports(1)[0]}") as service:
        with pytest.raises(PaymentServiceAway):
            await service.find("p")


def test_a_circuit_opens_lets_one_try_pass_and_closes_when_that_succeeds() -> None:
    now = 0.0
    circuit = Circuit(lambda: now)
    for _ in range(FAILURES):
        circuit.check()
        circuit.failed()
    with pytest.raises(PaymentServiceAway):
        circuit.check()
    now = 60.0
    circuit.check()
    with pytest.raises(PaymentServiceAway):
        circuit.check()
    circuit.succeeded()
    circuit.check()
    circuit.check()
