"""`Idempotency-Key` on REST: every change under a key has one answer."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import Response

from models.errors import InvalidInput
from models.idempotency import fingerprint, read_key
from models.principal import Principal
from rest.envelope import failure
from services.kit.idempotency.keys import Idempotency

HEADER = "Idempotency-Key"
CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def is_keyed(request: Request) -> bool:
    """Whether a key counts: the documented GET refunds take none, POST on their paths does."""
    return request.method in CHANGING and HEADER in request.headers


async def once_per_key(
    idempotency: Idempotency, request: Request, caller: Principal, respond: Callable[[], Awaitable[Response]]
) -> Response:
    """The first answer of the caller's key. Raises `InvalidInput` for a bad key, `IdempotencyKeyReused`, `…InUse`."""
    keys = request.headers.getlist(HEADER)
    if len(keys) > 1:
        raise InvalidInput.of(HEADER, f"{HEADER} must be given once")
    key = read_key(HEADER, keys[0])
    # The admin's key may stand in the query. It says who is calling, not what is asked.
    query = [(name, value) for name, value in parse_qsl(request.url.query, True) if name != "adminKey"]
    operation = f"{request.method} {request.url.path}?{urlencode(query)}"
    body = await request.body()

    async def run() -> Response:
        try:
            return await respond()
        except Exception as fault:
            return failure(fault)

    answer = await idempotency.once(caller, key, fingerprint(operation, body), run, keep=_keep)
    return answer if isinstance(answer, Response) else _restore(answer)


def _keep(answer: Response) -> dict[str, object] | None:
    if answer.status_code >= 500:
        return None
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in answer.raw_headers]
    return {"status": answer.status_code, "headers": headers, "body": bytes(answer.body)}


def _restore(kept: Mapping[str, Any]) -> Response:
    answer = Response(kept["body"], kept["status"])
    answer.raw_headers[:] = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in kept["headers"]]
    return answer
