"""The nine documented routes: what they answer, whom they refuse, what they call a fault."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pymongo import MongoClient

from tests.support.api import ADMIN, Api, bearer, running_api, settings_for, token, unique
from tests.support.usage import BASE, availability, check_usage_invariants, follow, new_id, post

UNLIMITED: dict[str, Any] = {"maxLimitInBasket": None, "maxTotalLimit": None, "maxLimitPerCustomer": None}


async def test_a_new_follower_is_answered_bare(api: Api) -> None:
    campaign = new_id()
    made = await post(api, "create-follower", {"campaignId": campaign, "maxTotalLimit": 0})
    body = made.json()
    assert made.status_code == 201
    assert len(body.pop("_id")) == 24
    counts: dict[str, Any] = {"totalUsageCount": 0, "userUsageCount": {}, "tempUsageCount": {}}
    assert body == {"couponId": None, "campaignId": campaign, **UNLIMITED, "maxTotalLimit": 0, **counts}


async def test_a_campaign_is_followed_once(api: Api) -> None:
    campaign = await follow(api)
    again = await post(api, "create-follower", {"campaignId": campaign.upper()})
    assert (again.status_code, again.json()["code"]) == (409, "USAGE_FOLLOWER_ALREADY_EXISTS")
    assert (await post(api, "create-follower", {"couponId": campaign})).status_code == 201


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, ["Give exactly one of couponId and campaignId"]),
        ({"couponId": new_id(), "campaignId": new_id()}, ["Give exactly one of couponId and campaignId"]),
        ({"campaignId": "x"}, ["campaignId must be a valid ObjectId"]),
        ({"campaignId": 5}, ["campaignId must be a string"]),
        ({"campaignId": new_id(), "totalUsageCount": 5}, ["totalUsageCount is not a known field"]),
        (
            {"campaignId": new_id(), "maxTotalLimit": -1, "maxLimitInBasket": 1.0, "maxLimitPerCustomer": "1"},
            [
                "maxLimitInBasket must be a whole number",
                "maxLimitPerCustomer must be a whole number",
                "maxTotalLimit must be at least 0",
            ],
        ),
    ],
)
async def test_a_follower_that_is_malformed_is_not_made(api: Api, body: dict[str, Any], errors: list[str]) -> None:
    answer = await post(api, "create-follower", body)
    assert answer.status_code == 400
    assert sorted(answer.json()["errors"]) == sorted(errors)
    assert answer.json()["code"] == "BAD_USER_INPUT"


async def test_update_changes_limits_lifts_them_by_null_and_shows_every_user(api: Api) -> None:
    campaign = new_id()
    made = (await post(api, "create-follower", {"campaignId": campaign, "maxTotalLimit": 5})).json()
    for user in ("one", "two"):
        await post(api, "add-usage", {"userId": user, "campaignId": campaign, "usageAmount": 2})
    await post(api, "check-availability", {"userId": "two", "campaignId": campaign})
    path = f"{BASE}/update-follower/{made['_id']}"
    changed = await api.http.patch(path, json={"maxTotalLimit": None, "maxLimitInBasket": 3}, headers=ADMIN)
    assert changed.status_code == 200
    counts = {"totalUsageCount": 4, "userUsageCount": {"one": 2, "two": 2}, "tempUsageCount": {"two": 1}}
    assert changed.json() == made | {"maxTotalLimit": None, "maxLimitInBasket": 3} | counts
    assert (await api.http.patch(path, json={}, headers=ADMIN)).json() == changed.json()
    refused = await api.http.patch(path, json={"userUsageCount": {}, "campaignId": new_id()}, headers=ADMIN)
    assert refused.status_code == 400
    assert len(refused.json()["errors"]) == 2


async def test_delete_answers_the_follower_as_it_was(api: Api) -> None:
    campaign = await follow(api)
    (moved,) = [(await post(api, "redeem-follower", {"userId": "u", "campaignId": campaign})).json()]
    deleted = await api.http.delete(f"{BASE}/delete-follower/{moved['_id']}", headers=ADMIN)
    assert (deleted.status_code, deleted.json()) == (200, moved)
    again = await api.http.delete(f"{BASE}/delete-follower/{moved['_id']}", headers=ADMIN)
    assert (again.status_code, again.json()["code"]) == (404, "USAGE_FOLLOWER_NOT_FOUND")
    await follow(api, campaignId=campaign)
    assert (await availability(api, campaign, "u"))["used"] == 0


async def test_a_check_grants_what_the_tightest_limit_leaves_and_replaces_the_hold(api: Api) -> None:
    campaign = await follow(api, maxLimitInBasket=4, maxLimitPerCustomer=6, maxTotalLimit=9)

    async def check(user: str, amount: int | None = None) -> Any:
        body = {"userId": user, "campaignId": campaign} | ({} if amount is None else {"usageAmount": amount})
        return (await post(api, "check-availability", body)).json()

    assert await check("a") == 1
    assert await check("a", 9) == 4
    assert await check("b", 3) == 3
    assert await check("c", 3) == 2
    assert await check("d", 3) == 0
    assert await check("a", 1) == 1
    assert await check("d", 9) == 3
    assert (await availability(api, campaign, "d"))["held"] == 3


async def test_the_hold_is_committed_where_no_amount_is_named(api: Api) -> None:
    campaign = await follow(api, maxTotalLimit=5)
    body = {"userId": "u", "campaignId": campaign}
    assert (await post(api, "check-availability", body | {"usageAmount": 3})).json() == 3
    added = (await post(api, "add-usage", body)).json()
    assert (added["totalUsageCount"], added["userUsageCount"], added["tempUsageCount"]) == (3, {"u": 3}, {})
    again = await post(api, "add-usage", body)
    assert again.status_code == 409
    assert again.json() == {
        "status": "error",
        "message": "There is no open hold to commit.",
        "code": "NO_OPEN_HOLD",
    }


async def test_a_broken_limit_names_all_that_bind_and_changes_no_follower(api: Api) -> None:
    campaign = await follow(api, maxLimitPerCustomer=2, maxLimitInBasket=2)
    other = await follow(api)
    coupon = await follow(api, couponId=new_id(), maxTotalLimit=1)
    body = {"userId": "u", "campaignId": [other, campaign], "couponId": coupon, "usageAmount": 3}
    refused = await post(api, "add-usage", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "USAGE_LIMIT_REACHED")
    nothing = {"used": 0, "held": 0}
    assert refused.json()["limits"] == [
        {"kind": "basket", "limit": 2, **nothing, "remaining": 2, "campaignId": campaign},
        {"kind": "customer", "limit": 2, **nothing, "remaining": 2, "campaignId": campaign},
        {"kind": "total", "limit": 1, **nothing, "remaining": 1, "couponId": coupon},
    ]
    assert [(await availability(api, one))["totalUsageCount"] for one in (campaign, other, coupon)] == [0, 0, 0]
    added = await post(api, "add-usage", body | {"usageAmount": 1})
    assert [follower["totalUsageCount"] for follower in added.json()] == [1, 1, 1]
    assert [follower["campaignId"] for follower in added.json()] == [other, campaign, None]


async def test_one_unknown_follower_among_several_stops_all(api: Api) -> None:
    campaign = await follow(api)
    for path in ("add-usage", "remove-usage"):
        body = {"userId": "u", "campaignId": [campaign, new_id()], "usageAmount": 1}
        answer = await post(api, path, body)
        assert (answer.status_code, answer.json()["message"]) == (404, "Usage follower not found")
    assert (await availability(api, campaign))["totalUsageCount"] == 0


async def test_usage_is_given_back_never_below_nothing(api: Api) -> None:
    campaign, coupon = await follow(api), await follow(api, couponId=new_id())
    body = {"userId": "u", "campaignId": campaign, "couponId": coupon}
    await post(api, "add-usage", body | {"usageAmount": 3})
    await post(api, "add-usage", {"userId": "u", "couponId": coupon, "usageAmount": 2})
    once = (await post(api, "remove-usage", body)).json()
    assert [follower["userUsageCount"] for follower in once] == [{"u": 2}, {"u": 4}]
    twice = (await post(api, "remove-usage", body | {"usageAmount": 3})).json()
    assert [follower["userUsageCount"] for follower in twice] == [{"u": 0}, {"u": 1}]
    assert [follower["totalUsageCount"] for follower in twice] == [0, 1]


async def test_redeeming_takes_the_amount_else_the_hold_else_one(api: Api) -> None:
    campaign = await follow(api, maxTotalLimit=6)
    body = {"userId": "u", "campaignId": campaign}
    assert (await post(api, "redeem-follower", body)).json()["totalUsageCount"] == 1
    await post(api, "check-availability", body | {"usageAmount": 3})
    assert (await post(api, "redeem-follower", body)).json()["totalUsageCount"] == 4
    assert (await post(api, "redeem-follower", body | {"usageAmount": 2})).json()["totalUsageCount"] == 6
    refused = await post(api, "redeem-follower", body)
    assert refused.status_code == 409
    (limit,) = refused.json()["limits"]
    assert (limit["kind"], limit["used"], limit["remaining"]) == ("total", 6, 0)


async def test_availability_is_told_by_campaign_and_by_coupon_and_writes_nothing(api: Api) -> None:
    coupon = await follow(api, couponId=new_id(), maxTotalLimit=5, maxLimitPerCustomer=3)
    body = {"userId": "u", "couponId": coupon}
    await post(api, "add-usage", body | {"usageAmount": 1})
    await post(api, "check-availability", body | {"usageAmount": 2})
    told = {
        "couponId": coupon,
        "limits": [
            {"kind": "customer", "limit": 3, "used": 1, "held": 2, "remaining": 2},
            {"kind": "total", "limit": 5, "used": 1, "held": 0, "remaining": 4},
        ],
        "used": 1,
        "held": 2,
        "totalUsageCount": 1,
        "available": 2,
    }
    assert await availability(api, coupon, "u") == await availability(api, coupon.upper(), "u") == told
    by_token = await api.http.post(f"{BASE}/get-availability/{coupon}", headers=bearer("u"))
    assert by_token.json() == told
    other = await availability(api, coupon, "v")
    assert (other["limits"][1]["held"], other["available"]) == (2, 2)
    free = await follow(api)
    assert await availability(api, free) == {
        "campaignId": free,
        "limits": [],
        "used": 0,
        "held": 0,
        "totalUsageCount": 0,
        "available": None,
    }
    missing = await post(api, f"get-availability/{new_id()}", {})
    assert (missing.status_code, missing.json()["code"]) == (404, "USAGE_FOLLOWER_NOT_FOUND")


async def test_user_ids_with_dollars_and_dots_do_no_harm(api: Api) -> None:
    campaign = await follow(api)
    for user in ("$inc", "a.b", "__proto__", "é·$."):
        answer = await post(api, "redeem-follower", {"userId": user, "campaignId": campaign})
        assert answer.json()["userUsageCount"] == {user: 1}
    assert (await availability(api, campaign))["totalUsageCount"] == 4


async def test_a_user_acts_for_themself_and_sees_no_one_else(api: Api) -> None:
    campaign, user = await follow(api), unique("user")
    await post(api, "add-usage", {"userId": "other", "campaignId": campaign, "usageAmount": 2})
    for path in ("add-usage", "remove-usage", "redeem-follower", "check-availability", f"get-availability/{campaign}"):
        foreign = await post(api, path, {"userId": "other", "nonsense": 1}, bearer(user))
        assert (foreign.status_code, foreign.json()["code"]) == (403, "FORBIDDEN"), path
    own = await post(api, "redeem-follower", {"userId": user, "campaignId": campaign}, bearer(user))
    assert own.status_code == 200
    assert own.json()["userUsageCount"] == {user: 1}
    admin = await post(api, "redeem-follower", {"userId": user, "campaignId": campaign}, bearer("root", "admin"))
    assert admin.json()["userUsageCount"] == {user: 2}


async def test_who_calls_is_judged_before_what_was_sent(api: Api) -> None:
    user_paths = ["add-usage", "remove-usage", "redeem-follower", "check-availability", f"get-availability/{new_id()}"]
    for path in user_paths:
        assert (await api.http.post(f"{BASE}/{path}", content=b"{")).status_code == 401
    cookie = {"cookie": f"token={token('u')}"}
    for method, path in (
        ("POST", "create-follower"),
        ("PATCH", f"update-follower/{new_id()}"),
        ("DELETE", f"delete-follower/{new_id()}"),
    ):
        anonymous = await api.http.request(method, f"{BASE}/{path}", content=b"{")
        assert (anonymous.status_code, anonymous.json()["code"]) == (401, "UNAUTHENTICATED")
        for headers in (bearer("u"), cookie, {"x-admin-key": "wrong"}):
            refused = await api.http.request(method, f"{BASE}/{path}", content=b"{", headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")


@pytest.mark.parametrize(
    ("path", "body", "errors"),
    [
        ("add-usage", {}, ["userId is required", "campaignId or couponId is required"]),
        ("add-usage", {"userId": "u", "campaignId": []}, ["campaignId or couponId is required"]),
        ("add-usage", {"userId": "u", "campaignId": ["5"]}, ["campaignId must be a valid ObjectId"]),
        ("add-usage", {"userId": "u", "campaignId": {"$ne": 1}}, ["campaignId must be a string or a list of strings"]),
        ("remove-usage", {"userId": {"$gt": ""}, "couponId": new_id()}, ["userId must be a string"]),
        ("remove-usage", {"userId": " ", "couponId": new_id(), "usageAmount": -1}, 2),
        ("check-availability", {"userId": "u", "usageAmount": True}, 2),
        ("check-availability", {"userId": "u\x00", "campaignId": new_id(), "usageAmount": 0}, 2),
        ("redeem-follower", {"userId": "u", "campaignId": new_id(), "usageAmount": 2**31}, 1),
        ("redeem-follower", {"userId": "u", "campaignId": new_id(), "couponId": new_id()}, 1),
        ("get-availability/x", {}, ["campaignId must be a valid ObjectId"]),
        ("get-availability/%20", {}, ["campaignId is required"]),
        (f"get-availability/{'a' * 24}", {"userId": 5}, ["userId must be a string"]),
    ],
)
async def test_faults_of_an_input_come_all_at_once(
    api: Api, path: str, body: dict[str, Any], errors: list[str] | int
) -> None:
    answer = await post(api, path, body)
    assert answer.status_code == 400, answer.text
    found = answer.json()["errors"]
    assert len(found) == errors if isinstance(errors, int) else found == errors


async def test_wrong_methods_and_media_types_are_told(api: Api) -> None:
    wrong = await api.http.get(f"{BASE}/add-usage", headers=ADMIN)
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    text = await api.http.post(f"{BASE}/add-usage", content="{}", headers=ADMIN | {"content-type": "text/plain"})
    assert text.status_code == 415
    assert (await api.http.post(f"{BASE}/get-availability/", json={}, headers=ADMIN)).status_code == 404


@pytest.fixture
def short_holds(database_uri: str) -> Iterator[str]:
    yield database_uri
    check_usage_invariants(database_uri)


async def test_a_hold_counts_for_nothing_once_it_expired_swept_or_not(short_holds: str) -> None:
    async with running_api(settings_for(short_holds)) as api:
        campaign = await follow(api, maxTotalLimit=5)
        body = {"userId": "a", "campaignId": campaign, "usageAmount": 5}
        assert (await post(api, "check-availability", body)).json() == 5
        with MongoClient[dict[str, Any]](short_holds) as client:
            counters = client.get_default_database()["usagecounters"]
            held = counters.find_one({"userId": "a"})
            assert held is not None
            assert (await availability(api, campaign, "b"))["available"] == 0
            past = held["holdExpiresAt"] - timedelta(seconds=901)
            counters.update_one({"userId": "a"}, {"$set": {"holdExpiresAt": past}})
        assert (await availability(api, campaign, "b"))["available"] == 5
        assert (await availability(api, campaign, "a"))["held"] == 0
        assert (await post(api, "add-usage", {"userId": "a", "campaignId": campaign})).status_code == 409
        assert (await post(api, "check-availability", body | {"userId": "b", "usageAmount": 4})).json() == 4
        assert (await post(api, "check-availability", body)).json() == 1
        check_usage_invariants(short_holds)
