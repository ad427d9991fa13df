"""Idempotency keys: a caller's own word for one change, so that asking again does not change again."""

from hashlib import sha256

import orjson

from models.errors import Conflict, InvalidInput
from models.principal import Principal
from models.values.card_numbers import mask_digits, without_card_secrets
from models.values.texts import clean

MAX_KEY = 255


class IdempotencyKeyReused(Conflict):
    """422: this idempotency key came before with another input."""

    code = "IDEMPOTENCY_KEY_REUSED"
    status = 422
    message = "This idempotency key was used for another request"


class IdempotencyKeyInUse(Conflict):
    """409: the first request with this idempotency key has not ended; try again."""

    code = "IDEMPOTENCY_KEY_IN_USE"
    message = "The first request with this idempotency key is still running"

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": "1"}


def read_key(path: str, raw: str) -> str:
    """The key as it is kept: up to 255 visible ASCII characters. `path` is how the caller named it."""
    key = clean(raw)
    if not key:
        raise InvalidInput.of(path, f"{path} must not be blank")
    if len(key) > MAX_KEY or not (key.isascii() and key.isprintable()):
        raise InvalidInput.of(path, f"{path} must be at most {MAX_KEY} printable ASCII characters")
    return key


def row_id(caller: Principal, key: str) -> str:
    """Under what a caller's key is kept: another's same key is another. The anonymous are told by their address."""
    if caller.user_id is not None:
        owner = ("user", caller.user_id)
    else:
        owner = ("address", caller.address) if caller.key is None else ("admin", caller.key.id or "")
    return sha256(orjson.dumps([*owner, key])).hexdigest()


def fingerprint(operation: str, body: object) -> str:
    """What tells one request from another. Of card numbers only the last four digits go in: a hash can be guessed.

    `body` is JSON's kind of value, or the bytes of a body as it came.
    """
    size, value = 0, body
    if isinstance(body, bytes):
        size = len(body)
        try:
            value = orjson.loads(body)
        except ValueError:
            value = mask_digits(body.decode("latin-1"))
    return sha256(orjson.dumps([operation, size, without_card_secrets(value)], default=str)).hexdigest()
