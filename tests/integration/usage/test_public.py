"""What is left in all, live for visitors: only of what is public, counted once, run once for all who ask the same."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from starlette.routing import WebSocketRoute

from server.graphql.broadcasts import Broadcasts
from server.graphql.view import GraphQLView
from tests.integration.access_codes.support import make_code, redeem
from tests.integration.graphql.conftest import served
from tests.support.api import ADMIN, Api, bearer, running_api, settings_for, token
from tests.support.eventually import eventually
from tests.support.talk import Talk, talk
from tests.support.usage import BASE, new_id, post

FIELDS = "limit remaining available"
WATCH = f"""
    subscription($campaign: ID, $coupon: ID, $code: String) {{
      publicAvailabilityChanged(campaignId: $campaign, couponId: $coupon, accessCode: $code) {{ {FIELDS} }}
    }}
"""
SET_PUBLIC = """
    mutation($input: SetAccessCodePublicInput!) { setAccessCodePublic(input: $input) {
        ... on SetAccessCodePublicPayload { accessCode { isPublic } } ... on Problem { code }
    } }
"""
UPDATE = """
    mutation($input: UpdateUsageFollowerInput!) { updateUsageFollower(input: $input) {
        ... on UpdateUsageFollowerPayload { usageFollower { isPublic maxTotalLimit } } ... on Problem { code message }
    } }
"""


def left(limit: int, remaining: int) -> dict[str, object]:
    return {"limit": limit, "remaining": remaining, "available": remaining > 0}


async def watch(one: Talk, **variables: Any) -> None:
    await one.begin()
    await one.subscribe("w", WATCH, variables=variables)


async def told(one: Talk) -> Any:
    message = await one.hear()
    assert message["type"] == "next", message
    assert "errors" not in message["payload"], message
    return message["payload"]["data"]["publicAvailabilityChanged"]


async def refusal(one: Talk) -> Any:
    message = await one.hear()
    assert message["type"] == "error", message
    return message["payload"][0]["extensions"]


async def test_a_visitor_is_told_what_is_left_as_it_goes(api: Api) -> None:
    campaign = new_id()
    async with served(api.app) as host, talk(host) as one:
        await watch(one, campaign=campaign)
        assert await told(one) is None
        made = await post(api, "create-follower", {"campaignId": campaign, "maxTotalLimit": 10, "isPublic": True})
        assert made.status_code == 201
        assert "isPublic" not in made.json()
        assert await told(one) == left(10, 10)
        await post(api, "add-usage", {"userId": "ada", "campaignId": campaign, "usageAmount": 3})
        assert await told(one) == left(10, 7)
        # What somebody has set aside is not left.
        await post(api, "check-availability", {"userId": "bob", "campaignId": campaign, "usageAmount": 7})
        assert await told(one) == left(10, 0)


async def test_only_what_is_made_public_is_told_and_only_for_as_long(api: Api) -> None:
    campaign = new_id()
    made = await post(api, "create-follower", {"campaignId": campaign, "maxTotalLimit": 5, "maxLimitPerCustomer": 1})
    change = {"id": made.json()["_id"]}
    async with served(api.app) as host, talk(host) as one:
        await watch(one, campaign=campaign)
        assert await told(one) is None
        for is_public, limit, expected in ((True, 5, left(5, 5)), (True, 6, left(6, 6)), (False, 6, None)):
            given = {"input": change | {"isPublic": is_public, "maxTotalLimit": limit}}
            body = await api.data(UPDATE, given, ADMIN)
            shown = {"isPublic": is_public, "maxTotalLimit": limit}
            assert body["updateUsageFollower"]["usageFollower"] == shown
            assert await told(one) == expected
        patched = await api.http.patch(f"{BASE}/update-follower/{change['id']}", json={"isPublic": True}, headers=ADMIN)
        assert patched.status_code == 200
        assert await told(one) == left(6, 6)


async def test_an_access_code_is_told_of_until_it_is_full_off_or_gone(api: Api) -> None:
    code = await make_code(api, maxUses=3, isPublic=True)
    hidden = await make_code(api, maxUses=3)
    async with served(api.app) as host, talk(host) as one, talk(host) as two:
        await watch(one, code=f" {code.lower()}")
        await watch(two, code=hidden)
        assert await told(one) == left(3, 3)
        assert await told(two) is None
        await redeem(api, code)
        assert await told(one) == left(3, 2)
        switched = await api.http.patch(f"/admin/access-code/{code}/deactivate", headers=ADMIN)
        assert switched.status_code == 200
        assert await told(one) == left(3, 0)
        shown = await api.data(SET_PUBLIC, {"input": {"code": hidden, "isPublic": True}}, ADMIN)
        assert shown["setAccessCodePublic"] == {"accessCode": {"isPublic": True}}
        assert await told(two) == left(3, 3)
        await api.http.delete(f"/admin/access-code/{hidden}", headers=ADMIN)
        assert await told(two) is None


async def test_who_may_see_is_for_admins_to_say(api: Api) -> None:
    code = await make_code(api)
    for headers, refused in ((None, "UNAUTHENTICATED"), (bearer("ada"), "FORBIDDEN")):
        body = await api.graphql(SET_PUBLIC, {"input": {"code": code, "isPublic": True}}, headers)
        assert body["errors"][0]["extensions"]["code"] == refused
    unknown = await api.data(SET_PUBLIC, {"input": {"code": "______", "isPublic": True}}, ADMIN)
    assert unknown["setAccessCodePublic"] == {"code": "ACCESS_CODE_NOT_FOUND"}
    for path, body in (
        ("/admin/access-code", {"maxUses": 1, "expiryDays": 1, "isPublic": "yes"}),
        (f"{BASE}/create-follower", {"campaignId": new_id(), "isPublic": 1}),
    ):
        answer = await api.http.post(path, json=body, headers=ADMIN)
        assert (answer.status_code, answer.json()["errors"]) == (400, ["isPublic must be true or false"])


NOT_ONE = [{}, {"campaign": "66f0c0ffee0000000000c0de", "code": "ABC123"}, {"campaign": "x"}, {"code": " "}]


@pytest.mark.parametrize("variables", NOT_ONE)
async def test_exactly_one_thing_is_watched(api: Api, variables: dict[str, str]) -> None:
    async with served(api.app) as host, talk(host) as one:
        await watch(one, **variables)
        assert (await refusal(one))["code"] == "BAD_USER_INPUT"


async def test_a_whole_subscription_counts_once_and_the_next_is_refused(database_uri: str) -> None:
    async with running_api(settings_for(database_uri, rate_limit="2/15minutes")) as api:
        campaign = new_id()
        await post(api, "create-follower", {"campaignId": campaign, "maxTotalLimit": 10, "isPublic": True})
        async with served(api.app) as host, AsyncExitStack() as stack:
            talks = [await stack.enter_async_context(talk(host)) for _ in range(3)]
            for one in talks[:2]:
                await watch(one, campaign=campaign)
                assert await told(one) == left(10, 10)
            for n in range(1, 4):
                await post(api, "add-usage", {"userId": "ada", "campaignId": campaign, "usageAmount": 1})
                assert [await told(one) for one in talks[:2]] == [left(10, 10 - n)] * 2
            await watch(talks[2], campaign=campaign)
            refused = await refusal(talks[2])
            assert refused["code"] == "RATE_LIMITED"
            assert 0 < refused["retryAfter"] <= 900


async def test_who_ask_the_same_share_one_run_and_leave_nothing_behind(api: Api) -> None:
    broadcasts, campaign = find_broadcasts(api), new_id()
    await post(api, "create-follower", {"campaignId": campaign, "maxTotalLimit": 10, "isPublic": True})
    async with served(api.app) as host, AsyncExitStack() as stack:
        talks = [await stack.enter_async_context(talk(host)) for _ in range(5)]
        for n, one in enumerate(talks):
            await one.begin(**({"authorization": f"Bearer {token('ada')}"} if n else {}))
            await one.subscribe(f"w{n}", WATCH, variables={"campaign": campaign})
            assert await told(one) == left(10, 10)
        [running] = broadcasts._running.values()
        assert running.listeners == 5
        await post(api, "add-usage", {"userId": "ada", "campaignId": campaign, "usageAmount": 1})
        heard = [await one.hear() for one in talks]
        assert [message["id"] for message in heard] == [f"w{n}" for n in range(5)]
        await talks[0].say({"id": "w0", "type": "complete"})
        await eventually(lambda: running.listeners == 4, within=5)
        await talks[1].subscribe(
            "other", WATCH.replace("remaining", "left: remaining"), variables={"campaign": campaign}
        )
        other = await talks[1].hear()
        assert other["payload"]["data"]["publicAvailabilityChanged"]["left"] == 9
        assert len(broadcasts._running) == 2
    await eventually(lambda: not broadcasts._running and running.has_ended, within=5)


async def test_an_expired_token_is_turned_down_before_it_is_counted(api: Api) -> None:
    campaign = new_id()
    headers = bearer("ada") | {"accept": "text/event-stream"}
    wrong = {"authorization": "Bearer nonsense", "accept": "text/event-stream"}
    query = f'subscription {{ publicAvailabilityChanged(campaignId: "{campaign}") {{ {FIELDS} }} }}'
    answer = await api.http.post("/graphql", json={"query": query}, headers=wrong)
    assert '"reason":"TOKEN_INVALID"' in answer.text
    async with served(api.app) as host, AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=f"http://{host}", headers=headers))
        stream = await stack.enter_async_context(http.stream("POST", "/graphql", json={"query": query}))
        line = await asyncio.wait_for(anext(line async for line in stream.aiter_lines() if "data:" in line), 5)
    assert line == 'data: {"data":{"publicAvailabilityChanged":null}}'


def find_broadcasts(api: Api) -> Broadcasts:
    """Those of the application's view."""
    [view] = [route.app for route in api.app.routes if isinstance(route, WebSocketRoute)]
    assert isinstance(view, GraphQLView)
    return view.broadcasts
