"""The GraphQL fields of access codes, and their parity with REST."""

from datetime import timedelta
from typing import Any

import pytest

from models.access_codes.batches import GenerateAccessCodes
from models.principal import SYSTEM
from models.values.ids import global_id
from services.registry import utc_now
from tests.integration.access_codes.support import expire, make_code, redeem, set_expiry
from tests.support.api import ADMIN, Api, bearer, unique

CODE = """
    id databaseId code description maxUses usedCount expiresAt active createdAt createdBy
    usedBy { totalCount nodes { twitterId username redeemedAt } }
    stats { usagePercentage isExpired isUsable remainingUses daysUntilExpiry }
"""
PROBLEM = "... on Problem { code message } ... on InvalidInput { fields { path message } }"
LIST = """
    query($filter: AccessCodeFilter, $first: Int, $after: String, $last: Int, $before: String) {
      accessCodes(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
        totalCount
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        nodes { code }
      }
    }
"""


def mutation(name: str, payload: str) -> str:
    kind = name[0].upper() + name[1:]
    return f"""mutation($input: {kind}Input!) {{
        {name}(input: $input) {{ __typename ... on {kind}Payload {{ {payload} }} {PROBLEM} }}
    }}"""


async def change(api: Api, name: str, given: Any, payload: str = "accessCode { code active usedCount }") -> Any:
    return (await api.data(mutation(name, payload), {"input": given}, ADMIN))[name]


async def test_a_code_made_by_graphql_is_the_one_that_rest_shows(api: Api) -> None:
    made = await change(api, "createAccessCode", {"maxUses": 4, "expiryDays": 30}, f"accessCode {{ {CODE} }}")
    code = made["accessCode"]
    assert made["__typename"] == "CreateAccessCodePayload"
    assert code["id"] == global_id("AccessCode", code["databaseId"])
    await redeem(api, code["code"], "ann", twitterId="1")
    query = f"""query($code: String!, $id: ID!, $raw: ID!) {{
        accessCode(code: $code) {{ {CODE} }}
        node(id: $id) {{ ... on AccessCode {{ {CODE} }} }}
        nodes(ids: [$id, $raw, "bm90aGluZw=="]) {{ ... on AccessCode {{ code }} }}
        nothing: accessCode(code: "______") {{ id }}
    }}"""
    variables = {"code": code["code"].lower(), "id": code["id"], "raw": code["databaseId"]}
    found = await api.data(query, variables, ADMIN)
    shown = found["accessCode"]
    assert shown == found["node"]
    assert (found["nothing"], found["nodes"]) == (None, [{"code": code["code"]}, None, None])
    rest = (await api.http.get(f"/admin/access-code/{code['code']}", headers=ADMIN)).json()["data"]["accessCode"]
    uses = shown.pop("usedBy")
    assert (uses["totalCount"], uses["nodes"]) == (1, rest.pop("usedBy"))
    assert {name: shown[name] for name in rest} == rest
    assert rest["description"] == "Beta access code"
    anonymous = await api.graphql("query($id: ID!) { node(id: $id) { id } }", {"id": code["id"]})
    assert anonymous == {"data": {"node": None}}


async def test_up_to_a_thousand_codes_are_made_at_once(own_api: Api) -> None:
    given = {"count": 1000, "maxUses": 1, "expiryDays": 7, "description": "a thousand"}
    made = await change(own_api, "createAccessCodes", given, "accessCodes { code description maxUses }")
    codes = {code["code"] for code in made["accessCodes"]}
    assert len(codes) == 1000
    assert {(code["description"], code["maxUses"]) for code in made["accessCodes"]} == {("a thousand", 1)}
    data = await own_api.data("{ accessCodeStats { totalAccessCodes activeAccessCodes } }", headers=ADMIN)
    assert data["accessCodeStats"] == {"totalAccessCodes": 1000, "activeAccessCodes": 1000}


@pytest.mark.parametrize("count", [0, -1, 1001])
async def test_more_or_fewer_than_that_are_refused(api: Api, count: int) -> None:
    made = await change(api, "createAccessCodes", {"count": count, "maxUses": 1, "expiryDays": 0}, "__typename")
    assert made["__typename"] == "InvalidInput"
    assert sorted(fault["path"] for fault in made["fields"]) == ["count", "expiryDays"]


async def code_in_state(api: Api, state: str) -> tuple[str, str]:
    """A code in a state, and a user to redeem it."""
    user = unique("name")
    if state == "wrong":
        return "______", user
    code = await make_code(api, maxUses=1 if "full" in state else 5)
    if "used" in state or "full" in state:
        assert (await redeem(api, code, user)).status_code == 200
    if "inactive" in state:
        await api.http.patch(f"/admin/access-code/{code}/deactivate", headers=ADMIN)
    if "expired" in state:
        await expire(api, code)
    return code, user


STATES = ["wrong", "expired", "inactive", "full", "used", "full inactive expired", "fresh"]


@pytest.mark.parametrize("state", STATES)
async def test_validity_is_the_same_by_rest_and_by_graphql(api: Api, state: str) -> None:
    code, _ = await code_in_state(api, state)
    rest = (await api.http.get(f"/api/access-code/validate/{code}")).json()
    query = """query($code: String!) { accessCodeValidity(code: $code) {
        valid message problem { code message } description expiresAt remainingUses usedCount
    } }"""
    shown = (await api.data(query, {"code": code}))["accessCodeValidity"]
    assert (shown["valid"], shown["message"]) == (rest["valid"], rest["message"])
    data = rest.get("data") or dict.fromkeys(("description", "expiresAt", "remainingUses", "usedCount"))
    assert {name: shown[name] for name in data} == data
    assert shown["problem"] == (None if rest["valid"] else {"code": rest["code"], "message": rest["message"]})


async def test_a_validity_has_one_id_however_it_is_come_by(api: Api) -> None:
    code, fields = await make_code(api, maxUses=1), "id valid remainingUses problem { code }"
    query = f"query($code: String!) {{ accessCodeValidity(code: $code) {{ {fields} }} }}"
    before = (await api.data(query, {"code": f" {code.lower()} "}))["accessCodeValidity"]
    redeem_it = mutation("redeemAccessCode", f"accessCode {{ validity {{ {fields} }} }}")
    redeemed = await api.data(redeem_it, {"input": {"code": code, "username": unique("user")}})
    after = redeemed["redeemAccessCode"]["accessCode"]["validity"]
    assert (before["valid"], before["remainingUses"]) == (True, 1)
    assert (after["valid"], after["problem"]) == (False, {"code": "ACCESS_CODE_FULLY_USED"})
    assert after == (await api.data(query, {"code": code}))["accessCodeValidity"]
    assert before["id"] == after["id"]
    unknown = (await api.data(query, {"code": "______"}))["accessCodeValidity"]
    assert unknown["id"] != after["id"]


@pytest.mark.parametrize("state", STATES)
async def test_redeeming_ends_the_same_by_rest_and_by_graphql(api: Api, state: str) -> None:
    (first, first_user), (second, second_user) = await code_in_state(api, state), await code_in_state(api, state)
    rest = (await redeem(api, first, first_user)).json()
    payload = "accessCode { description active usedCount }"
    shown = (
        await api.data(
            mutation("redeemAccessCode", payload), {"input": {"code": second.lower(), "username": second_user}}
        )
    )["redeemAccessCode"]
    if rest["status"] == "success":
        assert shown["accessCode"] == rest["data"] | {"usedCount": 1}
    else:
        assert shown["__typename"] == ("NotFound" if state == "wrong" else "Refused")
        assert (shown["code"], shown["message"]) == (rest["code"], rest["message"])


@pytest.mark.parametrize("state", ["wrong", "expired", "inactive", "full", "full inactive expired", "fresh"])
@pytest.mark.parametrize("verb", ["activate", "deactivate"])
async def test_switching_ends_the_same_by_rest_and_by_graphql(api: Api, verb: str, state: str) -> None:
    (first, _), (second, _) = await code_in_state(api, state), await code_in_state(api, state)
    answer = await api.http.patch(f"/admin/access-code/{first}/{verb}", headers=ADMIN)
    shown = await change(api, f"{verb}AccessCode", {"code": second}, "accessCode { code active }")
    rest = answer.json()
    if answer.status_code == 200:
        assert shown["accessCode"] == {"code": second, "active": rest["data"]["active"]}
    else:
        assert shown["__typename"] == {404: "NotFound", 400: "Refused"}[answer.status_code]
        assert (shown["code"], shown["message"]) == (rest["code"], rest["message"])


async def test_deleting_answers_the_code_as_it_was(api: Api) -> None:
    code = await make_code(api)
    await redeem(api, code, "ann")
    payload = "accessCode { code usedCount usedBy { nodes { username } } }"
    shown = await change(api, "deleteAccessCode", {"code": code.lower()}, payload)
    assert shown["accessCode"] == {"code": code, "usedCount": 1, "usedBy": {"nodes": [{"username": "ann"}]}}
    again = await change(api, "deleteAccessCode", {"code": code}, payload)
    assert (again["__typename"], again["code"]) == ("NotFound", "ACCESS_CODE_NOT_FOUND")


@pytest.mark.parametrize(
    ("name", "given", "rest"),
    [
        ("createAccessCode", {"maxUses": 0, "expiryDays": 36501}, ("POST", "/admin/access-code")),
        ("redeemAccessCode", {"code": " ", "username": ""}, ("POST", "/api/access-code/redeem")),
    ],
)
async def test_faults_are_the_same_by_rest_and_by_graphql(
    api: Api, name: str, given: dict[str, Any], rest: tuple[str, str]
) -> None:
    answer = await api.http.request(*rest, json=given, headers=ADMIN)
    shown = await change(api, name, given)
    assert shown["__typename"] == "InvalidInput"
    assert [fault["message"] for fault in shown["fields"]] == answer.json()["errors"]
    assert (shown["code"], shown["message"]) == (answer.json()["code"], answer.json()["message"])


async def test_redemptions_are_the_same_by_rest_and_by_graphql(api: Api) -> None:
    user = unique("name")
    for n in range(3):
        await redeem(api, await make_code(api, description=f"number {n}"), user)
    rest = (await api.http.get(f"/api/access-code/user/{user}")).json()["data"]
    query = """query($username: String!) { accessCodeRedemptions(username: $username) {
        hasRedeemedAccessCode accessCodes { code description expiresAt createdAt }
    } }"""
    assert (await api.data(query, {"username": user}))["accessCodeRedemptions"] == rest
    nothing = (await api.data(query, {"username": "nobody"}))["accessCodeRedemptions"]
    assert nothing == {"hasRedeemedAccessCode": False, "accessCodes": []}
    blank = await api.graphql(query, {"username": " "})
    assert blank["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_list_is_walked_forwards_and_backwards_without_gap_or_double(own_api: Api) -> None:
    codes = [await make_code(own_api) for _ in range(7)]
    await own_api.http.patch(f"/admin/access-code/{codes[3]}/deactivate", headers=ADMIN)
    expected = [code for code in reversed(codes) if code != codes[3]]

    async def walk(size: str, cursor: str, edge: str, more: str) -> list[list[str]]:
        pages, variables = [], {"filter": {"active": True}, size: 4}
        while True:
            page = (await own_api.data(LIST, variables, ADMIN))["accessCodes"]
            assert page["totalCount"] == 6
            pages.append([node["code"] for node in page["nodes"]])
            if not page["pageInfo"][more]:
                return pages
            variables[cursor] = page["pageInfo"][edge]

    assert await walk("first", "after", "endCursor", "hasNextPage") == [expected[:4], expected[4:]]
    assert await walk("last", "before", "startCursor", "hasPreviousPage") == [expected[2:], expected[:2]]


async def test_the_uses_of_a_code_are_a_connection_in_their_order(api: Api) -> None:
    code = await make_code(api)
    for n in range(5):
        await redeem(api, code, f"user{n}")
    query = """query($code: String!, $after: String) { accessCode(code: $code) {
        usedBy(first: 3, after: $after) { totalCount pageInfo { endCursor hasNextPage } nodes { username } }
    } }"""
    first = (await api.data(query, {"code": code}, ADMIN))["accessCode"]["usedBy"]
    assert [node["username"] for node in first["nodes"]] == ["user0", "user1", "user2"]
    after = {"code": code, "after": first["pageInfo"]["endCursor"]}
    second = (await api.data(query, after, ADMIN))["accessCode"]["usedBy"]
    assert [node["username"] for node in second["nodes"]] == ["user3", "user4"]
    assert (second["totalCount"], second["pageInfo"]["hasNextPage"]) == (5, False)


async def test_statistics_equal_those_of_rest(own_api: Api) -> None:
    for state in ("full", "inactive", "expired", "used"):
        await code_in_state(own_api, state)
    query = """{ accessCodeStats {
        totalAccessCodes activeAccessCodes expiredAccessCodes fullyUsedAccessCodes totalUsages
        mostUsedCode { code description usedCount maxUses }
    } }"""
    rest = (await own_api.http.get("/admin/access-code-stats", headers=ADMIN)).json()["data"]
    assert (await own_api.data(query, headers=ADMIN))["accessCodeStats"] == rest
    assert rest["totalAccessCodes"] == 4


async def test_who_redeems_does_not_see_who_else_did(api: Api) -> None:
    code = await make_code(api)
    payload = "accessCode { usedCount usedBy { nodes { username } } }"
    body = await api.graphql(
        mutation("redeemAccessCode", payload), {"input": {"code": code, "username": "ann"}}, bearer("ann", "default")
    )
    assert body["data"]["redeemAccessCode"]["accessCode"] == {"usedCount": 1, "usedBy": None}
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize(
    "operation",
    [
        '{ accessCode(code: "ABC123") { id } }',
        "{ accessCodes { nodes { id } } }",
        "{ accessCodeStats { totalAccessCodes } }",
        "mutation { createAccessCode(input: {maxUses: 1, expiryDays: 1}) { __typename } }",
        "mutation { createAccessCodes(input: {count: 1, maxUses: 1, expiryDays: 1}) { __typename } }",
        'mutation { activateAccessCode(input: {code: ""}) { __typename } }',
        'mutation { deactivateAccessCode(input: {code: "ABC123"}) { __typename } }',
        'mutation { deleteAccessCode(input: {code: "ABC123"}) { __typename } }',
    ],
)
async def test_admin_fields_are_for_admins(api: Api, operation: str) -> None:
    async def code(headers: dict[str, str]) -> Any:
        return (await api.graphql(operation, headers=headers))["errors"][0]["extensions"]["code"]

    assert await code({}) == "UNAUTHENTICATED"
    assert await code(bearer("someone", "default")) == "FORBIDDEN"
    assert await code({"x-admin-key": "wrong"}) == "FORBIDDEN"


async def test_expiry_is_judged_when_the_statistics_are_asked_for(own_api: Api) -> None:
    code = await make_code(own_api)
    query = "{ accessCodeStats { activeAccessCodes expiredAccessCodes } }"
    for left, active in ((timedelta(hours=400), 1), (timedelta(hours=-400), 0), (timedelta(days=3650), 1)):
        await set_expiry(own_api, code, utc_now() + left)
        stats = (await own_api.data(query, headers=ADMIN))["accessCodeStats"]
        assert stats == {"activeAccessCodes": active, "expiredAccessCodes": 1 - active}


async def test_a_list_is_narrowed_to_a_batch(own_api: Api) -> None:
    spring = GenerateAccessCodes(max_uses=1, expiry_days=1, count=3, batch="spring")
    async for _ in own_api.services.access_code_batches.generate(SYSTEM, spring):
        pass
    await make_code(own_api)
    for wanted, number in (
        ({"batch": " spring"}, 3),
        ({"batch": "Spring"}, 0),
        ({"batch": "spring", "active": False}, 0),
    ):
        found = (await own_api.data(LIST, {"filter": wanted}, ADMIN))["accessCodes"]
        assert (found["totalCount"], len(found["nodes"])) == (number, number)


async def test_a_code_tells_who_made_it_whichever_way(api: Api) -> None:
    created = mutation("createAccessCode", "accessCode { createdBy }")
    several = mutation("createAccessCodes", "accessCodes { createdBy }")
    given = {"maxUses": 1, "expiryDays": 1}
    for headers, name in ((ADMIN, "admin"), (bearer("grace", "admin"), "grace"), (ADMIN | bearer("ada"), "admin")):
        one = await api.data(created, {"input": given}, headers)
        assert one["createAccessCode"]["accessCode"] == {"createdBy": name}
        two = await api.data(several, {"input": given | {"count": 2}}, headers)
        assert two["createAccessCodes"]["accessCodes"] == [{"createdBy": name}] * 2
        rest = await api.http.post("/admin/access-code", json=given, headers=headers)
        code = rest.json()["data"]["accessCode"]["code"]
        shown = await api.http.get(f"/admin/access-code/{code}", headers=ADMIN)
        assert shown.json()["data"]["accessCode"]["createdBy"] == name
