"""The door as it stands in Tessera: its own schema, its own context, behind its middleware."""

from collections.abc import AsyncIterator

import httpx
import pytest
from graphql import build_schema

from server.app import create_app
from server.graphql.schema import print_sdl, tessera_schema
from tests.integration.graphql.conftest import served
from tests.support.api import ADMIN, ADMIN_KEY, settings_for, token
from tests.support.talk import talk


@pytest.fixture
async def tessera(database_uri: str) -> AsyncIterator[str]:
    """Tessera behind uvicorn, as `host:port`."""
    async with served(create_app(settings_for(database_uri)), lifespan="on") as address:
        yield address


async def post(address: str, content: bytes | AsyncIterator[bytes], **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        given = {"Content-Type": "application/json"} | headers
        return await client.post(f"http://{address}/graphql", content=content, headers=given)


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "streamed"])
async def test_a_body_over_the_limit_is_refused_in_the_shape_of_graphql(tessera: str, declared: bool) -> None:
    body = b'{"query": "' + b" " * 70_000 + b'{ viewer { isAdmin } }"}'

    async def parts() -> AsyncIterator[bytes]:
        yield body

    answer = await post(tessera, body if declared else parts())
    assert answer.status_code == 413
    [error] = answer.json()["errors"]
    assert error["extensions"]["code"] == "PAYLOAD_TOO_LARGE"


async def test_an_answer_bears_the_id_of_its_request(tessera: str) -> None:
    answer = await post(tessera, b'{"query": "{ viewer { isAdmin } }"}', **{"X-Request-ID": "trace-7"})
    assert answer.json() == {"data": {"viewer": None}}
    assert answer.headers["x-request-id"] == "trace-7"


async def test_a_token_that_does_not_hold_is_refused_on_open_fields_and_cleared(tessera: str) -> None:
    answer = await post(tessera, b'{"query": "{ viewer { isAdmin } }"}', Cookie="token=nonsense")
    [error] = answer.json()["errors"]
    assert (error["message"], error["extensions"]["code"]) == ("Invalid token provided.", "FORBIDDEN")
    assert answer.headers["set-cookie"].startswith('token=""')


async def test_a_websocket_knows_its_caller_and_reaches_the_verbs(tessera: str) -> None:
    async with talk(tessera) as one:
        await one.begin(**{"x-admin-key": ADMIN_KEY})
        stats = await one.ask("{ viewer { isAdmin } couponStats { totalCoupons } }")
    assert stats["payload"] == {"data": {"viewer": {"isAdmin": True}, "couponStats": {"totalCoupons": 0}}}
    async with talk(tessera, additional_headers={"Cookie": f"token={token('u1', 'default')}"}) as one:
        await one.begin()
        viewer = await one.ask("{ viewer { userId } }")
    assert viewer["payload"] == {"data": {"viewer": {"userId": "u1"}}}


async def test_rate_limits_of_resolvers_are_headers_of_the_answer(tessera: str) -> None:
    answer = await post(tessera, b'{"query": "{ coupon(twitterId: \\"nobody\\") { id } }"}')
    assert answer.json() == {"data": {"coupon": None}}
    assert answer.headers["ratelimit-limit"] == "1000000"


async def test_an_admin_reads_the_schema_that_is_printed(tessera: str) -> None:
    answer = await post(tessera, b'{"query": "{ __schema { types { name } } }"}', **ADMIN)
    served_names = {one["name"] for one in answer.json()["data"]["__schema"]["types"]}
    assert served_names == set(build_schema(print_sdl()).type_map)


def test_the_printed_schema_is_the_same_each_time() -> None:
    assert print_sdl() == print_sdl() == tessera_schema().as_str() + "\n"
