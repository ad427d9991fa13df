"""The payment service, asked for a payment whose event brought only its id."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

import httpx

from consumers.kafka.backoff import backoff
from consumers.kafka.records import read_json
from models.errors import DomainError, InvalidInput, NotFound, ServiceUnavailable
from models.payment import Payment, is_payment, names_payment, parse_payment

log = logging.getLogger("tessera.payments")

TRIES = 3
FAILURES = 5
"""After so many failures in a row nobody asks for a while, so that a service that is coming up is let alone."""

LARGEST_ANSWER = 1_048_576
FAULTY_FOR = 10.0
"""Seconds for which a payment has to stay faulty until its event is given up."""

UNKNOWN_FOR = 300.0
"""Seconds for which a 404 that does not come of the service itself (a gateway's page) has to stay."""

_TIMEOUT = httpx.Timeout(10.0, connect=3.0)
_WHOLE_TIMEOUT = 15.0
_AT_ONCE = 32
# The service knows the question and has no payment for it; whatever else it answers may pass.
_NO_SUCH_PAYMENT = (400, 404, 410, 422)


class PaymentNotFound(NotFound):
    message = "The payment service knows no such payment"


class PaymentServiceAway(ServiceUnavailable):
    """503: it does not answer, or not with a payment; the event waits."""

    message = "The payment service is away"


@dataclass(frozen=True, slots=True)
class _Refused:
    """An answer by which an event can never act, once it has lasted for so many seconds."""

    refusal: DomainError
    lasting: float = 0.0


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
        self._clock = asyncio.get_running_loop().time
        self._circuit = Circuit(self._clock)
        self._refused_since: dict[str, float] = {}

    async def find(self, payment_id: str) -> Payment:
        """The payment of this id.

        Raises `PaymentServiceAway` when it does not answer with this payment after a few tries, or did not lately:
        whatever is no payment (an error page, half an answer, another payment) is like no answer. Raises
        `PaymentNotFound` where the service says that there is none, and `InvalidInput` where the payment stays faulty.
        """
        if self._uri is None:
            raise InvalidInput.of("paymentId", "The event brings only paymentId, and PAYMENT_URI is not set")
        if payment_id in (".", ".."):
            raise InvalidInput.of("paymentId", "paymentId cannot be asked for: it is a step in a path")
        async with self._places:
            for attempt in range(TRIES):
                self._circuit.check()
                answer = await self._ask(f"{self._uri}/api/payment/find/{quote(payment_id, safe='')}", payment_id)
                if isinstance(answer, Payment):
                    self._circuit.succeeded()
                    self._refused_since.pop(payment_id, None)
                    return answer
                if isinstance(answer, _Refused):
                    # It is the service that speaks, and of this payment alone.
                    self._circuit.succeeded()
                    self._raise_if_lasting(answer, payment_id)
                else:
                    self._circuit.failed()
                    self._refused_since.pop(payment_id, None)
                await asyncio.sleep(backoff(attempt))
        raise PaymentServiceAway()

    async def close(self) -> None:
        await self._http.aclose()

    def _raise_if_lasting(self, answer: _Refused, payment_id: str) -> None:
        since = self._refused_since.setdefault(payment_id, self._clock())
        if self._clock() - since >= answer.lasting:
            del self._refused_since[payment_id]
            raise answer.refusal

    async def _ask(self, url: str, payment_id: str) -> Payment | _Refused | None:
        """The payment, what refuses its event, or None where the answer is none that lasts."""
        try:
            async with asyncio.timeout(_WHOLE_TIMEOUT), self._http.stream("GET", url) as response:
                if response.status_code != 200 and response.status_code not in _NO_SUCH_PAYMENT:
                    log.warning("the payment service answers %d", response.status_code)
                    return None
                body = await _read_body(response)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, TimeoutError) as fault:
            log.warning("the payment service does not answer: %s", type(fault).__name__)
            return None
        judged = None if body is None else _judge(response.status_code, body, payment_id)
        if judged is None:
            log.warning("the payment service answers %d with what is no such payment", response.status_code)
        return judged


async def _read_body(response: httpx.Response) -> bytes | None:
    """The body, or None where it is larger than any payment."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > LARGEST_ANSWER:
            return None
    return bytes(body)


def _judge(status: int, body: bytes, payment_id: str) -> Payment | _Refused | None:
    """What an answer means for the event; None where it means nothing."""
    try:
        raw = read_json(body)
    except InvalidInput:
        raw = None
    if status != 200:
        # The service says so in JSON, or by nothing but the status; a page is a gateway's, whose service is away.
        said = isinstance(raw, dict) or (not body and status in (404, 410))
        return _Refused(PaymentNotFound(), 0.0 if said else UNKNOWN_FOR)
    if not names_payment(raw, payment_id):
        return None
    try:
        return parse_payment(raw)
    except InvalidInput as fault:
        faulty = InvalidInput(fault.faults, "The payment service answers a faulty payment")
        return _Refused(faulty, FAULTY_FOR) if is_payment(raw) else None
