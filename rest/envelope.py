"""Answers of REST: the documented envelope, and errors of every family."""

import logging
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from models.base import to_json
from models.errors import (
    DomainError,
    InternalServerError,
    InvalidToken,
    MethodNotAllowed,
    PayloadTooLarge,
    RouteNotFound,
)
from models.pagination import Page
from services.kit.transactions import as_domain_error

log = logging.getLogger("tessera.rest")


class JSONAnswer(Response):
    """A JSON body by orjson."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)


class Failure(JSONAnswer):
    """The answer to a fault, which leaves its code to whoever logs the request."""

    code = ""

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["code"] = self.code
        await super().__call__(scope, receive, send)


def success(data: Any = None, *, status: int = 200, message: str | None = None, **more: Any) -> JSONAnswer:
    """`{status: "success", message?, …, data?}` in the order of the documents."""
    body: dict[str, object] = {"status": "success"}
    if message is not None:
        body["message"] = message
    body |= more
    if data is not None:
        body["data"] = data
    return JSONAnswer(body, status_code=status)


def pagination(page: Page[Any]) -> dict[str, int]:
    return {"total": page.total, "page": page.page, "pages": page.pages, "limit": page.limit}


def fields_of(entity: object, *names: str) -> dict[str, object]:
    """Returns those fields of an entity that an answer shows, in this order."""
    shown = to_json(entity)
    return {name: shown[name] for name in names}


def error_body(error: DomainError, **more: Any) -> dict[str, object]:
    """What is answered to a refusal."""
    body: dict[str, object] = {"status": "error", "message": error.message, **more, "code": error.code}
    body |= error.data
    if error.status == 400:
        body.setdefault("errors", [error.message])
    return body


def failure(fault: Exception, **more: Any) -> Failure:
    """`{status: "error", message, code, …}`; a 400 also lists its faults in `errors`. The unexpected is logged."""
    error = _as_error(fault)
    if isinstance(fault, ClientDisconnect):
        log.info("the client went before its request had come whole")
    elif isinstance(error, InternalServerError):
        log.error("unexpected fault", exc_info=fault)
    answer = Failure(error_body(error, **more), status_code=error.status, headers=error.headers)
    answer.code = error.code
    if isinstance(error, InvalidToken):
        answer.delete_cookie("token")
    return answer


def _as_error(fault: Exception) -> DomainError:
    """What is said of a fault, also of what Starlette itself refuses: unknown paths, wrong methods, large bodies."""
    match fault:
        case HTTPException(status_code=404):
            return RouteNotFound()
        case HTTPException(status_code=405):
            return MethodNotAllowed((fault.headers or {}).get("Allow", "").split(", "))
        case HTTPException(status_code=413):
            return PayloadTooLarge()
        case _:
            return as_domain_error(fault)
