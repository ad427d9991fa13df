"""The GraphQL fields of usage followers; that a refusal is the same by both doors; what leads to coupons and back."""

from typing import Any

import pytest

from models.values.ids import global_id
from tests.support.api import ADMIN, Api, bearer, unique
from tests.support.usage import BASE, availability, follow, new_id, post

FOLLOWER = """
    id databaseId couponId campaignId maxLimitInBasket maxTotalLimit maxLimitPerCustomer totalUsageCount
    usages { totalCount nodes { userId used held holdExpiresAt } }
"""
VERBS = {
    "createUsageFollower": ("CreateUsageFollower", "create-follower"),
    "checkUsage": ("CheckUsage", "check-availability"),
    "addUsage": ("AddUsage", "add-usage"),
    "removeUsage": ("RemoveUsage", "remove-usage"),
    "redeemUsage": ("RedeemUsage", "redeem-follower"),
    "updateUsageFollower": ("UpdateUsageFollower", ""),
    "deleteUsageFollower": ("DeleteUsageFollower", ""),
}


def mutation(verb: str, selection: str = f"usageFollower {{ {FOLLOWER} }}") -> str:
    name, _ = VERBS[verb]
    limits = "... on UsageLimitReached { limits { kind limit used held remaining couponId campaignId } }"
    return f"""
        mutation($input: {name}Input!) {{
          {verb}(input: $input) {{
            __typename
            ... on {name}Payload {{ {selection} }}
            ... on Problem {{ code message }}
            ... on InvalidInput {{ fields {{ path message }} }}
            {limits if verb in ("addUsage", "redeemUsage") else ""}
          }}
        }}
    """


async def run(api: Api, verb: str, given: dict[str, Any], headers: dict[str, str] | None = None, *more: str) -> Any:
    query = mutation(verb, *more)
    return (await api.data(query, {"input": given}, ADMIN if headers is None else headers))[verb]


async def test_the_life_of_a_follower(api: Api) -> None:
    campaign = new_id()
    given = {"campaignId": campaign, "maxTotalLimit": 5, "maxLimitInBasket": 3}
    made = (await run(api, "createUsageFollower", given))["usageFollower"]
    assert made == {
        "id": global_id("UsageFollower", made["databaseId"]),
        "databaseId": made["databaseId"],
        "couponId": None,
        "campaignId": campaign,
        "maxLimitInBasket": 3,
        "maxTotalLimit": 5,
        "maxLimitPerCustomer": None,
        "totalUsageCount": 0,
        "usages": {"totalCount": 0, "nodes": []},
    }
    checked = await run(
        api,
        "checkUsage",
        {"userId": "u", "campaignId": campaign, "usageAmount": 9},
        None,
        f"granted limits {{ kind remaining }} usageFollower {{ {FOLLOWER} }}",
    )
    assert (checked["granted"], [limit["kind"] for limit in checked["limits"]]) == (3, ["BASKET", "TOTAL"])
    (usage,) = checked["usageFollower"]["usages"]["nodes"]
    assert (usage["userId"], usage["used"], usage["held"]) == ("u", 0, 3)
    assert usage["holdExpiresAt"] is not None
    added = await run(api, "addUsage", {"userId": "u", "campaignIds": [campaign]})
    usages = {"totalCount": 1, "nodes": [{"userId": "u", "used": 3, "held": 0, "holdExpiresAt": None}]}
    assert added["usageFollower"] == made | {"totalUsageCount": 3, "usages": usages}
    redeemed = await run(api, "redeemUsage", {"userId": "u", "campaignId": campaign})
    assert redeemed["usageFollower"]["totalUsageCount"] == 4
    removed = await run(
        api, "removeUsage", {"userId": "u", "campaignIds": [campaign], "usageAmount": 2}, None, "usageFollowers { id }"
    )
    assert removed["usageFollowers"] == [{"id": made["id"]}]
    changed = await run(api, "updateUsageFollower", {"id": made["id"], "maxTotalLimit": None})
    assert (changed["usageFollower"]["maxTotalLimit"], changed["usageFollower"]["maxLimitInBasket"]) == (None, 3)
    deleted = await run(api, "deleteUsageFollower", {"id": made["databaseId"]}, None, "usageFollower { databaseId }")
    assert deleted["usageFollower"] == {"databaseId": made["databaseId"]}
    assert (await run(api, "deleteUsageFollower", {"id": made["id"]}))["code"] == "USAGE_FOLLOWER_NOT_FOUND"


async def test_a_follower_is_found_by_each_of_its_keys(api: Api) -> None:
    coupon = await follow(api, couponId=new_id())
    query = """
        query($coupon: ID!, $relay: ID!, $nothing: ID!) {
          raw: usageFollower(couponId: $coupon) { id databaseId }
          relay: usageFollower(couponId: $relay) { id databaseId }
          nothing: usageFollower(campaignId: $nothing) { id }
        }
    """
    variables = {"coupon": coupon, "relay": global_id("Coupon", coupon), "nothing": new_id()}
    found = await api.data(query, variables, bearer("u"))
    assert found["raw"] == found["relay"]
    assert found["nothing"] is None
    by_id = """
        query($id: ID!, $raw: ID!) {
          one: usageFollower(id: $id) { couponId }
          two: usageFollower(id: $raw) { couponId }
          node(id: $id) { ... on UsageFollower { couponId } }
        }
    """
    variables = {"id": found["raw"]["id"], "raw": found["raw"]["databaseId"]}
    found = await api.data(by_id, variables, bearer("u"))
    assert found == {key: {"couponId": coupon} for key in ("one", "two", "node")}
    assert (await api.data("query($id: ID!) { node(id: $id) { id } }", {"id": variables["id"]})) == {"node": None}


@pytest.mark.parametrize(
    "arguments", ["", '(couponId: "x")', f'(couponId: "{24 * "a"}", campaignId: "{24 * "b"}")', '(id: "x")']
)
async def test_a_follower_that_is_not_named_once_is_a_fault(api: Api, arguments: str) -> None:
    body = await api.graphql(f"{{ usageFollower{arguments} {{ id }} }}", None, ADMIN)
    assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_followers_are_listed_for_admins(own_api: Api) -> None:
    campaigns = [await follow(own_api) for _ in range(5)]
    query = """
        query($after: String) {
          usageFollowers(first: 2, after: $after) {
            totalCount pageInfo { hasNextPage endCursor } nodes { campaignId }
          }
        }
    """
    found, after = [], None
    while True:
        page = (await own_api.data(query, {"after": after}, ADMIN))["usageFollowers"]
        assert page["totalCount"] == 5
        found += [node["campaignId"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert found == campaigns[::-1]
    refused = await own_api.graphql(query, None, bearer("u"))
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_the_users_of_a_follower_are_pages_of_which_a_user_sees_their_own(api: Api) -> None:
    campaign = await follow(api)
    for n in range(5):
        await post(api, "add-usage", {"userId": f"user{n}", "campaignId": campaign, "usageAmount": n + 1})
    query = """
        query($campaign: ID!, $first: Int, $after: String, $last: Int) {
          usageFollower(campaignId: $campaign) {
            usages(first: $first, after: $after, last: $last) {
              totalCount pageInfo { hasNextPage endCursor } nodes { userId used }
            }
          }
        }
    """

    async def usages(headers: dict[str, str], **variables: Any) -> Any:
        found = await api.data(query, {"campaign": campaign, **variables}, headers)
        return found["usageFollower"]["usages"]

    first = await usages(ADMIN, first=3)
    assert [node["userId"] for node in first["nodes"]] == ["user0", "user1", "user2"]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (5, True)
    rest = await usages(ADMIN, first=3, after=first["pageInfo"]["endCursor"])
    assert rest["nodes"] == [{"userId": "user3", "used": 4}, {"userId": "user4", "used": 5}]
    assert [node["userId"] for node in (await usages(ADMIN, last=1))["nodes"]] == ["user4"]
    own = await usages(bearer("user2"))
    assert (own["totalCount"], own["nodes"]) == (1, [{"userId": "user2", "used": 3}])


async def test_availability_is_that_of_rest(api: Api) -> None:
    campaign, user = await follow(api, maxTotalLimit=5, maxLimitPerCustomer=4), unique("user")
    await post(api, "add-usage", {"userId": user, "campaignId": campaign, "usageAmount": 1})
    await post(api, "check-availability", {"userId": "other", "campaignId": campaign, "usageAmount": 2})
    query = """
        query($campaign: ID!, $user: String) {
          usageAvailability(campaignId: $campaign, userId: $user) {
            couponId campaignId limits { kind limit used held remaining } used held totalUsageCount available
          }
        }
    """
    by_rest = await availability(api, campaign, user)
    expected = by_rest | {"couponId": None}
    expected["limits"] = [limit | {"kind": limit["kind"].upper()} for limit in by_rest["limits"]]
    assert expected["available"] == 2
    for headers, asked in ((ADMIN, user), (bearer(user), None), (bearer(user), user)):
        found = await api.data(query, {"campaign": campaign, "user": asked}, headers)
        assert found["usageAvailability"] == expected
    assert (await api.data(query, {"campaign": new_id()}, ADMIN))["usageAvailability"] is None
    refused = await api.graphql(query, {"campaign": campaign, "user": "other"}, bearer(user))
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    anonymous = await api.graphql(query, {"campaign": campaign})
    assert anonymous["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_an_availability_has_one_id_however_it_is_come_by(api: Api) -> None:
    (campaign, user), other = (await follow(api, maxTotalLimit=5), unique("user")), unique("user")
    fields = "id used available"
    asked = f"query($c: ID!) {{ usageAvailability(campaignId: $c) {{ {fields} }} }}"
    before = (await api.data(asked, {"c": campaign}, bearer(user)))["usageAvailability"]
    redeem = f"""mutation($input: RedeemUsageInput!) {{ redeemUsage(input: $input) {{
        ... on RedeemUsagePayload {{ usageFollower {{ availability {{ {fields} }} }} }} }} }}"""
    given = {"input": {"userId": user, "campaignId": campaign, "usageAmount": 2}}
    redeemed = await api.data(redeem, given, bearer(user))
    after = redeemed["redeemUsage"]["usageFollower"]["availability"]
    assert (before["used"], before["available"], after["used"], after["available"]) == (0, 5, 2, 3)
    assert before["id"] == after["id"]
    of = "query($c: ID!, $u: String) { usageFollower(campaignId: $c) { availability(userId: $u) { id used } } }"
    theirs = (await api.data(of, {"c": campaign, "u": other}, ADMIN))["usageFollower"]["availability"]
    assert theirs["used"] == 0
    assert theirs["id"] != after["id"]
    refused = await api.graphql(of, {"c": campaign, "u": other}, bearer(user))
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_coupon_leads_to_its_follower_and_back(api: Api) -> None:
    code = (await api.coupon())["couponCode"]
    query = """
        query($code: String!) {
          coupon(couponCode: $code) { databaseId usageFollower { totalUsageCount coupon { couponCode } } }
        }
    """
    coupon = (await api.data(query, {"code": code}, ADMIN))["coupon"]
    assert coupon["usageFollower"] is None
    await follow(api, couponId=coupon["databaseId"])
    for headers in (ADMIN, bearer("u")):
        found = (await api.data(query, {"code": code}, headers))["coupon"]
        assert found["usageFollower"] == {"totalUsageCount": 0, "coupon": {"couponCode": code}}
    anonymous = await api.graphql(query, {"code": code})
    assert anonymous["data"]["coupon"]["usageFollower"] is None
    assert anonymous["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_page_of_coupons_finds_its_followers_together(api: Api) -> None:
    for _ in range(8):
        await api.coupon()
    asked: list[int] = []
    usage = api.services.usage
    plain = usage._by_key._find

    async def counted(keys: Any) -> Any:
        asked.append(len(keys))
        return await plain(keys)

    usage._by_key._find = counted
    try:
        await api.data("{ coupons(first: 8) { nodes { usageFollower { id } } } }", None, ADMIN)
    finally:
        usage._by_key._find = plain
    assert sum(asked) == 8
    assert len(asked) <= 3


CAMPAIGN, COUPON, ABSENT = new_id(), new_id(), new_id()
NAMED = {"userId": "u", "campaignIds": [CAMPAIGN]}
PARITY: list[tuple[str, dict[str, Any], str]] = [
    ("createUsageFollower", {}, "InvalidInput"),
    ("createUsageFollower", {"campaignId": CAMPAIGN}, "Conflict"),
    ("createUsageFollower", {"campaignId": ABSENT, "maxTotalLimit": -1}, "InvalidInput"),
    ("checkUsage", {"userId": "u", "campaignId": ABSENT}, "NotFound"),
    ("checkUsage", {"userId": " ", "campaignId": CAMPAIGN}, "InvalidInput"),
    ("addUsage", NAMED, "Conflict"),
    ("addUsage", NAMED | {"usageAmount": 4}, "UsageLimitReached"),
    ("addUsage", NAMED | {"couponId": COUPON, "usageAmount": 4}, "UsageLimitReached"),
    ("addUsage", {"userId": "u", "campaignIds": [CAMPAIGN, ABSENT], "usageAmount": 1}, "NotFound"),
    ("addUsage", NAMED | {"usageAmount": 0}, "InvalidInput"),
    ("removeUsage", {"userId": "u", "couponId": ABSENT}, "NotFound"),
    ("redeemUsage", {"userId": "u", "couponId": COUPON, "usageAmount": 9}, "UsageLimitReached"),
    ("redeemUsage", {"userId": "u", "couponId": "5"}, "InvalidInput"),
]


@pytest.mark.parametrize(("verb", "given", "kind"), PARITY)
async def test_a_refusal_is_the_same_by_both_doors(api: Api, verb: str, given: dict[str, Any], kind: str) -> None:
    await post(api, "create-follower", {"campaignId": CAMPAIGN, "maxLimitInBasket": 3, "maxLimitPerCustomer": 3})
    await post(api, "create-follower", {"couponId": COUPON, "maxTotalLimit": 3})
    by_graphql = await run(api, verb, given)
    body = {"campaignId" if name == "campaignIds" else name: value for name, value in given.items()}
    by_rest = (await post(api, VERBS[verb][1], body)).json()
    assert by_graphql["__typename"] == kind
    assert (by_graphql["code"], by_graphql["message"]) == (by_rest["code"], by_rest["message"])
    if kind == "UsageLimitReached":
        shown = [limit | {"kind": limit["kind"].upper()} for limit in by_rest["limits"]]
        assert [{k: v for k, v in limit.items() if v is not None} for limit in by_graphql["limits"]] == shown
    if kind == "InvalidInput":
        assert len(by_graphql["fields"]) == len(by_rest["errors"])


@pytest.mark.parametrize("verb", VERBS)
async def test_who_may_not_is_told_so_by_both_doors(api: Api, verb: str) -> None:
    given: dict[str, Any] = {"userId": "other", "campaignId": new_id()}
    if verb in ("addUsage", "removeUsage"):
        given = {"userId": "other", "campaignIds": [new_id()]}
    elif verb in ("updateUsageFollower", "deleteUsageFollower"):
        given = {"id": new_id()}
    elif verb == "createUsageFollower":
        given = {"campaignId": new_id()}
    methods = {
        "updateUsageFollower": ("PATCH", "update-follower"),
        "deleteUsageFollower": ("DELETE", "delete-follower"),
    }
    method, path = methods.get(verb, ("POST", VERBS[verb][1]))
    path = f"{path}/{given['id']}" if "id" in given else path
    for headers, code in (({}, "UNAUTHENTICATED"), (bearer("u"), "FORBIDDEN")):
        body = await api.graphql(mutation(verb), {"input": given}, headers)
        by_rest = await api.http.request(method, f"{BASE}/{path}", json=given, headers=headers)
        assert body["errors"][0]["extensions"]["code"] == by_rest.json()["code"] == code
        assert body["errors"][0]["message"] == by_rest.json()["message"]
