"""Examples in Markdown: a request in one fenced block, its answer in the next.

A request is a block of the kind `console` with one curl command after `$ `, or of the kind `graphql`, whose first line
may be `# as admin` or `# as USER`. Its answer is a block of the kind `json`, with its status behind the kind (200 when
none stands there). In an answer, ids, codes, instants and the like stand for any of their kind.
"""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.api import ADMIN, ADMIN_KEY, Api, bearer, token

FENCE = re.compile(
    r"^```(?P<kind>console|graphql|json)(?: (?P<status>\d+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
BASE = "http://localhost:3000"
# What differs from run to run, by its looks.
KINDS = [
    re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"),
    re.compile(r"[0-9a-f]{24}"),
    re.compile(r"[A-Z0-9]{4}-[A-Z0-9]{4}"),
    re.compile(r"(?=[A-Z0-9]*\d)(?=[A-Z0-9]*[A-Z])[A-Z0-9]{6}"),
    re.compile(r"(?=.*[a-z])(?=.*[A-Z0-9])[A-Za-z0-9+/_-]{16,}={0,2}"),
]


@dataclass(frozen=True)
class Example:
    """One request and its answer, with the line it stands on."""

    line: int
    kind: str
    request: str
    status: int
    answer: Any


def read_examples(page: Path) -> Iterator[Example]:
    """The examples of a page, in order. A request without an answer is an error of the page."""
    text, request = page.read_text(), None
    for fence in FENCE.finditer(text):
        line = text.count("\n", 0, fence.start()) + 1
        if fence["kind"] != "json":
            assert request is None, f"{page.name}:{line}: the request before has no answer"
            request = (line, fence["kind"], fence["text"])
        elif request is not None:
            yield Example(*request, int(fence["status"] or 200), json.loads(fence["text"]))
            request = None
    assert request is None, f"{page.name}: the last request has no answer"


async def run_example(api: Api, example: Example) -> httpx.Response:
    """Send what an example says."""
    if example.kind == "graphql":
        first = example.request.partition("\n")[0].removeprefix("# as ")
        headers = {} if first.startswith(("{", "query", "mutation")) else ADMIN if first == "admin" else bearer(first)
        return await api.http.post("/graphql", json={"query": example.request}, headers=headers)
    return await _run_curl(api, example.request)


async def _run_curl(api: Api, command: str) -> httpx.Response:
    filled = command.replace("$ADMIN_KEY", ADMIN_KEY)
    filled = re.sub(r"\$TOKEN_(\w+)", lambda name: token(name[1].replace("_", "-")), filled)
    words = iter(shlex.split(filled.replace("\\\n", " ").removeprefix("$ ")))
    assert next(words) == "curl", command
    method, url, headers, body = None, "", {}, None
    for word in words:
        match word:
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d":
                body = next(words)
            case _:
                url = word
    assert url.startswith(BASE), command
    return await api.http.request(
        method or ("POST" if body else "GET"), url.removeprefix(BASE), headers=headers, content=body
    )


def alike(answered: Any, documented: Any) -> bool:
    """Whether an answer is the documented one, but for what differs from run to run."""
    if isinstance(documented, dict):
        return (
            isinstance(answered, dict)
            and answered.keys() == documented.keys()
            and all(alike(answered[name], value) for name, value in documented.items())
        )
    if isinstance(documented, list):
        return isinstance(answered, list) and len(answered) == len(documented) and all(map(alike, answered, documented))
    if isinstance(documented, str) and isinstance(answered, str) and answered != documented:
        return any(kind.fullmatch(documented) and kind.fullmatch(answered) for kind in KINDS)
    return type(answered) is type(documented) and bool(answered == documented)
