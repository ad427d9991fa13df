"""What others are told of access codes: in the transaction of each change, once, and of nothing that did not change."""

from collections import Counter
from datetime import timedelta
from typing import Any

from models.access_codes.access_code import ActivateAccessCode, CreateAccessCode, DeactivateAccessCode
from models.access_codes.batches import (
    ActivateAccessCodeBatch,
    CreateAccessCodes,
    DeactivateAccessCodeBatch,
    ImportAccessCode,
)
from models.principal import SYSTEM
from services.registry import utc_now
from tests.integration.access_codes.test_batches import codes_of, generate
from tests.support.api import Api


async def told(api: Api) -> list[tuple[str, Any]]:
    """The topics of access codes and the values, in the order in which they are sent, since the last time."""
    rows = await api.services.database.outbox.find().sort([("at", 1), ("n", 1)]).to_list(None)
    await api.services.database.outbox.delete_many({})
    return [(row["topic"].removeprefix("couponSystem-"), row["value"]) for row in rows]


async def test_of_one_code_its_making_and_each_switch_that_changes_it(own_api: Api) -> None:
    codes = own_api.services.access_codes
    made = await codes.create(SYSTEM, CreateAccessCode(max_uses=1, expiry_days=1))
    for _ in range(2):
        await codes.deactivate(SYSTEM, DeactivateAccessCode(made.code))
    await codes.activate(SYSTEM, ActivateAccessCode(made.code))
    events = await told(own_api)
    assert [topic for topic, _ in events] == ["accessCodeCreated", "accessCodeSwitched", "accessCodeSwitched"]
    assert (events[0][1]["_id"], events[0][1]["code"], events[0][1]["createdBy"]) == (made.id, made.code, "system")
    assert [value["active"] for _, value in events[1:]] == [False, True]


async def test_of_each_of_a_thousand_codes_that_are_made_at_once(own_api: Api) -> None:
    command = CreateAccessCodes(max_uses=1, expiry_days=1, count=1_000, batch="b")
    made = await own_api.services.access_code_batches.create_many(SYSTEM, command)
    events = await told(own_api)
    assert Counter(topic for topic, _ in events) == {"accessCodeCreated": 1_000, "accessCodeBatchCreated": 1}
    assert {value["code"] for topic, value in events if topic == "accessCodeCreated"} == {code.code for code in made}
    assert {value.get("batch") for topic, value in events if topic == "accessCodeCreated"} == {"b"}


async def test_of_a_generated_batch_once_it_is_complete(own_api: Api) -> None:
    await generate(own_api, "b", 1_500)
    await generate(own_api, "b", 1_500)
    ((topic, value),) = await told(own_api)
    assert (topic, value["name"], value["codes"], value["maxUses"]) == ("accessCodeBatchCreated", "b", 1_500, 1)
    await generate(own_api, "b", 1_600)
    assert [value["codes"] for _, value in await told(own_api)] == [1_600]


async def test_of_imported_codes_by_their_batches(own_api: Api) -> None:
    later = utc_now() + timedelta(days=1)
    rows = [(n, ImportAccessCode(f"IMP{n:03}", 1, later, batch=("a", "b", None)[n % 3])) for n in range(9)]
    for _ in range(2):
        await own_api.services.access_code_batches.import_rows(SYSTEM, rows)
    events = await told(own_api)
    assert sorted((value["name"], value["codes"], value["maxUses"]) for _, value in events) == [
        ("a", 3, None),
        ("b", 3, None),
    ]


async def test_of_a_batch_that_is_switched_for_each_thousand_that_changes(own_api: Api) -> None:
    await generate(own_api, "b", 1_200)
    (first, *_) = await codes_of(own_api, "b")
    await own_api.services.access_codes.deactivate(SYSTEM, DeactivateAccessCode(first))
    await told(own_api)
    for command in (DeactivateAccessCodeBatch("b"), DeactivateAccessCodeBatch("b"), ActivateAccessCodeBatch("b")):
        async for _ in own_api.services.access_code_batches.switch(SYSTEM, command):
            pass
    events = await told(own_api)
    assert {topic for topic, _ in events} == {"accessCodeBatchSwitched"}
    assert [(value["active"], value["changed"]) for _, value in events] == [
        (False, 1_000),
        (False, 199),
        (True, 1_000),
        (True, 200),
    ]
