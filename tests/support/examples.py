"""Examples in Markdown: a request in one fenced block, its answer in the next.

A request is a block of the kind `console` with one curl command after `$ `, or of the kind `graphql`, whose first line
may be `# as admin` or `# as USER`. Its answer is a block of the kind `json`, `csv` or `ndjson`, with its status behind
the kind (200 when none stands there). A block of the kind `websocket` is a talk: `>` before what is sent, `<` before
what is answered, `$` before a curl command that is run meanwhile and succeeds.

In an answer, ids, codes, instants and the like stand for any of their kind; where a later request of the page names
such an id or code, it means the one that was really answered.
"""

import asyncio
import csv
import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.support.api import ADMIN, ADMIN_KEY, bearer, token

FENCE = re.compile(
    r"^```(?P<kind>console|graphql|websocket|json|csv|ndjson)(?: (?P<status>\d+))?\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
GRAPHQL_TRANSPORT_WS = Subprotocol("graphql-transport-ws")
BASE = "http://localhost:3000"
USER = "ada"
"""Whose token `$TOKEN` is."""
ANSWERS: dict[str, Callable[[str], Any]] = {
    "json": json.loads,
    "csv": lambda text: list(csv.reader(text.splitlines(keepends=True))),
    "ndjson": lambda text: [json.loads(line) for line in text.splitlines()],
}
"""How answers are read, by their kinds."""
# What differs from run to run, by its looks. Names are what later requests may use.
NAMES = [
    re.compile(r"[0-9a-f]{24}"),
    re.compile(r"[A-Z0-9]{4}-[A-Z0-9]{4}"),
    re.compile(r"[A-Z0-9]{6}"),
    re.compile(r"(?=.*[a-z])(?=.*[A-Z0-9])[A-Za-z0-9+/_-]{16,}={0,2}"),
]
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@dataclass(frozen=True)
class Example:
    """One request and its answer, with the line it stands on. A talk holds its answers itself."""

    line: int
    kind: str
    request: str
    status: int
    answer: Any
    read: Callable[[str], Any] = json.loads


def read_examples(page: Path) -> Iterator[Example]:
    """The examples of a page, in order. A request without an answer is an error of the page.

    A `console` block without curl (how a server is started) is no request.
    """
    text, request = page.read_text(), None
    for fence in FENCE.finditer(text):
        line = text.count("\n", 0, fence.start()) + 1
        if fence["kind"] not in ANSWERS:
            assert request is None, f"{page.name}:{line}: the request before has no answer"
            if fence["kind"] == "websocket":
                yield Example(line, fence["kind"], fence["text"], 0, None)
            elif fence["kind"] == "graphql" or fence["text"].startswith("$ curl"):
                request = (line, fence["kind"], fence["text"])
        elif request is not None:
            read = ANSWERS[fence["kind"]]
            yield Example(*request, int(fence["status"] or 200), read(fence["text"]), read)
            request = None
    assert request is None, f"{page.name}: the last request has no answer"


def curl_request(command: str) -> httpx.Request:
    """The request that a curl command sends."""
    words = iter(shlex.split(command.replace("\\\n", " ").removeprefix("$ ")))
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
    return httpx.Request(method or ("POST" if body else "GET"), url, headers=headers, content=body)


@dataclass
class Reader:
    """Follows a page: sends its requests to a server, compares their answers, and remembers what stands for what."""

    http: httpx.AsyncClient
    meant: dict[str, str] = field(default_factory=dict)
    """The id or code that was really answered, by the one that the page shows."""

    async def check(self, example: Example) -> None:
        """Send what an example says and assert that it is answered as the page says."""
        if example.kind == "websocket":
            await self._talk(example.request)
            return
        answer = await self.ask(example)
        told = f"line {example.line}: {example.request}answered {answer.status_code} {answer.text}"
        assert answer.status_code == example.status, told
        assert self.alike(example.read(answer.text), example.answer), told

    async def ask(self, example: Example) -> httpx.Response:
        """Send a request by HTTP."""
        request = self.filled(example.request)
        if example.kind == "console":
            return await self._run_curl(request)
        first = request.partition("\n")[0]
        name = first.removeprefix("# as ") if first.startswith("# as ") else None
        headers = {} if name is None else ADMIN if name == "admin" else bearer(name, "default")
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
        # An access code may look like a word, and a word in capitals like an access code: pages show codes with digits.
        is_word = shown.isalpha() and shown.isupper()
        if not is_word and any(kind.fullmatch(shown) and kind.fullmatch(answered) for kind in NAMES):
            return self.meant.setdefault(shown, answered) == answered
        return bool(INSTANT.fullmatch(shown) and INSTANT.fullmatch(answered))

    def filled(self, request: str) -> str:
        """A request with what was really answered in place of what the page shows, and with real secrets."""
        for shown, real in self.meant.items():
            request = request.replace(shown, real)
        return request.replace("$ADMIN_KEY", ADMIN_KEY).replace("$TOKEN", token(USER, "default"))

    async def _talk(self, text: str) -> None:
        uri = str(self.http.base_url.copy_with(scheme="ws", path="/graphql"))
        async with connect(uri, subprotocols=[GRAPHQL_TRANSPORT_WS], proxy=None) as socket:
            for line in text.splitlines():
                mark, _, said = line.partition(" ")
                if mark == ">":
                    await socket.send(self.filled(said))
                elif mark == "<":
                    heard = json.loads(await asyncio.wait_for(socket.recv(), 10))
                    assert self.alike(heard, json.loads(said)), f"{line}\nbut heard {heard}"
                else:
                    answer = await self._run_curl(self.filled(line))
                    assert answer.is_success, f"{line}\nanswered {answer.status_code} {answer.text}"

    async def _run_curl(self, command: str) -> httpx.Response:
        asked = curl_request(command)
        url = str(asked.url).removeprefix(BASE)
        return await self.http.request(asked.method, url, headers=asked.headers, content=asked.content)
