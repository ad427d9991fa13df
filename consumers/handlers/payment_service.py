"""The payment service, asked for a payment whose event brought only its id."""

import asyncio
import logging
from collections.abc import Callable
from urllib.parse import quote

import httpx

from consumers.kafka.backoff import backoff
from consumers.kafka.records import read_json
from models.errors import ErrorCode, InvalidInput, NotFound, ServiceUnavailable
from models.payment import Payment, parse_payment

log = logging.getLogger("tessera.payments")

TRIES = 3
FAILURES = 5
"""After so many failures in a row nobody asks for a while, so that a service that is coming up is let alone."""

_TIMEOUT = httpx.Timeout(10.0, connect=3.0)
_AT_ONCE = 32
# The service knows the question and has no payment for it; whatever else it answers may pass.
_NO_SUCH_PAYMENT = (400, 404, 410, 422)


class PaymentNotFound(NotFound):
    message = "The payment service knows no such payment"


class PaymentServiceAway(ServiceUnavailable):
    """503: it does not answer, or not with a payment; the event waits."""

    code = ErrorCode.SERVICE_UNAVAILABLE
    message = "The payment service is away"


class Circuit:
    """Open after `FAILURES` failures in a row, for ever longer; one try in between shows whether it may close."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._open_until = 0.0

    def check(self) -> None:
        """Raise `PaymentServiceAway` while it is open. Who passes after that is the one who tries."""
        if self._failures < FAILURES:
            return
        now = self._clock()
        if now < self._open_until:
            raise PaymentServiceAway()
        self._open_until = now + self._pause()

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        self._open_until = self._clock() + self._pause()

    def _pause(self) -> float:
        return backoff(max(0, self._failures - FAILURES), shortest=0.5, longest=10.0)


class PaymentService:
    """`close` when done. Without a `uri` every question is refused."""

    def __init__(self, uri: str | None) -> None:
        self._uri = uri
        self._http = httpx.AsyncClient(timeout=_TIMEOUT, limits=httpx.Limits(max_connections=_AT_ONCE))
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._circuit = Circuit(asyncio.get_running_loop().time)

    async def find(self, payment_id: str) -> Payment:
        """The payment of this id.

        Raises `PaymentNotFound`, `InvalidInput` for an answer that is no payment or another one, and
        `PaymentServiceAway` when it does not answer after a few tries, or did not lately.
        """
        if self._uri is None:
            raise InvalidInput.of("paymentId", "The event brings only paymentId, and PAYMENT_URI is not set")
        async with self._places:
            for attempt in range(TRIES):
                self._circuit.check()
                response = await self._ask(f"{self._uri}/api/payment/find/{quote(payment_id, safe='')}")
                if response is not None:
                    self._circuit.succeeded()
                    return _read(response, payment_id)
                self._circuit.failed()
                await asyncio.sleep(backoff(attempt))
        raise PaymentServiceAway()

    async def close(self) -> None:
        await self._http.aclose()

    async def _ask(self, url: str) -> httpx.Response | None:
        """The answer, or None where there is none that lasts."""
        try:
            response = await self._http.get(url)
        except httpx.TransportError as fault:
            log.warning("the payment service does not answer: %s", type(fault).__name__)
            return None
        if response.status_code == 200 or response.status_code in _NO_SUCH_PAYMENT:
            return response
        log.warning("the payment service answers %d", response.status_code)
        return None


def _read(response: httpx.Response, payment_id: str) -> Payment:
    if response.status_code != 200:
        raise PaymentNotFound()
    payment = parse_payment(read_json(response.content))
    if payment.id != payment_id:
        raise InvalidInput.of("paymentId", "The payment service answers another payment")
    return payment
