"""Every change of an admin, and every refund, has its row in its own transaction; other changes of users have none."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from models.access_codes.access_code import CreateAccessCode
from models.principal import SYSTEM
from models.usage.commands import CreateUsageFollower, UpsertUsageFollower
from models.usage.follower import FollowerKey, KeyKind, Limits
from models.verbs import VERBS, Verb
from server.app import create_app
from services.kit.database import Session
from services.usage.unit_of_work import Result
from tests.integration.access_codes.test_codes_cli import row as csv_row
from tests.integration.access_codes.test_codes_cli import run, write
from tests.integration.activity.support import rows_of
from tests.integration.graphql.conftest import served
from tests.integration.idempotency.changes import CHANGES, GRAPHQL_ALONE, Request
from tests.integration.idempotency.test_every_change import mutation_of
from tests.support.api import ADMIN, Api, bearer, settings_for, unique
from tests.support.orders import make_order, pay, payment
from tests.support.processes import ROOT, environment
from tests.support.round_trips import round_trips
from tests.support.talk import talk
from tests.support.usage import new_id

Prepare = Callable[[Api], Awaitable[Request]]


def verb_of(mutation: str) -> Verb:
    return VERBS[re.sub("([A-Z])", r"_\1", mutation).upper()]


async def ask(api: Api, change: Request, headers: dict[str, str], *, by_rest: bool) -> None:
    if by_rest:
        answer = await api.http.request(change.method, change.path, json=change.body, headers=headers)
        assert answer.status_code in (200, 201), answer.text
    else:
        body = {"query": mutation_of(change), "variables": {"input": change.input}}
        answer = await api.http.post("/graphql", json=body, headers=headers)
        assert answer.json()["data"]["result"]["__typename"].endswith("Payload"), answer.text


@pytest.mark.parametrize("prepare", CHANGES, ids=lambda prepare: prepare.__name__)
async def test_whatever_an_admin_does_by_graphql_has_one_row(api: Api, prepare: Prepare) -> None:
    change, request_id = await prepare(api), unique("request-")
    await ask(api, change, ADMIN | {"x-request-id": request_id}, by_rest=False)
    (row,) = await rows_of(api.services, requestId=request_id)
    assert row["verb"] == verb_of(change.mutation).name
    assert (row["transport"], row["by"]) == ("GRAPHQL", {"name": "admin", "kind": "KEY"})
    assert (row["outcome"], "code" in row, "message" in row, "expiresAt" in row) == ("DONE", False, False, False)
    if identifier := change.input.get("id"):
        assert [thing["_id"] for thing in row["objects"]] == [identifier]
    elif change.mutation not in ("repairCounters", "createAccessCodes"):
        assert len(row["objects"]) == 1


@pytest.mark.parametrize(
    "prepare", [one for one in CHANGES if one not in GRAPHQL_ALONE], ids=lambda prepare: prepare.__name__
)
async def test_by_rest_what_an_admin_does_has_one_row_too_and_of_users_only_refunds(api: Api, prepare: Prepare) -> None:
    change, request_id = await prepare(api), unique("request-")
    await ask(api, change, change.headers | {"x-request-id": request_id}, by_rest=True)
    rows = await rows_of(api.services, requestId=request_id)
    verb = verb_of(change.mutation)
    if change.headers is ADMIN or verb.of_anyone:
        (row,) = rows
        single = "CREATE_ACCESS_CODE" if verb.name == "CREATE_ACCESS_CODES" else verb.name
        assert (row["verb"], row["transport"], row["outcome"]) == (single, "REST", "DONE")
        assert row["by"]["kind"] == ("KEY" if change.headers is ADMIN else "USER")
    else:
        assert rows == []


async def test_a_refund_tells_whose_order_it_was_and_who_asked_for_it(api: Api) -> None:
    order = await make_order(api.services)
    path = f"/api/order/refundOrder/{order.id}"
    assert (await api.http.post(path, headers=bearer(order.user_id))).status_code == 200
    (row,) = await rows_of(api.services, **{"objects._id": order.id, "verb": "REFUND_ORDER"})
    assert row["by"] == {"name": order.user_id, "kind": "USER"}
    assert (row["objects"], row["subjects"]) == ([{"type": "Order", "_id": order.id}], [order.user_id])


async def test_what_events_do_is_told_for_as_long_as_refusals(api: Api) -> None:
    paid = payment()
    assert len(await pay(api.services, [paid, paid])) == 1
    assert await pay(api.services, [paid]) == []
    (row,) = await rows_of(api.services, subjects=paid["userId"])
    assert (row["verb"], row["transport"], row["by"]["kind"]) == ("CREATE_ORDER", "KAFKA", "SYSTEM")
    assert (row["expiresAt"] - row["at"]).days == 90


def test_what_is_done_on_the_command_line_is_told(database_uri: str, tmp_path: Path) -> None:
    file = write(tmp_path / "codes.csv", *(csv_row(n) for n in range(1_500)))
    assert run(database_uri, "generate", "--count", "3", "--batch", "spring")[0] == 0
    for _ in range(2):
        assert run(database_uri, "import", file)[0] == 0
    command = [sys.executable, "-m", "server", "audit", "--repair"]
    subprocess.run(command, cwd=ROOT, env=environment(MONGO_URI=database_uri), capture_output=True, check=True)
    with MongoClient[dict[str, Any]](database_uri) as client:
        rows = list(client.get_default_database()["activity"].find().sort([("at", 1), ("_id", 1)]))
    assert [one["verb"] for one in rows] == [
        "CREATE_ACCESS_CODES",
        "IMPORT_ACCESS_CODES",
        "IMPORT_ACCESS_CODES",
        "REPAIR_COUNTERS",
    ]
    assert rows[0]["objects"] == [{"type": "AccessCodeBatch", "_id": "spring"}]
    assert {(one["transport"], one["by"]["kind"], "expiresAt" in one) for one in rows} == {("CLI", "SYSTEM", False)}


async def test_a_batch_of_commands_has_its_rows_in_one_insert(own_api: Api) -> None:
    create = CreateAccessCode(max_uses=1, expiry_days=1)
    await own_api.services.access_codes.create(SYSTEM, create)
    with round_trips(own_api.settings.database) as trips:
        await asyncio.gather(*(own_api.services.access_codes.create(SYSTEM, create) for _ in range(60)))
    transactions = trips.names.count("commitTransaction")
    assert transactions < 20
    assert trips.names.count("insert activity") == transactions
    assert len(await rows_of(own_api.services, verb="CREATE_ACCESS_CODE", transport="CLI")) == 61


async def test_a_transaction_that_is_given_up_leaves_neither_the_change_nor_its_row(api: Api) -> None:
    campaign = FollowerKey(KeyKind.CAMPAIGN, new_id())
    made: list[str] = []

    async def work(session: Session) -> None:
        (result,) = await api.services.usage.carry_out(session, [UpsertUsageFollower(campaign, Limits())])
        made.append(_follower_of(result))
        raise KeyError

    with pytest.raises(KeyError):
        await api.services.database.transaction(work)
    assert await rows_of(api.services, **{"objects._id": made[0]}) == []


async def test_a_transaction_that_runs_again_leaves_one_row(api: Api) -> None:
    campaign, runs = FollowerKey(KeyKind.CAMPAIGN, new_id()), 0

    async def work(session: Session) -> str:
        nonlocal runs
        runs += 1
        (result,) = await api.services.usage.carry_out(session, [UpsertUsageFollower(campaign, Limits())])
        if runs == 1:
            raise OperationFailure("passing", 112, {"errorLabels": ["TransientTransactionError"]})
        return _follower_of(result)

    made = await api.services.database.transaction(work)
    assert runs == 2
    (row,) = await rows_of(api.services, **{"objects._id": made})
    assert (row["verb"], row["objects"]) == ("CREATE_USAGE_FOLLOWER", [{"type": "UsageFollower", "_id": made}])


async def test_a_change_that_is_refused_has_no_row_of_its_own(api: Api) -> None:
    campaign, request_id = new_id(), unique("request-")
    await api.services.usage.create(SYSTEM, CreateUsageFollower(campaign_id=campaign))
    body = {"campaignId": campaign}
    again = await api.http.post(
        "/api/usageFollower/create-follower", json=body, headers=ADMIN | {"x-request-id": request_id}
    )
    assert again.status_code == 409
    assert await rows_of(api.services, requestId=request_id) == []


async def test_each_operation_of_a_websocket_has_a_request_id_of_its_own(database_uri: str) -> None:
    app = create_app(settings_for(database_uri))
    made = "mutation { createAccessCode(input: {maxUses: 1, expiryDays: 1}) { __typename } }"
    async with (
        served(app, lifespan="on") as address,
        talk(address, additional_headers={"x-request-id": "socket"}) as one,
    ):
        await one.begin(**ADMIN)
        for _ in range(2):
            assert (await one.ask(made))["payload"]["data"]["createAccessCode"]["__typename"].endswith("Payload")
        rows = await rows_of(app.state.services, verb="CREATE_ACCESS_CODE")
    assert [(row["transport"], row["requestId"]) for row in rows] == [("GRAPHQL", "socket.1"), ("GRAPHQL", "socket.2")]


def _follower_of(result: Result | Exception) -> str:
    assert isinstance(result, tuple)
    identifier: Any = result[0].follower.id
    return str(identifier)
