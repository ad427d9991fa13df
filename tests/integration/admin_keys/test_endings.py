"""How a key ends: for requests, for live connections, and what holds while the database is away."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from secrets import token_urlsafe

import httpx
import pytest
from starlette.requests import HTTPConnection

from models.admin_keys.admin_key import PREFIX, CreateAdminKey
from models.errors import Forbidden, ServiceUnavailable
from models.principal import MAIN_KEY, SYSTEM, Role
from server.app import create_app
from server.authentication import Authenticator
from services.admin_keys.live_keys import MOST_MISSED, LiveKeys
from services.registry import Services, utc_now
from tests.integration.admin_keys.support import VIEWER, end, new_key, shown
from tests.integration.graphql.conftest import served
from tests.integration.graphql.test_expiry import hear_to_the_end
from tests.support.api import ADMIN_KEY, MONGO_DRIVER, Api, bearer, settings_for, unique
from tests.support.talk import talk

CLOSED = (4403, "Invalid authentication credentials")
WATCH = 'subscription { usageAvailabilityChanged(campaignId: "%s", userId: "u") { used } }' % ("a" * 24)


@pytest.fixture
async def address(own_api: Api) -> AsyncIterator[str]:
    """The application over a socket; `own_api` is another process to it."""
    async with served(create_app(own_api.settings), lifespan="on") as host:
        yield host


async def test_a_key_that_another_process_made_is_good_at_once_and_revoked_within_a_second(
    own_api: Api, other: Services
) -> None:
    for _ in range(3):
        key, key_id = await new_key(other)
        assert (await own_api.data(VIEWER, headers=shown(key)))["viewer"]["role"] == "VIEWER"
        await end(other, key_id)
        revoked = time.monotonic()
        while (await own_api.data(VIEWER, headers=shown(key)))["viewer"] is not None:
            assert time.monotonic() - revoked < 1
            await asyncio.sleep(0.02)


async def test_a_key_that_is_revoked_here_is_refused_here_at_once(own_api: Api) -> None:
    key, key_id = await new_key(own_api.services)
    assert (await own_api.data(VIEWER, headers=shown(key)))["viewer"] is not None
    await end(own_api.services, key_id)
    assert (await own_api.data(VIEWER, headers=shown(key)))["viewer"] is None


async def test_a_key_is_taken_from_the_query_under_admin_alone(own_api: Api) -> None:
    key, _ = await new_key(own_api.services)
    assert (await own_api.http.get(f"/admin/stats?adminKey={key}")).status_code == 200
    assert (await own_api.http.get(f"/api/order/find/u?adminKey={key}")).status_code == 401
    wrong = await own_api.http.get(f"/admin/stats?adminKey={PREFIX}{'A' * 43}")
    assert (wrong.status_code, wrong.json()["message"]) == (403, "Invalid authentication credentials")


@pytest.mark.parametrize("way", ["header", "connection_init"])
async def test_a_websocket_is_closed_within_a_second_of_its_key_being_revoked(
    own_api: Api, address: str, way: str
) -> None:
    key, key_id = await new_key(own_api.services)
    headers = {"X-Admin-Key": key} if way == "header" else {}
    payload = {} if way == "header" else shown(key)
    async with talk(address, additional_headers=headers) as one, talk(address) as stays:
        await one.begin(**payload)
        await stays.begin(**shown(ADMIN_KEY))
        await one.subscribe("s", WATCH)
        assert (await one.hear())["type"] == "next"
        await end(own_api.services, key_id)
        revoked = time.monotonic()
        assert await hear_to_the_end(one) == ([], CLOSED)
        assert time.monotonic() - revoked < 1
        assert (await stays.ask("{ viewer { name } }"))["payload"] == {"data": {"viewer": {"name": "admin"}}}


async def test_a_key_that_is_revoked_between_the_handshake_and_connection_init_opens_nothing(
    own_api: Api, address: str
) -> None:
    key, key_id = await new_key(own_api.services)
    async with talk(address, additional_headers={"X-Admin-Key": key}) as one:
        await end(own_api.services, key_id)
        await asyncio.sleep(0.5)
        await one.say({"type": "connection_init"})
        assert await hear_to_the_end(one) == ([], CLOSED)


async def test_a_websocket_and_an_event_stream_end_when_their_key_expires(own_api: Api, address: str) -> None:
    expires_at = utc_now() + timedelta(seconds=2)
    new = await own_api.services.admin_keys.create(SYSTEM, CreateAdminKey(unique("key"), Role.VIEWER, expires_at))
    assert new.secret is not None
    async with talk(address) as one:
        await one.begin(**shown(new.secret))
        streamed = asyncio.create_task(stream_to_the_end(address, new.secret))
        assert await hear_to_the_end(one) == ([], CLOSED)
        assert (await streamed)[-3:] == [f": {CLOSED[1]}", "event: complete\r\ndata: ", ""]
    assert timedelta(0) <= utc_now() - expires_at < timedelta(seconds=2)


async def test_an_event_stream_is_complete_within_a_second_of_its_key_being_revoked(own_api: Api, address: str) -> None:
    key, key_id = await new_key(own_api.services)
    streamed = asyncio.create_task(stream_to_the_end(address, key))
    await asyncio.sleep(0.7)
    assert not streamed.done()
    await end(own_api.services, key_id)
    revoked = time.monotonic()
    events = await streamed
    assert time.monotonic() - revoked < 1
    assert events[0].startswith("event: next")
    assert events[-3:] == [f": {CLOSED[1]}", "event: complete\r\ndata: ", ""]


async def stream_to_the_end(address: str, key: str) -> list[str]:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        headers = {"accept": "text/event-stream", **shown(key)}
        answer = await client.post(f"http://{address}/graphql", json={"query": WATCH}, headers=headers)
    return answer.text.split("\r\n\r\n")


async def test_a_flood_of_wrong_keys_costs_few_reads_and_little_memory(own_api: Api) -> None:
    live = LiveKeys(own_api.services.database, utc_now)
    good, _ = await new_key(own_api.services)
    found = live._keys.database
    before = (await found.command("serverStatus"))["opcounters"]["query"]
    wrong = [PREFIX + token_urlsafe(32) for _ in range(3 * MOST_MISSED)]
    answers = await asyncio.gather(*map(live.find, wrong), *(live.find(good) for _ in range(1_000)))
    answers += await asyncio.gather(*(live.find(wrong[-1]) for _ in range(1_000)))
    assert answers.count(None) == len(wrong) + 1_000
    assert (await found.command("serverStatus"))["opcounters"]["query"] - before < 200
    assert len(live._missed) <= MOST_MISSED
    await live.close()


async def test_the_admin_key_goes_on_working_while_the_database_is_away() -> None:
    services = Services.open(mongo_uri="mongodb://127.0.0.1:9/", database_name="away", mongo_driver=MONGO_DRIVER)
    authenticator = Authenticator(settings_for("mongodb://127.0.0.1:9/away"), services.admin_keys.live)
    began = time.monotonic()
    assert (await authenticator.principal(connection(ADMIN_KEY))).key == MAIN_KEY
    assert isinstance((await authenticator.principal(connection("wrong"))).refusal, Forbidden)
    assert time.monotonic() - began < 1
    named = await authenticator.principal(connection(PREFIX + "A" * 43, **bearer("ada")))
    assert isinstance(named.refusal, ServiceUnavailable)
    assert (named.role, named.user_id) == (None, "ada")
    await services.close()


def connection(key: str, **headers: str) -> HTTPConnection:
    given = {"x-admin-key": key} | headers
    raw = [(name.encode(), value.encode()) for name, value in given.items()]
    scope = {"type": "http", "headers": raw, "query_string": b"", "client": ("127.0.0.1", 1), "path": "/"}
    return HTTPConnection(scope)
