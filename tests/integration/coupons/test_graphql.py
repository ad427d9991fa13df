"""The GraphQL fields of coupons: lists, lookups, payloads and problems."""

from typing import Any

import pytest

from models.values.ids import global_id
from tests.support.api import ADMIN, Api, bearer, token, unique

COUPON = """
    id databaseId couponCode twitterId username followers points timesUsed role active createdAt updatedAt lastUsedAt
"""
CREATE = f"""
    mutation($input: CreateCouponInput!) {{
      createCoupon(input: $input) {{
        __typename
        ... on CreateCouponPayload {{ coupon {{ {COUPON} }} }}
        ... on Problem {{ code message }}
        ... on InvalidInput {{ fields {{ path message }} }}
      }}
    }}
"""
REDEEM = """
    mutation($input: RedeemCouponInput!) {
      redeemCoupon(input: $input) {
        __typename
        ... on RedeemCouponPayload { creatorPoints redeemerPoints newUser newCoupon { couponCode role points } }
        ... on Problem { code message }
      }
    }
"""
LIST = """
    query($filter: CouponFilter, $orderBy: CouponOrder! = CREATED_AT, $first: Int, $after: String, $last: Int,
          $before: String) {
      coupons(filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
        totalCount
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        edges { cursor node { username timesUsed followers } }
        nodes { username }
      }
    }
"""


async def test_creating_and_finding_a_coupon(api: Api) -> None:
    given = {"twitterId": unique("t"), "username": "someone", "followers": 1500, "role": "CREATOR"}
    made = (await api.data(CREATE, {"input": given}))["createCoupon"]
    coupon = made["coupon"]
    assert made["__typename"] == "CreateCouponPayload"
    assert coupon["id"] == global_id("Coupon", coupon["databaseId"])
    assert {name: coupon[name] for name in given} == given
    assert (coupon["points"], coupon["timesUsed"], coupon["active"], coupon["lastUsedAt"]) == (0, 0, True, None)
    query = f"""
        query($twitterId: String!, $code: String!, $id: ID!, $raw: ID!) {{
          byUser: coupon(twitterId: $twitterId) {{ {COUPON} }}
          byCode: coupon(couponCode: $code) {{ {COUPON} }}
          node(id: $id) {{ id ... on Coupon {{ {COUPON} }} }}
          nodes(ids: [$id, $raw, "bm90aGluZw==", $id]) {{ ... on Coupon {{ couponCode }} }}
          nobody: coupon(twitterId: "nobody") {{ id }}
        }}
    """
    variables = {
        "twitterId": given["twitterId"],
        "code": coupon["couponCode"].lower(),
        "id": coupon["id"],
        "raw": coupon["databaseId"],
    }
    found = await api.data(query, variables)
    assert found["byUser"] == found["byCode"] == found["node"] == coupon
    assert found["nobody"] is None
    code = {"couponCode": coupon["couponCode"]}
    assert found["nodes"] == [code, None, None, code]


async def test_a_coupon_is_asked_for_by_exactly_one_key(api: Api) -> None:
    for arguments in ("", '(twitterId: "1", couponCode: "2")'):
        body = await api.graphql(f"{{ coupon{arguments} {{ id }} }}")
        assert body["data"] == {"coupon": None}
        assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_faults_of_an_input_are_listed_by_path(api: Api) -> None:
    given = {"twitterId": " ", "username": "someone", "followers": 5}
    made = (await api.data(CREATE, {"input": given}))["createCoupon"]
    assert made["__typename"] == "InvalidInput"
    assert (made["code"], made["message"]) == ("BAD_USER_INPUT", "Validation failed")
    assert sorted(made["fields"], key=lambda field: str(field["path"])) == [
        {"path": "followers", "message": "followers must be at least 1000"},
        {"path": "twitterId", "message": "twitterId is required"},
    ]


async def test_redeeming_answers_both_balances(api: Api) -> None:
    creator = await api.coupon(role="creator")
    given = {
        "redeemerTwitterId": unique("t"),
        "couponCode": creator["couponCode"],
        "username": "new_user",
        "followers": 1500,
    }
    answer = (await api.data(REDEEM, {"input": given}))["redeemCoupon"]
    new_coupon = answer.pop("newCoupon")
    assert answer == {
        "__typename": "RedeemCouponPayload",
        "creatorPoints": 10,
        "redeemerPoints": 10,
        "newUser": True,
    }
    assert (new_coupon["role"], new_coupon["points"]) == ("CREATOR", 10)


PARITY: list[tuple[dict[str, Any], str]] = [
    ({"redeemerTwitterId": "", "couponCode": "x"}, "InvalidInput"),
    ({"redeemerTwitterId": "new", "couponCode": "AAAA-AAAA"}, "NotFound"),
    ({"redeemerTwitterId": "creator", "couponCode": "code"}, "Refused"),
    ({"redeemerTwitterId": "redeemed", "couponCode": "code"}, "Refused"),
    ({"redeemerTwitterId": "new", "couponCode": "code"}, "InvalidInput"),
    ({"redeemerTwitterId": "new", "couponCode": "code", "username": "a", "followers": 5}, "Refused"),
    ({"redeemerTwitterId": "user", "couponCode": "code"}, "Refused"),
]


@pytest.mark.parametrize(("given", "member"), PARITY)
async def test_a_refusal_has_the_same_code_and_message_by_rest_and_by_graphql(
    api: Api, given: dict[str, Any], member: str
) -> None:
    creator, user, redeemed = await api.coupon(role="creator"), await api.coupon(), await api.coupon(role="creator")
    names = {
        "creator": creator["twitterId"],
        "user": user["twitterId"],
        "redeemed": redeemed["twitterId"],
        "new": unique("t"),
        "code": creator["couponCode"],
    }
    first = {"redeemerTwitterId": redeemed["twitterId"], "couponCode": creator["couponCode"]}
    assert (await api.http.post("/api/redeem", json=first)).status_code == 200
    body = {field: names.get(value, value) for field, value in given.items()}
    by_rest = (await api.http.post("/api/redeem", json=body)).json()
    by_graphql = (await api.data(REDEEM, {"input": body}))["redeemCoupon"]
    assert by_graphql == {"__typename": member, "code": by_rest["code"], "message": by_rest["message"]}


async def test_a_list_is_walked_forwards_and_backwards_without_gap_or_double(api: Api) -> None:
    marker = unique("walk")
    names = [f"{marker}-{n}" for n in range(7)]
    for n, name in enumerate(names):
        await api.coupon(username=name, followers=2000 + n % 2)
    for order, expected in (
        ("CREATED_AT", names[::-1]),
        ("FOLLOWERS", [*names[1::2][::-1], *names[0::2][::-1]]),
    ):
        base = {"filter": {"username": marker}, "orderBy": order}
        seen: list[str] = []
        after = None
        while True:
            page = (await api.data(LIST, base | {"first": 3, "after": after}, ADMIN))["coupons"]
            seen += [node["username"] for node in page["nodes"]]
            assert page["totalCount"] == 7
            assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert seen == expected
        backwards: list[str] = []
        before = None
        while True:
            page = (await api.data(LIST, base | {"last": 3, "before": before}, ADMIN))["coupons"]
            backwards = [node["username"] for node in page["nodes"]] + backwards
            before = page["pageInfo"]["startCursor"]
            if not page["pageInfo"]["hasPreviousPage"]:
                break
        assert backwards == expected


async def test_the_most_used_come_first(api: Api) -> None:
    marker = unique("used")
    coupons = [await api.coupon(username=f"{marker}-{n}") for n in range(3)]
    for coupon, times in zip(coupons, (1, 3, 2), strict=True):
        for _ in range(times):
            body = {
                "redeemerTwitterId": unique("t"),
                "couponCode": coupon["couponCode"],
                "username": "x",
                "followers": 1000,
            }
            await api.http.post("/api/redeem", json=body)
    page = (await api.data(LIST, {"filter": {"username": marker}, "orderBy": "TIMES_USED"}, ADMIN))["coupons"]
    assert [edge["node"]["timesUsed"] for edge in page["edges"]] == [3, 2, 1]


@pytest.mark.parametrize(
    "variables",
    [
        {"first": -1},
        {"first": 101},
        {"last": 101},
        {"first": 1, "last": 1},
        {"after": "nonsense"},
        {"after": "WyJmb2xsb3dlcnMiLDEsIjYwZDIxYjQ2NjdkMGQ4OTkyZTYxMGM4NSJd"},
    ],
)
async def test_a_window_that_cannot_be_is_bad_input(api: Api, variables: dict[str, Any]) -> None:
    body = await api.graphql(LIST, variables, ADMIN)
    assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT", body


async def test_no_items_are_asked_for_by_zero(api: Api) -> None:
    page = (await api.data(LIST, {"first": 0}, ADMIN))["coupons"]
    assert page["edges"] == []


@pytest.mark.parametrize(
    "operation",
    [
        "{ coupons { nodes { id } } }",
        "{ couponStats { totalCoupons } }",
        'mutation { deleteCoupon(input: {id: "x"}) { __typename } }',
        'mutation { setCouponActive(input: {id: "x", active: true}) { __typename } }',
    ],
)
async def test_admin_fields_are_for_admins(api: Api, operation: str) -> None:
    async def code(headers: dict[str, str]) -> Any:
        return (await api.graphql(operation, headers=headers))["errors"][0]["extensions"]["code"]

    assert await code({}) == "UNAUTHENTICATED"
    assert await code({"x-admin-key": "wrong"}) == "FORBIDDEN"
    assert await code(bearer("someone", "default")) == "FORBIDDEN"
    assert "errors" not in await api.graphql(operation, headers=bearer("boss", "admin"))


async def test_an_invalid_token_is_refused_on_open_fields_too(api: Api) -> None:
    body = await api.graphql(
        '{ coupon(twitterId: "1") { id } viewer { userId } }', headers={"authorization": "Bearer x"}
    )
    assert [error["extensions"]["code"] for error in body["errors"]] == ["FORBIDDEN", "FORBIDDEN"]
    assert {error["message"] for error in body["errors"]} == {"Invalid token provided."}


async def test_the_viewer_is_who_calls(api: Api) -> None:
    query = "{ viewer { userId userTypes isAdmin } }"
    assert (await api.data(query))["viewer"] is None
    user = {"userId": "someone", "userTypes": ["default", "shop"], "isAdmin": False}
    assert (await api.data(query, headers=bearer("someone", "default", "shop")))["viewer"] == user
    cookie = {"cookie": f"token={token('boss', 'admin')}"}
    assert (await api.data(query, headers=cookie))["viewer"]["isAdmin"] is True
    assert (await api.data(query, headers=ADMIN))["viewer"] == {"userId": None, "userTypes": [], "isAdmin": True}


async def test_deleting_and_switching_answer_the_coupon_or_a_problem(api: Api) -> None:
    made = await api.coupon()
    found = (await api.data("query($t: String) { coupon(twitterId: $t) { id } }", {"t": made["twitterId"]}))["coupon"]
    switch = """
        mutation($id: ID!, $active: Boolean!) {
          setCouponActive(input: {id: $id, active: $active}) {
            ... on SetCouponActivePayload { coupon { active } } ... on Problem { code }
          }
        }
    """
    for active in (False, False, True):
        answer = await api.data(switch, found | {"active": active}, ADMIN)
        assert answer["setCouponActive"] == {"coupon": {"active": active}}
    delete = """
        mutation($id: ID!) {
          deleteCoupon(input: {id: $id}) { ... on DeleteCouponPayload { coupon { twitterId } } ... on Problem { code } }
        }
    """
    assert (await api.data(delete, found, ADMIN))["deleteCoupon"] == {"coupon": {"twitterId": made["twitterId"]}}
    assert (await api.data(delete, found, ADMIN))["deleteCoupon"] == {"code": "COUPON_NOT_FOUND"}
    assert (await api.data(switch, found | {"active": True}, ADMIN))["setCouponActive"] == {"code": "COUPON_NOT_FOUND"}
    assert (await api.data(delete, {"id": "x"}, ADMIN))["deleteCoupon"] == {"code": "BAD_USER_INPUT"}


async def test_statistics_equal_those_of_rest(own_api: Api) -> None:
    creator = await own_api.coupon(role="creator")
    body = {"redeemerTwitterId": "r", "couponCode": creator["couponCode"], "username": "x", "followers": 1000}
    await own_api.http.post("/api/redeem", json=body)
    query = """{
        couponStats {
          totalCoupons roleDistribution { creators users } totalRedeemed mostUsedCoupon {
            couponCode username twitterId timesUsed points
          }
        }
    }"""
    by_rest = (await own_api.http.get("/admin/stats", headers=ADMIN)).json()["data"]
    assert (await own_api.data(query, headers=ADMIN))["couponStats"] == by_rest
