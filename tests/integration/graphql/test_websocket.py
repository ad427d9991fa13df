"""graphql-transport-ws over a real socket: answers, subscriptions, and the close code of every misuse."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.graphql.conftest import served
from tests.support.api import ADMIN_KEY, token
from tests.support.npm import NPM, require_npm
from tests.support.sample import SECRET, closed, sample_app, sample_settings, sample_view
from tests.support.talk import talk

EXPIRED = timedelta(seconds=-10)


async def test_queries_mutations_and_subscriptions_run(address: str) -> None:
    async with talk(address) as one:
        await one.begin()
        assert (await one.ask("{ greeting }"))["payload"] == {"data": {"greeting": "Hello, you"}}
        painted = await one.ask('mutation { paint(given: {name: "x"}) }')
        assert painted["payload"] == {"data": {"paint": "x"}}
        await one.subscribe("s", "subscription ($n: Int!) { countdown(start: $n) }", variables={"n": 3})
        heard = [await one.hear() for _ in range(4)]
    assert [message.get("payload") for message in heard] == [
        {"data": {"countdown": 3}},
        {"data": {"countdown": 2}},
        {"data": {"countdown": 1}},
        None,
    ]
    assert heard[-1] == {"id": "s", "type": "complete"}


async def test_several_operations_run_side_by_side_and_end_when_told(address: str) -> None:
    closed.clear()
    async with talk(address) as one:
        await one.begin()
        await one.subscribe("a", 'subscription { endless(name: "a") }')
        await one.subscribe("b", 'subscription { endless(name: "b") }')
        assert {(await one.hear())["id"] for _ in range(20)} == {"a", "b"}
        await one.say({"id": "a", "type": "complete"})
        while not closed:
            await one.hear()
        assert closed == ["a"]
        assert {(await one.hear())["id"] for _ in range(5)} == {"b"}
    for _ in range(100):
        if "b" in closed:
            break
        await asyncio.sleep(0.02)
    assert closed == ["a", "b"]


async def test_ping_is_answered_with_pong(address: str) -> None:
    async with talk(address) as one:
        await one.say({"type": "ping"})
        assert await one.hear() == {"type": "pong"}
        await one.say({"type": "ping", "payload": {"sent": 1}})
        assert await one.hear() == {"type": "pong"}
        await one.say({"type": "pong", "payload": None})
        await one.begin()


MISUSES: dict[str, tuple[int, Any]] = {
    "a list": (4400, []),
    "a number": (4400, 5),
    "null": (4400, None),
    "a text": (4400, '"x"'),
    "not JSON": (4400, "{"),
    "nothing": (4400, ""),
    "NaN": (4400, '{"type": "ping", "payload": NaN}'),
    "a number of 5000 digits": (4400, '{"type": "ping", "payload": {"n": ' + "9" * 5000 + "}}"),
    "deep nesting": (4400, "[" * 30_000),
    "balanced deep nesting": (4400, '{"type": "ping", "payload": ' + '{"a":' * 5000 + "1" + "}" * 5001),
    "a lone surrogate": (4400, '{"id": "\\ud800", "type": "complete"}'),
    "a binary frame": (4400, b'{"type": "ping"}'),
    "no type": (4400, {}),
    "an unknown type": (4400, {"type": "start"}),
    "an unknown type as long as a book": (4400, {"type": "x" * 10_000}),
    "a type that is a list": (4400, {"type": ["ping"]}),
    "a payload of connection_init that is a list": (4400, {"type": "connection_init", "payload": []}),
    "a payload of connection_init that is false": (4400, {"type": "connection_init", "payload": False}),
    "a doubled key": (4400, '{"type": "pong", "type": "ping"}'),
    "a doubled variable": (
        4400,
        '{"id": "1", "type": "subscribe", "payload": {"query": "{a}", "variables": {"a": 1, "a": 2}}}',
    ),
    "a payload of ping that is a list": (4400, {"type": "ping", "payload": []}),
    "subscribe without an id": (4400, {"type": "subscribe", "payload": {"query": "{ greeting }"}}),
    "subscribe with a number as id": (4400, {"id": 1, "type": "subscribe", "payload": {"query": "{ greeting }"}}),
    "subscribe with a list as id": (4400, {"id": [], "type": "subscribe", "payload": {"query": "{ greeting }"}}),
    "subscribe without a payload": (4400, {"id": "1", "type": "subscribe"}),
    "subscribe with a null payload": (4400, {"id": "1", "type": "subscribe", "payload": None}),
    "subscribe with a list as payload": (4400, {"id": "1", "type": "subscribe", "payload": []}),
    "a null query": (4400, {"id": "1", "type": "subscribe", "payload": {"query": None}}),
    "variables that are a list": (4400, {"id": "1", "type": "subscribe", "payload": {"query": "{a}", "variables": []}}),
    "a number as operation name": (
        4400,
        {"id": "1", "type": "subscribe", "payload": {"query": "{a}", "operationName": 1}},
    ),
    "complete with a list as id": (4400, {"id": [], "type": "complete"}),
    "a second connection_init": (4429, {"type": "connection_init"}),
    "a second connection_init with credentials": (
        4429,
        {"type": "connection_init", "payload": {"x-admin-key": ADMIN_KEY}},
    ),
    "a second connection_init with a null payload": (4429, {"type": "connection_init", "payload": None}),
    "a message over the body limit": (1009, {"type": "ping", "payload": {"a": "x" * 70_000}}),
    "a message over the body limit in bytes": (1009, '{"type": "ping", "payload": {"a": "' + "é" * 40_000 + '"}}'),
}


@pytest.mark.parametrize(("code", "message"), MISUSES.values(), ids=MISUSES)
async def test_a_message_that_cannot_be_meant_closes_the_connection_with_a_code(
    address: str, code: int, message: Any
) -> None:
    async with talk(address) as one:
        await one.begin()
        await one.say(message)
        assert await one.close_code() == code


async def test_a_text_frame_that_is_no_utf_8_closes_with_1007(address: str) -> None:
    async with talk(address) as one:
        await one.begin()
        await one.connection.send(b'{"type": "\xff"}', text=True)
        assert await one.close_code() == 1007


async def test_what_never_began_may_be_completed(address: str) -> None:
    async with talk(address) as one:
        await one.say({"id": "nothing", "type": "complete"})
        await one.begin()
        await one.say({"id": "nothing", "type": "complete"})
        assert (await one.ask("{ greeting }"))["type"] == "next"


@pytest.mark.parametrize("message", [{}, {"payload": None}, {"payload": {}}], ids=["no payload", "null", "empty"])
async def test_connection_init_may_bring_nothing(address: str, message: dict[str, Any]) -> None:
    async with talk(address, additional_headers={"Cookie": f"token={token('u1')}"}) as one:
        await one.say({"type": "connection_init"} | message)
        assert await one.hear() == {"type": "connection_ack"}
        assert (await one.ask("{ who }"))["payload"] == {"data": {"who": "u1"}}


async def test_who_never_begins_is_closed_with_4408() -> None:
    view = sample_view(sample_settings())
    view.connection_init_wait_timeout = timedelta(seconds=0.2)
    async with served(sample_app(sample_settings(), view)) as address, talk(address) as one:
        await one.say({"type": "ping"})
        assert await one.hear() == {"type": "pong"}
        assert await one.close_code() == 4408


async def test_an_operation_before_the_handshake_is_unauthorized(address: str) -> None:
    async with talk(address) as one:
        await one.subscribe("1", "{ greeting }")
        assert await one.close_code() == 4401


@pytest.mark.parametrize("identifier", ["1", "long" * 1000], ids=["short", "long"])
async def test_an_id_that_is_taken_closes_with_4409(address: str, identifier: str) -> None:
    async with talk(address) as one:
        await one.begin()
        for _ in range(2):
            await one.subscribe(identifier, 'subscription { endless(name: "taken") }')
        assert await one.close_code() == 4409


async def test_an_id_is_free_again_once_its_operation_has_ended(address: str) -> None:
    async with talk(address) as one:
        await one.begin()
        for _ in range(3):
            assert (await one.ask("{ greeting }"))["type"] == "next"


@pytest.mark.parametrize("subprotocols", [None, ["graphql-ws"], ["other"]])
async def test_no_other_protocol_is_spoken(address: str, subprotocols: list[str] | None) -> None:
    async with talk(address, subprotocols=subprotocols) as one:
        assert one.connection.subprotocol is None
        assert await one.close_code() == 4406


CALLERS: dict[str, tuple[dict[str, str], dict[str, str], str | None]] = {
    "nobody": ({}, {}, None),
    "a user by header": ({"Authorization": f"Bearer {token('u1')}"}, {}, "u1"),
    "a user by cookie": ({"Cookie": f"token={token('u2')}"}, {}, "u2"),
    "a user by connection_init": ({}, {"Authorization": f"Bearer {token('u3')}"}, "u3"),
    "an admin by header": ({"X-Admin-Key": ADMIN_KEY}, {}, "admin"),
    "an admin by connection_init": ({}, {"x-admin-key": ADMIN_KEY}, "admin"),
    "connection_init wins over the handshake": (
        {"Authorization": f"Bearer {token('u4')}"},
        {"authorization": f"bearer {token('u5')}"},
        "u5",
    ),
    "a fresh token beside an expired cookie": (
        {"Cookie": f"token={token('u6', lasts=EXPIRED)}"},
        {"authorization": f"Bearer {token('u6')}"},
        "u6",
    ),
}


@pytest.mark.parametrize(("headers", "payload", "who"), CALLERS.values(), ids=CALLERS)
async def test_the_caller_is_known_by_the_handshake_or_by_connection_init(
    address: str, headers: dict[str, str], payload: dict[str, str], who: str | None
) -> None:
    async with talk(address, additional_headers=headers) as one:
        await one.begin(**payload)
        assert (await one.ask("{ who }"))["payload"] == {"data": {"who": who}}


@pytest.mark.parametrize(
    ("headers", "payload"),
    [
        ({}, {"x-admin-key": "wrong"}),
        ({}, {"Authorization": "Bearer nonsense"}),
        ({}, {"Authorization": f"Bearer {token('u1', lasts=EXPIRED)}"}),
        ({"Authorization": "Bearer nonsense"}, {}),
        ({"X-Admin-Key": "wrong"}, {}),
    ],
)
async def test_credentials_that_do_not_hold_close_with_4403(
    address: str, headers: dict[str, str], payload: dict[str, str]
) -> None:
    async with talk(address, additional_headers=headers) as one:
        await one.say({"type": "connection_init", "payload": payload})
        assert await one.close_code() == 4403


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ greeting", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query a { greeting } query b { greeting }", "BAD_USER_INPUT"),
        ("query ($n: Int!) { greeting }", "GRAPHQL_VALIDATION_FAILED"),
        ("query ($n: String!) { greeting(name: $n) }", "BAD_USER_INPUT"),
        ("{ thing { " + "itself { " * 20 + "name" + " }" * 22, "QUERY_TOO_COMPLEX"),
        ("{ __schema { queryType { name } } }", "UNAUTHENTICATED"),
        ("subscription { a: countdown b: countdown }", "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_an_operation_that_cannot_run_gets_its_code_and_the_connection_lives_on(
    address: str, query: str, code: str
) -> None:
    async with talk(address) as one:
        await one.begin()
        answer = await one.ask(query)
        assert answer["type"] == "error"
        assert {error["extensions"]["code"] for error in answer["payload"]} == {code}
        assert (await one.ask("{ greeting }"))["type"] == "next"


async def test_faults_are_masked_as_over_http(address: str) -> None:
    async with talk(address) as one:
        await one.begin()
        answer = await one.ask("{ broken }")
        await one.subscribe("s", "subscription { breaking }")
        heard = [await one.hear() for _ in range(3)]
        private = await one.ask("subscription { private }")
    assert [message["type"] for message in heard] == ["next", "next", "complete"]
    for payload in (answer["payload"], heard[1]["payload"]):
        [error] = payload["errors"]
        assert error["message"] == "Internal server error"
        assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
        assert error["extensions"]["requestId"]
    assert SECRET not in json.dumps([answer, heard])
    assert [error["extensions"] for error in private["payload"]] == [{"code": "UNAUTHENTICATED"}]


async def test_one_connection_runs_at_most_a_hundred_operations_at_a_time(address: str) -> None:
    async with talk(address) as one:
        await one.begin()
        for number in range(101):
            await one.subscribe(str(number), "{ slow(seconds: 20) }")
        refused = await one.hear()
    assert (refused["id"], refused["type"]) == ("100", "error")
    assert refused["payload"][0]["extensions"] == {"code": "RATE_LIMITED"}


async def test_a_query_that_takes_too_long_is_given_up_and_a_subscription_is_not() -> None:
    async with served(sample_app(sample_settings(request_timeout=0.1))) as address, talk(address) as one:
        await one.begin()
        answer = await one.ask("{ slow(seconds: 20) }")
        await one.subscribe("s", 'subscription { endless(name: "long") }')
        heard = [await one.hear() for _ in range(60)]
    assert answer["payload"][0]["extensions"] == {"code": "SERVICE_UNAVAILABLE"}
    assert {message["type"] for message in heard} == {"next"}


@pytest.mark.parametrize(
    ("origin", "is_welcome"),
    [
        (None, True),
        ("same", True),
        ("https://shop.example", True),
        ("https://evil.example", False),
        ("null", False),
    ],
)
async def test_only_pages_of_this_origin_and_those_named_may_connect(
    address: str, origin: str | None, is_welcome: bool
) -> None:
    headers = {"Cookie": f"token={token('u1')}"}
    page = f"http://{address}" if origin == "same" else origin
    if is_welcome:
        async with talk(address, additional_headers=headers, origin=page) as one:
            await one.begin()
        return
    async with talk(address, additional_headers=headers, origin=page) as one:
        assert await one.close_code() == 4403
        assert one.connection.close_reason == f"CORS_ORIGINS does not name {page}"


async def test_a_page_of_a_long_origin_is_refused_in_good_order(address: str) -> None:
    async with talk(address, origin=f"https://{'evil.' * 40}example") as one:
        assert await one.close_code() == 4403


@pytest.mark.parametrize("origin", ["http://localhost:5173", "http://127.0.0.1:8080", "https://localhost"])
async def test_with_open_tools_pages_of_this_machine_connect_with_their_cookies(origin: str) -> None:
    async with served(sample_app(sample_settings(open_tools=True))) as here, talk(here, origin=origin) as one:
        await one.begin()
    async with served(sample_app(sample_settings())) as elsewhere, talk(elsewhere, origin=origin) as one:
        assert await one.close_code() == 4403


async def test_the_reference_client_of_the_protocol_is_served(address: str) -> None:
    for package in ("graphql-ws", "ws"):
        require_npm(package)
    process = await asyncio.create_subprocess_exec(
        "node",
        "subscribe.mjs",
        f"ws://{address}/graphql",
        "subscription { countdown(start: 2) }",
        cwd=NPM,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, complaint = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, complaint.decode()
    assert [json.loads(line) for line in output.splitlines()] == [
        {"data": {"countdown": 2}},
        {"data": {"countdown": 1}},
    ]
