"""Answers of REST: the documented envelope, and errors of every family."""

import logging
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from models.base import to_json
from models.errors import (
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


def failure(fault: Exception, **more: Any) -> JSONAnswer:
    """`{status: "error", message, code, …}`; a 400 also lists its faults in `errors`. The unexpected is logged."""
    error = as_domain_error(fault)
    if isinstance(fault, ClientDisconnect):
        log.info("the client went before its request had come whole")
    elif isinstance(error, InternalServerError):
        log.error("unexpected fault", exc_info=fault)
    body: dict[str, object] = {"status": "error", "message": error.message, **more, "code": error.code}
    body |= error.data
    if error.status == 400:
        body.setdefault("errors", [error.message])
    answer = JSONAnswer(body, status_code=error.status, headers=error.headers)
    if isinstance(error, InvalidToken):
        answer.delete_cookie("token")
    return answer


async def answer_http_exception(_: Request, fault: Exception) -> Response:
    """What Starlette itself refuses: unknown paths, wrong methods, bodies over the limit."""
    assert isinstance(fault, HTTPException)
    headers: Mapping[str, str] = fault.headers or {}
    match fault.status_code:
        case 404:
            return failure(RouteNotFound())
        case 405:
            return failure(MethodNotAllowed(headers.get("Allow", "").split(", ")))
        case 413:
            return failure(PayloadTooLarge())
        case _:
            return failure(fault)


async def answer_fault(request: Request, fault: Exception) -> Response:
    """The answer to whatever was raised."""
    if isinstance(fault, HTTPException):
        return await answer_http_exception(request, fault)
    return failure(fault)


def exception_handlers() -> dict[Any, Any]:
    """For Starlette, whose own refusals take the shape of errors. What routes let escape is for the last resort."""
    return {HTTPException: answer_http_exception}
