"""What a client is shown of a fault: `extensions.code` for each error, and nothing of what no one expected.

Runs over the finished errors, in place, so that HTTP, server-sent events and WebSocket show the same.
"""

import logging
import traceback
from collections.abc import Sequence

from graphql import GraphQLError
from graphql.language import FieldNode
from strawberry.exceptions import StrawberryInputCoercionError

from graphql_engine.errors import coded
from models.errors import DomainError, InternalServerError, InvalidInput
from models.values.card_numbers import mask_digits
from services.kit.transactions import as_domain_error

log = logging.getLogger("tessera.graphql")


def present(errors: list[GraphQLError], request_id: str, limit: int) -> None:
    """Cuts the list to `limit`, and gives each error its code; a fault is logged once and masked."""
    del errors[limit:]
    logged: set[int] = set()
    for error in errors:
        # graphql-core quotes what was sent, and that may be a whole card number.
        error.message = mask_digits(error.message)
        if error.extensions and "code" in error.extensions:
            continue
        cause = _cause(error)
        if cause is None or isinstance(cause, StrawberryInputCoercionError):
            coded(error, InvalidInput.code)
            continue
        shown = as_domain_error(cause)
        error.message = shown.message
        error.extensions = {"code": shown.code, **shown.data}
        if isinstance(shown, InternalServerError):
            error.extensions["requestId"] = request_id
        if shown is not cause and id(cause) not in logged:
            logged.add(id(cause))
            report(cause, shown, error.path, request_id)


def _cause(error: GraphQLError) -> Exception | None:
    """Returns what a resolver raised or a result broke; None where the client's own input is at fault."""
    cause: Exception = error
    while isinstance(cause, GraphQLError) and not isinstance(cause, StrawberryInputCoercionError):
        if cause.original_error is None:
            # graphql-core blames the argument or the variable for what was sent, and the field for what came out of it.
            by_field = all(isinstance(node, FieldNode) for node in error.nodes or ())
            return cause if error.path is not None and by_field else None
        cause = cause.original_error
    return cause


def report(fault: Exception, shown: DomainError, path: Sequence[str | int] | None, request_id: str) -> None:
    """Logs where it went wrong, never what was sent: an exception's own text may quote an argument or a secret."""
    where = ".".join(map(str, path or ()))
    fields = {"request_id": request_id, "field": where, "code": shown.code}
    if isinstance(shown, InternalServerError):
        log.error("unexpected fault\n%s", _frames(fault), extra=fields)
    else:
        log.warning("%s by %s", shown.code, type(fault).__name__, extra=fields)


def _frames(fault: BaseException) -> str:
    """Returns the traceback of a fault and of what led to it, with types of exceptions and no messages."""
    parts: list[str] = []
    seen: set[int] = set()
    link: BaseException | None = fault
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        parts.append(
            f"{type(link).__module__}.{type(link).__qualname__}\n{''.join(traceback.format_tb(link.__traceback__))}"
        )
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "caused by ".join(parts)
