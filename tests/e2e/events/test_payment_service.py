"""What is asked of the payment service, and what its silence means."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial

import orjson
import pytest
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

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


async def test_an_unknown_payment_is_refused(payments: Fake) -> None:
    async with asking(payments.uri) as service:
        for status in (400, 404, 410, 422):
            asked = unique("asked")
            payments.answers[asked] = partial(JSONResponse, {"message": "unknown"}, status)
            with pytest.raises(PaymentNotFound):
                await service.find(asked)
        payments.answers["nothing"] = partial(Response, status_code=404)
        with pytest.raises(PaymentNotFound):
            await service.find("nothing")


async def many_bytes() -> AsyncIterator[bytes]:
    """Far more than a payment has."""
    for _ in range(500):
        yield b" " * 65_536
        await asyncio.sleep(0)


ASKED = "payment-asked"
WHOLE = orjson.dumps(payment(_id=ASKED))
NO_PAYMENTS: dict[str, Callable[[], Response]] = {
    "cut short": partial(Response, WHOLE[:-1], media_type="application/json"),
    "an error page with 200": partial(HTMLResponse, "<h1>Something went wrong</h1>"),
    "empty": partial(Response, b""),
    "no content": partial(Response, status_code=204),
    "null": partial(JSONResponse, None),
    "a list": partial(JSONResponse, [payment(_id=ASKED)]),
    "a text": partial(JSONResponse, WHOLE.decode()),
    "an error in JSON": partial(JSONResponse, {"message": "Please try again", "code": 17}),
    "another payment": partial(JSONResponse, payment()),
    "another payment by its paymentId": partial(JSONResponse, payment(_id=ASKED, paymentId="other")),
    "only its id": partial(JSONResponse, {"_id": ASKED}),
    "no gzip": partial(Response, WHOLE, headers={"content-encoding": "gzip"}),
    "another encoding": partial(Response, WHOLE.replace(b"1 Long", "Zoë".encode("latin-1"))),
    "a redirect": partial(Response, status_code=302, headers={"location": "/login"}),
    "a gateway's 404": partial(HTMLResponse, "<h1>404 Not Found</h1>nginx", 404),
    "a gateway's 404 in plain text": partial(Response, "default backend - 404", 404),
    "without end": lambda: StreamingResponse(many_bytes()),
    "nested too deeply": partial(Response, b"[" * 100_000),
    "an endless number": partial(Response, b'{"_id": "payment-asked", "totalPrice": ' + b"9" * 5000 + b"}"),
}


@pytest.mark.parametrize("what", NO_PAYMENTS)
async def test_what_is_no_payment_is_no_answer(payments: Fake, what: str) -> None:
    payments.answers[ASKED] = NO_PAYMENTS[what]
    async with asking(payments.uri) as service:
        with pytest.raises(PaymentServiceAway):
            await service.find(ASKED)
        payments.answers[ASKED] = partial(Response, WHOLE)
        assert (await service.find(ASKED)).id == ASKED
    del payments.answers[ASKED]


async def test_a_payment_that_stays_faulty_is_refused_in_the_end(
    payments: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = unique("asked")
    payments.payments[asked] = payment(_id=asked, totalPrice=-1)
    async with asking(payments.uri) as service:
        with pytest.raises(PaymentServiceAway):
            await service.find(asked)
        monkeypatch.setattr("consumers.handlers.payment_service.FAULTY_FOR", 0.0)
        with pytest.raises(InvalidInput, match="faulty payment") as refused:
            await service.find(asked)
        assert [fault.message for fault in refused.value.faults] == ["totalPrice must be from 0 to 9999999999999.99"]


async def test_a_payment_is_known_by_its_payment_id(payments: Fake) -> None:
    asked = unique("asked")
    payments.payments[asked] = payment(paymentId=asked, status="refunded", refunded=True)
    async with asking(payments.uri) as service:
        assert (await service.find(asked)).id == asked


@pytest.mark.parametrize("step", [".", ".."])
async def test_an_id_that_is_a_step_in_a_path_is_refused(payments: Fake, step: str) -> None:
    async with asking(payments.uri) as service:
        with pytest.raises(InvalidInput, match="cannot be asked for"):
            await service.find(step)


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
