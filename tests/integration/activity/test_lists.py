"""Activity can be read: by who acted, by verb, by what and whom it was about, by outcome, by when; both transports."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from bson import ObjectId

from models.activity import Activity, ActivityFilter, Actor, Outcome, Thing
from models.errors import Forbidden, Unauthenticated
from models.pagination import Window
from models.principal import SYSTEM, ActorKind, Principal, Transport
from models.values.ids import global_id
from services.kit.activity.log import ACTIVITY
from tests.integration.access_codes.support import make_code
from tests.integration.activity.support import refusals_of
from tests.integration.history.support import check_flat, check_walks
from tests.support.api import ADMIN, Api, bearer, unique
from tests.support.usage import follow, post

START = datetime(2026, 3, 1, tzinfo=UTC)
COUPONS = [f"{n:024x}" for n in range(1, 4)]
LIST = """
    query($filter: ActivityFilter, $first: Int, $after: String) {
      activity(filter: $filter, first: $first, after: $after) {
        totalCount
        pageInfo { endCursor hasNextPage }
        nodes {
          id databaseId at by { name kind } transport verb object { type id databaseId } objects { databaseId }
          subjects outcome code message requestId
        }
      }
    }
"""


def some(number: int, seed: int) -> list[Activity]:
    """Rows of three names upon three coupons, many at the same instant; the newest first."""
    draw = random.Random(seed)
    rows = []
    for n in range(number):
        refused = draw.random() < 0.3
        rows.append(
            Activity(
                id=str(ObjectId()),
                at=START + timedelta(minutes=n // 7),
                by=Actor(draw.choice(("admin", "ada", "support-1")), ActorKind.KEY),
                transport=draw.choice(list(Transport)),
                verb="REDEEM_COUPON" if refused else draw.choice(("DELETE_COUPON", "SET_COUPON_ACTIVE")),
                objects=tuple(Thing("Coupon", one) for one in draw.sample(COUPONS, draw.choice((0, 1, 1, 2)))),
                subjects=tuple(draw.sample(("Ada", "bob", "1001"), 2)),
                outcome=Outcome.REFUSED if refused else Outcome.DONE,
                code="ALREADY_REDEEMED" if refused else None,
                message="You have already" if refused else None,
                request_id=f"r{n}",
            )
        )
    return rows[::-1]


def minutes(row: Activity) -> float:
    return (row.at - START).total_seconds() / 60


FILTERS: list[tuple[ActivityFilter, Callable[[Activity], bool]]] = [
    (ActivityFilter(), lambda _: True),
    (ActivityFilter(by="ada"), lambda row: row.by.name == "ada"),
    (ActivityFilter(verb="DELETE_COUPON"), lambda row: row.verb == "DELETE_COUPON"),
    (ActivityFilter(object_id=COUPONS[1]), lambda row: any(thing.id == COUPONS[1] for thing in row.objects)),
    (ActivityFilter(subject="ADA"), lambda row: "Ada" in row.subjects),
    (ActivityFilter(outcome=Outcome.REFUSED), lambda row: row.outcome is Outcome.REFUSED),
    (ActivityFilter(START + timedelta(minutes=3)), lambda row: minutes(row) >= 3),
    (
        ActivityFilter(START + timedelta(minutes=2), START + timedelta(minutes=9), subject="1001"),
        lambda row: "1001" in row.subjects and 2 <= minutes(row) < 9,
    ),
]
SEVERAL: tuple[ActivityFilter, Callable[[Activity], bool]] = (
    ActivityFilter(by="admin", outcome=Outcome.REFUSED, subject="bob"),
    lambda row: row.by.name == "admin" and row.outcome is Outcome.REFUSED and "bob" in row.subjects,
)


async def put(api: Api, rows: list[Activity]) -> None:
    await api.services.database.activity.insert_many([ACTIVITY.dump(row) for row in rows])


async def test_every_filter_is_walked_from_both_ends_without_gap_or_double(own_api: Api) -> None:
    rows = some(90, seed=1)
    await put(own_api, rows)
    listing = own_api.services.activity
    for wanted, holds in (*FILTERS, SEVERAL):
        expected = [row for row in rows if holds(row)]
        assert await listing.count(SYSTEM, wanted) == len(expected) > 0
        await check_walks(partial(listing.window, SYSTEM, wanted), expected)


async def test_every_filter_is_a_walk_over_an_index(own_api: Api) -> None:
    await put(own_api, some(3_000, seed=2))
    listing = own_api.services.activity
    for wanted, _ in FILTERS:
        await check_flat(listing.collection, listing.query_of(wanted), listing.order, sorts=False)


async def test_support_finds_why_a_user_was_refused_by_whatever_the_user_is_called(own_api: Api) -> None:
    creator, redeemer = await own_api.coupon(role="creator"), await own_api.coupon(role="user", username="The Fan")
    body = {"redeemerTwitterId": redeemer["twitterId"], "couponCode": creator["couponCode"]}
    await own_api.http.post("/api/redeem", json=body)
    campaign = await follow(own_api, maxTotalLimit=0)
    await post(own_api, "redeem-follower", {"userId": "u-7", "campaignId": campaign}, bearer("u-7"))
    await refusals_of(own_api.services, 2)
    yesterday = {"from": "2020-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z", "outcome": "REFUSED"}
    for name, code in (
        (redeemer["twitterId"], "ROLE_MISMATCH"),
        ("the fan", "ROLE_MISMATCH"),
        ("u-7", "USAGE_LIMIT_REACHED"),
    ):
        found = (await own_api.data(LIST, {"filter": yesterday | {"subject": name}}, ADMIN))["activity"]
        assert [node["code"] for node in found["nodes"]] == [code]
        by_rest = await own_api.http.get("/admin/activity", params=yesterday | {"subject": name}, headers=ADMIN)
        assert [row["code"] for row in by_rest.json()["data"]["activity"]] == [code]


async def test_both_transports_tell_the_same_and_what_it_was_done_upon_leads_to_it(own_api: Api) -> None:
    code, request_id = await make_code(own_api), unique("request-")
    path = f"/admin/access-code/{code}/deactivate"
    assert (await own_api.http.patch(path, headers=ADMIN | {"x-request-id": request_id})).status_code == 200
    (switched, made) = (await own_api.data(LIST, {"filter": {"by": "admin"}}, ADMIN))["activity"]["nodes"]
    thing = switched["object"]
    assert switched | {"at": "", "id": "", "databaseId": ""} == {
        "id": "",
        "databaseId": "",
        "at": "",
        "by": {"name": "admin", "kind": "KEY"},
        "transport": "REST",
        "verb": "DEACTIVATE_ACCESS_CODE",
        "object": {"type": "AccessCode", "id": thing["id"], "databaseId": thing["databaseId"]},
        "objects": [{"databaseId": thing["databaseId"]}],
        "subjects": [],
        "outcome": "DONE",
        "code": None,
        "message": None,
        "requestId": request_id,
    }
    nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on AccessCode { code } ... on Activity { verb } } }"
    led = await own_api.data(nodes, {"ids": [thing["id"], switched["id"], made["id"]]}, ADMIN)
    assert [node.get("code") or node["verb"] for node in led["nodes"]] == [
        code,
        "DEACTIVATE_ACCESS_CODE",
        "CREATE_ACCESS_CODE",
    ]
    for identifier in (thing["id"], thing["databaseId"], thing["databaseId"].upper()):
        found = await own_api.data(LIST, {"filter": {"objectId": identifier}}, ADMIN)
        assert [node["id"] for node in found["activity"]["nodes"]] == [switched["id"], made["id"]]
    answer = await own_api.http.get("/admin/activity", params={"objectId": thing["id"], "limit": 1}, headers=ADMIN)
    (row,) = answer.json()["data"]["activity"]
    assert row == {
        "_id": switched["databaseId"],
        "at": switched["at"],
        "by": {"name": "admin", "kind": "KEY"},
        "transport": "REST",
        "verb": "DEACTIVATE_ACCESS_CODE",
        "object": {"type": "AccessCode", "_id": thing["databaseId"]},
        "objects": [{"type": "AccessCode", "_id": thing["databaseId"]}],
        "subjects": [],
        "outcome": "DONE",
        "code": None,
        "message": None,
        "requestId": request_id,
    }


async def test_rest_walks_by_the_cursor_that_it_is_given(own_api: Api) -> None:
    rows = some(25, seed=3)
    await put(own_api, rows)
    seen: list[str] = []
    asked: dict[str, Any] = {"limit": 10}
    while True:
        answer = await own_api.http.get("/api/admin/activity", params=asked, headers=ADMIN)
        data = answer.json()["data"]
        seen += [row["_id"] for row in data["activity"]]
        assert data["pagination"]["limit"] == 10
        if data["pagination"]["next"] is None:
            break
        asked["after"] = data["pagination"]["next"]
    assert seen == [row.id for row in rows]
    page = (await own_api.data(LIST, {"first": 5, "after": asked["after"]}, ADMIN))["activity"]
    assert page["totalCount"] == 25
    assert [node["databaseId"] for node in page["nodes"]] == seen[20:]


@pytest.mark.parametrize(
    "asked",
    [
        {"verb": "FLY"},
        {"outcome": "done"},
        {"limit": "0"},
        {"limit": "101"},
        {"after": "x"},
        {"from": "yesterday"},
        {"from": "2026-03-02", "to": "2026-03-01"},
        {"by": "x" * 257},
        {"by": ["a", "b"]},
    ],
    ids=str,
)
async def test_what_is_asked_for_wrongly_is_refused(api: Api, asked: dict[str, Any]) -> None:
    answer = await api.http.get("/admin/activity", params=asked, headers=ADMIN)
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_USER_INPUT")
    (name,) = {"to"} if "to" in asked else asked
    assert all(fault.startswith(name) for fault in answer.json()["errors"]), answer.text


async def test_activity_is_for_admins_of_every_role(api: Api) -> None:
    listing = api.services.activity
    for caller, refusal in ((Principal(), Unauthenticated), (Principal(user_id="u"), Forbidden)):
        for asked in (
            listing.window(caller, ActivityFilter(), Window()),
            listing.count(caller, ActivityFilter()),
            listing.count(caller, ActivityFilter(by="u")),
            listing.find_by_id(caller, COUPONS[0]),
        ):
            with pytest.raises(refusal):
                await asked
    await put(api, [row] if (row := some(1, seed=4)[0]) else [])
    for headers, status, code in (({}, 401, "UNAUTHENTICATED"), (bearer("u"), 403, "FORBIDDEN")):
        answer = await api.http.get("/admin/activity", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        (error,) = (await api.graphql("{ activity { totalCount } }", headers=headers))["errors"]
        assert error["extensions"]["code"] == code
        query = "query($id: ID!) { node(id: $id) { id } }"
        assert (await api.data(query, {"id": global_id("Activity", row.id)}, headers))["node"] is None
