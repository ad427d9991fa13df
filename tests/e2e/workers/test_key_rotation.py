"""Keys of tokens change under load, on real servers: whoever signs may change over, and no request is turned away."""

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from devtools.embedded import ChildProcess
from devtools.embedded.ports import free_ports
from tests.support.eventually import eventually
from tests.support.processes import family
from tests.support.serving import serving
from tests.support.signing import ec_key, jwk, publishing, rsa_key, signed_by

OLD, NEW = "an-old-secret-of-32-bytes-or-more", "a-new-secret-of-32-bytes-or-more!"
CALLERS = 6


class Load:
    """Callers that ask who they are, each with a token as it is signed at that moment."""

    def __init__(self, port: int, sign: Callable[[], str]) -> None:
        self.sign = sign
        self.answers: Counter[str] = Counter()
        self._url = f"http://127.0.0.1:{port}/graphql"

    async def ask(self, http: httpx.AsyncClient) -> str:
        """Who the token names, or the code of why it names nobody."""
        headers = {"authorization": f"Bearer {self.sign()}", "connection": "close"}
        answer = (await http.post(self._url, json={"query": "{ viewer { userId } }"}, headers=headers)).json()
        if "errors" in answer:
            return str(answer["errors"][0]["extensions"]["code"])
        return str(answer["data"]["viewer"]["userId"])

    async def run(self) -> None:
        async with httpx.AsyncClient(timeout=60) as http:
            while True:
                try:
                    self.answers[await self.ask(http)] += 1
                except httpx.TransportError:  # The worker of this connection has just been replaced.
                    self.answers["again"] += 1

    async def more(self) -> None:
        """Wait until every caller has been answered again."""
        wanted = self.answers["ada"] + 4 * CALLERS
        await eventually(lambda: self.answers["ada"] >= wanted or len(self.refused) > 0, within=60)

    @property
    def refused(self) -> set[str]:
        return set(self.answers) - {"ada", "again"}


@asynccontextmanager
async def under_load(port: int, sign: Callable[[], str]) -> AsyncIterator[Load]:
    load = Load(port, sign)
    callers = [asyncio.create_task(load.run()) for _ in range(CALLERS)]
    try:
        await load.more()
        yield load
        await load.more()
        assert load.refused == set(), load.answers
    finally:
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)


async def renewed(process: ChildProcess) -> None:
    """Have every worker replaced, as SIGHUP does."""
    before = set(family(process)[1:])
    family(process)[0].send_signal(signal.SIGHUP)
    await eventually(lambda: len(now := set(family(process)[1:])) == 2 and not now & before, within=120)


async def test_two_secrets_are_live_while_one_follows_the_other(tmp_path: Path, database_uri: str) -> None:
    [port], file = free_ports(1), tmp_path / "keys.json"
    old, new = {"kid": "old", "key": OLD}, {"kid": "new", "key": NEW}
    file.write_text(json.dumps([old]))
    told = {"JWT_KEYS_FILE": str(file), "LOG_LEVEL": "warning"}
    with serving(tmp_path / "log", database_uri, [port], "--workers", "2", **told) as process:
        await eventually(lambda: len(family(process)) == 3, within=120)
        async with under_load(port, lambda: signed_by(OLD, "old")) as load:
            file.write_text(json.dumps([old, new]))
            await renewed(process)
            await load.more()
            load.sign = lambda: signed_by(NEW, "new")
            await load.more()
            file.write_text(json.dumps([new]))
            await renewed(process)
        # A token that the old secret has signed is refused once that is withdrawn.
        load.sign = lambda: signed_by(OLD, "old")
        async with httpx.AsyncClient(timeout=60) as http:
            assert await load.ask(http) == "FORBIDDEN"
        file.write_text("[")
        family(process)[0].send_signal(signal.SIGHUP)
        await eventually(lambda: "JWT_KEYS must be" in (tmp_path / "log").read_text(), within=120)
        async with under_load(port, lambda: signed_by(NEW, "new")):
            pass
    assert "Traceback" not in (tmp_path / "log").read_text()


async def test_a_published_key_is_good_with_the_first_token_that_it_signs(tmp_path: Path, database_uri: str) -> None:
    [port] = free_ports(1)
    first, second = jwk(rsa_key(), "first"), jwk(ec_key(), "second")
    with publishing(first) as publisher:
        told = {"JWT_SEC": "", "JWKS_URL": publisher.url, "JWKS_REFRESH": "3600", "LOG_LEVEL": "warning"}
        with serving(tmp_path / "log", database_uri, [port], "--workers", "2", **told):
            async with under_load(port, lambda: signed_by(rsa_key(), "first")) as load:
                publisher.keys = [first, second]
                load.sign = lambda: signed_by(ec_key(), "second")
                await load.more()
