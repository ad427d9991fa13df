"""Every REST answer that a test gets is judged by `openapi.json`: its path, status, headers, media type and body."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from jsonschema_rs import validator_for
from starlette.routing import compile_path

from rest.paths import routed

ROOT = Path(__file__).parents[2]
METHODS = frozenset({"get", "post", "put", "patch", "delete"})
ERROR = {"$ref": "#/components/schemas/Error"}
OURS = ("/api/", "/admin/", "/health", "/livez", "/readyz")
JSON = "application/json"


@cache
def document() -> dict[str, Any]:
    """The document as it is kept."""
    kept: dict[str, Any] = json.loads((ROOT / "openapi.json").read_text())
    return kept


@cache
def _paths() -> list[tuple[Any, str]]:
    # What is longer is less general: `/order/{orderId}` would take `/order/…` of others.
    return [(compile_path(path)[0], path) for path in sorted(document()["paths"], key=lambda path: path.count("{"))]


def path_of(raw_path: str) -> str | None:
    """The documented path that a request's path is one of; None where there is none."""
    path = raw_path.removeprefix("/api") if raw_path.startswith("/api/admin/") else raw_path
    return next((template for pattern, template in _paths() if pattern.match(path)), None)


def _resolved(part: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in part:
        found: Any = document()
        for word in part["$ref"].removeprefix("#/").split("/"):
            found = found[word]
        part = found
    return part


@cache
def _validator(schema: str) -> Any:
    return validator_for({**json.loads(schema), "components": document()["components"]})


def faults_of(answer: httpx.Response) -> list[str]:
    """What of an answer is not as it is documented; its body must have been read where it is JSON."""
    request = answer.request
    path, method = path_of(routed(request.url.raw_path.partition(b"?")[0])), request.method.lower()
    told = document()["paths"].get(path, {})
    is_head = method == "head" and "get" in told
    operation = told.get("get" if is_head else method)
    if operation is None or answer.status_code == 405:
        return _faults_of_unknown(answer)
    response = operation["responses"].get(str(answer.status_code))
    if response is None:
        return [f"{request.method} {path} is not documented to answer {answer.status_code}: {answer.text}"]
    response = _resolved(response)
    faults = [
        f"{name} is missing"
        for name, header in response.get("headers", {}).items()
        if _resolved(header).get("required") and name not in answer.headers
    ]
    return faults if is_head else faults + _faults_of_body(answer, response["content"])


def _faults_of_unknown(answer: httpx.Response) -> list[str]:
    """An unknown path or a wrong method: neither is in the document."""
    if answer.status_code < 400:
        return [f"{answer.request.method} {answer.request.url} is not documented"]
    return [] if answer.request.method == "HEAD" else _faults_of_body(answer, {JSON: {"schema": ERROR}})


def _faults_of_body(answer: httpx.Response, content: dict[str, Any]) -> list[str]:
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    if media_type not in content:
        return [f"{media_type} is not documented"]
    if media_type != JSON:
        return []
    validator = _validator(json.dumps(content[media_type]["schema"]))
    return [f"{error.message} at {list(error.instance_path)}" for error in validator.iter_errors(answer.json())]


async def judge(answer: httpx.Response) -> None:
    """A hook of httpx: raises `AssertionError` where a REST answer is not as it is documented."""
    request = answer.request
    if request.method == "OPTIONS" or not request.url.path.startswith(OURS):
        return
    if answer.headers.get("content-type", "").startswith(JSON):
        await answer.aread()
    faults = faults_of(answer)
    assert faults == [], f"{request.method} {request.url} answers {answer.status_code}: {faults}"


HOOKS: Any = {"response": [judge]}
"""For every client of a whole Tessera."""
