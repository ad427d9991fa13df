"""The collections that may be spread over shards: their unique indexes allow it, and every command finds its shard.

No `mongos` runs here: what is judged is what is declared and what is sent.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any
from unittest.mock import PropertyMock

import pytest

from models.payment import parse_payment
from services.kit.database import Database
from services.kit.sharding import ShardKey
from services.sharding import SHARD_KEYS
from tests.support.api import ADMIN, Api, bearer, running_api, settings_for, unique
from tests.support.orders import make_order, payment
from tests.support.processes import ROOT
from tests.support.round_trips import Trip, round_trips
from tests.support.usage import follow, post

BY_NAME = {key.collection: key for key in SHARD_KEYS}
ASKS_ALL_SHARDS = {"find orders"}
"""An order that is named by its id alone, as it is refunded: read from all shards, then written to its own."""


async def test_every_unique_index_begins_with_the_key(own_api: Api) -> None:
    for key in SHARD_KEYS:
        made = await own_api.services.database.collection(key.collection).index_information()
        patterns = {name: tuple(field for field, _ in index["key"]) for name, index in made.items()}
        for name, index in made.items():
            # MongoDB itself keeps `_id` as it is: of ids that are drawn at random no two are alike anyway.
            if index.get("unique") and name != "_id_":
                assert patterns[name][: len(key.fields)] == key.fields, (key.collection, name)
        whole = [name for name, index in made.items() if not {"sparse", "partialFilterExpression"} & index.keys()]
        serves = any(patterns[name][: len(key.fields)] == key.fields for name in whole) and not key.hashed
        assert serves is not key.made_first, key.collection


def test_the_page_names_every_key_and_no_other() -> None:
    page = (ROOT / "docs/scaling.md").read_text()
    stated = dict(re.findall(r"^\| `(\w+)` \| `(\{[^`]*\})` \|", page, re.MULTILINE))
    assert stated == {key.collection: _shown(key) for key in SHARD_KEYS}


def _shown(key: ShardKey) -> str:
    return "{" + ", ".join(f"{field}: {json.dumps(kind)}" for field, kind in key.pattern.items()) + "}"


@pytest.fixture(params=[False, True], ids=["apart", "joined"])
async def sharded_api(
    request: pytest.FixtureRequest, database_uri: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Api]:
    """The application as it asks behind a `mongos`, and as it asks a replica set."""
    if not request.param:
        monkeypatch.setattr(Database, "joins", PropertyMock(return_value=False))
    async with running_api(settings_for(database_uri)) as api:
        yield api


async def test_every_command_of_a_request_carries_the_key(sharded_api: Api) -> None:
    api = sharded_api
    with round_trips(api.settings.database) as trips:
        await redeem(api)
        await use(api)
        await order(api)
    seen = {trip.collection for trip in trips.commands}
    assert seen >= BY_NAME.keys()
    for trip in trips.commands:
        key = BY_NAME.get(trip.collection)
        if key is not None and f"{trip.name} {trip.collection}" not in ASKS_ALL_SHARDS:
            for told in told_by(trip):
                assert carries(told, key), (trip.name, trip.collection, told)
    joins = [step for trip in trips.commands for step in trip.sent.get("pipeline", ()) if "$lookup" in step]
    # On a replica set whatever is joined is in the same place; a transaction behind a `mongos` joins nothing.
    assert bool(joins) is api.services.database.joins


def told_by(trip: Trip) -> Iterator[Mapping[str, Any]]:
    """What says whom a command is about: its filters, or the documents that it inserts."""
    match trip.name:
        case "insert":
            yield from trip.sent["documents"]
        case "update":
            yield from (each["q"] for each in trip.sent["updates"])
        case "delete":
            yield from (each["q"] for each in trip.sent["deletes"])
        case "find":
            yield trip.sent["filter"]
        case "findAndModify":
            yield trip.sent["query"]
        case "aggregate":
            yield trip.sent["pipeline"][0]["$match"]
        case other:
            pytest.fail(f"{other} is not known to name its shard")


def carries(told: Mapping[str, Any], key: ShardKey) -> bool:
    """Whether it names the first field of the key, and so does not ask all shards; with a user the others too."""
    if "$or" in told:
        return all(carries(each, key) for each in told["$or"])
    return key.fields[0] in told and ("_id" not in told or all(field in told for field in key.fields))


def test_what_names_an_id_alone_does_not_carry_a_key_of_other_fields() -> None:
    assert not carries({"_id": 1}, BY_NAME["orders"])
    assert not carries({"_id": 1, "followerId": 1}, BY_NAME["usagecounters"])
    assert carries({"_id": 1}, BY_NAME["inbox"])


async def redeem(api: Api) -> None:
    coupon = await api.coupon()
    for headers in ({}, {"Idempotency-Key": unique("k")}):
        body = {"redeemerTwitterId": unique("r"), "username": "someone", "followers": 1_000}
        answer = await api.http.post("/api/redeem", json=body | {"couponCode": coupon["couponCode"]}, headers=headers)
        assert answer.status_code == 200
    made = await api.http.post("/admin/access-code", json={"maxUses": 9, "expiryDays": 3}, headers=ADMIN)
    code = made.json()["data"]["accessCode"]["code"]
    answer = await api.http.post("/api/access-code/redeem", json={"code": code, "username": unique("n")})
    assert answer.status_code == 200


async def use(api: Api) -> None:
    campaign, user = await follow(api, maxTotalLimit=100, maxLimitPerCustomer=50), unique("u")
    for path, more in (("add-usage", 2), ("check-availability", 3), ("add-usage", 4)):
        body = {"userId": user, "campaignId": campaign, "usageAmount": more}
        assert (await post(api, path, body, bearer(user))).status_code == 200
    answer = await post(api, f"get-availability/{campaign}", {"userId": user}, bearer(user))
    assert answer.status_code == 200


async def order(api: Api) -> None:
    services = api.services
    paid = parse_payment(payment())

    async def create(session: Any, payments: Any) -> Any:
        await services.orders.create_from_payments(session, payments)
        return [None]

    assert await services.inbox.process([(unique("event"), paid)], create) == [None]
    for path in ("refundOrder/{}", "refundProductFromOrder/{}?productId=p1&quantity=1"):
        made = await make_order(services)
        answer = await api.http.post("/api/order/" + path.format(made.id), headers=ADMIN)
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("verb", [redeem, use, order])
async def test_apart_it_ends_as_it_does_joined(database_uri: str, monkeypatch: pytest.MonkeyPatch, verb: Any) -> None:
    monkeypatch.setattr(Database, "joins", PropertyMock(return_value=False))
    async with running_api(settings_for(database_uri)) as api:
        await verb(api)
        told = await api.data("{ audit { driftCount } }", {}, ADMIN)
        assert told["audit"]["driftCount"] == 0


async def test_a_replica_set_may_join(own_api: Api) -> None:
    assert own_api.services.database.joins is True
