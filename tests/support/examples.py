"""Examples in Markdown: a request in one fenced block, its answer in the next.

A request is a block of the kind `console` with one curl command after `$ `, or of the kind `graphql`, whose first line
may be `# as admin` or `# as USER`. Its answer is a block of the kind `json`, with its status behind the kind (200 when
none stands there). In an answer, ids, codes, instants and the like stand for any of their kind; where a later request
of the page names such an id or code, it means the one that was really answered.
"""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.support.api import ADMIN, ADMIN_KEY, bearer, token

FENCE = re.compile(
    r"^```(?P<kind>console|graphql|json)(?: (?P<status>\d+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
BASE = "http://localhost:3000"
USER = "ada"
"""Whose token `$TOKEN` is."""
# What differs from run to run, by its looks. Names are what later requests may use.
NAMES = [
    re.compile(r"[0-9a-f]{24}"),
    re.compile(r"[A-Z0-9]{4}-[A-Z0-9]{4}"),
    re.compile(r"(?=[A-Z0-9]*\d)(?=[A-Z0-9]*[A-Z])[A-Z0-9]{6}"),
    re.compile(r"(?=.*[a-z])(?=.*[A-Z0-9])[A-Za-z0-9+/_-]{16,}={0,2}"),
]
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@dataclass(frozen=True)
class Example:
    """One request and its answer, with the line it stands on."""

    line: int
    kind: str
    request: str
    status: int
    answer: Any


def read_examples(page: Path) -> Iterator[Example]:
    """The examples of a page, in order. A request without an answer is an error of the page.

    A `console` block without curl (how a server is started) is no request.
    """
    text, request = page.read_text(), None
    for fence in FENCE.finditer(text):
        line = text.count("\n", 0, fence.start()) + 1
        if fence["kind"] != "json":
            assert request is None, f"{page.name}:{line}: the request before has no answer"
            if fence["kind"] == "graphql" or fence["text"].startswith("$ curl"):
                request = (line, fence["kind"], fence["text"])
        elif request is not None:
            yield Example(*request, int(fence["status"] or 200), json.loads(fence["text"]))
            request = None
    assert request is None, f"{page.name}: the last request has no answer"


@dataclass
class Reader:
    """Follows a page: sends its requests, compares their answers, and remembers what stands for what."""

    http: httpx.AsyncClient
    meant: dict[str, str] = field(default_factory=dict)
    """The id or code that was really answered, by the one that the page shows."""

    async def run(self, example: Example) -> httpx.Response:
        """Send what an example says."""
        request = example.request
        for shown, real in self.meant.items():
            request = request.replace(shown, real)
        if example.kind == "console":
            return await self._run_curl(request)
        first = request.partition("\n")[0]
        name = first.removeprefix("# as ") if first.startswith("# as ") else None
        headers = {} if name is None else ADMIN if name == "admin" else bearer(name)
        return await self.http.post("/graphql", json={"query": request}, headers=headers)

    def alike(self, answered: Any, shown: Any) -> bool:
        """Whether an answer is the one that the page shows, but for what differs from run to run."""
        if isinstance(shown, dict):
            return (
                isinstance(answered, dict)
                and answered.keys() == shown.keys()
                and all(self.alike(answered[name], value) for name, value in shown.items())
            )
        if isinstance(shown, list):
            return isinstance(answered, list) and len(answered) == len(shown) and all(map(self.alike, answered, shown))
        if isinstance(shown, str) and isinstance(answered, str) and answered != shown:
            return self._same_kind(answered, shown)
        return type(answered) is type(shown) and bool(answered == shown)

    def _same_kind(self, answered: str, shown: str) -> bool:
        if any(kind.fullmatch(shown) and kind.fullmatch(answered) for kind in NAMES):
            self.meant[shown] = answered
            return True
        return bool(INSTANT.fullmatch(shown) and INSTANT.fullmatch(answered))

    async def _run_curl(self, command: str) -> httpx.Response:
        filled = command.replace("$ADMIN_KEY", ADMIN_KEY).replace("$TOKEN", token(USER, "default"))
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
                    assert not word.startswith("-"), f"{word} of curl is not understood here: {command}"
                    url = word
        assert url.startswith(BASE), command
        return await self.http.request(
            method or ("POST" if body else "GET"), url.removeprefix(BASE), headers=headers, content=body
        )
