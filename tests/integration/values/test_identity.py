"""Who is meant: what nobody can see makes no other user, and locks nobody out."""

from typing import Any

import pytest

from tests.support.api import ADMIN, Api, bearer, unique

UNSEEN = ["{}", " {} ", "{}\u200b", "\ufeff{}", "\u00a0{}\u3000", "{}\u00ad"]


@pytest.mark.parametrize("shape", UNSEEN, ids=ascii)
async def test_a_user_names_themselves_however_they_are_typed(api: Api, shape: str) -> None:
    user = unique("José")
    typed, mine = shape.format(user), bearer(user)
    query = "query($u: String) { orders(userId: $u, first: 1) { totalCount } }"
    assert (await api.graphql(query, {"u": typed}, mine)) == {"data": {"orders": {"totalCount": 0}}}
    follower = await a_follower(api)
    body = {"userId": typed, "campaignId": follower["campaignId"], "usageAmount": 2}
    assert (await api.http.post("/api/usageFollower/check-availability", json=body, headers=mine)).json() == 2
    taken = await api.http.post("/api/usageFollower/redeem-follower", json=body | {"userId": user}, headers=mine)
    assert taken.json()["userUsageCount"] == {user: 2}
    standing = "query($u: String, $c: ID) { usageAvailability(userId: $u, campaignId: $c) { limits { used } } }"
    answer = await api.data(standing, {"u": typed, "c": follower["campaignId"]}, mine)
    assert [limit["used"] for limit in answer["usageAvailability"]["limits"]] == [2]


@pytest.mark.parametrize("other", ["{}x", "x{}", "{}\u0301", "{} {}", "{}\x00"], ids=ascii)
async def test_a_user_names_nobody_else(api: Api, other: str) -> None:
    user = unique("u")
    named, mine = other.format(user, user), bearer(user)
    query = "query($u: String) { orders(userId: $u) { totalCount } }"
    body = await api.graphql(query, {"u": named}, mine)
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    sent = {"userId": named, "campaignId": "a" * 24, "usageAmount": 1}
    for verb in ("check-availability", "add-usage", "remove-usage", "redeem-follower"):
        answer = await api.http.post(f"/api/usageFollower/{verb}", json=sent, headers=mine)
        assert answer.status_code == 403, answer.text


@pytest.mark.parametrize("blank", ["", " ", "\u200b", "\u00a0\ufeff"], ids=ascii)
async def test_a_user_of_whom_nothing_is_seen_is_not_given(api: Api, blank: str) -> None:
    query = "query($u: String) { orders(userId: $u) { totalCount } }"
    assert (await api.data(query, {"u": blank}, bearer(unique("u")))) == {"orders": {"totalCount": 0}}
    sent = {"userId": blank, "campaignId": "a" * 24}
    answer = await api.http.post("/api/usageFollower/check-availability", json=sent, headers=bearer(unique("u")))
    assert (answer.status_code, answer.json()["message"]) == (400, "Validation failed")


async def test_half_a_character_is_a_fault_and_no_failure_on_every_way_in(api: Api) -> None:
    raw = b'{"twitterId": "x\\ud83d", "username": "x", "followers": 1000}'
    answer = await api.http.post("/api/coupon", content=raw, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    query = "query($c: String!) { accessCodeValidity(code: $c) { valid } }"
    sent = b'{"query": "%s", "variables": {"c": "x\\ud83d"}}' % query.encode()
    answer = await api.http.post("/graphql", content=sent, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    body = await api.graphql(r'{ accessCodeValidity(code: "x\ud83d") { valid } }')
    assert body["errors"][0]["extensions"]["code"] in ("BAD_USER_INPUT", "GRAPHQL_PARSE_FAILED")


async def a_follower(api: Api) -> dict[str, Any]:
    body = {"campaignId": unique("").zfill(24), "maxLimitPerCustomer": 10}
    made = await api.http.post("/api/usageFollower/create-follower", json=body, headers=ADMIN)
    assert made.status_code == 201, made.text
    follower: dict[str, Any] = made.json()
    return follower
